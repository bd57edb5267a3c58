"""Traffic selectors with real traffic: what they hold passes, all else is dropped and counted (R71, S42)."""

from dataclasses import dataclass

import pytest

from lib.frames import LanHost, Sealer, Wire, number_of, numbered, silence
from lib.process import wait_until, wait_until_equal
from lib.sites import SITE1, SITE2, TwoSites
from lib.sizes import fragments_of

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6PacketTooBig, IPv6,
                                IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop)
from scapy.packet import Raw

MOBILITY = 135
PEER = {SITE1: SITE2, SITE2: SITE1}
LANS = {4: ("192.168.1.0/24", "192.168.2.0/24"), 6: ("2001:db8:1::/64", "2001:db8:2::/64")}


@dataclass(frozen=True)
class Row:
    """Selectors as site 1 configures them, and packets that they hold or not: from site 1 out of its LAN, and in."""
    selectors: tuple
    out_fits: tuple
    out_unfit: tuple
    in_fits: tuple
    in_unfit: tuple


def out4(*layers, **fields):
    return _stacked(IP(src=SITE1.lan4(20), dst=SITE2.lan4(20), **fields), layers)


def in4(*layers, **fields):
    return _stacked(IP(src=SITE2.lan4(20), dst=SITE1.lan4(20), **fields), layers)


def out6(*layers, **fields):
    return _stacked(IPv6(src=SITE1.lan6(20), dst=SITE2.lan6(20), **fields), layers)


def in6(*layers, **fields):
    return _stacked(IPv6(src=SITE2.lan6(20), dst=SITE1.lan6(20), **fields), layers)


def _stacked(packet, layers):
    for layer in layers:
        packet /= layer
    return packet


def between(site, host, other):
    """A packet from a host of a site to a host of the other one."""
    return IP(src=site.lan4(host), dst=PEER[site].lan4(other)) / UDP()


def selectors(family, local="", remote=""):
    return (f"ikev2 local-ts {LANS[family][0]} {local}".strip(), f"ikev2 remote-ts {LANS[family][1]} {remote}".strip())


ROWS = {
    "a TCP port": Row(
        selectors(4, "protocol 6", "protocol 6 port 80"),
        out_fits=(out4(TCP(sport=5000, dport=80)),),
        out_unfit=(out4(TCP(sport=5000, dport=81)), out4(TCP(sport=80, dport=5000)), out4(UDP(sport=5000, dport=80)),
                   out4(ICMP()), out6(TCP(sport=5000, dport=80))),
        in_fits=(in4(TCP(sport=80, dport=5000)),),
        in_unfit=(in4(TCP(sport=81, dport=5000)), in4(TCP(sport=5000, dport=80)), in4(UDP(sport=80, dport=5000)),
                  in6(TCP(sport=80, dport=5000)))),
    "ranges of UDP ports": Row(
        selectors(6, "protocol 17 port 1000-1999", "protocol 17 port 2000-2999"),
        out_fits=(out6(UDP(sport=1000, dport=2999)), out6(UDP(sport=1999, dport=2000))),
        out_unfit=(out6(UDP(sport=999, dport=2000)), out6(UDP(sport=2000, dport=2000)),
                   out6(UDP(sport=1000, dport=1999)), out6(UDP(sport=1000, dport=3000))),
        in_fits=(in6(UDP(sport=2999, dport=1000)), in6(UDP(sport=2000, dport=1999))),
        in_unfit=(in6(UDP(sport=1000, dport=2000)), in6(UDP(sport=3000, dport=1000)))),
    "addresses": Row(
        ("ikev2 local-ts 192.168.1.19-192.168.1.20", "ikev2 remote-ts 192.168.2.20-192.168.2.21"),
        out_fits=(out4(UDP()),),
        out_unfit=(between(SITE1, 18, 20), between(SITE1, 21, 20), between(SITE1, 20, 19), between(SITE1, 20, 22)),
        in_fits=(in4(UDP()),),
        in_unfit=(between(SITE2, 19, 20), between(SITE2, 22, 20), between(SITE2, 20, 18), between(SITE2, 20, 21))),
    "ICMP types": Row(    # echo requests of any code out, echo replies back
        selectors(4, "protocol 1 port 2048-2303", "protocol 1 port 0-255"),
        out_fits=(out4(ICMP(type=8)), out4(ICMP(type=8, code=255))),
        out_unfit=(out4(ICMP(type=0)), out4(ICMP(type=13)), out4(ICMP(type=7, code=255)), out4(UDP())),
        in_fits=(in4(ICMP(type=0)),),
        in_unfit=(in4(ICMP(type=8)), in4(ICMP(type=14)))),
    "an ICMPv6 type and code": Row(
        selectors(6, "protocol 58 port 32768", "protocol 58 port 33024"),
        out_fits=(out6(ICMPv6EchoRequest()),),
        out_unfit=(out6(ICMPv6EchoRequest(code=1)), out6(ICMPv6EchoReply()), out6(UDP())),
        in_fits=(in6(ICMPv6EchoReply()),),
        in_unfit=(in6(ICMPv6EchoRequest()), in6(ICMPv6EchoReply(code=1)))),
    "a Mobility Header type": Row(
        selectors(6, "protocol 135 port 1280-1535", "protocol 135 port 1536-1791"),
        out_fits=(out6(Raw(b"\x3b\0\5\0\0\0\0\0"), nh=MOBILITY),),
        out_unfit=(out6(Raw(b"\x3b\0\6\0\0\0\0\0"), nh=MOBILITY), out6(Raw(b"\x3b\0\4\0\0\0\0\0"), nh=MOBILITY)),
        in_fits=(in6(Raw(b"\x3b\0\6\0\0\0\0\0"), nh=MOBILITY),),
        in_unfit=(in6(Raw(b"\x3b\0\5\0\0\0\0\0"), nh=MOBILITY),)),
    "IPv6 extension headers": Row(
        selectors(6, "", "protocol 17 port 53"),
        out_fits=(out6(IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(), UDP(sport=1, dport=53)),
                  out6(IPv6ExtHdrDestOpt(), UDP(sport=1, dport=53))),
        out_unfit=(out6(IPv6ExtHdrHopByHop(), UDP(sport=1, dport=54)), out6(IPv6ExtHdrDestOpt(), TCP(dport=53)),
                   out6(Raw(b"\x11\4\0\0\0\0\0\0" + bytes(16)), nh=51)),    # AH is none (RFC 4301 4.4.1.1)
        in_fits=(in6(IPv6ExtHdrDestOpt(), UDP(sport=53, dport=1)),),
        in_unfit=(in6(IPv6ExtHdrDestOpt(), UDP(sport=54, dport=1)),)),
    # RFC 4301 7: what shows no ports is held by selectors of all ports alone.
    "fragments and a port": Row(
        selectors(4, "protocol 17", "protocol 17 port 53"),
        out_fits=(out4(UDP(sport=1, dport=53, len=32), Raw(b"first..."), flags="MF"),),
        out_unfit=(out4(Raw(b"\0\1\0\x35 later."), proto=17, frag=2),
                   out4(Raw(b"\0\1\0\x35 middle"), proto=17, frag=2, flags="MF")),
        in_fits=(in4(UDP(sport=53, dport=1, len=32), Raw(b"first..."), flags="MF"),),
        in_unfit=(in4(Raw(b"\0\x35\0\1 later."), proto=17, frag=2),)),
    "fragments and all ports": Row(
        selectors(4, "protocol 17", "protocol 17"),
        out_fits=(out4(UDP(sport=1, dport=53, len=32), Raw(b"first..."), flags="MF"),
                  out4(Raw(b"last...."), proto=17, frag=2)),
        out_unfit=(out4(Raw(b"last...."), proto=6, frag=2),),
        in_fits=(in4(Raw(b"last...."), proto=17, frag=2),),
        in_unfit=(in4(Raw(b"last...."), proto=6, frag=2),)),
    "IPv6 fragments and a port": Row(
        selectors(6, "protocol 17", "protocol 17 port 53"),
        out_fits=(out6(IPv6ExtHdrFragment(m=1, id=7), UDP(sport=1, dport=53, len=32), Raw(b"first...")),),
        out_unfit=(out6(IPv6ExtHdrFragment(nh=17, offset=2, id=7), Raw(b"\0\1\0\x35 later.")),),
        in_fits=(in6(IPv6ExtHdrFragment(m=1, id=7), UDP(sport=53, dport=1, len=32), Raw(b"first...")),),
        in_unfit=(in6(IPv6ExtHdrFragment(nh=17, offset=2, id=7), Raw(b"\0\x35\0\1 later.")),)),
    # RFC 4301 6.2: an error passes with the answers to the packet that it quotes.
    "ICMP errors": Row(
        selectors(4, "protocol 6", "protocol 6 port 80"),
        out_fits=(out4(ICMP(type=3, code=4, nexthopmtu=1400), in4(TCP(sport=80, dport=5000))),),
        out_unfit=(out4(ICMP(type=3, code=4, nexthopmtu=1400), in4(TCP(sport=81, dport=5000))),
                   out4(ICMP(type=5), in4(TCP(sport=80, dport=5000)))),
        in_fits=(in4(ICMP(type=11), out4(TCP(sport=5000, dport=80))),),
        in_unfit=(in4(ICMP(type=11), out4(TCP(sport=80, dport=5000))),)),
    "ICMPv6 errors": Row(
        selectors(6, "protocol 6", "protocol 6 port 80"),
        out_fits=(out6(ICMPv6PacketTooBig(mtu=1400), in6(TCP(sport=80, dport=5000))),),
        out_unfit=(out6(ICMPv6PacketTooBig(mtu=1400), in6(TCP(sport=5000, dport=80))),),
        in_fits=(in6(ICMPv6PacketTooBig(mtu=1400), out6(TCP(sport=5000, dport=80))),),
        in_unfit=(in6(ICMPv6PacketTooBig(mtu=1400), out6(UDP(sport=5000, dport=80))),)),
}


FORGED = 500    # sequence numbers above those that the gateways have used


class Field:
    """The two sites, with a host in each LAN; site 1's tunnel gets the selectors of one row after the other."""

    def __init__(self, lab):
        self.sites = TwoSites(lab)
        for site in (SITE1, SITE2):
            silence(self.sites.gateway_hosts[site])
        self.hosts = {site: LanHost(lab, self.sites, site) for site in (SITE1, SITE2)}
        self.wires = {site: Wire(lab, self.sites, site) for site in (SITE1, SITE2)}
        self.sites.start()
        for host in self.hosts.values():
            host.appear()
        self._lines = ()

    def choose(self, row):
        """Site 1 initiates with a row's selectors; site 2, which is set to all, adopts them."""
        self.sites.gateway1.configure(f"interface {SITE1.tunnel}", *[f"no {line}" for line in self._lines],
                                      *row.selectors)
        self._lines = row.selectors
        self.sites.gateway1.show("clear ikev2 sa")
        for gateway in self.sites.gateways.values():
            gateway.wait_for_no_sa()
        self.hosts[SITE1].send(row.out_fits[:1])
        assert len(self.hosts[SITE2].receive(1)) == 1, "the first packet did not arrive"

    def drops(self, site):
        """How many packets of its tunnel a site has dropped: sent, received."""
        tunnel = self.sites.gateways[site].counters(site.tunnel)
        return tunnel.outbound["ts unacceptable"], tunnel.inbound["ts unacceptable"]


@pytest.fixture(scope="module")
def field(module_lab):
    made = Field(module_lab)
    yield made
    made.sites.stop()


EACH_ROW = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


def must_arrive(field, site, fits):
    """These, and no others, have come to the site's LAN; those of two flows in any order."""
    arrived = field.hosts[site].receive(len(fits))
    assert sorted(number_of(packet) for packet in arrived) == sorted(number_of(packet) for packet in fits)


def must_drop_what_leaves(field, site, fits, unfit):
    """Packets that come out of a site's LAN: the site itself drops those that do not fit."""
    sent, received = field.drops(site)

    field.hosts[site].send(numbered([*unfit, *fits]))

    must_arrive(field, PEER[site], fits)
    wait_until_equal(lambda: field.drops(site), (sent + len(unfit), received))


def must_drop_what_comes(field, site, fits, unfit):
    """Packets that a peer seals although they do not fit: the site drops them."""
    sent, received = field.drops(site)
    child = field.sites.gateways[site].child_sas()[0]

    field.wires[site].send(Sealer(child, site, FORGED).seal(numbered([*unfit, *fits])))

    must_arrive(field, site, fits)
    wait_until_equal(lambda: field.drops(site), (sent, received + len(unfit)))


@EACH_ROW
def test_R71_each_end_passes_what_fits_and_drops_and_counts_all_else(field, row):
    field.choose(row)

    must_drop_what_leaves(field, SITE1, row.out_fits, row.out_unfit)
    must_drop_what_leaves(field, SITE2, row.in_fits, row.in_unfit)
    must_drop_what_comes(field, SITE1, row.in_fits, row.in_unfit)
    must_drop_what_comes(field, SITE2, row.out_fits, row.out_unfit)


def test_R71_the_responder_shows_the_initiators_selectors(field):
    field.choose(ROWS["ranges of UDP ports"])

    child = field.sites.gateway2.child_sas()[0]

    (local,), (peer,) = child.local_ts, child.peer_ts
    assert (local.kind, local.protocol, local.ports) == ("IPV6-ADDR-RANGE", 17, (2000, 2999))
    assert (peer.kind, peer.protocol, peer.ports) == ("IPV6-ADDR-RANGE", 17, (1000, 1999))
    assert local.addresses == ("2001:db8:2::", "2001:db8:2:0:ffff:ffff:ffff:ffff")


def test_S42_a_responder_tells_once_of_packets_that_its_peer_did_not_ask_for(field):
    web = Row(selectors(4, "protocol 6", "protocol 6 port 8080"), (out4(TCP(dport=8080)),), (), (), ())
    field.choose(web)
    gateway, host = field.sites.gateway2, field.hosts[SITE2]
    sent, _ = field.drops(SITE2)

    for _ in range(3):
        host.send([in4(UDP(sport=7, dport=9))])

    gateway.wait_for_log(
        r"warn Tunnel0\.0: no Child SA for packets from 192\.168\.2\.20 to 192\.168\.1\.20, protocol 17, ports 7 and 9 "
        r"\(the peer asked for local 192\.168\.2\.0-192\.168\.2\.255 protocol 6 port 8080-8080, "
        r"remote 192\.168\.1\.0-192\.168\.1\.255 protocol 6\): they are dropped; local-ts and remote-ts: the default, no line sets it")
    wait_until(lambda: field.drops(SITE2)[0] == sent + 3, 5, "three packets dropped")
    assert gateway.log.count("port 8080-8080") == 1


@pytest.mark.parametrize("port, outer, inner", [(" port 53", 2, 1), ("", 0, 2)], ids=["a port", "all ports"])
def test_RFC4301_7_3_a_packet_for_a_port_is_not_fragmented_before_encryption(field, port, outer, inner):
    """A packet without DF that does not fit: how many fragments are on the wire, and in the LAN."""
    gateway = field.sites.gateway1
    gateway.configure(f"interface {SITE1.tunnel}", "ikev2 ipsec pre-fragment")
    field.choose(Row(selectors(4, "protocol 17", f"protocol 17{port}"), (out4(UDP(dport=53)),), (), (), ()))
    before = gateway.counters(SITE1.tunnel).outbound["packets"]
    wire = field.sites.capture(f"pieces{inner}")

    field.hosts[SITE1].send([out4(UDP(sport=1, dport=53), Raw(bytes(1440)))])

    pieces = field.hosts[SITE2].receive(inner)
    assert [(piece.frag > 0, bool(piece.flags.MF)) for piece in pieces] == [(False, inner > 1), (True, False)][:inner]
    assert sum(piece.len - 20 for piece in pieces) == 8 + 1440
    assert gateway.counters(SITE1.tunnel).outbound["packets"] == before + inner
    assert fragments_of(wire.stop()) == outer
    gateway.configure(f"interface {SITE1.tunnel}", "no ikev2 ipsec pre-fragment")
