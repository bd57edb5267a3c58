"""`outgoing-interface` in its three forms (R44, S21), and links and addresses under it that come and go.

Linux's default route leads by WAN 2 in most of these tests, and captures show that nothing takes it.
"""

import re

import pytest

from lib.process import wait_until
from lib.wans import (TwoWans, address, count_to_peer, far_tunnel, must_be_silent, near_tunnel, router, serials,
                      shown_source, status, tunnel, wait_for_status, wan)

AUTO = "ikev2 connect-type auto\n"
NEXT_HOP = {4: router(1, 4), 6: "fe80::fe"}


def out_by(interface, *more):
    return " ".join(["ikev2 outgoing-interface", interface, *more]) + "\n"


def start(lab, *near_sections, default=2):
    """Both gateways, with an SA, and Linux's default route by a WAN; returns all that and a capture of each WAN."""
    net = TwoWans(lab)
    net.start_far(far_tunnel("A"))
    captures = [net.capture(number, f"wan{number}") for number in (1, 2)]
    net.start_near(wan(1, 0), wan(2, 2), *near_sections)
    net.default_by(default)
    net.near.wait_for_sa(timeout=20)
    net.must_ping()
    return net, *captures


PINNED = {
    4: near_tunnel("A", AUTO + out_by("GigaEthernet0.0", NEXT_HOP[4]), family=4),
    6: near_tunnel("A", AUTO + "ikev2 binding wan1\n", family=6)
    + f"ikev2 profile wan1\n  outgoing-interface GigaEthernet0.0 {NEXT_HOP[6]}\n",
}


@pytest.mark.parametrize("family", [4, 6], ids=["IPv4, in the Tunnel", "IPv6, link-local, in a profile"])
def test_R44_a_next_hop_holds_the_tunnel_whatever_becomes_of_the_default_route_and_the_link(lab, family):
    net, wan1, wan2 = start(lab, PINNED[family])
    before = serials(net.near)

    for number in (1, 2):
        net.default_by(number)
        net.must_ping()
    net.without_default()
    net.must_ping()
    net.default_by(2)
    assert count_to_peer(wan1.stop()) > 0

    for host, interface in ((net.near_host, "ge0"), (net.router, "to1")):   # the latter is a cable that is pulled
        host.ip(f"link set {interface} down")
        wait_for_status(net.near, "is down (outgoing interface down")
        assert not net.ping(wait=0.5)
        host.ip(f"link set {interface} up")
        net.address_router(1)
        wait_for_status(net.near, "is up")
        net.must_ping()

    assert serials(net.near) == before
    must_be_silent(wan2.stop())
    net.without_default()
    net.near.stop()


@pytest.mark.parametrize("family, form", [(4, ("auto",)), (6, ())], ids=["auto", "the interface alone (S21), IPv6"])
def test_R44_S21_auto_is_up_only_while_the_routing_table_leads_out_of_its_interface(lab, family, form):
    net, _, wan2 = start(lab, near_tunnel("A", AUTO + out_by("GigaEthernet0.0", *form), family), default=1)
    before = serials(net.near)

    net.default_by(2)
    wait_for_status(net.near, "is down (the route to the peer leaves by another interface")
    assert not net.ping(wait=0.5)
    net.without_default()
    wait_for_status(net.near, "is down (no route to the peer")
    assert not net.ping(wait=0.5)

    net.default_by(1)
    wait_for_status(net.near, "is up")
    net.must_ping()
    assert serials(net.near) == before
    must_be_silent(wan2.stop())


@pytest.mark.parametrize("form", [(NEXT_HOP[4],), ("auto",)], ids=["next hop", "auto"])
def test_R44_a_link_that_is_deleted_and_made_anew_keeps_the_sa(lab, form):
    net, _, wan2 = start(lab, near_tunnel("A", AUTO + out_by("GigaEthernet0.0", *form)),
                         default=2 if form != ("auto",) else 1)
    before = serials(net.near)

    net.near_host.ip("link del ge0")
    wait_for_status(net.near, "is down (outgoing interface down")
    assert not net.ping(wait=0.5)
    net.connect(1, "ge0")
    if form == ("auto",):
        wait_until(lambda: address(1, 4) in net.near_host.ip("address show dev ge0"), 10, "the port's address")
        net.default_by(1)
    wait_for_status(net.near, "is up")
    net.must_ping()

    assert serials(net.near) == before
    assert not net.near.system_lines(), f"nothing of that is another program's doing, or an error\n{net.near.log}"
    must_be_silent(wan2.stop())


def test_R44_a_next_hop_that_is_gone_is_waited_for(lab):
    net, _, wan2 = start(lab, PINNED[4])
    before = serials(net.near)

    net.router.ip(f"address del {NEXT_HOP[4]}/24 dev to1")
    net.near_host.ip("neigh flush dev ge0")
    assert not net.ping(wait=0.5)
    net.router.ip(f"address add {NEXT_HOP[4]}/24 dev to1")
    wait_until(lambda: net.ping(wait=1), 10, "packets by the next hop again")

    net.must_ping()
    assert serials(net.near) == before
    must_be_silent(wan2.stop())


def test_R44_S40_S41_addresses_of_a_pinned_link_are_replaced(lab):
    """IPv4 as by DHCP. IPv6 as by a provider's new prefix: a tentative address beside one that gets deprecated."""
    net = TwoWans(lab)
    net.start_far(far_tunnel("A"), far_tunnel("B"))
    net.near_host.address("ge0", f"{address(1, 4)}/24", f"{address(1, 6)}/64")
    net.near_host.address("ge2", f"{address(2, 4)}/24", f"{address(2, 6)}/64")
    wan2 = net.capture(2, "wan2")
    net.start_near(wan(1, 0, addresses=False),
                   near_tunnel("A", AUTO + out_by("GigaEthernet0.0", NEXT_HOP[4]), family=4),
                   near_tunnel("B", AUTO + out_by("GigaEthernet0.0", NEXT_HOP[6]), family=6))
    net.default_by(2)
    wait_until(lambda: len(net.near.ike_sas()) == 2, 20, "both SAs")
    net.near_host.sysctl(net__ipv6__conf__ge0__accept_dad=1)

    net.near_host.ip(f"address del {address(1, 4)}/24 dev ge0")
    net.near_host.address("ge0", f"{address(1, 4, 11)}/24")
    net.near_host.ip(f"address change {address(1, 6)}/64 dev ge0 preferred_lft 0 valid_lft 7200")
    net.near_host.ip(f"address add {address(1, 6, 17)}/64 dev ge0")

    for name, new in (("Tunnel0.0", address(1, 4, 11)), ("Tunnel1.0", address(1, 6, 17))):
        wait_until(lambda: shown_source(net.near, name) == new, 15, f"an SA of {name} from {new}")
    for letter in "AB":
        net.must_ping(letter)
    must_be_silent(wan2.stop())


def test_R44_another_outgoing_interface_in_the_config_moves_the_tunnel(lab):
    net, wan1, _ = start(lab, PINNED[4])

    net.near.configure("interface Tunnel0.0", out_by("GigaEthernet2.0", router(2, 4)).strip())

    wait_until(lambda: shown_source(net.near) == address(2, 4), 20, f"an SA from {address(2, 4)}")
    before = count_to_peer(wan1.path)
    net.must_ping()
    assert count_to_peer(wan1.stop()) == before, "nothing leaves by the first WAN any more"


def test_R45_a_source_address_that_is_gone_has_no_other_in_its_place(lab):
    net = TwoWans(lab)
    net.start_far(far_tunnel("A"))
    # The others on the link are not taken, and it is taken though it is not the first one.
    net.near_host.address("ge0", f"{address(1, 4)}/24", f"{address(1, 4, 5)}/24")
    net.start_near(wan(1, 0, addresses=False), near_tunnel("A", AUTO + f"ikev2 source-address {address(1, 4, 5)}\n"))
    net.default_by(1)
    net.near.wait_for_sa(timeout=20)
    net.must_ping()
    before = serials(net.near)

    net.near_host.ip(f"address del {address(1, 4, 5)}/24 dev ge0")
    wait_for_status(net.near, "is down (source address not on this host")
    wan1 = net.capture(1, "wan1")
    assert not net.ping(wait=0.5)
    must_be_silent(wan1.stop())
    net.near_host.ip(f"address add {address(1, 4, 5)}/24 dev ge0")
    wait_for_status(net.near, "is up")

    net.must_ping()
    assert serials(net.near) == before


@pytest.mark.parametrize("connect", ["", AUTO], ids=["trigger", "auto"])
def test_S37_a_route_to_the_peer_through_the_tunnel_itself_is_none(lab, connect):
    net = TwoWans(lab)
    net.start_far(far_tunnel("A"))
    wan1 = net.capture(1, "wan1")
    # Through the Tunnel, and less preferred by the next hop: that one Linux takes while the Tunnel is down.
    net.start_near(wan(1, 0), near_tunnel("A", "ipv6 enable\n" + connect),
                   f"ip route default Tunnel0.0\nip route default {router(1, 4)} distance 20\n")
    wait_for_status(net.near, "is down (recursive route")

    changes = carrier_changes(net.near_host, "Tunnel0.0")
    assert not net.ping(wait=0.5)
    assert carrier_changes(net.near_host, "Tunnel0.0") == changes, "it does not go up and down"
    assert "recursive route" in status(net.near)

    if connect == AUTO:
        net.near.configure("interface Tunnel0.0", out_by("GigaEthernet0.0", NEXT_HOP[4]).strip())
    else:
        net.near.configure(f"ip route 10.8.3.0/24 {router(1, 4)}")
    wait_for_status(net.near, "is up")
    net.must_ping()
    assert count_to_peer(wan1.stop()) > 0


def test_S37_what_an_sa_has_sealed_is_not_sealed_again(lab):
    """To a peer that may have any address no route is known: it shows only in the packets that it is recursive. The
    first is the answer that makes the SA, which comes when the Tunnel is up."""
    net = TwoWans(lab)
    net.start_near(wan(1, 0), tunnel("A", 1, "ikev2 peer any authentication psk id keyid site2A\n"),
                   f"ip route default Tunnel0.0\nip route default {router(1, 4)} distance 20\n")
    net.start_far(far_tunnel("A", AUTO, peer=address(1, 4)))
    net.near.wait_for_sa(timeout=20)

    def dropped():
        return re.search(r"[1-9]\d* recursive route", net.near.show("show interfaces Tunnel0.0"))
    wait_until(dropped, 10, "the drop is counted")

    assert net.near.counters("Tunnel0.0").outbound["packets"] < 100, "else they go in circles"


def test_S37_of_two_tunnels_that_lead_to_each_others_peers_one_is_up(lab):
    names = ("Tunnel0.0", "Tunnel1.0")
    net = TwoWans(lab)
    net.start_far(far_tunnel("A"))
    second = near_tunnel("B", "").replace("10.8.3.1", "10.8.3.2")
    net.start_near(wan(1, 0), near_tunnel("A", ""), second, f"ip route default {router(1, 4)}\n"
                   "ip route 10.8.3.1/32 Tunnel1.0\nip route 10.8.3.2/32 Tunnel0.0\n")

    def states():
        return sorted(status(net.near, name).partition(" is ")[2].partition(";")[0] for name in names)
    wait_until(lambda: states() == ["down (recursive route", "up"], 10, "one of them up")
    changes = [carrier_changes(net.near_host, name) for name in names]
    net.ping(wait=0.5)
    assert [carrier_changes(net.near_host, name) for name in names] == changes, "they do not go up and down"
    assert states() == ["down (recursive route", "up"]

    net.near.configure("no ip route 10.8.3.1/32 Tunnel1.0")
    wait_until(lambda: states() == ["up", "up"], 10, "both up, one through the other")
    net.must_ping("A")


def carrier_changes(host, interface):
    return int(host.must("cat", f"/sys/class/net/{interface}/carrier_changes"))
