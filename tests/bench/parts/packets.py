"""Small UDP packets: how many a second pass with less than 0.1 % lost."""

from bench import field, traffic
from lib.lab import Lab

PART = "packets"
UNIT = "packets/s"
LOSS = 0.001
KINDS = {"one": "one flow", "segmented": "one flow, UDP_SEGMENT", "many": "64 flows in turn"}
SIZES = (64, 512)


def name_of(octets, kind):
    return f"{octets} octets, {KINDS[kind]}"


def goals(figures):
    for octets in SIZES:
        for kind in KINDS:
            name = name_of(octets, kind)
            figures.goal(PART, f"{name}: times strongSwan", (name, field.MUSUBI_NATT), (name, field.STRONGSWAN), 6)
            figures.goal(PART, f"{name}: times wireguard-go", (name, field.MUSUBI_NATT), (name, field.WIREGUARD), 2.5)


def passes(bench, contestant, kind, octets, rate, seconds):
    """The rate that was really sent, if next to nothing of it was lost in one of some tries; else None."""
    for _ in range(bench.pick(2, 1)):
        sent, lost = traffic.udp(contestant, kind, octets, rate, seconds)
        if lost < LOSS:
            return sent
    return None


def most(bench, contestant, kind, octets):
    """The highest rate that passes: up by half until one does not, then between the two."""
    seconds = bench.pick(0.6, 0.3)
    rate, best = 20000, 0
    while (sent := passes(bench, contestant, kind, octets, rate, seconds)) is not None:
        best = max(best, sent)
        if sent < 0.9 * rate or bench.quick:
            return best    # the generator can do no more
        rate *= 1.5
    low, high = best or rate / 8, rate
    for _ in range(bench.pick(4, 0)):
        middle = (low + high) / 2
        sent = passes(bench, contestant, kind, octets, middle, seconds)
        if sent is None:
            high = middle
        else:
            low, best = middle, max(best, sent)
    return best


def run(bench):
    names = bench.pick([field.VETH, field.STRONGSWAN, field.WIREGUARD, field.MUSUBI_NATT, field.MUSUBI_ESP],
                       [field.MUSUBI_NATT])
    goals(bench.figures)
    with Lab() as lab:
        contestants = field.start(bench, lab, *names)
        for _ in range(bench.rounds):
            for octets in bench.pick(SIZES, SIZES[:1]):
                for kind in bench.pick(tuple(KINDS), ("one",)):
                    for one in contestants:
                        bench.add(PART, name_of(octets, kind), one.name, most(bench, one, kind, octets), UNIT)
