"""A machine whose kernel does ESP, at the other end of the near gateway's wire."""

from lib.direct import FAR, NEAR
from lib.uml import Uml

MODULES = ["esp4", "esp6", "xfrm_user", "authenc", "cbc", "ctr", "gcm", "hmac", "seqiv", "echainiv"]
# Counts packets of the machine itself, such as MLD reports, that matched the policy before there was an SA.
NO_FAULT_OF_ESP = "XfrmAcquireError"


def beside(lab, near):
    """Debian's user-mode-linux, with an inner address of each family. The caller starts what keys its ESP."""
    machine = Uml(lab, near.host, "ge0", MODULES)
    machine.address("vec0", f"{FAR.outer4}/24", f"{FAR.outer6}/64")
    machine.address("lo", f"{FAR.inner4}/32", f"{FAR.inner6}/128")
    machine.ip(f"route add default via {NEAR.outer4}")
    machine.ip(f"-6 route add default via {NEAR.outer6}")
    _know_each_other(near.host, "ge0", NEAR, machine, "vec0", FAR)
    return machine


def _know_each_other(left, left_interface, left_end, right, right_interface, right_end):
    """Set permanent neighbours, since selectors of all addresses match neighbour discovery too."""
    def station(host, interface):
        return host.must("cat", f"/sys/class/net/{interface}/address").strip()
    for family in (4, 6):
        left.ip(f"neigh replace {right_end.outer(family)} lladdr {station(right, right_interface)} "
                f"dev {left_interface} nud permanent")
        right.ip(f"neigh replace {left_end.outer(family)} lladdr {station(left, left_interface)} "
                 f"dev {right_interface} nud permanent")


def must_count_no_error(machine):
    """The XFRM error counters are zero: the kernel has refused nothing since the machine started."""
    counters = dict(line.split() for line in machine.must("cat", "/proc/net/xfrm_stat").splitlines())
    refused = {name: count for name, count in counters.items() if count != "0" and name != NO_FAULT_OF_ESP}
    assert counters and not refused, refused


def must_be_plain(ike):
    """Musubi shows this IKE SA as one without NAT traversal."""
    assert "NAT detection" not in ike.fields, ike
    assert ike.fields["Remote Addr"].endswith(":500"), ike
