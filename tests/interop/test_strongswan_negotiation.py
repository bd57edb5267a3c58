"""Negotiations with strongSwan that do not go straight: wrong guesses, fragments, cookies, refusals."""

import pytest

from lib.direct import FAR, NEAR, Identity, NearSide, must_reach_lan
from lib.ikev2 import Initiator
from lib.process import wait_until
from lib.scripted_peer import init_request
from lib.strongswan import beside
from lib.suite import AES_CBC_SHA256, AES_GCM

NAT_TRAVERSAL = "ikev2 nat-traversal keepalive 20\n"
# strongSwan drops our second response if it comes while it still handles the first one.
SOON_AGAIN = "  retransmit_timeout = 0.5\n"
BEGINNERS = pytest.mark.parametrize("beginner", ["Musubi", "strongSwan"])


@pytest.fixture
def near(lab):
    return NearSide(lab)


@pytest.fixture
def strongswan(lab, near):
    return beside(lab, near, SOON_AGAIN)


def define(strongswan, ike_proposals=AES_CBC_SHA256.ike_proposals, esp_proposals=AES_CBC_SHA256.esp_proposals, **more):
    strongswan.connect(local=FAR.outer4, remote=NEAR.outer4, ike_proposals=ike_proposals, esp_proposals=esp_proposals,
                       **more)


def test_RFC7296_1_2_our_wrong_guess_of_a_group_is_corrected(lab, near, strongswan):
    define(strongswan, "aes256-sha256-modp1536")
    gateway = near.gateway(lab, lines=NAT_TRAVERSAL)

    near.must_reach_far(wait=10)

    strongswan.wait_for_log(r"generating IKE_SA_INIT response 0 \[ N\(INVAL_KE\) \]")
    assert gateway.ike_sas()[0].fields["DH group"] == "MODP-1536"
    gateway.stop()


def test_RFC7296_1_2_a_wrong_guess_of_a_group_is_corrected_by_us(lab, near, strongswan):
    define(strongswan, "aes256-sha256-modp3072-modp1536")
    gateway = near.gateway(lab, lines=NAT_TRAVERSAL + "ikev2 sa-proposal dh 1536-bit\n")

    strongswan.initiate()

    strongswan.wait_for_log(r"parsed IKE_SA_INIT response 0 \[ N\(INVAL_KE\) \]")
    near.must_reach_far()
    assert gateway.ike_sas()[0].fields["DH group"] == "MODP-1536"
    gateway.stop()


@pytest.mark.parametrize("beginner, esp_groups, lines", [
    ("Musubi", "modp1536", "ikev2 child-pfs 3072-bit 1536-bit\nikev2 child-lifetime 4\n"),
    ("strongSwan", "modp3072-modp1536", "ikev2 child-pfs 1536-bit\n"),
], ids=["our guess", "strongSwan's guess"])
def test_RFC7296_1_3_a_wrong_guess_in_a_rekey_is_corrected(lab, near, strongswan, beginner, esp_groups, lines):
    define(strongswan, esp_proposals=f"aes256-sha256-{esp_groups}")
    gateway = near.gateway(lab, lines=NAT_TRAVERSAL + lines)
    near.must_reach_far(wait=10)
    first = gateway.child_sas()[0].outbound["SPI"]

    if beginner == "strongSwan":
        strongswan.rekey_child()

    answer = "parsed" if beginner == "strongSwan" else "generating"
    strongswan.wait_for_log(rf"{answer} CREATE_CHILD_SA response \d \[ N\(INVAL_KE\) \]")
    wait_until(lambda: first not in [child.outbound["SPI"] for child in gateway.child_sas()], 10,
               "the new Child SA alone")
    near.must_reach_far()
    must_reach_lan(strongswan.host)
    assert gateway.ike_sas()[0].fields["PFS"] == "MODP-1536"
    gateway.stop()


# Makes our IKE_AUTH request larger than one datagram: long IDs, and the largest number of selectors.
OUR_LONG_ID, PEER_LONG_ID = (Identity("fqdn", f"{'a-long-label.' * 18}{side}.example") for side in ("near", "far"))
MANY_SELECTORS = "".join(f"ikev2 {side}-ts {end.subnet6.replace('/64', f'/{length}')}\n"
                         for side, end in (("local", NEAR), ("remote", FAR)) for length in range(64, 72))
SMALL_FRAGMENTS = "  fragment_size = 400\n"


@BEGINNERS
def test_RFC7383_fragments_are_joined(lab, near, beginner):
    strongswan = beside(lab, near, SMALL_FRAGMENTS)
    define(strongswan, fragmentation="force", local_id=PEER_LONG_ID.strongswan, remote_id=OUR_LONG_ID.strongswan)
    gateway = near.gateway(lab, lines=NAT_TRAVERSAL + MANY_SELECTORS, ids=(OUR_LONG_ID, PEER_LONG_ID))

    if beginner == "strongSwan":
        strongswan.initiate()
    near.lan.must_reach(FAR.inner6, wait=10)

    strongswan.host.must_reach("2001:db8:1::10", "-I", FAR.inner6)
    if beginner == "strongSwan":
        strongswan.wait_for_log(r"generating IKE_AUTH request 1 \[ EF\(3/3\) \]")
    else:
        strongswan.wait_for_log("reassembled fragmented IKE message")
        strongswan.wait_for_log(r"generating IKE_AUTH response 1 \[ EF\(2/2\) \]")
    gateway.stop()


def ask(host, source, target, request):
    """Send an IKE_SA_INIT from a new port and wait for the answer, which is a half-open IKE SA or a cookie."""
    with host.udp_socket(source, 10500) as sender:
        sender.settimeout(5)
        sender.sendto(request, (target, 500))
        sender.recv(65535)


COOKIE_FROM_THE_FIRST = "  cookie_threshold = 1\n"


def test_R16_a_cookie_of_strongswan_is_returned(lab, near):
    strongswan = beside(lab, near, COOKIE_FROM_THE_FIRST)
    define(strongswan)
    gateway = near.gateway(lab, lines=NAT_TRAVERSAL)
    ask(near.host, NEAR.outer4, FAR.outer4, Initiator().init_request())

    near.must_reach_far(wait=10)

    strongswan.wait_for_log(r"generating IKE_SA_INIT response 0 \[ N\(COOKIE\) \]")
    strongswan.wait_for_log(r"parsed IKE_SA_INIT request 0 \[ N\(COOKIE\) SA KE No ")
    gateway.stop()


def test_R16_under_half_open_load_strongswan_returns_our_cookie(lab, near, strongswan):
    define(strongswan)
    gateway = near.gateway(lab, lines=NAT_TRAVERSAL)
    for _ in range(33):
        ask(strongswan.host, FAR.outer4, NEAR.outer4, init_request())

    strongswan.initiate()

    strongswan.wait_for_log(r"parsed IKE_SA_INIT response 0 \[ N\(COOKIE\) \]")
    strongswan.wait_for_log(r"generating IKE_SA_INIT request 0 \[ N\(COOKIE\) SA KE No ")
    near.must_reach_far()
    gateway.stop()


@pytest.mark.parametrize("ike_proposals, esp_proposals", [
    (AES_GCM.ike_proposals, AES_GCM.esp_proposals),
    (AES_CBC_SHA256.ike_proposals, AES_GCM.esp_proposals),
], ids=["of the IKE SA", "of the Child SA"])
@BEGINNERS
def test_S34_a_proposal_that_is_refused_is_reported(lab, near, strongswan, beginner, ike_proposals, esp_proposals):
    define(strongswan, ike_proposals, esp_proposals)
    gateway = near.gateway(lab, lines=NAT_TRAVERSAL + AES_CBC_SHA256.lines)

    if beginner == "strongSwan":
        strongswan.must_fail_to_initiate()
    else:
        near.lan.ping(FAR.inner4, count=1, wait=0.1)

    strongswan.wait_for_log(r"N\(NO_PROP\)")
    if beginner == "strongSwan":
        gateway.wait_for_log("warn Tunnel1.0: .* offers enc aes-gcm-256.* accepted here enc aes-cbc-256")
    else:
        gateway.wait_for_log("warn Tunnel1.0: .*NO_PROPOSAL_CHOSEN")
    gateway.wait_for_no_sa()
    strongswan.wait_for_no_sa()
    gateway.stop()


def test_S34_selectors_that_are_refused_are_reported_with_their_lines(lab, near, strongswan):
    define(strongswan, local_ts="192.168.99.0/24", remote_ts="192.168.1.0/24")
    gateway = near.gateway(lab, lines=NAT_TRAVERSAL + AES_CBC_SHA256.lines + """\
ikev2 local-ts 192.168.1.0/24
ikev2 remote-ts 192.168.2.0/24
""")
    first = gateway.config_path.read_text(encoding="utf-8").splitlines().index("  ikev2 local-ts 192.168.1.0/24") + 1

    near.lan.ping(FAR.inner4, count=1, wait=0.1)

    gateway.wait_for_log(r"warn Tunnel1\.0: negotiation failed: the peer does not accept the traffic selectors "
                         r"\(TS_UNACCEPTABLE\): proposed local-ts 192\.168\.1\.0-192\.168\.1\.255, remote-ts "
                         rf"192\.168\.2\.0-192\.168\.2\.255; lines {first}, {first + 1}\n")
    gateway.wait_for_no_sa()
    gateway.stop()
