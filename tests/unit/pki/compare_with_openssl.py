#!/usr/bin/python3
"""Compares the verdicts of src/pki/ with those of `openssl verify`, for every certificate of the unit tests below each
of several CAs, with CRLs and without.

    compare_with_openssl.py VALIDATE DIRECTORY

What OpenSSL refuses has to be refused. What it accepts has to be accepted, unless one of the checks refuses it that
OpenSSL leaves to its callers.
"""

import re
import subprocess
import sys
from pathlib import Path

NOW = 1780272000    # as material.h has it
DEPTH = 6           # certificates between the two ends, as validate.c has it

# Numbers of enum validation_fault.
OK = 0
ALGORITHM, KEY_USAGE, EXTENDED_KEY_USAGE, WEAK_KEY, WEAK_SIGNATURE = 5, 10, 11, 16, 17
STRICTER = {ALGORITHM, KEY_USAGE, EXTENDED_KEY_USAGE, WEAK_KEY, WEAK_SIGNATURE}

ANCHORS = ("ca", "middle", "otherca", "fakeca", "selfsigned", "shortca", "oldca", "limited", "rsaca", "crlca", "noca")
CRLS = ("crl", "crl-expired", "crl-early", "crl-fake", "crl-for-cas")


def run(*argv):
    return subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False)


def verdicts_of_openssl(anchor, pool, files, *options, now=NOW):
    """True or False for each file. Without CRLs, since `openssl verify` can't check only the CAs that have one, unless
    the options say otherwise."""
    argv = ("openssl", "verify", "-partial_chain", "-policy_check", "-policy", "2.5.29.32.0", "-attime", now,
            "-verify_depth", DEPTH, "-CAfile", anchor, "-untrusted", pool)
    said = run(*argv, *options, *files).stdout
    return [re.search(rf"^{re.escape(str(file))}: OK$", said, re.MULTILINE) is not None for file in files]


def verdicts_of_ours(validate, anchor, pool, crls, files, now=NOW):
    """The number of the fault and the reason, for each file."""
    done = run(validate, now, anchor, pool, crls, *files)
    assert done.returncode == 0, done
    lines = done.stdout.splitlines()
    assert len(lines) == len(files), done
    return [(int(line.split(" ", 1)[0]), line) for line in lines]


def is_certificate(path):
    text = path.read_text(encoding="ascii")
    return text.startswith("-----BEGIN CERTIFICATE-----") and text.count("-----BEGIN ") == 1


def compare(validate, directory):
    """The differences, and the number of verdicts."""
    files = sorted(filter(is_certificate, directory.glob("*.pem")))
    pool = directory / "pool.txt"
    pool.write_text("".join(path.read_text(encoding="ascii") for path in files), encoding="ascii")
    differences, accepted, count = [], 0, 0
    for name in ANCHORS:
        anchor = directory / f"{name}.pem"
        others = verdicts_of_openssl(anchor, pool, files)
        ours = verdicts_of_ours(validate, anchor, pool, "-", files)
        for file, other, (fault, line) in zip(files, others, ours):
            count += 1
            accepted += fault == OK
            if (fault == OK) != other and not (other and fault in STRICTER):
                differences.append(f"{name} <- {file.stem}: OpenSSL {'accepts' if other else 'refuses'}, ours {line}")
    return differences, accepted, count


def crls_only_refuse(validate, directory):
    """What is accepted with a CRL that is not accepted without it."""
    files = sorted(filter(is_certificate, directory.glob("*.pem")))
    anchor, pool = directory / "crlca.pem", directory / "pool.txt"
    without = verdicts_of_ours(validate, anchor, pool, "-", files)
    return [f"{crl}: {file.stem}" for crl in CRLS
            for file, (before, _), (fault, _) in zip(files, without, verdicts_of_ours(
                validate, anchor, pool, directory / f"{crl}.pem", files)) if fault == OK and before != OK]


def main():
    validate, directory = map(Path, sys.argv[1:3])
    differences, accepted, count = compare(validate, directory)
    differences += crls_only_refuse(validate, directory)
    assert accepted > len(ANCHORS), f"only {accepted} of {count} are accepted"
    print("\n".join(differences))
    print(f"{count} verdicts, {accepted} accepted, {len(differences)} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
