"""Gateways, some of them behind NAT boxes, and what is between them:

    lan --- gateway --- NAT box (--- NAT box) --- internet --- (NAT box ---) gateway --- lan

The internet is one switch with 203.0.113.0/24. Behind a NAT box is 172.16.N.0/24, of which the internet knows nothing. Site
N has the LAN 192.168.N.0/24, with the host .10. A NAT box translates and passes UDP alone: ESP that is not in UDP does
not pass, as with most NAT boxes in homes.
"""

import re
import socket
import struct

from lib.capture import Capture
from lib.lab import wire
from lib.musubi import Musubi

SECRET = "secret"
INTERNET = "203.0.113"
KEPT_PORTS, OTHER_PORTS = "", "to :20000-50000 random"
NETLINK_NETFILTER, IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST_ACK = 12, 0x0102, 5

RULES = """\
table ip nat {{
  chain outward {{
    type nat hook postrouting priority srcnat
    oifname "outside" meta l4proto udp masquerade {ports}
  }}
  chain inward {{
    type nat hook prerouting priority dstnat
{mapping}  }}
}}
table ip filter {{
  chain forward {{
    type filter hook forward priority filter; policy drop
    meta l4proto udp ct status dnat accept
    meta l4proto udp ct state established accept
    meta l4proto udp iifname "inside" accept
    meta l4proto icmp accept
  }}
  chain input {{
    type filter hook input priority filter
    iifname "outside" meta l4proto udp drop
  }}
}}
"""

PORTS = """\
interface GigaEthernet0.0
  ip address {outer}/24
  no shutdown
!
interface GigaEthernet1.0
  ip address 192.168.{number}.1/24
  no shutdown
!
"""

TUNNEL = """\
ikev2 authentication psk id keyid site{here} key char {SECRET}
ikev2 authentication psk id keyid site{there} key char {SECRET}
!
interface Tunnel{there}.0
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet1.0
  ikev2 local-authentication psk id keyid site{here}
  ikev2 peer {peer} authentication psk id keyid site{there}
{lines}  no shutdown
!
ip route 192.168.{there}.0/24 Tunnel{there}.0
!
"""


class Switch:
    """A namespace that is a bridge."""

    def __init__(self, lab, name):
        self.lab = lab
        self.host = lab.namespace(name)
        add_bridge(self.host, "bridge0")

    def attach(self, host, interface):
        """Wire an interface of a host to it; the port's name is that of the host."""
        attach(self.host, "bridge0", host, interface)

    def add_port(self, interface):
        """An interface of the namespace becomes a port."""
        self.host.ip(f"link set {interface} master bridge0")

    def capture(self, host, name):
        """A capture at the port of a host."""
        return Capture(self.lab, self.host, host.label, name)


def add_bridge(host, name):
    host.ip(f"link add {name} type bridge")
    host.ip(f"link set {name} up")


def attach(host, bridge, other, interface):
    wire(host, other.label, other, interface)
    host.ip(f"link set {other.label} master {bridge}")


class NatBox:
    """A NAT box: masquerade with a public address, and perhaps a static mapping of ports 500 and 4500.

    `net` is its number: 172.16.NET.0/24 is behind it, where it has .254. With KEPT_PORTS it keeps the source ports where
    it can, as Linux does; with OTHER_PORTS each mapping has a new port at random.
    """

    def __init__(self, lab, name, outer, address, net, ports=KEPT_PORTS, mapped_to=None):
        """`outer` is the switch or NAT box outside of it, `address` its own there."""
        self.net = net
        self.address = address
        self.host = lab.namespace(name, forward=True)
        outer.attach(self.host, "outside")
        self.host.address("outside", f"{address}/24")
        if isinstance(outer, NatBox):
            self.host.ip(f"route add default via {outer.inside(254)}")
        add_bridge(self.host, "inside")
        self.host.address("inside", f"{self.inside(254)}/24")
        mapping = "" if mapped_to is None else \
            f'    iifname "outside" udp dport {{ 500, 4500 }} dnat to {self.inside(mapped_to)}\n'
        self.host.run("nft", "-f", "-", text_in=RULES.format(ports=ports, mapping=mapping)).must_succeed()

    def inside(self, host):
        return f"172.16.{self.net}.{host}"

    def attach(self, host, interface):
        attach(self.host, "inside", host, interface)

    def add_port(self, interface):
        """An interface of the namespace becomes one of the inside."""
        self.host.ip(f"link set {interface} master inside")

    def set_timeout(self, seconds):
        """How long a mapping lasts without a packet."""
        self.host.sysctl(net__netfilter__nf_conntrack_udp_timeout=seconds,
                         net__netfilter__nf_conntrack_udp_timeout_stream=seconds)

    def mappings(self, source, port):
        """The public ports of the mappings of an inside address and port, with the seconds that each has left."""
        table = self.host.must("cat", "/proc/net/nf_conntrack")
        rows = re.findall(rf"udp +17 (\d+) src={re.escape(source)} dst=\S+ sport={port} dport=\d+ .*?dst=\S+ "
                          r"sport=\d+ dport=(\d+)", table)
        return [(int(public), int(left)) for left, public in rows]

    def forget(self):
        """Lose all mappings, as by a restart."""
        with self.host.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as netlink:
            request = struct.pack("=IHHIIBBH", 20, IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST_ACK, 1, 0, socket.AF_INET, 0, 0)
            netlink.send(request)
            error, = struct.unpack_from("=i", netlink.recv(4096), 16)
            assert error == 0, error

    def move(self, address):
        """Get another public address. Linux forgets the mappings of the old one."""
        self.host.ip(f"address del {self.address}/24 dev outside")
        self.address = address
        self.host.address("outside", f"{address}/24")


class Site:
    """A gateway and its LAN. `outer` is the switch or the NAT box outside of it, `address` its own there."""

    def __init__(self, lab, number, outer, address):
        self.lab = lab
        self.number = number
        self.address = address
        self.host = lab.namespace(f"site{number}", forward=True)
        self.lan = lab.namespace(f"lan{number}")
        outer.attach(self.host, "ge0")
        wire(self.host, "ge1", self.lan, "eth0")
        self.lan.address("eth0", f"{self.lan_host}/24")
        self.lan.ip(f"route add default via 192.168.{number}.1")
        self._route = f"ip route default {outer.inside(254)}\n!\n" if isinstance(outer, NatBox) else ""
        self.gateway = None

    @property
    def lan_host(self):
        return f"192.168.{self.number}.10"

    def tunnel(self, there, peer, lines=""):
        """The lines of a tunnel to site `there`, at the address `peer` or any."""
        return TUNNEL.format(here=self.number, there=there, peer=peer, SECRET=SECRET,
                             lines="".join(f"  {line}\n" for line in lines.splitlines()))

    def start(self, *tunnels):
        """Start its gateway; each tunnel as `tunnel` returns it."""
        config = PORTS.format(outer=self.address, number=self.number) + self._route + "".join(tunnels) + \
            "logging subsystem all info\n"
        self.gateway = Musubi(self.lab, self.host, config).start()
        return self.gateway

    def must_reach(self, other, **options):
        """Ping from this LAN to the other one."""
        self.lan.must_reach(other.lan_host, **options)
