"""S22, R46: the interface that a packet arrives at selects the tunnel of a peer whose address is not configured."""

import pytest

from lib.direct import FAR, NEAR, config
from lib.lab import wire
from lib.musubi import Musubi

CENTRE = """\
ikev2 authentication psk id keyid site1 key char secret2
ikev2 authentication psk id keyid site2 key char secret2
ikev2 default-profile
  local-authentication psk id keyid site2
interface GigaEthernet0.0
  ip address 10.9.0.2/24
  no shutdown
interface GigaEthernet1.0
  ip address 192.168.2.1/24
  no shutdown
interface {by_wan}
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet1.0
  ikev2 peer any authentication psk id keyid site1
  ikev2 source-address GigaEthernet0.0
  no shutdown
interface {by_lan}
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet1.0
  ikev2 peer any authentication psk id keyid site1
  ikev2 source-address GigaEthernet1.0
  no shutdown
ip route 192.168.1.0/24 {by_wan}
"""


@pytest.mark.parametrize("by_wan, by_lan", [("Tunnel1.0", "Tunnel2.0"), ("Tunnel2.0", "Tunnel1.0")])
def test_R46_the_source_interface_selects_among_tunnels_to_any(lab, by_wan, by_lan):
    site, centre = lab.namespace("site", forward=True), lab.namespace("centre", forward=True)
    wire(site, "ge0", centre, "ge0")
    wire(site, "ge1", lab.namespace("lan"), "eth0")
    wire(centre, "ge1", lab.namespace("farlan"), "eth0")
    at_centre = Musubi(lab, centre, CENTRE.format(by_wan=by_wan, by_lan=by_lan)).start()
    at_site = Musubi(lab, site, config(NEAR, FAR)).start()

    site.must_reach(FAR.inner4, "-I", NEAR.inner4, wait=10)

    ike, _ = at_centre.wait_for_sa()
    assert ike.interface == by_wan
    at_site.stop()
    at_centre.stop()
