"""A strongSwan peer: charon-systemd and swanctl with a configuration of their own in a host.

Its control socket is a Unix socket in the host's runtime directory. Over TCP, each of the many small messages of a
command would wait for a delayed acknowledgement.
"""

import re
import shutil

from lib.direct import FAR, NEAR, SECRET
from lib.lab import do_not_segment_udp, wire
from lib.process import wait_until

PLUGINS = ("random nonce openssl pem pkcs1 pkcs8 x509 pubkey revocation constraints aes sha1 sha2 hmac kdf gmp gcm {esp} "
           "kernel-netlink socket-default vici updown")

DAEMON_CONF = """
charon-systemd {{
  load = {plugins}
  install_virtual_ip = no
  retransmit_tries = 3
{options}  filelog {{
    stderr {{
      default = 1
      ike = 2
      flush_line = yes
    }}
  }}
  plugins {{
    vici {{
      socket = {vici}
    }}
{esp_options}  }}
}}
swanctl {{
  load = random openssl pem pkcs1 pkcs8 x509
}}
"""

# ESP in the daemon: its own packets carry a mark, so that selectors of all addresses do not match them.
USER_SPACE_ESP_OPTIONS = """    kernel-libipsec {
      allow_peer_ts = yes
    }
    kernel-netlink {
      fwmark = !0x42
    }
    socket-default {
      fwmark = 0x42
    }
"""

CONNECTION = """
connections {{
  musubi {{
    version = 2
    mobike = no
    fragmentation = {fragmentation}
    encap = {encap}
    local_addrs = {local}
    remote_addrs = {remote}
    proposals = {ike_proposals}
{options}    local {{
      auth = psk
      id = {local_id}
    }}
    remote {{
      auth = psk
      id = {remote_id}
    }}
    children {{
{children}    }}
  }}
}}
secrets {{
  ike-both {{
    id-1 = {local_id}
    id-2 = {remote_id}
    secret = "{secret}"
  }}
}}
"""


CHILD = """\
      {name} {{
        local_ts = {local_ts}
        remote_ts = {remote_ts}
        esp_proposals = {esp_proposals}
      }}
"""


class StrongSwan:
    """One daemon with one connection, `musubi`, and one child in it, `net`, or what else a test loads.

    With `user_space_esp` the daemon does ESP itself, always in UDP, for packets that its host routes into `ipsec0`.
    Without, the host's kernel does ESP for packets that match the selectors. `options` are lines for the daemon's
    section of strongswan.conf.
    """

    def __init__(self, lab, host, user_space_esp, options=""):
        self.host = host
        self.user_space_esp = user_space_esp
        self.name = f"strongswan-{host.label}"
        self._directory = lab.subdirectory(self.name)
        self._vici = f"unix://{host.runtime_directory(self._directory)}/vici"
        self._connections = 0
        conf = self._directory / "strongswan.conf"
        conf.write_text(DAEMON_CONF.format(
            vici=self._vici, options=options, plugins=PLUGINS.format(esp="kernel-libipsec" if user_space_esp else ""),
            esp_options=USER_SPACE_ESP_OPTIONS if user_space_esp else ""), encoding="ascii")
        self._environment = ["env", f"STRONGSWAN_CONF={conf}", f"SWANCTL_DIR={self._directory}"]
        self.process = None
        lab.callback(self._stop)
        self.start()

    def start(self):
        """Start the daemon, without a connection. The constructor does this too."""
        self.process = self.host.start(self.name, [*self._environment, "charon-systemd"], self._directory)
        self.process.wait_for_text("worker threads")

    def kill(self):
        """End it as a crash would, without a message to its peers."""
        self.process.kill()

    def connect(self, *, local, remote, ike_proposals, esp_proposals,
                local_id="keyid:site2", remote_id="keyid:site1", secret=SECRET,
                local_ts="0.0.0.0/0,::/0", remote_ts="0.0.0.0/0,::/0", more_children=None,
                fragmentation="no", options=""):
        """Define the connection in place of an earlier one; negotiate nothing yet.

        `options` are lines for the connection. `more_children` maps names of additional children to their selectors: local and remote, or one text for both.
        """
        selectors = {"net": (local_ts, remote_ts)}
        for name, sides in (more_children or {}).items():
            selectors[name] = sides if isinstance(sides, tuple) else (sides, sides)
        children = "".join(
            CHILD.format(name=name, local_ts=here, remote_ts=there, esp_proposals=esp_proposals)
            for name, (here, there) in selectors.items())
        if self._connections:
            self._swanctl("--terminate", "--ike", "musubi", "--force", "--timeout", "5")
        self.load(CONNECTION.format(
            encap="yes" if self.user_space_esp else "no", local=local, remote=remote, local_id=local_id,
            remote_id=remote_id, secret=secret, children=children, ike_proposals=ike_proposals,
            fragmentation=fragmentation, options=options))

    def give(self, folder, files):
        """Copy certificates or keys to a folder of its configuration (x509, x509ca, x509crl, private), for the next `load`."""
        into = self._directory / folder
        into.mkdir(exist_ok=True)
        for path in files:
            shutil.copy(path, into)

    def load(self, text):
        """Load a swanctl configuration in place of an earlier one."""
        self._connections += 1
        # A new name, since user-mode-linux does not see that a file has changed.
        path = self._directory / f"connection-{self._connections}.conf"
        path.write_text(text, encoding="ascii")
        self._swanctl("--load-all", "--clear", "--noprompt", "--file", path).must_succeed()

    def initiate(self, child="net"):
        """Set the connection up from strongSwan's end; returns when both SAs are up."""
        done = self._swanctl("--initiate", "--child", child, "--timeout", "15")
        assert done.status == 0, f"{done}\n{self.process.log()}"

    def must_fail_to_initiate(self):
        """The attempt has to fail by an answer of the peer, not by a timeout."""
        done = self._swanctl("--initiate", "--child", "net", "--timeout", "10")
        refused = done.status != 0 and "not established after" not in done.stderr
        assert refused, f"{done}\n{self.process.log()}"

    def rekey_child(self, child="net"):
        """Start to rekey the Child SA from strongSwan's end, and do not wait."""
        self._swanctl("--rekey", "--child", child).must_succeed()

    def rekey_ike(self):
        """Start to rekey the IKE SA from strongSwan's end, and do not wait."""
        self._swanctl("--rekey", "--ike", "musubi").must_succeed()

    def terminate(self, connection="musubi"):
        """Delete all IKE SAs from strongSwan's end, and wait for the answer."""
        self._swanctl("--terminate", "--ike", connection, "--timeout", "10").must_succeed()

    def terminate_child(self, child):
        """Delete a Child SA from strongSwan's end."""
        self._swanctl("--terminate", "--child", child, "--timeout", "10").must_succeed()

    def sas(self, connection=None):
        """What strongSwan prints about its SAs; empty if it has none."""
        only = [] if connection is None else ["--ike", connection]
        return self._swanctl("--list-sas", *only).must_succeed().stdout

    def wait_for_sa(self):
        """Wait until an IKE SA and a Child SA are up, whoever initiated."""
        try:
            return wait_until(lambda: (text := self.sas()) and "INSTALLED" in text and text, 15,
                              f"a Child SA on {self.name}")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.sas()}\n{self.process.log()}") from None

    def wait_for_log(self, pattern):
        """Wait until its log matches `pattern`, a regular expression; returns the match."""
        try:
            return wait_until(lambda: re.search(pattern, self.process.stderr), 10, f"{pattern!r} in {self.name}'s log")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.process.log()}") from None

    def wait_for_no_sa(self):
        wait_until(lambda: not self.sas(), 15, f"no SA left on {self.name}")

    def _swanctl(self, command, *options):
        return self.host.run(*self._environment, "swanctl", command, *options, "--uri", self._vici)

    def _stop(self):
        if self.process is not None and self.process.status() is None:
            self.process.end()


def beside(lab, near, options=""):
    """A daemon with ESP in user space at the far end of the near wire, with inner addresses of both families."""
    host = lab.namespace("strongswan")
    wire(near.host, "ge0", host, "eth0")
    do_not_segment_udp(near.host, "ge0")
    host.address("eth0", f"{FAR.outer4}/24", f"{FAR.outer6}/64")
    host.address("lo", f"{FAR.inner4}/32", f"{FAR.inner6}/128")
    daemon = StrongSwan(lab, host, user_space_esp=True, options=options)
    host.ip("link set ipsec0 up")
    # strongSwan itself installs a route for one family only.
    host.ip(f"route add {NEAR.subnet4} dev ipsec0")
    host.ip(f"-6 route add {NEAR.subnet6} dev ipsec0")
    return daemon
