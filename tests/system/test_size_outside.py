"""Sizes by what is outside: small links, NAT traversal, and what is learnt of a path over IPv6 and in UDP (R72, S39)."""

import logging
import re
import socket

import pytest

from lib.capture import fields
from lib.direct import FAR, NEAR, RoutedPair
from lib.sizes import fragments_of, largest_inner_gcm, must_be_refused, must_pass

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.utils import rdpcap  # noqa: E402

FORCE = "ikev2 nat-traversal keepalive 20 force"
PRE = "ikev2 ipsec pre-fragment"
TARGETS = ((FAR.inner4, NEAR.inner4), (FAR.inner6, NEAR.inner6))


def start(lab, family, *lines, mtu=None):
    pair = RoutedPair(lab)
    if mtu is not None:
        pair.set_mtu(mtu)
    pair.near = pair.gateway(lab, family, "\n".join(lines))
    pair.far = pair.far_gateway(lab, family, "\n".join(lines))
    pair.lan.must_reach(FAR.inner4, count=1, wait=10)
    return pair


def sizes(capture, family):
    """The lengths of the outer packets that the near gateway has sent."""
    if family == 4:
        return [int(length.split(",")[0]) for (length,) in fields(capture, f"ip.src == {NEAR.outer4}", "ip.len")]
    return [40 + int(length.split(",")[0]) for (length,) in
            fields(capture, f"ipv6.src == {NEAR.outer6} && !icmpv6", "ipv6.plen")]


def shown(pair, label):
    """A line of `show interfaces` of the near Tunnel."""
    return re.search(rf"^  {re.escape(label)} : (.*)$", pair.near.show(f"show interfaces {NEAR.tunnel}"), re.MULTILINE)[1]


@pytest.mark.parametrize("family, lines", [(4, [FORCE]), (6, []), (6, [FORCE])],
                         ids=["in UDP over IPv4", "over IPv6", "in UDP over IPv6"])
def test_S39_a_path_mtu_is_learnt_and_shown(lab, family, lines):
    pair = start(lab, family, *lines)
    whole, fits = (largest_inner_gcm(family, bool(lines), mtu) for mtu in (1500, 1400))
    assert shown(pair, "MTU") == f"{whole} (IPv4), {whole} (IPv6)"
    assert shown(pair, "MTU of the path to the peer") == "1500"
    pair.set_mtu(1400, "far")

    for target, gateway in TARGETS:
        must_be_refused(pair.lan, target, fits + 1, fits, by=gateway)
        must_pass(pair.lan, target, fits)

    assert shown(pair, "MTU") == f"{fits} (IPv4), {fits} (IPv6)"
    assert re.fullmatch(r"1400, learnt \d+ seconds ago \(1500 by link or route\)",
                        shown(pair, "MTU of the path to the peer"))


def test_S39_post_fragmented_ipv6_follows_what_musubi_has_learnt_and_not_what_linux_has(lab):
    pair = start(lab, 6)

    def largest_sent(name):
        wire = pair.capture(lab, name)
        must_pass(pair.lan, FAR.inner4, 3000, path_mtu="dont")
        capture = wire.stop()
        assert fragments_of(capture) > 0
        pair.sent = [p[IPv6] for p in rdpcap(str(capture)) if IPv6 in p and p[IPv6].src == NEAR.outer6 and p[IPv6].nh == 44]
        return max(sizes(capture, 6))
    assert 1480 < largest_sent("at first") <= 1500

    quoted = bytearray(bytes(pair.sent[0])[:600])
    quoted[48:52] = b"\1\2\3\4"    # an SPI of nobody
    with pair.router.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as router:
        router.sendto(bytes([2, 0, 0, 0]) + (1300).to_bytes(4, "big") + bytes(quoted), (NEAR.outer6, 0))
    assert 1480 < largest_sent("told for another SPI") <= 1500, "Linux believes it"

    pair.set_mtu(1400, "far")
    pair.far_host.ip("link set ge0 mtu 1400")
    fits = largest_inner_gcm(6, False, 1400)
    must_be_refused(pair.lan, FAR.inner4, fits + 1, fits, by=NEAR.inner4)
    assert 1380 < largest_sent("learnt") <= 1400


@pytest.mark.parametrize("family", [4, 6], ids=["over IPv4", "over IPv6"])
def test_R72_R76_with_nat_traversal_and_pre_fragment_nothing_on_the_wire_is_a_fragment(lab, family):
    pair = start(lab, family, FORCE, PRE)
    wire = pair.capture(lab, "pre")

    for size in (largest_inner_gcm(family, True) + 1, 9000):
        must_pass(pair.lan, FAR.inner4, size, path_mtu="dont")

    capture = wire.stop()
    assert fragments_of(capture) == 0
    assert max(sizes(capture, family)) <= 1500
    assert not fields(capture, "esp && !udp", "frame.number"), "all is in UDP"


@pytest.mark.parametrize("mtu, lines", [(400, []), (575, [PRE])], ids=["post", "pre"])
def test_R72_an_outgoing_link_of_less_than_576_octets(lab, mtu, lines):
    pair = start(lab, 4, *lines, mtu=mtu)
    fits = largest_inner_gcm(4, False, mtu)
    wire = pair.capture(lab, "small")

    must_be_refused(pair.lan, FAR.inner4, fits + 1, fits, by=NEAR.inner4)
    must_pass(pair.lan, FAR.inner4, fits)
    must_pass(pair.lan, FAR.inner4, 3000, path_mtu="dont")
    before_ipv6 = wire.stop()
    must_be_refused(pair.lan, FAR.inner6, 1281, 1280, by=NEAR.inner6)
    must_pass(pair.lan, FAR.inner6, 1280)    # which hosts of IPv6 need never go below

    assert max(sizes(before_ipv6, 4)) <= mtu
    assert (fragments_of(before_ipv6) > 0) == (not lines)


def test_R72_an_outgoing_link_of_exactly_1280_octets_carries_ipv6(lab):
    pair = start(lab, 6, mtu=1280)
    fits = largest_inner_gcm(6, False, 1280)
    wire = pair.capture(lab, "least")

    must_be_refused(pair.lan, FAR.inner4, fits + 1, fits, by=NEAR.inner4)
    must_pass(pair.lan, FAR.inner4, fits)
    must_be_refused(pair.lan, FAR.inner6, 1281, 1280, by=NEAR.inner6)
    must_pass(pair.lan, FAR.inner6, 1280)

    assert max(sizes(wire.stop(), 6)) <= 1280
    assert shown(pair, "MTU") == f"{fits} (IPv4), 1280 (IPv6)"
