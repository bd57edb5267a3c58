"""Prints figures and goals: as tables, and as JSON."""

import os
import platform
import time


def number(value):
    """Three digits, without an exponent."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def figure_text(figure):
    many = len(figure.samples) > 1
    return number(figure.median) + (f" ± {figure.spread * 100:.0f} %" if many else "")


def _tables(rows):
    """Splits the rows of a part into those that share contestants."""
    tables = []
    for name, row in rows.items():
        shared = [table for table in tables if any(row.keys() & other.keys() for other in table.values())]
        merged = {name: row}
        for table in reversed(shared):
            tables.remove(table)
            merged = {**table, **merged}
        tables.append(merged)
    return tables


def part_table(figures, part):
    """Tables of one part in Markdown: a row for each measurement, a column for each contestant."""
    for number, rows in enumerate(_tables(figures.of_part(part))):
        if number > 0:
            yield ""
        yield from _table(rows, part)


def _table(rows, part):
    contestants = list(dict.fromkeys(name for row in rows.values() for name in row))
    yield f"| {part} | unit | {' | '.join(contestants)} |"
    yield "| --- | --- |" + " ---: |" * len(contestants)
    for name, row in rows.items():
        unit = next(iter(row.values())).unit
        cells = [figure_text(row[one]) if one in row else "" for one in contestants]
        yield f"| {name} | {unit} | {' | '.join(cells)} |"


def goal_verdict(figures, goal):
    value = figures.ratio(goal)
    if value is None:
        return "", "not measured"
    return number(value), "met" if goal.is_met(value) else "missed"


def goal_table(figures, parts=None, measured=False):
    """The goals in Markdown; `parts`: only theirs. `measured`: without those that were not measured."""
    yield "| goal | at least or at most | reached | |"
    yield "| --- | ---: | ---: | --- |"
    for goal in figures.goals:
        reached, verdict = goal_verdict(figures, goal)
        if (parts is None or goal.figure.part in parts) and (reached or not measured):
            yield f"| {goal.what} | {'≤' if goal.at_most else '≥'} {number(goal.bound)} | {reached} | {verdict} |"


def machine():
    """What the figures depend on."""
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="ascii")
                  if line.startswith("model name")), platform.machine())
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(),
            "load_at_start": os.getloadavg()[0], "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())}


def as_json(figures, about):
    return {
        "about": about,
        "figures": [{"part": f.key.part, "name": f.key.name, "contestant": f.key.contestant, "unit": f.unit,
                     "median": f.median, "spread": f.spread, "samples": f.samples}
                    for f in figures.figures.values()],
        "goals": [{"part": goal.figure.part, "what": goal.what, "bound": goal.bound, "at_most": goal.at_most,
                   "reached": figures.ratio(goal), "verdict": goal_verdict(figures, goal)[1]}
                  for goal in figures.goals],
    }
