"""Encrypted IKE messages that no well-behaved peer would send: in IKE_AUTH and after it."""

import random
import struct

import pytest

from lib import ikev2
from lib.ikev2 import chain, payload
from lib.scripted_peer import ScriptedPeer, must_be_refused, mutated


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


def test_RFC7296_2_15_a_wrong_key_is_answered_by_authentication_failed(peer):
    initiator = peer.connect()

    request = initiator.seal(ikev2.IKE_AUTH, 1, initiator.auth_payloads(secret=b"guess"))
    answer = initiator.open(peer.ask(request))

    assert list(answer.notifies()) == [ikev2.AUTHENTICATION_FAILED], answer


def test_RFC7296_2_15_an_unknown_identity_is_answered_by_authentication_failed(peer):
    initiator = peer.connect()

    request = initiator.seal(ikev2.IKE_AUTH, 1, initiator.auth_payloads(identity=b"else"))
    answer = initiator.open(peer.ask(request))

    assert list(answer.notifies()) == [ikev2.AUTHENTICATION_FAILED], answer


def test_S9_a_forged_ike_auth_does_not_hinder_the_true_one(peer):
    initiator = peer.connect()
    request = initiator.seal(ikev2.IKE_AUTH, 1, initiator.auth_payloads())
    forged = request[:-1] + bytes([request[-1] ^ 1])

    assert peer.answers(forged, request[:-16], forged[:40]) == []

    assert initiator.open(peer.ask(request)).body(ikev2.AUTH)
    peer.close(initiator, 2)


def test_S9_an_unauthenticated_error_does_not_end_an_sa(peer):
    initiator = peer.authenticate()
    notify = [payload(ikev2.NOTIFY, ikev2.notify_body(ikev2.INVALID_IKE_SPI))]
    for exchange in (ikev2.INFORMATIONAL, ikev2.IKE_SA_INIT, ikev2.IKE_AUTH):
        for flags in (0, ikev2.FROM_INITIATOR, ikev2.RESPONSE, ikev2.RESPONSE | ikev2.FROM_INITIATOR):
            forged = ikev2.message(initiator.initiator_spi, initiator.responder_spi, exchange, 2, notify,
                                   flags=flags)
            must_be_refused(peer.answers(forged))

    initiator.open(peer.ask(initiator.seal(ikev2.INFORMATIONAL, 2, [])))
    peer.close(initiator, 3)


def test_RFC7296_2_5_an_unknown_critical_payload_inside_is_answered_by_a_notification(peer):
    initiator = peer.authenticate()

    request = initiator.seal(ikev2.INFORMATIONAL, 2, [payload(200, b"?", critical=True)])
    answer = initiator.open(peer.ask(request))

    assert answer.notifies() == {ikev2.UNSUPPORTED_CRITICAL_PAYLOAD: b"\xc8"}
    peer.close(initiator, 3)


@pytest.mark.parametrize("length", [0, 3, 9, 0xffff])
def test_RFC7296_2_21_3_a_wrong_length_inside_is_answered_by_invalid_syntax(peer, length):
    initiator = peer.authenticate()
    first, content = chain([payload(ikev2.NOTIFY, ikev2.notify_body(40000))])
    content = content[:2] + struct.pack("!H", length) + content[4:]

    answer = initiator.open(peer.ask(initiator.seal_octets(ikev2.INFORMATIONAL, 2, first, content)))

    assert list(answer.notifies()) == [ikev2.INVALID_SYNTAX], answer


def test_S9_padding_longer_than_the_message_does_no_harm(peer):
    initiator = peer.authenticate()

    answers = peer.answers(initiator.seal_octets(ikev2.INFORMATIONAL, 2, 0, b"", pad_length=200))

    assert len(answers) <= 1
    if answers:
        assert list(initiator.open(answers[0]).notifies()) == [ikev2.INVALID_SYNTAX]


def test_RFC7296_2_1_2_2_the_message_id_decides_how_a_request_is_answered(peer):
    initiator = peer.authenticate()
    second, third = (initiator.seal(ikev2.INFORMATIONAL, number, []) for number in (2, 3))

    answer = peer.ask(second)
    assert peer.answers(second, second) == [answer, answer], "the last request again: the same octets"
    peer.ask(third)

    assert peer.answers(second) == [], "an older request"
    beyond = peer.answers(initiator.seal(ikev2.INFORMATIONAL, 9, []))
    assert all(initiator.open(octets).message_id != 9 for octets in beyond), "beyond the window"
    peer.close(initiator, 4)


def test_S9_an_unsolicited_response_is_dropped(peer):
    initiator = peer.authenticate()

    responses = [initiator.seal(ikev2.INFORMATIONAL, number, [], ikev2.FROM_INITIATOR | ikev2.RESPONSE)
                 for number in (0, 1, 2)]
    assert peer.answers(*responses) == []

    peer.close(initiator, 2)


def test_S9_a_message_reflected_to_its_sender_is_dropped(peer):
    initiator = peer.authenticate()
    answer = peer.ask(initiator.seal(ikev2.INFORMATIONAL, 2, []))

    assert peer.answers(answer, initiator.response_octets) == []

    peer.close(initiator, 3)


def test_S9_an_unknown_notification_inside_ike_auth_is_ignored(peer):
    initiator = peer.connect()
    odd = [payload(ikev2.NOTIFY, ikev2.notify_body(kind, b"?")) for kind in (40000, 16500)]

    answer = initiator.open(peer.ask(initiator.seal(ikev2.IKE_AUTH, 1, initiator.auth_payloads() + odd)))

    assert answer.body(ikev2.AUTH) and answer.body(ikev2.SA), answer
    peer.close(initiator, 2)


def test_S8_transport_mode_is_not_echoed_and_configuration_payloads_are_ignored(peer):
    use_transport_mode, configuration = 16391, 47
    initiator = peer.connect()
    more = [payload(configuration, struct.pack("!B3x", 1)),
            payload(ikev2.NOTIFY, ikev2.notify_body(use_transport_mode))]

    answer = initiator.open(peer.ask(initiator.seal(ikev2.IKE_AUTH, 1, initiator.auth_payloads() + more)))

    assert answer.body(ikev2.SA), answer
    assert use_transport_mode not in answer.notifies()
    assert answer.body(configuration) is None
    peer.close(initiator, 2)


@pytest.mark.parametrize("spi", [bytes(4), b"\x00\x00\x00\xff", b"\x01\x02\x03", b"\x01" * 8, b""],
                         ids=["0", "255", "3 octets", "8 octets", "none"])
def test_S9_a_bad_esp_spi_makes_no_child_sa(peer, spi):
    initiator = peer.connect()

    answer = initiator.open(peer.ask(initiator.seal(ikev2.IKE_AUTH, 1, initiator.auth_payloads(spi=spi))))

    assert answer.body(ikev2.SA) is None, answer
    assert answer.notifies(), answer


def test_S9_random_octets_inside_an_established_sa_do_no_harm(peer):
    initiator = peer.authenticate()
    generator = random.Random(2)
    request = initiator.seal(ikev2.INFORMATIONAL, 2, [])

    for _ in range(20):
        for answer in peer.answers(*(mutated(request, generator, keep=18) for _ in range(10))):
            # One whose flags say that it is of the other end is for no IKE SA that is known (RFC 7296 2.21.4).
            assert list(ikev2.read(answer).notifies()) == [ikev2.INVALID_IKE_SPI], answer

    initiator.open(peer.ask(request))
    peer.close(initiator, 3)
