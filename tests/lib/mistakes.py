"""Forty classic mistakes in a pair of configs, each a change of a pair that connects.

`docs/mistakes.md` is made of this table and of what `musubi check --pair` says of each row; test_mistakes.py holds
every row to its own words.
"""

from dataclasses import dataclass

from lib.manual_lists import replaced

# Site 1 and site 2, whole and sound. Each setting that a mistake is made in has a line of its own.
SITE1 = """\
hostname site1
ip route default 10.1.0.254
ip route 192.168.2.0/24 Tunnel0.0
!
ikev2 authentication psk id keyid site1 key char secret-of-site1
ikev2 authentication psk id keyid site2 key char secret-of-site2
!
ikev2 default-profile
  child-pfs 2048-bit
  child-proposal enc aes-cbc-256
  child-proposal integrity sha2-256
  dpd interval 10
  local-authentication psk id keyid site1
  sa-proposal dh 2048-bit
  sa-proposal enc aes-cbc-256
  sa-proposal integrity sha2-256
  sa-proposal prf sha2-256
!
interface GigaEthernet0.0
  ip address 10.1.0.1/24
  no shutdown
!
interface GigaEthernet1.0
  ip address 192.168.1.254/24
  no shutdown
!
interface Tunnel0.0
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet1.0
  ikev2 outgoing-interface GigaEthernet0.0 10.1.0.254
  ikev2 peer 10.2.0.1 authentication psk id keyid site2
  no shutdown
"""

SITE2 = replaced(SITE1, ("site1", "SITE"), ("site2", "site1"), ("SITE", "site2"), ("192.168.1.", "LAN"),
                 ("192.168.2.", "192.168.1."), ("LAN", "192.168.2."), ("10.1.0.", "WAN"), ("10.2.0.", "10.1.0."),
                 ("WAN", "10.2.0."))

PEER1 = "ikev2 peer 10.2.0.1 authentication psk id keyid site2"    # at site 1
PEER2 = "ikev2 peer 10.1.0.1 authentication psk id keyid site1"    # at site 2
LOCAL1 = "local-authentication psk id keyid site1"
LOCAL2 = "local-authentication psk id keyid site2"
OUT1 = "ikev2 outgoing-interface GigaEthernet0.0 10.1.0.254"
OUT2 = "ikev2 outgoing-interface GigaEthernet0.0 10.2.0.254"
KEY = "ikev2 authentication psk id keyid {} key char ********"

# Why an end can't know.
SAME_ADDRESS = "its packets for the other end never leave it, or reach nobody"
NOT_PLAYED = "without the certificate there is nothing to play; live, the end that verifies names its line"
AS_CONFIGURED = "all is as its own config has it"
DOES_NOT_BEGIN = "it does not begin, and nothing comes"


def under_the_peer(peer, *lines):
    """A change that puts lines under a tunnel."""
    return (f"  {peer}\n", f"  {peer}\n" + "".join(f"  {line}\n" for line in lines))


@dataclass
class Mistake:
    """One row: what is done to the configs, and which lines of each have to be named."""

    name: str
    a: tuple = ()       # changes of site 1's config: pairs of old and new words
    b: tuple = ()       # and of site 2's
    at_a: tuple = ()    # lines of site 1's config that --pair has to name, one of them at least
    at_b: tuple = ()
    blind_a: str = ""   # why the log of site 1 can't name one of those; "" if it does
    blind_b: str = ""

    def configs(self):
        return replaced(SITE1, *self.a), replaced(SITE2, *self.b)


MISTAKES = [
    # Algorithms
    Mistake("the encryption of the IKE SA differs",
            b=(("sa-proposal enc aes-cbc-256", "sa-proposal enc aes-cbc-128"),),
            at_a=("sa-proposal enc aes-cbc-256",), at_b=("sa-proposal enc aes-cbc-128",)),
    Mistake("the integrity of the IKE SA differs",
            b=(("sa-proposal integrity sha2-256", "sa-proposal integrity sha1"),),
            at_a=("sa-proposal integrity sha2-256",), at_b=("sa-proposal integrity sha1",)),
    Mistake("the PRF differs", b=(("sa-proposal prf sha2-256", "sa-proposal prf sha1"),),
            at_a=("sa-proposal prf sha2-256",), at_b=("sa-proposal prf sha1",)),
    Mistake("the DH group of the IKE SA differs", b=(("sa-proposal dh 2048-bit", "sa-proposal dh 1024-bit"),),
            at_a=("sa-proposal dh 2048-bit",), at_b=("sa-proposal dh 1024-bit",)),
    Mistake("the encryption of the Child SA differs",
            b=(("child-proposal enc aes-cbc-256", "child-proposal enc aes-gcm-256"),),
            at_a=("child-proposal enc aes-cbc-256",), at_b=("child-proposal enc aes-gcm-256",)),
    Mistake("the integrity of the Child SA differs",
            b=(("child-proposal integrity sha2-256", "child-proposal integrity sha1"),),
            at_a=("child-proposal integrity sha2-256",), at_b=("child-proposal integrity sha1",)),
    Mistake("one end wants PFS, the other none: the first rekey fails",
            b=(("child-pfs 2048-bit", "child-pfs off"),), at_a=("child-pfs 2048-bit",), at_b=("child-pfs off",)),
    Mistake("the groups of PFS differ: the first rekey fails",
            b=(("child-pfs 2048-bit", "child-pfs 1024-bit"),), at_a=("child-pfs 2048-bit",),
            at_b=("child-pfs 1024-bit",)),
    # Keys
    Mistake("the key of the peer is mistyped at one end",
            a=(("secret-of-site2", "secret-of-sites2"),), at_a=(PEER1, KEY.format("site2")),
            at_b=(LOCAL2, KEY.format("site2"))),
    Mistake("an end's own key is mistyped",
            a=(("secret-of-site1", "secret-of-sites1"),), at_a=(LOCAL1, KEY.format("site1")),
            at_b=(PEER2, KEY.format("site1"))),
    Mistake("a key is written as characters at one end and as hexadecimal digits at the other",
            a=(("char secret-of-site1", "char 0123456789abcdef"),),
            b=(("char secret-of-site1", "hex 0123456789abcdef"),),
            at_a=(LOCAL1, KEY.format("site1")), at_b=(PEER2, "ikev2 authentication psk id keyid site1 key hex ********")),
    Mistake("there is no key for the peer's ID",
            a=(("ikev2 authentication psk id keyid site2 key char secret-of-site2\n", ""),), at_a=(PEER1,),
            at_b=(PEER2,)),
    Mistake("there is no key for an end's own ID",
            a=(("ikev2 authentication psk id keyid site1 key char secret-of-site1\n", ""),), at_a=(LOCAL1,),
            at_b=(PEER2,)),
    # IDs
    Mistake("an end's own ID is mistyped",
            a=((LOCAL1, "local-authentication psk id keyid site01"),
               ("psk id keyid site1 key", "psk id keyid site01 key")),
            at_a=("local-authentication psk id keyid site01",), at_b=(PEER2,)),
    Mistake("the ID of the peer is mistyped",
            a=((PEER1, PEER1 + "0"), ("psk id keyid site2 key", "psk id keyid site20 key")), at_a=(PEER1 + "0",),
            at_b=(LOCAL2,)),
    Mistake("the types of an ID differ",
            a=((LOCAL1, "local-authentication psk id fqdn site1"),
               ("psk id keyid site1 key", "psk id fqdn site1 key")),
            at_a=("local-authentication psk id fqdn site1",), at_b=(PEER2,)),
    Mistake("an end has no ID, and its address counts as its ID",
            a=(("  " + LOCAL1 + "\n", ""),), at_a=(), at_b=(PEER2,),
            blind_a="the setting has no line: it is the default"),
    Mistake("the own ID stands in a profile that the tunnel is not bound to",
            b=(("ikev2 default-profile", "ikev2 profile branch"),), at_a=(PEER1,), at_b=(),
            blind_b="the setting has no line: it is the default"),
    Mistake("the peer is configured without its ID, so that its address is expected",
            a=((PEER1, "ikev2 peer 10.2.0.1 authentication psk"),
               ("psk id keyid site2 key", "psk id ipv4 10.2.0.1 key")),
            at_a=("ikev2 peer 10.2.0.1 authentication psk",), at_b=(LOCAL2,)),
    Mistake("both ends have the same ID: the config was copied",
            b=((LOCAL2, LOCAL1),), at_a=(PEER1,), at_b=(LOCAL1,)),
    # Addresses
    Mistake("the address of the peer is mistyped",
            a=(("peer 10.2.0.1 ", "peer 10.2.0.11 "),), at_a=("ikev2 peer 10.2.0.11 authentication psk id keyid site2",),
            at_b=("ip address 10.2.0.1/24",), blind_b=AS_CONFIGURED),
    Mistake("the peer is the address of the other end's LAN",
            a=(("peer 10.2.0.1 ", "peer 192.168.2.254 "),),
            at_a=("ikev2 peer 192.168.2.254 authentication psk id keyid site2",),
            at_b=(OUT2, PEER2, "ip address 10.2.0.1/24")),
    Mistake("the peer's address inside of its NAT's network is its public one at the other end",
            b=(("10.2.0.", "192.168.200."),), at_a=(PEER1,), at_b=("ip address 192.168.200.1/24",),
            blind_b=AS_CONFIGURED),
    Mistake("the source address is another one than the other end expects",
            a=(under_the_peer(PEER1, "ikev2 source-address 192.168.1.254"),),
            at_a=("ikev2 source-address 192.168.1.254",), at_b=(PEER2,)),
    Mistake("the tunnel leaves by another WAN than the other end expects",
            a=(("interface GigaEthernet1.0", "interface GigaEthernet2.0\n  ip address 10.9.0.1/24\n  no shutdown\n!\n"
                "interface GigaEthernet1.0"), (OUT1, "ikev2 outgoing-interface GigaEthernet2.0 10.9.0.254")),
            at_a=("ikev2 outgoing-interface GigaEthernet2.0 10.9.0.254", "ip address 10.9.0.1/24", PEER1),
            at_b=(PEER2,)),
    Mistake("both ends have the same address: the config was copied",
            b=(("ip address 10.2.0.1/24", "ip address 10.1.0.1/24"),), at_a=("ip address 10.1.0.1/24",),
            at_b=("ip address 10.1.0.1/24",), blind_a=SAME_ADDRESS, blind_b=SAME_ADDRESS),
    Mistake("one end has the peer's IPv6 address, the other its IPv4 address",
            a=(("peer 10.2.0.1 ", "peer 2001:db8:2::1 "), ("  " + OUT1 + "\n", "")),
            at_a=("ikev2 peer 2001:db8:2::1 authentication psk id keyid site2",), at_b=("ip address 10.2.0.1/24",),
            blind_a="it has no IPv6, so nothing leaves; the log tells that there is no route to the peer",
            blind_b=AS_CONFIGURED),
    # Who begins
    Mistake("both ends only answer",
            a=(under_the_peer(PEER1, "ikev2 negotiation-direction responder"),),
            b=(under_the_peer(PEER2, "ikev2 negotiation-direction responder"),),
            at_a=("ikev2 negotiation-direction responder",), at_b=("ikev2 negotiation-direction responder",),
            blind_a=DOES_NOT_BEGIN, blind_b=DOES_NOT_BEGIN),
    Mistake("both ends only begin",
            a=(under_the_peer(PEER1, "ikev2 negotiation-direction initiator"),),
            b=(under_the_peer(PEER2, "ikev2 negotiation-direction initiator"),),
            at_a=("ikev2 negotiation-direction initiator",), at_b=("ikev2 negotiation-direction initiator",)),
    Mistake("both ends have `peer any`",
            a=(("peer 10.2.0.1 ", "peer any "),), b=(("peer 10.1.0.1 ", "peer any "),),
            at_a=("ikev2 peer any authentication psk id keyid site2",),
            at_b=("ikev2 peer any authentication psk id keyid site1",), blind_a=DOES_NOT_BEGIN,
            blind_b=DOES_NOT_BEGIN),
    Mistake("one end has `peer any`, and the other only answers",
            a=(("peer 10.2.0.1 ", "peer any "),),
            b=(under_the_peer(PEER2, "ikev2 negotiation-direction responder"),),
            at_a=("ikev2 peer any authentication psk id keyid site2",),
            at_b=("ikev2 negotiation-direction responder",), blind_a=DOES_NOT_BEGIN, blind_b=DOES_NOT_BEGIN),
    # The tunnel itself
    Mistake("the tunnel of one end is shut down",
            b=((PEER2 + "\n  no shutdown", PEER2 + "\n  shutdown"),), at_a=(PEER1,), at_b=("shutdown",)),
    Mistake("the WAN of one end is shut down",
            b=(("10.2.0.1/24\n  no shutdown", "10.2.0.1/24\n  shutdown"),), at_a=(PEER1,), at_b=("shutdown",),
            blind_b="nothing comes; `show interfaces` and the log tell that the port is down"),
    Mistake("the tunnel has no `tunnel mode ipsec-ikev2`",
            b=(("  tunnel mode ipsec-ikev2\n", ""),), at_a=(PEER1,), at_b=("interface Tunnel0.0",)),
    Mistake("the tunnel is bound to a profile that is not defined",
            b=(under_the_peer(PEER2, "ikev2 binding brunch"),), at_a=(PEER1,), at_b=("ikev2 binding brunch",)),
    Mistake("the outgoing interface is not there",
            b=((OUT2, "ikev2 outgoing-interface GigaEthernet3.0 10.2.0.254"),), at_a=(PEER1,),
            at_b=("ikev2 outgoing-interface GigaEthernet3.0 10.2.0.254",)),
    # What is protected
    Mistake("one end proves itself by certificate, and the other wants a key",
            a=((LOCAL1, "local-authentication rsa id keyid site1\n  cert mycert name site1"),),
            at_a=("local-authentication rsa id keyid site1",), at_b=(PEER2,), blind_a=NOT_PLAYED, blind_b=NOT_PLAYED),
    Mistake("the traffic selectors of the ends have nothing in common",
            a=(under_the_peer(PEER1, "ikev2 local-ts 192.168.1.0/24", "ikev2 remote-ts 192.168.2.0/24"),),
            b=(under_the_peer(PEER2, "ikev2 local-ts 192.168.2.0/24", "ikev2 remote-ts 192.168.3.0/24"),
               ("ip route 192.168.1.0/24 Tunnel0.0", "ip route 192.168.3.0/24 Tunnel0.0")),
            at_a=("ikev2 remote-ts 192.168.2.0/24",), at_b=("ikev2 remote-ts 192.168.3.0/24",)),
    Mistake("local and remote traffic selectors are swapped at one end",
            a=(under_the_peer(PEER1, "ikev2 local-ts 192.168.2.0/24", "ikev2 remote-ts 192.168.1.0/24"),),
            b=(under_the_peer(PEER2, "ikev2 local-ts 192.168.2.0/24", "ikev2 remote-ts 192.168.1.0/24"),),
            at_a=("ikev2 local-ts 192.168.2.0/24",), at_b=("ikev2 local-ts 192.168.2.0/24",)),
    Mistake("one end wants transport mode",
            b=(under_the_peer(PEER2, "ikev2 ipsec-mode transport"),), at_a=(PEER1,),
            at_b=("ikev2 ipsec-mode transport",)),
]


def page(reports):
    """The text of docs/mistakes.md, of what --pair says of each mistake, in their order."""
    text = PAGE_HEAD
    for number, (mistake, report) in enumerate(zip(MISTAKES, reports, strict=True), 1):
        text += f"\n## {number}. {mistake.name[0].upper()}{mistake.name[1:]}\n\n"
        for site, changes in (("A", mistake.a), ("B", mistake.b)):
            for old, new in changes:
                text += _change(site, old, new)
        text += "\n"
        for file, site, blind in (("a.cfg", "A", mistake.blind_a), ("b.cfg", "B", mistake.blind_b)):
            text += _says(report, file, site, blind)
    return text


def _change(site, old, new):
    def shown(lines):
        return ", ".join(f"`{line.strip()}`" for line in lines if line.strip() not in ("", "!"))
    gone = [line for line in old.splitlines() if line not in new.splitlines()]
    come = [line for line in new.splitlines() if line not in old.splitlines()]
    if not gone:
        return f"- {site} also has {shown(come)}\n"
    return f"- {site} has {shown(come)} in place of {shown(gone)}\n" if come else f"- {site} lacks {shown(gone)}\n"


def _says(report, file, site, blind):
    """What the log of a site says, and what --pair adds."""
    text = ""
    for title, log in ((f"The log of {site} says", True), (f"`--pair` adds of {site}", False)):
        found = [f for pair in report["pairs"] for f in pair["findings"]
                 if f["file"] == file and f["log"] == log and f["kind"] == "failure"]
        text += f"{title}:\n\n" if found else ""
        for finding in found:
            text += f"    {finding['text']}\n"
            text += "".join(f"        {line['line']}: {line['text']}\n" for line in finding["lines"])
        text += "\n" if found else ""
        if log and not found:
            text += f"The log of {site} says nothing of it.\n\n"
        if log and blind:
            text += f"{site} cannot know more: {blind}.\n\n"
    return text


PAGE_HEAD = """\
# Forty mistakes, and what is said of them

<!-- Made by tools/mistakes (make docs) of tests/lib/mistakes.py. Do not edit. -->

Each is made in a pair of configs that connects (A and B below), and each is a test. What the logs say is what the
engines of the two gateways say, word for word, when each of them begins that may; under it stand the lines that it
names, as `musubi check --pair` shows them. Where an end cannot know what is wrong, the reason is given. What
`--pair` adds it knows from both configs together.

A:

""" + "".join(f"    {line}\n" for line in SITE1.splitlines()) + """
B is the same for site2: its IDs, addresses and networks are the other way round.
"""
