"""The manual's two sites: lists 2.25.1 and 2.25.2, a LAN behind each gateway, a router between them.

    lan1 --- site1 --- internet --- site2 --- lan2

The lists are used word for word. Additional lines, and a second section for the tunnel, add the addresses and routes
that the lists leave out. Each WAN prefix is so short that it contains both the gateway's address and its next hop. The
prefix of site 2 also contains its peer's address. So a packet to that peer arrives only if it leaves by the next hop
of the list and not by the routing table (R44).
"""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from lib.capture import Capture
from lib.lab import wire
from lib.musubi import Musubi

MANUAL = Path(__file__).with_name("manual")

CONFIG_ADDITIONS = """\
!
hostname {name}
!
interface GigaEthernet0.0
  ip address {wan}/{wan_prefix}
  no shutdown
!
interface GigaEthernet1.0
  ip address {lan_gateway4}/24
  ipv6 address {lan_gateway6}/64
  no shutdown
!
interface {tunnel}
  ipv6 enable
{tunnel_lines}!
ip route {peer_lan4} {tunnel}
ipv6 route {peer_lan6} {tunnel}
"""


@dataclass(frozen=True)
class Site:
    number: int
    manual_list: str
    tunnel: str
    wan: str
    wan_prefix: int
    next_hop: str

    @property
    def name(self):
        return f"site{self.number}"

    @property
    def peer_number(self):
        return 3 - self.number

    def lan4(self, host):
        return f"192.168.{self.number}.{host}"

    def lan6(self, host):
        return f"2001:db8:{self.number}::{host}"

    def config(self, tunnel_lines=""):
        """The manual's list with the additions, and with `tunnel_lines` added to the tunnel."""
        listed = (MANUAL / f"list-{self.manual_list}.conf").read_text(encoding="ascii")
        return listed + CONFIG_ADDITIONS.format(
            name=self.name, wan=self.wan, wan_prefix=self.wan_prefix, tunnel=self.tunnel,
            lan_gateway4=self.lan4(1), lan_gateway6=self.lan6(1),
            peer_lan4=f"192.168.{self.peer_number}.0/24", peer_lan6=f"2001:db8:{self.peer_number}::/64",
            tunnel_lines="".join(f"  {line}\n" for line in tunnel_lines.splitlines()))


SITE1 = Site(1, "2.25.1", "Tunnel1.0", "10.1.0.1", 15, "10.0.0.254")
SITE2 = Site(2, "2.25.2", "Tunnel0.0", "10.2.0.1", 14, "10.0.1.254")


class TwoSites:
    """The five namespaces and, once started, a gateway in each site."""

    def __init__(self, lab):
        self.lab = lab
        self.internet = lab.namespace("internet", forward=True)
        self.gateway_hosts = {}
        self.lans = {}
        self.gateways = {}
        for site in (SITE1, SITE2):
            self._build(site)

    def _build(self, site):
        gateway = self.gateway_hosts[site] = self.lab.namespace(site.name, forward=True)
        lan = self.lans[site] = self.lab.namespace(f"lan{site.number}")
        wire(gateway, "ge0", self.internet, f"wan{site.number}")
        wire(gateway, "ge1", lan, "eth0")
        self.internet.ip(f"address add {site.next_hop} peer {site.wan} dev wan{site.number}")
        lan.address("eth0", f"{site.lan4(10)}/24", f"{site.lan6(10)}/64")
        lan.ip(f"route add default via {site.lan4(1)}")
        lan.ip(f"-6 route add default via {site.lan6(1)}")

    def gateway(self, site, tunnel_lines=""):
        """A gateway of this site, not started."""
        return Musubi(self.lab, self.gateway_hosts[site], site.config(tunnel_lines))

    def start(self, tunnel_lines="", at_site2=None):
        """Start both gateways with `tunnel_lines` added to their tunnels; `at_site2` replaces them at site 2."""
        lines = {SITE1: tunnel_lines, SITE2: tunnel_lines if at_site2 is None else at_site2}
        for site in (SITE1, SITE2):
            self.gateways[site] = self.gateway(site, lines[site]).start()
        return self

    def stop(self):
        """Stop both gateways; each has to exit with 0 and leave nothing."""
        for gateway in self.gateways.values():
            gateway.stop()

    @property
    def gateway1(self):
        return self.gateways[SITE1]

    @property
    def gateway2(self):
        return self.gateways[SITE2]

    @property
    def lan1(self):
        return self.lans[SITE1]

    @property
    def lan2(self):
        return self.lans[SITE2]

    def capture(self, name, site=SITE1, octets=0):
        """A capture between this site and the router; with `octets`, packets are cut to that length."""
        return Capture(self.lab, self.internet, f"wan{site.number}", name, octets)

    def capture_lan(self, name, site=SITE1):
        """A capture on a site's LAN."""
        return Capture(self.lab, self.lans[site], "eth0", name)

    @contextlib.contextmanager
    def without_esp(self):
        """Meanwhile the router drops ESP, also that of packets which Linux sends by itself, such as MLD reports."""
        self.internet.must("nft", "add table ip hold; "
                           "add chain ip hold forward { type filter hook forward priority 0; }; "
                           "add rule ip hold forward ip protocol esp drop")
        try:
            yield
        finally:
            self.internet.must("nft", "delete table ip hold")

    def ping_lans(self, *options, **more):
        """Ping from LAN to LAN in both directions, over IPv4 and IPv6; all pings have to be answered."""
        for site, other in ((SITE1, SITE2), (SITE2, SITE1)):
            for target in (other.lan4(10), other.lan6(10)):
                self.lans[site].must_reach(target, *options, **more)

    def iperf3(self, family, seconds=1):
        """Transfer data by TCP from LAN 1 to LAN 2; returns iperf3's sum: `bytes`, `bits_per_second`."""
        server = self.lan2.start("iperf3-server", ["iperf3", "--server", "--one-off", "--forceflush"],
                                 self.lab.directory)
        server.wait_for_text("Server listening")
        target = SITE2.lan4(10) if family == 4 else SITE2.lan6(10)
        printed = self.lan1.must("iperf3", "--client", target, "--time", seconds, "--json",
                                 timeout=seconds + 30)
        server.end()
        return json.loads(printed)["end"]["sum_received"]


# A payload of pings, to be seen on a LAN and never on the wire between the sites.
PING_PAYLOAD = b"musubi, inside!"

# What the wire between the sites may carry: IKE and ESP between the gateways, whole or in fragments, and ARP and
# neighbour discovery.
EXPECTED_ON_WIRE = (f"arp or (ip6 and src net fe80::/10) or (host {SITE1.wan} and host {SITE2.wan} and "
                    "(ip proto 50 or udp port 500 or udp port 4500 or (udp and ip[6:2] & 0x1fff != 0)))")
IKE_ON_WIRE = "udp port 500 or udp port 4500"
ESP_ON_WIRE = "ip proto 50"
