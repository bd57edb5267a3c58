"""A gateway with two WANs, a router behind both, and its peer beyond that router.

    lan (192.168.1.10, .130) --- near --- ge0 10.8.1.0/24 --- router --- 10.8.3.1 far --- farlan (192.168.2.10, .130)
                                     \\--- ge2 10.8.2.0/24 --/

The router has fe80::fe on every wire, too, and no route into a LAN: what a LAN hears from the other came through a
tunnel. It forwards whatever comes from wherever, so that only a capture tells by which WAN a packet went.
"""

import contextlib
import re
from functools import partial

from lib.capture import Capture, packets
from lib.lab import wire
from lib.musubi import Musubi
from lib.process import wait_until

FAR = {4: "10.8.3.1", 6: "2001:db8:803::1"}
WAN_PORTS = {1: "ge0", 2: "ge2"}

# What leaves the near gateway towards the peer, and is IKE or ESP; and what of a LAN leaves in the clear.
TO_PEER = f"(dst {FAR[4]} or dst {FAR[6]}) and (udp port 500 or udp port 4500 or ip proto 50 or ip6 proto 50)"
IN_CLEAR = "net 192.168.0.0/16"

KEYS = "".join(f"ikev2 authentication psk id keyid site{site} key char secret{site}\n"
               for site in ("1A", "1B", "2A", "2B"))

LAN = """\
interface GigaEthernet1.0
  ip address 192.168.{number}.254/24
  no shutdown
"""


def address(wan, family, host=1):
    """An address on the network of a WAN."""
    return f"10.8.{wan}.{host}" if family == 4 else f"2001:db8:80{wan}::{host:x}"


def router(wan, family):
    """The router's address on the network of a WAN: the next hop."""
    return address(wan, family, 254)


def wan(number, port, addresses=True):
    """The section of a WAN port; without `addresses` they are the test's."""
    lines = [f"interface GigaEthernet{port}.0", "  no shutdown"]
    if addresses:
        lines += [f"  ip address {address(number, 4)}/24", f"  ipv6 address {address(number, 6)}/64"]
    return "\n".join(lines) + "\n"


def tunnel(letter, number, lines):
    """A tunnel of the near gateway, "A" or "B", to half of the far LAN; that half goes nowhere else."""
    index = "AB".index(letter)
    half = f"192.168.2.{128 * index}/25"
    return f"""\
interface Tunnel{index}.0
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet1.0
  ikev2 local-authentication psk id keyid site{number}{letter}
""" + "".join(f"  {line}\n" for line in lines.splitlines()) + f"""\
  no shutdown
ip route {half.replace('.2.', f'.{3 - number}.')} Tunnel{index}.0
ip route {half.replace('.2.', f'.{3 - number}.')} Null0.0 distance 250
"""


def near_tunnel(letter, lines, family=4):
    return tunnel(letter, 1, f"ikev2 peer {FAR[family]} authentication psk id keyid site2{letter}\n{lines}")


def far_tunnel(letter, lines="", peer="any"):
    return tunnel(letter, 2, f"ikev2 peer {peer} authentication psk id keyid site1{letter}\n{lines}")


FAR_CONFIG = KEYS + wan(3, 0) + LAN.format(number=2) + f"""\
ip route default {router(3, 4)}
ipv6 route default {router(3, 6)}
"""


class TwoWans:
    """The five namespaces. A test starts the gateways, and tells by which WAN Linux's default route leads."""

    def __init__(self, lab):
        self.lab = lab
        # What a test puts here is closed after the gateways, which then can still send their DELETEs.
        self.links = lab.enter_context(contextlib.ExitStack())
        self.near_host = lab.namespace("near", forward=True)
        self.far_host = lab.namespace("far", forward=True)
        self.router = lab.namespace("router", forward=True)
        self.lan = self._lan("lan", self.near_host, 1)
        self.far_lan = self._lan("farlan", self.far_host, 2)
        for number, port in WAN_PORTS.items():
            self.connect(number, port)
        wire(self.far_host, "ge0", self.router, "to3")
        self.address_router(3)
        self.near = self.far = None

    def _lan(self, name, gateway, number):
        lan = self.lab.namespace(name)
        wire(gateway, "ge1", lan, "eth0")
        lan.address("eth0", f"192.168.{number}.10/24", f"192.168.{number}.130/24")
        lan.ip(f"route add default via 192.168.{number}.254")
        return lan

    def connect(self, number, port):
        """Lay the wire of a WAN; also anew, after it was deleted."""
        wire(self.near_host, port, self.router, f"to{number}")
        self.address_router(number)

    def address_router(self, number):
        """Give the router its addresses on the wire of a WAN, or those again that Linux took with the link."""
        for one in (f"{router(number, 4)}/24", f"{router(number, 6)}/64", "fe80::fe/64"):
            self.router.ip(f"address replace {one} dev to{number}" + (" nodad" if ":" in one else ""))

    def start_far(self, *sections):
        self.far = Musubi(self.lab, self.far_host, FAR_CONFIG + "".join(sections)).start()
        return self.far

    def start_near(self, *sections, ports=None):
        self.near = Musubi(self.lab, self.near_host, KEYS + LAN.format(number=1) + "".join(sections), ports).start()
        return self.near

    def default_by(self, number):
        """Point Linux's default routes to the router by a WAN; in IPv6 to its link-local address, as RAs do."""
        for family, next_hop in ((4, router(number, 4)), (6, "fe80::fe")):
            self.near_host.ip(f"-{family} route replace default via {next_hop} dev {WAN_PORTS[number]} metric 1000")

    def without_default(self):
        for family in (4, 6):
            self.near_host.ip(f"-{family} route flush default metric 1000")

    def capture(self, number, name):
        return Capture(self.lab, self.router, f"to{number}", name)

    def ping(self, letter="A", wait=5, back=False):
        """One ping through a tunnel, from the near LAN or `back`; true if it was answered."""
        host = {"A": 10, "B": 130}[letter]
        here, there, lan = (2, 1, self.far_lan) if back else (1, 2, self.lan)
        return lan.ping(f"192.168.{there}.{host}", "-I", f"192.168.{here}.{host}", count=1, wait=wait)[0] == 1

    def must_ping(self, letter="A"):
        """A ping in each direction has to be answered within a while; a link that has just come may lose one."""
        for back in (False, True):
            try:
                wait_until(partial(self.ping, letter, 2, back), 15, f"an answer, {back=}")
            except AssertionError as late:
                raise AssertionError(f"{late}\n{self.near.log}{self.near.show('show interfaces')}") from None


def status(gateway, name="Tunnel0.0"):
    """The first line about an interface: up, or down and why."""
    return gateway.show(f"show interfaces {name}").splitlines()[0]


def wait_for_status(gateway, text, name="Tunnel0.0", timeout=10):
    wait_until(lambda: text in status(gateway, name), timeout, f"{name} {text}")


def serials(gateway):
    """What identifies the SAs of a gateway."""
    return [(sa.interface, sa.fields["Serial"], [child.spi_in for child in sa.children]) for sa in gateway.ike_sas()]


def count_to_peer(path):
    return len(packets(path, TO_PEER))


def must_be_silent(path):
    """Nothing for the peer, and nothing of a LAN, went by this wire."""
    seen = packets(path, f"({TO_PEER}) or {IN_CLEAR}")
    assert not seen, seen


def shown_source(gateway, name="Tunnel0.0"):
    """Whence the SA of a tunnel is, as `show interfaces` has it; None without an SA, or with one that was given up."""
    found = re.search(r"SA : established, from (\S+)$", gateway.show(f"show interfaces {name}"), re.MULTILINE)
    return found and found.group(1)
