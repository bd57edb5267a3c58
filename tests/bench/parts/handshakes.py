"""IKEv2 negotiations by pre-shared key, MODP-2048: rate, latency, and the responder's CPU time for each."""

from bench import field
from bench.responders import PROGRAM, MusubiResponder, StrongSwanResponder
from lib.lab import Lab
from lib.process import run as run_program

PART = "handshakes"
MUSUBI, ARITHMETIC = "Musubi", "key exchange alone"
CPU, RATE, MEDIAN, LATE = "CPU of the responder", "negotiations", "latency, median", "latency, 99 %"
MEMORY = "memory of the responder for an IKE SA and its Child SA"


def goals(figures):
    figures.goal(PART, "negotiations for the same CPU: times strongSwan", (CPU, field.STRONGSWAN), (CPU, MUSUBI), 3)
    figures.goal(PART, "negotiations for the same CPU: of what the key exchange allows", (CPU, ARITHMETIC),
                 (CPU, MUSUBI), 0.8)


def measure(bench, responder, options):
    before = responder.cpu()
    result = responder.load(*options)
    assert result["established"] > 0 and result["failed"] == 0, f"{responder.name}: {result}"
    spent = responder.cpu() - before
    for name, value, unit in ((CPU, spent / result["established"], "ms"), (RATE, result["per_second"], "1/s"),
                              (MEDIAN, result["latency_ms"]["50"], "ms"), (LATE, result["latency_ms"]["99"], "ms")):
        bench.add(PART, name, responder.name, value, unit)


def measure_memory(bench, responder, count):
    before = responder.memory()
    responder.load("--keep", "--count", count)
    bench.add(PART, MEMORY, responder.name, (responder.memory() - before) / count, "KB")


def run(bench):
    at_once, seconds, kept = 8, bench.pick(4, 0.5), bench.pick(1000, 10)
    goals(bench.figures)
    with Lab() as lab:
        responders = [MusubiResponder(lab, MUSUBI, max(at_once, kept)), StrongSwanResponder(lab, field.STRONGSWAN)]
        for one in responders:
            one.load("--count", at_once)    # what is done once is not measured
        for _ in range(bench.rounds):
            bench.add(PART, CPU, ARITHMETIC,
                      float(run_program(PROGRAM, "key-exchange", "2048-bit").must_succeed().stdout), "ms")
            for one in responders:
                measure(bench, one, ("--at-once", at_once, "--seconds", seconds))
        for one in responders:
            measure_memory(bench, one, kept)
