"""Packets that do not fit the path: fragmented before or after encryption (R72 to R74, S39)."""

import re

import pytest

from lib.capture import fields
from lib.sites import SITE1, SITE2, TwoSites
from lib.sizes import drop_fragments, fragments_of, must_pass, ping_of

MTU = 1500
FITS = 1438    # AES-CBC-256 with HMAC-SHA1-96 over IPv4: docs/sizes.md


@pytest.fixture(scope="module")
def sites(module_lab):
    two_sites = TwoSites(module_lab).start()
    two_sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    yield two_sites
    two_sites.stop()


@pytest.fixture
def setting(sites):
    """Sets policy lines at both ends, and takes them away at the end of the test."""
    lines_set = []

    def set_lines(*lines):
        lines_set.extend(lines)
        for gateway, tunnel in ((sites.gateway1, SITE1.tunnel), (sites.gateway2, SITE2.tunnel)):
            gateway.configure(f"interface {tunnel}", *lines)
    yield set_lines
    for gateway, tunnel in ((sites.gateway1, SITE1.tunnel), (sites.gateway2, SITE2.tunnel)):
        gateway.configure(f"interface {tunnel}", *(f"no {line}" for line in lines_set))


def outer_sizes(capture):
    """The lengths of all IPv4 packets between the gateways."""
    return [int(length.split(",")[0]) for (length,) in fields(capture, f"ip.addr == {SITE1.wan} && !udp", "ip.len")]


def inner_sizes(sites, capture):
    """The lengths of the IPv4 packets that tshark finds in the ESP packets of a capture."""
    sas = sites.gateway1.child_sas()
    lengths = [length.split(",") for (length,) in fields(capture, "esp && ip", "ip.len", children=sas)]
    return [int(inner[-1]) for inner in lengths if len(inner) > 1]


def dont_fragment(capture):
    """The DF bits of the ESP packets of site 1 that are whole."""
    return [df.split(",")[0] for (df,) in fields(capture, f"esp && ip.src == {SITE1.wan}", "ip.flags.df")]


@pytest.mark.parametrize("size", [FITS + 1, 3000, 9000, 65535])
def test_R72_without_df_a_packet_is_encrypted_and_then_fragmented(sites, size):
    wire = sites.capture(f"post{size}")

    must_pass(sites.lan1, SITE2.lan4(10), size, path_mtu="dont")

    capture = wire.stop()
    sizes = outer_sizes(capture)
    assert fragments_of(capture) > 0 and max(sizes) <= MTU, sizes
    assert {df for (df,) in fields(capture, "ip.frag_offset > 0", "ip.flags.df")} == {"0"}, "S39: DF is clear outside"


def test_S34_packets_that_left_in_fragments_are_counted_and_are_a_hint(sites):
    near = sites.gateway1
    near.show("clear ikev2 statistics")
    must_pass(sites.lan1, SITE2.lan4(10), FITS, path_mtu="dont")
    assert " left in fragments" not in near.show(f"show interfaces {SITE1.tunnel}")

    must_pass(sites.lan1, SITE2.lan4(10), FITS + 1, path_mtu="dont")

    shown = re.search(r"^  Out : \d+ packets, \d+ octets, (\d+) of the packets left in fragments$",
                      near.show(f"show interfaces {SITE1.tunnel}"), re.MULTILINE)
    assert shown and int(shown[1]) > 0, near.show(f"show interfaces {SITE1.tunnel}")
    assert (f"; {shown[1]} left in fragments: if large transfers hang, fragments may be dropped on the way: set "
            f"`ip tcp adjust-mss auto` and `ikev2 ipsec pre-fragment` in {SITE1.tunnel}\n"
            in near.show("show ikev2 explain"))


@pytest.mark.parametrize("size", [FITS + 1, 3000, 9000, 65535])
def test_R72_with_pre_fragment_nothing_on_the_wire_is_a_fragment(sites, setting, size):
    setting("ikev2 ipsec pre-fragment")
    wire = sites.capture(f"pre{size}")

    must_pass(sites.lan1, SITE2.lan4(10), size, path_mtu="dont")

    capture = wire.stop()
    assert fragments_of(capture) == 0
    assert max(outer_sizes(capture)) <= MTU
    sizes = inner_sizes(sites, capture)
    assert len(sizes) >= 4 and max(sizes) <= FITS, sizes


def test_R72_pre_fragment_still_answers_what_has_df(sites, setting):
    setting("ikev2 ipsec pre-fragment")

    for target in (SITE2.lan4(10), SITE2.lan6(10)):
        received, printed = ping_of(sites.lan1, target, FITS + 1)
        assert received == 0 and str(FITS) in printed, printed


@pytest.mark.parametrize("lines", [("ikev2 ipsec mtu ignore",),
                                   ("ikev2 ipsec mtu ignore", "ikev2 ipsec pre-fragment")], ids=["alone", "pre"])
def test_R73_with_mtu_ignore_all_sizes_pass_without_an_error(sites, setting, lines):
    setting(*lines)
    lan, wire = sites.capture_lan("ignore-lan"), sites.capture("ignore")

    for target in (SITE2.lan4(10), SITE2.lan6(10)):
        for size in (100, FITS, FITS + 1, 1500):
            must_pass(sites.lan1, target, size)

    capture = wire.stop()
    assert not fields(lan.stop(), "(icmp.type == 3 && icmp.code == 4) || icmpv6.type == 2", "frame.number")
    assert "1" not in dont_fragment(capture), "S39: DF is clear outside"
    assert fragments_of(capture) > 0, "S39: what is IPv6 inside is sealed whole, also with pre-fragment"


@pytest.mark.parametrize("lines", [(), ("ikev2 ipsec mtu ignore",), ("ikev2 ipsec pre-fragment",)],
                         ids=["default", "ignore", "pre"])
def test_R74_own_packets_are_fragmented_before_encryption(sites, setting, lines):
    setting(*lines)
    wire = sites.capture("own")
    own = sites.gateway1.host

    for target, source in ((SITE2.lan4(1), SITE1.lan4(1)), (SITE2.lan6(1), SITE1.lan6(1))):
        for path_mtu, size in (("do", 1500), ("dont", 1500), ("dont", 4000)):
            must_pass(own, target, size, "-I", source, path_mtu=path_mtu)

    capture = wire.stop()
    assert fragments_of(capture) == 0
    assert max(outer_sizes(capture)) <= MTU


def test_S39_df_outside_is_that_inside_and_set_for_ipv6(sites):
    bits = {}
    for name, target, path_mtu in (("set", SITE2.lan4(10), "do"), ("clear", SITE2.lan4(10), "dont"),
                                   ("IPv6", SITE2.lan6(10), "do")):
        wire = sites.capture(f"df-{name}")
        must_pass(sites.lan1, target, 200, path_mtu=path_mtu)
        bits[name] = set(dont_fragment(wire.stop()))

    assert bits == {"set": {"1"}, "clear": {"0"}, "IPv6": {"1"}}


def test_R101_fragments_are_counted_to_the_packet(sites, setting):
    setting("ikev2 ipsec pre-fragment")
    before = [gateway.counters(site.tunnel) for gateway, site in
              ((sites.gateway1, SITE1), (sites.gateway2, SITE2))]
    wire = sites.capture("counted")

    must_pass(sites.lan1, SITE2.lan4(10), 9000, path_mtu="dont")

    capture = wire.stop()
    after = [gateway.counters(site.tunnel) for gateway, site in ((sites.gateway1, SITE1), (sites.gateway2, SITE2))]
    sent = len(fields(capture, f"esp && ip.src == {SITE1.wan}", "frame.number"))
    assert after[0].outbound["packets"] - before[0].outbound["packets"] == sent
    assert after[1].inbound["packets"] - before[1].inbound["packets"] == sent
    # Each fragment has a header of its own.
    assert after[0].outbound["octets"] - before[0].outbound["octets"] == 9000 + 20 * (sent - 1)


def test_R72_R75_tcp_passes_a_router_that_drops_fragments(lab):
    sites = TwoSites(lab)
    drop_fragments(sites.internet)
    sites.start("ip tcp adjust-mss auto\nikev2 ipsec pre-fragment")
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)

    must_pass(sites.lan1, SITE2.lan4(10), 5000, path_mtu="dont")
    for family in (4, 6):
        assert sites.iperf3(family)["bytes"] > 1_000_000
    sites.stop()
