"""Certificates, keys, CRLs and PKCS#12 files made by the `openssl` program, sound ones and odd ones.

    pki = Certificates(directory)
    ca = pki.root("ca")
    site = pki.issue(ca, "site1", names=["DNS:site1.example.com"])
    ca.certificate, site.certificate, site.key    # paths of PEM files

Certificates are valid from START to END unless dates are given, in the form of `openssl ca`.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

START = "20260101000000Z"
END = "20360101000000Z"

CA_EXTENSIONS = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign",
                 "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid")
END_EXTENSIONS = ("basicConstraints=CA:FALSE", "keyUsage=critical,digitalSignature", "subjectKeyIdentifier=hash",
                  "authorityKeyIdentifier=keyid")

# `openssl ca` is the one command of OpenSSL 3.0 that can set both dates.
CONFIG = """
[ca]
default_ca = it
[it]
database = {directory}/index.txt
new_certs_dir = {directory}
rand_serial = yes
crlnumber = {directory}/crlnumber
unique_subject = no
default_md = sha256
default_crl_days = 3650
default_days = 3650
copy_extensions = none
preserve = yes
policy = any
[any]
C = optional
ST = optional
L = optional
O = optional
OU = optional
CN = optional
DC = optional
emailAddress = optional
serialNumber = optional
[req]
distinguished_name = none
[none]
"""

KEYS = {
    "ec": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "p384": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "p521": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"),
    "p192": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-192"),
    "curve": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"),
    "exponent": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt",
                 f"rsa_keygen_pubexp:{2 ** 64 + 1}"),
    "ed25519": ("-algorithm", "ED25519"),
    "ed448": ("-algorithm", "ED448"),
    "rsa512": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:512"),
    "rsa1024": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"),
    "rsa2048": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "rsa3072": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"),
    "rsa4096": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"),
}


def openssl(*arguments, data=None):
    """Runs `openssl` and returns what it prints."""
    done = subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, check=False)
    assert done.returncode == 0, f"openssl {' '.join(map(str, arguments))}: {done.stderr.decode()}"
    return done.stdout


@dataclass
class Issued:
    """A certificate with its key; for a CA, what `openssl ca` keeps too."""

    name: str
    directory: Path

    @property
    def certificate(self):
        return self.directory / f"{self.name}.pem"

    @property
    def der(self):
        return self.directory / f"{self.name}.der"

    @property
    def key(self):
        return self.directory / f"{self.name}.key"

    @property
    def state(self):
        return self.directory / f"{self.name}.ca"


class Certificates:
    """A directory of certificates: NAME.pem, NAME.der and NAME.key."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)

    def key(self, name, kind="ec"):
        """Makes NAME.key, unless it is there."""
        path = self.directory / f"{name}.key"
        if not path.exists():
            openssl("genpkey", *KEYS[kind], "-out", path)
        return path

    def root(self, name, subject=None, extensions=CA_EXTENSIONS, **others):
        """A self-signed certificate, of a CA unless the extensions say otherwise."""
        return self.issue(None, name, subject, extensions=extensions, **others)

    def intermediate(self, issuer, name, subject=None, extensions=CA_EXTENSIONS, **others):
        """A CA below another one."""
        return self.issue(issuer, name, subject, extensions=extensions, **others)

    def issue(self, issuer, name, subject=None, names=(), extensions=END_EXTENSIONS, kind="ec", start=START, end=END,
              hash_name="sha256", options=(), add=()):
        """A certificate; `names` go to subjectAltName, `add` are more extensions. Without an issuer it signs
        itself."""
        made = Issued(name, self.directory)
        self.key(name, kind)
        alternative = ["subjectAltName=" + ",".join(names)] if names else []
        extensions = [*extensions, *alternative, *add]
        lines = self._state(made) / "extensions"
        lines.write_text("\n".join(extensions) + "\n")
        request = self._state(made) / "request"
        subject = f"/C=JP/O=Example/CN={name}" if subject is None else subject
        openssl("req", "-new", "-key", made.key, "-subj", subject or "/", "-config", self._state(made) / "config",
                "-out", request, "-utf8")
        signer = issuer or made
        by = ("-selfsign", "-keyfile", made.key) if issuer is None else ("-keyfile", issuer.key, "-cert",
                                                                         issuer.certificate)
        digest = () if hash_name is None else ("-md", hash_name)
        openssl("ca", "-batch", "-notext", "-config", self._state(signer) / "config", "-in", request, *by,
                "-startdate", start, "-enddate", end, "-extfile", lines, "-out", made.certificate, *digest, *options,
                "-utf8")
        openssl("x509", "-in", made.certificate, "-outform", "DER", "-out", made.der)
        return made

    def public_key(self, issuer, name, spki):
        """A certificate for a public key, SubjectPublicKeyInfo in DER, whose private key nobody has; valid from
        today on."""
        made = Issued(name, self.directory)
        key = self._state(made) / "public.pem"
        openssl("pkey", "-pubin", "-inform", "DER", "-in", spki, "-pubout", "-out", key)
        openssl("x509", "-new", "-subj", f"/C=JP/O=Example/CN={name}", "-force_pubkey", key, "-CA",
                issuer.certificate, "-CAkey", issuer.key, "-out", made.certificate)
        openssl("x509", "-in", made.certificate, "-outform", "DER", "-out", made.der)
        return made

    def revoke(self, issuer, issued):
        """Notes that a certificate is revoked, for the CRLs that follow."""
        openssl("ca", "-batch", "-config", self._state(issuer) / "config", "-keyfile", issuer.key, "-cert",
                issuer.certificate, "-revoke", issued.certificate)

    def crl(self, issuer, name, start=START, end=END, hash_name="sha256", extensions=("authorityKeyIdentifier=keyid",)):
        """NAME.pem and NAME.der, a CRL with what was revoked; returns the path of the PEM file."""
        path = self.directory / f"{name}.pem"
        config = self._state(issuer) / "crl-config"
        config.write_text((self._state(issuer) / "config").read_text() + "\n".join(["[more]", *extensions, ""]))
        section = ("-crlexts", "more") if extensions else ()
        openssl("ca", "-gencrl", "-config", config, *section, "-keyfile", issuer.key, "-cert",
                issuer.certificate, "-crl_lastupdate", start, "-crl_nextupdate", end, "-md", hash_name, "-out", path)
        openssl("crl", "-in", path, "-outform", "DER", "-out", path.with_suffix(".der"))
        return path

    def pkcs12(self, issued, name, password, chain=(), legacy=False, options=()):
        """NAME.p12, with the key, the certificate and a chain."""
        path = self.directory / f"{name}.p12"
        more = self.directory / f"{name}.chain"
        more.write_bytes(b"".join(c.certificate.read_bytes() for c in chain))
        with_chain = ("-certfile", more) if chain else ()
        openssl("pkcs12", "-export", "-inkey", issued.key, "-in", issued.certificate, *with_chain, "-out", path,
                "-passout", f"pass:{password}", *(("-legacy",) if legacy else ()), *options)
        return path

    def encrypted_key(self, issued, name, password, options=("-aes-256-cbc",)):
        """NAME.key, the key encrypted by a password, as PKCS#8."""
        path = self.directory / f"{name}.key"
        openssl("pkcs8", "-topk8", "-in", issued.key, "-v2", "aes-256-cbc", "-passout", f"pass:{password}", "-out",
                path)
        return path

    def _state(self, issued):
        if not issued.state.exists():
            issued.state.mkdir()
            (issued.state / "index.txt").touch()
            (issued.state / "crlnumber").write_text("01\n")
            (issued.state / "config").write_text(CONFIG.format(directory=issued.state))
        return issued.state
