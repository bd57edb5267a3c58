"""Peers that begin on port 4500, that detect no NAT, or that stay on port 500 though there is one (RFC 7296 2.23)."""

import hashlib
import os
import socket
import struct

import pytest

from lib import ikev2
from lib.direct import FAR, NEAR
from lib.ikev2 import Initiator, notify_body, payload
from lib.scripted_peer import ScriptedPeer

SOURCE, DESTINATION = 16388, 16389
MARKER = bytes(4)
SET = "interface Tunnel1.0\n  ikev2 nat-traversal keepalive 20\n"


class Detecting(Initiator):
    """An initiator with NAT detection of its endpoint and of the gateway's; with `nat` it says that it is behind one."""

    def __init__(self, port, nat=False):
        super().__init__()
        self.port = port
        self.nat = nat

    def hash(self, address, responder_spi=bytes(8)):
        return hashlib.sha1(self.initiator_spi + responder_spi + socket.inet_aton(address) +
                            struct.pack("!H", self.port)).digest()

    def init_payloads(self):
        source = os.urandom(20) if self.nat else self.hash(FAR.outer4)
        return [*super().init_payloads(), payload(ikev2.NOTIFY, notify_body(SOURCE, source)),
                payload(ikev2.NOTIFY, notify_body(DESTINATION, self.hash(NEAR.outer4)))]


@pytest.fixture(scope="module")
def supporting(module_lab):
    """The gateway has nat-traversal."""
    return ScriptedPeer(module_lab, SET)


@pytest.fixture(scope="module")
def plain(module_lab):
    """It has not."""
    return ScriptedPeer(module_lab)


def ask(peer, octets, port):
    """On port 4500 IKE has a marker (RFC 3948 2.2), also that of the answer."""
    if port == 500:
        return peer.ask(octets)
    answer = peer.ask(MARKER + octets, port)
    assert answer[:4] == MARKER
    return answer[4:]


def connect(peer, initiator, port):
    """IKE_SA_INIT; returns the answer."""
    answer = ask(peer, initiator.init_request(), port)
    initiator.accept(answer)
    return ikev2.read(answer)


def authenticate(peer, initiator, port):
    """IKE_AUTH; returns the IKE SA as the gateway shows it."""
    request = initiator.seal(ikev2.IKE_AUTH, 1, initiator.auth_payloads())
    assert initiator.open(ask(peer, request, port)).body(ikev2.AUTH)
    sa, = [sa for sa in peer.gateway.ike_sas() if sa.initiator_spi == f"0x{initiator.initiator_spi.hex()}"]
    assert sa.established and sa.children
    return sa


def must_show(sa, port, nat=None):
    assert (sa.fields["Local Addr"], sa.fields["Remote Addr"]) == (f"{NEAR.outer4}:{port}", f"{FAR.outer4}:{port}")
    assert sa.fields.get("NAT detection") == nat


@pytest.mark.parametrize("gateway", ["supporting", "plain"])
def test_RFC7296_2_23_a_peer_may_begin_on_port_4500(request, gateway):
    peer = request.getfixturevalue(gateway)
    initiator = Detecting(4500)

    connect(peer, initiator, 4500)

    must_show(authenticate(peer, initiator, 4500), 4500)


def test_R76_a_peer_behind_a_nat_may_begin_on_port_4500(supporting):
    initiator = Detecting(4500, nat=True)

    connect(supporting, initiator, 4500)

    must_show(authenticate(supporting, initiator, 4500), 4500, "remote side")


def test_R76_the_answer_has_the_hashes_of_both_endpoints(supporting):
    initiator = Detecting(500)

    answer = connect(supporting, initiator, 500)

    assert answer.notifies()[SOURCE] == initiator.hash(NEAR.outer4, answer.responder_spi)
    assert answer.notifies()[DESTINATION] == initiator.hash(FAR.outer4, answer.responder_spi)
    must_show(authenticate(supporting, initiator, 500), 500)


def test_R76_a_peer_without_nat_detection_gets_none(supporting):
    initiator = Initiator()

    answer = connect(supporting, initiator, 500)

    assert not {SOURCE, DESTINATION} & set(answer.notifies())
    must_show(authenticate(supporting, initiator, 500), 500)


def test_S28_where_nat_traversal_is_not_set_nat_detection_of_the_peer_is_ignored(plain):
    initiator = Detecting(500, nat=True)

    answer = connect(plain, initiator, 500)

    assert not {SOURCE, DESTINATION} & set(answer.notifies())
    must_show(authenticate(plain, initiator, 500), 500)


def test_RFC7296_2_23_to_a_peer_that_stays_on_port_500_esp_is_not_in_udp(supporting):
    """It would go to port 500, where nobody takes it."""
    initiator = Detecting(500, nat=True)

    connect(supporting, initiator, 500)

    must_show(authenticate(supporting, initiator, 500), 500)
