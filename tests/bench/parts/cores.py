"""Two workers: both directions of a tunnel and two tunnels at once, one worker beside two, the order of ESP, locks."""

import re
import signal
import struct
import time

from bench import field, traffic
from bench.spread import Spread
from lib.capture import Capture
from lib.lab import Lab
from lib.process import Background

PART = "cores"
ONE, BOTH, TWO = "one tunnel, one direction", "one tunnel, both directions, sum", "two tunnels, one flow each, sum"
ORDER = "ESP packets out of order"
LOCKS, CALLS = "futex calls of both paths, both directions", "all system calls of both paths, both directions"
UNIT = "Gb/s"
LEAVING = {"NAT-T": (field.NATT, 12), "plain ESP": ("", 4)}    # lines of a Tunnel; Gb/s, more than a worker seals
WORKERS = {"one worker": 1, "two workers": 2}
PCAP_HEADER, RECORD_HEADER, ETHERNET, IPV4_ESP = 24, 16, 14, 50


def goals(figures):
    who = field.MUSUBI_ESP
    figures.goal(PART, "both directions of a tunnel, of one", (BOTH, who), (ONE, who), 1)
    figures.goal(PART, "two tunnels, of one", (TWO, who), (ONE, who), 1)
    for kind in LEAVING:
        one, two = ((leaving(kind), name) for name in WORKERS)
        figures.goal(PART, f"{leaving(kind)}: two workers, of one", two, one, 1)
    figures.goal(PART, "ESP packets of a tunnel that leave out of order", (ORDER, who), None, 0, at_most=True)
    figures.goal(PART, "waits for a lock on the packet path", (LOCKS, who), None, 0, at_most=True)


def leaving(kind):
    return f"{kind} that leaves a gateway by two tunnels"


def esp_numbers(path):
    """(source address, SPI, sequence number) of each ESP packet of a capture."""
    octets = path.read_bytes()
    at = PCAP_HEADER
    while at + RECORD_HEADER <= len(octets):
        length = struct.unpack_from("<I", octets, at + 8)[0]
        packet = octets[at + RECORD_HEADER + ETHERNET:at + RECORD_HEADER + length]
        at += RECORD_HEADER + length
        if len(packet) >= 28 and packet[0] >> 4 == 4 and packet[9] == IPV4_ESP:
            yield packet[12:16], *struct.unpack_from(">II", packet, (packet[0] & 15) * 4)


def out_of_order(path):
    """How many ESP packets have a number that is not above all of its SA before it."""
    last, wrong, seen = {}, 0, 0
    for source, spi, number in esp_numbers(path):
        wrong += number <= last.get((source, spi), 0)
        last[source, spi] = max(number, last.get((source, spi), 0))
        seen += 1
    assert seen > 100, "the capture has hardly an ESP packet"
    return wrong


def two_at_once(first, second, seconds):
    """The sum of a flow through each of two tunnels, at the same time."""
    with traffic.tcp_load(second):
        alone = traffic.tcp(first, seconds)
    with traffic.tcp_load(first):
        return alone + traffic.tcp(second, seconds)


def measure_order(bench, lab, contestant):
    capture = Capture(lab, contestant.far, "ge0", "order", octets=64)
    traffic.tcp(contestant, 1, "--bidir")
    bench.add(PART, ORDER, contestant.name, out_of_order(capture.stop()), "packets")


def start_leaving(lab):
    """{(kind, workers): a gateway that sends by two tunnels}."""
    made = {}
    for kind, (lines, _) in LEAVING.items():
        for name, cores in WORKERS.items():
            one = Spread(lab, name, 2, lines)
            one.gateways[0].cores = cores
            made[kind, name] = one.start()
    return made


def measure_leaving(bench, made, seconds):
    """How much a gateway sends, while the far one takes nothing and leaves the cores to it."""
    def octets(host):
        return int(host.must("cat", "/sys/class/net/ge0/statistics/tx_bytes"))
    for (kind, name), one in made.items():
        with one.gateways[1].stopped("musubid-path"):
            before, began = octets(one.near), time.monotonic()
            traffic.flood(one, one.addresses, LEAVING[kind][1], seconds)
            rate = (octets(one.near) - before) * 8 / 1e9 / (time.monotonic() - began)
        bench.add(PART, leaving(kind), name, rate, UNIT)


def measure_locks(bench, lab, contestant):
    """What the threads of the packet paths ask of Linux while packets pass: a lock that is taken twice is a futex call."""
    counts = lab.directory / "calls"
    tracer = Background("strace", ["strace", "-f", "-c", "-o", counts, *(
        word for gateway in contestant.gateways for word in ("-p", gateway.process_id("musubid-path")))], lab.directory)
    tracer.wait_for_text("attached")
    traffic.tcp(contestant, 1, "--bidir")
    tracer.end(by=signal.SIGINT)
    calls = {line.split()[-1]: int(line.split()[3]) for line in counts.read_text().splitlines()
             if re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+\d+\s", line)}
    assert calls["writev"] > 0, f"no traffic was seen\n{counts.read_text()}"
    bench.add(PART, LOCKS, contestant.name, calls.get("futex", 0), "calls")
    bench.add(PART, CALLS, contestant.name, calls["total"], "calls")


def run(bench):
    seconds = bench.pick(3, 1)
    goals(bench.figures)
    with Lab() as lab:
        first, *others = (field.MAKERS[field.MUSUBI_ESP](lab, field.MUSUBI_ESP).start() for _ in range(bench.pick(2, 1)))
        for _ in range(bench.rounds):
            bench.add(PART, ONE, first.name, traffic.tcp(first, seconds), UNIT)
            if not bench.quick:
                bench.add(PART, BOTH, first.name, traffic.tcp(first, seconds, "--bidir"), UNIT)
                bench.add(PART, TWO, first.name, two_at_once(first, *others, seconds), UNIT)
            measure_order(bench, lab, first)
            if not bench.quick:
                measure_locks(bench, lab, first)
    if not bench.quick:
        with Lab() as lab:
            made = start_leaving(lab)
            for _ in range(bench.rounds):
                measure_leaving(bench, made, seconds)
