"""strongSwan as a peer that grants less than we propose, which is everything (S42)."""

import pytest

from lib.direct import FAR, NEAR, NearSide
from lib.strongswan import beside
from lib.suite import AES_CBC_SHA256

OTHER = "192.168.2.2"      # granted in a child of its own
NOT_GRANTED = "192.168.2.3"
NAT_TRAVERSAL = "ikev2 nat-traversal keepalive 20\n"


@pytest.fixture
def near(lab):
    return NearSide(lab)


@pytest.fixture
def strongswan(lab, near):
    """It grants the near LAN with one address of the far LAN in a Child SA, and with another one in another."""
    peer = beside(lab, near)
    peer.host.ip(f"address add {OTHER}/32 dev lo")
    peer.connect(local=FAR.outer4, remote=NEAR.outer4, ike_proposals=AES_CBC_SHA256.ike_proposals,
                 esp_proposals=AES_CBC_SHA256.esp_proposals, local_ts=f"{FAR.inner4}/32", remote_ts=NEAR.subnet4,
                 more_children={"other": (f"{OTHER}/32", NEAR.subnet4)})
    return peer


def test_S42_subnets_that_strongswan_grants_one_by_one_are_all_reached(lab, near, strongswan):
    gateway = near.gateway(lab, lines=NAT_TRAVERSAL)

    near.lan.must_reach(FAR.inner4, wait=10)
    near.lan.must_reach(OTHER, wait=10)

    gateway.wait_for_log(r"warn Tunnel1\.0: the peer narrowed the traffic selectors: asked for local-ts any, remote-ts "
                         r"any, granted local 192\.168\.1\.0-192\.168\.1\.255.*; local-ts and remote-ts: the default, no line sets it")
    near.lan.must_reach(FAR.inner4, wait=10)
    assert len(gateway.ike_sas()) == 1
    assert len(gateway.child_sas()) >= 2
    gateway.stop()


def test_S42_an_address_that_strongswan_does_not_grant_disturbs_no_other(lab, near, strongswan):
    gateway = near.gateway(lab, lines=NAT_TRAVERSAL)
    near.lan.must_reach(FAR.inner4, wait=10)
    before = [sa.fields["Serial"] for sa in gateway.ike_sas()]

    near.lan.ping(NOT_GRANTED, count=3, wait=0.2)

    gateway.wait_for_log(r"warn Tunnel1\.0: no (additional )?Child SA for ")
    near.lan.must_reach(FAR.inner4, wait=10)
    assert [sa.fields["Serial"] for sa in gateway.ike_sas()] == before
    gateway.stop()
