"""strongSwan with certificates, in both roles: RSA both ways, intermediate CAs, mixed methods, refusals (R2, R93)."""

import re
import shutil

import pytest

from lib.certificates import END_EXTENSIONS, Certificates
from lib.direct import FAR, NEAR, SECRET, NearSide
from lib.lab import Lab
from lib.musubi import Musubi
from lib.strongswan import beside

MUSUBI = """\
ikev2 authentication psk id fqdn near.example.com key char {secret}
ikev2 authentication psk id fqdn far.example.com key char {secret}
interface GigaEthernet0.0
  ip address {near.outer4}/24
  no shutdown
interface GigaEthernet1.0
  ip address {near.inner4}/24
  no shutdown
interface {near.tunnel}
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet1.0
  ikev2 nat-traversal keepalive 20
  ikev2 cert cacert name caCert
  ikev2 cert mycert name myCert
  ikev2 local-authentication {own} id fqdn near.example.com
  ikev2 peer {far.outer4} authentication {peer} id fqdn far.example.com
{lines}  no shutdown
ip route {far.subnet4} {near.tunnel}
"""

STRONGSWAN = """
connections {{
  musubi {{
    version = 2
    mobike = no
    encap = yes
    local_addrs = {far.outer4}
    remote_addrs = {near.outer4}
    proposals = aes256-sha256-modp2048
    local {{
      id = far.example.com
{own}    }}
    remote {{
      id = near.example.com
{peer}    }}
    children {{
      net {{
        local_ts = {far.subnet4}
        remote_ts = {near.subnet4}
        esp_proposals = aes256-sha256
      }}
    }}
  }}
}}
secrets {{
  ike-both {{
    id-1 = far.example.com
    id-2 = near.example.com
    secret = "{secret}"
  }}
}}
"""

PSK = "      auth = psk\n"
BY_CA = "      auth = pubkey\n      cacerts = ca.pem\n"
DIRECTIONS = pytest.mark.parametrize("initiator", ["musubi", "strongswan"])


ENDS = ("near", "far")
ENCIPHERS = [END_EXTENSIONS[0], "keyUsage=critical,keyEncipherment", *END_EXTENSIONS[2:]]

# What is wrong with a certificate of either end, and how it is made.
ODD = {
    "early": {"start": "20350101000000Z"},
    "old": {"start": "20200101000000Z", "end": "20210101000000Z"},
    "stray": {"issuer": "other"},
    "other": {"names": ["DNS:other.example.com"]},
    "revoked": {},
    "encipher": {"extensions": ENCIPHERS},
    "mail": {"add": ["extendedKeyUsage=emailProtection"]},
    "short": {"kind": "rsa1024"},
    "sha1": {"hash_name": "sha1"},
    "cut": {"issuer": "hidden"},
}
SOUND = ("rsa", "ec", "low")


def issue(made, issuer, name, kind="rsa2048", **ways):
    """A certificate. Those with the same kind of key share it, since keys take long to make."""
    shutil.copy(made.key(kind, kind), made.directory / f"{name}.key")
    return made.issue(issuer, name, **ways)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """CAs, and certificates of both ends of several kinds."""
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    ca = made.root("ca", kind="rsa2048")
    middle = made.intermediate(ca, "middle", kind="rsa2048")
    # A CA that neither end knows, and one whose certificate nobody sends.
    authorities = {"ca": ca, "other": made.root("other"), "hidden": made.intermediate(ca, "hidden")}
    for end in ENDS:
        names = [f"DNS:{end}.example.com"]
        issued = [(issue(made, ca, f"{end}-rsa", names=names), ()),
                  (issue(made, ca, f"{end}-ec", kind="ec", names=names), ()),
                  (issue(made, middle, f"{end}-low", kind="rsa4096", names=names), (middle,))]
        for name, ways in ODD.items():
            ways = {"names": names, **ways}
            issued.append((issue(made, authorities[ways.pop("issuer", "ca")], f"{end}-{name}", **ways), ()))
        for one, chain in issued:
            made.pkcs12(one, one.name, "box-secret", chain=chain)
            if one.name.endswith("-revoked"):
                made.revoke(ca, one)
    made.crl(ca, "crl")
    return made


@pytest.fixture(scope="module", params=["", "  rsa_pss = yes\n"], ids=["PKCS#1 v1.5", "PSS"])
def network(request, pki):
    """Our side, and a daemon that signs by this padding."""
    with Lab() as lab:
        near = NearSide(lab)
        # What a test demands of keys and signatures is for certificates, not for AUTH.
        daemon = beside(lab, near, options=f"  signature_authentication_constraints = no\n{request.param}")
        own = [f"far-{name}" for name in (*SOUND, *ODD)]
        for folder, names in {"x509ca": ("ca", "middle"), "x509": own, "private": own, "x509crl": ("crl",)}.items():
            daemon.give(folder, [pki.directory / f"{name}.{'key' if folder == 'private' else 'pem'}"
                                 for name in names])
        yield near, daemon


@pytest.fixture
def near(network):
    return network[0]


@pytest.fixture
def strongswan(network):
    return network[1]


def by(certificate):
    return f"      auth = pubkey\n      certs = {certificate}.pem\n"


def define(strongswan, own, peer):
    strongswan.load(STRONGSWAN.format(near=NEAR, far=FAR, secret=SECRET, own=own, peer=peer))


def gateway_with(lab, near, pki, own="near-rsa", by_certificate=("rsa", "rsa"), lines=""):
    gateway = Musubi(lab, near.host, MUSUBI.format(near=NEAR, far=FAR, secret=SECRET, own=by_certificate[0],
                                                   peer=by_certificate[1], lines=lines)).start()
    gateway.show(f"pki cert import pem name caCert url file:{pki.directory}/ca.pem")
    gateway.show(f"pki pkcs12 import crypto box-secret name myCert url file:{pki.directory}/{own}.p12")
    return gateway


def bring_up(initiator, near, strongswan):
    if initiator == "musubi":
        near.lan.must_reach(FAR.inner4, count=1, wait=10)
    else:
        strongswan.initiate()


CASES = {
    "RSA both ways": ("far-rsa", "near-rsa"),
    "RSA-4096 below intermediate CAs": ("far-low", "near-low"),
    "ECDSA both ways": ("far-ec", "near-ec"),
    "strongSwan by RSA, Musubi by key": ("far-rsa", None),
    "strongSwan by key, Musubi by RSA": (None, "near-rsa"),
}


@DIRECTIONS
@pytest.mark.parametrize("case", CASES)
def test_R2_each_end_proves_itself_in_its_way(lab, near, strongswan, pki, case, initiator):
    far, own = CASES[case]
    define(strongswan, by(far) if far else PSK, BY_CA if own else PSK)
    gateway = gateway_with(lab, near, pki, own or "near-rsa", ("rsa" if own else "psk", "rsa" if far else "psk"))

    bring_up(initiator, near, strongswan)

    ike, _ = gateway.wait_for_sa()
    assert (ike.fields["Local ID"], ike.fields["Peer ID"]) == ("FQDN near.example.com", "FQDN far.example.com")
    near.lan.must_reach(FAR.inner4)
    gateway.stop()
    strongswan.wait_for_no_sa()


@DIRECTIONS
@pytest.mark.parametrize("network", ["  signature_authentication = no\n"], ids=["without RFC 7427"], indirect=True)
@pytest.mark.parametrize("far, own", [("far-ec", "near-ec"), ("far-rsa", "near-rsa")], ids=["method 9", "method 1"])
def test_S32_without_rfc_7427_ends_sign_by_the_older_methods(lab, near, strongswan, pki, far, own, initiator):
    define(strongswan, by(far), BY_CA)
    gateway = gateway_with(lab, near, pki, own)

    bring_up(initiator, near, strongswan)

    gateway.wait_for_sa()
    near.lan.must_reach(FAR.inner4)
    gateway.stop()
    strongswan.wait_for_no_sa()


def lines_of(*texts):
    """The lines of our config that begin so, as the log names them."""
    numbers = [number for number, line in enumerate(MUSUBI.splitlines(), 1) if line.strip().startswith(texts)]
    assert len(numbers) == len(texts)
    return f"lines {', '.join(map(str, numbers))}"


def attempt(initiator, near, strongswan):
    """A negotiation that has to fail by an answer."""
    if initiator == "musubi":
        near.lan.ping(FAR.inner4, count=1, wait=0.1)
    else:
        strongswan.must_fail_to_initiate()


# What our log says of the certificates of strongSwan's end.
REFUSED_BY_MUSUBI = {
    "early": "the peer's certificate, {dn}, is not valid before 2035-01-01 00:00:00 UTC, and it is now {now} "
             "(RFC 5280 4.1.2.5)",
    "old": "the peer's certificate, {dn}, expired at 2021-01-01 00:00:00 UTC, and it is now {now} (RFC 5280 4.1.2.5)",
    "stray": "the peer's certificate, {dn}, was issued by C=JP, O=Example, CN=other, which is not the configured CA, "
             "C=JP, O=Example, CN=ca, and whose certificate the peer did not send (RFC 5280 6.1)",
    "other": "the certificate of {dn}, is for fqdn other.example.com, not for the ID fqdn far.example.com",
    "revoked": "the peer's certificate, {dn}, is revoked by the CRL of C=JP, O=Example, CN=ca "
               "(RFC 5280 6.3)",
    "encipher": "the peer's certificate, {dn}, may not sign: its key usage has neither digitalSignature nor "
                "nonRepudiation (RFC 4945 5.1.3.2)",
    "mail": "the peer's certificate, {dn}, is for other purposes than IKE: its extended key usage has neither "
            "ipsecIKE nor anyExtendedKeyUsage, serverAuth or clientAuth (RFC 4945 5.1.3.12)",
    "short": "the peer's certificate, {dn}, has a weak key, RSA 1024 bits; it must have 2048 bits, unless "
             "`cert weak-allowed` is set",
    "sha1": "the peer's certificate, {dn}, has a weak signature, RSA-SHA1; it must be by SHA-2, unless "
            "`cert weak-allowed` is set",
    "cut": "the peer's certificate, {dn}, was issued by C=JP, O=Example, CN=hidden, which is not the configured CA, "
           "C=JP, O=Example, CN=ca, and whose certificate the peer did not send (RFC 5280 6.1)",
}
ONE_PADDING = pytest.mark.parametrize("network", [""], ids=["PKCS#1 v1.5"], indirect=True)


def pattern_of(text, name):
    return re.escape(text).replace(r"\{dn\}", f"C=JP, O=Example, CN={name}, serial [0-9A-F]+").replace(
        r"\{now\}", r"[-0-9]+ [:0-9]+ UTC")


@DIRECTIONS
@ONE_PADDING
@pytest.mark.parametrize("odd", REFUSED_BY_MUSUBI)
def test_S32_S34_strongswans_certificate_that_does_not_hold_is_refused(lab, near, strongswan, pki, odd, initiator):
    define(strongswan, by(f"far-{odd}"), BY_CA)
    gateway = gateway_with(lab, near, pki)
    gateway.show(f"pki crl import pem name list url file:{pki.directory}/crl.pem")

    attempt(initiator, near, strongswan)

    reason = pattern_of(REFUSED_BY_MUSUBI[odd], f"far-{odd}")
    lines = lines_of("ikev2 cert cacert", "ikev2 peer")
    gateway.wait_for_log(rf"Tunnel1\.0: negotiation failed: the peer FQDN far\.example\.com is not accepted by "
                         rf"certificate: {reason}; {lines}\n")
    strongswan.wait_for_no_sa()
    gateway.wait_for_no_sa()
    gateway.stop()


@DIRECTIONS
@ONE_PADDING
@pytest.mark.parametrize("odd", ["short", "sha1"])
def test_S32_a_weak_certificate_of_strongswan_is_accepted_where_that_is_allowed(lab, near, strongswan, pki, odd,
                                                                                initiator):
    define(strongswan, by(f"far-{odd}"), BY_CA)
    gateway = gateway_with(lab, near, pki, lines="  ikev2 cert weak-allowed\n")

    bring_up(initiator, near, strongswan)

    gateway.wait_for_sa()
    near.lan.must_reach(FAR.inner4)
    gateway.stop()
    strongswan.wait_for_no_sa()


# What strongSwan's log says of ours.
REFUSED_BY_STRONGSWAN = {
    "early": r"subject certificate invalid \(valid from Jan 01 .*2035",
    "old": r"subject certificate invalid \(valid from Jan 01 .*2020",
    "stray": r"no issuer certificate found for \"C=JP, O=Example, CN=near-stray\"",
    "other": r"no trusted RSA public key found for 'near\.example\.com'",
    "revoked": r"certificate was revoked on",
    "encipher": r"rejecting certificate without digitalSignature or nonRepudiation keyUsage flags",
    "short": r"RSA-1024 signatures not acceptable",
    "sha1": r"X\.509 signature scheme RSA_EMSA_PKCS1_SHA1 not acceptable",
    "cut": r"no issuer certificate found for \"C=JP, O=Example, CN=near-cut\"",
}


@DIRECTIONS
@ONE_PADDING
@pytest.mark.parametrize("odd", REFUSED_BY_STRONGSWAN)
def test_S34_strongswans_refusal_of_our_certificate_is_told(lab, near, strongswan, pki, odd, initiator):
    define(strongswan, by("far-rsa"), BY_CA.replace("pubkey", "rsa-2048-sha256"))
    gateway = gateway_with(lab, near, pki, f"near-{odd}")

    attempt(initiator, near, strongswan)

    lines = lines_of("ikev2 cert mycert", "ikev2 local-authentication")
    gateway.wait_for_log(r"Tunnel1\.0: negotiation failed: the peer does not accept FQDN near\.example\.com with the "
                         r"certificate myCert(, or it is not FQDN far\.example\.com, which it was asked for)? "
                         rf"\(AUTHENTICATION_FAILED\): C=JP, O=Example, CN=near-{odd}, serial "
                         r"[0-9A-F]+, issued by C=JP, O=Example, CN=[a-z]+, signed by RSA .*; the log of the peer "
                         rf"tells why it is refused; {lines}(, \d+)?\n")
    strongswan.wait_for_log(REFUSED_BY_STRONGSWAN[odd])
    strongswan.wait_for_no_sa()
    gateway.wait_for_no_sa()
    gateway.stop()


@DIRECTIONS
@ONE_PADDING
def test_R2_strongswan_does_not_look_at_the_extended_key_usage_of_ours(lab, near, strongswan, pki, initiator):
    define(strongswan, by("far-rsa"), BY_CA)
    gateway = gateway_with(lab, near, pki, "near-mail")

    bring_up(initiator, near, strongswan)

    gateway.wait_for_sa()
    near.lan.must_reach(FAR.inner4)
    gateway.stop()
    strongswan.wait_for_no_sa()
