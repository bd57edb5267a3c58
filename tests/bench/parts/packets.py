"""Small UDP packets: how many a second pass with less than 0.1 % lost."""

from bench import field, traffic
from lib.lab import Lab

PART = "packets"
UNIT = "packets/s"
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


def most(bench, contestant, kind, octets, to=None):
    """The highest rate that passes; a quick run tries only one rate."""
    return traffic.udp_most(contestant, kind, octets, bench.pick(0.4, 0.2), bench.pick(10_000_000, 1), to)


def run(bench):
    names = bench.pick([field.VETH, field.STRONGSWAN, field.WIREGUARD, field.MUSUBI_NATT, field.MUSUBI_ESP,
                        field.NULL_NATT],
                       [field.MUSUBI_NATT])
    goals(bench.figures)
    with Lab() as lab:
        contestants = field.start(bench, lab, *names)
        for _ in range(bench.rounds):
            for octets in bench.pick(SIZES, SIZES[:1]):
                for kind in bench.pick(tuple(KINDS), ("one",)):
                    for one in contestants:
                        bench.add(PART, name_of(octets, kind), one.name, most(bench, one, kind, octets), UNIT)
