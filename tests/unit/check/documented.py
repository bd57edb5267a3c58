#!/usr/bin/env python3
"""Checks that docs/check.md has each warning of `musubi check`, and none that is not in the sources."""

import re
import sys
from pathlib import Path

ROOT = Path(sys.argv[1])
CALLS = re.compile(r"\b(?:survey_warn|diagnostics_warn_at|diagnostics_add|check_reference)\(")
LITERAL = r'"(?:[^"\\]|\\.)*"'
# Shorter literals are no warnings: words that are put into one.
SHORTEST = 20


def call_at(text, start):
    """The arguments of a call whose opening parenthesis is before `start`."""
    depth, at = 1, start
    while depth:
        literal = re.compile(LITERAL).match(text, at)
        if literal:
            at = literal.end()
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[start:at]


def texts_in(code):
    """Literals, those that stand one behind the other put together."""
    for run in re.findall(rf"{LITERAL}(?:\s+{LITERAL})*", code):
        yield "".join(literal[1:-1] for literal in re.findall(LITERAL, run)).replace('\\"', '"')


def warnings():
    files = [*ROOT.glob("src/config/*.c"), ROOT / "src/daemon/keeper/configuration.c"]
    for path in files:
        text = path.read_text(encoding="utf-8")
        for call in CALLS.finditer(text):
            arguments = call_at(text, call.end())
            if "SEVERITY_ERROR" not in arguments:
                yield from (found for found in texts_in(arguments) if len(found) >= SHORTEST)
    yield from texts_in(re.search(r"PROFILE_IN_TUNNEL\s.*?\n\n", (ROOT / "src/config/report.h").read_text(), re.S)[0])
    rules = (ROOT / "src/check/lint.c").read_text(encoding="utf-8")
    yield from texts_in(re.search(r"\brules\[\] = \{.*?\n\};", rules, re.S)[0])


def pattern(text):
    """A warning with any words in place of its values. What is short may be the end of one."""
    pieces = re.split(r"<[a-z-]+>|%[.0-9]*[a-z]+", text.replace("\\\n", "").replace("%%", "\0"))
    return re.compile(".+?".join(re.escape(piece.replace("\0", "%")) for piece in pieces))


def rows():
    for line in (ROOT / "docs/check.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith(("| warning", "| ---")):
            yield line[2:].split(" | ")[0]


def main():
    documented = list(rows())
    in_sources = [(text, pattern(text)) for text in dict.fromkeys(warnings())]
    missing = [text for text, words in in_sources if not any(words.search(row) for row in documented)]
    stale = [row for row in documented if not any(words.search(row) for _, words in in_sources)]
    for text in missing:
        print(f"docs/check.md lacks: {text}")
    for row in stale:
        print(f"docs/check.md has what no source says: {row}")
    print(f"{len(in_sources)} warnings in the sources, {len(documented)} rows")
    return bool(missing or stale or len(in_sources) < 50)


sys.exit(main())
