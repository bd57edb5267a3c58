"""libreswan, with ESP in a Linux kernel (6.1 in user-mode-linux), with Musubi."""

import pytest

from lib import kernel_esp
from lib.direct import FAR, NEAR, NearSide, must_reach_lan
from lib.kernel_esp import must_be_plain, must_count_no_error
from lib.libreswan import OUR_ID, PEER_ID, Libreswan
from lib.process import wait_until
from lib.suite import AES_CBC_SHA256, AES_GCM

IPV4_ALONE = f"ikev2 local-ts {NEAR.subnet4}\nikev2 remote-ts {FAR.subnet4}\n"
EACH_SUITE = pytest.mark.parametrize("suite", [AES_GCM, AES_CBC_SHA256], ids=["AES-GCM-256", "AES-CBC-256 SHA2-256"])


@pytest.fixture(scope="module")
def near(module_lab):
    return NearSide(module_lab)


@pytest.fixture(scope="module")
def libreswan(module_lab, near):
    return Libreswan(module_lab, kernel_esp.beside(module_lab, near))


@EACH_SUITE
def test_libreswan_responds(lab, near, libreswan, suite):
    libreswan.connect(suite)
    gateway = near.gateway(lab, lines=suite.lines + IPV4_ALONE, ids=(OUR_ID, PEER_ID))

    near.lan.must_reach(FAR.inner4, wait=10)

    libreswan.host.must_reach("192.168.1.10", "-I", FAR.inner4)
    ike, child = gateway.wait_for_sa()
    assert ike.fields["Direction"] == "initiator"
    must_be_plain(ike)
    suite.must_be_shown(ike, child)
    must_count_no_error(libreswan.host)
    gateway.show("clear ikev2 sa")
    libreswan.wait_for_no_sa()
    gateway.stop()


@EACH_SUITE
def test_R71_libreswan_initiates_with_a_child_sa_for_each_family(lab, near, libreswan, suite):
    libreswan.connect(suite)
    gateway = near.gateway(lab, lines=suite.lines, ids=(OUR_ID, PEER_ID))

    libreswan.initiate("ipv4")
    libreswan.initiate("ipv6")

    must_reach_lan(libreswan.host)
    near.must_reach_far()
    (ike,), children = gateway.ike_sas(), gateway.child_sas()
    assert ike.fields["Direction"] == "responder"
    must_be_plain(ike)
    for child in children:
        suite.must_be_shown(ike, child)
    assert sorted(selector.kind for child in children for selector in child.peer_ts) == \
        ["IPV4-ADDR-RANGE", "IPV6-ADDR-RANGE"], children
    must_count_no_error(libreswan.host)
    libreswan.terminate("ipv6")
    wait_until(lambda: len(gateway.child_sas()) == 1, 10, "the Child SA of IPv6 gone")
    near.lan.must_reach(FAR.inner4)
    libreswan.terminate("ipv4")
    gateway.wait_for_no_sa()
    gateway.stop()
