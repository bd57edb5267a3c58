"""NAT boxes at either side of a tunnel, at both, and two in a row: what is shown, traffic, rekeys of both SAs.

All tunnels are up side by side, since each rekey takes seconds.
"""

import pytest

from lib.capture import packets
from lib.nat import INTERNET, KEPT_PORTS, OTHER_PORTS, NatBox, Site, Switch
from lib.process import wait_until

INITIATOR, RESPONDER = 1, 2
LIFETIMES = "ikev2 sa-lifetime 10\nikev2 child-lifetime 8\n"


class Tunnel:
    """Two gateways, and NAT boxes in front of them: `boxes` are those of the initiator's and of the responder's side."""

    def __init__(self, lab, boxes, ports):
        self.internet = Switch(lab, "internet")
        self.boxes = []
        self.initiator = self._site(lab, INITIATOR, boxes[0], ports)
        self.responder = self._site(lab, RESPONDER, boxes[1], ports)
        self.capture = self.internet.capture(self.outermost(RESPONDER), f"internet-{boxes[0]}-{boxes[1]}-{ports[:2]}")
        self.responder.start(self.responder.tunnel(INITIATOR, "any", "ikev2 nat-traversal keepalive 25\n"))
        self.initiator.start(self.initiator.tunnel(
            RESPONDER, self.public(RESPONDER), "ikev2 nat-traversal keepalive 15\n" + LIFETIMES))
        self.initiator.must_reach(self.responder, count=1, wait=10)

    def _site(self, lab, number, boxes, ports):
        outer, address = self.internet, self.public(number)
        for level in range(boxes):
            box = NatBox(lab, f"nat{number}{level}", outer, address, 10 * number + level, ports,
                         mapped_to=1 if number == RESPONDER else None)
            self.boxes.append(box)
            outer, address = box, box.inside(1)
        return Site(lab, number, outer, address)

    @staticmethod
    def public(number):
        return f"{INTERNET}.{number}"

    def outermost(self, number):
        """What has the public address of a side."""
        boxes = [box.host for box in self.boxes if box.address == self.public(number)]
        return boxes[0] if boxes else {INITIATOR: self.initiator, RESPONDER: self.responder}[number].host


# Boxes at the initiator's and at the responder's side, and what the one and the other one shows.
CASES = {
    "at the initiator's side": ((1, 0), KEPT_PORTS, "local side", "remote side"),
    "at the responder's side": ((0, 1), KEPT_PORTS, "remote side", "local side"),
    "at both sides": ((1, 1), OTHER_PORTS, "both sides", "both sides"),
    "two in a row at the initiator's side": ((2, 0), OTHER_PORTS, "local side", "remote side"),
}


@pytest.fixture(scope="module")
def tunnels(module_lab):
    made = {name: Tunnel(module_lab, boxes, ports) for name, (boxes, ports, _, _) in CASES.items()}
    yield made
    for tunnel in made.values():
        tunnel.initiator.gateway.stop()
        tunnel.responder.gateway.stop()


@pytest.mark.parametrize("case", CASES)
def test_R76_both_ends_show_the_side_of_the_nat_and_the_keepalive_interval(tunnels, case):
    _, _, at_initiator, at_responder = CASES[case]
    tunnel = tunnels[case]

    for gateway, side, keepalive in ((tunnel.initiator.gateway, at_initiator, "15"),
                                     (tunnel.responder.gateway, at_responder, "25")):
        ike, _ = gateway.wait_for_sa()
        assert ike.fields["NAT detection"] == side
        assert ike.fields["NAT-T keepalive interval[sec]"] == keepalive


@pytest.mark.parametrize("case", CASES)
def test_R76_traffic_goes_both_ways_in_udp_before_and_after_rekeys_of_both_sas(tunnels, case):
    tunnel = tunnels[case]
    tunnel.initiator.must_reach(tunnel.responder)
    tunnel.responder.must_reach(tunnel.initiator)

    for line in ("IKE SA rekeyed", r"Child SA created[^\0]*Child SA created"):
        tunnel.responder.gateway.wait_for_log(line, timeout=30)

    tunnel.initiator.must_reach(tunnel.responder)
    tunnel.responder.must_reach(tunnel.initiator)
    for gateway, interface in ((tunnel.initiator.gateway, "Tunnel2.0"), (tunnel.responder.gateway, "Tunnel1.0")):
        assert [event for _, event in gateway.counters(interface).history] == ["Create"]
    wait_until(lambda: len(packets(tunnel.capture.path, "udp port 4500 and udp[8:4] != 0")) >= 16, 10, "ESP in UDP")
    assert not packets(tunnel.capture.path, "ip proto 50")

