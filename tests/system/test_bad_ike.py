"""IKE messages that no well-behaved peer would send, before anybody is authenticated."""

import os
import random
import select
import struct

import pytest

from lib import ikev2
from lib.direct import NEAR
from lib.ikev2 import payload
from lib.scripted_peer import (SHORT_GROUP, SHORT_OCTETS, SHORT_SUITE, ScriptedPeer, init_request,
                               must_be_refused, mutated, short_payloads, with_payload)


@pytest.fixture(scope="module")
def peer(module_lab):
    one = ScriptedPeer(module_lab)
    yield one
    one.gateway.stop()


@pytest.fixture(autouse=True)
def alive(peer):
    """Whatever a test sends, every process of the gateway survives it."""
    yield
    peer.gateway.must_be_alive()


# Truncated, oversized, wrong lengths

@pytest.mark.parametrize("length", [0, 1, 4, 27, 28, 29, 31, 32, 36, 44, 60, 100, -33, -1])
def test_S9_a_truncated_message_is_dropped(peer, length):
    assert peer.answers(init_request()[:length]) == []


@pytest.mark.parametrize("length", [0, 27, 28, 29, 0x7fffffff, 0x80000000, 0xffffffff])
def test_S9_a_message_with_a_wrong_length_is_refused(peer, length):
    octets = bytearray(init_request())
    octets[24:28] = struct.pack("!I", length)

    must_be_refused(peer.answers(bytes(octets)))


@pytest.mark.parametrize("at", range(3), ids=["SA", "KE", "Nonce"])
@pytest.mark.parametrize("length", [0, 1, 3, 4, 5, 0x7fff, 0xffff])
def test_S9_a_payload_with_a_wrong_length_is_refused(peer, at, length):
    octets = bytearray(init_request())
    start = ikev2.HEADER.size + sum(4 + len(body) for _, body, _ in short_payloads()[:at])
    octets[start + 2:start + 4] = struct.pack("!H", length)

    must_be_refused(peer.answers(bytes(octets)))


@pytest.mark.parametrize("at, value", [
    # Offset in the proposal, and the octet there instead.
    pytest.param(0, b"\x02", id="another proposal follows"),
    pytest.param(0, b"\x77", id="nonsense follows"),
    pytest.param(2, struct.pack("!H", 0), id="proposal length 0"),
    pytest.param(2, struct.pack("!H", 7), id="proposal length 7"),
    pytest.param(2, struct.pack("!H", 0xffff), id="proposal length 65535"),
    pytest.param(6, b"\x08", id="SPI of 8 octets"),
    pytest.param(6, b"\xff", id="SPI of 255 octets"),
    pytest.param(7, b"\x00", id="no transform"),
    pytest.param(7, b"\x03", id="3 transforms"),
    pytest.param(7, b"\xff", id="255 transforms"),
    pytest.param(8, b"\x00", id="the first transform is the last"),
    pytest.param(10, struct.pack("!H", 0), id="transform length 0"),
    pytest.param(10, struct.pack("!H", 7), id="transform length 7"),
    pytest.param(10, struct.pack("!H", 0xffff), id="transform length 65535"),
    pytest.param(16, struct.pack("!HH", 0x000e, 0xffff), id="attribute of 65535 octets"),
])
def test_S9_a_proposal_with_wrong_sizes_of_its_parts_is_refused(peer, at, value):
    body = bytearray(ikev2.sa_body(SHORT_SUITE))
    body[at:at + len(value)] = value

    must_be_refused(peer.answers(init_request(with_payload(ikev2.SA, bytes(body)))))


def test_S9_the_largest_datagrams_are_refused(peer):
    filler = [payload(ikev2.NOTIFY, ikev2.notify_body(40000, bytes(30000)))] * 2
    largest = init_request(short_payloads() + filler)

    must_be_refused(peer.answers(bytes(65507), os.urandom(65507)))
    assert len(peer.answers(largest)) <= 1


def test_S9_a_message_of_very_many_payloads_does_no_harm(peer):
    notifies = [payload(ikev2.NOTIFY, ikev2.notify_body(40000))] * 5000

    assert len(peer.answers(init_request(short_payloads() + notifies))) <= 1


# Wrong versions, flags, exchanges and SPIs

def test_RFC7296_2_5_a_higher_major_version_is_answered_by_invalid_major_version(peer):
    answer = peer.init_answer(version=0x30)

    assert answer.version >> 4 == 2, "the highest version that is spoken here"
    assert ikev2.INVALID_MAJOR_VERSION in answer.notifies(), answer


def test_RFC7296_2_5_a_higher_minor_version_is_ignored(peer):
    answer = peer.init_answer(version=0x2f)

    assert answer.body(ikev2.KE), answer
    assert answer.version == ikev2.VERSION_2


def test_S1_ikev1_is_ignored(peer):
    main_mode = ikev2.HEADER.pack(os.urandom(8), bytes(8), 1, 0x10, 2, 0, 0, ikev2.HEADER.size + 60)

    assert peer.answers(main_mode + bytes(60)) == []


@pytest.mark.parametrize("header", [
    {"flags": 0}, {"flags": ikev2.RESPONSE}, {"flags": ikev2.RESPONSE | ikev2.FROM_INITIATOR},
    {"message_id": 1}, {"message_id": 0xffffffff}, {"responder_spi": b"\x01" * 8},
    {"exchange": 0}, {"exchange": 33}, {"exchange": 38}, {"exchange": 255},
    {"exchange": ikev2.IKE_AUTH, "message_id": 1}, {"exchange": ikev2.INFORMATIONAL},
], ids=str)
def test_S9_a_header_of_no_request_to_start_an_sa_makes_no_sa(peer, header):
    must_be_refused(peer.answers(init_request(**header)))


def test_S9_an_initiator_spi_of_zero_is_refused(peer):
    must_be_refused(peer.answers(init_request(initiator_spi=bytes(8))))


def test_RFC7296_2_21_4_an_unknown_sa_is_answered_by_invalid_ike_spi_at_most(peer):
    stray = ikev2.message(b"\x11" * 8, b"\x22" * 8, ikev2.INFORMATIONAL, 7,
                          [payload(ikev2.ENCRYPTED, bytes(60))])

    for octets in peer.answers(stray):
        answer = ikev2.read(octets)
        assert list(answer.notifies()) == [ikev2.INVALID_IKE_SPI], answer
        assert (answer.initiator_spi, answer.responder_spi) == (b"\x11" * 8, b"\x22" * 8)
        assert answer.flags & ikev2.RESPONSE and answer.message_id == 7, answer


def test_S22_an_unknown_peer_gets_no_answer(lab):
    """From a gateway without half-open IKE SAs: under load even an unknown peer is asked for a cookie (R16)."""
    idle = ScriptedPeer(lab)
    with idle.host.udp_socket("10.9.0.99", 500) as unknown:
        unknown.sendto(init_request(), (NEAR.outer4, 500))
        assert idle.answers() == []

        assert select.select([unknown], [], [], 0)[0] == []
    idle.gateway.stop()


# Payloads of IKE_SA_INIT

def test_RFC7296_2_5_an_unknown_critical_payload_is_answered_by_a_notification(peer):
    answer = peer.init_answer(short_payloads() + [payload(200, b"?", critical=True)])

    assert answer.notifies() == {ikev2.UNSUPPORTED_CRITICAL_PAYLOAD: b"\xc8"}


def test_RFC7296_2_5_an_unknown_payload_that_is_not_critical_is_skipped(peer):
    answer = peer.init_answer([payload(200, b"?")] + short_payloads())

    assert answer.body(ikev2.KE), answer


def test_RFC7296_1_2_a_critical_bit_on_a_known_payload_is_ignored(peer):
    critical = [payload(kind, body, critical=True) for kind, body, _ in short_payloads()]

    answer = peer.init_answer(critical)

    assert answer.body(ikev2.KE), answer


def test_RFC7296_2_7_no_common_suite_is_answered_by_no_proposal_chosen(peer):
    suite = ((1, 12, 512),) + SHORT_SUITE[1:]

    answer = peer.init_answer(with_payload(ikev2.SA, ikev2.sa_body(suite)))

    assert list(answer.notifies()) == [ikev2.NO_PROPOSAL_CHOSEN]


def test_RFC7296_1_3_a_ke_of_another_group_is_answered_by_the_right_one(peer):
    suite = SHORT_SUITE[:3] + ((4, 14, 0),)

    answer = peer.init_answer(with_payload(ikev2.SA, ikev2.sa_body(suite)))

    assert answer.notifies() == {ikev2.INVALID_KE_PAYLOAD: struct.pack("!H", 14)}


@pytest.mark.parametrize("value", [
    bytes(SHORT_OCTETS), bytes(SHORT_OCTETS - 1) + b"\x01", b"\xff" * SHORT_OCTETS,
    b"\x7f" * (SHORT_OCTETS - 1), b"\x7f" * (SHORT_OCTETS + 1), b"",
], ids=["0", "1", "above the prime", "too short", "too long", "empty"])
def test_S9_RFC6989_a_bad_public_value_is_refused(peer, value):
    must_be_refused(peer.answers(init_request(with_payload(ikev2.KE, ikev2.ke_body(value, SHORT_GROUP)))))


@pytest.mark.parametrize("octets", [0, 15, 257, 2000])
def test_RFC7296_3_9_a_nonce_of_a_wrong_size_is_refused(peer, octets):
    must_be_refused(peer.answers(init_request(with_payload(ikev2.NONCE, bytes(octets)))))


@pytest.mark.parametrize("missing", [ikev2.SA, ikev2.KE, ikev2.NONCE])
def test_S9_a_missing_payload_is_refused(peer, missing):
    must_be_refused(peer.answers(init_request([each for each in short_payloads() if each[0] != missing])))


@pytest.mark.parametrize("twice", range(3), ids=["SA", "KE", "Nonce"])
def test_S9_a_payload_that_occurs_twice_is_refused(peer, twice):
    must_be_refused(peer.answers(init_request(short_payloads() + [short_payloads()[twice]])))


# Duplicates, replays, noise

def test_RFC7296_2_1_a_request_sent_twice_is_answered_twice_in_the_same_octets(peer):
    request = init_request()

    first, second = peer.answers(request, request)

    assert first == second


def test_port_4500_takes_ike_after_the_marker_and_nothing_else(peer):
    assert peer.answers(b"", b"\x00", b"\x00\x00\x00", b"\x00\x00\x00\x00", b"\xff", b"\xff\xff",
                        init_request(), os.urandom(65507), port=4500) == []

    answer = peer.ask(bytes(4) + init_request(), port=4500)
    assert answer[:4] == bytes(4) and ikev2.read(answer[4:]), answer


def test_S9_random_changes_to_good_messages_do_no_harm(peer):
    generator = random.Random(7296)
    for _ in range(40):
        peer.answers(*(mutated(init_request(), generator) for _ in range(25)))


def test_S9_half_open_sas_are_bounded(peer):
    before = peer.gateway.resident_kilobytes()

    for _ in range(100):
        peer.answers(*(init_request() for _ in range(50)))

    grown = peer.gateway.resident_kilobytes() - before
    assert grown < 20_000, f"{grown} kB more after 5000 IKE_SA_INITs that nobody followed up"
    peer.gateway.show("show ikev2 sa")
