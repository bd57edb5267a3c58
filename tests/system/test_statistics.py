"""The statistics of `show ikev2 child-sa`, right to the packet and octet (R101), compared with captures.

What goes through the tunnel is counted by the test as it sends it, and seen on the wire as ESP.
"""

import pytest

from lib.frames import LanHost, Sealer, Wire, esp_packets, silence
from lib.process import wait_until, wait_until_equal
from lib.sites import SITE1, SITE2, TwoSites

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

FITS = 1438             # octets of an inner packet: AES-CBC-256 with SHA-1, an MTU of 1500
ZERO_OUT = dict.fromkeys(["packets", "octets", "cipher failure", "out of memory", "ts unacceptable", "misc error"], 0)
ZERO_IN = dict.fromkeys(
    ["packets", "octets", "invalid sa", "replay detected", "integrity failure", "cipher failure", "packet truncated",
     "invalid padding", "unknown protocol", "out of memory", "ts unacceptable", "misc error"], 0)
PEER = {SITE1: SITE2, SITE2: SITE1}
LINES = "ikev2 local-ts any protocol 17\nikev2 remote-ts any protocol 17\n"


class Books:
    """The two sites, of which site 1 fragments before encryption; `out` and `come` are what each must have counted."""

    def __init__(self, lab):
        self.sites = TwoSites(lab)
        for site in (SITE1, SITE2):
            silence(self.sites.gateway_hosts[site])
        self.hosts = {site: LanHost(lab, self.sites, site) for site in (SITE1, SITE2)}
        self.wire = Wire(lab, self.sites)
        self.out = {site: dict(ZERO_OUT) for site in (SITE1, SITE2)}
        self.come = {site: dict(ZERO_IN) for site in (SITE1, SITE2)}
        self.captures = 0
        self.sites.start(tunnel_lines=LINES + "ikev2 ipsec pre-fragment\n", at_site2=LINES)
        for host in self.hosts.values():
            host.appear()

    def shown(self, site):
        tunnel = self.sites.gateways[site].counters(site.tunnel)
        return tunnel.outbound, tunnel.inbound

    def must_be_right(self):
        for site in (SITE1, SITE2):
            wait_until_equal(lambda: self.shown(site), (self.out[site], self.come[site]))    # noqa: B023

    def carry(self, site, packets, pieces=None):
        """Send packets of a site's LAN, which arrive in the other LAN; as `pieces`, their sizes, or whole."""
        sizes = pieces or [len(packet) for packet in packets]
        for counts in (self.out[site], self.come[PEER[site]]):
            counts["packets"] += len(sizes)
            counts["octets"] += sum(sizes)
        self.hosts[site].send(packets)
        arrived = self.hosts[PEER[site]].receive(len(sizes))
        # Packets of one flow stay in their order, those of two flows need not.
        arrived.sort(key=lambda packet: packet.version)
        assert [packet.plen + 40 if packet.version == 6 else packet.len for packet in arrived] == sizes

    def child(self):
        return self.sites.gateway1.child_sas()[0]

    def esp_of(self, site, act):
        """The ESP packets of a site on site 1's wire while `act` is done; fragments are packets of their own."""
        self.captures += 1
        capture = self.sites.capture(f"books{self.captures}")
        act()
        return esp_packets(capture.stop(), site)


@pytest.fixture(scope="module")
def books(module_lab):
    made = Books(module_lab)
    made.carry(SITE1, [between(SITE1, 100)])
    yield made
    made.must_be_right()
    made.sites.stop()


def between(site, octets, **fields):
    """A UDP packet from one host to the other, of so many octets with its IP header."""
    header = IP(src=site.lan4(20), dst=PEER[site].lan4(20), **fields)
    return header / UDP(sport=1, dport=2) / Raw(bytes(octets - 28))


def between6(site, octets):
    return IPv6(src=site.lan6(20), dst=PEER[site].lan6(20)) / UDP(sport=1, dport=2) / Raw(bytes(octets - 48))


def test_R101_plain_packets_are_counted_with_their_inner_octets(books):
    for site in (SITE1, SITE2):
        packets = [between(site, octets) for octets in (28, 29, 100, FITS)] + [between6(site, 49), between6(site, FITS)]

        seen = books.esp_of(site, lambda: books.carry(site, packets))    # noqa: B023

        assert len(seen) == len(packets)
    books.must_be_right()


def test_R101_a_packet_whose_outer_packet_is_fragmented_counts_once(books):
    seen = books.esp_of(SITE2, lambda: books.carry(SITE2, [between(SITE2, FITS + 1), between(SITE2, 1500)]))

    assert len(seen) == 4, "two fragments each"
    books.must_be_right()


def test_R101_each_fragment_that_is_encrypted_counts_with_its_own_header(books):
    first = 20 + (FITS - 20) // 8 * 8
    pieces = [first, FITS + 1 + 20 - first, first, 1500 + 20 - first]

    seen = books.esp_of(SITE1, lambda: books.carry(SITE1, [between(SITE1, FITS + 1), between(SITE1, 1500)], pieces))

    assert len(seen) == len(pieces)
    books.must_be_right()


def test_R101_dropped_packets_are_counted_by_reason_and_do_not_leave(books):
    outside = IP(src=SITE1.lan4(20), dst=SITE2.lan4(20)) / ICMP()
    books.out[SITE1]["ts unacceptable"] += 3
    books.out[SITE1]["misc error"] += 2    # too large, which its sender is told

    def drop():
        books.hosts[SITE1].send([outside, between(SITE1, FITS + 1, flags="DF"), outside, between6(SITE1, FITS + 1),
                                 outside])
        books.must_be_right()

    assert not books.esp_of(SITE1, drop)
    errors = books.hosts[SITE1].receive(2)
    assert [error.src for error in errors] == [SITE1.lan4(1), SITE1.lan6(1)], "from the gateway itself"


def test_R101_bad_packets_are_counted_by_reason_and_do_not_arrive(books):
    packets = [between(SITE2, octets) for octets in (60, 61, 1000)]
    held = books.esp_of(SITE2, lambda: books.carry(SITE2, packets))
    assert len(held) == len(packets)
    sealer = Sealer(books.child(), SITE1, 500)
    forged = [bytearray(bytes(packet)) for packet in sealer.seal(packets)]
    for octets in forged:
        octets[-1] ^= 1
    short = [bytes(IP(src=SITE2.wan, dst=SITE1.wan, proto=50) / octets[20:60]) for octets in forged]
    outside = sealer.seal([IP(src=SITE2.lan4(20), dst=SITE1.lan4(20)) / ICMP()])
    counts = books.come[SITE1]
    counts["replay detected"] += 2 * len(held)
    counts["integrity failure"] += len(forged)
    counts["packet truncated"] += len(short)
    counts["ts unacceptable"] += len(outside)

    books.wire.send([*held, *forged, *short, *held, *outside])

    books.must_be_right()
    books.carry(SITE2, [between(SITE2, 99)])
    books.must_be_right()


def test_R101_the_counts_go_on_across_rekeys(books):
    gateways = books.sites.gateways
    for site in (SITE1, SITE2):
        gateways[site].configure(f"interface {site.tunnel}", "ikev2 child-lifetime 8")
    gateways[SITE1].show("clear ikev2 sa")
    for gateway in gateways.values():
        gateway.wait_for_no_sa()
    books.carry(SITE1, [between(SITE1, 100)])
    first = books.child().inbound["SPI"]

    def is_rekeyed():
        for site in (SITE1, SITE2):
            books.carry(site, [between(site, 200)])
        return books.child().inbound["SPI"] != first
    wait_until(is_rekeyed, 30, "a rekey of the Child SA")

    for site in (SITE1, SITE2):
        books.carry(site, [between(site, 300)])
    books.must_be_right()
