"""Lists 2.25.1 and 2.25.2 of the manual, word for word: two sites, one tunnel, traffic and the output of `show`."""

import re

import pytest

from lib.capture import count_octets, packets
from lib.sites import ESP_ON_WIRE, EXPECTED_ON_WIRE, MANUAL, PING_PAYLOAD, SITE1, SITE2, TwoSites

ALL_IPV4 = ("IPV4-ADDR-RANGE", ("0.0.0.0", "255.255.255.255"))
ALL_IPV6 = ("IPV6-ADDR-RANGE", ("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))


@pytest.fixture(scope="module")
def sites(module_lab):
    """Both gateways up, with an SA that a packet triggered."""
    two_sites = TwoSites(module_lab).start()
    two_sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    yield two_sites
    two_sites.stop()


def layout(text):
    """The output of `show` without its values: labels, indentation and order stay, repeated selectors become one."""
    text = re.sub(r" : .*", " : …", text)
    text = re.sub(r"0x[0-9a-f]+", "0x…", text)
    text = re.sub(r"(?<=  )\d{4}/\d\d/\d\d .*\n", "", text)
    text = re.sub(r"(Interface )\S+", r"\1…", text)
    text = re.sub(r"(Range ).*", r"\1…", text)
    text = re.sub(r"(?<=[ ])\d+\b", "N", text)
    return re.sub(r"(      TS type : …\n.*\n.*\n.*\n)\1+", r"\1", text).rstrip() + "\n"


def test_R8_lans_reach_each_other_over_ipv4_and_ipv6(sites):
    sites.ping_lans()

    assert len(sites.gateway1.child_sas()) == 1, "both families travel in one Child SA"


def test_R24_proposals_pinned_on_one_side_hold_for_both(sites):
    for gateway in (sites.gateway1, sites.gateway2):
        ike, child = gateway.wait_for_sa()

        assert ike.fields["Encryption alg"] == "AES-CBC-256", ike
        assert ike.fields["Integrity alg"] == "HMAC-SHA1-96", ike
        assert ike.fields["PRF alg"] == "HMAC-SHA1", ike
        assert ike.fields["DH group"] == "MODP-3072", f"the largest group that both have (S10): {ike}"
        assert child.fields["Enc alg"] == "AES-CBC-256", child
        assert child.fields["Hash alg"] == "HMAC-SHA1-96", child


def test_R100_show_ikev2_sa_has_the_layout_of_list_2_25_17(sites):
    sites.gateway1.wait_for_sa()

    shown = sites.gateway1.show("show ikev2 sa")

    assert layout(shown) == layout((MANUAL / "list-2.25.17.txt").read_text(encoding="utf-8")), shown


def test_R101_show_ikev2_child_sa_has_the_layout_of_list_2_25_18(sites):
    sites.gateway1.wait_for_sa()

    shown = sites.gateway1.show("show ikev2 child-sa")

    assert layout(shown) == layout((MANUAL / "list-2.25.18.txt").read_text(encoding="utf-8")), shown


def test_R100_show_ikev2_sa_shows_ends_identities_and_policy(sites):
    ike, _ = sites.gateway1.wait_for_sa()

    expected = {"Direction": "initiator", "Local Addr": "10.1.0.1:500", "Remote Addr": "10.2.0.1:500",
                "Local ID": "KEY-ID site1", "Peer ID": "KEY-ID site2", "Status": "establish",
                "PFS": "MODP-2048", "DPD": "10 sec"}
    assert {label: ike.fields.get(label) for label in expected} == expected
    assert ike.interface == "Tunnel1.0"
    assert 0 < int(ike.fields["Remain lifetime[sec]"]) <= 86400


def test_R100_show_ikev2_sa_takes_an_interface(sites):
    assert sites.gateway1.show("show ikev2 sa Tunnel1.0").startswith("Interface Tunnel1.0\n")


def test_R100_R101_the_keys_of_both_ends_are_the_same(sites):
    ike1, child1 = sites.gateway1.wait_for_sa()
    ike2, child2 = sites.gateway2.wait_for_sa()

    assert (ike1.initiator_spi, ike1.responder_spi) == (ike2.initiator_spi, ike2.responder_spi)
    assert ike1.keys == ike2.keys
    assert all(len(key) > len("0x") for key in ike1.keys.values()), f"printed in full: {ike1.keys}"
    for ours, theirs in ((child1.outbound, child2.inbound), (child1.inbound, child2.outbound)):
        assert {name: ours[name] for name in ("SPI", "Authkey", "Enckey")} == \
            {name: theirs[name] for name in ("SPI", "Authkey", "Enckey")}


def test_R71_selectors_are_all_of_ipv4_and_ipv6(sites):
    _, child = sites.gateway2.wait_for_sa()

    for selectors in (child.local_ts, child.peer_ts):
        assert {(ts.kind, ts.addresses) for ts in selectors} == {ALL_IPV4, ALL_IPV6}, selectors
        assert all((ts.protocol, ts.ports) == (0, (0, 65535)) for ts in selectors), selectors


def test_R8_no_inner_packet_leaves_in_the_clear(sites):
    wire, lan = sites.capture("wire"), sites.capture_lan("lan")

    sites.ping_lans("-p", PING_PAYLOAD.hex())

    wire, lan = wire.stop(), lan.stop()
    assert len(packets(wire, ESP_ON_WIRE)) >= 16, "8 pings and their answers"
    assert not packets(wire, f"not ({EXPECTED_ON_WIRE})")
    assert count_octets(lan, PING_PAYLOAD) >= 16, "the same search finds the payload on the LAN"
    assert count_octets(wire, PING_PAYLOAD) == 0


def test_R44_with_a_next_hop_the_routing_table_is_not_used(sites):
    # Site 2's peer is on a connected network by its address, but no host there has it.
    route = sites.gateway2.host.ip("route get 10.1.0.1")
    assert " via " not in route, f"the routing table leads elsewhere: {route}"

    sites.lan2.must_reach(SITE1.lan4(10))


@pytest.mark.parametrize("size", [1400, 1472, 3000, 9000])
def test_R72_oversize_packets_without_df_arrive(sites, size):
    sites.lan1.must_reach(SITE2.lan4(10), "-s", size, "-M", "dont")


def test_R72_oversize_ipv6_packets_arrive_in_fragments_of_the_size_told(sites):
    _, printed = sites.lan1.ping(SITE2.lan6(10), "-s", 3000, count=1, wait=1)
    assert "Packet too big: mtu=1438" in printed, printed
    sites.lan1.ping(SITE2.lan6(10), "-s", 3000, count=1, wait=1)    # now the host that answers is told too

    sites.lan1.must_reach(SITE2.lan6(10), "-s", 3000)


@pytest.mark.parametrize("family", [4, 6])
def test_tcp_flows_through_the_tunnel(sites, family):
    result = sites.iperf3(family)

    assert result["bytes"] > 1_000_000, result


def test_R101_counters_count_packets_of_both_directions(sites):
    before = sites.gateway1.counters("Tunnel1.0")

    sites.lan1.must_reach(SITE2.lan4(10), count=5)

    after = sites.gateway1.counters("Tunnel1.0")
    for old, new in ((before.outbound, after.outbound), (before.inbound, after.inbound)):
        assert new["packets"] - old["packets"] >= 5, (old, new)
        assert new["octets"] - old["octets"] >= 5 * 84, f"inner packets of 84 octets: {old} {new}"


def test_R64_history_has_the_new_sa(sites):
    history = sites.gateway1.counters("Tunnel1.0").history

    assert [event for _, event in history] == ["Create"], history


def test_show_running_config_has_every_line_of_the_list(sites):
    running = [line.strip() for line in sites.gateway1.show("show running-config").splitlines()]

    listed = (MANUAL / "list-2.25.1.conf").read_text(encoding="ascii").splitlines()
    missing = [line for line in listed if line.strip() not in running]
    assert not missing, f"{missing} not in:\n{running}"


def test_show_interfaces_names_every_interface(sites):
    shown = sites.gateway1.show("show interfaces")

    for name in ("GigaEthernet0.0", "GigaEthernet1.0", "Tunnel1.0"):
        assert f"{name}" in shown, shown


def test_S18_neither_secrets_nor_keys_are_in_the_log(sites):
    ike, child = sites.gateway1.wait_for_sa()
    hidden = ["secret1", "secret2", *(key[2:] for key in ike.keys.values()),
              child.outbound["Enckey"][2:], child.inbound["Enckey"][2:]]

    log = sites.gateway1.log

    found = [secret for secret in hidden if secret in log]
    assert not found, f"{found} in the log:\n{log}"


def test_R102_a_new_sa_is_logged_at_level_warn(sites):
    sites.gateway1.wait_for_log(r"Tunnel1\.0")
