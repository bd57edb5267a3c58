#!/usr/bin/python3
"""Makes the certificates of the unit tests of src/pki/, sound and odd ones, in a directory.

    make_certificates.py DIRECTORY
"""

import base64
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

# The path must be set first.
from lib.certificates import CA_EXTENSIONS, END_EXTENSIONS, Certificates, Issued, openssl  # noqa: E402

NO_CA = ("basicConstraints=critical,CA:FALSE", "keyUsage=critical,keyCertSign", "subjectKeyIdentifier=hash")


def der(tag, *content):
    """A value in DER."""
    octets = b"".join(content)
    digits = len(octets).to_bytes((len(octets).bit_length() + 7) // 8, "big")
    length = bytes([len(octets)]) if len(octets) < 128 else bytes([0x80 | len(digits)]) + digits
    return bytes([tag]) + length + octets


def end_of(octets, start):
    """Where the value ends that starts there."""
    length, at = octets[start + 1], start + 2
    if length & 0x80:
        at += length & 0x7f
        length = int.from_bytes(octets[start + 2:at], "big")
    return at + length


def respell(issuer, name, before, after):
    """Changes octets of NAME.der, a certificate or a CRL, once, and has the issuer sign it again."""
    path = issuer.directory / f"{name}.der"
    octets = path.read_bytes()
    start = 2 + (octets[1] & 0x7f if octets[1] & 0x80 else 0)
    middle = end_of(octets, start)
    told = octets[start:middle].replace(before, after, 1)
    assert told != octets[start:middle]
    signature = openssl("dgst", "-sha256", "-sign", issuer.key, data=told)
    path.write_bytes(der(0x30, told, octets[middle:end_of(octets, middle)], der(0x03, b"\0" + signature)))


def with_usage(usage):
    return ("basicConstraints=CA:FALSE", f"keyUsage=critical,{usage}", "subjectKeyIdentifier=hash",
            "authorityKeyIdentifier=keyid")


def ca_with(basic="CA:TRUE", usage="keyCertSign,cRLSign", *more):
    return (f"basicConstraints=critical,{basic}", f"keyUsage=critical,{usage}", "subjectKeyIdentifier=hash",
            "authorityKeyIdentifier=keyid", *more)


def make_names(pki, ca):
    pki.issue(ca, "names", names=["DNS:Site1.example.com", "DNS:*.wild.example.com", "email:admin@example.com",
                                  "IP:10.0.0.1", "IP:2001:db8::1", "dirName:other"],
              add=["[other]", "C=JP", "O=Example", "CN=alternative"])
    pki.issue(ca, "nameless")
    pki.issue(ca, "subjectless", subject="", names=["DNS:site2.example.com"])
    pki.issue(ca, "keyid", extensions=[*END_EXTENSIONS[:2], "subjectKeyIdentifier=73697465"])


def make_dates(pki, ca):
    pki.issue(ca, "expired", start="20200101000000Z", end="20260201000000Z")
    pki.issue(ca, "early", start="20270101000000Z")
    for name, at, spoilt in (("bad-start", b"260101000000Z", b"2601xx000000Z"),
                             ("bad-end", b"360101000000Z", b"3601xx000000Z")):
        pki.issue(ca, name)
        respell(ca, name, at, spoilt)
    old = pki.root("oldca", start="20200101000000Z", end="20260201000000Z")
    pki.issue(old, "of-oldca")


def make_chains(pki, ca):
    middle = pki.intermediate(ca, "middle")
    low = pki.intermediate(middle, "low")
    pki.issue(middle, "of-middle")
    pki.issue(low, "of-low")
    pki.issue(ca, "site1")
    self_signed = pki.root("selfsigned", extensions=END_EXTENSIONS[:3])
    assert self_signed
    other = pki.root("otherca")
    pki.issue(other, "of-otherca")
    # The same names and other keys; without key identifiers only the signature tells them from the true ones.
    fake = pki.root("fakeca", subject="/C=JP/O=Example/CN=ca")
    pki.issue(fake, "of-fakeca")
    pki.issue(fake, "of-fakeca-silent", extensions=[*END_EXTENSIONS[:3], "authorityKeyIdentifier=none"])
    rsa = pki.root("rsa-fakeca", subject="/C=JP/O=Example/CN=ca", kind="rsa2048")
    pki.issue(rsa, "of-rsa-fakeca", extensions=[*END_EXTENSIONS[:3], "authorityKeyIdentifier=none"])
    no_ca = pki.issue(ca, "noca", extensions=NO_CA)
    pki.issue(no_ca, "of-noca")
    no_sign = pki.intermediate(ca, "nosign", extensions=ca_with(usage="cRLSign"))
    pki.issue(no_sign, "of-nosign")
    short = pki.root("shortca", extensions=ca_with("CA:TRUE,pathlen:0"))
    below = pki.intermediate(short, "below-short")
    pki.issue(short, "of-shortca")
    pki.issue(below, "of-below-short")
    issuer = ca
    for i in range(8):
        issuer = pki.intermediate(issuer, f"deep{i}")
    pki.issue(issuer, "of-deep")


def make_usages(pki, ca):
    pki.issue(ca, "encipher", extensions=with_usage("keyEncipherment"))
    pki.issue(ca, "repudiate", extensions=with_usage("nonRepudiation"))
    pki.issue(ca, "unused", extensions=["basicConstraints=CA:FALSE"])
    for name, purpose in {"mail": "emailProtection", "code": "codeSigning", "server": "serverAuth",
                          "client": "clientAuth", "ike": "1.3.6.1.5.5.7.3.17", "intermediate": "1.3.6.1.5.5.8.2.2",
                          "any": "anyExtendedKeyUsage", "several": "codeSigning,serverAuth"}.items():
        pki.issue(ca, f"for-{name}", add=[f"extendedKeyUsage={purpose}"])
    mail = pki.intermediate(ca, "mailca", extensions=ca_with(), add=["extendedKeyUsage=emailProtection"])
    pki.issue(mail, "of-mailca")


def make_constraints(pki, ca):
    limited = pki.intermediate(ca, "limited", add=["nameConstraints=critical,permitted;DNS:example.com,"
                                                   "excluded;DNS:secret.example.com"])
    pki.issue(limited, "permitted", names=["DNS:site1.example.com"])
    pki.issue(limited, "not-permitted", names=["DNS:site1.example.net"])
    pki.issue(limited, "excluded", names=["DNS:a.secret.example.com"])
    pki.issue(ca, "critical", add=["1.3.6.1.4.1.99999.1=critical,ASN1:UTF8String:unknown"])
    pki.issue(ca, "uncritical", add=["1.3.6.1.4.1.99999.1=ASN1:UTF8String:unknown"])
    pki.issue(ca, "malformed", extensions=["basicConstraints=CA:FALSE", "keyUsage=DER:0500"])
    odd = pki.intermediate(ca, "oddly-limited", add=["nameConstraints=critical,permitted;RID:1.2.3"])
    pki.issue(odd, "of-oddly-limited", names=["RID:1.2.3.4"])
    # A minimum of 1; a range of addresses of 5 octets; a mail address without its "@".
    minimum = pki.intermediate(ca, "minimum", add=["nameConstraints=critical,DER:"
                                                   "3014a0123010820b6578616d706c652e636f6d800101"])
    pki.issue(minimum, "of-minimum", names=["DNS:a.example.com"])
    odd_range = pki.intermediate(ca, "odd-range", add=["nameConstraints=critical,DER:300ba009300787050a00000000"])
    pki.issue(odd_range, "of-odd-range", names=["IP:10.0.0.1"])
    mail_range = pki.intermediate(ca, "mail-range", add=["nameConstraints=critical,permitted;email:example.com"])
    pki.issue(mail_range, "of-mail-range", names=["email:nobody"])
    pki.issue(ca, "bad-policy", add=["policyConstraints=critical,DER:3000"])
    strict = pki.intermediate(ca, "strict", add=["policyConstraints=critical,requireExplicitPolicy:0",
                                                 "certificatePolicies=1.2.3.4"])
    pki.issue(strict, "without-policy")
    pki.issue(strict, "with-policy", add=["certificatePolicies=1.2.3.4"])


def make_strengths(pki, ca):
    pki.issue(ca, "rsa2048", kind="rsa2048", names=["DNS:site1.example.com"])
    pki.issue(ca, "rsa1024", kind="rsa1024")
    pki.issue(ca, "rsa512", kind="rsa512")
    pki.issue(ca, "p192", kind="p192")
    pki.issue(ca, "p384", kind="p384")
    pki.issue(ca, "p521", kind="p521")
    pki.issue(ca, "ed25519", kind="ed25519")
    pki.issue(ca, "ed448", kind="ed448")
    pki.issue(ca, "sha1", hash_name="sha1")
    pki.issue(ca, "sha384", hash_name="sha384")
    weak = pki.root("weakca", kind="rsa1024", hash_name="sha1")
    pki.issue(weak, "of-weakca")
    rsa = pki.root("rsaca", kind="rsa2048", hash_name="sha1")
    pki.issue(rsa, "of-rsaca")
    pki.issue(rsa, "md5", hash_name="md5")
    pki.issue(rsa, "pss", options=["-sigopt", "rsa_padding_mode:pss"])


def make_odd_keys(pki, ca):
    pki.issue(ca, "exponent", kind="exponent")
    pki.issue(ca, "curve", kind="curve")
    exponent = pki.intermediate(ca, "exponentca", kind="exponent")
    pki.issue(exponent, "of-exponentca")
    ed448 = pki.intermediate(ca, "ed448ca", kind="ed448")
    pki.issue(ed448, "of-ed448ca", hash_name="default")
    # A key of this size would take minutes to make, and nobody needs the private one.
    modulus = bytes([0xc5]) * 2048
    numbers = der(0x30, der(0x02, b"\0" + modulus), der(0x02, b"\1\0\1"))
    key = pki.directory / "rsa16384.spki"
    key.write_bytes(der(0x30, bytes.fromhex("300d06092a864886f70d0101010500"), der(0x03, b"\0" + numbers)))
    pki.public_key(ca, "rsa16384", key)


def make_crls(pki, ca):
    own = pki.root("crlca")
    middle = pki.intermediate(own, "crlmiddle")
    good = pki.issue(own, "unrevoked")
    bad = pki.issue(own, "revoked")
    pki.issue(middle, "of-crlmiddle")
    assert good
    pki.crl(own, "crl-empty")
    pki.revoke(own, bad)
    pki.crl(own, "crl")
    pki.crl(own, "crl-for-cas", extensions=["issuingDistributionPoint=critical,onlyCA:TRUE"])
    for name, at, spoilt in (("crl-bad-this", b"260101000000Z", b"2601xx000000Z"),
                             ("crl-bad-next", b"360101000000Z", b"3601xx000000Z")):
        pki.crl(own, name)
        respell(own, name, at, spoilt)
    pki.crl(own, "crl-expired", end="20260201000000Z")
    pki.crl(own, "crl-early", start="20270101000000Z")
    pki.revoke(own, middle)
    pki.crl(own, "crl-middle")
    fake = pki.root("crlfake", subject="/C=JP/O=Example/CN=crlca", extensions=CA_EXTENSIONS[:2])
    pki.crl(fake, "crl-fake")
    pki.crl(fake, "crl-fake-silent", extensions=())
    silent = pki.root("silentca", extensions=ca_with(usage="keyCertSign"))
    pki.issue(silent, "of-silentca")
    pki.crl(silent, "crl-of-silentca")
    pki.crl(own, "crl-critical", extensions=["1.3.6.1.4.1.99999.1=critical,ASN1:UTF8String:unknown"])
    pki.crl(own, "crl-delta", extensions=["2.5.29.27=critical,ASN1:INTEGER:1"])
    pki.crl(own, "crl-indirect", extensions=["issuingDistributionPoint=critical,indirectCRL:TRUE"])
    pki.crl(ca, "crl-of-ca")
    pki.crl(Issued("fakeca", pki.directory), "crl-of-fakeca", extensions=())
    pki.crl(middle, "crl-of-middle")


def make_gateways(pki, ca):
    low = Issued("low", pki.directory)
    names = {end: [f"DNS:{end}.example.com", f"email:admin@{end}.example.com", f"IP:{address}", f"IP:2001:db8::{digit}"]
             for end, address, digit in (("west", "10.1.0.1", 1), ("east", "10.2.0.1", 2))}
    for end in names:
        pki.issue(ca, end, kind="rsa2048", names=names[end])
        pki.issue(ca, f"{end}-ec", names=names[end])
    pki.issue(ca, "west-ed", kind="ed25519", names=names["west"])
    pki.issue(low, "west-low", names=names["west"])
    pki.issue(ca, "west-early", names=names["west"], start="20270101000000Z")
    pki.issue(ca, "west-expired", names=names["west"], start="20200101000000Z", end="20260201000000Z")
    pki.issue(ca, "west-weak", kind="rsa1024", names=names["west"])
    pki.issue(ca, "west-encipher", extensions=with_usage("keyEncipherment"), names=names["west"])
    pki.issue(ca, "west-mail", names=names["west"], add=["extendedKeyUsage=emailProtection"])
    pki.issue(Issued("otherca", pki.directory), "west-otherca", names=names["west"])
    pki.root("west-self", extensions=END_EXTENSIONS[:3], names=names["west"])


def make_slow_files(pki, site):
    """Files whose keys take 8388607 iterations of the password: one of their numbers of 65536 is made larger."""
    few, many = bytes.fromhex("0203010000"), bytes.fromhex("02037fffff")
    sound = pki.pkcs12(site, "iterations", "secret", options=["-iter", "65536"]).read_bytes()
    pieces = sound.split(few)
    assert len(pieces) == 4
    for i, part in enumerate(("certificates", "key", "mac")):
        spoilt = few.join(pieces[:i + 1]) + many + few.join(pieces[i + 1:])
        (pki.directory / f"many-iterations-{part}.p12").write_bytes(spoilt)
    for name, options, before, after in (
            ("pbkdf2", ("-iter", "65536"), few, many),
            # N of 16384, r of 8, and p of 127 for 1.
            ("scrypt", ("-scrypt",), bytes.fromhex("02024000020108020101"), bytes.fromhex("0202400002010802017f"))):
        encrypted = openssl("pkcs8", "-topk8", "-in", site.key, *options, "-passout", "pass:secret", "-outform", "DER")
        assert encrypted.count(before) == 1
        text = base64.encodebytes(encrypted.replace(before, after))
        (pki.directory / f"many-iterations-{name}.key").write_bytes(
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + text + b"-----END ENCRYPTED PRIVATE KEY-----\n")


def make_files(pki, ca):
    """What is imported: PKCS#12, encrypted keys, PEM with several things in it."""
    made = {path.stem: Issued(path.stem, pki.directory) for path in pki.directory.glob("*.pem")}
    low, middle, site = made["of-low"], made["middle"], made["rsa2048"]
    pki.pkcs12(site, "modern", "secret")
    pki.pkcs12(site, "legacy", "secret", legacy=True)
    pki.pkcs12(low, "with-chain", "secret", chain=[ca, site, middle, made["low"]])
    pki.pkcs12(site, "utf8", "秘密")
    pki.pkcs12(site, "without-mac", "secret", options=["-nomac"])
    openssl("pkcs12", "-export", "-nokeys", "-in", ca.certificate, "-out", pki.directory / "only-ca.p12", "-passout",
            "pass:secret")
    pki.encrypted_key(site, "encrypted", "secret")
    openssl("rsa", "-in", site.key, "-traditional", "-aes256", "-passout", "pass:secret", "-out",
            pki.directory / "traditional.key")
    openssl("ec", "-in", made["site1"].key, "-out", pki.directory / "traditional-ec.key")
    openssl("genpkey", "-algorithm", "X25519", "-out", pki.directory / "x25519.key")
    texts = {"chain-shuffled": [low, ca, site, middle, made["low"]], "bundle": [ca, made["otherca"]]}
    for name, certificates in texts.items():
        (pki.directory / f"{name}.pem").write_bytes(b"".join(c.certificate.read_bytes() for c in certificates))
    crls = [(pki.directory / name).read_bytes() for name in ("crl.pem", "crl-of-ca.pem")]
    (pki.directory / "two-crls.pem").write_bytes(b"".join(crls))
    cut_off = made["low"].certificate.read_bytes().partition(b"-----END")[0]
    (pki.directory / "damaged-chain.pem").write_bytes(low.certificate.read_bytes() + cut_off)
    make_slow_files(pki, site)
    (pki.directory / "key-and-certificate.pem").write_bytes(site.certificate.read_bytes() + site.key.read_bytes())


def main():
    directory = Path(sys.argv[1])
    shutil.rmtree(directory, ignore_errors=True)
    pki = Certificates(directory)
    ca = pki.root("ca")
    for make in (make_names, make_dates, make_chains, make_usages, make_constraints, make_strengths, make_odd_keys, make_crls,
                 make_files,
                 make_gateways):
        make(pki, ca)
    for state in directory.glob("*.ca"):
        shutil.rmtree(state)
    (directory / "made").touch()


if __name__ == "__main__":
    main()
