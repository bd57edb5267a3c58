"""Round trips of pings through the tunnel, idle and beside one TCP flow as fast as it can."""

from bench import field, traffic
from lib.lab import Lab

PART = "latency"
UNIT = "ms"
STATES = ("idle", "under load")
KINDS = ("median", "99 %")


def goals(figures):
    for kind in KINDS:
        for state, bound, words in (("idle", 1, "of strongSwan's"), ("under load", 1 / 3, "of strongSwan's")):
            for musubi in (field.MUSUBI_NATT, field.MUSUBI_ESP):
                name = f"{state}, {kind}"
                figures.goal(PART, f"{musubi}, {name}: {words}", (name, musubi), (name, field.STRONGSWAN), bound,
                             at_most=True)


def keep(bench, state, contestant, times):
    for kind, value in zip(KINDS, times):
        bench.add(PART, f"{state}, {kind}", contestant.name, value, UNIT)


def run(bench):
    names = bench.pick([field.VETH, field.STRONGSWAN, field.WIREGUARD, field.MUSUBI_NATT, field.MUSUBI_ESP],
                       [field.VETH, field.MUSUBI_NATT])
    count = bench.pick(300, 20)
    goals(bench.figures)
    with Lab() as lab:
        contestants = field.start(bench, lab, *names)
        for _ in range(bench.rounds):
            for one in contestants:
                keep(bench, "idle", one, traffic.round_trips(one, count, 0.005))
            for one in contestants:
                with traffic.tcp_load(one):
                    keep(bench, "under load", one, traffic.round_trips(one, count, 0.01))
