"""ESP that a gateway has to drop: replayed, forged, truncated, of an unknown SPI."""

import socket
import struct

import pytest

from lib import ikev2
from lib.capture import packets
from lib.frames import Wire, esp_frames, esp_of, with_esp
from lib.ikev2 import payload
from lib.process import wait_until
from lib.scripted_peer import init_request
from lib.sites import IKE_ON_WIRE, SITE1, SITE2, TwoSites

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

UDP_SEGMENT = 103   # of linux/udp.h
SEQUENCE_NUMBER = slice(4, 8)


@pytest.fixture(scope="module")
def sites(module_lab):
    two_sites = TwoSites(module_lab).start()
    two_sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    yield two_sites
    two_sites.stop()


@pytest.fixture(scope="module")
def wire(module_lab, sites):
    return Wire(module_lab, sites)


def esp_to_site1(sites, count):
    """The frames of ESP in which LAN 2 answered `count` pings of LAN 1."""
    capture = sites.capture("esp")
    sites.lan1.must_reach(SITE2.lan4(10), count=count)
    frames = esp_frames(capture.stop(), SITE2)
    assert len(frames) >= count, f"{len(frames)} frames of ESP"
    return frames[:count]


@pytest.fixture(autouse=True)
def traffic_goes_on(sites):
    """Whatever a test sends, the tunnel carries traffic afterwards."""
    yield
    sites.lan1.must_reach(SITE2.lan4(10))
    sites.gateway1.must_be_alive()


def inbound(sites):
    return sites.gateway1.counters("Tunnel1.0").inbound


def wait_for_count(sites, before, name, more):
    """Wait until a counter has grown by exactly `more`, and check that no packet was accepted."""
    def grown():
        return inbound(sites)[name] - before[name] >= more
    try:
        wait_until(grown, 5, name)
    except AssertionError:
        raise AssertionError(f"{name!r} has not grown by {more}: {before}, now {inbound(sites)}") from None
    after = inbound(sites)
    assert after[name] - before[name] == more, (before, after)
    assert after["packets"] == before["packets"], f"a bad packet was taken: {before} {after}"


def test_R70_replayed_packets_are_dropped_and_counted(sites, wire):
    frames = esp_to_site1(sites, 5)
    before = inbound(sites)

    wire.send(frames)

    wait_for_count(sites, before, "replay detected", 5)


def test_R70_replayed_packets_do_not_reach_the_lan(sites, wire):
    frames = esp_to_site1(sites, 5)
    lan = sites.capture_lan("replayed")
    before = inbound(sites)

    wire.send(frames)

    wait_for_count(sites, before, "replay detected", 5)
    assert not packets(lan.stop(), "icmp")


def test_R70_packets_out_of_order_are_accepted_once(sites, wire):
    example = esp_to_site1(sites, 1)[0]
    held_back = hold_back(sites, 20, example)
    before = inbound(sites)

    wire.send(reversed(held_back))
    wait_until(lambda: inbound(sites)["packets"] == before["packets"] + 20, 5,
               f"20 packets in reverse order: {before}, now {inbound(sites)}")

    between = inbound(sites)
    wire.send(held_back)
    wait_for_count(sites, between, "replay detected", 20)


def hold_back(sites, count, example):
    """Drop `count` packets of site 2 at the router; returns them as frames for site 1's wire."""
    capture = sites.capture("held", SITE2)
    with sites.without_esp():
        sites.lan2.ping(SITE1.lan4(10), count=count, wait=1)
    held = [with_esp(example, esp_of(frame)) for frame in esp_frames(capture.stop(), SITE2)]
    assert len(held) == count, f"{len(held)} frames held back"
    return held


@pytest.mark.parametrize("at", [8, 30, -13, -1], ids=["IV", "ciphertext", "padding", "ICV"])
def test_S9_a_forged_packet_is_dropped_and_counted(sites, wire, at):
    frame = esp_to_site1(sites, 1)[0]
    esp = esp_of(frame)
    esp[SEQUENCE_NUMBER] = (int.from_bytes(esp[SEQUENCE_NUMBER], "big") + 500).to_bytes(4, "big")
    esp[at] ^= 1
    before = inbound(sites)

    wire.send([with_esp(frame, esp)])

    wait_for_count(sites, before, "integrity failure", 1)


def test_S9_a_forged_sequence_number_does_not_move_the_window(sites, wire):
    frame = esp_to_site1(sites, 1)[0]
    esp = esp_of(frame)
    esp[SEQUENCE_NUMBER] = b"\xff\xff\xff\x00"
    before = inbound(sites)

    wire.send([with_esp(frame, esp)])

    wait_for_count(sites, before, "integrity failure", 1)
    sites.lan1.must_reach(SITE2.lan4(10), count=5)
    assert inbound(sites)["replay detected"] == before["replay detected"]


def test_S9_truncated_packets_are_dropped_and_counted(sites, wire):
    frame = esp_to_site1(sites, 1)[0]
    esp = esp_of(frame)
    before = inbound(sites)

    # The minimum is SPI, sequence number, IV, one block and ICV. Shorter packets are dropped before the replay check.
    wire.send([with_esp(frame, esp[:length]) for length in range(8, 8 + 16 + 16 + 12)])

    wait_for_count(sites, before, "packet truncated", 16 + 16 + 12)


def test_S9_packets_without_a_whole_header_do_no_harm(sites, wire):
    frame = esp_to_site1(sites, 1)[0]
    esp = esp_of(frame)
    before = inbound(sites)

    wire.send([with_esp(frame, esp[:length]) for length in range(8)])

    assert inbound(sites)["packets"] == before["packets"]


@pytest.mark.parametrize("spi", [b"\x00\x00\x00\x00", b"\x00\x00\x00\xff", b"\xde\xad\xbe\xef"],
                         ids=["0", "255", "unknown"])
def test_S9_esp_of_an_unknown_spi_is_dropped_and_starts_nothing(sites, wire, spi):
    frame = esp_to_site1(sites, 1)[0]
    esp = spi + esp_of(frame)[4:]
    capture = sites.capture("no-sa")
    before = inbound(sites)

    wire.send([with_esp(frame, esp)] * 10)

    sites.lan1.must_reach(SITE2.lan4(10), count=1)
    exchanges = packets(capture.stop(), f"({IKE_ON_WIRE}) and udp[26] = 34")
    assert not exchanges, f"IKE_SA_INIT: {exchanges}"
    after = inbound(sites)
    assert after["packets"] - before["packets"] == 1, (before, after)


def send_merged(udp, datagrams):
    """Send datagrams such that they arrive merged: all as long as the first, but for the last, which may be shorter."""
    udp.sendmsg([b"".join(datagrams)], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", len(datagrams[0])))])


@pytest.mark.parametrize("first", ["ESP", "IKE"])
def test_S9_ike_and_esp_that_linux_has_merged_are_told_apart(sites, first):
    esp = bytes(esp_of(esp_to_site1(sites, 1)[0]))
    filling = payload(ikev2.NOTIFY, ikev2.notify_body(40000, bytes(len(esp))))
    request = bytes(4) + init_request([filling] if first == "IKE" else [], version=0x30)
    before = inbound(sites)

    with sites.internet.udp_socket(SITE1.next_hop, 0) as udp:
        udp.connect((SITE1.wan, 4500))
        udp.settimeout(5)
        send_merged(udp, [esp, request] if first == "ESP" else [request, esp])
        answer = udp.recv(65535)

    assert answer[:4] == bytes(4) and ikev2.INVALID_MAJOR_VERSION in ikev2.read(answer[4:]).notifies(), answer
    wait_for_count(sites, before, "replay detected", 1)


def test_S9_esp_in_udp_is_accepted_on_any_sa(sites, wire):
    example = esp_to_site1(sites, 1)[0]
    held_back = hold_back(sites, 3, example)
    before = inbound(sites)

    wire.send([Ether(src=frame.src, dst=frame.dst) / IP(src=frame[IP].src, dst=frame[IP].dst) /
               UDP(sport=4500, dport=4500) / Raw(bytes(esp_of(Ether(bytes(frame))))) for frame in held_back])

    wait_until(lambda: inbound(sites)["packets"] == before["packets"] + 3, 5,
               f"3 packets in UDP: {before}, now {inbound(sites)}")
