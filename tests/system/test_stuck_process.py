"""A keeper or a path that is stopped holds up only what needs it.

There are two peers, each with a tunnel of its own: one has its SA before the process is stopped, the other connects
while it is.
"""

import pytest

from lib import ikev2
from lib.scripted_peer import ScriptedPeer

OTHER_TUNNEL = """\
ikev2 authentication psk id keyid site3 key char secret3
interface Tunnel3.0
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet1.0
  ikev2 local-authentication psk id keyid site1
  ikev2 peer 10.9.0.3 authentication psk id keyid site3
  no shutdown
"""
OTHER = {"identity": b"site3", "secret": b"secret3"}


@pytest.fixture
def peer(lab):
    return ScriptedPeer(lab, OTHER_TUNNEL)


@pytest.fixture
def other(lab, peer):
    return peer.beside(lab, "10.9.0.3")


def must_answer(peer, initiator, message_ids, times=1):
    """Liveness checks (RFC 7296 2.4), each of which is sent so many times, a second apart, until it is answered."""
    for message_id in message_ids:
        request = initiator.seal(ikev2.INFORMATIONAL, message_id, [])
        answer = None
        for _ in range(times):
            peer.send(request)
            answer = peer.answer_within(1)
            if answer is not None:
                break
        assert answer is not None, f"no answer\n{peer.gateway.process.log()}"
        assert initiator.open(answer).payloads == []


def test_a_path_that_stands_still_holds_up_one_negotiation_alone(peer, other):
    established = peer.authenticate()

    with peer.gateway.stopped("musubid-path"):
        coming = other.connect()
        other.send(coming.seal(ikev2.IKE_AUTH, 1, coming.auth_payloads(**OTHER)))
        assert other.answer_within(1) is None, "answered before its Child SA was there"
        must_answer(peer, established, range(2, 6))
        other.connect()    # IKE_SA_INIT is answered too

    assert coming.open(other.answer_within(5)).body(ikev2.AUTH)
    must_answer(other, coming, [2])
    other.close(coming, 3)
    peer.close(established, 6)
    peer.gateway.stop()


def test_what_waits_for_a_path_that_stands_still_is_bounded(peer, other):
    established = peer.authenticate()

    with peer.gateway.stopped("musubid-path"):
        coming = other.connect()
        request = coming.seal(ikev2.IKE_AUTH, 1, coming.auth_payloads(**OTHER))
        other.send(request)
        before = peer.gateway.resident_kilobytes()
        for _ in range(20000):
            other.send(request)    # each is answered, and each answer waits
        must_answer(peer, established, [2], times=20)    # the flood may have filled the gateway's socket
        assert peer.gateway.resident_kilobytes() - before < 2048

    peer.gateway.wait_for_log(r"\d+ messages and \d+ lines of the log were dropped")
    assert coming.open(other.answer_within(5)).body(ikev2.AUTH)
    peer.gateway.stop()


def test_a_child_sa_that_the_path_does_not_take_in_time_is_deleted(peer, other):
    established = peer.authenticate()

    with peer.gateway.stopped("musubid-path"):
        coming = other.connect()
        other.send(coming.seal(ikev2.IKE_AUTH, 1, coming.auth_payloads(**OTHER)))
        answer = other.answer_within(10)
        assert coming.open(answer).body(ikev2.AUTH), "the answer goes out, so that the peer knows the SA"
        peer.gateway.wait_for_log("can't be installed: the path did not answer within 5 seconds")
        must_answer(peer, established, [2])

    must_answer(peer, established, [3])
    again = other.authenticate(**OTHER)
    other.close(again, 2)
    peer.close(established, 4)
    peer.gateway.stop()


def test_a_keeper_that_stands_still_does_not_mute_the_engine(peer, other):
    established = peer.authenticate()

    with peer.gateway.stopped("musubid"):
        coming = other.connect()
        other.send(coming.seal(ikev2.IKE_AUTH, 1, coming.auth_payloads(**OTHER)))
        assert other.answer_within(1) is None, "answered though nobody has checked its AUTH"
        must_answer(peer, established, range(2, 6))

    assert coming.open(other.answer_within(5)).body(ikev2.AUTH)
    other.close(coming, 2)
    peer.close(established, 6)
    peer.gateway.stop()
