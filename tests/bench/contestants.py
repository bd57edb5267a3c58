"""Tunnels that are compared: two gateways on one wire, each with a LAN behind it.

    near LAN 192.168.1.10 --- near 10.9.0.1 --- 10.9.0.2 far --- far LAN 192.168.2.10

The gateways have the inner addresses 192.168.1.1 and 192.168.2.1. Each contestant has namespaces of its own, so all are
up at the same time and can take turns.
"""

import contextlib
import itertools
import os
import shutil
from pathlib import Path

from lib import direct
from lib.direct import FAR, NEAR
from lib.lab import do_not_segment_udp, wire
from lib.musubi import BUILD, Musubi
from lib.process import run, wait_until
from lib.strongswan import StrongSwan


class Contestant:
    """Two namespaces without a tunnel: packets between the inner addresses pass the wire in the clear."""

    def __init__(self, lab, name):
        self.lab = lab
        self.name = name
        self.near, self.far = (lab.namespace(side, forward=True) for side in ("near", "far"))
        self.near_lan, self.far_lan = (lab.namespace(side) for side in ("nearlan", "farlan"))
        wire(self.near, "ge0", self.far, "ge0")
        for gateway, lan, end in ((self.near, self.near_lan, NEAR), (self.far, self.far_lan, FAR)):
            wire(gateway, "ge1", lan, "eth0")
            lan.address("eth0", f"192.168.{end.number}.10/24")
            lan.ip(f"route add default via {end.inner4}")
        self.inner_near, self.inner_far = NEAR.inner4, FAR.inner4

    def start(self):
        """Bring the tunnel up."""
        self._address()
        for host, here, there in ((self.near, NEAR, FAR), (self.far, FAR, NEAR)):
            host.ip(f"route add {there.subnet4} via {there.outer4} src {here.inner4}")
        return self._ready()

    def _address(self):
        for host, end in ((self.near, NEAR), (self.far, FAR)):
            host.address("ge0", f"{end.outer4}/24")
            host.address("ge1", f"{end.inner4}/24")

    def _ready(self):
        wait_until(lambda: self.near.ping(FAR.inner4, "-I", NEAR.inner4, count=1, wait=1)[0] == 1, 20,
                   f"an answer through the tunnel of {self.name}")
        return self

    def without_segmentation(self):
        """As on a network card that does not segment UDP."""
        for host in (self.near, self.far):
            do_not_segment_udp(host, "ge0")
        return self


class MusubiTunnel(Contestant):
    """`lines` are those of the tunnels: algorithms, nat-traversal.

    The gateways' own TCP is measured too. Its segments have to fit, as they do with the other contestants, whose devices
    have a smaller MTU: else each becomes two fragments (R74).
    """

    def __init__(self, lab, name, lines):
        super().__init__(lab, name)
        fitting = f"{lines.rstrip()}\nip tcp adjust-mss auto\n"
        self.gateways = [Musubi(lab, host, direct.config(here, there, lines=fitting))
                         for host, here, there in ((self.near, NEAR, FAR), (self.far, FAR, NEAR))]

    def start(self):
        for gateway in self.gateways:
            gateway.start()
        return self._ready()


class NullPath(Contestant):
    """The packet path of Musubi with a null cipher and without IKE: what the kernel's interfaces allow."""

    def __init__(self, lab, name, encapsulation):
        super().__init__(lab, name)
        self.encapsulation = encapsulation    # "u": in UDP

    def start(self):
        self._address()
        for host, other, here, there in ((self.near, self.far, NEAR, FAR), (self.far, self.near, FAR, NEAR)):
            neighbour = other.must("cat", "/sys/class/net/ge0/address").strip()
            program = host.start(f"null-path-{here.number}{self.encapsulation}", [
                BUILD / "tests/bench/null_path", f"{here.number}{self.encapsulation}", here.outer4, there.outer4, "null0",
                "ge0", neighbour], self.lab.directory)
            self.lab.callback(program.kill)
            program.wait_for_text("ready")
            host.ip("link set null0 mtu 1438 up")
            host.ip(f"route add {there.subnet4} dev null0 src {here.inner4}")
        return self._ready()


class StrongSwanTunnel(Contestant):
    """ESP in user space by kernel-libipsec, always in UDP."""

    def __init__(self, lab, name, suite):
        super().__init__(lab, name)
        self.suite = suite

    def start(self):
        self._address()
        daemons = [StrongSwan(self.lab, host, user_space_esp=True) for host in (self.near, self.far)]
        for daemon, here, there in zip(daemons, (NEAR, FAR), (FAR, NEAR)):
            daemon.host.ip("link set ipsec0 up")
            daemon.host.ip(f"route add {there.subnet4} dev ipsec0 src {here.inner4}")
            daemon.connect(local=here.outer4, remote=there.outer4, ike_proposals=self.suite.ike_proposals,
                           esp_proposals=self.suite.esp_proposals, local_id=f"keyid:site{here.number}",
                           remote_id=f"keyid:site{there.number}", local_ts=here.subnet4, remote_ts=there.subnet4)
        daemons[0].initiate()
        return self._ready()

    @staticmethod
    def is_there():
        return shutil.which("charon-systemd") is not None or Path("/usr/sbin/charon-systemd").exists()


class WireguardGo(Contestant):
    """Debian's wireguard-go. Its control socket is named for its interface alone, so the names differ."""

    numbers = itertools.count()

    def start(self):
        self._address()
        ends = [(host, here, there, f"wg{os.getpid()}x{next(self.numbers)}")
                for host, here, there in ((self.near, NEAR, FAR), (self.far, FAR, NEAR))]
        keys = [run("wg", "genkey").must_succeed().stdout for _ in ends]
        public = [run("wg", "pubkey", text_in=key).must_succeed().stdout.strip() for key in keys]
        for (host, here, there, name), key, other in zip(ends, keys, reversed(public)):
            self.lab.callback(self._forget, name)
            daemon = host.start(f"wireguard-{name}", ["wireguard-go", "-f", name], self.lab.directory)
            self.lab.callback(daemon.end)
            wait_until(lambda name=name: Path(f"/var/run/wireguard/{name}.sock").exists(), 10, f"the socket of {name}")
            host.run("wg", "set", name, "private-key", "/dev/stdin", "listen-port", "51820", "peer", other,
                     "allowed-ips", "0.0.0.0/0", "endpoint", f"{there.outer4}:51820", text_in=key).must_succeed()
            host.ip(f"link set {name} up")
            host.ip(f"route add {there.subnet4} dev {name} src {here.inner4}")
        return self._ready()

    @staticmethod
    def _forget(name):
        with contextlib.suppress(FileNotFoundError):
            Path(f"/var/run/wireguard/{name}.sock").unlink()

    @staticmethod
    def is_there():
        return shutil.which("wireguard-go") is not None and shutil.which("wg") is not None
