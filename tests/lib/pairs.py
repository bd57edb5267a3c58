"""`musubi check --pair`: runs it on configs, and reads what it says."""

import json

from lib.musubi import SHELL
from lib.process import run

CONNECTS, DOES_NOT, USAGE = 0, 1, 2


def check_pair(folder, *configs, names=("a", "b", "c", "d"), options=()):
    """Runs it on configs, which are written to files in the folder; returns what `run` does."""
    files = []
    for name, text in zip(names, configs):
        path = folder / (name if "." in name else f"{name}.cfg")
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        files.append(path.name)
    return run("env", "-C", str(folder), SHELL, "check", "--pair", *options, *files)


def pair_report(folder, *configs, **how):
    """What it says as JSON; its exit status has to be the one that follows from that."""
    done = check_pair(folder, *configs, options=("--json",), **how)
    assert done.stderr == "" and done.status in (CONNECTS, DOES_NOT), str(done)
    report = json.loads(done.stdout)
    assert done.status == (CONNECTS if report["connects"] else DOES_NOT), done.stdout
    return report


def the_pair(report):
    """The only pair of a report."""
    assert len(report["pairs"]) == 1, json.dumps(report, indent=1)
    return report["pairs"][0]


def findings(pair, file, kind="failure"):
    """The findings about a file: pairs of a text and the texts of its lines."""
    return [(f["text"], [line["text"] for line in f["lines"]]) for f in pair["findings"]
            if (f["file"], f["kind"]) == (file, kind)]
