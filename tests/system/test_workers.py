"""Gateways that have different numbers of cores, and so of workers of the packet path."""

import re
import socket
import struct

import pytest

from bench import field
from bench.spread import Spread
from lib.frames import RECEIVE_BUFFER_FORCE
from lib.process import wait_until

TUNNELS, ROUNDS, AT_ONCE, PORT, OCTETS = 8, 1000, 50, 7000, 64


@pytest.fixture
def both(lab, cores, encapsulation):
    """Two gateways with many tunnels between them."""
    made = Spread(lab, "both", TUNNELS, lines=encapsulation)
    for gateway, count in zip(made.gateways, cores):
        gateway.cores = count
    return made.start()


def send_in_turn(both, sender, rounds):
    """Numbered packets to the addresses behind all tunnels in turn, so that each tunnel has few of a batch."""
    for number in rounds:
        for tunnel, address in enumerate(both.addresses):
            sender.sendto(struct.pack("!II", tunnel, number).ljust(OCTETS, b"\0"), (address, PORT))


def take(receiver):
    """(tunnel, number) of each packet that has come."""
    while True:
        try:
            yield struct.unpack_from("!II", receiver.recv(2 * OCTETS))
        except BlockingIOError:
            return


def carry_all(both, receiver):
    """Send all packets, never more at once than the queue of a Tunnel takes; returns those that came."""
    came = []
    with both.near.udp_socket(both.inner_near, PORT) as sender:
        for first in range(0, ROUNDS, AT_ONCE):
            send_in_turn(both, sender, range(first, first + AT_ONCE))

            def all_came(sent=(first + AT_ONCE) * TUNNELS):
                came.extend(take(receiver))
                return len(came) >= sent
            wait_until(all_came, 10, "all packets that were sent")
    return came


def counted(text, words):
    """The sum of all counters with that text."""
    return sum(map(int, re.findall(rf"(\d+) {words}", text)))


@pytest.mark.parametrize("encapsulation", [field.NATT, ""], ids=["NAT-T", "plain ESP"])
@pytest.mark.parametrize("cores", [(1, 2), (4, 1)], ids=["1 and 2 cores", "4 and 1"])
def test_the_number_of_workers_of_the_peer_does_not_matter(both):
    far = both.gateways[1]
    with both.far.udp_socket("0.0.0.0", PORT) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, RECEIVE_BUFFER_FORCE, 64 << 20)
        receiver.setblocking(False)

        came = carry_all(both, receiver)

    assert sorted(came) == [(tunnel, number) for tunnel in range(TUNNELS) for number in range(ROUNDS)]
    statistics = far.show("show ikev2 statistics")
    # Such a packet would come late: those of its SA that came to the right worker may have passed it.
    assert counted(statistics, "ESP packets passed on to another worker") == 0
    assert counted(statistics, "ESP packets lost on their way to another worker") == 0
    assert counted(far.show("show ikev2 child-sa"), "replay detected") == 0
