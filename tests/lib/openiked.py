"""An OpenIKED peer: iked on a machine with its own kernel (lib.kernel_esp), whose ESP it keys.

It reads certificates only from /etc/iked, and talks to the kernel by PF_KEY. So it needs mounts and modules of its own.
"""

import shutil

from lib.direct import FAR, NEAR

SETTINGS = "/etc/iked"
MODULE = "af_key"

# It narrows nothing, so a policy has the selectors of one family. By PF_KEY it can't tell Linux of SHA-2 for ESP.
CONFIG = """\
ikev2 "musubi" {mode} esp \\
  from {FAR.subnet4} to {NEAR.subnet4} \\
  local {FAR.outer4} peer {NEAR.outer4} \\
  ikesa auth hmac-sha2-256 enc aes-256 prf hmac-sha2-256 group modp2048 \\
  childsa auth hmac-sha1 enc aes-256 \\
  srcid {own_id} dstid {peer_id} \\
  {auth}
"""


class OpenIked:
    """One daemon with one policy, `musubi`."""

    def __init__(self, lab, machine):
        self.host = machine
        self._lab = lab
        self._control = "/run/iked.sock"
        machine.load(MODULE)
        machine.must("mount", "-t", "tmpfs", "tmpfs", SETTINGS)
        self.process = None

    def start(self, mode, certificates, own_id, peer_id, auth="rfc7427"):
        """Start it, `active` or `passive`. `certificates` are its CA, its own one, and its key; `auth` is the AUTH
        method that it wants of the peer."""
        directory = self._lab.subdirectory("openiked")
        ca, own, key = certificates
        for path, folder, name in ((ca, "ca", "ca.crt"), (own, "certs", "own.crt"), (key, "private", "local.key")):
            (directory / folder).mkdir()
            shutil.copy(path, directory / folder / name)
        (directory / "iked.conf").write_text(CONFIG.format(
            mode=mode, FAR=FAR, NEAR=NEAR, own_id=own_id, peer_id=peer_id, auth=auth), encoding="ascii")
        self.host.must("sh", "-ec", f"""
            rm -rf {SETTINGS}/*
            cp -r {directory}/* {SETTINGS}
            mkdir {SETTINGS}/crls {SETTINGS}/pubkeys
            chmod 600 {SETTINGS}/iked.conf {SETTINGS}/private/local.key
            """)
        self.process = self.host.start("iked", ["iked", "-dvv", "-f", f"{SETTINGS}/iked.conf", "-s", self._control],
                                       directory)
        self.process.wait_for_text("stickyaddress", timeout=60)

    def wait_for_sa(self):
        """Wait until it has given the SAs to the kernel, which it does only after it has answered."""
        self.process.wait_for_text("ESTABLISHED", timeout=60)

    def stop(self):
        self.process.end()
        self.host.must("sh", "-ec", "ip xfrm state flush; ip xfrm policy flush")
