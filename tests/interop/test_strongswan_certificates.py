"""strongSwan with certificates, in both roles: RSA both ways, intermediate CAs, mixed methods, refusals (R2, R93)."""

import pytest

from lib.certificates import Certificates
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
  no shutdown
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


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """A CA, one below it, and certificates of both ends of several kinds."""
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    ca = made.root("ca", kind="rsa2048")
    middle = made.intermediate(ca, "middle", kind="rsa2048")
    for end in ("near", "far"):
        names = [f"DNS:{end}.example.com"]
        issued = [(made.issue(ca, f"{end}-rsa", kind="rsa2048", names=names), ()),
                  (made.issue(ca, f"{end}-ec", names=names), ()),
                  (made.issue(middle, f"{end}-low", kind="rsa4096", names=names), (middle,)),
                  (made.issue(ca, f"{end}-old", kind="rsa2048", names=names, start="20200101000000Z",
                              end="20210101000000Z"), ())]
        for one, chain in issued:
            made.pkcs12(one, one.name, "box-secret", chain=chain)
    return made


@pytest.fixture(scope="module", params=["", "  rsa_pss = yes\n"], ids=["PKCS#1 v1.5", "PSS"])
def network(request, pki):
    """Our side, and a daemon that signs by this padding."""
    with Lab() as lab:
        near = NearSide(lab)
        daemon = beside(lab, near, options=request.param)
        for folder, names in {"x509ca": ("ca", "middle"), "x509": ("far-rsa", "far-ec", "far-low", "far-old"),
                              "private": ("far-rsa", "far-ec", "far-low", "far-old")}.items():
            daemon.give(folder, [pki.directory / (f"{name}.key" if folder == "private" else f"{name}.pem")
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


def gateway_with(lab, near, pki, own="near-rsa", by_certificate=("rsa", "rsa")):
    gateway = Musubi(lab, near.host, MUSUBI.format(near=NEAR, far=FAR, secret=SECRET, own=by_certificate[0],
                                                   peer=by_certificate[1])).start()
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


REFUSED_BY_MUSUBI = {
    "far-old": r"the peer's certificate, C=JP, O=Example, CN=far-old, expired at 2021-01-01",
}


@DIRECTIONS
@pytest.mark.parametrize("certificate", REFUSED_BY_MUSUBI)
def test_S32_S34_a_certificate_that_does_not_hold_is_refused(lab, near, strongswan, pki, certificate, initiator):
    define(strongswan, by(certificate), BY_CA)
    gateway = gateway_with(lab, near, pki)

    if initiator == "musubi":
        near.lan.ping(FAR.inner4, count=1, wait=1)
    else:
        strongswan.must_fail_to_initiate()

    gateway.wait_for_log(REFUSED_BY_MUSUBI[certificate])
    gateway.stop()


@DIRECTIONS
def test_S34_strongswans_refusal_of_our_certificate_is_told(lab, near, strongswan, pki, initiator):
    define(strongswan, by("far-rsa"), BY_CA)
    gateway = gateway_with(lab, near, pki, "near-old")

    if initiator == "musubi":
        near.lan.ping(FAR.inner4, count=1, wait=1)
    else:
        strongswan.must_fail_to_initiate()

    gateway.wait_for_log(r"the peer does not accept FQDN near\.example\.com with the certificate myCert "
                         r"\(AUTHENTICATION_FAILED\)")
    gateway.stop()
