"""Each kind of drop has exactly one counter, which `show interfaces` prints (R70, R71, R72, R13, S6, S9, S29)."""

import hashlib
import hmac
import logging
import os
import re
import socket

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from lib.process import wait_until
from lib.sites import SITE1, SITE2, TwoSites
from lib.sizes import ping_of

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.layers.inet import ICMP, IP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.packet import Raw  # noqa: E402

ESP, IPIP, NONE_OF_OURS = 50, 4, 6
FITS = 1438    # AES-CBC-256 with HMAC-SHA1-96 over IPv4: docs/sizes.md
LAN_OUTSIDE = SITE1.lan4(200)    # not in the selectors

# As the tunnels of the config have it: what site 1 proposes is agreed on.
SELECTORS = "ikev2 local-ts 192.168.1.0/25\nikev2 local-ts 2001:db8:1::/64"


def drops(gateway, tunnel=SITE1.tunnel):
    """The counters of drops: "outbound too big" -> 0, …; and those of no tunnel, with `tunnel` None."""
    text = gateway.show("show interfaces" + (f" {tunnel}" if tunnel else ""))
    if not tunnel:
        text = text[text.index("ESP of no Tunnel"):]
    found, direction = {}, None
    for line in text.splitlines():
        if match := re.match(r"  Dropped (outbound|inbound)$", line):
            direction = match.group(1)
        elif direction and line.startswith("    "):
            for number, words in re.findall(r"(\d+) ([a-z ]+)", line):
                found[f"{direction} {words}"] = int(number)
    return found


class Changes:
    """What has grown since; packets that Linux sends by itself for the link do not count."""

    def __init__(self, gateway, tunnel=SITE1.tunnel):
        self._gateway, self._tunnel = gateway, tunnel
        self._before = drops(gateway, tunnel)

    def seen(self):
        now = drops(self._gateway, self._tunnel)
        return {name: now[name] - count for name, count in self._before.items() if now[name] != count}

    def must_be(self, **expected):
        expected = {name.replace("_", " "): count for name, count in expected.items()}

        def seen():
            return {name: count for name, count in self.seen().items()
                    if name in expected or name != "outbound of the link itself"}
        try:
            wait_until(lambda: seen() == expected, 5, str(expected))
        except AssertionError:
            assert seen() == expected


@pytest.fixture(scope="module")
def sites(module_lab):
    two_sites = TwoSites(module_lab)
    two_sites.lan1.ip(f"address add {LAN_OUTSIDE}/24 dev eth0")
    two_sites.start(SELECTORS, at_site2="")
    two_sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    yield two_sites
    two_sites.stop()


@pytest.fixture
def changes(sites):
    return Changes(sites.gateway1)


def send_into_tunnel(sites, octets):
    """As if Linux had routed them into the Tunnel."""
    with sites.gateway1.host.socket(socket.AF_PACKET, socket.SOCK_RAW) as device:
        device.bind((SITE1.tunnel, 0))
        device.send(octets)


# Outbound


@pytest.mark.parametrize("target", [SITE2.lan4(10), SITE2.lan6(10)], ids=["IPv4", "IPv6"])
def test_R72_too_big(sites, changes, target):
    ping_of(sites.lan1, target, FITS + 1, wait=0.2)

    changes.must_be(outbound_too_big=1)


def test_R74_not_fragmentable(sites, changes):
    # A packet of the gateway's own with headers of which nothing fits a fragment's head.
    options = bytes([59, 16, 1, 132]) + bytes(132)
    packet = bytes(IPv6(src=SITE1.lan6(1), dst=SITE2.lan6(10), nh=0) / Raw(options + bytes(1300)))

    send_into_tunnel(sites, packet)

    changes.must_be(outbound_not_fragmentable=1)


def test_R71_outside_of_the_selectors_when_sending(sites, changes):
    sites.lan1.ping(SITE2.lan4(10), "-I", LAN_OUTSIDE, count=1, wait=0.2)

    changes.must_be(outbound_outside_of_selectors=1)


def test_malformed_when_sending(sites, changes):
    send_into_tunnel(sites, b"\x50" + bytes(40))

    changes.must_be(outbound_malformed=1)


def test_R101_what_linux_does_not_send(sites, changes):
    host = sites.gateway1.host
    host.must("nft", "add table ip refuse; add chain ip refuse output { type filter hook output priority 0; }; "
              "add rule ip refuse output ip protocol esp drop")

    sites.lan1.ping(SITE2.lan4(10), count=1, wait=0.2)

    host.must("nft", "delete table ip refuse")
    changes.must_be(outbound_not_sent_by_linux=1)


# Inbound


class Peer:
    """Sends ESP packets to site 1, as if from site 2, by the keys of its SA, with whatever is to be wrong with them."""

    def __init__(self, sites):
        sa, = [child for child in sites.gateway1.child_sas()]
        self._spi = int(sa.inbound["SPI"], 16)
        self._encryption = bytes.fromhex(sa.inbound["Enckey"][2:])
        self._integrity = bytes.fromhex(sa.inbound["Authkey"][2:])
        self._socket = sites.internet.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def esp(self, sequence, inner, next_header=IPIP, padding=None):
        length = -(len(inner) + 2) % 16
        padding = bytes(range(1, length + 1)) if padding is None else padding[:length]
        iv = os.urandom(16)
        cipher = Cipher(algorithms.AES(self._encryption), modes.CBC(iv)).encryptor()
        head = self._spi.to_bytes(4, "big") + sequence.to_bytes(4, "big") + iv
        sealed = head + cipher.update(inner + padding + bytes([length, next_header])) + cipher.finalize()
        return sealed + hmac.new(self._integrity, sealed, hashlib.sha1).digest()[:12]

    def send(self, esp, tos=0):
        self._socket.sendto(bytes(IP(src=SITE2.wan, dst=SITE1.wan, proto=ESP, tos=tos) / Raw(esp)), (SITE1.wan, 0))


@pytest.fixture
def peer(sites):
    sites.lan1.must_reach(SITE2.lan4(10), count=1)
    return Peer(sites)


SEQUENCE = iter(range(200, 900))
INNER = bytes(IP(src=SITE2.lan4(10), dst=SITE1.lan4(10)) / ICMP(type=0))


def test_R70_replay_detected(peer, changes):
    packet = peer.esp(next(SEQUENCE), INNER)

    peer.send(packet)
    peer.send(packet)

    changes.must_be(inbound_replay_detected=1)


def test_S9_integrity_failure(peer, changes):
    packet = bytearray(peer.esp(next(SEQUENCE), INNER))
    packet[-1] ^= 1

    peer.send(packet)

    changes.must_be(inbound_integrity_failure=1)


def test_S9_packet_truncated(peer, changes):
    peer.send(peer.esp(next(SEQUENCE), INNER)[:-1])

    changes.must_be(inbound_packet_truncated=1)


def test_S9_invalid_padding(peer, changes):
    peer.send(peer.esp(next(SEQUENCE), INNER, padding=bytes(16)))

    changes.must_be(inbound_invalid_padding=1)


def test_S9_unknown_protocol(peer, changes):
    peer.send(peer.esp(next(SEQUENCE), INNER, next_header=NONE_OF_OURS))

    changes.must_be(inbound_unknown_protocol=1)


def test_R71_outside_of_the_selectors_when_receiving(peer, changes):
    peer.send(peer.esp(next(SEQUENCE), bytes(IP(src=SITE2.lan4(10), dst=LAN_OUTSIDE) / ICMP(type=0))))

    changes.must_be(inbound_outside_of_selectors=1)


def test_malformed_when_receiving(peer, changes):
    peer.send(peer.esp(next(SEQUENCE), bytes(IP(src=SITE2.lan4(10), dst=SITE1.lan4(10), len=900) / ICMP(type=0))))

    changes.must_be(inbound_malformed=1)


def test_S29_congestion_experienced(peer, changes):
    peer.send(peer.esp(next(SEQUENCE), INNER), tos=3)

    changes.must_be(inbound_congestion_experienced=1)


def test_R11_what_linux_does_not_take(sites, peer, changes):
    sites.gateway1.configure(f"interface {SITE1.tunnel}", "shutdown")

    peer.send(peer.esp(next(SEQUENCE), INNER))

    changes.must_be(inbound_not_taken_by_linux=1)
    sites.gateway1.configure(f"interface {SITE1.tunnel}", "no shutdown")
    wait_until(lambda: sites.lan1.ping(SITE2.lan4(10), count=1, wait=0.5)[0] == 1, 10, "packets pass again")


def test_S46_esp_of_an_unknown_spi_and_of_no_whole_header(sites, peer):
    changes, others = Changes(sites.gateway1, None), Changes(sites.gateway1)

    peer.send(b"\xde\xad\xbe\xef" + peer.esp(next(SEQUENCE), INNER)[4:])
    peer.send(b"\xde\xad\xbe")

    changes.must_be(inbound_unknown_spi=1, inbound_packet_truncated=1)
    others.must_be()


# Without an SA


def test_S6_queue_full_and_no_sa(sites):
    tunnel = "Tunnel9.0"
    sites.gateway1.configure(f"interface {tunnel}", "tunnel mode ipsec-ikev2", "ip unnumbered GigaEthernet1.0",
                             "ikev2 peer 10.9.9.9 authentication psk id keyid site2", "no shutdown", "exit",
                             f"ip route 192.168.99.0/24 {tunnel}", "ip route 10.9.9.9/32 10.0.0.254")
    wait_until(lambda: f"{tunnel} is up" in sites.gateway1.show(f"show interfaces {tunnel}"), 10, "it may begin")
    changes = Changes(sites.gateway1, tunnel)

    with sites.gateway1.host.socket(socket.AF_PACKET, socket.SOCK_RAW) as device:
        device.bind((tunnel, 0))
        for _ in range(64 + 3):
            device.send(bytes(IP(src=SITE1.lan4(10), dst="192.168.99.1") / ICMP()))
    changes.must_be(outbound_queue_full=3)

    sites.gateway1.show(f"clear ikev2 sa {tunnel}")
    changes.must_be(outbound_queue_full=3, outbound_no_sa=64)
