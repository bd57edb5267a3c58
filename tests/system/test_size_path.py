"""The MTU of the path, as links have it and as routers tell it (S39)."""

import logging

import pytest

from lib.process import wait_until
from lib.sites import SITE1, SITE2, TwoSites
from lib.sizes import must_be_refused, must_pass, ping_of

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.layers.inet import ICMP, IP  # noqa: E402
from scapy.utils import rdpcap  # noqa: E402

FITS = 1438         # AES-CBC-256 with HMAC-SHA1-96 over IPv4 through 1500 octets: docs/sizes.md
FITS_1400 = 1342    # through 1400 octets
FITS_576 = 510


@pytest.fixture
def connected_sites(lab):
    two_sites = TwoSites(lab).start()
    two_sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    return two_sites


def wait_for_limit(sites, limit, target=SITE2.lan4(10)):
    """Wait until the gateway tells this size."""
    def is_told():
        return f"mtu = {limit})" in ping_of(sites.lan1, target, 1480, wait=0.2)[1]
    wait_until(is_told, 10, f"the size {limit} is told")


def test_S39_a_router_with_a_smaller_mtu_is_believed(connected_sites):
    sites = connected_sites
    must_pass(sites.lan1, SITE2.lan4(10), FITS)
    sites.internet.ip("link set wan2 mtu 1400")

    received, _ = ping_of(sites.lan1, SITE2.lan4(10), FITS)

    assert received == 0, "the router can't forward it, and says so"
    wait_for_limit(sites, FITS_1400)
    must_be_refused(sites.lan1, SITE2.lan4(10), FITS_1400 + 1, FITS_1400, by=SITE1.lan4(1))
    must_be_refused(sites.lan1, SITE2.lan6(10), FITS_1400 + 1, FITS_1400, by=SITE1.lan6(1))
    # Answers come the other way, whose link is larger still.
    must_pass(sites.lan1, SITE2.lan4(10), FITS_1400)
    must_pass(sites.lan1, SITE2.lan6(10), FITS_1400)


def test_R72_the_mtu_of_the_outgoing_link_is_followed(connected_sites):
    sites = connected_sites

    sites.gateway1.host.ip("link set ge0 mtu 1400")
    wait_for_limit(sites, FITS_1400)
    must_be_refused(sites.lan1, SITE2.lan4(10), FITS_1400 + 1, FITS_1400, by=SITE1.lan4(1))
    must_pass(sites.lan1, SITE2.lan4(10), FITS_1400)

    sites.gateway1.host.ip("link set ge0 mtu 1500")
    wait_for_limit(sites, FITS)
    must_pass(sites.lan1, SITE2.lan4(10), FITS)


def last_esp(sites):
    """The latest ESP packet that site 1 has sent to the peer."""
    wire = sites.capture("esp")
    sites.lan1.must_reach(SITE2.lan4(10), "-M", "do")
    return [p[IP] for p in rdpcap(str(wire.stop())) if IP in p and p[IP].proto == 50 and p[IP].src == SITE1.wan][-1]


def tell_too_large(sites, quoted, mtu):
    """The router tells site 1 that a packet was too large."""
    error = IP(src="10.0.0.254", dst=SITE1.wan) / ICMP(type=3, code=4, nexthopmtu=mtu) / bytes(quoted)[:60]
    with sites.internet.socket(2, 3, 255) as sender:    # AF_INET, SOCK_RAW, IPPROTO_RAW
        sender.sendto(bytes(error), (SITE1.wan, 0))


def with_changed(packet, offset, octets):
    """The packet with other octets in its ESP header, and sound checksums."""
    changed = bytearray(bytes(packet))
    changed[20 + offset:20 + offset + len(octets)] = octets
    return bytes(changed)


def test_S39_an_error_that_quotes_no_packet_of_ours_is_ignored(connected_sites):
    sites = connected_sites
    esp = last_esp(sites)
    elsewhere = esp.copy()
    elsewhere.dst = "10.7.7.7"
    del elsewhere.chksum

    tell_too_large(sites, with_changed(esp, 0, b"\1\2\3\4"), 600)            # an SPI of nobody
    tell_too_large(sites, with_changed(esp, 4, b"\x7f\0\0\0"), 600)          # never sent
    tell_too_large(sites, with_changed(esp, 4, b"\0\0\0\0"), 600)
    tell_too_large(sites, IP(bytes(elsewhere)), 600)                         # to another peer

    must_pass(sites.lan1, SITE2.lan4(10), FITS)
    must_be_refused(sites.lan1, SITE2.lan4(10), FITS + 1, FITS, by=SITE1.lan4(1))


def test_S39_a_learnt_mtu_is_bounded_below(connected_sites):
    sites = connected_sites

    tell_too_large(sites, last_esp(sites), 68)

    wait_for_limit(sites, FITS_576)
    must_be_refused(sites.lan1, SITE2.lan4(10), FITS_576 + 1, FITS_576, by=SITE1.lan4(1))
    must_pass(sites.lan1, SITE2.lan4(10), FITS_576)
    must_pass(sites.lan1, SITE2.lan6(10), 1280)    # which hosts of IPv6 need never go below
