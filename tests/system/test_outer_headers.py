"""What stands in outer headers, and what they do to inner ones (S29)."""

import pytest

from lib.capture import Capture, fields
from lib.direct import FAR, NEAR, MusubiPair

NOT_ECT, ECT_1, ECT_0, CE = 0, 1, 2, 3
EF = 46 << 2


@pytest.fixture(scope="module", params=[4, 6], ids=["over IPv4", "over IPv6"])
def pair(request, module_lab):
    """Two gateways; `pair.family` is that outside."""
    made = MusubiPair(module_lab)
    made.lab, made.family = module_lab, request.param
    made.near = made.gateway(module_lab, request.param)
    made.far = made.far_gateway(module_lab, request.param)
    made.lan.must_reach(FAR.inner4, count=1, wait=10)
    yield made
    made.near.stop()
    made.far.stop()


def capture_of(pair, name):
    return Capture(pair.lab, pair.far_host, "ge0", f"{name}{pair.family}")


def outer(pair, capture, *names):
    """Fields of the outer headers of what the near gateway sent."""
    field = "ip.src" if pair.family == 4 else "ipv6.src"
    rows = fields(capture, f"esp && {field} == {NEAR.outer(pair.family)}", *names)
    assert rows, "nothing was sent"
    return [tuple(value.split(",")[0] for value in row) for row in rows]


TRAFFIC_CLASS = {4: "ip.dsfield", 6: "ipv6.tclass"}


@pytest.mark.parametrize("target", [FAR.inner4, FAR.inner6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("value", [0, EF, EF | ECT_0, ECT_1, 0xfc | CE])
def test_S29_dscp_and_ecn_are_copied_outward(pair, target, value):
    wire = capture_of(pair, f"class{value}")

    pair.lan.must_reach(target, "-Q", value, count=1)

    assert {int(tos, 16) for (tos,) in outer(pair, wire.stop(), TRAFFIC_CLASS[pair.family])} == {value}


def test_S29_outer_headers_are_sound(pair):
    wire = capture_of(pair, "sound")

    for target in (FAR.inner4, FAR.inner6):
        pair.lan.must_reach(target, "-M", "dont", "-s", 1200, "-t", 9, count=3)

    capture = wire.stop()
    if pair.family == 4:
        for ttl, version, length, checksum in outer(pair, capture, "ip.ttl", "ip.version", "ip.hdr_len",
                                                    "ip.checksum.status"):
            assert (ttl, version, length) == ("64", "4", "20"), "its own, not the inner one"
            assert checksum in ("1", "2"), "not found wrong"
        identifications = [row[0] for row in outer(pair, capture, "ip.id", "ip.flags.df") if row[1] == "0"]
        assert len(set(identifications)) == len(identifications), "what may be fragmented has IDs of its own"
    else:
        rows = outer(pair, capture, "ipv6.hlim", "ipv6.nxt", "ipv6.flow")
        assert {row[:2] for row in rows} == {("64", "50")}
        assert len({row[2] for row in rows}) == 1, "one flow outside, whatever the flows inside are"


def mark_congestion(host, value):
    """Has a host set the ECN field of ESP that arrives, as a router on the way would."""
    names = {NOT_ECT: "not-ect", ECT_1: "ect1", ECT_0: "ect0", CE: "ce"}
    host.run("nft", "-f", "-", text_in=f"""
        table inet marking
        delete table inet marking
        table inet marking {{
            chain arrives {{
                type filter hook prerouting priority -500; policy accept;
                ip protocol 50 ip ecn set {names[value]}
                ip6 nexthdr 50 ip6 ecn set {names[value]}
            }}
        }}
    """).must_succeed()


# RFC 6040, figure 4, by the inner field, then the outer one; None is a drop.
COMBINED = {
    NOT_ECT: {NOT_ECT: NOT_ECT, ECT_1: NOT_ECT, ECT_0: NOT_ECT, CE: None},
    ECT_1: {NOT_ECT: ECT_1, ECT_1: ECT_1, ECT_0: ECT_1, CE: CE},
    ECT_0: {NOT_ECT: ECT_0, ECT_1: ECT_1, ECT_0: ECT_0, CE: CE},
    CE: {NOT_ECT: CE, ECT_1: CE, ECT_0: CE, CE: CE},
}


@pytest.mark.parametrize("target", [FAR.inner4, FAR.inner6], ids=["IPv4", "IPv6"])
def test_S29_the_outer_ecn_field_reaches_the_inner_header(pair, target):
    seen = {inner: {} for inner in COMBINED}
    name = TRAFFIC_CLASS[6 if ":" in target else 4]
    before = pair.far.counters(FAR.tunnel).inbound
    for met in (NOT_ECT, ECT_1, ECT_0, CE):
        mark_congestion(pair.far_host, met)
        inside = Capture(pair.lab, pair.far_host, FAR.tunnel, f"ecn{met}{target[:3]}{pair.family}")
        for inner in COMBINED:
            pair.lan.ping(target, "-Q", EF | inner, "-s", 100 + inner, count=1,
                          wait=0.3 if COMBINED[inner][met] is None else 5)
        ping, length = ("icmpv6.type == 128", "ipv6.plen") if ":" in target else ("icmp.type == 8", "ip.len")
        # By their lengths, since the field is what may change.
        came = {int(octets) - (8 if ":" in target else 28) - 100: int(tos, 16)
                for octets, tos in fields(inside.stop(), ping, length, name)}
        for inner in COMBINED:
            seen[inner][met] = came.get(inner)
    pair.far_host.run("nft", "delete", "table", "inet", "marking").must_succeed()

    assert seen == {inner: {met: None if ecn is None else EF | ecn for met, ecn in row.items()}
                    for inner, row in COMBINED.items()}
    after = pair.far.counters(FAR.tunnel).inbound
    assert after["misc error"] - before["misc error"] == 1, "CE outside over not-ECT inside"
