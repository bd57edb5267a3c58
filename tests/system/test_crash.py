"""What a crash of musubid leaves, and that the next start takes it over.

Site 1 has a default route to the internet, by which packets for site 2 leave in the clear when they do not go into the
tunnel.
"""

import json
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from lib.capture import count_octets
from lib.process import wait_until
from lib.sites import PING_PAYLOAD, SITE1, SITE2

KEEPER, ENGINE, PATH = PROCESSES = ["musubid", "musubid-engine", "musubid-path"]


@pytest.mark.parametrize("slow", [ENGINE, PATH])
def test_a_start_waits_for_the_processes_of_a_killed_musubid(connected, slow):
    gateway1 = connected.gateway1
    pid = str(gateway1.process_id(slow))
    gateway1.host.must("kill", "-STOP", pid)
    gateway1.kill_process(KEEPER)
    end = threading.Timer(1, lambda: gateway1.host.run("kill", "-CONT", pid))
    end.start()

    gateway1.start()

    assert not end.is_alive(), "ready while the old process was there"
    connected.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    connected.stop()


def test_a_start_gives_up_after_five_seconds_with_a_clear_word(sites):
    gateway1 = sites.gateway(SITE1).start()
    keeper = gateway1.process.pid
    path = str(gateway1.process_id(PATH))
    gateway1.host.must("kill", "-STOP", path)
    gateway1.kill_process(KEEPER)

    done = gateway1.host.run(*gateway1.daemon_argv(), timeout=15)

    assert done.status == 1
    assert done.stderr == (f"musubid: processes of a musubid that was killed (process {keeper}) still run in "
                           f"{gateway1.run_directory}\n")
    gateway1.host.must("kill", "-CONT", path)
    gateway1.start().stop()


def add_default_route(sites):
    """Both families; the router's addresses need no resolution, so that each packet leaves that may."""
    host = sites.gateway_hosts[SITE1]
    router, = json.loads(sites.internet.ip("-j link show wan1"))
    host.ip(f"route add default via {SITE1.next_hop} dev ge0 onlink metric 500")
    for next_hop in (SITE1.next_hop, "fe80::1"):
        host.ip(f"neigh replace {next_hop} lladdr {router['address']} dev ge0 nud permanent")
    host.ip("-6 route add default via fe80::1 dev ge0 metric 500")


@contextmanager
def lan_traffic(sites):
    """LAN 1 sends to LAN 2 all the time, whether or not it is answered."""
    pings = [sites.lan1.start(f"traffic{i}", ["ping", "-n", "-q", "-i", "0.01", "-p", PING_PAYLOAD.hex(), target],
                              sites.lab.directory) for i, target in enumerate((SITE2.lan4(10), SITE2.lan6(10)))]
    yield
    for ping in pings:
        ping.end()


def reaches(sites):
    return all(sites.lan1.ping(target, count=1, wait=1)[0] for target in (SITE2.lan4(10), SITE2.lan6(10)))


@pytest.fixture(params=["", "ikev2 connect-type auto"], ids=["trigger", "auto"])
def leaky(sites, request):
    """Both gateways up with an SA, and the default route."""
    host = sites.gateway_hosts[SITE1]
    host.ip(f"address add {SITE1.wan}/{SITE1.wan_prefix} dev ge0")
    add_default_route(sites)
    sites.start(request.param)
    wait_until(lambda: reaches(sites), 20, "an SA")
    return sites


def bind_when_free(host, port):
    def bind():
        with suppress(OSError):
            return host.udp_socket("0.0.0.0", port)
        return None
    return wait_until(bind, 5, f"port {port} free")


def must_leave_nothing_in_the_clear(capture):
    assert count_octets(capture.stop(), PING_PAYLOAD) == 0, "packets of the LAN have left in the clear"


@pytest.mark.parametrize("victim", [*PROCESSES, "all"])
def test_S48_nothing_leaves_in_the_clear_after_a_crash_nor_until_the_next_start_is_through(leaky, victim):
    gateway1 = leaky.gateway1
    capture = leaky.capture("wire")
    with lan_traffic(leaky):
        if victim == "all":
            gateway1.kill()
        else:
            gateway1.kill_process(victim)
        time.sleep(1.5)    # Linux takes in a change of carrier up to a second later
        gateway1.start()
        wait_until(lambda: reaches(leaky), 20, "the tunnel again")
    must_leave_nothing_in_the_clear(capture)

    capture = leaky.capture("after-stop")
    with lan_traffic(leaky):
        gateway1.stop()    # which compares the network with what it was before the first start
        time.sleep(0.5)
    assert count_octets(capture.stop(), PING_PAYLOAD) > 0, "an orderly stop ends it, and the default route serves"


def test_S48_forwarding_begins_after_the_routes_into_tunnels_and_ends_before_them(sites):
    """In between, a packet for the tunnel would leave in the clear by the default route."""
    host = sites.gateway_hosts[SITE1]
    host.sysctl(net__ipv4__ip_forward=0)
    monitor = host.start("monitor", ["ip", "-4", "monitor", "route", "netconf"], sites.lab.directory)
    sites.lab.callback(monitor.kill)

    def is_heard():
        for what in ("add", "del"):
            host.ip(f"route {what} blackhole 192.0.2.0/24")
        return "192.0.2.0/24" in monitor.stdout

    wait_until(is_heard, 10, "a word of the monitor")

    def order():
        """What of these happened, in its order."""
        marks = {"all forwarding on": "on", "all forwarding off": "off",
                 "Deleted 192.168.2.0/24 dev Tunnel1.0": "route gone", "192.168.2.0/24 dev Tunnel1.0": "route"}
        seen = [next((event for text, event in marks.items() if text in line), None)
                for line in monitor.stdout.splitlines()]
        return [event for event in seen if event]

    sites.start()
    wait_until(lambda: "on" in order(), 5, "forwarding")
    assert order().index("route") < order().index("on"), monitor.stdout
    sites.stop()
    wait_until(lambda: "route gone" in order() and "off" in order(), 5, "the end of both")
    assert order().index("off") < order().index("route gone"), monitor.stdout


def test_S48_a_setting_of_linux_that_would_open_the_tunnels_is_warned_of(sites):
    host = sites.gateway_hosts[SITE1]
    setting = "net.ipv4.conf.all.ignore_routes_with_linkdown"
    host.sysctl(net__ipv4__conf__all__ignore_routes_with_linkdown=1)
    sites.start()
    sites.gateway1.wait_for_log(rf"{setting} is 1: if musubid is killed, packets for Tunnels leave .* set it to 0\n")
    sites.stop()


def test_S48_a_start_that_fails_after_a_crash_lets_nothing_leave_in_the_clear(leaky):
    gateway1 = leaky.gateway1
    capture = leaky.capture("wire")
    with lan_traffic(leaky):
        gateway1.kill()
        with bind_when_free(gateway1.host, 4500):
            assert gateway1.host.run(*gateway1.daemon_argv()).status == 1
        time.sleep(1.5)
    must_leave_nothing_in_the_clear(capture)
    gateway1.start().stop()


def test_S48_a_tunnel_of_auto_that_was_up_stays_closed_while_its_peer_does_not_answer(leaky):
    gateway1 = leaky.gateway1
    leaky.gateway2.kill()
    capture = leaky.capture("wire")
    with lan_traffic(leaky):
        gateway1.kill()
        gateway1.start()
        time.sleep(3)
    must_leave_nothing_in_the_clear(capture)
    gateway1.stop()


def forwarding(host):
    return [host.must("cat", f"/proc/sys/net/{path}").strip()
            for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding")]


def is_up(host, link):
    return "UP" in json.loads(host.ip(f"-j link show {link}"))[0]["flags"]


@pytest.fixture
def quiet(sites):
    """Site 1, whose host forwards nothing and has its links down, as before any start."""
    host = sites.gateway_hosts[SITE1]
    host.sysctl(net__ipv4__ip_forward=0, net__ipv6__conf__all__forwarding=0)
    for link in ("ge0", "ge1"):
        host.ip(f"link set {link} down")
    return sites


def test_S16_an_orderly_stop_after_crashes_gives_back_what_was_before_the_first_start(quiet):
    gateway1 = quiet.gateway(SITE1)
    host = gateway1.host
    for _ in range(2):
        gateway1.start()
        assert forwarding(host) == ["1", "1"]
        assert is_up(host, "ge0") and is_up(host, "ge1")
        gateway1.kill()
    assert forwarding(host) == ["1", "1"]
    gateway1.start()

    gateway1.stop()    # which looks at the links

    assert forwarding(host) == ["0", "0"]
    assert not is_up(host, "ge0") and not is_up(host, "ge1")
    assert not (gateway1.run_directory / "before").exists()


def test_S16_a_start_after_a_crash_gives_back_what_its_config_does_not_want_any_more(quiet):
    gateway1 = quiet.gateway(SITE1).start()
    host = gateway1.host
    gateway1.kill()
    gateway1.config_path.write_text("interface GigaEthernet0.0\n  no shutdown\n", encoding="ascii")

    gateway1.start()

    assert forwarding(host) == ["0", "0"]
    assert is_up(host, "ge0") and not is_up(host, "ge1")
    gateway1.stop()
    assert not is_up(host, "ge0")
