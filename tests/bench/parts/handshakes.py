"""IKEv2 negotiations by pre-shared key, MODP-2048: rate, latency, and the responder's CPU time for each.

`kept`: each client negotiates once, and its SAs stay. `deleted`: each deletes its SAs at once and begins again, so that a
tunnel of Musubi also comes up and goes down each time.
"""

from bench import field
from bench.responders import PROGRAM, MusubiResponder, StrongSwanResponder
from lib.lab import Lab
from lib.musubi import BUILD
from lib.process import run as run_program

PART = "handshakes"
MUSUBI, ARITHMETIC, OPENSSL = "Musubi", "key exchange alone", "OpenSSL's key exchange alone"
CPU, RATE, MEDIAN, LATE = "CPU of the responder", "negotiations", "latency, median", "latency, 99 %"
KEPT, DELETED = "kept", "deleted"
MEMORY = "memory of the responder for an IKE SA and its Child SA"
AT_ONCE = 8


def goals(figures):
    cpu = f"{CPU}, {KEPT}"
    figures.goal(PART, "negotiations for the same CPU: times strongSwan", (cpu, field.STRONGSWAN), (cpu, MUSUBI), 3)
    figures.goal(PART, "negotiations for the same CPU: of what the key exchange allows", (cpu, ARITHMETIC),
                 (cpu, MUSUBI), 0.8)
    figures.goal(PART, "negotiations for the same CPU: of what OpenSSL's key generation and derivation allow",
                 (cpu, OPENSSL), (cpu, MUSUBI), 0.8)
    figures.goal(PART, f"{MEMORY}, KB", (MEMORY, MUSUBI), None, 8, at_most=True)


def measure(bench, responder, kind, options):
    before = responder.cpu()
    result = responder.load("--at-once", AT_ONCE, *options)
    assert result["established"] > 0 and result["failed"] == 0, f"{responder.name}: {result}"
    spent = responder.cpu() - before
    for name, value, unit in ((CPU, spent / result["established"], "ms"), (RATE, result["per_second"], "1/s"),
                              (MEDIAN, result["latency_ms"]["50"], "ms"), (LATE, result["latency_ms"]["99"], "ms")):
        bench.add(PART, f"{name}, {kind}", responder.name, value, unit)


def measure_kept(bench, responder, number, count):
    before = responder.memory()
    measure(bench, responder, KEPT, ("--keep", "--count", count, "--first", number * count))
    bench.add(PART, MEMORY, responder.name, (responder.memory() - before) / count, "KB")


def run(bench):
    seconds, count = bench.pick((2, 400), (0.3, 10))
    goals(bench.figures)
    with Lab() as lab:
        # The first round is not measured: it does what is done once.
        responders = [MusubiResponder(lab, MUSUBI, count * (bench.rounds + 1)),
                      StrongSwanResponder(lab, field.STRONGSWAN)]
        for one in responders:
            one.load("--at-once", AT_ONCE, "--count", AT_ONCE, "--keep")
        for number in range(1, bench.rounds + 1):
            for name, argv in ((ARITHMETIC, (PROGRAM, "key-exchange", "2048-bit")),
                               (OPENSSL, (BUILD / "tests/bench/openssl_key_exchange",))):
                bench.add(PART, f"{CPU}, {KEPT}", name, float(run_program(*argv).must_succeed().stdout), "ms")
            for one in responders:
                measure_kept(bench, one, number, count)
            for one in responders:
                measure(bench, one, DELETED, ("--seconds", seconds))
