"""NAPT on the WAN interface, by list 2.25.7 word for word, with the IPsec that has to pass it."""

import subprocess
from pathlib import Path

import pytest

from lib.capture import Capture, packets
from lib.musubi import Musubi
from lib.packet_rules import (FAR_LAN4, LAN4, OUTSIDE4, WAN4, Gateway, count, datagram, is_reached, tables, tunnel)
from lib.process import wait_until

LISTS = Path(__file__).resolve().parents[1] / "configs" / "manual"
LIST_2_25_7 = (LISTS / "list-2.25.7.cfg").read_text(encoding="utf-8")
LAN = """\
interface GigaEthernet1.0
  ip address 192.168.1.1/24
  no shutdown
ip route default 10.0.0.254
"""
CONFIG = LIST_2_25_7 + LAN


@pytest.fixture(scope="module")
def gateway(module_lab):
    return Gateway(module_lab)


@pytest.fixture
def napt(gateway):
    """The gateway with list 2.25.7 and no tunnel."""
    musubi = gateway.start(CONFIG)
    yield musubi
    if musubi.process is not None:
        musubi.stop()


def test_R22_S13_list_2_25_7_gives_hosts_inside_the_address_of_the_interface(gateway, napt):
    capture = Capture(gateway.lab, gateway.outside, "near", "napt")

    gateway.lan.must_reach(OUTSIDE4)
    origin = datagram(gateway.lan, gateway.outside, OUTSIDE4, 7000, source=(LAN4, 40000))

    assert origin == (WAN4, 40000), "a port that is free is kept"
    captured = capture.stop()
    assert packets(captured, f"src host {WAN4}")
    assert not packets(captured, f"host {LAN4}")
    shown = napt.show("show ip napt")
    assert shown.startswith("Interface GigaEthernet0.0\n"), shown
    assert count(shown, "Connections translated") == 3, "each ping and the datagram"


@pytest.mark.parametrize("port", [500, 4500])
def test_S36_a_host_inside_is_never_given_a_port_of_ike(gateway, napt, port):
    origin = datagram(gateway.lan, gateway.outside, OUTSIDE4, 7000, source=(LAN4, port))

    assert origin[0] == WAN4 and origin[1] > 4500, origin


def test_S36_packets_from_outside_without_a_mapping_are_dropped(gateway, napt):
    gateway.route_inside()

    assert not is_reached(gateway.outside, LAN4)
    assert is_reached(gateway.outside, WAN4), "packets to the gateway itself are left to Linux"

    shown = napt.show("show ip napt")
    assert count(shown, "Dropped from outside") == 1, shown


def test_R22_packets_are_forwarded_while_there_is_napt(gateway):
    def forwarding():
        return gateway.host.must("sysctl", "-n", "net.ipv4.ip_forward").strip()

    assert forwarding() == "0"
    musubi = gateway.start(CONFIG)
    assert forwarding() == "1"
    musubi.stop()
    assert forwarding() == "0"


def test_S16_other_tables_are_left_alone(gateway):
    gateway.host.must("nft", "table ip other { chain c { type filter hook forward priority 0; accept; }; }")
    before = gateway.host.must("nft", "list", "ruleset")

    musubi = gateway.start(CONFIG)
    assert tables(gateway.host) == ["inet musubi", "ip other"]
    musubi.stop()

    assert gateway.host.must("nft", "list", "ruleset") == before
    gateway.host.must("nft", "delete table ip other")


def test_S16_a_flushed_table_is_put_back(gateway, napt):
    gateway.host.must("nft", "flush ruleset")

    napt.wait_for_log("table of packet rules .* put back")
    assert tables(gateway.host) == ["inet musubi"]
    gateway.lan.must_reach(OUTSIDE4)


def test_S16_after_a_crash_the_table_stands_and_is_there_once(gateway, napt):
    napt.kill()
    assert tables(gateway.host) == ["inet musubi"], "it holds until the next start"

    napt.start()

    assert tables(gateway.host) == ["inet musubi"]
    gateway.lan.must_reach(OUTSIDE4)


def test_nothing_is_forwarded_when_the_rules_can_not_be_made(gateway):
    gateway.host.sysctl(net__ipv4__ip_forward=0)
    # A table that another process owns can't be replaced.
    with subprocess.Popen(gateway.host.argv("nft", "-i"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          text=True) as owner:
        owner.stdin.write("add table inet musubi { flags owner; }\n")
        owner.stdin.flush()
        wait_until(lambda: tables(gateway.host) == ["inet musubi"], 10, "the table of another process")

        refused = gateway.host.run(*Musubi(gateway.lab, gateway.host, CONFIG).daemon_argv())

    assert refused.status == 1, refused
    assert "packet rules" in refused.stderr and "Operation not permitted" in refused.stderr, refused
    assert gateway.host.must("sysctl", "-n", "net.ipv4.ip_forward").strip() == "0"


@pytest.mark.parametrize("nat_traversal", ["", "ikev2 nat-traversal keepalive 20 force"], ids=["ESP", "UDP 4500"])
@pytest.mark.parametrize("first", ["near", "far"])
def test_R22_R80_list_2_25_7_lets_ike_and_esp_pass(lab, nat_traversal, first):
    gateway = Gateway(lab)
    near = gateway.start(CONFIG + tunnel(nat_traversal))
    far = gateway.start_far(nat_traversal)
    hosts = {"near": (gateway.lan, FAR_LAN4), "far": (gateway.far_lan, LAN4)}

    begins, target = hosts.pop(first)
    begins.must_reach(target, wait=10)
    (answers, target), = hosts.values()
    answers.must_reach(target)

    shown = near.show("show ip napt")
    assert count(shown, "Static udp 500") > 0, shown
    carried = "Static udp 4500" if nat_traversal else "Static 50"
    assert count(shown, carried) >= 4, shown
    assert count(shown, "Connections translated") == 0, shown
    tracked = gateway.host.run("cat", "/proc/net/nf_conntrack").stdout
    assert "4500" not in tracked and "unknown  50" not in tracked, tracked
    gateway.lan.must_reach(OUTSIDE4)
    near.stop()
    far.stop()
