"""The commands of `musubi`, one-shot and at its prompt."""

import pytest

from lib.lab import Lab
from lib.musubi import SHELL
from lib.sites import SITE1, TwoSites


@pytest.fixture(scope="module")
def gateway(module_lab):
    """A gateway of site 1 without a peer, and without traffic."""
    running = TwoSites(module_lab).gateway(SITE1).start()
    yield running
    running.stop()


def at_prompt(gateway, *lines):
    """Feed lines to `musubi` without a terminal; returns Finished."""
    return gateway.host.run(SHELL, "--run-dir", gateway.run_directory,
                            text_in="".join(f"{line}\n" for line in lines))


def test_several_commands_are_run_in_order(gateway):
    done = gateway.command("show ikev2 sa", "show running-config", "show interfaces")

    assert done.status == 0, str(done)
    assert 0 <= done.stdout.find("ikev2 default-profile") < done.stdout.rfind("GigaEthernet1.0"), done.stdout


@pytest.mark.parametrize("command", ["no such command", "show", "show ikev2 nonsense",
                                     "show ikev2 sa Tunnel99.0", "clear ikev2 sa Tunnel99.0"])
def test_a_command_that_fails_prints_a_percent_line_and_exits_with_1(gateway, command):
    done = gateway.command(command)

    assert done.status == 1, str(done)
    assert any(line.startswith("%") for line in (done.stdout + done.stderr).splitlines()), str(done)


def test_S12_keywords_may_be_abbreviated_by_an_operator(gateway):
    assert gateway.show("sh run") == gateway.show("show running-config")


def test_S12_an_ambiguous_abbreviation_fails(gateway):
    done = gateway.command("s ikev2 s s")

    assert done.status == 1, str(done)


def test_the_prompt_carries_the_hostname(gateway):
    done = at_prompt(gateway, "show interfaces", "exit")

    assert done.status == 0, str(done)
    assert "site1#" in done.stdout, done.stdout
    assert "Tunnel1.0" in done.stdout, done.stdout


def test_the_prompt_ends_with_its_input(gateway):
    assert at_prompt(gateway, "show interfaces").status == 0


def test_without_a_daemon_a_command_says_so(lab):
    host = lab.namespace("empty")

    done = host.run(SHELL, "--run-dir", lab.directory / "nothing-here", "-c", "show ikev2 sa")

    assert done.status == 1, str(done)
    assert "%" in done.stdout + done.stderr, str(done)


def test_a_running_config_can_start_the_gateway_again(gateway):
    printed = gateway.show("show running-config")

    with Lab() as other_lab:
        sites = TwoSites(other_lab)
        again = sites.gateway(SITE1)
        again.config_path.write_text(printed, encoding="utf-8")
        again.start()

        assert again.show("show running-config") == printed
        again.stop()


def test_show_ikev2_sa_without_an_sa_names_no_spi(gateway):
    assert "SPI" not in gateway.show("show ikev2 sa")
