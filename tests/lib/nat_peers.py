"""strongSwan in the place of a lib.nat.Site: with ESP in user space, or in the kernel of a machine of its own."""

from lib import kernel_esp
from lib.nat import SECRET, NatBox
from lib.strongswan import StrongSwan
from lib.suite import AES_GCM
from lib.uml import Uml


class Peer:
    """A host with strongSwan that has the inner address 192.168.NUMBER.10 itself."""

    def __init__(self, lab, number, outer, host, interface, address, user_space_esp):
        self.number = number
        self.address = address
        self.host = host
        self.lan_host = f"192.168.{number}.10"
        self._outer = outer
        host.address(interface, f"{address}/24")
        host.address("lo", f"{self.lan_host}/32")
        if isinstance(outer, NatBox):
            host.ip(f"route add default via {outer.inside(254)}")
        self.strongswan = StrongSwan(lab, host, user_space_esp)

    def connect(self, there, remote, options=""):
        """Define the connection to site `there`, whose outer address is `remote`; "%any": it is not known."""
        esp_in_kernel = not self.strongswan.user_space_esp
        next_hop = f"via {self._outer.inside(254)}" if isinstance(self._outer, NatBox) else f"via {remote}"
        self.strongswan.connect(
            local=self.address, remote=remote, ike_proposals=AES_GCM.ike_proposals, esp_proposals=AES_GCM.esp_proposals,
            local_id=f"keyid:site{self.number}", remote_id=f"keyid:site{there}", secret=SECRET,
            local_ts=f"192.168.{self.number}.0/24", remote_ts=f"192.168.{there}.0/24", options=options)
        if not esp_in_kernel:
            self.host.ip("link set ipsec0 up")
        self.host.ip(f"route replace 192.168.{there}.0/24 {next_hop if esp_in_kernel else 'dev ipsec0'}")

    def must_reach(self, other, **options):
        self.host.must_reach(other.lan_host, "-I", self.lan_host, **options)


def user_space_peer(lab, number, outer, address):
    """Its ESP is always in UDP: it pretends that there is a NAT."""
    host = lab.namespace(f"strongswan{number}")
    outer.attach(host, "eth0")
    return Peer(lab, number, outer, host, "eth0", address, user_space_esp=True)


def kernel_peer(lab, number, outer, address):
    """A machine in user-mode-linux. It finds NATs by their detection alone."""
    machine = Uml(lab, outer.host, "kernel", kernel_esp.MODULES)
    outer.add_port("kernel")
    return Peer(lab, number, outer, machine, "vec0", address, user_space_esp=False)
