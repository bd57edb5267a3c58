"""`ip filter` and `ipv6 filter` by access lists, on ports and on Tunnels, and `adjust-mss` on ports."""

import pytest

from lib.packet_rules import (FAR_LAN4, FAR_LAN6, LAN4, LAN6, OUTSIDE4, OUTSIDE6, WAN4, WAN6, Gateway, count, datagram,
                              is_reached, ports, segment_sizes, tables, tunnel)
from lib.process import wait_until

PING = "ip access-list ping permit icmp src any dest any\n"
PING6 = "ipv6 access-list ping permit icmp src any dest any\n"
# What this LAN's host may send and be sent: datagrams to port 7000, not to others.
SERVICE = """\
ip access-list service permit udp src any dest any dport eq 7000
ip access-list service permit udp src any sport eq 7000 dest any
ipv6 access-list service permit udp src any dest any dport eq 7000
ipv6 access-list service permit udp src any sport eq 7000 dest any
"""
NOT_TO_ITSELF = """\
ip access-list own deny ip src any dest 10.0.0.1/32
ip access-list own permit ip src any dest any
ipv6 access-list own deny ip src any dest 2001:db8:0::1/128
ipv6 access-list own permit ip src any dest any
"""
# A tunnel needs IPv6 to be forwarded.
FORWARDING = tunnel()


@pytest.fixture(scope="module")
def gateway(module_lab):
    made = Gateway(module_lab)
    made.route_inside()
    return made


@pytest.fixture
def started(gateway):
    """Starts a gateway that is stopped at the end of the test, and leaves nothing."""
    running = []

    def start(config):
        running.append(gateway.start(config))
        return running[-1]

    yield start
    for musubi in running:
        musubi.stop()


def passes(sender, receiver, target, port):
    return datagram(sender, receiver, target, port, wait=5 if port == 7000 else 0.5) is not None


@pytest.mark.parametrize(("wan", "lan"), [("ip filter service 1 in\nipv6 filter service 1 in", ""),
                                          ("ip filter service 1 out\nipv6 filter service 1 out", ""),
                                          ("", "ip filter service 1 in\nipv6 filter service 1 in"),
                                          ("", "ip filter service 1 out\nipv6 filter service 1 out")])
def test_S36_a_filter_on_a_port_holds_for_what_is_forwarded(gateway, started, wan, lan):
    musubi = started(SERVICE + ports(wan, lan) + FORWARDING)

    for inside, outside, family in ((LAN4, OUTSIDE4, "ip"), (LAN6, OUTSIDE6, "ipv6")):
        assert passes(gateway.lan, gateway.outside, outside, 7000)
        assert passes(gateway.outside, gateway.lan, inside, 7000)
        assert not passes(gateway.lan, gateway.outside, outside, 7001)
        assert not passes(gateway.outside, gateway.lan, inside, 7001)
        shown = musubi.show(f"show {family} access-list")
        assert count(shown, "permit udp src any dest any dport eq 7000") == 1, shown
        assert count(shown, "permit udp src any sport eq 7000 dest any") == 1, shown
        # One datagram and the answer to the other; and of IPv6 what hosts send unasked.
        dropped = count(shown, "Dropped since no line matched")
        assert dropped == 2 or (family == "ipv6" and dropped > 2), shown


def test_S36_a_filter_holds_for_packets_to_the_gateway_itself(gateway, started):
    started(NOT_TO_ITSELF + ports(wan="ip filter own 1 in\nipv6 filter own 1 in") + FORWARDING)

    assert not is_reached(gateway.outside, WAN4)
    assert not is_reached(gateway.outside, WAN6)
    assert is_reached(gateway.outside, LAN4)
    assert is_reached(gateway.outside, LAN6), "neighbours are found in spite of filters"


def test_S36_a_filter_holds_for_packets_of_the_gateway_itself(gateway, started):
    musubi = started(SERVICE + ports(wan="ip filter service 1 out"))

    assert not is_reached(gateway.host, OUTSIDE4)
    assert is_reached(gateway.host, LAN4)
    assert is_reached(gateway.host, OUTSIDE6), "`ip filter` is for IPv4"
    assert count(musubi.show("show ip access-list"), "Dropped since no line matched") == 1


def test_S36_filters_apply_in_order_of_sequence(gateway, started):
    lists = PING + "ip access-list no-ping deny icmp src any dest any\n"
    musubi = started(lists + ports(wan="ip filter no-ping 20 in\nip filter ping 10 in") + FORWARDING)
    assert is_reached(gateway.outside, LAN4)

    musubi.configure("interface GigaEthernet0.0", "ip filter no-ping 5 in")

    assert not is_reached(gateway.outside, LAN4)


def test_S36_counters_go_on_when_rules_change(gateway, started):
    early = "ip access-list early deny udp src any dest any"
    musubi = started(early + "\n" + PING + ports(wan="ip filter early 5 in\nip filter ping 10 in\nip napt enable") +
                     FORWARDING)
    permitted, default = "permit icmp src any dest any", "Dropped since no line matched"
    for _ in range(3):
        assert is_reached(gateway.outside, WAN4)
    assert not passes(gateway.outside, gateway.lan, WAN4, 7001)
    before = musubi.show("show ip access-list")
    pings = count(before, permitted)
    assert pings >= 3 and count(before, "deny udp src any dest any") == 1, before
    gateway.lan.must("ip", "route", "replace", OUTSIDE4, "via", "192.168.1.1")
    assert is_reached(gateway.lan, OUTSIDE4)
    translated = count(musubi.show("show ip napt"), "Connections translated")
    pings = count(musubi.show("show ip access-list"), permitted)
    assert translated > 0

    # The numbers of lines and interfaces become others.
    musubi.configure("interface GigaEthernet0.0", "no ip filter early 5 in", "exit", f"no {early}",
                     "ip access-list ping permit tcp src any dest any")

    shown = musubi.show("show ip access-list")
    assert (count(shown, permitted), count(shown, "permit tcp src any dest any"), count(shown, default)) == (pings, 0, 0)
    assert count(musubi.show("show ip napt"), "Connections translated") == translated
    assert is_reached(gateway.outside, WAN4)
    assert count(musubi.show("show ip access-list"), permitted) == pings + 1
    gateway.lan.ip(f"route del {OUTSIDE4}")


def test_a_filter_by_a_list_that_is_not_defined_permits_nothing(gateway, started):
    started(ports(wan="ip filter nobody 1 in") + FORWARDING)

    assert not is_reached(gateway.outside, LAN4)
    assert is_reached(gateway.outside, LAN6)


def test_filters_and_lists_typed_at_the_prompt_hold_at_once(gateway, started):
    musubi = started(ports() + FORWARDING)
    assert is_reached(gateway.outside, LAN4)
    assert tables(gateway.host) == []

    musubi.configure("ip access-list web permit tcp src any dest any dport eq 80", "interface GigaEthernet0.0",
                     "ip filter web 1 in")
    assert not is_reached(gateway.outside, LAN4)

    musubi.configure("ip access-list web permit icmp src any dest any")
    assert is_reached(gateway.outside, LAN4)

    musubi.configure("interface GigaEthernet0.0", "no ip filter web 1 in")
    assert is_reached(gateway.outside, LAN4)
    assert tables(gateway.host) == []


def test_fragments_follow_their_first_through_a_line_with_ports(gateway, started):
    gateway.lan.must("ip", "route", "add", OUTSIDE4, "via", "192.168.1.1")
    started(SERVICE + ports(wan="ip filter service 1 in\nip filter service 1 out") + FORWARDING)
    with gateway.outside.udp_socket(OUTSIDE4, 7000) as receiver, gateway.lan.udp_socket(LAN4, 40000) as sender:
        receiver.settimeout(5)
        sender.sendto(bytes(4000), (OUTSIDE4, 7000))
        assert len(receiver.recv(5000)) == 4000


def test_no_forwarding_and_no_table_without_need(gateway, started):
    gateway.host.sysctl(net__ipv4__ip_forward=0, net__ipv6__conf__all__forwarding=0)
    musubi = started(ports())

    assert gateway.host.must("sysctl", "-n", "net.ipv4.ip_forward").strip() == "0"
    assert gateway.host.must("sysctl", "-n", "net.ipv6.conf.all.forwarding").strip() == "0"
    assert tables(gateway.host) == []
    assert musubi.show("show ip napt") == ""


@pytest.mark.parametrize("direction", ["in", "out"])
def test_S36_a_filter_on_a_tunnel_holds(lab, direction):
    gateway = Gateway(lab)
    filters = f"ip filter service 1 {direction}\nipv6 filter service 1 {direction}"
    near = gateway.start(SERVICE + ports() + tunnel(filters))
    far = gateway.start_far()

    for inside, outside, family in ((LAN4, FAR_LAN4, "ip"), (LAN6, FAR_LAN6, "ipv6")):
        assert passes(gateway.lan, gateway.far_lan, outside, 7000)
        assert passes(gateway.far_lan, gateway.lan, inside, 7000)
        for sender, receiver, target in ((gateway.lan, gateway.far_lan, outside),
                                         (gateway.far_lan, gateway.lan, inside)):
            assert not passes(sender, receiver, target, 7001)
            assert not is_reached(sender, target)
        shown = near.show(f"show {family} access-list")
        assert count(shown, "permit udp src any dest any dport eq 7000") == 1, shown
        # A datagram, a ping, and answers to the others; and of IPv6 what hosts send unasked.
        dropped = count(shown, "Dropped since no line matched")
        assert dropped == 4 or (family == "ipv6" and dropped > 4), shown
    near.stop()
    far.stop()


def test_S30_a_filter_that_blocks_ike_is_warned_of_and_blocks_it(lab):
    gateway = Gateway(lab)
    near = gateway.start(PING + ports(wan="ip filter ping 1 in") + tunnel())
    far = gateway.start_far()

    near.wait_for_log(r"the filters of GigaEthernet0\.0 \(`in`\) block UDP port 500, UDP port 4500, "
                      r"ESP \(50\), which Tunnel0\.0 needs from 10\.2\.0\.1")
    near.wait_for_log(r"the ip filters of GigaEthernet0\.0 \(`in`\) end SSH sessions")
    assert not is_reached(gateway.far_lan, LAN4)
    near.configure("ip access-list ping permit udp src any dest any dport eq 500",
                   "ip access-list ping permit 50 src any dest any")
    gateway.far_lan.must_reach(LAN4, wait=10)
    near.stop()
    far.stop()


@pytest.mark.parametrize(("lines", "most"), [("ip tcp adjust-mss 1200\nipv6 tcp adjust-mss 1200", (1200, 1200)),
                                             ("ip tcp adjust-mss auto\nipv6 tcp adjust-mss auto", (1360, 1340))],
                         ids=["number", "auto"])
def test_R75_S27_mss_is_lowered_in_both_directions_on_a_port(gateway, started, lines, most):
    gateway.host.ip("link set ge0 mtu 1400")
    started(ports(wan=lines) + FORWARDING)

    for outside, inside, largest in ((OUTSIDE4, LAN4, most[0]), (OUTSIDE6, LAN6, most[1])):
        for client, server, target in ((gateway.lan, gateway.outside, outside), (gateway.outside, gateway.lan, inside)):
            for size in segment_sizes(client, server, target):
                # Time stamps take 12 octets of each segment.
                assert largest - 12 <= size <= largest, (target, size)


def test_mss_of_another_family_and_port_stays(gateway, started):
    gateway.host.ip("link set ge0 mtu 1500")
    started(ports(lan="ip tcp adjust-mss 1200") + FORWARDING)

    assert min(segment_sizes(gateway.lan, gateway.outside, OUTSIDE6)) > 1400
    assert max(segment_sizes(gateway.lan, gateway.outside, OUTSIDE4)) <= 1200
    wait_until(lambda: min(segment_sizes(gateway.host, gateway.outside, OUTSIDE4)) > 1400, 10,
               "the gateway's own connections stay as they are")
