"""`musubi-bench ike` loads responders, and `make bench` measures: a short run of all its parts, whatever the figures."""

import json
import subprocess
import sys

import pytest

from bench.responders import PROGRAM, RESPONDER, MusubiResponder, StrongSwanResponder
from lib.musubi import BUILD, PROJECT


@pytest.mark.parametrize("make", [lambda lab: MusubiResponder(lab, "Musubi", 5),
                                  lambda lab: StrongSwanResponder(lab, "strongSwan")], ids=["musubi", "strongswan"])
def test_load_establishes_and_deletes_as_often_as_it_is_told(lab, make):
    result = make(lab).load("--count", 40, "--at-once", 5)

    assert result["established"] == 40 and result["failed"] == 0
    assert 0 < result["latency_ms"]["50"] <= result["latency_ms"]["99"] <= result["latency_ms"]["max"]


def test_load_keeps_its_sas_if_it_is_told(lab):
    responder = MusubiResponder(lab, "Musubi", 12)

    result = responder.load("--count", 12, "--at-once", 3, "--keep")

    assert result["established"] == 12
    assert sum(sa.established for sa in responder.musubi.ike_sas()) == 12


def test_load_says_why_nothing_is_established(lab):
    responder = MusubiResponder(lab, "Musubi", 1)

    done = responder.load_host.run(PROGRAM, "ike", "--to", RESPONDER, "--id", "keyid bench#", "--peer-id",
                                   "keyid centre", "--key", "wrong", "--count", 2, "--at-once", 1, "--json")

    assert done.status == 1
    assert json.loads(done.stdout)["failed"] == 2
    assert "AUTHENTICATION_FAILED" in done.stderr


NEEDED = ["--to", "10.0.0.1", "--id", "keyid a", "--peer-id", "keyid b", "--key", "k"]


@pytest.mark.parametrize("options, told", [
    (["--to", "here"], "--to can't be `here`"),
    (["--to", "10.0.0.1", "--id", "keyid a", "--key", "k"], "--peer-id is missing"),
    ([*NEEDED, "--at-once", "0"], "--at-once can't be `0`"),
    ([*NEEDED, "--keep"], "--keep needs --count"),
    ([*NEEDED, "--from", "::1"], "--from and --to must both be IPv4"),
    ([*NEEDED, "--bogus"], "musubi-bench ike: unrecognized option '--bogus'"),
    ([*NEEDED, "more"], "what is `more`?"),
    ([*NEEDED, "--line", "no such line"], "ikev2 no such line"),
])
def test_load_says_what_is_wrong_with_its_arguments(options, told):
    done = subprocess.run([PROGRAM, "ike", *options], capture_output=True, text=True, check=False)

    assert done.returncode == 2 and told in done.stderr and not done.stdout
    assert "Usage:" not in done.stderr, "what is wrong is not lost in the help"


def test_load_says_how_it_is_used():
    for argv, status in ((["--help"], 0), (["ike", "--help"], 0), ([], 2), (["ike"], 2)):
        done = subprocess.run([PROGRAM, *argv], capture_output=True, text=True, check=False)

        assert done.returncode == status and "Usage: musubi-bench ike" in (done.stderr if status else done.stdout)


def test_every_part_of_make_bench_measures(tmp_path):
    path = tmp_path / "bench.json"

    done = subprocess.run([sys.executable, PROJECT / "tests/bench/run.py", "--build", BUILD, "--quick", "--json", path],
                          capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    measured = json.loads(path.read_text())
    from bench.parts import NAMES
    assert {figure["part"] for figure in measured["figures"]} == set(NAMES)
    assert {goal["part"] for goal in measured["goals"]} == set(NAMES)
    for goal in measured["goals"]:
        assert (f"| {goal['what']} |" in done.stdout) == (goal["verdict"] != "not measured")
