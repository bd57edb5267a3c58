"""Sealing and opening of batches in memory, on one core, beside the bare library (`esp_batch.c`)."""

import re

from lib.musubi import BUILD
from lib.process import run as run_program

PART = "esp"
UNIT = "Mpps"
MUSUBI, BARE, GIGABITS = "Musubi", "libIPSec_MB alone", "Musubi, Gb/s"
LINE = re.compile(r"(?P<suite>\S.*\S) +(?P<size>\d+|IMIX)  seal +(?P<seal>[\d.]+) Mpps +(?P<seal_bits>[\d.]+) Gb/s .*?"
                  r"\(bare +(?P<bare_seal>[\d.]+)\)  open +(?P<open>[\d.]+) Mpps +(?P<open_bits>[\d.]+) Gb/s .*?"
                  r"\(bare +(?P<bare_open>[\d.]+)\)")
SUITES = ("AES-GCM-256", "AES-GCM-128", "AES-CBC-256 HMAC-SHA1-96", "AES-CBC-256 HMAC-SHA2-256-128")
BOUNDS = {"1408": 0.75, "64": 0.5}


def keep(bench, found):
    for what in ("seal", "open"):
        name = f"{found['suite']}, {found['size']}, {what}"
        bench.add(PART, name, MUSUBI, float(found[what]), UNIT)
        if float(found[f"bare_{what}"]) > 0:
            bench.add(PART, name, BARE, float(found[f"bare_{what}"]), UNIT)
        bench.figures.add(PART, name, GIGABITS, float(found[f"{what}_bits"]), UNIT)


def run(bench):
    for _ in range(bench.rounds):
        printed = run_program(BUILD / "tests/bench/esp_batch", str(bench.pick(0.5, 0.005)), timeout=600)
        for found in LINE.finditer(printed.must_succeed().stdout):
            if found["suite"] in SUITES:
                keep(bench, found)
    for name in bench.figures.of_part(PART):
        size = name.split(", ")[1]
        if size in BOUNDS:
            bench.figures.goal(PART, f"{name}: of the library's rate", (name, MUSUBI), (name, BARE), BOUNDS[size])
