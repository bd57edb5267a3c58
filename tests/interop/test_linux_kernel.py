"""A Linux kernel's own ESP (6.1 in user-mode-linux, keyed by strongSwan), plain ESP, against Musubi."""

import pytest

from lib.direct import FAR, NEAR, NearSide, must_reach_lan
from lib.strongswan import StrongSwan
from lib.suite import AES_CBC_SHA1, AES_CBC_SHA512, AES_GCM, TRIPLE_DES
from lib.uml import Uml

KERNEL_ESP = ["esp4", "esp6", "xfrm_user", "authenc", "cbc", "ctr", "gcm", "hmac", "seqiv", "echainiv"]
CASES = {
    "AES-CBC-256 SHA-1, IPv4 outside": (AES_CBC_SHA1, 4),
    "AES-CBC-256 SHA-1, IPv6 outside": (AES_CBC_SHA1, 6),
    "AES-GCM-256, IPv4 outside": (AES_GCM, 4),
    "AES-GCM-256, IPv6 outside": (AES_GCM, 6),
    "AES-CBC-256 SHA2-512, IPv4 outside": (AES_CBC_SHA512, 4),
    "3DES SHA-1, IPv6 outside": (TRIPLE_DES, 6),
}
EACH_CASE = pytest.mark.parametrize("suite, family", CASES.values(), ids=CASES)
# Packets of the machine itself, such as MLD reports, that met the policy before there was an SA.
NO_FAULT_OF_ESP = "XfrmAcquireError"


@pytest.fixture(scope="module")
def near(module_lab):
    return NearSide(module_lab)


@pytest.fixture(scope="module")
def linux(module_lab, near):
    """The other kernel on the same wire, with an inner address of each family."""
    machine = Uml(module_lab, near.host, "ge0", KERNEL_ESP)
    machine.address("vec0", f"{FAR.outer4}/24", f"{FAR.outer6}/64")
    machine.address("lo", f"{FAR.inner4}/32", f"{FAR.inner6}/128")
    machine.ip(f"route add default via {NEAR.outer4}")
    machine.ip(f"-6 route add default via {NEAR.outer6}")
    know_each_other(near.host, "ge0", NEAR, machine, "vec0", FAR)
    return machine


@pytest.fixture(scope="module")
def strongswan(module_lab, linux):
    return StrongSwan(module_lab, linux, user_space_esp=False)


def know_each_other(left, left_interface, left_end, right, right_interface, right_end):
    """Fixed neighbours: selectors that hold everything hold neighbour discovery too."""
    def station(host, interface):
        return host.must("cat", f"/sys/class/net/{interface}/address").strip()
    for family in (4, 6):
        left.ip(f"neigh replace {right_end.outer(family)} lladdr {station(right, right_interface)} "
                f"dev {left_interface} nud permanent")
        right.ip(f"neigh replace {left_end.outer(family)} lladdr {station(left, left_interface)} "
                 f"dev {right_interface} nud permanent")


def define(strongswan, suite, family):
    strongswan.connect(local=FAR.outer(family), remote=NEAR.outer(family), ike_proposals=suite.ike_proposals,
                       esp_proposals=suite.esp_proposals)


def must_be_plain(ike, child, suite):
    """What Musubi shows of an SA without NAT traversal."""
    assert "NAT detection" not in ike.fields, ike
    assert ike.fields["Remote Addr"].endswith(":500"), ike
    assert (ike.algorithms, child.algorithms) == (suite.shown, suite.child_shown)


def must_count_no_error(machine):
    """XFRM's error counters since the machine's start: there was nothing that the kernel refused."""
    counters = dict(line.split() for line in machine.must("cat", "/proc/net/xfrm_stat").splitlines())
    refused = {name: count for name, count in counters.items() if count != "0" and name != NO_FAULT_OF_ESP}
    assert counters and not refused, refused


@EACH_CASE
def test_the_kernels_side_responds(lab, near, strongswan, suite, family):
    define(strongswan, suite, family)
    gateway = near.gateway(lab, family, suite.lines)

    near.lan.must_reach(FAR.inner4, count=1, wait=10)

    near.must_reach_far()
    must_reach_lan(strongswan.host)
    ike, child = gateway.wait_for_sa()
    assert ike.fields["Direction"] == "initiator"
    must_be_plain(ike, child, suite)
    must_count_no_error(strongswan.host)
    gateway.stop()
    strongswan.wait_for_no_sa()


@EACH_CASE
def test_the_kernels_side_initiates(lab, near, strongswan, suite, family):
    define(strongswan, suite, family)
    gateway = near.gateway(lab, family, suite.lines)

    strongswan.initiate()

    must_reach_lan(strongswan.host)
    near.must_reach_far()
    ike, child = gateway.wait_for_sa()
    assert ike.fields["Direction"] == "responder"
    must_be_plain(ike, child, suite)
    must_count_no_error(strongswan.host)
    gateway.stop()
    strongswan.wait_for_no_sa()


def test_oversize_packets_pass_both_ways(lab, near, strongswan):
    define(strongswan, AES_GCM, 4)
    gateway = near.gateway(lab, 4, AES_GCM.lines)

    near.lan.must_reach(FAR.inner4, "-s", 3000, "-M", "dont", count=1, wait=10)

    strongswan.host.must_reach("192.168.1.10", "-I", FAR.inner4, "-s", 3000, "-M", "dont")
    near.lan.must_reach(FAR.inner6, "-s", 3000)
    must_count_no_error(strongswan.host)
    gateway.stop()
