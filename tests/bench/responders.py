"""IKEv2 responders, and `musubi-bench ike` that loads them.

    load 10.9.0.1 --- 10.9.0.2 responder

Client N has the key ID benchN and asks for traffic from 10.128.0.0 + N to 192.168.2.0/24.
"""

import json
import os

from lib.direct import SECRET
from lib.lab import wire
from lib.musubi import BUILD, Musubi
from lib.strongswan import StrongSwan

PROGRAM = BUILD / "musubi-bench"
LOAD, RESPONDER = "10.9.0.1", "10.9.0.2"
FIRST_TS, OWN_NET = "10.128.0.0", "192.168.2.0/24"
LINES = ("sa-proposal enc aes-cbc-256", "sa-proposal integrity sha2-256", "sa-proposal prf sha2-256",
         "sa-proposal dh 2048-bit", "child-proposal enc aes-cbc-256", "child-proposal integrity sha2-256",
         "nat-traversal", f"remote-ts {OWN_NET}")

CONFIG_HEAD = f"""\
ikev2 authentication psk id keyid centre key char {SECRET}
!
ikev2 default-profile
  local-authentication psk id keyid centre
  sa-proposal enc aes-cbc-256
  sa-proposal integrity sha2-256
  sa-proposal prf sha2-256
  sa-proposal dh 2048-bit
  child-proposal enc aes-cbc-256
  child-proposal integrity sha2-256
  nat-traversal
!
interface GigaEthernet0.0
  ip address {RESPONDER}/24
  no shutdown
!
interface GigaEthernet1.0
  ip address 192.168.2.1/24
  no shutdown
!
"""

CONFIG_TUNNEL = """\
ikev2 authentication psk id keyid bench{number} key char {secret}
!
interface Tunnel{high}.{low}
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet1.0
  ikev2 peer {peer} authentication psk id keyid bench{number}
  ikev2 local-authentication psk id keyid centre
  no shutdown
!
"""

CONFIG_INITIATOR = """\
ikev2 authentication psk id keyid bench{number} key char {secret}
!
interface Tunnel{high}.{low}
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet1.0
  ikev2 connect-type auto
  ikev2 peer 10.9.0.2 authentication psk id keyid centre
  ikev2 local-authentication psk id keyid bench{number}
{lines}  no shutdown
!
"""

# Any client, by one connection. Without the limits for peers at one address.
STRONGSWAN_OPTIONS = """\
  dos_protection = no
  half_open_timeout = 60
"""
CONNECTION = f"""
connections {{
  clients {{
    version = 2
    mobike = no
    unique = never
    local_addrs = {RESPONDER}
    remote_addrs = %any
    proposals = aes256-sha256-modp2048
    rekey_time = 0
    local {{
      auth = psk
      id = keyid:centre
    }}
    remote {{
      auth = psk
      id = %any
    }}
    children {{
      net {{
        local_ts = {OWN_NET}
        remote_ts = 10.128.0.0/9
        esp_proposals = aes256-sha256
        rekey_time = 0
      }}
    }}
  }}
}}
secrets {{
  ike-all {{
    secret = "{SECRET}"
  }}
}}
"""


def musubi_config(count):
    """A gateway with `count` tunnels for the clients."""
    return CONFIG_HEAD + musubi_tunnels(count)


def musubi_tunnels(count):
    """`count` tunnels for the clients, from Tunnel100.0 on."""
    return "".join(CONFIG_TUNNEL.format(number=i, high=100 + i // 1000, low=i % 1000, secret=SECRET, peer="any")
                   for i in range(count))


def musubi_initiator_config(count, lines=""):
    """A gateway that sets up `count` tunnels to the one of musubi_config, and keeps them up. `lines` are of each Tunnel."""
    return CONFIG_HEAD.replace(RESPONDER, LOAD).replace("192.168.2.1", "192.168.1.1") + "".join(
        CONFIG_INITIATOR.format(number=i, high=100 + i // 1000, low=i % 1000, secret=SECRET, lines=lines)
        for i in range(count))


def cpu_milliseconds(pid):
    """CPU time of a process, user and system."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def resident_kilobytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


class Responder:
    """A host with a responder and one for the load beside it."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.host, self.load_host = lab.namespace("responder", forward=True), lab.namespace("load")
        wire(self.load_host, "eth0", self.host, "ge0")
        wire(self.host, "ge1", lab.namespace("lan"), "eth0")
        self.load_host.address("eth0", f"{LOAD}/24")

    def pids(self):
        raise NotImplementedError

    def cpu(self):
        """Milliseconds of CPU time of all its processes."""
        return sum(cpu_milliseconds(pid) for pid in self.pids())

    def memory(self):
        """Resident kilobytes of all its processes."""
        return sum(resident_kilobytes(pid) for pid in self.pids())

    def load(self, *options, timeout=120):
        """Run `musubi-bench ike`; returns what it prints."""
        lines = [word for line in LINES for word in ("--line", line)]
        printed = self.load_host.must(PROGRAM, "ike", "--to", RESPONDER, "--from", LOAD, "--id", "keyid bench#",
                                      "--peer-id", "keyid centre", "--key", SECRET, "--own-ts", FIRST_TS, *lines,
                                      "--json", *options, timeout=timeout)
        return json.loads(printed)


class MusubiResponder(Responder):
    """With a tunnel for each of `clients`."""

    def __init__(self, lab, name, clients):
        super().__init__(lab, name)
        self.musubi = Musubi(lab, self.host, musubi_config(clients)).start()
        lab.callback(self.musubi.kill)    # the clients no longer answer to a DELETE

    def pids(self):
        return self.musubi.daemon_pids()


class StrongSwanResponder(Responder):
    def __init__(self, lab, name):
        super().__init__(lab, name)
        self.host.address("ge0", f"{RESPONDER}/24")
        self.host.address("ge1", "192.168.2.1/24")
        self.daemon = StrongSwan(lab, self.host, user_space_esp=True, options=STRONGSWAN_OPTIONS)
        self.daemon.load(CONNECTION)

    def pids(self):
        return [self.daemon.process.pid]
