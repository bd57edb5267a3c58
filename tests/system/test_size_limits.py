"""The largest size that passes, and the errors that tell it (R72, S39)."""

import logging
import socket

import pytest

from lib.capture import fields, packets
from lib.direct import FAR, MusubiPair
from lib.sites import SITE1, SITE2, TwoSites
from lib.sizes import largest_inner_gcm, must_be_refused, must_pass

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.layers.inet import ICMP, IP  # noqa: E402
from scapy.utils import rdpcap  # noqa: E402

FITS = 1438    # AES-CBC-256 with HMAC-SHA1-96 over IPv4: docs/sizes.md


@pytest.fixture(scope="module")
def sites(module_lab):
    two_sites = TwoSites(module_lab).start()
    two_sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    yield two_sites
    two_sites.stop()


@pytest.mark.parametrize("nat_traversal", [False, True], ids=["esp", "udp"])
@pytest.mark.parametrize("family", [4, 6], ids=["over IPv4", "over IPv6"])
def test_R72_exactly_the_largest_size_passes_and_one_octet_more_is_refused(lab, family, nat_traversal):
    pair = MusubiPair(lab)
    lines = "ikev2 nat-traversal keepalive 20 force" if nat_traversal else ""
    pair.gateway(lab, family, lines)
    pair.far_gateway(lab, family, lines)
    pair.lan.must_reach(FAR.inner4, count=1, wait=10)
    largest = largest_inner_gcm(family, nat_traversal)

    for target, gateway in ((FAR.inner4, "192.168.1.1"), (FAR.inner6, "2001:db8:1::1")):
        must_pass(pair.lan, target, largest)
        must_be_refused(pair.lan, target, largest + 1, largest, by=gateway)


def test_R72_the_error_quotes_the_packet_and_is_sound(sites):
    lan = sites.capture_lan("quoted")

    for target, gateway in ((SITE2.lan4(10), SITE1.lan4(1)), (SITE2.lan6(10), SITE1.lan6(1))):
        must_be_refused(sites.lan1, target, FITS + 40, FITS, by=gateway)

    capture = lan.stop()
    (sent, error), = zip(*[[p for p in rdpcap(str(capture)) if IP in p and ICMP in p and p[ICMP].type == kind]
                           for kind in (8, 3)])
    assert error[IP].len == 576, "as much as RFC 1812 4.3.2.3 wants"
    quoted = bytes(error[ICMP])[8:]
    original = bytes(sent[IP])[:len(quoted)]
    # One router has forwarded it: TTL and checksum differ.
    assert quoted[:8] + quoted[9:10] + quoted[12:] == original[:8] + original[9:10] + original[12:]
    assert quoted[8] == original[8] - 1
    (length, status), = fields(capture, "icmpv6.type == 2", "ipv6.plen", "icmpv6.checksum.status")
    assert int(length.split(",")[0]) == 1280 - 40, "as much as RFC 4443 2.4 wants"
    assert status.split(",")[0] == "1", "a good checksum"


def test_R72_errors_are_rate_limited(sites):
    lan = sites.capture_lan("flood")
    sender = sites.lan1.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.IPPROTO_IP, 10, 3)    # IP_MTU_DISCOVER, IP_PMTUDISC_PROBE
    for _ in range(300):
        sender.sendto(bytes(FITS), (SITE2.lan4(77), 9))
    sites.lan1.must_reach(SITE2.lan4(10))    # what was sent before has been dealt with

    capture = lan.stop()
    sent = len(packets(capture, "udp and dst port 9"))
    errors = len(packets(capture, "icmp[0] == 3 and icmp[1] == 4"))
    assert sent == 300
    assert 1 <= errors <= sent / 3, f"{errors} errors for {sent} packets"


def test_R72_no_error_answers_an_error(sites):
    # 127 octets of quote in a message that is itself an error, with DF.
    lan = sites.capture_lan("errors")
    sender = sites.lan1.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sender.setsockopt(socket.IPPROTO_IP, 10, 3)
    error = bytes(ICMP(type=3, code=1)) + bytes(FITS)
    sender.sendto(error, (SITE2.lan4(78), 0))
    sites.lan1.must_reach(SITE2.lan4(10))

    capture = lan.stop()
    assert len(packets(capture, "icmp[0] == 3 and icmp[1] == 1")) == 1
    assert not packets(capture, "icmp[0] == 3 and icmp[1] == 4")


def test_R101_what_is_refused_is_counted_and_not_as_sent(sites):
    before = sites.gateway1.counters("Tunnel1.0").outbound

    must_be_refused(sites.lan1, SITE2.lan4(10), FITS + 1, FITS, by=SITE1.lan4(1))

    after = sites.gateway1.counters("Tunnel1.0").outbound
    changed = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert changed == {"misc error": 1}, changed
