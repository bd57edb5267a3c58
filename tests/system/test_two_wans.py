"""The same two peers over two WANs at once (R46, R47): each tunnel by its own wire, whatever the routing table says.

Tunnel A is on WAN 1, tunnel B on WAN 2. Both go to one address of the far gateway.
"""

import pytest

from lib.capture import fields, packets
from lib.process import wait_until
from lib.wans import (FAR, TO_PEER, TwoWans, address, far_tunnel, near_tunnel, router, serials, tunnel,
                      wait_for_status, wan)

AUTO = "ikev2 connect-type auto\n"


def pinned(letter, family):
    """The line that keeps a tunnel on its WAN."""
    number, port = {"A": (1, 0), "B": (2, 2)}[letter]
    return f"ikev2 outgoing-interface GigaEthernet{port}.0 {router(number, family)}\n"


def captured(net):
    return {letter: net.capture(number, f"wan{number}") for letter, number in (("A", 1), ("B", 2))}


def each_on_its_own_wire(net, family, captures):
    """Both tunnels carry packets; their ESP and IKE is on their own wires, and nothing else is."""
    for letter in "AB":
        net.must_ping(letter)
    spis = {child.interface: {child.inbound["SPI"], child.outbound["SPI"]} for child in net.near.child_sas()}
    assert len(spis) == 2, spis
    own = {"A": address(1, family), "B": address(2, family)}
    for name, letter in (("Tunnel0.0", "A"), ("Tunnel1.0", "B")):
        path = captures[letter].stop()
        seen = {spi for (spi,) in fields(path, "esp", "esp.spi")}
        assert seen == spis[name], f"{seen} on the wire of {name}, whose SPIs are {spis[name]}"
        peers = packets(path, f"(udp port 500 or udp port 4500) and host {own[letter]} and host {FAR[family]}")
        assert len(peers) >= 4, "an SA is made on this wire"
        strange = packets(path, f"host {FAR[family]} and not host {own[letter]}")
        assert not strange, strange


@pytest.mark.parametrize("family", [4, 6])
def test_R46_R47_two_tunnels_to_one_peer_address_run_over_two_wans_and_one_survives_the_other(lab, family):
    net = TwoWans(lab)
    captures = captured(net)
    net.start_far(far_tunnel("A"), far_tunnel("B"))
    net.start_near(wan(1, 0), wan(2, 2),
                   *(near_tunnel(letter, AUTO + pinned(letter, family), family) for letter in "AB"),
                   # What tunnel A carries goes by tunnel B while A is down.
                   "ip route 192.168.2.0/25 Tunnel1.0 distance 10\n")
    wait_until(lambda: sum(sa.established for sa in net.near.ike_sas()) == 2, 20, "both SAs")
    each_on_its_own_wire(net, family, captures)
    before = serials(net.near)

    net.router.ip("link set to1 down")
    wait_for_status(net.near, "is down (outgoing interface down", "Tunnel0.0")
    net.must_ping("B")
    sent = net.near.counters("Tunnel1.0").outbound["packets"]
    net.ping("A", wait=0.2)     # the far end answers by tunnel A
    assert net.near.counters("Tunnel1.0").outbound["packets"] == sent + 1

    net.router.ip("link set to1 up")
    net.address_router(1)
    wait_for_status(net.near, "is up", "Tunnel0.0")
    for letter in "AB":
        net.must_ping(letter)
    assert serials(net.near) == before
    net.near.stop()


@pytest.mark.parametrize("peer", [FAR[4], "any"])
def test_R46_the_arrival_interface_selects_among_tunnels_to_one_peer(lab, peer):
    """The far end begins, from one address and with one ID. Only the interface tells which tunnel is meant, and
    answers go back by it, though Linux's route leads elsewhere."""
    net = TwoWans(lab)
    captures = captured(net)
    net.start_near(wan(1, 0), wan(2, 2), *(
        tunnel(letter, 1, f"ikev2 peer {peer} authentication psk id keyid site2A\n"
               f"ikev2 negotiation-direction responder\n{pinned(letter, 4)}") for letter in "AB"))
    net.default_by(2)
    net.start_far(*(
        tunnel(letter, 2, f"ikev2 peer {address(number, 4)} authentication psk id keyid site1{letter}\n"
               f"ikev2 connect-type auto\nikev2 local-authentication psk id keyid site2A\n")
        for letter, number in (("A", 1), ("B", 2))))
    wait_until(lambda: sum(sa.established for sa in net.far.ike_sas()) == 2, 20, "both SAs")

    each_on_its_own_wire(net, 4, captures)
    peers = {sa.interface: sa.fields["Local Addr"] for sa in net.near.ike_sas()}
    assert peers == {"Tunnel0.0": f"{address(1, 4)}:500", "Tunnel1.0": f"{address(2, 4)}:500"}


def test_R46_a_message_by_another_interface_than_the_tunnels_is_for_none(lab):
    net = TwoWans(lab)
    captures = captured(net)
    net.start_near(wan(1, 0), wan(2, 2), near_tunnel("A", pinned("A", 4) + "ikev2 negotiation-direction responder\n"))
    net.start_far(far_tunnel("B", AUTO, peer=address(2, 4)))
    wait_until(lambda: packets(captures["B"].path, f"udp port 500 and src {FAR[4]}"), 20, "a message by WAN 2")

    net.far.configure(*far_tunnel("A", AUTO, peer=address(1, 4)).splitlines())
    net.near.wait_for_sa(timeout=20)

    net.must_ping()
    assert not packets(captures["B"].stop(), TO_PEER), "no answer by WAN 2"
