"""OpenIKED, with ESP in a Linux kernel (6.1 in user-mode-linux), with certificates, in both roles."""

import pytest

from lib import kernel_esp
from lib.certificates import Certificates
from lib.direct import FAR, NEAR, NearSide
from lib.kernel_esp import must_be_plain
from lib.openiked import OpenIked

OUR_ID, PEER_ID = NEAR.identity("fqdn"), FAR.identity("fqdn")
# Both ends by RSA; later lines replace earlier ones. OpenIKED narrows no selectors.
LINES = f"""\
ikev2 cert cacert name caCert
ikev2 cert mycert name myCert
ikev2 local-authentication rsa id {OUR_ID}
ikev2 peer {FAR.outer4} authentication rsa id {PEER_ID}
ikev2 local-ts {NEAR.subnet4}
ikev2 remote-ts {FAR.subnet4}
ikev2 child-proposal integrity sha1
"""


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    ca = made.root("ca", kind="rsa2048")
    made.issue(ca, "far", kind="rsa2048", names=[f"DNS:{PEER_ID.value}"])
    made.pkcs12(made.issue(ca, "near", kind="rsa2048", names=[f"DNS:{OUR_ID.value}"]), "near", "box-secret")
    made.pkcs12(made.issue(ca, "other", kind="rsa2048", names=["DNS:other.example"]), "other", "box-secret")
    return made.directory


@pytest.fixture(scope="module")
def near(module_lab):
    return NearSide(module_lab)


@pytest.fixture(scope="module")
def openiked(module_lab, near):
    return OpenIked(module_lab, kernel_esp.beside(module_lab, near))


def gateway_with(lab, near, pki, own="near"):
    gateway = near.gateway(lab, lines=LINES, ids=(OUR_ID, PEER_ID))
    gateway.show(f"pki cert import pem name caCert url file:{pki}/ca.pem")
    gateway.show(f"pki pkcs12 import crypto box-secret name myCert url file:{pki}/{own}.p12")
    return gateway


def start(openiked, pki, mode, auth="rfc7427"):
    openiked.start(mode, (pki / "ca.pem", pki / "far.pem", pki / "far.key"), PEER_ID.value, OUR_ID.value, auth)


@pytest.mark.parametrize("initiator, auth", [("musubi", "rfc7427"), ("openiked", "rsa")])
def test_R2_S32_openiked_and_musubi_accept_each_others_certificate(lab, near, openiked, pki, initiator, auth):
    gateway = gateway_with(lab, near, pki)
    start(openiked, pki, "active" if initiator == "openiked" else "passive", auth)

    if initiator == "musubi":
        near.lan.ping(FAR.inner4, count=1, wait=0.1)

    openiked.wait_for_sa()
    near.lan.must_reach(FAR.inner4)
    openiked.host.must_reach("192.168.1.10", "-I", FAR.inner4)
    ike, _ = gateway.wait_for_sa()
    assert ike.fields["Direction"] == ("initiator" if initiator == "musubi" else "responder")
    assert (ike.fields["Local ID"], ike.fields["Peer ID"]) == (OUR_ID.shown, PEER_ID.shown)
    must_be_plain(ike)
    gateway.stop()
    openiked.stop()


def test_S34_openikeds_refusal_of_our_certificate_is_told(lab, near, openiked, pki):
    gateway = gateway_with(lab, near, pki, own="other")
    start(openiked, pki, "passive")

    near.lan.ping(FAR.inner4, count=1, wait=0.1)

    gateway.wait_for_log(r"the peer does not accept FQDN site1\.example with the certificate myCert"
                         r"(, or it is not .*, which it was asked for)? \(AUTHENTICATION_FAILED\)", timeout=30)
    openiked.process.wait_for_text("CN=other invalid subjectAltName extension")
    gateway.wait_for_no_sa()
    gateway.stop()
    openiked.stop()
