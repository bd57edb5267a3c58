"""Two gateways with many tunnels between them, so that packets can be spread over these."""

import ipaddress
import socket

from bench import field, traffic
from bench.contestants import Contestant
from bench.responders import FIRST_TS, musubi_tunnels
from lib import direct
from lib.direct import FAR, NEAR
from lib.musubi import Musubi
from lib.process import wait_until

NOBODY = direct.End(9, "Tunnel9.0")
SPREAD_TUNNEL = """\
ikev2 authentication psk id keyid bench{number} key char {secret}
!
interface {tunnel}
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet1.0
  ikev2 local-authentication psk id keyid bench{number}
  ikev2 peer {peer} authentication psk id keyid centre
  {lines}
  no shutdown
!
ip route {address}/32 {tunnel}
"""


def spread_tunnels(addresses, lines):
    """Tunnels to the far gateway, with a route to one of its addresses by each."""
    return "".join(SPREAD_TUNNEL.format(number=i, tunnel=f"Tunnel{100 + i // 1000}.{i % 1000}", address=address,
                                        secret=direct.SECRET, peer=FAR.outer4, lines=lines.strip())
                   for i, address in enumerate(addresses))


class Spread(Contestant):
    """Many tunnels between the two gateways, with an address of the far one behind each."""

    def __init__(self, lab, name, count, lines=field.NATT):
        super().__init__(lab, name)
        self.addresses = addresses = [str(ipaddress.ip_address(FIRST_TS) + i) for i in range(count)]
        # Each has one more tunnel, to a peer that is not there, since another between the two would take all.
        both = ("ikev2 default-profile\n  sa-proposal dh 2048-bit\n!\n"
                f"ikev2 authentication psk id keyid centre key char {direct.SECRET}\n")
        near = direct.config(NEAR, NOBODY) + both + spread_tunnels(addresses, lines)
        far = direct.config(FAR, NOBODY) + both + musubi_tunnels(count).replace(
            "  no shutdown\n", f"  {lines}  no shutdown\n")
        self.gateways = [Musubi(lab, self.near, near), Musubi(lab, self.far, far)]
        self.far.ip(f"route add local {FIRST_TS}/16 dev lo")

    def start(self):
        for gateway in reversed(self.gateways):
            gateway.start()
        self.near.within(self._ask)
        wait_until(lambda: len(self.gateways[0].ike_sas()) >= len(self.addresses), 60, "the SAs of all tunnels")
        return self

    def _ask(self):
        """Send a packet by each tunnel, which then negotiates."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.bind((self.inner_near, 0))
            for address in self.addresses:
                asker.sendto(b"?", (address, traffic.PORT))
