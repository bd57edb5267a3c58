#!/usr/bin/python3
"""Measures Musubi side by side with its rivals: `make bench`.

Contestants take turns, several rounds; what is printed is the median, and half of the distance between the extremes.
Works in namespaces of its own, as root. A goal that is missed is no failure: the exit status tells only whether all
could be measured.
"""

import argparse
import importlib
import json
import os
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build-bench", help="the build folder to measure (default: build-bench)")
    parser.add_argument("--only", default="", help="parts, with commas between them")
    parser.add_argument("--rounds", type=int, help="rounds of each measurement (default: 5)")
    parser.add_argument("--quick", action="store_true", help="one short round of a few things: shows that it works")
    parser.add_argument("--json", type=Path, help="write all samples to this file (default: BUILD/bench.json)")
    parser.add_argument("--docs", type=Path, help="write table and plots into this directory")
    parser.add_argument("--remark", default="", help="a sentence on the circumstances, for --docs")
    return parser.parse_args()


class Bench:
    """What the parts are handed: how long to measure, and where figures go."""

    def __init__(self, figures, rounds, quick):
        self.figures, self.rounds, self.quick = figures, rounds, quick
        self.curves = {}    # {file name: svg.Curves}

    def pick(self, full, quick):
        return quick if self.quick else full

    def add(self, part, name, contestant, value, unit):
        self.figures.add(part, name, contestant, value, unit)
        self.say(f"{part}: {name}: {contestant}: {value:.4g} {unit}")

    @staticmethod
    def say(text):
        print(text, file=sys.stderr, flush=True)


def measure(options, parts):
    from bench.figures import Figures
    bench = Bench(Figures(), options.rounds or (1 if options.quick else 5), options.quick)
    failed = []
    for name in parts:
        began = time.monotonic()
        try:
            importlib.import_module(f"bench.parts.{name}").run(bench)
        except AssertionError as fault:
            failed.append(name)
            bench.say(f"{name}: {fault}")
        bench.say(f"{name}: {time.monotonic() - began:.0f} s")
    return bench, failed


def main():
    options = arguments()
    os.environ["MUSUBI_BUILD"] = options.build
    from bench import docs, report
    from bench.parts import NAMES
    from lib import lab
    parts = [name for name in options.only.split(",") if name] or list(NAMES)
    if unknown := set(parts) - set(NAMES):
        sys.exit(f"bench: no part {', '.join(unknown)}; there are {', '.join(NAMES)}")
    about = report.machine()
    lab.sweep()
    bench, failed = measure(options, parts)
    figures = bench.figures
    for part in figures.parts():
        print(*report.part_table(figures, part), sep="\n", end="\n\n")
    print(*report.goal_table(figures, measured=True), sep="\n")
    path = options.json or ROOT / options.build / "bench.json"
    path.write_text(json.dumps(report.as_json(figures, about), indent=1) + "\n", encoding="utf-8")
    left_out = sum(figures.ratio(goal) is None for goal in figures.goals)
    bench.say(f"{left_out} goals were not measured; all samples are in {path}")
    if options.quick:
        bench.say("a quick run shows that all works; its figures say little")
    if options.docs:
        docs.write(options.docs, bench, about, options.remark)
    sys.exit(f"bench: not all could be measured: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
