"""A musubid whose standard error is a pipe that nobody reads works on."""

import os

import pytest

from lib.sites import SITE1, SITE2

LOGS = "logging subsystem all debug\n"


@pytest.fixture
def full_pipe():
    """A pipe with no room left, whose reader does not read."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for size in (1 << 16, 1):
        try:
            while True:
                os.write(writer, bytes(size))
        except BlockingIOError:
            pass
    os.set_blocking(writer, True)
    yield writer
    os.close(reader)
    os.close(writer)


def test_unread_standard_error_stops_neither_sas_nor_commands_nor_the_end(sites, full_pipe):
    for site in (SITE1, SITE2):
        gateway = sites.gateways[site] = sites.gateway(site)
        gateway.config_path.write_text(LOGS + gateway.config_path.read_text(encoding="ascii"), encoding="ascii")
    sites.gateway1.start(stderr=full_pipe)
    sites.gateway2.start()

    sites.lan2.must_reach(SITE1.lan4(10), count=1, wait=10)

    assert "negotiation started by the peer" in sites.gateway1.show("show logging")
    sites.gateway1.show("clear ikev2 sa")
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    sites.stop()


def test_a_config_that_is_refused_can_be_told_to_nobody_and_sigterm_ends_that(sites, full_pipe):
    gateway = sites.gateway(SITE1)
    gateway.config_path.write_text("ikev2 nonsense\n", encoding="ascii")
    process = sites.gateway_hosts[SITE1].start(
        "musubid", ["sh", "-c", f'exec "$@" 2>/dev/fd/{full_pipe}', "sh", *gateway.daemon_argv()], gateway.directory,
        pass_fds=(full_pipe,))

    assert process.end() != 0
