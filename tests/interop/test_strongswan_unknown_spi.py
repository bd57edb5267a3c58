"""A Musubi with `peer any` that has lost its state, and a strongSwan that goes on sending by the SA of before."""

from lib.direct import FAR, NEAR, NearSide, config, must_reach_lan
from lib.musubi import Musubi
from lib.strongswan import beside
from lib.suite import AES_GCM

NAT_TRAVERSAL = "ikev2 nat-traversal keepalive 20\n"


def gateway_for_any(lab, near):
    text = config(NEAR, FAR, 4, NAT_TRAVERSAL + AES_GCM.lines)
    assert f"ikev2 peer {FAR.outer4} " in text
    return Musubi(lab, near.host, text.replace(f"ikev2 peer {FAR.outer4} ", "ikev2 peer any ") +
                  "logging subsystem IPsec notice\n").start()


def define(strongswan):
    """The connection, in place of an earlier one, whose SAs end."""
    strongswan.connect(local=FAR.outer4, remote=NEAR.outer4, ike_proposals=AES_GCM.ike_proposals,
                       esp_proposals=AES_GCM.esp_proposals)


def test_S46_strongswan_takes_no_harm_from_invalid_spi_in_the_clear(lab):
    near = NearSide(lab)
    strongswan = beside(lab, near)
    define(strongswan)
    gateway = gateway_for_any(lab, near)
    strongswan.initiate()
    must_reach_lan(strongswan.host)
    untouched = gateway.footprint_before
    gateway.kill()
    gateway.start()

    strongswan.host.ping("192.168.1.10", "-I", FAR.inner4, count=1, wait=1)

    gateway.wait_for_log(rf"notice ESP from {FAR.outer4}:4500 on SPI 0x[0-9a-f]+, which is unknown here")
    strongswan.wait_for_log("received unencrypted informational")   # which it ignores
    assert "INSTALLED" in strongswan.sas()
    define(strongswan)
    strongswan.initiate()
    must_reach_lan(strongswan.host)
    gateway.footprint_before = untouched
    gateway.stop()
