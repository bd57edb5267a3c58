"""Musubi on Debian 12's kernel, 6.1, in user-mode-linux, with Musubi outside."""

import pytest

from lib.direct import FAR, NEAR, NearSide, config, must_reach_lan
from lib.musubi import Musubi
from lib.suite import AES_CBC_SHA1, AES_GCM
from lib.uml import Uml


@pytest.fixture(scope="module")
def near(module_lab):
    return NearSide(module_lab)


@pytest.fixture(scope="module")
def machine(module_lab, near):
    """A machine on the near gateway's wire; its LAN is a veth pair with both ends in it."""
    uml = Uml(module_lab, near.host, "ge0", ["tun", "veth", "nf_tables"])
    uml.ip("link add name ge1 type veth peer name lan0")
    uml.ip("link set ge1 up")
    uml.ip("link set lan0 up")
    uml.ip("link set vec0 up")
    return uml


@pytest.mark.parametrize("suite, family", [(AES_CBC_SHA1, 4), (AES_GCM, 6)],
                         ids=["AES-CBC-256 SHA-1, IPv4 outside", "AES-GCM-256, IPv6 outside"])
def test_S16_musubi_runs_on_linux_6_1(lab, near, machine, suite, family):
    inside = Musubi(lab, machine, config(FAR, NEAR, family, suite.lines),
                    ports={"GigaEthernet0": "vec0", "GigaEthernet1": "ge1"}).start()
    outside = near.gateway(lab, family, suite.lines)

    near.lan.must_reach(FAR.inner4, count=1, wait=15)

    near.must_reach_far()
    must_reach_lan(machine)
    near.lan.must_reach(FAR.inner4, "-s", 3000, "-M", "dont")
    ike, child = inside.wait_for_sa()
    suite.must_be_shown(ike, child)
    outside.stop()
    inside.wait_for_no_sa()
    inside.stop()
