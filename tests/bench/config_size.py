#!/usr/bin/python3
"""Time and memory of `musubi check` over the size of the config, for configs of several shapes.

    config_size.py MUSUBI [--docs DIRECTORY]

Prints a table. With --docs it also writes docs/config-size.md and docs/config-size.svg. The figures are the least
processor time (user and system) of some runs, and the largest resident memory.
"""

import argparse
import os
import random
import subprocess
import tempfile
from pathlib import Path

MILLION = 1_000_000
PARTS = (MILLION // 8, MILLION // 4, MILLION // 2, MILLION)
RUNS = 3
MIB = 1 << 20

TUNNEL = ("interface Tunnel{}.{}", "  tunnel mode ipsec-ikev2", "  ip unnumbered GigaEthernet1.0",
          "  ikev2 peer any authentication psk id keyid site{}", "  no shutdown")


def tunnels(count):
    for number in range(count // len(TUNNEL)):
        names = ((number // 1000, number % 1000), (), (), (number,), ())
        for line, values in zip(TUNNEL, names):
            yield line.format(*values)


def each(line):
    """A function that yields `count` lines; `line` makes the line with a given number."""
    return lambda count: (line(number) for number in range(count))


SHAPES = {
    "routes": each(lambda n: f"ip route 10.{n >> 16}.{n >> 8 & 255}.{n & 255}/32 192.0.2.1"),
    "keys": each(lambda n: f"ikev2 authentication psk id keyid site{n} key char secret{n}"),
    "tunnels": tunnels,
    "one setting again and again": each(lambda n: "hostname a" if n % 2 else "no hostname"),
    "foreign lines": each(lambda n: f"snmp-agent line {n}"),
    "errors": each(lambda _: "ikev2 defualt-profile"),
}
LINE_OCTETS = 50    # the shapes without lines have this many octets in place of each line
PIECE = 1 << 16

# In pieces, since the resident memory of a program includes that of the process that started it.
OCTET_SHAPES = {
    "one endless line": lambda size: (b"a" * PIECE for _ in range(size // PIECE)),
    "random octets": lambda size: (random.Random(n).randbytes(PIECE) for n in range(size // PIECE)),
}


def shapes():
    """Yields (shape, lines, pieces of text) for each measurement."""
    for shape, lines in SHAPES.items():
        for count in PARTS:
            yield shape, count, (f"{line}\n".encode() for line in lines(count))
    for shape, pieces in OCTET_SHAPES.items():
        for count in PARTS:
            yield shape, None, pieces(count * LINE_OCTETS)


class Measured:
    """The measurement of one shape at one size; `lines` is None for shapes without lines."""

    def __init__(self, musubi, shape, lines, pieces):
        self.shape, self.lines = shape, lines
        with tempfile.NamedTemporaryFile(prefix="musubi-bench-") as config:
            config.writelines(pieces)
            config.flush()
            self.octets = config.tell()
            runs = [self._run(musubi, config.name) for _ in range(RUNS)]
        self.seconds = min(seconds for seconds, _ in runs)
        self.memory = max(memory for _, memory in runs)

    @staticmethod
    def _run(musubi, path):
        started = subprocess.Popen([musubi, "check", path], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
        assert started.returncode in (0, 1), f"{path}: status {started.returncode}"
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024

    def row(self):
        each = self.lines or self.octets
        unit = "line" if self.lines else "octet"
        time = f"{self.seconds / each * 1e6:.2f} µs" if self.lines else f"{self.seconds / each * 1e9:.1f} ns"
        count = f"{self.lines:,}" if self.lines else "–"
        octets = f"{self.memory / each:.{0 if self.lines else 1}f}"
        return (f"| {self.shape} | {count} | {self.octets / MIB:.1f} | {self.seconds:.2f} "
                f"| {self.memory / MIB:.0f} | {time} | {octets} | {unit} |")


HEADER = """\
| shape | lines | MiB | CPU s | memory MiB | time for each | octets of memory for each | each |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
"""

PAGE = """\
# Time and memory over the size of a config

`musubi check`, and musubid when it starts, read a config in time and memory that grow in proportion to its
size, whatever its content:

![Processor time and memory over size](config-size.svg)

{table}
The last three columns show it: from 125,000 lines to a million they stay about the same for each shape, or fall
where nothing is kept of a line. (With a small file, more of the memory is the program itself.) Times are processor
times, the least of {runs} runs; other work ran on the same machine, so a figure can be off by a third.

Memory is also bounded: a file may have 64 MiB, a config 2,000,000 lines, and 10,000 errors and 10,000 warnings are
kept and printed; more are only counted.

`tests/bench/config_size.py build/musubi --docs docs` measures, and writes this page.
"""

COLOURS = ("#1b6ca8", "#c0392b", "#27864a", "#8e44ad", "#d08a00", "#4d4d4d", "#00868b", "#b5548b")


class Panel:
    """One diagram: linear axes from 0, and a line with dots for each shape."""
    WIDTH, HEIGHT, LEFT, TOP, GAP = 330, 260, 60, 40, 90

    def __init__(self, number, title, curves):
        self.x0 = self.LEFT + number * (self.WIDTH + self.GAP)
        self.title, self.curves = title, curves
        self.x_max = max(x for points in curves.values() for x, _ in points)
        self.y_max = max(y for points in curves.values() for _, y in points)

    def place(self, x, y):
        return (self.x0 + x / self.x_max * self.WIDTH, self.TOP + self.HEIGHT * (1 - y / self.y_max))

    def svg(self):
        yield f'<text x="{self.x0}" y="{self.TOP - 16}" font-weight="bold">{self.title}</text>'
        for part in (0, 1 / 4, 1 / 2, 3 / 4, 1):
            x, y = self.place(part * self.x_max, part * self.y_max)
            bottom, right = self.TOP + self.HEIGHT, self.x0 + self.WIDTH
            yield f'<path d="M{self.x0} {y:.1f}H{right}M{x:.1f} {self.TOP}V{bottom}" stroke="#ddd"/>'
            yield f'<text x="{self.x0 - 6}" y="{y + 4:.1f}" text-anchor="end">{part * self.y_max:.3g}</text>'
            yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{part * self.x_max:.0f}</text>'
        yield (f'<text x="{self.x0 + self.WIDTH / 2}" y="{self.TOP + self.HEIGHT + 34}" text-anchor="middle">'
               f'size of the config, MiB</text>')
        for colour, points in zip(COLOURS, self.curves.values()):
            places = [self.place(x, y) for x, y in points]
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            yield f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
            for x, y in places:
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>'


def plot(measured):
    curves = {}
    for one in measured:
        curves.setdefault(one.shape, []).append(one)
    times = {shape: [(one.octets / MIB, one.seconds) for one in ones] for shape, ones in curves.items()}
    memory = {shape: [(one.octets / MIB, one.memory / MIB) for one in ones] for shape, ones in curves.items()}
    panels = [Panel(0, "processor time, s", times), Panel(1, "memory, MiB", memory)]
    lines = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 440" font-family="sans-serif" '
             'font-size="12">',
             '<rect width="840" height="440" fill="white"/>']
    for panel in panels:
        lines += panel.svg()
    for number, (colour, shape) in enumerate(zip(COLOURS, curves)):
        x, y = 60 + number % 4 * 195, 372 + number // 4 * 24
        lines.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>'
                     f'<text x="{x + 10}" y="{y + 4}">{shape}</text>')
    return "\n".join([*lines, "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("musubi", help="the program to measure")
    parser.add_argument("--docs", type=Path, help="write the page and its plot into this directory")
    arguments = parser.parse_args()

    print(HEADER, end="", flush=True)
    measured = []
    for what in shapes():
        measured.append(Measured(arguments.musubi, *what))
        print(measured[-1].row(), flush=True)
    if arguments.docs:
        table = HEADER + "".join(one.row() + "\n" for one in measured)
        (arguments.docs / "config-size.md").write_text(PAGE.format(table=table, runs=RUNS), encoding="utf-8")
        (arguments.docs / "config-size.svg").write_text(plot(measured), encoding="utf-8")


if __name__ == "__main__":
    main()
