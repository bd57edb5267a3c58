"""strongSwan with ESP in user space (kernel-libipsec), always in UDP, with Musubi."""

import pytest

from lib.direct import FAR, NEAR, NearSide, must_reach_lan
from lib.strongswan import beside
from lib.suite import AES_CBC_SHA1, AES_GCM

NAT_TRAVERSAL = "ikev2 nat-traversal keepalive 20\n"
SUITES = pytest.mark.parametrize("suite", [AES_CBC_SHA1, AES_GCM], ids=["AES-CBC-256 SHA-1", "AES-GCM-256"])
FAMILIES = pytest.mark.parametrize("family", [4, 6], ids=["IPv4 outside", "IPv6 outside"])


@pytest.fixture(scope="module")
def near(module_lab):
    return NearSide(module_lab)


@pytest.fixture(scope="module")
def strongswan(module_lab, near):
    return beside(module_lab, near)


def define(strongswan, suite, family, **more):
    strongswan.connect(local=FAR.outer(family), remote=NEAR.outer(family), ike_proposals=suite.ike_proposals,
                       esp_proposals=suite.esp_proposals, **more)


def must_be_in_udp(ike, child, suite):
    """Musubi shows this IKE SA as one with a peer that pretends to be behind NAT."""
    assert "NAT detection" in ike.fields, ike
    assert ike.fields["Remote Addr"].endswith(":4500"), ike
    suite.must_be_shown(ike, child)


@SUITES
@FAMILIES
def test_strongswan_responds(lab, near, strongswan, suite, family):
    define(strongswan, suite, family)
    gateway = near.gateway(lab, family, NAT_TRAVERSAL + suite.lines)

    near.lan.must_reach(FAR.inner4, count=1, wait=10)

    near.must_reach_far()
    must_reach_lan(strongswan.host)
    ike, child = gateway.wait_for_sa()
    assert ike.fields["Direction"] == "initiator"
    must_be_in_udp(ike, child, suite)
    gateway.stop()
    strongswan.wait_for_no_sa()


@SUITES
@FAMILIES
def test_strongswan_initiates(lab, near, strongswan, suite, family):
    define(strongswan, suite, family)
    gateway = near.gateway(lab, family, NAT_TRAVERSAL + suite.lines)

    strongswan.initiate()

    must_reach_lan(strongswan.host)
    near.must_reach_far()
    ike, child = gateway.wait_for_sa()
    assert ike.fields["Direction"] == "responder"
    must_be_in_udp(ike, child, suite)
    gateway.stop()
    strongswan.wait_for_no_sa()


def test_R10_a_delete_of_strongswan_ends_the_sa(lab, near, strongswan):
    define(strongswan, AES_GCM, 4)
    gateway = near.gateway(lab, 4, NAT_TRAVERSAL + AES_GCM.lines)
    strongswan.initiate()
    gateway.wait_for_sa()

    strongswan.terminate()

    gateway.wait_for_no_sa()
    assert not gateway.child_sas()
    gateway.stop()


def test_R24_strongswan_picks_from_all_that_musubi_proposes(lab, near, strongswan):
    define(strongswan, AES_CBC_SHA1, 4)
    gateway = near.gateway(lab, 4, NAT_TRAVERSAL)

    near.lan.must_reach(FAR.inner4, count=1, wait=10)

    ike, child = gateway.wait_for_sa()
    must_be_in_udp(ike, child, AES_CBC_SHA1)
    gateway.stop()


def test_S9_as_initiator_narrowed_selectors_are_respected(lab, near, strongswan):
    define(strongswan, AES_GCM, 4, local_ts="192.168.2.0/24", remote_ts="192.168.1.0/24")
    gateway = near.gateway(lab, 4, NAT_TRAVERSAL + AES_GCM.lines)

    near.lan.must_reach(FAR.inner4, count=1, wait=10)

    _, child = gateway.wait_for_sa()
    assert [ts.addresses for ts in child.local_ts] == [("192.168.1.0", "192.168.1.255")], child
    assert [ts.addresses for ts in child.peer_ts] == [("192.168.2.0", "192.168.2.255")], child
    gateway.stop()


def test_R71_as_responder_the_initiators_selectors_are_used(lab, near, strongswan):
    define(strongswan, AES_GCM, 4, local_ts="192.168.2.0/24", remote_ts="192.168.1.0/24")
    gateway = near.gateway(lab, 4, NAT_TRAVERSAL + AES_GCM.lines)

    strongswan.initiate()

    _, child = gateway.wait_for_sa()
    assert [ts.addresses for ts in child.peer_ts] == [("192.168.2.0", "192.168.2.255")], child
    strongswan.host.must_reach("192.168.1.10", "-I", FAR.inner4)
    gateway.stop()


def test_S38_a_family_that_strongswan_leaves_out_gets_its_own_child_sa(lab, near, strongswan):
    define(strongswan, AES_GCM, 4, local_ts="0.0.0.0/0", remote_ts="0.0.0.0/0", more_children={"net6": "::/0"})
    gateway = near.gateway(lab, 4, NAT_TRAVERSAL + AES_GCM.lines)

    near.lan.must_reach(FAR.inner6, count=1, wait=10)  # R13, also for the family that comes second

    near.must_reach_far()
    must_reach_lan(strongswan.host)
    children = gateway.child_sas()
    assert sorted(ts.kind for child in children for ts in child.local_ts) == [
        "IPV4-ADDR-RANGE", "IPV6-ADDR-RANGE"], children
    assert len({child.ike_spis for child in children}) == 1, children
    gateway.stop()
    strongswan.wait_for_no_sa()


def test_R71_a_family_that_strongswan_refuses_is_dropped_and_counted(lab, near, strongswan):
    define(strongswan, AES_GCM, 4, local_ts="0.0.0.0/0", remote_ts="0.0.0.0/0")
    gateway = near.gateway(lab, 4, NAT_TRAVERSAL + AES_GCM.lines)
    gateway.command("configure", "logging subsystem ikev2 notice", "exit")

    near.lan.must_reach(FAR.inner4, count=1, wait=10)
    gateway.wait_for_log(r"no additional Child SA for IPv6 \(TS_UNACCEPTABLE\)")
    dropped_before = gateway.counters("Tunnel1.0").outbound["ts unacceptable"]

    received, printed = near.lan.ping(FAR.inner6, count=2, wait=1)

    assert received == 0, printed
    dropped = gateway.counters("Tunnel1.0").outbound["ts unacceptable"] - dropped_before
    assert dropped >= 2, f"{dropped} packets were counted"  # some may be from Linux itself
    near.lan.must_reach(FAR.inner4)
    assert gateway.log.count("no additional Child SA for IPv6") == 1, gateway.log
    gateway.stop()


@pytest.mark.parametrize("direction", ["Musubi begins", "strongSwan begins"])
def test_a_wrong_key_makes_no_sa(lab, near, strongswan, direction):
    define(strongswan, AES_GCM, 4, secret="something-else")
    gateway = near.gateway(lab, 4, NAT_TRAVERSAL + AES_GCM.lines)

    if direction == "Musubi begins":
        received, printed = near.lan.ping(FAR.inner4, count=1, wait=2)
        assert received == 0, printed
    else:
        strongswan.must_fail_to_initiate()

    gateway.wait_for_log(r"Tunnel1\.0")
    assert not [ike for ike in gateway.ike_sas() if ike.established]
    gateway.stop()
