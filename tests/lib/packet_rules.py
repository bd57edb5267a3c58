"""A gateway whose config has filters, NAPT or an MSS for its ports, between a LAN and an outside.

    lan --- ge1 gateway ge0 --- outside (--- ge0 far ge1 --- far LAN)

The outside has a server's addresses. It knows no route into the LANs, unless a test adds one.
"""

import json
import re
import socket

from lib.lab import wire
from lib.musubi import Musubi

OUTSIDE4, OUTSIDE6 = "10.0.0.254", "2001:db8:0::254"
WAN4, WAN6 = "10.0.0.1", "2001:db8:0::1"
LAN4, LAN6 = "192.168.1.10", "2001:db8:1::10"
FAR_LAN4, FAR_LAN6 = "192.168.2.10", "2001:db8:2::10"

PORTS = """\
interface GigaEthernet0.0
  ip address 10.0.0.1/24
  ipv6 address 2001:db8:0::1/64
{wan_lines}  no shutdown
interface GigaEthernet1.0
  ip address 192.168.1.1/24
  ipv6 address 2001:db8:1::1/64
{lan_lines}  no shutdown
ip route default 10.0.0.254
"""

KEYS = """\
ikev2 authentication psk id keyid near key char secret
ikev2 authentication psk id keyid far key char secret
"""

TUNNEL = KEYS + """\
interface Tunnel0.0
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet1.0
  ipv6 enable
  ikev2 local-authentication psk id keyid near
  ikev2 peer 10.2.0.1 authentication psk id keyid far
{tunnel_lines}  no shutdown
ip route 192.168.2.0/24 Tunnel0.0
ipv6 route 2001:db8:2::/64 Tunnel0.0
"""

FAR = KEYS + """\
interface GigaEthernet0.0
  ip address 10.2.0.1/24
  no shutdown
interface GigaEthernet1.0
  ip address 192.168.2.1/24
  ipv6 address 2001:db8:2::1/64
  no shutdown
interface Tunnel0.0
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet1.0
  ipv6 enable
  ikev2 local-authentication psk id keyid far
  ikev2 peer 10.0.0.1 authentication psk id keyid near
{tunnel_lines}  no shutdown
ip route default 10.2.0.254
ip route 192.168.1.0/24 Tunnel0.0
ipv6 route 2001:db8:1::/64 Tunnel0.0
"""


def indented(lines):
    return "".join(f"  {line}\n" for line in lines.splitlines())


def ports(wan="", lan=""):
    """The config of both ports, with additional lines."""
    return PORTS.format(wan_lines=indented(wan), lan_lines=indented(lan))


def tunnel(lines=""):
    return TUNNEL.format(tunnel_lines=indented(lines))


class Gateway:
    """The namespaces; `start` starts the gateway, `start_far` the other end of its tunnel."""

    def __init__(self, lab):
        self.lab = lab
        self.host = lab.namespace("gateway")
        self.lan = lab.namespace("lan")
        self.outside = lab.namespace("outside", forward=True)
        wire(self.host, "ge0", self.outside, "near")
        wire(self.host, "ge1", self.lan, "eth0")
        self.outside.address("near", f"{OUTSIDE4}/24", f"{OUTSIDE6}/64")
        self.lan.address("eth0", f"{LAN4}/24", f"{LAN6}/64")
        self.lan.ip("route add default via 192.168.1.1")
        self.lan.ip("-6 route add default via 2001:db8:1::1")
        self.far_lan = None

    def start(self, config):
        return Musubi(self.lab, self.host, config).start()

    def start_far(self, tunnel_lines=""):
        """The gateway at the other end of Tunnel0.0."""
        far = self.lab.namespace("far")
        self.far_lan = self.lab.namespace("far-lan")
        wire(far, "ge0", self.outside, "far")
        wire(far, "ge1", self.far_lan, "eth0")
        self.outside.address("far", "10.2.0.254/24")
        self.far_lan.address("eth0", f"{FAR_LAN4}/24", f"{FAR_LAN6}/64")
        self.far_lan.ip("route add default via 192.168.2.1")
        self.far_lan.ip("-6 route add default via 2001:db8:2::1")
        return Musubi(self.lab, far, FAR.format(tunnel_lines=indented(tunnel_lines))).start()

    def route_inside(self):
        """The outside learns how to reach the LAN."""
        self.outside.ip("route replace 192.168.1.0/24 via 10.0.0.1")
        self.outside.ip("-6 route replace 2001:db8:1::/64 via 2001:db8:0::1")


def is_reached(host, target):
    """True if a ping is answered."""
    return host.ping(target, count=1, wait=1)[0] == 1


def datagram(sender, receiver, target, port, source=("", 0), wait=5.0):
    """Send a datagram and answer it. Returns where it came from as the receiver sees it; None if one was lost."""
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    with receiver.socket(family, socket.SOCK_DGRAM) as inward, sender.socket(family, socket.SOCK_DGRAM) as outward:
        inward.bind(("", port))
        inward.settimeout(wait)
        outward.bind(source)
        outward.settimeout(wait)
        outward.sendto(b"there", (target, port))
        try:
            _, origin = inward.recvfrom(100)
            inward.sendto(b"and back", origin)
            assert outward.recv(100) == b"and back"
        except TimeoutError:
            return None
        return origin[:2]


def segment_sizes(client, server, target, port=5001):
    """The TCP segment sizes that both ends of a connection settle on: the client's and the server's."""
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    with server.socket(family, socket.SOCK_STREAM) as listening, client.socket(family, socket.SOCK_STREAM) as calling:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("", port))
        listening.listen(1)
        listening.settimeout(5)
        calling.settimeout(5)
        calling.connect((target, port))
        accepted, _ = listening.accept()
        with accepted:
            return [end.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) for end in (calling, accepted)]


def tables(host):
    """The nftables of a host, as "family name"."""
    listed = json.loads(host.must("nft", "-j", "list", "tables"))["nftables"]
    return sorted(f"{entry['table']['family']} {entry['table']['name']}" for entry in listed if "table" in entry)


def count(shown, label):
    """The packets that a line of `show ip napt` or `show ip access-list` has counted."""
    found = re.search(rf"^ *{re.escape(label)} : (\d+)", shown, re.MULTILINE)
    assert found, f"{label!r} is missing in:\n{shown}"
    return int(found.group(1))
