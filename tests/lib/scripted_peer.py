"""A peer that sends what a test tells it to, also what no well-behaved peer would send.

After each bad message it sends a good IKE_SA_INIT from the same address. Messages that come before the answer to that
one are the answer to the bad message; and the gateway has to be alive to answer.
"""

import copy
import os
import select

from lib import ikev2
from lib.direct import FAR, NEAR, config
from lib.ikev2 import Initiator, payload
from lib.lab import wire
from lib.musubi import Musubi

SHORT_GROUP, SHORT_OCTETS = 1, 96       # MODP-768, for messages that need no keys
SHORT_SUITE = ikev2.IKE_SUITE[:3] + ((4, SHORT_GROUP, 0),)


def short_payloads():
    """The payloads of a good IKE_SA_INIT that is quick to answer; the private value is not known."""
    value = b"\x7f" + os.urandom(SHORT_OCTETS - 1)
    return [payload(ikev2.SA, ikev2.sa_body(SHORT_SUITE)),
            payload(ikev2.KE, ikev2.ke_body(value, SHORT_GROUP)),
            payload(ikev2.NONCE, os.urandom(32))]


def with_payload(kind, body):
    """The payloads of a good IKE_SA_INIT, with one of them changed."""
    return [payload(kind, body) if each == kind else (each, good, critical)
            for each, good, critical in short_payloads()]


def init_request(payloads=None, initiator_spi=None, responder_spi=bytes(8), exchange=ikev2.IKE_SA_INIT,
                 message_id=0, **header):
    """A good IKE_SA_INIT, apart from what the test changes."""
    return ikev2.message(os.urandom(8) if initiator_spi is None else initiator_spi, responder_spi, exchange,
                         message_id, short_payloads() if payloads is None else payloads, **header)


def must_be_refused(answers):
    """The message was dropped, or answered by an error notification without KE, so no state is left."""
    for octets in answers:
        answer = ikev2.read(octets)
        assert answer.body(ikev2.KE) is None, f"accepted: {answer}"
        assert answer.notifies(), answer

FLAGS_AT, RESPONSE = 19, 0x20    # in the IKE header


class ScriptedPeer:
    """A gateway in a namespace, and sockets at the address of its configured peer."""

    def __init__(self, lab, more_config=""):
        gateway_host = lab.namespace("gateway", forward=True)
        wire(gateway_host, "ge1", lab.namespace("lan"), "eth0")
        self.host = lab.namespace("peer")
        wire(gateway_host, "ge0", self.host, "eth0")
        self.host.address("eth0", f"{FAR.outer4}/24", "10.9.0.99/24")
        self.gateway = Musubi(lab, gateway_host, config(NEAR, FAR) + more_config).start()
        self._speak_from(lab, FAR.outer4)

    def _speak_from(self, lab, address):
        self._sockets = {port: self.host.udp_socket(address, port) for port in (500, 4500)}
        for socket in self._sockets.values():
            lab.callback(socket.close)

    def beside(self, lab, address):
        """Another peer of the same gateway, at another address."""
        other = copy.copy(self)
        self.host.address("eth0", f"{address}/24")
        other._speak_from(lab, address)
        return other

    def send(self, octets, port=500):
        self._sockets[port].sendto(octets, (NEAR.outer4, port))

    def ask(self, octets, port=500):
        """Send a message and return the next one that comes from that port."""
        self.send(octets, port)
        answer = self._receive(port, 5)
        assert answer is not None, f"no answer\n{self.gateway.process.log()}"
        return answer

    def answer_within(self, seconds):
        """The next answer; None if none comes in time."""
        return self._receive(500, seconds)

    def answers(self, *messages, port=500):
        """All that comes back to these messages, from either port."""
        for octets in messages:
            self.send(octets, port)
        probe = init_request()
        seen = []
        answer = self.ask(probe)
        while answer[:8] != probe[:8]:
            seen.append(answer)
            answer = self._receive(500, 5)
            assert answer is not None, f"the gateway no longer answers\n{self.gateway.process.log()}"
        while late := self._receive(4500, 0):
            seen.append(late)
        return seen

    def init_answer(self, payloads=None, **header):
        """The answer to an IKE_SA_INIT, which is sent again with the cookie if the gateway demands one (2.6)."""
        payloads = short_payloads() if payloads is None else payloads
        spi = os.urandom(8)
        answer = ikev2.read(self.ask(init_request(payloads, spi, **header)))
        if ikev2.COOKIE in answer.notifies():
            cookie = payload(ikev2.NOTIFY, ikev2.notify_body(ikev2.COOKIE, answer.notifies()[ikev2.COOKIE]))
            answer = ikev2.read(self.ask(init_request([cookie, *payloads], spi, **header)))
        return answer

    def connect(self):
        """An initiator whose IKE_SA_INIT has been answered."""
        initiator = Initiator()
        answer = self.ask(initiator.init_request())
        cookie = ikev2.read(answer).notifies().get(ikev2.COOKIE)
        if cookie is not None:
            answer = self.ask(initiator.init_request(cookie))
        initiator.accept(answer)
        return initiator

    def authenticate(self, **auth):
        """An initiator with an established IKE SA."""
        initiator = self.connect()
        answer = initiator.open(self.ask(initiator.seal(ikev2.IKE_AUTH, 1, initiator.auth_payloads(**auth))))
        assert answer.body(ikev2.AUTH), answer
        return initiator

    def close(self, initiator, message_id):
        """Delete the SA; the answer has to be an empty response."""
        answer = initiator.open(self.ask(initiator.seal(ikev2.INFORMATIONAL, message_id,
                                                        [payload(ikev2.DELETE, b"\x01\x00\x00\x00")])))
        assert answer.payloads == [], answer

    def _receive(self, port, timeout):
        """The next response. Skips the gateway's requests, such as the DELETE of an SA that failed."""
        while select.select([self._sockets[port]], [], [], timeout)[0]:
            octets = self._sockets[port].recv(65535)
            if len(octets) < 20 or port != 500 or octets[FLAGS_AT] & RESPONSE:
                return octets
        return None


def mutated(octets, generator, keep=0):
    """A copy with a few octets changed, removed or added behind the first `keep`."""
    octets = bytearray(octets)
    for _ in range(generator.randint(1, 8)):
        octets[generator.randrange(keep, len(octets))] ^= generator.randint(1, 255)
    if generator.random() < 0.3:
        at = generator.randrange(keep, len(octets))
        octets[at:at + generator.randint(0, 20)] = generator.randbytes(generator.randint(0, 20))
    return bytes(octets)
