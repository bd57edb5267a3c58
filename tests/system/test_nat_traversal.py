"""`nat-traversal force` between the manual's two sites: ESP in UDP, without a NAT."""

import pytest

from lib.capture import fields, packets
from lib.sites import ESP_ON_WIRE, SITE1, SITE2, TwoSites

NON_ESP_MARKER = "00000000"


@pytest.fixture(scope="module")
def sites(module_lab):
    """Both gateways up with `force`, and a capture that began before the first packet."""
    two_sites = TwoSites(module_lab)
    two_sites.first_exchange = two_sites.capture("first")
    two_sites.start("ikev2 nat-traversal keepalive 20 force")
    two_sites.ping_lans(wait=10)
    two_sites.first_exchange = two_sites.first_exchange.stop()
    yield two_sites
    two_sites.stop()


def test_R76_ike_moves_to_port_4500_after_ike_sa_init(sites):
    rows = fields(sites.first_exchange, "isakmp", "isakmp.exchangetype", "udp.srcport", "udp.dstport")

    ike_sa_init, ike_auth = "34", "35"
    assert rows[:2] == [(ike_sa_init, "500", "500")] * 2, rows
    assert rows[2:4] == [(ike_auth, "4500", "4500")] * 2, rows


def test_R76_esp_is_only_in_udp_4500(sites):
    assert not packets(sites.first_exchange, ESP_ON_WIRE)
    assert len(packets(sites.first_exchange, f"udp port 4500 and udp[8:4] != 0x{NON_ESP_MARKER}")) >= 16


def test_R100_show_ikev2_sa_shows_nat_traversal_after_dpd(sites):
    shown = sites.gateway1.show("show ikev2 sa").splitlines()

    dpd = shown.index("    DPD : 10 sec")
    assert shown[dpd + 1].startswith("    NAT detection : "), shown
    assert shown[dpd + 2] == "    NAT-T keepalive interval[sec] : 20", shown
    assert shown[dpd + 3] == "    Child", shown


def test_R100_show_ikev2_sa_shows_the_ports(sites):
    ike, _ = sites.gateway1.wait_for_sa()

    assert ike.fields["Local Addr"] == "10.1.0.1:4500"
    assert ike.fields["Remote Addr"] == "10.2.0.1:4500"


def test_S9_a_keepalive_is_neither_answered_nor_counted_as_esp(sites):
    before = sites.gateway1.counters("Tunnel1.0").inbound
    capture = sites.capture("keepalive")

    # The octet 0xff alone, as if from site 2.
    with sites.gateway2.host.udp_socket("10.2.0.1", 0) as socket:
        socket.sendto(b"\xff", (SITE1.wan, 4500))
    sites.lan1.must_reach(SITE2.lan4(10))

    after = sites.gateway1.counters("Tunnel1.0").inbound
    assert {name: count - before[name] for name, count in after.items() if count != before[name]} \
        == {"packets": 2, "octets": 168}
    assert len(packets(capture.stop(), "udp and src host 10.1.0.1 and udp[4:2] = 9")) == 0


def test_oversize_packets_arrive(sites):
    sites.lan1.must_reach(SITE2.lan4(10), "-s", 3000, "-M", "dont")


@pytest.mark.parametrize("family", [4, 6])
def test_tcp_flows_through_the_tunnel(sites, family):
    assert sites.iperf3(family)["bytes"] > 1_000_000
