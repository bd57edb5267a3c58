"""A centre with `peer any` that was killed and has lost its SAs: its sites find out by its INVALID_SPI in the clear."""

import pytest

from lib.capture import fields
from lib.process import wait_until
from lib.sites import SITE1, SITE2

INFORMATIONAL, INVALID_SPI = 37, 11

# R15's 30 s without an answer, and some for ESP until it is told of; more than that on a busy machine.
DEAD_PEER_FOUND = 120

LOGS = "logging subsystem ikev2 info\nlogging subsystem IPsec notice\n"


def start(sites, tunnel_lines):
    """Site 1 names the centre, site 2, which knows its peer by its ID alone. Neither has DPD."""
    for site in (SITE1, SITE2):
        gateway = sites.gateway(site, tunnel_lines)
        config = gateway.config_path.read_text(encoding="ascii").replace("  dpd interval 10\n", "")
        if site is SITE2:
            config = config.replace("ikev2 peer 10.1.0.1 ", "ikev2 peer any ")
            assert "peer any" in config
        gateway.config_path.write_text(LOGS + config, encoding="ascii")
        sites.gateways[site] = gateway.start()
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    sites.ping_lans()


@pytest.mark.parametrize("tunnel_lines, port", [("", 500), ("ikev2 nat-traversal keepalive 20 force", 4500)],
                         ids=["esp", "esp-in-udp"])
def test_S46_a_site_finds_out_that_its_centre_has_lost_its_state(sites, tunnel_lines, port):
    start(sites, tunnel_lines)
    untouched = sites.gateway2.footprint_before
    capture = sites.capture("lost-state")
    sites.gateway2.kill()
    sites.gateway2.start()

    def reached():
        received, _ = sites.lan1.ping(SITE2.lan4(10), count=1, wait=1)
        return received == 1
    wait_until(reached, DEAD_PEER_FOUND, "an answer from the LAN behind the centre")

    sites.gateway1.wait_for_log(r"is unknown there \(INVALID_SPI\): asking the peer")
    sites.gateway2.wait_for_log(rf"notice ESP from {SITE1.wan}(:4500)? on SPI 0x[0-9a-f]+, which is unknown here")
    rows = fields(capture.stop(), f"isakmp.exchangetype == {INFORMATIONAL} and "
                  f"isakmp.notify.msgtype == {INVALID_SPI}", "ip.src", "udp.srcport", "isakmp.ispi", "isakmp.rspi")
    assert rows and set(map(tuple, rows)) == {(SITE2.wan, str(port), "0" * 16, "0" * 16)}, rows
    sites.gateway2.footprint_before = untouched
    sites.stop()
