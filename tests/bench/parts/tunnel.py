"""Throughput of TCP through one tunnel, both gateways and the generator of the traffic on this machine."""

from bench import field, traffic
from lib.lab import Lab

PART = "tunnel"
ONE, EIGHT, BOTH, FORWARDED = "one TCP flow", "eight TCP flows", "both directions, sum", "one flow from LAN to LAN"
UNIT = "Gb/s"


def goals(figures):
    def goal(what, musubi, against, bound):
        figures.goal(PART, what, musubi, against, bound)
    natt, esp = (ONE, field.MUSUBI_NATT), (ONE, field.MUSUBI_ESP)
    goal("NAT-T, AES-256-GCM: times strongSwan", natt, (ONE, field.STRONGSWAN), 12)
    goal("NAT-T, AES-256-GCM: times wireguard-go", natt, (ONE, field.WIREGUARD), 9)
    goal("plain ESP, AES-256-GCM: times strongSwan", esp, (ONE, field.STRONGSWAN), 8)
    goal("AES-256-CBC, SHA-1: of the GCM figure", (ONE, field.MUSUBI_CBC_SHA1), natt, 0.7)
    goal("AES-256-CBC, SHA-256: of the GCM figure", (ONE, field.MUSUBI_CBC_SHA256), natt, 0.7)
    for name in (field.MUSUBI_NATT, field.MUSUBI_ESP):
        goal(f"{name}: eight flows, of one", (EIGHT, name), (ONE, name), 1)
        goal(f"{name}: both directions in sum, of one", (BOTH, name), (ONE, name), 1)


def run(bench):
    seconds = bench.pick(3, 1)
    names = bench.pick(list(field.MAKERS), [field.STRONGSWAN, field.MUSUBI_NATT])
    kinds = [(ONE, (), False), (EIGHT, ("--parallel", 8), False), (BOTH, ("--bidir",), False), (FORWARDED, (), True)]
    goals(bench.figures)
    with Lab() as lab:
        contestants = field.start(bench, lab, *names)
        for _ in range(bench.rounds):
            for kind, options, lans in bench.pick(kinds, kinds[:1]):
                for one in contestants:
                    bench.add(PART, kind, one.name, traffic.tcp(one, seconds, *options, lans=lans), UNIT)
