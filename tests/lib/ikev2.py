"""A minimal scripted IKEv2 initiator (RFC 7296), for messages that no well-behaved peer would send.

It has one suite (AES-CBC-256, HMAC-SHA2-256-128, PRF-HMAC-SHA2-256, MODP-2048) and a pre-shared key. A test may
change all parts of its messages.
"""

import dataclasses
import hashlib
import hmac
import os
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL = 34, 35, 36, 37
SA, KE, ID_INITIATOR, ID_RESPONDER, AUTH, NONCE, NOTIFY, DELETE, TS_INITIATOR, TS_RESPONDER, ENCRYPTED = \
    33, 34, 35, 36, 39, 40, 41, 42, 44, 45, 46
INVALID_MAJOR_VERSION, INVALID_SYNTAX, INVALID_KE_PAYLOAD, COOKIE = 5, 7, 17, 16390
UNSUPPORTED_CRITICAL_PAYLOAD, INVALID_IKE_SPI, NO_PROPOSAL_CHOSEN, AUTHENTICATION_FAILED = 1, 4, 14, 24
FROM_INITIATOR, RESPONSE = 0x08, 0x20
VERSION_2 = 0x20
HEADER = struct.Struct("!8s8sBBBBII")
KEY_ID, PRE_SHARED_KEY = 11, 2
PROTOCOL_IKE, PROTOCOL_ESP = 1, 3

MODP_2048 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF", 16)
GROUP_2048, OCTETS_2048 = 14, 256

# (type, identifier, key bits or 0)
ENCRYPTION_AES_CBC_256, PRF_SHA2_256, INTEGRITY_SHA2_256, DH_2048, NO_ESN = \
    (1, 12, 256), (2, 5, 0), (3, 12, 0), (4, GROUP_2048, 0), (5, 0, 0)
IKE_SUITE = (ENCRYPTION_AES_CBC_256, PRF_SHA2_256, INTEGRITY_SHA2_256, DH_2048)
ESP_SUITE = (ENCRYPTION_AES_CBC_256, INTEGRITY_SHA2_256, NO_ESN)
ALL_IPV4 = struct.pack("!BBHHH4s4s", 7, 0, 16, 0, 65535, bytes(4), b"\xff" * 4)


# Making messages

def transform(kind, identifier, key_bits, last):
    attribute = struct.pack("!HH", 0x800E, key_bits) if key_bits else b""
    return struct.pack("!BBHBBH", 0 if last else 3, 0, 8 + len(attribute), kind, 0, identifier) + attribute


def sa_body(suite, protocol=PROTOCOL_IKE, spi=b""):
    """An SA payload's body with one proposal."""
    transforms = b"".join(transform(*row, last=row is suite[-1]) for row in suite)
    return struct.pack("!BBHBBBB", 0, 0, 8 + len(spi) + len(transforms), 1, protocol, len(spi),
                       len(suite)) + spi + transforms


def ke_body(value, group=GROUP_2048):
    return struct.pack("!HH", group, 0) + value


def notify_body(kind, content=b""):
    return struct.pack("!BBH", 0, 0, kind) + content


def ts_body(*selectors):
    return struct.pack("!B3x", len(selectors)) + b"".join(selectors)


def payload(kind, body, critical=False):
    """A payload without the type of the next one, which `chain` adds."""
    return kind, body, critical


def chain(payloads):
    """Join payloads; returns the type of the first one and the octets."""
    kinds = [kind for kind, _, _ in payloads] + [0]
    octets = b"".join(struct.pack("!BBH", following, 0x80 if critical else 0, 4 + len(body)) + body
                      for (_, body, critical), following in zip(payloads, kinds[1:]))
    return kinds[0], octets


def message(initiator_spi, responder_spi, exchange, message_id, payloads,
            flags=FROM_INITIATOR, version=VERSION_2):
    """A message that is not encrypted."""
    first, octets = chain(payloads)
    return HEADER.pack(initiator_spi, responder_spi, first, version, exchange, flags, message_id,
                       HEADER.size + len(octets)) + octets


# Reading messages

@dataclass
class Message:
    initiator_spi: bytes
    responder_spi: bytes
    first: int
    version: int
    exchange: int
    flags: int
    message_id: int
    payloads: list = field(default_factory=list)    # (type, body)

    def body(self, kind):
        """The first payload of a type, or None."""
        return next((body for each, body in self.payloads if each == kind), None)

    def notifies(self):
        """Notification type -> its content."""
        return {struct.unpack("!H", body[2:4])[0]: body[4 + body[1]:] for kind, body in self.payloads
                if kind == NOTIFY}


def read_chain(first, octets):
    found = []
    while first:
        following, _, length = struct.unpack("!BBH", octets[:4])
        found.append((first, octets[4:length]))
        first, octets = (0 if first == ENCRYPTED else following), octets[length:]
    return found


def read(octets):
    *fields, length = HEADER.unpack(octets[:HEADER.size])
    assert length == len(octets), f"a message of {len(octets)} octets says that it has {length}"
    return Message(*fields, read_chain(fields[2], octets[HEADER.size:]))


# The initiator

def prf(key, content):
    return hmac.new(key, content, hashlib.sha256).digest()


def prf_plus(key, seed, length):
    octets = block = b""
    counter = 1
    while len(octets) < length:
        block = prf(key, block + seed + bytes([counter]))
        octets += block
        counter += 1
    return octets[:length]


class Initiator:
    """The initiator's end of one IKE SA."""

    def __init__(self):
        self.initiator_spi = os.urandom(8)
        self.responder_spi = bytes(8)
        self.nonce = os.urandom(32)
        self._private = int.from_bytes(os.urandom(32), "big")
        self.public = pow(2, self._private, MODP_2048).to_bytes(OCTETS_2048, "big")
        self.request_octets = self.response_octets = b""

    def init_payloads(self):
        return [payload(SA, sa_body(IKE_SUITE)), payload(KE, ke_body(self.public)),
                payload(NONCE, self.nonce)]

    def init_request(self, cookie=None):
        """IKE_SA_INIT, with the cookie that the responder asked for (2.6)."""
        first = [] if cookie is None else [payload(NOTIFY, notify_body(COOKIE, cookie))]
        self.request_octets = message(self.initiator_spi, bytes(8), IKE_SA_INIT, 0,
                                      first + self.init_payloads())
        return self.request_octets

    def accept(self, response_octets):
        """Take the IKE_SA_INIT response and derive the keys (RFC 7296, 2.14)."""
        self.response_octets = response_octets
        response = read(response_octets)
        self.responder_spi = response.responder_spi
        self._peer_nonce = response.body(NONCE)
        shared = pow(int.from_bytes(response.body(KE)[4:], "big"), self._private, MODP_2048)
        seed = self.nonce + self._peer_nonce
        skeyseed = prf(seed, shared.to_bytes(OCTETS_2048, "big"))
        keys = prf_plus(skeyseed, seed + self.initiator_spi + self.responder_spi, 7 * 32)
        self._ai, self._ar, self._ei, self._er, self._pi = (keys[at:at + 32] for at in range(32, 192, 32))

    def auth_payloads(self, identity=b"site2", secret=b"secret2", peer=b"site1", spi=b"\x12\x34\x56\x78"):
        """IDi, IDr, AUTH, SA, TSi and TSr of an IKE_AUTH request (2.15)."""
        id_body = struct.pack("!B3x", KEY_ID) + identity
        signed = self.request_octets + self._peer_nonce + prf(self._pi, id_body)
        proof = prf(prf(secret, b"Key Pad for IKEv2"), signed)
        return [payload(ID_INITIATOR, id_body), payload(ID_RESPONDER, struct.pack("!B3x", KEY_ID) + peer),
                payload(AUTH, struct.pack("!B3x", PRE_SHARED_KEY) + proof),
                payload(SA, sa_body(ESP_SUITE, PROTOCOL_ESP, spi)),
                payload(TS_INITIATOR, ts_body(ALL_IPV4)), payload(TS_RESPONDER, ts_body(ALL_IPV4))]

    def seal(self, exchange, message_id, payloads, flags=FROM_INITIATOR):
        """An encrypted message of these payloads."""
        return self.seal_octets(exchange, message_id, *chain(payloads), flags=flags)

    def seal_octets(self, exchange, message_id, first, content, flags=FROM_INITIATOR, pad_length=None):
        """An encrypted message of any octets; `pad_length` goes to its Pad Length field."""
        padding = -(len(content) + 1) % 16
        content += bytes(padding) + bytes([padding if pad_length is None else pad_length])
        iv = os.urandom(16)
        cipher = Cipher(algorithms.AES(self._ei), modes.CBC(iv)).encryptor()
        encrypted = iv + cipher.update(content) + cipher.finalize()
        octets = HEADER.pack(self.initiator_spi, self.responder_spi, ENCRYPTED, VERSION_2, exchange, flags,
                             message_id, HEADER.size + 4 + len(encrypted) + 16)
        octets += struct.pack("!BBH", first, 0, 4 + len(encrypted) + 16) + encrypted
        return octets + hmac.new(self._ai, octets, hashlib.sha256).digest()[:16]

    def open(self, octets):
        """Check and decrypt a message of the responder."""
        outer = read(octets)
        check = hmac.new(self._ar, octets[:-16], hashlib.sha256).digest()[:16]
        assert check == octets[-16:], f"bad integrity check value: {octets.hex()}"
        body = octets[HEADER.size + 4:-16]
        cipher = Cipher(algorithms.AES(self._er), modes.CBC(body[:16])).decryptor()
        content = cipher.update(body[16:]) + cipher.finalize()
        content = content[:len(content) - 1 - content[-1]]
        first = octets[HEADER.size]
        return dataclasses.replace(outer, first=first, payloads=read_chain(first, content))
