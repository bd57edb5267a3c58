"""ESP in a Linux kernel (6.1 in user-mode-linux, keyed by strongSwan), not in UDP, with Musubi."""

import pytest

from lib import kernel_esp
from lib.direct import FAR, NEAR, NearSide, must_reach_lan
from lib.kernel_esp import must_be_plain, must_count_no_error
from lib.strongswan import StrongSwan
from lib.suite import AES_CBC_SHA1, AES_CBC_SHA512, AES_GCM, TRIPLE_DES

CASES = {
    "AES-CBC-256 SHA-1, IPv4 outside": (AES_CBC_SHA1, 4),
    "AES-CBC-256 SHA-1, IPv6 outside": (AES_CBC_SHA1, 6),
    "AES-GCM-256, IPv4 outside": (AES_GCM, 4),
    "AES-GCM-256, IPv6 outside": (AES_GCM, 6),
    "AES-CBC-256 SHA2-512, IPv4 outside": (AES_CBC_SHA512, 4),
    "3DES SHA-1, IPv6 outside": (TRIPLE_DES, 6),
}
EACH_CASE = pytest.mark.parametrize("suite, family", CASES.values(), ids=CASES)


@pytest.fixture(scope="module")
def near(module_lab):
    return NearSide(module_lab)


@pytest.fixture(scope="module")
def strongswan(module_lab, near):
    return StrongSwan(module_lab, kernel_esp.beside(module_lab, near), user_space_esp=False)


def define(strongswan, suite, family):
    strongswan.connect(local=FAR.outer(family), remote=NEAR.outer(family), ike_proposals=suite.ike_proposals,
                       esp_proposals=suite.esp_proposals)


@EACH_CASE
def test_R1_the_kernels_side_responds(lab, near, strongswan, suite, family):
    define(strongswan, suite, family)
    gateway = near.gateway(lab, family, suite.lines)

    near.lan.must_reach(FAR.inner4, count=1, wait=10)

    near.must_reach_far()
    must_reach_lan(strongswan.host)
    ike, child = gateway.wait_for_sa()
    assert ike.fields["Direction"] == "initiator"
    must_be_plain(ike)
    suite.must_be_shown(ike, child)
    must_count_no_error(strongswan.host)
    gateway.stop()
    strongswan.wait_for_no_sa()


@EACH_CASE
def test_R1_the_kernels_side_initiates(lab, near, strongswan, suite, family):
    define(strongswan, suite, family)
    gateway = near.gateway(lab, family, suite.lines)

    strongswan.initiate()

    must_reach_lan(strongswan.host)
    near.must_reach_far()
    ike, child = gateway.wait_for_sa()
    assert ike.fields["Direction"] == "responder"
    must_be_plain(ike)
    suite.must_be_shown(ike, child)
    must_count_no_error(strongswan.host)
    gateway.stop()
    strongswan.wait_for_no_sa()


def test_oversize_packets_pass_both_ways(lab, near, strongswan):
    define(strongswan, AES_GCM, 4)
    gateway = near.gateway(lab, 4, AES_GCM.lines)

    near.lan.must_reach(FAR.inner4, "-s", 3000, "-M", "dont", count=1, wait=10)

    strongswan.host.must_reach("192.168.1.10", "-I", FAR.inner4, "-s", 3000, "-M", "dont")
    near.lan.ping(FAR.inner6, "-s", 3000, count=1, wait=1)    # the LAN is told the size that fits (R72)
    near.lan.must_reach(FAR.inner6, "-s", 3000)
    must_count_no_error(strongswan.host)
    gateway.stop()
