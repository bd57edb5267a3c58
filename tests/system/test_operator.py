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


def test_several_commands_are_run_in_order(gateway):
    done = gateway.command("show ikev2 sa", "show running-config", "show interfaces")

    assert done.status == 0, str(done)
    assert 0 <= done.stdout.find("ikev2 default-profile") < done.stdout.rfind("GigaEthernet1.0"), done.stdout


@pytest.mark.parametrize("command", ["no such command", "show", "show ikev2 nonsense",
                                     "show ikev2 sa Tunnel99.0", "clear ikev2 sa Tunnel99.0"])
def test_a_command_that_fails_prints_a_percent_line_and_exits_with_1(gateway, command):
    done = gateway.command(command)

    assert done.status == 1, str(done)
    assert done.stdout == "", str(done)
    assert any(line.startswith("%") for line in done.stderr.splitlines()), str(done)


def test_S12_keywords_may_be_abbreviated_by_an_operator(gateway):
    assert gateway.show("sh run") == gateway.show("show running-config")


def test_S12_an_ambiguous_abbreviation_fails(gateway):
    done = gateway.command("s ikev2 s s")

    assert done.status == 1, str(done)


def test_S12_a_question_mark_lists_what_may_follow(gateway):
    assert gateway.show("show ikev2 ?") == """\
  child-sa               Child SAs with keys, statistics and history
  explain                What stands between a tunnel and carrying packets, step by step
  sa                     IKE SAs, with their keys
  statistics             How many IKE messages came, and how many were of no use
  summary                All tunnels, a line each
"""
    assert gateway.show("debug capture Tunnel1.0 ?") == "  FILE                   A name\n"
    assert gateway.show("show i?").split()[0] == "ikev2"
    shown = gateway.type_lines("configure", "interface Tunnel1.0", "ikev2 connect-type ?", "show ikev2 sa ?",
                               "description who ?", "end", "show running-config")
    assert "  auto                   Make the SA at once, and again whenever it is gone\n" in shown
    assert "  <cr>                   The line may end here\n" in shown
    assert '  description "who ?"\n' in shown or "  description who ?\n" in shown
    gateway.configure("interface Tunnel1.0", "no description")
    unknown = gateway.command("no such ?")
    assert unknown.status == 1 and unknown.stderr == "% No command begins like this\n", str(unknown)


def test_the_prompt_carries_the_hostname(gateway):
    done = gateway.type_at_terminal("show interfaces")

    assert done.status == 0, str(done)
    assert "site1#" in done.stdout, done.stdout
    assert "Tunnel1.0" in done.stdout, done.stdout


def test_a_session_at_a_terminal_continues_after_an_error(gateway):
    done = gateway.type_at_terminal("no such command", "show interfaces")

    assert done.status == 0, str(done)
    assert done.stdout.find("%") < done.stdout.rfind("Tunnel1.0"), done.stdout


def test_piped_lines_print_no_prompts_and_end_with_their_input(gateway):
    done = gateway.host.run(SHELL, "--run-dir", gateway.run_directory, text_in="show interfaces\n")

    assert done.status == 0, str(done)
    assert done.stdout == gateway.show("show interfaces"), str(done)


def test_piped_lines_continue_after_one_that_fails_and_exit_with_1(gateway):
    done = gateway.feed_lines("no such command", "show interfaces")

    assert done.status == 1, str(done)
    assert "%" not in done.stdout and "Tunnel1.0" in done.stdout, str(done)
    assert "line 1" in done.stderr and "%" in done.stderr, str(done)


@pytest.mark.parametrize("arguments, lines", [(["-c", "show interfaces"], None), ([], "show interfaces\n")],
                         ids=["-c", "piped"])
def test_a_daemon_that_does_not_answer_is_reported(gateway, arguments, lines):
    gateway.host.must("kill", "-STOP", gateway.process.pid)
    try:
        done = gateway.host.run(SHELL, "--run-dir", gateway.run_directory, *arguments, text_in=lines)
    finally:
        gateway.host.must("kill", "-CONT", gateway.process.pid)

    assert done.status == 1, str(done)
    assert done.stdout == "" and done.stderr == f"% The musubid in {gateway.run_directory} does not answer\n", str(done)


def test_without_a_daemon_a_command_says_so(lab):
    host = lab.namespace("empty")

    done = host.run(SHELL, "--run-dir", lab.directory / "nothing-here", "-c", "show ikev2 sa")

    assert done.status == 1, str(done)
    assert done.stderr.startswith("% No musubid"), str(done)


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
