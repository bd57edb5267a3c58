"""Two gateways on one wire, each with an inner address: for tests that the manual's two sites do not fit.

    lan (192.168.1.10) --- near 10.9.0.1 --- 10.9.0.2 far (192.168.2.1)

Outer and inner addresses are both IPv4 and IPv6. `near` is Musubi in a namespace; `far` is what the test needs.
Both IDs have the same key, since strongSwan has only one for a pair of IDs.
"""

from dataclasses import dataclass

from lib.capture import Capture
from lib.lab import do_not_segment_udp, wire
from lib.musubi import Musubi
from lib.process import wait_until

SECRET = "secret2"

CONFIG = """\
ikev2 authentication psk id {here_id} key char {SECRET}
ikev2 authentication psk id {there_id} key char {SECRET}
!
interface GigaEthernet0.0
  ip address {here.outer4}/24
  ipv6 address {here.outer6}/64
  no shutdown
!
interface GigaEthernet1.0
  ip address {here.inner4}/24
  ipv6 address {here.inner6}/64
  no shutdown
!
interface {here.tunnel}
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet1.0
  ipv6 enable
  ikev2 local-authentication psk id {here_id}
  ikev2 peer {peer} authentication psk id {there_id}
{lines}  no shutdown
!
ip route {there.subnet4} {here.tunnel}
ipv6 route {there.subnet6} {here.tunnel}
"""


ID_TYPES_SHOWN = {"ipv4": "IPv4-ADDR", "ipv6": "IPv6-ADDR", "fqdn": "FQDN", "rfc822": "RFC822-ADDR", "keyid": "KEY-ID"}


@dataclass(frozen=True)
class Identity:
    """An ID; its type as in our config."""
    type: str
    value: str

    def __str__(self):
        return f"{self.type} {self.value}"

    @property
    def strongswan(self):
        """As in strongSwan's config, which takes an address with a prefix for text."""
        return self.value if self.type in ("ipv4", "ipv6") else f"{self.type}:{self.value}"

    @property
    def shown(self):
        """As `show ikev2 sa` prints it."""
        return f"{ID_TYPES_SHOWN[self.type]} {self.value}"


@dataclass(frozen=True)
class End:
    number: int
    tunnel: str

    def identity(self, kind="keyid"):
        """This end's ID of a type."""
        values = {"ipv4": self.outer4, "ipv6": self.outer6, "fqdn": f"site{self.number}.example",
                  "rfc822": f"admin@site{self.number}.example", "keyid": f"site{self.number}"}
        return Identity(kind, values[kind])

    @property
    def outer4(self):
        return f"10.9.0.{self.number}"

    @property
    def outer6(self):
        return f"2001:db8:9::{self.number}"

    @property
    def inner4(self):
        return f"192.168.{self.number}.1"

    @property
    def inner6(self):
        return f"2001:db8:{self.number}::1"

    @property
    def subnet4(self):
        return f"192.168.{self.number}.0/24"

    @property
    def subnet6(self):
        return f"2001:db8:{self.number}::/64"

    def outer(self, family):
        return self.outer6 if family == 6 else self.outer4


NEAR = End(1, "Tunnel1.0")
FAR = End(2, "Tunnel2.0")

# As `show interfaces` tells why a tunnel is down.
NO_ROUTE_YET = ("no route to the peer", "no address on the outgoing interface", "outgoing interface down")


def config(here, there, family=4, lines="", ids=None):
    """The config of a gateway; `family` is that of the outer header, `lines` are added to the tunnel.

    `ids` are its own and its peer's; each is a key ID if not given.
    """
    here_id, there_id = ids or (here.identity(), there.identity())
    return CONFIG.format(SECRET=SECRET, here=here, there=there, here_id=here_id, there_id=there_id,
                         peer=there.outer(family),
                         lines="".join(f"  {line}\n" for line in lines.splitlines()))


def started(lab, host, here, there, family, lines, ids=None):
    """A gateway, started, whose tunnel takes packets, unless it lacks more than a route to its peer."""
    gateway = Musubi(lab, host, config(here, there, family, lines, ids)).start()
    if family == 6:    # whose addresses Linux takes into use a moment after they were set
        wait_until(lambda: not any(lack in gateway.show(f"show interfaces {here.tunnel}") for lack in NO_ROUTE_YET), 10,
                   f"a route of {here.tunnel} to its peer")
    return gateway


class NearSide:
    """The near gateway's namespace and the LAN behind it; `ge0` is for the wire to the far end."""

    def __init__(self, lab):
        self.host = lab.namespace("near", forward=True)
        self.lan = lab.namespace("lan")
        wire(self.host, "ge1", self.lan, "eth0")
        self.lan.address("eth0", "192.168.1.10/24", "2001:db8:1::10/64")
        self.lan.ip(f"route add default via {NEAR.inner4}")
        self.lan.ip(f"-6 route add default via {NEAR.inner6}")

    def gateway(self, lab, family=4, lines="", ids=None):
        """The near gateway, started. It ends with `lab` unless the test has stopped it."""
        return started(lab, self.host, NEAR, FAR, family, lines, ids)

    def must_reach_far(self, **options):
        """Ping the far end's inner addresses from the LAN; all pings have to be answered."""
        for target in (FAR.inner4, FAR.inner6):
            self.lan.must_reach(target, **options)


def must_reach_lan(far, **options):
    """Ping the near LAN from the far end's inner addresses."""
    far.must_reach("192.168.1.10", "-I", FAR.inner4, **options)
    far.must_reach("2001:db8:1::10", "-I", FAR.inner6, **options)


class MusubiPair(NearSide):
    """Both ends are Musubi, in namespaces."""

    def __init__(self, lab):
        super().__init__(lab)
        self.far_host = lab.namespace("far", forward=True)
        wire(self.host, "ge0", self.far_host, "ge0")
        wire(self.far_host, "ge1", lab.namespace("farlan"), "eth0")

    def far_gateway(self, lab, family=4, lines=""):
        """The far gateway, started."""
        return started(lab, self.far_host, FAR, NEAR, family, lines)


class RoutedPair(MusubiPair):
    """The same with a router between the two, which neither notices: it answers ARP and neighbour solicitations for
    the other, and tells of packets that are too large."""

    def __init__(self, lab):
        NearSide.__init__(self, lab)
        self.router = lab.namespace("router", forward=True)
        self.far_host = lab.namespace("far", forward=True)
        wire(self.host, "ge0", self.router, "near")
        wire(self.router, "far", self.far_host, "ge0")
        wire(self.far_host, "ge1", lab.namespace("farlan"), "eth0")
        self.router.address("lo", "10.9.0.254/32", "2001:db8:9::254/128")
        self.router.sysctl(net__ipv4__conf__all__proxy_arp=1, net__ipv6__conf__all__proxy_ndp=1)
        for host in (self.host, self.far_host):
            do_not_segment_udp(host, "ge0")
        for end, interface, other in ((NEAR, "near", "far"), (FAR, "far", "near")):
            self.router.ip(f"route add {end.outer4} dev {interface}")
            self.router.ip(f"-6 route add {end.outer6} dev {interface}")
            self.router.ip(f"-6 neigh add proxy {end.outer6} dev {other}")

    def capture(self, lab, name):
        """A capture between the near gateway and the router."""
        return Capture(lab, self.router, "near", name)

    def set_mtu(self, mtu, *interfaces):
        """The MTU of links, by default of both that lie outside, at both ends."""
        for interface in interfaces or ("near", "far"):
            self.router.ip(f"link set {interface} mtu {mtu}")
        for host in (self.host, self.far_host) if not interfaces else ():
            host.ip(f"link set ge0 mtu {mtu}")
