"""An SA between the manual's two sites from its first packet to its end."""

import pytest

from lib.capture import Capture, fields, packets
from lib.process import wait_until
from lib.sites import IKE_ON_WIRE, SITE1, SITE2

DELETE_PAYLOAD = 42


def delete_messages(path, ike):
    """Source addresses of the INFORMATIONAL requests with a DELETE payload in a capture."""
    rows = fields(path, f"isakmp.typepayload == {DELETE_PAYLOAD} and isakmp.flag_r == 0", "ip.src", ike=[ike])
    return [source for source, in rows]


@pytest.mark.parametrize("target", [SITE2.lan4(10), SITE2.lan6(10)], ids=["ipv4", "ipv6"])
def test_R13_the_packet_that_triggers_the_negotiation_is_not_lost(sites, target):
    sites.start()
    assert not sites.gateway1.ike_sas()

    sites.lan1.must_reach(target, count=1, wait=10)

    sites.stop()


def test_R13_packets_wait_while_the_sa_is_made(sites):
    sites.start()

    received, printed = sites.lan1.ping(SITE2.lan4(10), "-i", "0.002", count=20, wait=10)

    assert received == 20, printed
    sites.stop()


# Joins a group of each family on the interface: Linux then tells the network by IGMP and MLD.
JOIN_GROUPS = """
import socket, struct, sys
index = socket.if_nametoindex(sys.argv[1])
four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
four.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                struct.pack("=4s4si", socket.inet_aton("239.1.2.3"), bytes(4), index))
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
               struct.pack("=16sI", socket.inet_pton(socket.AF_INET6, "ff05::1:2:3"), index))
"""


def test_S6_packets_of_linux_itself_trigger_nothing(sites):
    sites.start()
    capture = sites.capture("idle")
    host = sites.gateway1.host
    reports = Capture(sites.lab, host, "Tunnel1.0", "reports")

    host.run("/usr/bin/python3", "-c", JOIN_GROUPS, "Tunnel1.0")

    # 143 is the type of MLD's second version (RFC 3810), behind a hop-by-hop header of 8 octets.
    wait_until(lambda: packets(reports.path, "igmp") and packets(reports.path, "ip6[48] == 143"),
               timeout=20, what="Linux reports the groups")
    reports.stop()
    assert not packets(capture.stop(), IKE_ON_WIRE)
    assert not sites.gateway1.ike_sas()


def test_R13_multicast_that_a_program_sends_triggers(sites):
    """A routing protocol begins so, with ff02::5 or 224.0.0.5."""
    sites.start()

    def sa_after_a_packet():
        sites.gateway1.host.run("ping", "-c", "1", "-W", "1", "ff02::1%Tunnel1.0")
        return sites.gateway1.ike_sas()

    wait_until(sa_after_a_packet, timeout=20, what="an SA after a packet to ff02::1")
    sites.stop()


def test_R43_auto_makes_the_sa_without_traffic(sites):
    sites.start("ikev2 connect-type auto")

    for gateway in (sites.gateway1, sites.gateway2):
        gateway.wait_for_sa(timeout=25)

    sites.ping_lans()
    sites.stop()


def test_R12_clear_sends_delete_and_a_packet_makes_a_new_sa(connected):
    old, _ = connected.gateway1.wait_for_sa()
    capture = connected.capture("clear")

    connected.gateway1.show("clear ikev2 sa")

    connected.gateway1.wait_for_no_sa()
    connected.gateway2.wait_for_no_sa()
    assert delete_messages(capture.stop(), old) == [SITE1.wan]
    events = [event for _, event in connected.gateway1.counters("Tunnel1.0").history]
    assert len(events) == 2 and events[0] == "Create" and events[1].startswith("Delete : "), events
    connected.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    new, _ = connected.gateway1.wait_for_sa()
    assert new.initiator_spi != old.initiator_spi
    connected.stop()


def test_a_gateway_that_stops_deletes_its_sas(connected):
    ike, _ = connected.gateway1.wait_for_sa()
    capture = connected.capture("stop")

    connected.gateway1.stop()

    connected.gateway2.wait_for_no_sa()
    assert delete_messages(capture.stop(), ike) == [SITE1.wan]
    connected.gateway2.stop()


def test_R10_no_child_sa_outlives_its_ike_sa(connected):
    connected.gateway1.show("clear ikev2 sa")
    connected.gateway1.wait_for_no_sa()

    assert not connected.gateway1.child_sas()
    wait_until(lambda: not connected.gateway2.child_sas(), 10, "no Child SA left at site 2")


def test_R9_each_side_keeps_its_own_lifetimes(sites):
    sites.start("ikev2 sa-lifetime 5000\nikev2 child-lifetime 4000", at_site2="")

    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)

    lifetimes = []
    for gateway in (sites.gateway1, sites.gateway2):
        ike, child = gateway.wait_for_sa()
        lifetimes.append([int(shown.fields["Remain lifetime[sec]"]) for shown in (ike, child)])
    (ike1, child1), (ike2, child2) = lifetimes
    assert 4900 < ike1 <= 5000 and 3900 < child1 <= 4000, lifetimes
    assert 86300 < ike2 <= 86400 and 28700 < child2 <= 28800, lifetimes
    sites.stop()


def test_R64_history_has_the_last_ten_events_oldest_first(connected):
    gateway = connected.gateway1
    for _ in range(5):
        gateway.show("clear ikev2 sa")
        gateway.wait_for_no_sa()
        connected.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    connected.gateway2.show("clear ikev2 sa")
    gateway.wait_for_no_sa()

    history = gateway.counters("Tunnel1.0").history

    by_command = ["Create", "Delete : Delete IKE SA by command"]
    assert [event for _, event in history] == 4 * by_command + ["Create", "Delete : Delete IKE SA by peer"]
    times = [time for time, _ in history]
    assert times == sorted(times), times


def test_R63_S5_suppressed_delete_is_not_sent_and_the_sa_is_removed_at_once(sites):
    sites.start("ikev2 suppress send-delete", at_site2="")
    sites.gateway1.wait_for_log("`suppress send-delete` without `suppress send-rekey`")
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    old, _ = sites.gateway2.wait_for_sa()
    capture = sites.capture("suppressed")

    with sites.without_esp():   # by ESP of site 2, site 1 would know that site 2 still has the SA, and begin anew (S46)
        sites.gateway1.show("clear ikev2 sa")

        assert not sites.gateway1.ike_sas()
        kept, _ = sites.gateway2.wait_for_sa()
        assert kept.responder_spi == old.responder_spi
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    wait_until(lambda: len(sites.gateway2.ike_sas()) == 1, 10, "INITIAL_CONTACT leaves one SA at site 2")
    assert not delete_messages(capture.stop(), old)
    sites.stop()


def test_S23_a_responder_starts_nothing_and_an_initiator_answers_nothing(sites):
    sites.start("ikev2 negotiation-direction responder", at_site2="")
    capture = sites.capture("responder")
    received, printed = sites.lan1.ping(SITE2.lan4(10), count=1, wait=0.3)
    assert received == 0 and not packets(capture.stop(), IKE_ON_WIRE), printed
    sites.lan2.must_reach(SITE1.lan4(10), count=1, wait=10)

    sites.gateway1.configure("interface Tunnel1.0", "ikev2 negotiation-direction initiator")
    sites.gateway1.show("clear ikev2 sa")
    sites.gateway2.wait_for_no_sa()
    capture = sites.capture("initiator")
    received, printed = sites.lan2.ping(SITE1.lan4(10), count=1, wait=0.3)

    assert received == 0, printed
    wait_until(lambda: packets(capture.path, f"({IKE_ON_WIRE}) and src {SITE2.wan}"), 10, "site 2 asks")
    assert not packets(capture.stop(), f"({IKE_ON_WIRE}) and src {SITE1.wan}"), "site 1 does not answer"
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    sites.stop()


def test_S16_what_linux_had_before_is_left_alone(sites):
    host = sites.gateway_hosts[SITE1]
    host.ip("address add 10.1.7.7/32 dev ge0")
    host.ip("route add 198.51.100.0/24 dev ge0")
    host.ip("rule add priority 1000 from 10.1.7.7 lookup main")

    sites.start()
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    sites.stop()    # compares the network with what it was before

    assert "10.1.7.7" in host.ip("address show dev ge0")
    assert "198.51.100.0/24" in host.ip("route show")


def test_R14_a_gateway_restarted_after_sigterm_connects_again(connected):
    connected.gateway2.stop()
    connected.gateway2.start()

    connected.lan2.must_reach(SITE1.lan4(10), count=1, wait=10)

    connected.lan1.must_reach(SITE2.lan4(10))
    connected.stop()


def test_R14_S16_a_killed_gateway_starts_again_connects_and_leaves_nothing(connected):
    untouched = connected.gateway2.footprint_before
    connected.gateway2.kill()

    connected.gateway2.start()
    connected.lan2.must_reach(SITE1.lan4(10), count=1, wait=10)

    wait_until(lambda: len(connected.gateway1.ike_sas()) == 1, 10,
               f"INITIAL_CONTACT leaves one SA at site 1, not {connected.gateway1.ike_sas()}")
    connected.lan1.must_reach(SITE2.lan4(10))
    connected.gateway2.footprint_before = untouched
    connected.stop()


def test_S34_a_wrong_key_is_reported_without_showing_it(sites):
    gateway2 = sites.gateway(SITE2)
    config = gateway2.config_path.read_text(encoding="ascii").replace("site1 key char secret1",
                                                                      "site1 key char not-the-secret")
    gateway2.config_path.write_text(config, encoding="ascii")
    gateway1 = sites.gateway(SITE1).start()
    gateway2.start()

    received, printed = sites.lan1.ping(SITE2.lan4(10), count=1, wait=2)

    assert received == 0, printed
    gateway2.wait_for_log(r"Tunnel0\.0.*")
    assert not [ike for ike in gateway2.ike_sas() if ike.established]
    assert not [ike for ike in gateway1.ike_sas() if ike.established]
    for log in (gateway1.log, gateway2.log):
        assert "secret" not in log, log
    gateway1.stop()
    gateway2.stop()
