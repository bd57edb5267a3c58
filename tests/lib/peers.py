"""Many tunnels side by side between Musubi and strongSwan, so that slow tests wait at the same time.

    lan 192.168.1.10 --- near 10.9.0.1 --- wire --- far 10.9.0.11, .12, … with 192.168.11.1, .12.1, … inside

A peer is an address and an ID of a far host, a tunnel of Musubi, and a connection of strongSwan with one child,
both named as its ID. strongSwan does not end or rekey its SAs unless the test says so.
"""

import re
import time
from dataclasses import dataclass

from lib import kernel_esp
from lib.direct import SECRET
from lib.lab import wire
from lib.musubi import Musubi
from lib.process import wait_until
from lib.stream import Echo, Stream
from lib.strongswan import StrongSwan
from lib.uml import Uml

NEAR = "10.9.0.1"
LAN = "192.168.1.0/24"
LAN_HOST = "192.168.1.10"

CONFIG_HEAD = f"""\
ikev2 authentication psk id keyid near key char {SECRET}
!
ikev2 default-profile
  local-authentication psk id keyid near
!
interface GigaEthernet0.0
  ip address {NEAR}/24
  no shutdown
!
interface GigaEthernet1.0
  ip address 192.168.1.1/24
  no shutdown
!
logging subsystem all info
"""

CONFIG_TUNNEL = """\
!
ikev2 authentication psk id keyid {peer.id} key char {SECRET}
!
interface {peer.tunnel}
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet1.0
  ikev2 peer {address} authentication psk id keyid {peer.id}
{lines}  no shutdown
!
ip route {peer.inner}/32 {peer.tunnel}
"""

CONNECTION = """\
  {peer.id} {{
    version = 2
    mobike = no
    encap = {encap}
    local_addrs = {peer.outer}
    remote_addrs = {NEAR}
    proposals = aes256-sha256-modp2048
    rekey_time = 0
    rand_time = 0
    over_time = 600
{ike_options}    local {{
      auth = psk
      id = keyid:{peer.id}
    }}
    remote {{
      auth = psk
      id = keyid:near
    }}
    children {{
      {peer.id} {{
        local_ts = {peer.inner}/32
        remote_ts = {LAN}
        rekey_time = 0
        rand_time = 0
        life_time = 600
        start_action = {start_action}
{child_options}      }}
    }}
  }}
"""

# strongSwan drops a response that comes while it handles a request with the same message ID, as happens when both ends
# rekey at once, and waits for the response to be sent again. It refuses its own cookies in the first 10 seconds after a
# boot.
OPTIONS = """\
  retransmit_timeout = 0.5
  retransmit_tries = 6
  dos_protection = no
"""

SECRETS = f"""\
secrets {{
  ike-all {{
    secret = "{SECRET}"
  }}
}}
"""


@dataclass(frozen=True)
class Peer:
    """`lines` are added to the tunnel, the options, a line each, to strongSwan's connection and its child."""
    number: int
    lines: str = ""
    ike_options: str = ""
    child_options: str = ""
    any: bool = False       # `peer any`: Musubi does not know its address
    begins: bool = False    # strongSwan initiates when the connection is loaded

    @property
    def id(self):
        return f"peer{self.number}"

    @property
    def tunnel(self):
        return f"Tunnel{self.number}.0"

    @property
    def outer(self):
        return f"10.9.0.{10 + self.number}"

    @property
    def inner(self):
        return f"192.168.{10 + self.number}.1"


def _indented(lines, blanks):
    return "".join(f"{' ' * blanks}{line.strip()}\n" for line in lines.splitlines())


def musubi_config(peers):
    """The near gateway's configuration."""
    return CONFIG_HEAD + "".join(
        CONFIG_TUNNEL.format(peer=peer, address="any" if peer.any else peer.outer, SECRET=SECRET,
                             lines=_indented(peer.lines, 2)) for peer in peers)


def strongswan_config(peers, encap):
    """strongSwan's connections to the near gateway."""
    connections = "".join(
        CONNECTION.format(peer=peer, NEAR=NEAR, LAN=LAN, encap="yes" if encap else "no",
                          start_action="start" if peer.begins else "none",
                          ike_options=_indented(peer.ike_options, 4), child_options=_indented(peer.child_options, 8))
        for peer in peers)
    return f"connections {{\n{connections}}}\n" + SECRETS


class FarSide:
    """A host with strongSwan that acts as several peers."""

    def __init__(self, lab, host, interface, peers, user_space_esp):
        self.host = host
        self.peers = peers
        self._route = "dev ipsec0" if user_space_esp else f"via {NEAR}"
        host.address(interface, *[f"{peer.outer}/24" for peer in peers])
        host.address("lo", *[f"{peer.inner}/32" for peer in peers])
        self.strongswan = StrongSwan(lab, host, user_space_esp, OPTIONS)
        Echo(lab, host, *[peer.inner for peer in peers])
        self._connect()

    def _connect(self):
        if self.strongswan.user_space_esp:
            self.host.ip("link set ipsec0 up")
        self.host.ip(f"route replace {LAN} {self._route}")
        self.strongswan.load(strongswan_config(self.peers, encap=self.strongswan.user_space_esp))

    def installed_suites(self, peer):
        """The algorithms of a peer's Child SAs as strongSwan prints them, without deleted Child SAs."""
        return re.findall(r"INSTALLED, .*ESP:(\S+)", self.strongswan.sas(peer.id))

    def start_again(self):
        """Start strongSwan again after it was killed."""
        self.strongswan.start()
        self._connect()


class Near:
    """Musubi, not started, the LAN behind it, and a switch to which the peers are wired."""

    def __init__(self, lab, peers):
        self.lab = lab
        self.host = lab.namespace("near", forward=True)
        self.lan = lab.namespace("lan")
        self.switch = lab.namespace("switch")
        wire(self.host, "ge1", self.lan, "eth0")
        self.lan.address("eth0", f"{LAN_HOST}/24")
        self.lan.ip("route add default via 192.168.1.1")
        self.switch.ip("link add bridge0 type bridge")
        self.switch.ip("link set bridge0 up")
        wire(self.host, "ge0", self.switch, "near")
        self.switch.ip("link set near master bridge0")
        self.musubi = Musubi(lab, self.host, musubi_config(peers))

    def user_space_side(self, name, peers):
        """Peers in a namespace, with strongSwan's own ESP, which is always in UDP."""
        host = self.lab.namespace(name)
        wire(self.switch, name, host, "eth0")
        self.switch.ip(f"link set {name} master bridge0")
        return FarSide(self.lab, host, "eth0", peers, user_space_esp=True)

    def kernel_side(self, name, peers):
        """Peers in user-mode-linux, whose kernel does ESP."""
        machine = Uml(self.lab, self.switch, name, kernel_esp.MODULES)
        self.switch.ip(f"link set {name} master bridge0")
        return FarSide(self.lab, machine, "vec0", peers, user_space_esp=False)

    def must_reach(self, peer):
        """A ping from the LAN to the peer's inner address, which may trigger the negotiation."""
        self.lan.must_reach(peer.inner, count=1, wait=20)

    def stream(self, peer, rate=200):
        """A stream from the LAN to the peer's inner address and back."""
        return Stream(self.lab, self.lan, LAN_HOST, peer.inner, rate)

    def wait_for_sa(self, peer):
        """Wait until Musubi has an IKE SA with a Child SA, then until a ping is answered: a peer that initiates may get
        packets before it has processed the response to its IKE_AUTH."""
        wait_until(lambda: [sa for sa in self.ike_sas(peer) if sa.established and sa.children], 30,
                   f"an SA of {peer.tunnel}")
        wait_until(lambda: self.lan.ping(peer.inner, count=1, wait=1)[0] == 1, 30, f"a ping answered by {peer.id}")

    def ike_sas(self, peer):
        return [sa for sa in self.musubi.ike_sas() if sa.interface == peer.tunnel]

    def child_sas(self, peer):
        return [sa for sa in self.musubi.child_sas() if sa.interface == peer.tunnel]

    def history(self, peer):
        """The events, without their times."""
        return [event for _, event in self.musubi.counters(peer.tunnel).history]

    def logged(self, peer, pattern):
        """Lines of the log about this peer's tunnel that match `pattern`."""
        return re.findall(rf".* {re.escape(peer.tunnel)}: .*{pattern}.*", self.musubi.log)

    def wait_for_rekeys(self, far, peer, number):
        """Wait until IKE SA and Child SA have each been rekeyed `number` times."""
        reminder = _Reminder(far, peer)

        def are_done():
            made = len(self.logged(peer, "Child SA created"))
            reminder.note(made)
            return made > number and len(self.logged(peer, "IKE SA rekeyed")) >= number
        try:
            wait_until(are_done, 90, f"{number} rekeys of both SAs of {peer.tunnel}")
        except AssertionError as late:
            raise AssertionError("\n".join([str(late), *self.logged(peer, "")])) from None


class _Reminder:
    """Tells strongSwan to rekey a Child SA that it has forgotten, as may happen on a busy machine: where the time of the
    Child SA comes while the IKE SA is being rekeyed, its job waits for the old IKE SA, does not find the Child SA there
    any more, and ends."""

    AFTER = 20  # seconds; their rekey_time is 4

    def __init__(self, far, peer):
        self.far = far
        self.peer = peer
        self.made = 0
        self.since = time.monotonic()

    def note(self, made):
        """So many Child SAs have been made."""
        now = time.monotonic()
        if made != self.made or "rekey_time" not in self.peer.child_options:
            self.made, self.since = made, now
        elif now - self.since > self.AFTER:
            self.far.strongswan.rekey_child(self.peer.id)
            self.since = now


def must_be_rekeyed_without_loss(near, far, stream, peer):
    """Three rekeys happen under a stream of numbered packets, with PFS as configured."""
    near.wait_for_rekeys(far, peer, 3)

    stream.stop().must_be_whole(at_least=100)

    # While strongSwan moves a Child SA to a new IKE SA, it prints none.
    suites = wait_until(lambda: far.installed_suites(peer), 10, f"a Child SA of {peer.id} at strongSwan's side")
    assert all(("MODP_2048" in suite) == ("modp2048" in peer.child_options) for suite in suites), suites
    assert near.history(peer) == ["Create"], "the history has no rekeys (R64)"
