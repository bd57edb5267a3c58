"""A libreswan peer: pluto on a machine with its own kernel (lib.kernel_esp), whose ESP it keys.

Debian's package conflicts with strongSwan's. So tools/install-packages unpacks it below build/, and pluto runs from
there with a configuration, key database and control socket of its own.
"""

from lib.direct import FAR, NEAR, SECRET
from lib.musubi import PROJECT
from lib.process import run, wait_until
from lib.suite import AES_CBC_SHA256, AES_GCM

PROGRAMS = PROJECT / "build" / "peers" / "libreswan" / "usr" / "libexec" / "ipsec"
OUR_ID, PEER_ID = NEAR.identity("fqdn"), FAR.identity("fqdn")
# The only place where pluto looks for its programs.
PROGRAMS_INSIDE = "/usr/libexec/ipsec"
PROPOSALS = {
    AES_GCM: ("aes_gcm256-sha2_256-modp2048", "aes_gcm256"),
    AES_CBC_SHA256: ("aes256-sha2_256-modp2048", "aes256-sha2_256"),
}
# A connection has selectors of one family only. It makes no routes.
CONNECTION = """\
conn {name}
  authby=secret
  ike={ike}
  esp={esp}
  left={FAR.outer4}
  leftid=@{PEER_ID.value}
  leftsubnet={far_subnet}
  leftupdown=%disabled
  right={NEAR.outer4}
  rightid=@{OUR_ID.value}
  rightsubnet={near_subnet}
  keyingtries=1
"""


class Libreswan:
    """One daemon with two connections, `ipv4` and `ipv6`, each with a Child SA between the ends' subnets."""

    def __init__(self, lab, machine):
        assert PROGRAMS.is_dir(), f"{PROGRAMS} is missing: tools/install-packages test"
        self.host = machine
        self._directory = lab.subdirectory("libreswan")
        self._control = machine.runtime_directory(self._directory) / "pluto.ctl"
        self._definitions = 0
        machine.must("mount", "-t", "tmpfs", "tmpfs", PROGRAMS_INSIDE.rpartition("/")[0])
        machine.must("ln", "-s", PROGRAMS, PROGRAMS_INSIDE)
        run("certutil", "-N", "-d", f"sql:{self._directory}", "--empty-password").must_succeed()
        config, secrets = self._directory / "ipsec.conf", self._directory / "ipsec.secrets"
        config.write_text("config setup\n", encoding="ascii")
        secrets.write_text(f'@{PEER_ID.value} @{OUR_ID.value} : PSK "{SECRET}"\n', encoding="ascii")
        self.process = machine.start("pluto", [
            PROGRAMS / "pluto", "--nofork", "--stderrlog", "--no-dnssec", "--config", config,
            "--secretsfile", secrets, "--rundir", self._control.parent, "--ipsecdir", self._directory,
            "--nssdir", self._directory], self._directory)
        lab.callback(self.process.kill)
        self.process.wait_for_text("loading secrets")

    def connect(self, suite):
        """Define the connections with these algorithms in place of earlier ones; negotiate nothing yet."""
        ike, esp = PROPOSALS[suite]
        self._definitions += 1
        # A new name, since user-mode-linux does not see that a file has changed.
        path = self._directory / f"connections-{self._definitions}.conf"
        path.write_text("config setup\n" + "".join(
            CONNECTION.format(name=name, ike=ike, esp=esp, FAR=FAR, NEAR=NEAR, OUR_ID=OUR_ID, PEER_ID=PEER_ID,
                              near_subnet=near_subnet, far_subnet=far_subnet)
            for name, near_subnet, far_subnet in (("ipv4", NEAR.subnet4, FAR.subnet4),
                                                  ("ipv6", NEAR.subnet6, FAR.subnet6))), encoding="ascii")
        self._run("addconn", "--config", path, "ipv4", "ipv6")

    def initiate(self, connection):
        """Set a connection up from libreswan's end; returns when its Child SA is up."""
        self._run("whack", "--name", connection, "--initiate")

    def terminate(self, connection):
        """Delete a connection's Child SA from libreswan's end, and the IKE SA if it was the last one."""
        self._run("whack", "--name", connection, "--terminate")

    def child_sas(self):
        """What libreswan prints about its Child SAs, a line each."""
        return self._run("whack", "--trafficstatus").splitlines()

    def wait_for_no_sa(self):
        wait_until(lambda: not self.child_sas(), 15, "no SA left on libreswan")

    def _run(self, program, *options):
        done = self.host.run(PROGRAMS / program, *options, "--ctlsocket", self._control)
        assert done.status == 0, f"{done}\n{self.process.log()}"
        return done.stdout
