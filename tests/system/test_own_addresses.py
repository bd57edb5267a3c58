"""Own addresses that go away or are replaced under an SA (S40), and addresses that do not serve yet (S41).

The far gateway knows the near one by its ID alone. The near one's outer addresses are the test's, as a DHCP client
would set them, or those of its config.
"""

import re

import pytest

from lib.direct import FAR, NEAR, MusubiPair, config
from lib.lab import wire
from lib.musubi import Musubi
from lib.process import wait_until

AUTO = "ikev2 connect-type auto\n"
FROM_ANYWHERE = "ikev2 peer any authentication psk id keyid site1\n"
OLD = {4: NEAR.outer4, 6: NEAR.outer6}
NEW = {4: "10.9.0.11", 6: "2001:db8:9::11"}
LENGTH = {4: 24, 6: 64}


def change_address(host, family, old, new, interface="ge0"):
    """Take one address away and add another, as a DHCP client does whose lease was not renewed."""
    if old:
        host.ip(f"address del {old}/{LENGTH[family]} dev {interface}")
    if new:
        host.address(interface, f"{new}/{LENGTH[family]}")


def without_outer_addresses(text):
    return re.sub(r"(interface GigaEthernet0\.0\n)(  ip.* address .*\n)+", r"\1", text)


def start_pair(lab, family, near_lines, far_lines="", near_config=without_outer_addresses):
    """Both gateways, with an SA; returns the pair and the two."""
    pair = MusubiPair(lab)
    if near_config is without_outer_addresses:
        pair.host.address("ge0", f"{OLD[family]}/{LENGTH[family]}")
    far = Musubi(lab, pair.far_host, config(FAR, NEAR, family, FROM_ANYWHERE + far_lines)).start()
    near = Musubi(lab, pair.host, near_config(config(NEAR, FAR, family, near_lines))).start()
    if "auto" in near_lines:
        near.wait_for_sa(timeout=15)
    pair.must_reach_far(count=1, wait=15)
    return pair, near, far


def serials(gateway):
    return [(sa.fields["Serial"], [child.spi_in for child in sa.children]) for sa in gateway.ike_sas()]


def shown_source(gateway):
    """Whence the SA is, as `show interfaces` has it."""
    found = re.search(r"SA : established, from (\S+?)(,.*)?$", gateway.show("show interfaces Tunnel1.0"), re.MULTILINE)
    return found and found.group(1)


def wait_for_source(near, address, timeout=15):
    wait_until(lambda: shown_source(near) == address, timeout, f"an SA from {address}")


@pytest.mark.parametrize("family", [4, 6])
def test_S40_an_address_that_is_replaced_gets_a_new_sa_without_traffic(lab, family):
    pair, near, far = start_pair(lab, family, AUTO)
    assert shown_source(near) == OLD[family]

    change_address(pair.host, family, OLD[family], NEW[family])

    wait_for_source(near, NEW[family])
    near.wait_for_log(rf"own address {OLD[family]} is gone: a new IKE SA is made from {NEW[family]}\n")
    pair.must_reach_far(count=1)
    wait_until(lambda: len(near.ike_sas()) == 1 and len(far.ike_sas()) == 1, 10, "one SA at each end")


@pytest.mark.parametrize("family", [4, 6])
def test_S40_a_packet_makes_the_new_sa_in_trigger_mode(lab, family):
    pair, near, far = start_pair(lab, family, "")

    change_address(pair.host, family, OLD[family], NEW[family])
    near.wait_for_log(rf"own address {OLD[family]} is gone: a new IKE SA is made from {NEW[family]} as soon as a packet")

    assert f"from {OLD[family]}, which is not used any more" in near.show("show interfaces Tunnel1.0")
    pair.must_reach_far(count=1, wait=10)   # the first packet waits, and is not lost (R13)
    assert shown_source(near) == NEW[family]
    wait_until(lambda: len(near.ike_sas()) == 1 and len(far.ike_sas()) == 1, 10, "one SA at each end")


def test_S40_a_deprecated_address_gives_way_to_the_new_one(lab):
    """A provider gives another IPv6 prefix: the old address stays for hours, but nothing new begins from it."""
    pair, near, far = start_pair(lab, 6, AUTO)

    pair.host.ip(f"address change {OLD[6]}/{LENGTH[6]} dev ge0 preferred_lft 0 valid_lft 7200")
    pair.host.address("ge0", f"{NEW[6]}/{LENGTH[6]}")

    wait_for_source(near, NEW[6])
    pair.must_reach_far(count=1, wait=10)


def test_S40_an_sa_without_another_source_goes_on_when_its_address_is_back(lab):
    pair, near, far = start_pair(lab, 4, AUTO)
    before = serials(near)
    change_address(pair.host, 4, OLD[4], None)
    wait_until(lambda: "no route to the peer" in near.show("show interfaces Tunnel1.0"), 10, "no route")

    change_address(pair.host, 4, None, OLD[4])
    wait_until(lambda: "no route to the peer" not in near.show("show interfaces Tunnel1.0"), 10, "the route again")

    pair.must_reach_far(count=1, wait=10)
    assert serials(near) == before


def test_S40_a_responder_ends_the_sa_of_an_address_that_has_been_away_for_30_seconds(lab):
    pair, near, far = start_pair(lab, 4, "", near_config=lambda text: text)
    far.configure("interface GigaEthernet0.0", "ip address 10.9.0.22/24")

    far.wait_for_log(rf"own address {FAR.outer4} has been gone for 30 seconds", timeout=45)

    far.wait_for_no_sa()
    assert "Delete : own address gone" in far.show("show ikev2 child-sa")


@pytest.mark.parametrize("family", [4, 6])
def test_S40_S41_a_link_that_flaps_keeps_the_sa_and_is_nobodys_doing(lab, family):
    pair, near, far = start_pair(lab, family, AUTO, near_config=lambda text: text)
    pair.host.sysctl(net__ipv6__conf__ge0__accept_dad=1)
    before = serials(near)

    for _ in range(2):
        pair.host.ip("link set ge0 down")
        pair.host.ip("link set ge0 up")
        wait_until(lambda: pair.lan.ping(FAR.inner4, count=1, wait=1)[0] == 1, 15, "packets pass again")

    assert serials(near) == before
    for unwanted in ("own address", "taken away", "no answer"):
        assert unwanted not in near.log, near.log


def test_S40_a_second_wan_takes_over_by_a_change_of_the_routing_table(lab):
    pair = MusubiPair(lab)
    internet = lab.namespace("internet", forward=True)
    for host, interface, number in ((pair.host, "wan1", 1), (pair.host, "wan2", 2), (pair.far_host, "wan", 3)):
        wire(host, interface, internet, f"to{number}")
        host.address(interface, f"10.8.{number}.1/24")
        internet.address(f"to{number}", f"10.8.{number}.254/24")
    pair.far_host.ip("route add default via 10.8.3.254")
    pair.host.ip("route add default via 10.8.1.254 metric 10")
    pair.host.ip("route add default via 10.8.2.254 metric 20")
    far = Musubi(lab, pair.far_host, config(FAR, NEAR, 4, FROM_ANYWHERE)).start()
    near = Musubi(lab, pair.host,
                  config(NEAR, FAR, 4, f"{AUTO}ikev2 peer 10.8.3.1 authentication psk id keyid site2\n")).start()
    near.wait_for_sa(timeout=15)
    assert shown_source(near) == "10.8.1.1"

    pair.host.ip("route del default via 10.8.1.254 metric 10")

    wait_for_source(near, "10.8.2.1")
    near.wait_for_log("own address 10.8.1.1 is not the source to the peer any more: a new IKE SA is made from 10.8.2.1")
    pair.must_reach_far(count=1)


def test_S41_a_negotiation_waits_for_an_address_that_is_tentative(lab):
    pair = MusubiPair(lab)
    far = Musubi(lab, pair.far_host, config(FAR, NEAR, 6, FROM_ANYWHERE)).start()
    # So many probes, a second apart, that the address is still tentative when a slow start is through.
    pair.host.sysctl(net__ipv6__conf__ge0__accept_dad=1, net__ipv6__conf__ge0__dad_transmits=6)
    near = Musubi(lab, pair.host, config(NEAR, FAR, 6, AUTO)).start()
    assert "tentative" in pair.host.ip("-6 address show dev ge0"), "else the test shows nothing"

    near.wait_for_sa(timeout=30)

    assert near.ike_sas()[0].fields["Serial"] == "1", f"the first negotiation has made it\n{near.log}"
    assert shown_source(near) == NEAR.outer6
    assert "own address" not in near.log and "no answer" not in near.log, near.log


def test_S41_an_address_that_failed_duplicate_detection_is_none(lab):
    pair = MusubiPair(lab)
    pair.far_host.address("ge0", f"{NEAR.outer6}/64")
    far = Musubi(lab, pair.far_host, config(FAR, NEAR, 6, FROM_ANYWHERE)).start()
    pair.host.sysctl(net__ipv6__conf__ge0__accept_dad=1)
    near = Musubi(lab, pair.host, config(NEAR, FAR, 6, AUTO)).start()
    wait_until(lambda: "dadfailed" in pair.host.ip("-6 address show dev ge0"), 10, "the failure")
    assert f"from {NEAR.outer6}" not in near.show("show interfaces Tunnel1.0")

    pair.host.address("ge0", f"{NEW[6]}/64")

    wait_for_source(near, NEW[6])
