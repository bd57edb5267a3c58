"""WANs whose addresses and routes are Linux's own (R44, R45, S21, S40): PPP (`ip address ipcp`) and DHCP (`ip address
dhcp`), played by the test as pppd and a DHCP client would do it; and default routes that move (S40).

A PPP link appears late, disappears, and comes back as another link, with its old address or a new one.
"""

import pytest

from lib.point_to_point import PointToPoint
from lib.process import wait_until
from lib.sizes import largest_inner_gcm, must_be_refused, must_pass
from lib.wans import (TwoWans, address, count_to_peer, far_tunnel, must_be_silent, near_tunnel, router, serials,
                      shown_source, wait_for_status, wan)

AUTO = "ikev2 connect-type auto\n"
PPP_PORTS = {"GigaEthernet0": "ge0", "GigaEthernet0.1": "ppp0", "GigaEthernet1": "ge1"}
PPP_MTU = 1454      # of PPPoE on a Japanese access line
PPP = """\
interface GigaEthernet0.1
  encapsulation pppoe
  auto-connect
  ip address ipcp
  no shutdown
"""


class PppSession:
    """What pppd makes of a session: first ppp0, then, when the ends have agreed, its local and remote address."""

    def __init__(self, net, host):
        self.local = f"10.8.4.{host}"
        self._link = PointToPoint(net.links, net.near_host, "ppp0", net.router, "to4", PPP_MTU)
        wait_for_status(net.near, "is down (no address on the outgoing interface")
        for namespace, interface, local, remote in ((net.router, "to4", "10.8.4.254", self.local),
                                                    (net.near_host, "ppp0", self.local, "10.8.4.254")):
            namespace.ip(f"address add {local} peer {remote} dev {interface}")
            namespace.ip(f"link set {interface} up")

    def end(self):
        self._link.close()


def wait_for_source(net, source):
    wait_until(lambda: shown_source(net.near) == source, 20, f"an SA from {source}")


@pytest.mark.parametrize("lines, down, default", [
    (near_tunnel("A", AUTO + "ikev2 outgoing-interface GigaEthernet0.1\n"), "is down (outgoing interface down", True),
    (near_tunnel("A", AUTO) + "ip route default GigaEthernet0.1\n", "is down (no route to the peer", False),
], ids=["outgoing-interface", "default route"])
def test_S21_a_ppp_link_comes_late_goes_and_comes_back(lab, lines, down, default):
    net = TwoWans(lab)
    net.start_far(far_tunnel("A"))
    wan2 = net.capture(2, "wan2")
    net.near_host.address("ge2", f"{address(2, 4)}/24", f"{address(2, 6)}/64")
    if default:
        net.default_by(2)
    net.start_near(PPP, lines, ports=PPP_PORTS)
    wait_for_status(net.near, down)

    session = PppSession(net, host=1)
    wait_for_source(net, session.local)
    wait_for_status(net.near, "is up")
    net.must_ping()
    before = serials(net.near)
    fits = largest_inner_gcm(4, nat_traversal=False, mtu=PPP_MTU)
    must_be_refused(net.lan, "192.168.2.10", fits + 1, fits, by="192.168.1.254")
    must_pass(net.lan, "192.168.2.10", fits)

    session.end()
    wait_for_status(net.near, down)
    assert not net.ping(wait=0.5)
    PppSession(net, host=1)
    wait_for_status(net.near, "is up")
    net.must_ping()
    assert serials(net.near) == before
    must_be_silent(wan2.stop())


def test_S21_S40_a_ppp_session_with_another_address_gets_a_new_sa(lab):
    net = TwoWans(lab)
    net.start_far(far_tunnel("A"))
    net.start_near(PPP, near_tunnel("A", AUTO + "ikev2 outgoing-interface GigaEthernet0.1\n"), ports=PPP_PORTS)
    session = PppSession(net, host=1)
    wait_for_source(net, session.local)

    session.end()
    session = PppSession(net, host=2)

    wait_for_source(net, session.local)
    net.near.wait_for_log("10.8.4.1 is gone: a new IKE SA is made from 10.8.4.2\n")
    net.must_ping()


def test_R44_S40_a_dhcp_link_is_followed_from_lease_to_lease(lab):
    net = TwoWans(lab)
    net.start_far(far_tunnel("A"))
    net.router.ip("address add 10.8.1.253/24 dev to1")
    wan2 = net.capture(2, "wan2")
    # `receive-default`: the client has the route of the lease, too, which is better than the one by WAN 2.
    net.near_host.address("ge2", f"{address(2, 4)}/24")
    net.near_host.ip(f"route add default via {router(2, 4)} metric 2000")
    net.start_near("interface GigaEthernet0.0\n  ip address dhcp receive-default\n  no shutdown\n",
                   near_tunnel("A", AUTO + "ikev2 outgoing-interface GigaEthernet0.0 auto\n"))
    wait_for_status(net.near, "is down (the route to the peer leaves by another interface")

    lease = Lease(net, "10.8.1.50", router="10.8.1.254")
    wait_for_source(net, "10.8.1.50")
    net.must_ping()

    lease.end()
    wait_for_status(net.near, "is down (the route to the peer leaves by another interface")
    assert not net.ping(wait=0.5)
    Lease(net, "10.8.1.77", router="10.8.1.253")
    wait_for_source(net, "10.8.1.77")
    net.must_ping()
    must_be_silent(wan2.stop())


class Lease:
    """What a DHCP client makes of a lease."""

    def __init__(self, net, local, router):     # pylint: disable=redefined-outer-name
        self._net, self._local = net, local
        net.near_host.ip(f"address add {local}/24 dev ge0 valid_lft 3600 preferred_lft 3600")
        net.near_host.ip(f"route add default via {router} dev ge0 proto dhcp src {local} metric 100")

    def end(self):
        self._net.near_host.ip(f"address del {self._local}/24 dev ge0")


def test_S40_a_tunnel_follows_the_distances_of_default_routes(lab):
    """Without `outgoing-interface` it takes the second WAN when the first one is lost, and goes back with it."""
    net = TwoWans(lab)
    net.start_far(far_tunnel("A"))
    wan2 = net.capture(2, "wan2")
    net.start_near(wan(1, 0), wan(2, 2), near_tunnel("A", AUTO),
                   f"ip route default {router(1, 4)}\nip route default {router(2, 4)} distance 20\n")
    net.near.wait_for_sa(timeout=20)
    net.must_ping()
    must_be_silent(wan2.path)

    net.router.ip("link set to1 down")      # the cable is pulled
    wait_for_source(net, address(2, 4))
    net.must_ping()
    assert count_to_peer(wan2.stop()) > 0

    net.router.ip("link set to1 up")
    wait_for_source(net, address(1, 4))
    wan2 = net.capture(2, "wan2-again")
    net.must_ping()
    must_be_silent(wan2.stop())
