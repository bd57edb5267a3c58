"""Peers by domain name (R31, R40, R41, R42, S19): many tunnels between two gateways, a name for each.

    near 10.9.0.1 --+-- wire --+-- far 10.9.0.2, .11, .12 … and 2001:db8:9::2, ::11 …
    west 10.9.0.61 -+    |     +-- east 10.9.0.62
                         +-------- name servers 10.9.0.53, and 2001:db8:9::53 for later

Near's config has names, far's has near's address. Changes that have to wait for a TTL are made for all tunnels at once
(`changed`), so that the tests wait together.
"""

import re
import time
from dataclasses import dataclass

import pytest

from lib.dns_server import A, AAAA, DnsServer
from lib.lab import wire
from lib.musubi import Musubi
from lib.process import wait_until

NAME_SERVER = "10.9.0.53"
OTHER_NAME_SERVER = "2001:db8:9::53"
PATIENCE = 25       # seconds: a TTL counts as 10 at least, and an unanswered question takes 7 more

NEAR_HEAD = f"""\
dns server {NAME_SERVER}
logging subsystem ikev2 notice
interface GigaEthernet0.0
  ip address 10.9.0.1/24
  ipv6 address 2001:db8:9::1/64
  no shutdown
"""

FAR_HEAD = """\
interface GigaEthernet0.0
  ip address 10.9.0.2/24
  ipv6 address 2001:db8:9::2/64
  no shutdown
"""

TUNNEL = """\
ikev2 authentication psk id {peer_id} key char secret{number}
ikev2 authentication psk id {own_id} key char secret{number}
interface Loopback{number}.0
  ip address {own_inner}/32
interface Tunnel{number}.0
  tunnel mode ipsec-ikev2
  ip unnumbered Loopback{number}.0
  ikev2 local-authentication psk id {own_id}
  {peer_line}
{lines}  no shutdown
ip route {peer_inner}/32 Tunnel{number}.0
"""


def inner(number, far=False):
    return f"192.168.{100 * far + number}.1"


@dataclass
class Tunnel:
    """A tunnel of near, and far's end of it. Far's address for it ends with `host`."""
    number: int
    name: str                   # without .example
    keyword: str = "peer"
    has_id: bool = True
    near_lines: str = "ikev2 connect-type auto\n"
    far_lines: str = ""
    family: int = 4             # of near's address in far's config

    @property
    def fqdn(self):
        return f"{self.name}.example".lower()

    @property
    def interface(self):
        return f"Tunnel{self.number}.0"

    @property
    def host(self):
        return 10 + self.number

    def address(self, family=4):
        return f"10.9.0.{self.host}" if family == 4 else f"2001:db8:9::{self.host}"

    @property
    def far_id(self):
        return f"keyid far{self.number}" if self.has_id else f"fqdn {self.fqdn}"

    def near_config(self):
        near_id, far_id = f"keyid near{self.number}", self.far_id
        peer = f"ikev2 {self.keyword} {self.name}.example authentication psk" + (f" id {far_id}" if self.has_id else "")
        return self._config(near_id, far_id, peer, self.near_lines, False)

    def far_config(self):
        near_id, far_id = f"keyid near{self.number}", self.far_id
        near = "10.9.0.1" if self.family == 4 else "2001:db8:9::1"
        peer = f"ikev2 peer {near} authentication psk id {near_id}"
        return self._config(far_id, near_id, peer, self.far_lines, True)

    def _config(self, own_id, peer_id, peer_line, lines, far):
        return TUNNEL.format(number=self.number, own_id=own_id, peer_id=peer_id, peer_line=peer_line,
                             lines="".join(f"  {line}\n" for line in lines.splitlines()),
                             own_inner=inner(self.number, far), peer_inner=inner(self.number, not far))


TRIGGER = ""

PLAIN = Tunnel(1, "plain", has_id=False)
SHARED = Tunnel(2, "shared")
ALSO_SHARED = Tunnel(20, "Shared")
V6_ALONE = Tunnel(3, "v6alone", family=6)
DUAL = Tunnel(4, "dual")
DUAL_AS_V4 = Tunnel(5, "dual4", keyword="peer-fqdn-ipv4")
DUAL_AS_V6 = Tunnel(6, "dual6", keyword="peer-fqdn-ipv6", family=6)
V6_BY_SOURCE = Tunnel(7, "dualsource", family=6, near_lines="ikev2 connect-type auto\n"
                                                            "ikev2 source-address 2001:db8:9::1\n")
V4_BY_NEXT_HOP = Tunnel(21, "dualhop", near_lines="ikev2 connect-type auto\n"
                                                  "ikev2 outgoing-interface GigaEthernet0.0 10.9.0.2\n")
MOVES = Tunnel(8, "moves")
SILENT = Tunnel(9, "silent")
SERVFAIL = Tunnel(10, "servfail")
AMONG = Tunnel(11, "among")
GONE = Tunnel(12, "gone")
LATE = Tunnel(13, "late")
NEVER = Tunnel(22, "never")
TRIGGERED = Tunnel(14, "triggered", near_lines=TRIGGER)
NEWCOMER = Tunnel(15, "newcomer", near_lines=TRIGGER, far_lines="ikev2 source-address 10.9.0.125\n")
UNKNOWN = Tunnel(23, "unknown", near_lines="ikev2 outgoing-interface GigaEthernet0.0 10.9.0.2\n",
                 far_lines="ikev2 source-address 10.9.0.125\n")
# Far sends no DELETE, so near does not learn what far deletes.
ROAMER = Tunnel(24, "roamer", near_lines=TRIGGER, far_lines="ikev2 source-address 10.9.0.125\n"
                                                            "ikev2 suppress send-delete\n"
                                                            "ikev2 suppress send-rekey\n")
STRANGER = Tunnel(16, "stranger", near_lines=TRIGGER, far_lines="ikev2 source-address 10.9.0.126\n")
RENAMED = Tunnel(17, "oldname")
REMOVED = Tunnel(18, "removed")
SHUT = Tunnel(19, "shut")
UP_AT_ONCE = [PLAIN, SHARED, ALSO_SHARED, V6_ALONE, DUAL, DUAL_AS_V4, DUAL_AS_V6, V6_BY_SOURCE, V4_BY_NEXT_HOP,
              MOVES, SILENT, SERVFAIL, AMONG, GONE, RENAMED, REMOVED, SHUT]
ALL = [*UP_AT_ONCE, LATE, NEVER, TRIGGERED, NEWCOMER, UNKNOWN, ROAMER, STRANGER]
NEWCOMERS_ADDRESS, UNKNOWN_SPI_ADDRESS, NEW_ADDRESS = "10.9.0.125", "10.9.0.126", "10.9.0.128"


def both_dynamic_config(own, other, number):
    """A gateway that neither has a fixed address nor knows its peer's: the address comes by other means."""
    return (f"dns server {NAME_SERVER}\n"
            "interface GigaEthernet0.0\n  ip address dhcp receive-default\n  no shutdown\n"
            f"ikev2 authentication psk id fqdn {own}.example key char secret-{own}\n"
            f"ikev2 authentication psk id fqdn {other}.example key char secret-{other}\n"
            f"interface Loopback0.0\n  ip address 192.168.{number}.1/32\n"
            "interface Tunnel0.0\n  tunnel mode ipsec-ikev2\n  ip unnumbered Loopback0.0\n"
            f"  ikev2 local-authentication psk id fqdn {own}.example\n"
            f"  ikev2 peer {other}.example authentication psk\n  ikev2 connect-type auto\n  no shutdown\n"
            f"ip route 192.168.{263 - number}.1/32 Tunnel0.0\n")


class World:
    """All gateways, started, and the name servers that they ask."""

    def __init__(self, lab):
        self.lab = lab
        self.wire = lab.namespace("wire")
        self.wire.ip("link add br0 type bridge")
        self.wire.address("br0", f"{NAME_SERVER}/24", f"{OTHER_NAME_SERVER}/64")
        self.hosts = {name: self._host(name) for name in ("near", "far", "west", "east")}
        self.names = DnsServer(lab, self.wire, NAME_SERVER)
        self.other_names = DnsServer(lab, self.wire, OTHER_NAME_SERVER)
        for last in [*(tunnel.host for tunnel in ALL), 125, 126, 128]:
            self.hosts["far"].address("ge0", f"10.9.0.{last}/24", f"2001:db8:9::{last}/64")
        self._set_names()
        far_config = FAR_HEAD + "".join(tunnel.far_config() for tunnel in ALL)
        self.far = Musubi(lab, self.hosts["far"], far_config).start()
        near_config = NEAR_HEAD + "".join(tunnel.near_config() for tunnel in ALL)
        self.near = Musubi(lab, self.hosts["near"], near_config).start()
        self.west = self._both_dynamic("west", "east", 131)
        self.east = self._both_dynamic("east", "west", 132)

    def _host(self, name):
        host = self.lab.namespace(name, forward=True)
        wire(host, "ge0", self.wire, name)
        self.wire.ip(f"link set {name} master br0")
        return host

    def _both_dynamic(self, own, other, number):
        last = number - 70
        self.hosts[own].address("ge0", f"10.9.0.{last}/24")
        self.names.set(f"{own}.example", f"10.9.0.{last}")
        return Musubi(self.lab, self.hosts[own], both_dynamic_config(own, other, number)).start()

    def _set_names(self):
        for tunnel in (PLAIN, MOVES, SILENT, SERVFAIL, AMONG, GONE, RENAMED, REMOVED, SHUT):
            self.names.set(tunnel.fqdn, tunnel.address())
        self.names.set(V6_ALONE.fqdn, V6_ALONE.address(6))
        for tunnel in (DUAL, DUAL_AS_V4, DUAL_AS_V6, V6_BY_SOURCE, V4_BY_NEXT_HOP):
            self.names.set(tunnel.fqdn, tunnel.address(6), tunnel.address(4))
        for tunnel in (SHARED, NEWCOMER, STRANGER):
            self.names.set(tunnel.fqdn, tunnel.address(), ttl=3600)

    def move_both_dynamic(self, to):
        """Give west and east other addresses: 10.9.0.61 and .62, plus `to`."""
        for name, last in (("west", 61), ("east", 62)):
            self.hosts[name].ip("address flush dev ge0 scope global")
            self.hosts[name].address("ge0", f"10.9.0.{last + to}/24")
            self.names.set(f"{name}.example", f"10.9.0.{last + to}")

    def stop(self):
        self.move_both_dynamic(0)   # each gateway must leave its host as it was
        for gateway in (self.near, self.far, self.west, self.east):
            gateway.stop()

    def sa(self, tunnel):
        """Near's established IKE SA of a tunnel, or None. There is never more than one."""
        found = [sa for sa in self.near.ike_sas() if sa.interface == tunnel.interface and sa.established]
        assert len(found) <= 1, self.near.show(f"show ikev2 sa {tunnel.interface}")
        return found[0] if found else None

    def remote(self, tunnel):
        """The peer's address in near's SA; None without an SA."""
        sa = self.sa(tunnel)
        return sa and re.fullmatch(r"\[?(.*?)\]?:500", sa.fields["Remote Addr"]).group(1)

    def wait_for_remote(self, tunnel, address, timeout=10):
        wait_until(lambda: self.remote(tunnel) == address, timeout, f"an SA of {tunnel.interface} with {address}")

    def history(self, tunnel):
        return [event for _, event in self.near.counters(tunnel.interface).history]

    def state(self, tunnel):
        """The first line of `show interfaces`."""
        return self.near.show(f"show interfaces {tunnel.interface}").splitlines()[0]

    def log_of(self, tunnel):
        return [line for line in self.near.log.splitlines() if f" {tunnel.interface}: " in line]

    def type_lines(self, *lines):
        self.near.command("configure", *lines).must_succeed()


@pytest.fixture(scope="module")
def world(module_lab):
    world = World(module_lab)
    yield world
    world.stop()


@pytest.fixture(scope="module")
def up(world):
    """Wait until the tunnels that come up by themselves are up; their IKE SAs' serial numbers, by tunnel."""
    for tunnel in UP_AT_ONCE:
        wait_until(lambda tunnel=tunnel: world.sa(tunnel), 15, f"an SA of {tunnel.interface}")
    world.serials = {tunnel.number: world.sa(tunnel).fields["Serial"] for tunnel in UP_AT_ONCE}
    return world


# Names that are known


def test_R40_a_tunnel_comes_up_by_name(up):
    assert up.remote(PLAIN) == PLAIN.address()
    assert up.state(PLAIN) == f"Interface {PLAIN.interface} is up"
    assert f"  Peer : plain.example ({PLAIN.address()}), ID FQDN plain.example" in \
        up.near.show(f"show interfaces {PLAIN.interface}").splitlines()


def test_R31_the_name_is_the_peers_id_when_none_is_given(up):
    assert up.sa(PLAIN).fields["Peer ID"] == "FQDN plain.example"


def test_S19_one_lookup_serves_all_tunnels_with_the_same_name(up):
    assert up.remote(SHARED) == up.remote(ALSO_SHARED) == SHARED.address()
    assert sorted(up.names.questions(SHARED.fqdn)) == [A, AAAA]


@pytest.mark.parametrize("tunnel, family, asked", [
    pytest.param(V6_ALONE, 6, {A, AAAA}, id="IPv6 alone"), pytest.param(DUAL, 4, {A, AAAA}, id="IPv4 first"),
    pytest.param(DUAL_AS_V4, 4, {A}, id="-ipv4"), pytest.param(DUAL_AS_V6, 6, {AAAA}, id="-ipv6"),
    pytest.param(V6_BY_SOURCE, 6, {AAAA}, id="source-address"),
    pytest.param(V4_BY_NEXT_HOP, 4, {A}, id="next hop"),
])
def test_S19_the_family_is_that_of_the_keyword_the_source_or_the_route(up, tunnel, family, asked):
    assert up.remote(tunnel) == tunnel.address(family)
    assert set(up.names.questions(tunnel.fqdn)) == asked


# Names that are not known, and how they become known


def test_R41_S20_without_a_resolved_name_a_tunnel_is_down_and_says_why(up):
    for tunnel in (NEVER, TRIGGERED):
        line = up.near.config_line(f"interface {tunnel.interface}", "ikev2 peer")
        assert up.state(tunnel) == (f"Interface {tunnel.interface} is down (name of the peer not resolved: "
                                    f"no such name; line {line})")
        assert up.near.host.run("ping", "-c1", "-W1", inner(tunnel.number, far=True)).status != 0
        assert up.sa(tunnel) is None


# Peers that initiate


@pytest.mark.parametrize("tunnel", [
    pytest.param(NEWCOMER, id="another address was known"), pytest.param(UNKNOWN, id="none was known, pinned route"),
])
def test_S22_a_peer_from_the_newest_address_of_its_name_is_accepted(up, tunnel):
    up.names.set(tunnel.fqdn, NEWCOMERS_ADDRESS, ttl=3600)  # near would not ask for the first one again for a minute

    up.far.host.must_reach(inner(tunnel.number), count=1, wait=10)

    assert up.remote(tunnel) == NEWCOMERS_ADDRESS
    assert up.state(tunnel) == f"Interface {tunnel.interface} is up"
    up.near.host.must_reach(inner(tunnel.number, far=True), count=1)


def test_S22_the_new_sa_of_a_peer_with_a_new_address_stays_and_the_old_one_is_removed(up):
    up.names.set(ROAMER.fqdn, NEWCOMERS_ADDRESS, ttl=3600)
    up.far.host.must_reach(inner(ROAMER.number), count=1, wait=10)
    up.names.set(ROAMER.fqdn, NEW_ADDRESS, ttl=3600)
    up.far.command("configure", f"interface {ROAMER.interface}", f"ikev2 source-address {NEW_ADDRESS}", "end",
                   f"clear ikev2 sa {ROAMER.interface}").must_succeed()

    up.far.host.must_reach(inner(ROAMER.number), count=1, wait=10)

    assert up.history(ROAMER) == ["Create", "Delete : peer address changed", "Create"]
    assert [sa.fields["Remote Addr"] for sa in up.near.ike_sas() if sa.interface == ROAMER.interface] == \
        [f"{NEW_ADDRESS}:500"], "the old SA is gone at once"


def test_S22_a_peer_from_an_unknown_address_with_the_right_id_and_key_is_refused_with_a_warning(up):
    asked = len(up.names.questions(STRANGER.fqdn))

    up.far.host.run("ping", "-c1", "-W1", inner(STRANGER.number))

    up.near.wait_for_log(rf"warn {STRANGER.interface}: negotiation failed: the peer comes from {UNKNOWN_SPI_ADDRESS}, "
                         rf"which is no address of stranger.example \(it has {STRANGER.address()}\); line \d+")
    up.far.wait_for_log(rf"{STRANGER.interface}: .*AUTHENTICATION_FAILED")
    assert up.sa(STRANGER) is None
    assert len(up.names.questions(STRANGER.fqdn)) == asked + 2, "one lookup, of both families"


# Names that change, all of them together


@pytest.fixture(scope="module")
def changed(up):
    """The name servers' answers and the config have changed for all tunnels of the tests below."""
    up.names.set(MOVES.fqdn, NEW_ADDRESS)
    up.names.silence(SILENT.fqdn)
    up.names.fail(SERVFAIL.fqdn)
    up.names.set(AMONG.fqdn, "10.9.0.250", AMONG.address())
    up.names.remove(GONE.fqdn)
    up.names.set(LATE.fqdn, LATE.address())
    up.names.set(TRIGGERED.fqdn, TRIGGERED.address())
    up.names.set("newname.example", NEW_ADDRESS)
    up.move_both_dynamic(100)
    up.type_lines(f"interface {RENAMED.interface}",
                  f"ikev2 peer newname.example authentication psk id {RENAMED.far_id}",
                  f"interface {SHUT.interface}", "shutdown", f"no interface {REMOVED.interface}")
    wait_until(lambda: not up.sa(REMOVED), 10, "the SA of the tunnel that was removed is gone")
    up.changed_at = time.monotonic()
    return up


def wait_for_next_round(changed):
    """Wait until a name that is asked for every 10 seconds has been asked for twice since the change."""
    wait_until(lambda: changed.names.questions(PLAIN.fqdn, changed.changed_at).count(A) >= 2, PATIENCE,
               "two rounds of lookups")


def test_R41_a_name_that_becomes_known_brings_the_tunnel_up(changed):
    changed.wait_for_remote(LATE, LATE.address(), PATIENCE)


def test_S20_a_triggered_tunnel_is_up_when_its_name_is_known_and_waits_for_a_packet(changed):
    wait_until(lambda: changed.state(TRIGGERED) == f"Interface {TRIGGERED.interface} is up", PATIENCE,
               "the tunnel is up")
    assert changed.sa(TRIGGERED) is None

    changed.near.host.must_reach(inner(TRIGGERED.number, far=True), count=1, wait=10)
    assert changed.remote(TRIGGERED) == TRIGGERED.address()


def test_R41_R64_another_address_deletes_the_sa_and_a_new_one_is_made_there(changed):
    changed.wait_for_remote(MOVES, NEW_ADDRESS, PATIENCE)

    assert changed.history(MOVES) == ["Create", "Delete : peer address changed", "Create"]


@pytest.mark.parametrize("tunnel, reason", [
    pytest.param(SILENT, "no answer from the name servers", id="silence"),
    pytest.param(SERVFAIL, "the name servers can't be reached, or answer SERVFAIL or REFUSED", id="SERVFAIL"),
])
def test_R41_a_lookup_that_fails_changes_nothing_and_the_name_server_is_named(changed, tunnel, reason):
    written = changed.near.config_path.read_text(encoding="utf-8").splitlines()
    server, = (number for number, text in enumerate(written, 1) if text.startswith("dns server"))
    changed.near.wait_for_log(rf"warn {tunnel.interface}: the address of {tunnel.fqdn} stays as it is: "
                              rf"it can't be looked up: {reason} \(asked: [0-9.]+, line {server}\)\n", PATIENCE)

    assert changed.sa(tunnel).fields["Serial"] == changed.serials[tunnel.number]
    changed.near.host.must_reach(inner(tunnel.number, far=True), count=1)


def test_R41_an_address_still_among_the_answers_is_no_change(changed):
    changed.near.wait_for_log(rf"{AMONG.interface}: the address of among.example is 10.9.0.250, {AMONG.address()}",
                              PATIENCE)

    assert changed.sa(AMONG).fields["Serial"] == changed.serials[AMONG.number]
    assert changed.history(AMONG) == ["Create"]


def test_R41_no_such_name_deletes_no_sa_but_lets_none_be_made(changed):
    changed.near.wait_for_log(rf"warn {GONE.interface}: no SA can be made: the name of the peer, gone.example, is not "
                              "resolved: no such name", PATIENCE)
    assert changed.sa(GONE).fields["Serial"] == changed.serials[GONE.number]
    changed.near.host.must_reach(inner(GONE.number, far=True), count=1)

    changed.near.command(f"clear ikev2 sa {GONE.interface}").must_succeed()

    line = changed.near.config_line(f"interface {GONE.interface}", "ikev2 peer")
    wait_until(lambda: changed.state(GONE) == f"Interface {GONE.interface} is down (name of the peer not resolved: "
               f"no such name; line {line})", 10, "the tunnel is down")
    assert changed.sa(GONE) is None
    changed.names.set(GONE.fqdn, GONE.address())
    changed.wait_for_remote(GONE, GONE.address(), PATIENCE)


def test_R42_two_gateways_with_dynamic_addresses_find_each_other_again(changed):
    def ends_of(gateway):
        return [(sa.fields["Local Addr"], sa.fields["Remote Addr"]) for sa in gateway.ike_sas() if sa.established]

    west, east = "10.9.0.161:500", "10.9.0.162:500"
    wait_until(lambda: ends_of(changed.west) == [(west, east)], PATIENCE, "west's only SA is with east")
    wait_until(lambda: ends_of(changed.east) == [(east, west)], PATIENCE, "east's only SA is with west")
    changed.west.host.must_reach("192.168.132.1", "-I", "192.168.131.1", count=1)


def test_R41_a_name_that_is_not_resolved_is_reported_once_with_its_line(changed):
    wait_for_next_round(changed)

    assert changed.names.questions(NEVER.fqdn).count(A) >= 3
    told = [line for line in changed.log_of(NEVER) if "no SA can be made" in line]
    written = changed.near.config_path.read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(written, 1) if NEVER.fqdn in text)
    assert len(told) == 1 and told[0].endswith(
        f"the name of the peer, never.example, is not resolved: no such name; line {line}"), told


# Configs that change


def test_R11_another_name_in_the_config_holds_from_the_next_negotiation(changed):
    changed.near.wait_for_log(rf"{RENAMED.interface}: the address of newname.example is {NEW_ADDRESS}")
    assert changed.sa(RENAMED).fields["Serial"] == changed.serials[RENAMED.number]

    changed.near.command(f"clear ikev2 sa {RENAMED.interface}").must_succeed()

    changed.wait_for_remote(RENAMED, NEW_ADDRESS, 15)


def test_S4_R11_names_that_no_tunnel_uses_are_not_asked_for(changed):
    wait_for_next_round(changed)

    for tunnel in (RENAMED, REMOVED, SHUT):
        assert not changed.names.questions(tunnel.fqdn, changed.changed_at), tunnel.fqdn


def test_R11_a_tunnel_that_was_shut_down_has_kept_its_sa(changed):
    assert changed.sa(SHUT).fields["Serial"] == changed.serials[SHUT.number]

    changed.type_lines(f"interface {SHUT.interface}", "no shutdown")

    wait_until(lambda: changed.state(SHUT) == f"Interface {SHUT.interface} is up", 10, "up again")
    assert changed.sa(SHUT).fields["Serial"] == changed.serials[SHUT.number]


def test_S19_other_name_servers_are_asked_at_once(up):
    up.other_names.set(SHARED.fqdn, NEW_ADDRESS)    # near would not ask again for a minute

    up.type_lines(f"dns server {OTHER_NAME_SERVER}", f"no dns server {NAME_SERVER}")

    for tunnel in (SHARED, ALSO_SHARED):
        up.wait_for_remote(tunnel, NEW_ADDRESS)
        assert up.history(tunnel) == ["Create", "Delete : peer address changed", "Create"]
