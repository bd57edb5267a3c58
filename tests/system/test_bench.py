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


@pytest.mark.parametrize("options", [[], ["--to", "here"], ["--to", "10.0.0.1", "--id", "keyid a", "--peer-id", "keyid b",
                                                          "--key", "k", "--line", "no such line"],
                                     ["--to", "10.0.0.1", "--id", "keyid a", "--peer-id", "keyid b", "--key", "k",
                                      "--keep"]])
def test_load_refuses_wrong_arguments(options):
    done = subprocess.run([PROGRAM, "ike", *options], capture_output=True, text=True, check=False)

    assert done.returncode == 2 and done.stderr and not done.stdout


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
        assert goal["verdict"] in done.stdout and goal["what"] in done.stdout
