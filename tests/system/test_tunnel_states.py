"""When a Tunnel interface is up and its routes are used (R43, S20), and that SAs survive when it goes down (R11, S4).

The peer's LAN has a route that is better with a tunnel that is up, and one that takes over when it is not.
"""

import json
import re

from lib.capture import packets
from lib.lab import wire
from lib.process import wait_until
from lib.sites import ESP_ON_WIRE, IKE_ON_WIRE, SITE1, SITE2

AUTO = "ikev2 connect-type auto\n"
SECOND_CHOICE = "spare"


def carrier(gateway, tunnel):
    """Whether the Tunnel interface is up."""
    link, = json.loads(gateway.host.ip(f"-j link show {tunnel}"))
    return "LOWER_UP" in link["flags"]


def outgoing(gateway, destination):
    """The outgoing interface of packets to this address."""
    route, = json.loads(gateway.host.ip(f"-j route get {destination}"))
    return route["dev"]


def start_site1(sites, tunnel_lines):
    """Site 1's gateway alone, with a second route to site 2's LAN."""
    host = sites.gateway_hosts[SITE1]
    wire(host, SECOND_CHOICE, sites.internet, SECOND_CHOICE)
    host.address(SECOND_CHOICE, "203.0.113.1/24")
    host.ip(f"route add 192.168.0.0/16 dev {SECOND_CHOICE}")
    gateway = sites.gateways[SITE1] = sites.gateway(SITE1, tunnel_lines).start()
    return gateway


def test_R43_S20_without_an_sa_the_interface_of_auto_is_down_and_its_routes_are_not_used(sites):
    gateway1 = start_site1(sites, AUTO)
    assert not carrier(gateway1, "Tunnel1.0")
    assert outgoing(gateway1, SITE2.lan4(10)) == SECOND_CHOICE

    sites.gateways[SITE2] = sites.gateway(SITE2).start()
    gateway1.wait_for_sa(timeout=30)

    wait_until(lambda: carrier(gateway1, "Tunnel1.0"), 10, "the interface up with its SA")
    assert outgoing(gateway1, SITE2.lan4(10)) == "Tunnel1.0"
    sites.lan1.must_reach(SITE2.lan4(10), count=1)

    sites.gateway2.stop()   # with DELETE

    wait_until(lambda: not carrier(gateway1, "Tunnel1.0"), 10, "the interface down without an SA")
    assert outgoing(gateway1, SITE2.lan4(10)) == SECOND_CHOICE
    gateway1.stop()


def test_S48_the_log_warns_of_a_tunnel_whose_packets_leave_in_the_clear_and_names_the_mend(sites):
    default = f"ip route default {SITE1.next_hop}"
    gateway1 = sites.gateway(SITE1, f"{AUTO}{default}").start()
    packet = SITE2.lan4(10)
    assert outgoing(gateway1, packet) == "ge0"

    warning = re.search(r"config line \d+: while Tunnel1\.0 is down, packets for 192\.168\.2\.0/24 leave in the clear by "
                        r"the route to 0\.0\.0\.0/0: `(.*)` drops them", gateway1.show("show logging"))
    assert warning, gateway1.show("show logging")
    mend = warning.group(1)
    gateway1.configure(mend)

    refused = gateway1.host.run("ip", "route", "get", packet)
    assert refused.status != 0, f"a packet still leaves: {refused}"
    sites.gateways[SITE2] = sites.gateway(SITE2).start()
    gateway1.wait_for_sa(timeout=30)
    wait_until(lambda: outgoing(gateway1, packet) == "Tunnel1.0", 10, "the tunnel takes over")
    gateway1.stop()
    sites.gateway2.stop()


def test_S20_a_tunnel_to_any_is_up_while_it_has_an_sa(sites):
    gateway1 = start_site1(sites, AUTO + "ikev2 peer any authentication psk id keyid site2\n")
    capture = sites.capture("any")
    sites.gateways[SITE2] = sites.gateway(SITE2).start()
    assert not carrier(gateway1, "Tunnel1.0")

    sites.lan2.must_reach(SITE1.lan4(10), count=1, wait=10)

    assert carrier(gateway1, "Tunnel1.0")
    assert f"\n  Peer : any ({SITE2.wan}), ID KEY-ID site2\n" in gateway1.show("show interfaces Tunnel1.0")
    sites.lan1.must_reach(SITE2.lan4(10), count=1)
    gateway1.show("clear ikev2 sa")
    wait_until(lambda: not carrier(gateway1, "Tunnel1.0"), 10, "the interface down without an SA")
    first = packets(capture.stop(), IKE_ON_WIRE)[0]
    assert f"IP {SITE2.wan}." in first, f"auto to any starts nothing, yet the first message was {first}"
    sites.stop()


def test_R43_the_interface_of_a_trigger_mode_tunnel_is_up_without_an_sa(sites):
    gateway1 = start_site1(sites, "")

    assert carrier(gateway1, "Tunnel1.0")
    assert outgoing(gateway1, SITE2.lan4(10)) == "Tunnel1.0"
    gateway1.stop()


def all_serials(sites):
    """What identifies the SAs of both sites."""
    return [serials(gateway) for gateway in (sites.gateway1, sites.gateway2)]


def serials(gateway):
    return [(sa.fields["Serial"], [child.spi_in for child in sa.children]) for sa in gateway.ike_sas()]


def test_R11_an_interface_that_goes_down_deletes_no_sa(connected):
    before = all_serials(connected)
    host = connected.gateway1.host

    host.ip("link set ge0 down")
    wait_until(lambda: not carrier(connected.gateway1, "Tunnel1.0"), 10,
               "the tunnel down with its outgoing interface (R44)")
    host.ip("link set ge0 up")

    wait_until(lambda: carrier(connected.gateway1, "Tunnel1.0"), 10, "the tunnel up with its outgoing interface")
    connected.ping_lans(count=1)
    assert all_serials(connected) == before
    connected.stop()


def test_R44_a_tunnel_whose_outgoing_interface_loses_its_address_is_down_until_it_has_one(connected):
    gateway1 = connected.gateway1

    gateway1.configure("interface GigaEthernet0.0", "no ip address")
    wait_until(lambda: not carrier(gateway1, "Tunnel1.0"), 10, "the tunnel down")
    assert re.search(r"Tunnel1.0 is down \(no address on the outgoing interface; line \d+\)$",
                     gateway1.show("show interfaces Tunnel1.0"), re.MULTILINE)

    gateway1.configure("interface GigaEthernet0.0", f"ip address {SITE1.wan}/{SITE1.wan_prefix}")
    wait_until(lambda: carrier(gateway1, "Tunnel1.0"), 10, "the tunnel up")
    connected.ping_lans(count=1)
    assert not gateway1.system_lines(), f"nothing of that is another program's doing, or an error\n{gateway1.log}"
    connected.stop()


def test_R11_S4_a_tunnel_that_is_shut_down_keeps_its_sas_and_carries_no_traffic(connected):
    gateway1 = connected.gateway1
    before = all_serials(connected)
    lan, wire = connected.capture_lan("lan"), connected.capture("wire")

    gateway1.configure("interface Tunnel1.0", "shutdown")
    connected.lan1.ping(SITE2.lan4(10), "-s", "300", count=1, wait=0.2)
    connected.lan2.ping(SITE1.lan4(10), "-s", "300", count=1, wait=0.2)

    assert all_serials(connected) == before
    assert packets(wire.path, f"{ESP_ON_WIRE} and src {SITE2.wan}"), "site 2 has sent something"
    assert not packets(lan.stop(), f"icmp and src {SITE2.lan4(10)}"), "nothing comes out of it"
    # Smaller ones are reports of multicast groups, which Linux itself may have sent just before.
    assert not packets(wire.path, f"{ESP_ON_WIRE} and src {SITE1.wan} and greater 300"), "nothing goes into it"
    gateway1.configure("interface Tunnel1.0", "no shutdown")
    wait_until(lambda: carrier(gateway1, "Tunnel1.0"), 10, "the tunnel up again")
    connected.ping_lans(count=1)
    assert all_serials(connected) == before, "by the same SA"
    assert not packets(wire.stop(), IKE_ON_WIRE)
    connected.stop()
