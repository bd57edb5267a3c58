"""Anti-replay at the edges of the window and of the sequence numbers, with captured ESP (R70, S26, RFC 4303 3.4.3).

Site 2's packets are held back on the router, as frames for site 1's wire, and sent to site 1 in any order.
"""

import random

import pytest

from lib.frames import LanHost, Sealer, Wire, esp_packets, number_of, numbered, silence
from lib.musubi import Musubi
from lib.process import wait_until_equal
from lib.sites import SITE1, SITE2, TwoSites

from scapy.layers.inet import IP, UDP

WINDOW = 1024
LAST = 2 ** 32 - 1
TAKEN, REFUSED = True, False


class WithWorkers(Musubi):
    """A gateway that finds as many cores as it is to have workers."""

    def __init__(self, lab, host, config, workers):
        super().__init__(lab, host, config)
        self._cores = self.directory / "online"
        self._cores.write_text(f"0-{workers - 1}\n" if workers > 1 else "0\n", encoding="ascii")

    def daemon_argv(self, *more):
        # Each program in a namespace has its own mounts.
        return ["sh", "-ec", 'mount --bind "$0" /sys/devices/system/cpu/online; exec "$@"', str(self._cores),
                *super().daemon_argv(*more)]


class Field:
    """The two sites; `frames` are ESP of site 2 that has not come to site 1, oldest first."""

    def __init__(self, lab, workers):
        self.sites = sites = TwoSites(lab)
        self.hosts = {site: LanHost(lab, sites, site) for site in (SITE1, SITE2)}
        self.wire = Wire(lab, sites)
        for site in (SITE1, SITE2):
            silence(sites.gateway_hosts[site])
            sites.gateways[site] = WithWorkers(lab, sites.gateway_hosts[site], site.config(), workers).start()
            self.hosts[site].appear()
        self._captures = 0

    def begin(self):
        """A new SA, by which site 2 has sent nothing yet."""
        self.sites.gateway1.show("clear ikev2 sa")
        for gateway in self.sites.gateways.values():
            gateway.wait_for_no_sa()
        self.hosts[SITE1].send([IP(src=SITE1.lan4(20), dst=SITE2.lan4(20)) / UDP()])
        assert len(self.hosts[SITE2].receive(1)) == 1
        self.sites.gateway2.wait_for_sa()

    def hold_back(self, count):
        """Frames of ESP, for site 1's wire, with inner packets that have the numbers from 1 to `count`."""
        self._captures += 1
        capture = self.sites.capture(f"held{self._captures}", SITE2)
        with self.sites.without_esp():
            sent = self._sent()
            for some in chunks(packets(count)):
                self.hosts[SITE2].send(some)
                sent += len(some)
                wait_until_equal(self._sent, sent)
            held = esp_packets(capture.stop(), SITE2)
        assert len(held) == count, f"{len(held)} packets held back"
        return held

    def _sent(self):
        return self.sites.gateway2.counters(SITE2.tunnel).outbound["packets"]

    def counters(self):
        """Of what came to site 1: taken, refused as replayed."""
        inbound = self.sites.gateway1.counters(SITE1.tunnel).inbound
        return inbound["packets"], inbound["replay detected"]

    def must_take(self, frames, verdicts):
        """Send frames; each is taken or refused as said, and the LAN gets those that are taken, in this order."""
        taken, refused = self.counters()
        expected = [number for number, verdict in verdicts if verdict is TAKEN]

        so_far = taken + refused
        for some in chunks(frames):
            self.wire.send(some)
            so_far += len(some)
            wait_until_equal(lambda: sum(self.counters()), so_far)    # noqa: B023

        arrived = [number_of(packet) for packet in self.hosts[SITE1].receive(len(expected))]
        assert arrived == expected
        wait_until_equal(self.counters, (taken + len(expected), refused + len(frames) - len(expected)))


def chunks(items):
    """Few enough at a time that no queue overflows, however busy the machine is."""
    return [items[at:at + 200] for at in range(0, len(items), 200)]


def packets(count):
    return numbered([IP(src=SITE2.lan4(20), dst=SITE1.lan4(20)) / UDP() for _ in range(count)])


@pytest.fixture(scope="module", params=[1, 4], ids=["1 worker", "4 workers"])
def field(request, module_lab):
    made = Field(module_lab, request.param)
    threads = made.sites.gateway_hosts[SITE1].must(
        "ls", f"/proc/{made.sites.gateway1.process_id('musubid-path')}/task").split()
    assert len(threads) == 1 + request.param, "a controller, and the workers"
    yield made
    made.sites.stop()


EDGES = [
    (1024, TAKEN),      # a jump from nothing
    (1, TAKEN),         # the oldest that fits
    (1, REFUSED),       # and its duplicate
    (1024, REFUSED),    # the newest once more
    (1023, TAKEN),
    (1025, TAKEN),      # the window moves by one
    (1, REFUSED),       # too old, and seen
    (2, TAKEN),         # now the oldest
    (2, REFUSED),
    (2049, TAKEN),      # a jump of exactly the window
    (1025, REFUSED),    # it is one too old
    (1026, TAKEN),      # the oldest, which was in no window before
    (1026, REFUSED),
    (2048, TAKEN),
    (2049, REFUSED),
    (2060, TAKEN),
    (1036, REFUSED),    # one older than the oldest, and new
    (1037, TAKEN),
    (3, REFUSED),
]


def test_S26_the_edges_of_the_window(field):
    field.begin()
    frames = field.hold_back(2060)

    field.must_take([frames[number - 1] for number, _ in EDGES], EDGES)


def test_R70_reordered_packets_are_taken_once_and_duplicates_refused(field):
    field.begin()
    frames = field.hold_back(300)
    order = [*range(1, 301)]
    random.Random(70).shuffle(order)
    twice = [number for number in order for _ in range(2)]

    field.must_take([frames[number - 1] for number in twice],
                    [verdict for number in order for verdict in ((number, TAKEN), (number, REFUSED))])
    field.must_take(frames, [])


def test_R70_the_first_and_the_last_sequence_numbers(field):
    field.begin()
    sealer = Sealer(field.sites.gateway1.child_sas()[0], SITE1, 0)
    numbers = [(0, REFUSED), (1, TAKEN), (1, REFUSED), (LAST - 1, TAKEN), (LAST, TAKEN), (LAST, REFUSED), (0, REFUSED),
               (1, REFUSED), (2, REFUSED), (LAST - WINDOW, REFUSED), (LAST - WINDOW + 1, TAKEN),
               (LAST - WINDOW + 1, REFUSED)]
    frames = []
    for (sequence, _), packet in zip(numbers, packets(len(numbers)), strict=True):
        sealer.sequence = sequence
        frames += sealer.seal([packet])

    field.must_take(frames, [(place, verdict) for place, (_, verdict) in enumerate(numbers, 1)])


def test_R70_without_anti_replay_each_copy_is_taken(field):
    gateway = field.sites.gateway1
    gateway.configure(f"interface {SITE1.tunnel}", "ikev2 anti-replay off")
    field.begin()
    frames = field.hold_back(1030)
    order = [1030, 1, 1030, 1, 1, 700]

    field.must_take([frames[number - 1] for number in order], [(number, TAKEN) for number in order])

    assert gateway.child_sas()[0].fields["Anti-replay"] == "off"
    gateway.configure(f"interface {SITE1.tunnel}", "ikev2 anti-replay on")
    field.begin()
    frames = field.hold_back(1)
    field.must_take(frames * 3, [(1, TAKEN)])
