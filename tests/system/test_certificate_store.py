"""The device's certificate store by its commands: imports, refusals, files, a restart (R91, S31, S35)."""

import re
import stat

import pytest

from lib.certificates import Certificates
from lib.lab import Lab, wire
from lib.musubi import SHELL, Musubi
from lib.process import run

CONFIG = """\
interface GigaEthernet0.0
  ip address 10.1.0.1/24
  no shutdown
interface Tunnel0.0
  tunnel mode ipsec-ikev2
  ikev2 cert cacert name caCert
  ikev2 cert mycert name myCert
  ikev2 local-authentication rsa id fqdn site1.example.com
  ikev2 peer 10.1.0.2 authentication rsa id fqdn center.example.com
  no shutdown
"""


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """Certificates of a CA, with all that the tests import."""
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    ca = made.root("ca", kind="rsa2048")
    middle = made.intermediate(ca, "middle")
    site = made.issue(middle, "site1", kind="rsa2048", names=["DNS:site1.example.com", "IP:10.1.0.1"])
    old = made.issue(ca, "old", start="20200101000000Z", end="20210101000000Z")
    made.revoke(ca, old)
    made.crl(ca, "crl")
    (made.directory / "caCert.pem").write_bytes(ca.certificate.read_bytes())
    made.pkcs12(site, "box", "box-secret", chain=[middle, ca])
    made.pkcs12(site, "legacy", "box-secret", legacy=True)
    made.encrypted_key(site, "encrypted", "key-secret")
    return made.directory


def gateway_in(lab):
    """A gateway whose tunnel wants the certificates caCert and myCert."""
    host = lab.namespace("site1")
    wire(host, "ge0", lab.namespace("internet"), "wan")
    return Musubi(lab, host, CONFIG, ports={"GigaEthernet0": "ge0"}).start()


@pytest.fixture
def gateway(lab):
    running = gateway_in(lab)
    yield running
    running.stop()


def refused(gateway, command):
    """What a command that must fail prints."""
    done = gateway.command(command)
    assert done.status == 1, str(done)
    assert done.stdout == "", str(done)
    return done.stderr


def interface_state(gateway):
    return gateway.show("show interfaces Tunnel0.0")


def stored_files(gateway):
    directory = gateway.run_directory.parent / "state" / "pki"
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}


def test_R91_certificates_are_imported_shown_kept_and_erased(gateway, pki):
    gateway.show(f"pki cert import pem name caCert url file:{pki}/ca.pem")
    gateway.show(f"pki pkcs12 import crypto box-secret name myCert url file:{pki}/box.p12")
    gateway.show(f"pki crl import der name list url file:{pki}/crl.der")
    shown = gateway.show("show pki cert")
    for line in ("Certificate caCert", "  Subject : C=JP, O=Example, CN=ca", "  Key : RSA 2048 bits", "  CA : yes",
                 "  Private key : none", "  Used by : Tunnel0.0 (cacert)", "Certificate myCert",
                 "  Subject : C=JP, O=Example, CN=site1", "  Issuer  : C=JP, O=Example, CN=middle",
                 "  Not before : 2026-01-01 00:00:00 UTC", "  Not after  : 2036-01-01 00:00:00 UTC",
                 "  Alternative names : fqdn site1.example.com, ipv4 10.1.0.1", "  Private key : RSA 2048 bits",
                 "  Used by : Tunnel0.0 (mycert)", "  Chain certificate 1", "    Subject : C=JP, O=Example, CN=middle",
                 "CRL list", "  Issuer  : C=JP, O=Example, CN=ca", "  Revoked certificates : 1"):
        assert line in shown.splitlines(), f"{line!r} in:\n{shown}"
    assert re.search(r"^  Serial  : [0-9A-F]{38,40}$", shown, re.MULTILINE), shown
    assert re.search(r"^  Fingerprint SHA-256 : ([0-9A-F]{2}:){31}[0-9A-F]{2}$", shown, re.MULTILINE), shown
    listed = run("openssl", "crl", "-inform", "DER", "-in", str(pki / "crl.der"), "-noout", "-text").must_succeed().stdout
    serial = re.search(r"Serial Number: ([0-9A-F]+)", listed)[1]
    assert re.search(rf"^    {serial} since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC$", shown, re.MULTILINE), shown
    assert "PRIVATE" not in shown
    assert stored_files(gateway) == {"caCert.pem": 0o600, "myCert.pem": 0o600, "list.pem": 0o600}

    gateway.stop()
    gateway.start()
    assert gateway.show("show pki cert") == shown

    assert gateway.show("show pki cert name caCert") in shown
    done = gateway.command("pki cert erase name list", "pki cert erase name caCert")
    assert done.status == 0, str(done)
    assert "% Warning: `caCert` is used by Tunnel0.0 (cacert): no packet passes there" in done.stdout, str(done)
    assert "`caCert` was erased, and is used by Tunnel0.0 (cacert): no packet passes" in gateway.show("show logging")
    assert stored_files(gateway) == {"myCert.pem": 0o600}
    assert "no certificate" in refused(gateway, "show pki cert name caCert")


def test_R91_a_tunnel_can_be_used_once_its_certificates_are_there(gateway, pki):
    assert "no certificate `caCert` has been imported: Tunnel0.0 stays down" in gateway.log
    gateway.show(f"pki cert import pem name caCert url file:{pki}/ca.pem")
    gateway.show(f"pki cert import pem name myCert url file:{pki}/site1.pem")
    told = gateway.configure("hostname site1")
    assert "the certificate `myCert` has no private key: Tunnel0.0 stays down" in told
    gateway.show(f"pki private-key import pem name myCert url file:{pki}/site1.key")
    told = gateway.configure("hostname site1")
    assert "stays down" not in told


def test_S31_a_private_key_and_its_password(gateway, pki):
    gateway.show(f"pki private-key import pem name myCert crypto key-secret url file:{pki}/encrypted.key")
    gateway.show(f"pki cert import der name myCert url file:{pki}/site1.der")
    shown = gateway.show("show pki cert name myCert")
    assert "  Private key : RSA 2048 bits" in shown
    assert "password is wrong" in refused(
        gateway, f"pki private-key import pem name other crypto wrong-secret url file:{pki}/encrypted.key")
    assert "secret" not in gateway.log
    assert "secret" not in gateway.show("show logging")


def test_S35_the_shell_reads_the_file_from_where_it_runs(gateway, pki):
    script = f"cd {pki} && exec {SHELL} --run-dir {gateway.run_directory} -c"
    command = "pki cert import pem name caCert url file:caCert.pem"  # list 2.25.14
    gateway.host.must("sh", "-c", f"{script} '{command}'")
    assert "CN=ca" in gateway.show("show pki cert name caCert")
    done = gateway.feed_lines(f"pki cert import pem name second url file://{pki}/ca.pem",
                              f"configure\npki cert import pem name third url FILE:{pki}/ca.pem")
    assert done.status == 0, str(done)
    assert set(stored_files(gateway)) == {"caCert.pem", "second.pem", "third.pem"}


@pytest.mark.parametrize("command, text", [
    ("pki cert import pem name a url http://10.0.0.1/ca.pem", "% Only file: URLs can be imported, as in `url file:ca"),
    ("pki cert import pem name a url ca.pem", "% Only file: URLs can be imported, as in `url file:caCert.pem`"),
    ("pki cert import pem name a url file:/nowhere.pem", "% Can't read /nowhere.pem: No such file or directory"),
    ("pki cert import pem name a url file:/", "% Can't read /: Is a directory"),
    ("pki cert import pem name a url file:/dev/zero", "% /dev/zero is too large: it has more than 2097152 octets"),
    ("pki cert import pem name a url file:/dev/null", "% Can't import `a`: the file is empty"),
    ("pki cert import pem name a url file:PKI/ca.der",
     "% Can't import `a`: there is no certificate in PEM in it: it looks like a certificate in DER, for "
     "`pki cert import der`"),
    ("pki cert import pem name a url file:PKI/ca.key",
     "% Can't import `a`: there is no certificate in PEM in it: it looks like a private key in PEM, for "
     "`pki private-key import pem`"),
    ("pki pkcs12 import crypto wrong name a url file:PKI/box.p12",
     "% Can't import `a`: the password is wrong, or the file is damaged"),
    ("pki private-key import pem name a url file:PKI/encrypted.key",
     "% Can't import `a`: the private key is encrypted: give its password by `crypto PASSWORD`"),
    ("pki crl import pem name a url file:PKI/ca.pem", "% Can't import `a`: there is no CRL in PEM in it"),
    ("pki cert erase name a", "% Can't erase `a`: there is no certificate, key or CRL `a`"),
    ("pki cert import pem name a url", "% "),
])
def test_S35_wrong_input_is_told_and_changes_nothing(wrong_input_gateway, pki, command, text):
    said = refused(wrong_input_gateway, command.replace("PKI", str(pki)))
    assert text in said, said
    assert wrong_input_gateway.show("show pki cert") == "There are no certificates, private keys or CRLs\n"


@pytest.fixture(scope="module")
def wrong_input_gateway():
    with Lab() as lab:
        running = gateway_in(lab)
        yield running
        running.stop()


def test_R91_a_taken_name_and_a_wrong_key_are_refused(gateway, pki):
    gateway.show(f"pki pkcs12 import crypto box-secret name myCert url file:{pki}/legacy.p12")
    for command in (f"pki cert import pem name myCert url file:{pki}/ca.pem",
                    f"pki pkcs12 import crypto box-secret name myCert url file:{pki}/box.p12",
                    f"pki private-key import pem name myCert url file:{pki}/site1.key",
                    f"pki crl import pem name myCert url file:{pki}/crl.pem"):
        assert "erase it first (`pki cert erase name myCert`)" in refused(gateway, command)
    gateway.show(f"pki cert import pem name ca url file:{pki}/ca.pem")
    assert "is not that of the certificate" in refused(
        gateway, f"pki private-key import pem name ca url file:{pki}/site1.key")


def test_R91_what_will_not_serve_is_told_at_the_import(gateway, pki):
    old = gateway.command(f"pki cert import pem name old url file:{pki}/old.pem")
    assert "% Warning: the certificate of C=JP, O=Example, CN=old expired at 2021-01-01 00:00:00 UTC" in old.stdout
    crl = gateway.command(f"pki crl import pem name list url file:{pki}/crl.pem")
    assert "% Warning: the CRL is signed by no CA certificate that is stored here" in crl.stdout
    assert "Warning : the certificate expired at 2021-01-01 00:00:00 UTC" in gateway.show("show pki cert name old")
    gateway.stop()
    gateway.start()
    gateway.wait_for_log(r"the certificate `old` \(C=JP, O=Example, CN=old\) expired at 2021-01-01 00:00:00 UTC")


def test_R91_a_crash_loses_nothing_that_was_imported(gateway, pki):
    gateway.show(f"pki cert import pem name caCert url file:{pki}/ca.pem")
    gateway.kill()
    gateway.start()
    assert "CN=ca" in gateway.show("show pki cert name caCert")
