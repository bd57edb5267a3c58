"""Writes what was measured into docs/performance.md, between its markers, and the plots beside it."""

import re

from bench import report, svg

PAGE = "performance.md"
TITLES = {
    "tunnel": "Throughput of one tunnel", "packets": "UDP packets a second, less than 0.1 % lost",
    "latency": "Round trips through the tunnel", "handshakes": "Handshakes",
}


def _section(bench, part, about, remark):
    figures = bench.figures
    yield (f"Measured {about['date']} on {about['cores']} cores ({about['cpu']}, Linux {about['kernel']}), "
           f"{bench.rounds} round{'s' if bench.rounds > 1 else ''}; load of the machine before: {about['load_at_start']:.1f}.")
    if remark:
        yield remark
    yield ""
    if part in TITLES:
        yield f"![{TITLES[part]}](performance-{part}.svg)"
        yield ""
    for file, curves in bench.curves.items():
        if file.startswith(f"performance-{part}"):
            yield f"![{curves.title}]({file})"
            yield ""
    yield from report.part_table(figures, part)
    if any(goal.figure.part == part for goal in figures.goals):
        yield ""
        yield from report.goal_table(figures, [part])


def write(directory, bench, about, remark):
    """Replaces the sections of the parts that were measured, and leaves the others."""
    page = directory / PAGE
    text = page.read_text(encoding="utf-8")
    for part in bench.figures.parts():
        begin, end = f"<!-- {part} -->\n", f"<!-- end of {part} -->\n"
        section = "\n".join(_section(bench, part, about, remark)) + "\n"
        text, count = re.subn(re.escape(begin) + ".*?" + re.escape(end), lambda _, s=section: begin + s + end, text,
                              flags=re.DOTALL)
        assert count == 1, f"{page} has no section for {part}"
        if part in TITLES:
            groups = {name: {who: (figure.median, figure.unit) for who, figure in row.items()}
                      for name, row in bench.figures.of_part(part).items()}
            (directory / f"performance-{part}.svg").write_text(svg.bars(TITLES[part], groups), encoding="utf-8")
    for file, curves in bench.curves.items():
        (directory / file).write_text(curves.svg(), encoding="utf-8")
    page.write_text(text, encoding="utf-8")
