"""What a crash of musubid leaves, and that the next start takes it over."""

import threading

import pytest

from lib.sites import SITE1, SITE2

KEEPER, ENGINE, PATH = PROCESSES = ["musubid", "musubid-engine", "musubid-path"]


@pytest.mark.parametrize("slow", [ENGINE, PATH])
def test_a_start_waits_for_the_processes_of_a_killed_musubid(connected, slow):
    gateway1 = connected.gateway1
    pid = str(gateway1.process_id(slow))
    gateway1.host.must("kill", "-STOP", pid)
    gateway1.kill_process(KEEPER)
    end = threading.Timer(1, lambda: gateway1.host.run("kill", "-CONT", pid))
    end.start()

    gateway1.start()

    assert not end.is_alive(), "ready while the old process was there"
    connected.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    connected.stop()


def test_a_start_gives_up_after_five_seconds_with_a_clear_word(sites):
    gateway1 = sites.gateway(SITE1).start()
    keeper = gateway1.process.pid
    path = str(gateway1.process_id(PATH))
    gateway1.host.must("kill", "-STOP", path)
    gateway1.kill_process(KEEPER)

    done = gateway1.host.run(*gateway1.daemon_argv(), timeout=15)

    assert done.status == 1
    assert done.stderr == (f"musubid: processes of a musubid that was killed (process {keeper}) still run in "
                           f"{gateway1.run_directory}\n")
    gateway1.host.must("kill", "-CONT", path)
    gateway1.start().stop()
