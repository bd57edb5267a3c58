"""ESP in a Linux kernel (6.1 in user-mode-linux, keyed by strongSwan), not in UDP, with Musubi."""

import socket

import pytest

from lib import kernel_esp
from lib.direct import FAR, NEAR, NearSide, must_reach_lan
from lib.frames import silence
from lib.kernel_esp import must_be_plain, must_count_no_error
from lib.process import wait_until_equal
from lib.stream import PORT, Echo
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
    made = NearSide(module_lab)
    silence(made.host)
    return made


@pytest.fixture(scope="module")
def strongswan(module_lab, near):
    return StrongSwan(module_lab, kernel_esp.beside(module_lab, near), user_space_esp=False)


def define(strongswan, suite, family, **more):
    strongswan.connect(local=FAR.outer(family), remote=NEAR.outer(family), ike_proposals=suite.ike_proposals,
                       esp_proposals=suite.esp_proposals, **more)


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


PORT_SELECTORS = f"""\
ikev2 local-ts {NEAR.subnet4} protocol 17
ikev2 remote-ts {FAR.inner4}/32 protocol 17 port {PORT}
"""
ECHOED = 64    # octets of a packet that Echo sends back
MTU_DISCOVER, WITHOUT_DF = 10, 0    # IP_MTU_DISCOVER, IP_PMTUDISC_DONT


@pytest.mark.parametrize("initiator", ["Musubi", "the kernel's side"])
def test_R71_the_kernel_takes_all_packets_for_a_port_and_gets_no_others(lab, near, strongswan, initiator):
    """It checks what comes in by the selectors, and knows no ports of fragments (RFC 4301 7)."""
    define(strongswan, AES_CBC_SHA1, 4, local_ts=f"{FAR.inner4}/32[udp/{PORT}]", remote_ts=f"{NEAR.subnet4}[udp]")
    lines = "ikev2 ipsec pre-fragment\n" + AES_CBC_SHA1.lines + (PORT_SELECTORS if initiator == "Musubi" else "")
    gateway = near.gateway(lab, 4, lines)
    Echo(lab, strongswan.host, FAR.inner4)
    sender = near.lan.udp_socket("192.168.1.10", 5000)
    sender.setsockopt(socket.IPPROTO_IP, MTU_DISCOVER, WITHOUT_DF)
    sender.settimeout(10)
    lab.callback(sender.close)
    if initiator != "Musubi":
        strongswan.initiate()

    for size in (100, 1440, 1472):    # the last two are too large for one packet outside
        sender.sendto(bytes([size % 256]) * size, (FAR.inner4, PORT))
        assert sender.recv(2000) == bytes([size % 256]) * ECHOED
    sender.sendto(b"another port", (FAR.inner4, PORT + 1))
    near.lan.ping(FAR.inner4, count=1, wait=0.1)

    wait_until_equal(lambda: gateway.counters(NEAR.tunnel).outbound["ts unacceptable"], 2)
    counters = gateway.counters(NEAR.tunnel)
    assert (counters.outbound["packets"], counters.inbound["packets"]) == (3, 3)
    must_count_no_error(strongswan.host)
    gateway.stop()
    strongswan.wait_for_no_sa()
