"""A name server in a namespace. A test may change its answers at any time."""

import contextlib
import ipaddress
import struct
import threading
import time

from lib.process import wait_until

PORT = 53
HEADER = struct.Struct("!HHHHHH")
QUESTION = struct.Struct("!HH")
RECORD = struct.Struct("!HHHIH")
A, AAAA, INTERNET = 1, 28, 1
RESPONSE = 0x8180           # a response, with recursion (RFC 1035, 4.1.1)
SERVFAIL, NXDOMAIN = 2, 3
NAME_OF_QUESTION = 0xc000 | HEADER.size


def read_name(message):
    """The name of a message's only question, and where it ends."""
    labels, at = [], HEADER.size
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("ascii"))
        at += 1 + message[at]
    return ".".join(labels).lower(), at + 1


class Name:
    """The answer for a name."""

    def __init__(self, addresses=(), ttl=10, failure=None, silent=False):
        self.addresses = [ipaddress.ip_address(address) for address in addresses]
        self.ttl = ttl
        self.failure = failure
        self.silent = silent


class DnsServer:
    """Answers on port 53 of an address until its lab closes. Names that were not set don't exist."""

    def __init__(self, lab, host, address):
        self.address = address
        self._names = {}
        self._questions = {}    # (name, type, message ID) -> when it first came; repetitions do not count
        self._socket = host.udp_socket(address, PORT)
        self._closing = False
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        lab.callback(self._close)

    def set(self, name, *addresses, ttl=10):
        """From now on the name has these addresses, and no others of either family."""
        self._names[name] = Name(addresses, ttl)

    def remove(self, name):
        """From now on there is no such name."""
        self._names.pop(name, None)

    def fail(self, name):
        """From now on the server answers SERVFAIL for the name."""
        self._names[name] = Name(failure=SERVFAIL)

    def silence(self, name):
        """From now on questions about the name get no answer."""
        self._names[name] = Name(silent=True)

    def questions(self, name, since=0):
        """The types of the questions about a name that came since that time.monotonic()."""
        return [kind for (asked, kind, _), when in list(self._questions.items()) if asked == name and when >= since]

    def wait_for_question(self, name, timeout=15):
        """Wait until the name is asked for again."""
        now = time.monotonic()
        wait_until(lambda: self.questions(name, now), timeout, f"a question about {name}")

    def _serve(self):
        while True:
            message, sender = self._socket.recvfrom(4096)
            if self._closing:
                return
            answer = self._answer(message)
            if answer:
                self._socket.sendto(answer, sender)

    def _answer(self, message):
        number = HEADER.unpack_from(message)[0]
        asked, end = read_name(message)
        kind, _ = QUESTION.unpack_from(message, end)
        self._questions.setdefault((asked, kind, number), time.monotonic())
        name = self._names.get(asked, Name(failure=NXDOMAIN))
        if name.silent:
            return None
        version = {A: 4, AAAA: 6}.get(kind)
        found = [address for address in name.addresses if address.version == version]
        records = b"".join(RECORD.pack(NAME_OF_QUESTION, kind, INTERNET, name.ttl, len(address.packed)) +
                           address.packed for address in found)
        return (HEADER.pack(number, RESPONSE | (name.failure or 0), 1, len(found), 0, 0) +
                message[HEADER.size:end + QUESTION.size] + records)

    def _close(self):
        """Wake the thread by a datagram to itself, since closing a socket does not end a recvfrom."""
        self._closing = True
        with contextlib.suppress(OSError):
            self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()
