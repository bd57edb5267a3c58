"""`show interfaces` says why a Tunnel is down, with the line of the config, by which route and source its packets leave,
and how large they may be (R43, R44, R45, R51, S20, S21, S37, S39, S41)."""

import re

import pytest

from lib.lab import wire
from lib.musubi import Musubi
from lib.process import wait_until
from lib.sites import SITE1, SITE2, TwoSites

HEAD = """\
ikev2 authentication psk id keyid here key char secret1
ikev2 authentication psk id keyid peer key char secret1
!
ikev2 default-profile
  local-authentication psk id keyid here
!
interface GigaEthernet0.0
  ip address 10.9.0.1/24
  ipv6 address 2001:db8:9::1/64
  no shutdown
!
interface GigaEthernet1.0
  ip address 10.8.0.1/24
  no shutdown
!
interface GigaEthernet2.0
  no shutdown
!
interface GigaEthernet3.0
  ip address 10.3.0.1/24
  no shutdown
!
interface GigaEthernet4.0
  no shutdown
!
interface GigaEthernet5.0
  no shutdown
!
interface GigaEthernet6.0
  shutdown
!
interface GigaEthernet7.0
  ipv6 address 2001:db8:7::1/64
  no shutdown
!
"""
LINKS = ("ge0", "ge1", "ge2", "ge3", "ge4", "ge6", "ge7")

MODE = "tunnel mode ipsec-ikev2"
PEER = "ikev2 peer 10.9.0.2 authentication psk id keyid peer"
PEER6 = "ikev2 peer 2001:db8:7::2 authentication psk id keyid peer"
BY = "ikev2 outgoing-interface"
INCOMPLETE = "configuration not complete: "

# The lines of a Tunnel, why it is down, and the line that is named ("": that of the header; None: none is).
DOWN = {
    "shutdown": ([MODE, PEER, "shutdown"], "shutdown", "shutdown"),
    "neither": ([], INCOMPLETE + "neither `tunnel mode ipsec-ikev2` nor `ikev2 peer`", ""),
    "no mode": ([PEER], INCOMPLETE + "no `tunnel mode ipsec-ikev2`", ""),
    "no peer": ([MODE], INCOMPLETE + "no `ikev2 peer`", ""),
    "IKEv1": (["tunnel mode ipsec"], INCOMPLETE + "its tunnel mode is not supported", "tunnel mode"),
    "no profile": ([MODE, PEER, "ikev2 binding nobody"],
                   INCOMPLETE + "the profile of `ikev2 binding` is not defined", "ikev2 binding"),
    "no peer's key": ([MODE, "ikev2 peer 10.9.0.2 authentication psk id keyid nobody"],
                      INCOMPLETE + "no key for the peer's ID, keyid nobody", "ikev2 peer"),
    "no own key": ([MODE, PEER, "ikev2 local-authentication psk id keyid nobody"],
                   INCOMPLETE + "no key for this device's ID, keyid nobody", "ikev2 local-authentication"),
    "no cacert": ([MODE, "ikev2 peer 10.9.0.2 authentication rsa id fqdn peer.example"],
                  INCOMPLETE + "no `cert cacert`", "ikev2 peer"),
    "no CA": ([MODE, "ikev2 peer 10.9.0.2 authentication rsa id fqdn peer.example", "ikev2 cert cacert name ca"],
              INCOMPLETE + "no imported certificate ca", "ikev2 cert cacert"),
    "no mycert": ([MODE, PEER, "ikev2 local-authentication rsa id fqdn here.example"],
                  INCOMPLETE + "no `cert mycert`", "ikev2 local-authentication"),
    "no certificate": ([MODE, PEER, "ikev2 local-authentication rsa id fqdn here.example",
                        "ikev2 cert mycert name mine"], INCOMPLETE + "no imported certificate mine",
                       "ikev2 cert mycert"),
    "transport": ([MODE, PEER, "ikev2 ipsec-mode transport"], INCOMPLETE + "transport mode is not supported yet",
                  "ikev2 ipsec-mode"),
    "undefined way": ([MODE, PEER, f"{BY} GigaEthernet9.5 auto"], INCOMPLETE + "no interface GigaEthernet9.5", BY),
    "undefined source": ([MODE, PEER, "ikev2 source-address GigaEthernet9.5"],
                         INCOMPLETE + "no interface GigaEthernet9.5", "ikev2 source-address"),
    "undefined address": ([MODE, PEER, "ip unnumbered GigaEthernet9.5"],
                          INCOMPLETE + "the interface of `ip unnumbered` is not defined", "ip unnumbered"),
    "no route": ([MODE, "ikev2 peer 203.0.113.9 authentication psk id keyid peer"],
                 "no route to the peer 203.0.113.9", "ikev2 peer"),
    "recursive": ([MODE, "ikev2 peer 198.51.100.9 authentication psk id keyid peer"],
                  "recursive route", "ikev2 peer"),
    "recursive, and else a way": ([MODE, "ikev2 peer 198.18.5.9 authentication psk id keyid peer"],
                                  "recursive route", "ikev2 peer"),
    "other interface": ([MODE, PEER, f"{BY} GigaEthernet1.0 auto"],
                        "the route to the peer leaves by another interface", BY),
    "link down": ([MODE, PEER, f"{BY} GigaEthernet2.0 10.2.0.2"],
                  "outgoing interface down, GigaEthernet2.0: the Linux interface is down", BY),
    "no carrier": ([MODE, PEER, f"{BY} GigaEthernet3.0 10.3.0.2"],
                   "outgoing interface down, GigaEthernet3.0: no carrier", BY),
    "no address": ([MODE, PEER, f"{BY} GigaEthernet4.0 10.4.0.2"], "no address on the outgoing interface", BY),
    "no link": ([MODE, PEER, f"{BY} GigaEthernet5.0 10.5.0.2"],
                "outgoing interface down, GigaEthernet5.0: no such Linux interface", BY),
    "shut down link": ([MODE, PEER, f"{BY} GigaEthernet6.0 10.6.0.2"],
                       "outgoing interface down, GigaEthernet6.0: shutdown", BY),
    "source gone": ([MODE, PEER, "ikev2 source-address 10.9.0.77"],
                    "source address not on this host: 10.9.0.77", "ikev2 source-address"),
    "source interface": ([MODE, PEER, "ikev2 source-address GigaEthernet4.0"],
                         "source address not on this host: GigaEthernet4.0 has none that serves",
                         "ikev2 source-address"),
    "other family": ([MODE, PEER, f"{BY} GigaEthernet0.0 2001:db8:9::2"],
                     "next hop or source address of another family than the peer", BY),
    "small link": ([MODE, PEER6], "no route to the peer 2001:db8:7::2", "ikev2 peer"),
    "no SA": ([MODE, "ikev2 peer any authentication psk id keyid peer", "ikev2 connect-type auto"],
              "no SA: the peer has to begin, since `ikev2 peer` is any", "ikev2 peer"),
    "no SA of a responder": ([MODE, PEER, "ikev2 connect-type auto", "ikev2 negotiation-direction responder"],
                             "no SA: the peer has to begin, since `ikev2 negotiation-direction` is responder",
                             "ikev2 negotiation-direction"),
}
NUMBERS = {name: number for number, name in enumerate(DOWN, 10)}


def tunnel(name):
    return f"Tunnel{NUMBERS[name]}.0"


@pytest.fixture(scope="module")
def down(module_lab):
    """A gateway whose Tunnels are all down, each for another reason."""
    host = module_lab.namespace("down", forward=True)
    far = module_lab.namespace("far")
    for link in LINKS:
        wire(host, link, far, link)
    far.ip("link set ge3 down")
    text = HEAD
    for name, (lines, _, _) in DOWN.items():
        if not any(line.endswith("shutdown") for line in lines):
            lines = [*lines, "no shutdown"]
        text += f"interface {tunnel(name)}\n" + "".join(f"  {line}\n" for line in lines) + "!\n"
    text += f"ip route 198.51.100.0/24 {tunnel('recursive')}\n"
    text += f"ip route 198.18.0.0/15 10.9.0.2\nip route 198.18.5.0/24 {tunnel('recursive, and else a way')}\n"
    gateway = Musubi(module_lab, host, text, {f"GigaEthernet{i}": f"ge{i}" for i in range(8)}).start()
    host.ip("link set ge2 down")
    host.ip("link set ge7 mtu 1000")
    yield gateway
    host.ip("link set ge2 up")
    host.ip("link set ge7 mtu 1500")
    gateway.stop()


@pytest.mark.parametrize("name", DOWN)
def test_R43_R44_R45_R51_S37_a_tunnel_that_is_down_says_why_and_by_which_line(down, name):
    _, why, words = DOWN[name]
    if words is not None:
        line = down.config_line(f"interface {tunnel(name)}", words or f"interface {tunnel(name)}")
        why += f"; line {line}"
    if name == "small link":
        why += "; GigaEthernet7.0 has an MTU of 1000, and IPv6 needs 1280"

    def first_line():
        return down.show(f"show interfaces {tunnel(name)}").splitlines()[0]
    expected = f"Interface {tunnel(name)} is down ({why})"
    try:
        wait_until(lambda: first_line() == expected, 5, expected)
    except AssertionError:
        assert first_line() == expected


def test_S34_R44_R45_the_last_failure_is_told_with_its_time_and_the_route_to_the_peer(lab):
    sites = TwoSites(lab)
    text = "ikev2 authentication psk id keyid elsewhere key char secret9\n" + SITE1.config(
        "ikev2 connect-type auto\nikev2 local-authentication psk id keyid elsewhere")
    sites.gateways[SITE2] = sites.gateway(SITE2).start()
    near = sites.gateways[SITE1] = Musubi(lab, sites.gateway_hosts[SITE1], text).start()

    def shown():
        return near.show(f"show interfaces {SITE1.tunnel}")
    wait_until(lambda: "negotiation failed" in shown(), 20, "a failure")
    failure = re.search(r"^  Last failure : (.*)$", shown(), re.MULTILINE)[1]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d negotiation failed: .*; lines? \d+(, \d+)*", failure)
    assert f"Interface {SITE1.tunnel} is down (no SA: {failure})" in shown()
    assert f"  Route to the peer : by GigaEthernet0.0 to {SITE1.next_hop}, from {SITE1.wan}\n" in shown()

    near.configure(f"interface {SITE1.tunnel}", "ikev2 local-authentication psk id keyid site1")

    wait_until(lambda: f"Interface {SITE1.tunnel} is up" in shown(), 30, "an SA")
    assert "failed" not in shown()
    assert f"  SA : established, from {SITE1.wan}\n" in shown()
    assert "Changed since" not in shown()

    line = near.config_line("ikev2 authentication psk id keyid site2 key char secret2", "")
    near.configure("ikev2 authentication psk id keyid site2 key char secret7", f"interface {SITE1.tunnel}",
                   "ikev2 sa-lifetime 7000")
    changes = [f"established with the old key of line {line}; the new one holds from the next negotiation",
               "established with sa-lifetime 86400; what was typed at the prompt says 7000 from the next negotiation"]
    for change in changes:
        assert f"  Changed since : {change}\n" in shown(), shown()
        assert f"; {change}" in near.show("show ikev2 explain"), near.show("show ikev2 explain")
    sites.stop()
