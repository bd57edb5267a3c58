"""Forty classic mistakes in a pair of configs: `musubi check --pair` names the lines of both ends, and so does the log
of each end, unless it can't know (S34)."""

import json

import pytest

from lib.mistakes import MISTAKES, SITE1, SITE2, page
from lib.musubi import PROJECT
from lib.pairs import pair_report, the_pair

PAGE = PROJECT / "docs" / "mistakes.md"


def named(pair, file, log_only):
    """The lines that the reasons of an end name."""
    return {line["text"] for finding in pair["findings"] if finding["file"] == file and finding["kind"] == "failure"
            and (finding["log"] or not log_only) for line in finding["lines"]}


def test_without_a_mistake_the_two_sites_connect(tmp_path):
    pair = the_pair(pair_report(tmp_path, SITE1, SITE2))

    assert pair["connects"] and pair["findings"] == []


def test_there_are_forty_different_mistakes():
    assert len({mistake.name for mistake in MISTAKES}) == len({mistake.configs() for mistake in MISTAKES}) == 40


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_S34_a_mistake_is_explained_with_the_lines_of_both_ends(tmp_path, mistake):
    pair = the_pair(pair_report(tmp_path, *mistake.configs()))

    assert not pair["connects"]
    for file, lines, blind in (("a.cfg", mistake.at_a, mistake.blind_a), ("b.cfg", mistake.at_b, mistake.blind_b)):
        told = json.dumps([finding for finding in pair["findings"] if finding["file"] == file], indent=1)
        assert lines or blind, f"the row says nothing of {file}"
        if lines:
            assert named(pair, file, log_only=False) & set(lines), f"{file}: {lines} are not named:\n{told}"
        in_log = bool(named(pair, file, log_only=True) & set(lines))
        assert in_log != bool(blind), f"{file}: the log names {lines}: {in_log}; it cannot know: {blind!r}\n{told}"


def test_the_page_is_what_is_said_now(tmp_path):
    reports = [pair_report(tmp_path, *mistake.configs()) for mistake in MISTAKES]

    assert PAGE.read_text(encoding="utf-8") == page(reports), "`make docs` writes the page anew"
