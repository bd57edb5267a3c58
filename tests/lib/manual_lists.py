"""The manual's lists as whole configs (tests/configs/manual), and the sites that belong to them."""

from pathlib import Path

LISTS = Path(__file__).resolve().parents[1] / "configs" / "manual"


def manual_list(number):
    return (LISTS / f"list-{number}.cfg").read_text(encoding="utf-8")


def replaced(text, *pairs):
    """The config of another site; fails if a word that is to be replaced is missing."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


SITE1_OF_THREE = manual_list("2.25.3")
SITE2_OF_THREE = manual_list("2.25.4")
SITE3_OF_THREE = replaced(SITE2_OF_THREE, ("site2", "site3"), ("secret2", "secret3"), ("10.2.0.", "10.3.0."),
                          ("192.168.2.", "192.168.3."))

# Of lists 2.25.10 and 2.25.11 one side is shown, and names no ID of its own, so that is its address (S17).
PEER_OF_10_AND_11 = """\
ip route default 10.1.0.254
ip route 192.168.2.0/24 Tunnel0.0
!
ikev2 authentication psk id keyid site1 key char secret1
ikev2 authentication psk id ipv4 10.2.0.1 key char secret1
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
  ip unnumbered GigaEthernet0.0
  ikev2 local-authentication psk id keyid site1
  ikev2 peer 10.2.0.1 authentication psk
  no shutdown
"""

CENTRE_OF_SITES = manual_list("2.25.12")
SITE1_OF_CENTRE = manual_list("2.25.13")
SITE2_OF_CENTRE = replaced(SITE1_OF_CENTRE, ("site1", "site2"), ("secret-s1", "secret-s2"),
                           ("10.1.0.", "10.2.0."), ("192.168.1.", "192.168.2."))

# Lists 2.25.15 and 2.25.16 are of two sites, in which one of the two ends proves itself by certificate.
CENTRE_OF_15_AND_16 = """\
ikev2 authentication psk id fqdn site1.example.com key char secret1
ip route 192.168.1.0/24 Tunnel0.0
interface GigaEthernet0.0
  ip address 192.168.0.1/24
  no shutdown
interface GigaEthernet1.0
  ip address 172.16.0.1/24
  no shutdown
interface Tunnel0.0
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet0.0
{lines}  no shutdown
"""

CENTRE_LINES_OF_15 = """\
  ikev2 cert mycert name myCert
  ikev2 local-authentication rsa id fqdn center.example.com
  ikev2 peer 192.168.0.2 authentication psk id fqdn site1.example.com
"""

CENTRE_LINES_OF_16 = """\
  ikev2 cert cacert name caCert
  ikev2 local-authentication psk id fqdn site1.example.com
  ikev2 peer 192.168.0.2 authentication rsa id fqdn center.example.com
"""
