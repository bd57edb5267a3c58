"""Config mode at the prompt: each line is applied at once, and no SA is touched (R11, S4, S12, S35)."""

import re

import pytest

from lib.capture import fields
from lib.process import wait_until
from lib.sites import SITE1, SITE2


def test_the_prompt_shows_the_sub_mode(connected):
    printed = connected.gateway1.type_at_terminal("configure", "interface Tunnel1.0", "exit", "ikev2 profile p",
                                                  "end").must_succeed().stdout

    for prompt in ("site1# ", "site1(config)# ", "site1(config-Tunnel1.0)# "):
        assert prompt in printed, printed


def test_R11_a_changed_line_holds_at_once_and_touches_no_sa(connected):
    before = [sa.fields["Serial"] for sa in connected.gateway1.ike_sas()]

    connected.gateway1.configure("interface Tunnel1.0", "ikev2 dpd interval 33")

    assert "ikev2 dpd interval 33" in connected.gateway1.show("show running-config")
    assert [sa.fields["Serial"] for sa in connected.gateway1.ike_sas()] == before
    connected.lan1.must_reach(SITE2.lan4(10), count=1)


def test_S12_no_removes_a_setting_so_that_the_next_level_counts(connected):
    gateway = connected.gateway1
    gateway.configure("interface Tunnel1.0", "ikev2 child-lifetime 4000")
    gateway.configure("interface Tunnel1.0", "no ikev2 child-lifetime")

    assert "child-lifetime 4000" not in gateway.show("show running-config")


def test_S15_a_wrong_line_is_refused_alone_with_the_nearest_word(connected):
    gateway = connected.gateway1
    before = gateway.show("show running-config")

    done = gateway.feed_lines("configure", "interface Tunnel1.0", "ikev2 dpd intervall 10", "end")

    assert done.status == 1, str(done)
    assert "%" in done.stderr and "interval" in done.stderr, str(done)
    assert gateway.show("show running-config") == before


@pytest.mark.parametrize("line, warning", [
    ("no ikev2 peer", "Tunnel1.0 has no `ikev2 peer`: it stays down"),
    ("ikev2 binding nobody", "profile `nobody` is not defined: Tunnel1.0 stays down"),
    ("ikev2 local-authentication psk id keyid x", "there is no key for this device's ID, keyid x: Tunnel1.0 stays down"),
    ("ikev2 suppress send-delete", "`suppress send-delete` without `suppress send-rekey`: rekeying will fail and the "
                                   "traffic of Tunnel1.0 will stop"),
], ids=["R51", "S12 a profile", "S12 a key", "R63"])
def test_S12_leaving_config_mode_reports_what_will_not_work(connected, line, warning):
    gateway = connected.gateway1

    typed = gateway.type_lines("configure", "interface Tunnel1.0", line)
    left = gateway.type_lines("configure", "interface Tunnel1.0", "description half-done", "end")

    assert "% Warning" not in typed, typed
    warnings = [text for text in left.splitlines() if "% Warning: " in text]
    assert len(warnings) == 1 and warnings[0].endswith(warning), left


def test_R11_a_changed_proposal_touches_no_sa_and_holds_at_the_next_negotiation(connected):
    gateway1, gateway2 = connected.gateway1, connected.gateway2
    before, _ = gateway1.wait_for_sa()

    gateway1.configure("interface Tunnel1.0", "ikev2 sa-proposal enc aes-gcm-128",
                       "ikev2 child-proposal enc aes-cbc-192")

    after, child = gateway1.wait_for_sa()
    assert (after.fields["Serial"], after.encryption) == (before.fields["Serial"], "AES-CBC-256")
    assert child.fields["Enc alg"] == "AES-CBC-256"
    connected.lan1.must_reach(SITE2.lan4(10), count=1)
    gateway1.show("clear ikev2 sa")
    wait_until(lambda: not gateway1.ike_sas() and not gateway2.ike_sas(), 10, "both ends' SAs gone")
    connected.lan2.must_reach(SITE1.lan4(10), count=1, wait=10)
    ike, child = gateway2.wait_for_sa()
    assert (ike.encryption, child.fields["Enc alg"]) == ("AES-GCM-128", "AES-CBC-192")


@pytest.mark.parametrize("lines", [
    ("no interface Tunnel1.0",),
    ("interface Tunnel1.0", "no tunnel mode"),
    ("interface Tunnel1.0", "no ikev2 peer"),
], ids=lambda lines: lines[-1])
def test_S4_removing_a_tunnels_definition_deletes_its_sas(connected, lines):
    gateway1, gateway2 = connected.gateway1, connected.gateway2

    gateway1.configure(*lines)

    wait_until(lambda: not gateway1.ike_sas() and not gateway2.ike_sas(), 10, "both ends' SAs gone")
    events = [event for _, event in gateway2.counters("Tunnel0.0").history]
    assert events == ["Create", "Delete : Delete IKE SA by peer"], "site 2 got a DELETE"
    received, printed = connected.lan1.ping(SITE2.lan4(10), count=1, wait=0.2)
    assert received == 0 and not gateway1.ike_sas(), printed
    connected.stop()


def test_S16_an_address_and_a_route_come_and_go_with_their_lines(connected):
    host = connected.gateway_hosts[SITE1]
    connected.gateway1.configure("ip route 198.51.100.0/24 Tunnel1.0")
    assert "198.51.100.0/24" in host.ip("route show")

    connected.gateway1.configure("no ip route 198.51.100.0/24 Tunnel1.0")

    assert "198.51.100.0/24" not in host.ip("route show")


def test_S35_write_memory_replaces_the_startup_config(connected):
    gateway = connected.gateway1
    mode = gateway.config_path.stat().st_mode
    gateway.type_lines("configure", "hostname Osaka", "ip dhcp profile kept-verbatim", "end", "write memory")

    written = gateway.config_path.read_text(encoding="utf-8")
    assert "hostname Osaka" in written and "ip dhcp profile kept-verbatim" in written, written
    assert gateway.config_path.stat().st_mode == mode
    assert gateway.show("show startup-config") == gateway.show("show running-config")
    assert [path.name for path in gateway.config_path.parent.iterdir()
            if path.name.startswith("config.")] == [], "no file is left beside it"


def test_S14_a_line_in_the_wrong_place_has_no_effect_after_write_memory_and_a_restart(connected):
    gateway = connected.gateway1
    done = gateway.feed_lines("configure", "shutdown", "terminal length 0", "ping 10.0.0.1", "end", "write memory")

    assert done.status == 1 and "it belongs under an interface" in done.stderr, str(done)
    assert "an operating command" in done.stderr, str(done)
    written = gateway.config_path.read_text(encoding="utf-8")
    assert all(word not in written for word in ("\nshutdown", "terminal", "ping")), written

    # In a file such a line is kept, and still has no effect when it has been written once more.
    gateway.stop()
    gateway.config_path.write_text(written + "exit\nshutdown\n", encoding="utf-8")
    gateway.start()
    gateway.type_lines("write memory")
    gateway.stop()
    gateway.start()
    assert "\nshutdown\n" in gateway.show("show running-config")
    connected.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)


def test_S14_ipv6_enable_lets_the_two_ends_reach_each_other_by_link_local_addresses(sites):
    sites.start("ipv6 enable")
    hosts = [(sites.gateway_hosts[SITE1], SITE1.tunnel), (sites.gateway_hosts[SITE2], SITE2.tunnel)]

    def link_local(host, tunnel):
        found = re.search(r"inet6 (fe80::\S+)/64", host.ip(f"-6 -o address show dev {tunnel} scope link"))
        return found and found.group(1)

    own = [wait_until(lambda at=at: link_local(*at), 10, "a link-local address") for at in hosts]
    assert own[0] != own[1], own
    for (host, tunnel), other in zip(hosts, reversed(own)):
        host.must_reach(f"{other}%{tunnel}", count=1, wait=10)
        # All of the link: the other end answers from its link-local address.
        received, printed = host.ping(f"ff02::1%{tunnel}", count=2)
        assert received and other in printed, printed
    sites.stop()


def test_R102_a_log_level_set_at_the_prompt_holds_at_once(connected):
    gateway = connected.gateway1
    gateway.type_lines("configure", "logging subsystem ikev2 debug", "end", "clear ikev2 sa")

    gateway.wait_for_log(r"sent 10\.1\.0\.1:500-10\.2\.0\.1:500: INFORMATIONAL request")


def test_R102_events_go_to_the_syslog_host(connected):
    lan = connected.lan1
    capture = connected.capture_lan("syslog")
    connected.gateway1.type_lines("configure", f"syslog ip host {SITE1.lan4(10)}", "syslog facility local3",
               "syslog id tokyo", "end", "clear ikev2 sa")
    connected.gateway1.wait_for_no_sa()

    lan.must_reach(SITE2.lan4(10), count=1, wait=10)

    lines = [line for (line,) in fields(capture.stop(), "syslog", "syslog.msg")]
    assert any("tokyo musubid: ikev2 warn Tunnel1.0: IKE SA deleted" in line for line in lines), lines


def test_S16_what_another_program_removes_is_restored(connected):
    host = connected.gateway_hosts[SITE1]

    host.ip("address del 10.1.0.1/15 dev ge0")
    host.ip("route del 192.168.2.0/24")

    wait_until(lambda: "10.1.0.1/15" in host.ip("address show dev ge0"), 10, "the address put back")
    wait_until(lambda: "192.168.2.0/24" in host.ip("route show"), 10, "the route put back")
    connected.gateway1.wait_for_log("put back")
    connected.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
