"""The log tells of each port and Tunnel that goes down or comes up, with its cause; at the start of those that will not
work, causes first (S34, S48)."""

import re

from lib.lab import wire
from lib.musubi import Musubi

CONFIG = """\
ikev2 authentication psk id keyid here key char secret1
ikev2 authentication psk id keyid peer key char secret2
ikev2 default-profile
  local-authentication psk id keyid here
interface GigaEthernet0.0
  ip address 10.1.0.1/24
  no shutdown
interface GigaEthernet2.0
  ip address 10.3.0.1/24
  no shutdown
interface Tunnel1.0
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet0.0
  ikev2 peer 10.2.0.1 authentication psk id keyid peer
  no shutdown
interface Tunnel2.0
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet0.0
  ikev2 peer 10.1.0.2 authentication psk id keyid peer
  ikev2 outgoing-interface GigaEthernet0.0 auto
  no shutdown
ip route 10.2.0.0/16 10.3.0.254
ip route 192.168.0.0/15 10.1.0.254
ip route 192.168.0.0/16 Tunnel2.0
"""


def told(gateway):
    """What the log has told of the gateway itself, without time and function."""
    return [line.split(" system ", 1)[1] for line in gateway.log.splitlines() if " system " in line]


def test_S34_S48_ports_and_tunnels_that_go_down_or_up_are_told_with_their_causes_first(lab):
    host, other = lab.namespace("near"), lab.namespace("other")
    wire(host, "ge0", other, "wan")
    gateway = Musubi(lab, host, CONFIG, {"GigaEthernet0": "ge0", "GigaEthernet2": "lan7"}).start()

    peer = gateway.config_line("interface Tunnel1.0", "ikev2 peer")
    gateway.wait_for_log("Tunnel1.0: down")
    at_start = [line for line in told(gateway) if "config line" not in line]
    assert at_start[0] == "warn GigaEthernet2.0: down: no such Linux interface (lan7)"
    assert at_start[1].startswith("warn route 10.2.0.0/16 via 10.3.0.254 cannot be used"), "it needs that port"
    assert at_start[2:] == [
        f"warn Tunnel1.0: down: no route to the peer 10.2.0.1; line {peer}; GigaEthernet2.0 is down"]

    other.ip("link set wan down")
    gateway.wait_for_log("Tunnel2.0: down")
    by = gateway.config_line("interface Tunnel2.0", "ikev2 outgoing-interface")
    assert told(gateway)[-2:] == [
        "warn GigaEthernet0.0: down: no carrier (ge0)",
        f"warn Tunnel2.0: down: outgoing interface down, GigaEthernet0.0: no carrier; line {by}"]
    other.ip("link set wan up")
    gateway.wait_for_log("Tunnel2.0: up again")
    assert re.fullmatch(r"warn GigaEthernet0.0: up again, after \d+ s", told(gateway)[-2])
    assert re.fullmatch(r"warn Tunnel2.0: up again, after \d+ s", told(gateway)[-1])

    gateway.configure("interface Tunnel2.0", "ikev2 local-authentication psk id keyid nobody")
    gateway.wait_for_log("Tunnel2.0: down: configuration")
    assert told(gateway)[-1] == ("warn Tunnel2.0: down: configuration not complete: no key for this device's ID, "
                                 "keyid nobody; typed at the prompt; meanwhile packets for 192.168.0.0/16 leave in the "
                                 "clear by GigaEthernet0.0")
    gateway.stop()
