#!/usr/bin/python3
"""Compares the verdicts of src/pki/ with those of others on certificates that others have made, of Debian's package
python3-cryptography-vectors:

- NIST's Public Key Interoperability Test Suite (PKITS), with its CRLs and without: with `openssl verify`, and with
  what NIST says, which is in the names of the certificates;
- the odd certificates of the tests of Python's `cryptography`, each below itself: with `openssl verify`.

    compare_with_corpus.py VALIDATE DIRECTORY

Makes files in DIRECTORY. Each difference has to stand in a list below with its reason, and nothing else may.
"""

import base64
import shutil
import sys
from datetime import datetime
from pathlib import Path

sys.dont_write_bytecode = True

# The setting must be made first.
from compare_with_openssl import KEY_USAGE, NOW, OK, run, verdicts_of_openssl, verdicts_of_ours  # noqa: E402

CORPUS = Path("/usr/lib/python3/dist-packages/cryptography_vectors/x509")

# Reasons for another verdict than that of OpenSSL or NIST.
NO_DSA = "DSA proves no identity here"
NO_CRL = "of its issuer no CRL is there, so none is checked; `openssl verify` and NIST want one of each CA"
INDIRECT = "the CRLs for it are indirect, and such are not imported"
DELTA = "its delta CRL is not imported"
OTHER_KEY = "the CRL is signed by another key of the CA than the certificate"
SEVERAL = "the CRL does not cover all reasons or certificates; several of an issuer are not put together"
WEAK = "RSA under 2048 bits"
ED448 = "Ed448 is not supported"
USAGE = "the certificate is that of a CA or a web server, and its key usage does not let it sign"
PURPOSE = "its extended key usage is for other purposes"
TWICE = "an extension occurs twice (RFC 5280 4.2)"
GARBAGE = "`openssl verify` wants to read the other things in the file too"

UNLIKE_OPENSSL = {
    **dict.fromkeys(("DSACACert", "ValidDSASignaturesTest4EE", "DSACACert with CRLs",
                     "ValidDSASignaturesTest4EE with CRLs"), NO_DSA),
    **dict.fromkeys(("InvalidBadCRLIssuerNameTest5EE with CRLs", "InvalidMissingCRLTest1EE with CRLs",
                     "InvalidWrongCRLTest6EE with CRLs"), NO_CRL),
    **dict.fromkeys((f"{name}EE with CRLs" for name in (
        "InvalidIDPwithindirectCRLTest23", "InvalidIDPwithindirectCRLTest26", "InvalidcRLIssuerTest27",
        "InvalidcRLIssuerTest31", "InvalidcRLIssuerTest32", "InvalidcRLIssuerTest34", "InvalidcRLIssuerTest35",
        "ValidIDPwithindirectCRLTest22", "ValidIDPwithindirectCRLTest24", "ValidIDPwithindirectCRLTest25",
        "ValidcRLIssuerTest30", "ValidcRLIssuerTest33")), INDIRECT),
    **dict.fromkeys((f"{name}EE with CRLs" for name in (
        "InvaliddeltaCRLTest3", "InvaliddeltaCRLTest4", "InvaliddeltaCRLTest10", "ValiddeltaCRLTest5")), DELTA),
}
UNLIKE_NIST = {
    **dict.fromkeys(("ValidDSASignaturesTest4EE", "ValidDSAParameterInheritanceTest5EE"), NO_DSA),
    **dict.fromkeys(("InvalidBadCRLIssuerNameTest5EE", "InvalidMissingCRLTest1EE", "InvalidWrongCRLTest6EE"), NO_CRL),
    **dict.fromkeys((f"{name}EE" for name in (
        "InvalidIDPwithindirectCRLTest23", "InvalidIDPwithindirectCRLTest26", "InvalidcRLIssuerTest27",
        "InvalidcRLIssuerTest31", "InvalidcRLIssuerTest32", "InvalidcRLIssuerTest34",
        "InvalidcRLIssuerTest35")), INDIRECT),
    **dict.fromkeys(("InvaliddeltaCRLIndicatorNoBaseTest1EE", "InvaliddeltaCRLTest4EE", "ValiddeltaCRLTest5EE"), DELTA),
    **dict.fromkeys(("ValidBasicSelfIssuedCRLSigningKeyTest6EE", "ValidBasicSelfIssuedNewWithOldTest4EE",
                     "ValidSeparateCertificateandCRLKeysTest19EE"), OTHER_KEY),
    **dict.fromkeys(("ValidcRLIssuerTest28EE", "ValidcRLIssuerTest29EE", "ValidonlySomeReasonsTest18EE",
                     "ValidonlySomeReasonsTest19EE"), SEVERAL),
}
UNLIKE_OPENSSL_BELOW_ITSELF = {
    **dict.fromkeys(("alternate-rsa-sha1-oid", "cdp_all_reasons", "cdp_crl_issuer", "cdp_fullname_reasons_crl_issuer",
                     "cdp_reason_aa_compromise", "san_registered_id", "v1_cert", "verisign_md2_root"), WEAK),
    **dict.fromkeys(("accvraiz1", "department-of-state-root", "rapidssl_sha256_ca_g3"), USAGE),
    **dict.fromkeys(("root-ed448", "server-ed448-cert"), ED448),
    "dsa_selfsigned_ca": NO_DSA,
    "ec_no_named_curve": "the curve of its key has no name (RFC 5480 2.1.1)",
    "ed25519-rfc8410": "its key is one of X25519, which can't sign",
    "wosign-bc-invalid": PURPOSE,
    "two_basic_constraints": TWICE,
    "cryptography.io.with_garbage": GARBAGE,
}


def pem(path, kind):
    """A file in DER or PEM as PEM."""
    data = path.read_bytes()
    if b"-----BEGIN" in data:
        return data.decode("ascii", "replace")
    return f"-----BEGIN {kind}-----\n{base64.encodebytes(data).decode()}-----END {kind}-----\n"


def write(directory, paths, kind):
    """The files in PEM, each under its name."""
    directory.mkdir(parents=True)
    paths = sorted(paths)
    made = [directory / f"{path.stem}.pem" for path in paths]
    for path, into in zip(paths, made):
        into.write_text(pem(path, kind), encoding="ascii", errors="replace")
    return made


def concatenate(files, into):
    into.write_text("".join(file.read_text(encoding="ascii") for file in files), encoding="ascii")
    return into


class Comparison:
    """Verdicts of ours and of another one, and the differences."""

    def __init__(self, known):
        self.known = known
        self.seen = set()
        self.count = self.accepted = 0
        self.differences = []

    def add(self, name, other, fault, line):
        """`other` is whether the other one accepts it."""
        self.count += 1
        self.accepted += fault == OK
        if (fault == OK) == other:
            return
        self.seen.add(name)
        if name not in self.known:
            self.differences.append(f"{name}: the other one {'accepts' if other else 'refuses'}, ours {line}")

    def result(self, other):
        gone = sorted(set(self.known) - self.seen)
        self.differences += [f"{name}: in the list, but no difference" for name in gone]
        print(f"# {other}: {self.count} verdicts, {self.accepted} accepted, {len(self.seen)} differ by a known reason")
        return self.differences


def nist_accepts(name):
    """What the name of a certificate says; None if nothing."""
    return True if name.startswith("Valid") else False if name.startswith("Invalid") else None


def compare_with_nist(validate, directory):
    folder = CORPUS / "PKITS_data"
    files = write(directory / "pkits", (folder / "certs").glob("*.crt"), "CERTIFICATE")
    lists = write(directory / "pkits-crls", (folder / "crls").glob("*.crl"), "X509 CRL")
    pool, crls = concatenate(files, directory / "pkits.txt"), concatenate(lists, directory / "pkits-crls.txt")
    anchor = directory / "pkits" / "TrustAnchorRootCertificate.pem"
    openssl, nist = Comparison(UNLIKE_OPENSSL), Comparison(UNLIKE_NIST)
    for crl, options in (("-", ()), (crls, ("-crl_check_all", "-CRLfile", crls))):
        for file, other, (fault, line) in zip(files, verdicts_of_openssl(anchor, pool, files, *options),
                                              verdicts_of_ours(validate, anchor, pool, crl, files)):
            # CA certificates may not sign in IKE, as their key usage says; no CA is a gateway here.
            if not (fault == KEY_USAGE and not file.stem.endswith("EE")):
                openssl.add(f"{file.stem}{' with CRLs' if options else ''}", other, fault, line)
            if options and nist_accepts(file.stem) is not None:
                nist.add(file.stem, nist_accepts(file.stem), fault, line)
    return openssl.result("PKITS and OpenSSL") + nist.result("PKITS and NIST")


def middle_of(file):
    """A time at which the certificate is valid."""
    said = run("openssl", "x509", "-in", file, "-noout", "-startdate", "-enddate", "-dateopt", "iso_8601").stdout
    times = [datetime.strptime(line.split("=", 1)[1].strip("Z"), "%Y-%m-%d %H:%M:%S").timestamp()
             for line in said.splitlines() if "-" in line]
    return int(sum(times) / len(times)) if len(times) == 2 else NOW


def compare_odd_ones(validate, directory):
    paths = [path for folder in (".", "custom", "custom/ca", "ed25519", "ed448") for suffix in ("pem", "der")
             for path in (CORPUS / folder).glob(f"*.{suffix}")]
    files = write(directory / "odd", paths, "CERTIFICATE")
    compared = Comparison(UNLIKE_OPENSSL_BELOW_ITSELF)
    for file in files:
        if "-----BEGIN CERTIFICATE-----" not in file.read_text(encoding="ascii"):
            continue
        now = middle_of(file)
        (other,) = verdicts_of_openssl(file, file, [file], now=now)
        line = run(validate, now, file, "-", "-", file).stdout or "-1 it can't be read"
        compared.add(file.stem, other, int(line.split(" ", 1)[0]), line)
    return compared.result("The odd ones and OpenSSL")


def main():
    validate, directory = map(Path, sys.argv[1:3])
    if not CORPUS.exists():
        sys.exit(f"There is no {CORPUS}; it is installed by: tools/install-packages test")
    shutil.rmtree(directory, ignore_errors=True)
    differences = compare_with_nist(validate, directory) + compare_odd_ones(validate, directory)
    print(*differences, sep="\n")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
