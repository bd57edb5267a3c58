"""Plain ESP that leaves by the ring of a link, past Linux's IP output (docs/architecture.md)."""

import re

import pytest

from lib.capture import Capture, fields
from lib.direct import FAR, NEAR, MusubiPair
from lib.process import wait_until
from lib.sizes import largest_inner_gcm, ping_of

COUNT = 300


@pytest.fixture
def pair(lab):
    made = MusubiPair(lab)
    made.near, made.far = made.gateway(lab), made.far_gateway(lab)
    made.lan.must_reach(FAR.inner4, count=1, wait=10)
    return made


def routed(host):
    """How many packets of its own the host's IP output has seen."""
    names, values = (line.split() for line in host.must("cat", "/proc/net/snmp").splitlines() if line.startswith("Ip:"))
    return int(values[names.index("OutRequests")])


def flood(pair, *options):
    """Many packets through the tunnel, one after the other; how many of them the IP output of the sender saw."""
    before = routed(pair.host)
    printed = pair.lan.must("ping", "-f", "-n", "-q", "-c", COUNT, *options, FAR.inner4, timeout=120)
    assert int(re.search(r"(\d+) received", printed).group(1)) > 0, printed
    return routed(pair.host) - before


def must_leave_by_link(pair):
    wait_until(lambda: flood(pair) < COUNT / 2, 20, "packets leave by the link's ring")


def counted(host):
    return int(re.search(r"packets (\d+)", host.must("nft", "list", "counter", "ip", "watch", "seen")).group(1))


def test_esp_leaves_by_the_link_only_while_no_filter_may_look_at_it(pair):
    must_leave_by_link(pair)

    pair.host.run("nft", "-f", "-", text_in="""
        table ip watch {
            counter seen { }
            chain sent { type filter hook output priority 0; ip protocol esp counter name seen; }
        }""").must_succeed()
    wait_until(lambda: flood(pair) >= COUNT, 20, "packets leave by the IP output")
    before = counted(pair.host)
    assert flood(pair) >= COUNT
    assert counted(pair.host) - before >= COUNT, "the filter sees each of them"

    pair.host.must("nft", "delete", "table", "ip", "watch")
    must_leave_by_link(pair)


def test_esp_by_the_link_follows_the_neighbour(pair):
    must_leave_by_link(pair)

    pair.far_host.ip("link set ge0 address 02:00:00:00:09:02")
    pair.host.ip(f"neighbour replace {FAR.outer4} lladdr 02:00:00:00:09:02 nud reachable dev ge0")

    pair.lan.must_reach(FAR.inner4)
    must_leave_by_link(pair)


def set_mtu(pair, mtu):
    """The MTU of the wire; afterwards the gateway has heard of it. Returns the size of the largest inner packet."""
    for host in (pair.host, pair.far_host):
        host.ip(f"link set ge0 mtu {mtu}")
    fits = largest_inner_gcm(4, False, mtu)
    wait_until(lambda: f"mtu = {fits})" in ping_of(pair.lan, FAR.inner4, 1480, wait=0.2)[1], 10, f"the size {fits}")
    return fits


def test_R72_esp_by_the_link_follows_its_mtu(lab, pair):
    """Linux compares no frame of the ring with the link's MTU, and the far end of a veth drops what is too large."""
    mtu = 1400
    must_leave_by_link(pair)

    fits = set_mtu(pair, mtu)

    capture = Capture(lab, pair.host, "ge0", "sized", octets=64)
    ping = ("-M", "do", "-s", fits - 28)
    wait_until(lambda: flood(pair, *ping) < COUNT / 2, 20, "packets leave by the link's ring")
    pair.lan.must_reach(FAR.inner4, *ping)
    lengths = {int(length) for length, in fields(capture.stop(), f"esp && ip.src == {NEAR.outer4}", "ip.len")}
    assert mtu - 3 <= max(lengths) <= mtu, lengths    # ESP of AES-GCM has a multiple of four octets
