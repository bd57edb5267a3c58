"""`ip tcp adjust-mss` on Tunnels (R75)."""

import socket

import pytest

from lib.capture import fields
from lib.sites import SITE2, TwoSites

FITS = 1438    # AES-CBC-256 with HMAC-SHA1-96 over IPv4: docs/sizes.md
ETHERNET = {4: 1460, 6: 1440}
AUTO = {4: FITS - 40, 6: FITS - 60}


def connect(sites, family):
    """A TCP connection from LAN 1 to LAN 2, which is closed at once."""
    address = SITE2.lan4(10) if family == 4 else SITE2.lan6(10)
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    with sites.lan2.socket(kind, socket.SOCK_STREAM) as server, sites.lan1.socket(kind, socket.SOCK_STREAM) as client:
        server.bind((address, 0))
        server.listen()
        client.settimeout(10)
        client.connect(server.getsockname()[:2])


def handshake(sites, family):
    """The MSS in the SYN as LAN 2 gets it, and in the answer as LAN 1 gets it; with good checksums."""
    captures = [sites.capture_lan(f"syn{family}-{site.number}", site) for site in sites.lans]
    connect(sites, family)
    lan1, lan2 = (capture.stop() for capture in captures)
    seen = []
    for capture, flags in ((lan2, "tcp.flags.syn == 1 && tcp.flags.ack == 0"),
                           (lan1, "tcp.flags.syn == 1 && tcp.flags.ack == 1")):
        rows = fields(capture, flags, "tcp.options.mss_val", "tcp.checksum.status")
        assert rows, f"no SYN in {capture}"
        seen.append({int(mss) for mss, _ in rows})
    bad = fields(lan2, "tcp.flags.syn == 1 && tcp.flags.ack == 0 && tcp.checksum.status == 0", "frame.number")
    assert not bad, "the checksum was corrected"
    assert all(len(values) == 1 for values in seen), seen
    return tuple(values.pop() for values in seen)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("end", [1, 2])
def test_R75_auto_at_one_end_clamps_both_directions(lab, family, end):
    sites = TwoSites(lab)
    line = "ip tcp adjust-mss auto"
    sites.start(line if end == 1 else "", at_site2=line if end == 2 else "")
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)

    assert handshake(sites, family) == (AUTO[family], AUTO[family])
    sites.stop()


def test_R75_a_number_clamps_its_family_alone(lab):
    sites = TwoSites(lab)
    sites.start("ip tcp adjust-mss 1200", at_site2="")
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)

    assert handshake(sites, 4) == (1200, 1200)
    assert handshake(sites, 6) == (ETHERNET[6], ETHERNET[6])

    sites.gateway1.configure("interface Tunnel1.0", "ipv6 tcp adjust-mss 1100", "no ip tcp adjust-mss")
    assert handshake(sites, 4) == (ETHERNET[4], ETHERNET[4])
    assert handshake(sites, 6) == (1100, 1100)

    # A larger number than what a host offers changes nothing.
    sites.gateway1.configure("interface Tunnel1.0", "ip tcp adjust-mss 9000")
    assert handshake(sites, 4) == (ETHERNET[4], ETHERNET[4])
    sites.stop()
