"""`musubi check` reads configs offline, by any user, however large or strange they are."""

import shutil
import tempfile
from pathlib import Path

import pytest

from lib.musubi import BUILD, SHELL
from lib.process import run

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
GOOD, WRONG, USAGE = 0, 1, 2

# The memory allowed for a million lines, and for a line without end.
ADDRESS_SPACE = 1 << 30

# Warnings about what is not supported yet. The manual's lists must cause no others.
NOT_YET = (" is not supported yet",)


def check(*files):
    return run(SHELL, "check", *map(str, files), timeout=120)


def check_within_memory(path):
    """As `check`, with bounded memory. Only in the plain build, since a sanitized one maps terabytes."""
    limit = ["prlimit", f"--as={ADDRESS_SPACE}"] if BUILD.name == "build" else []
    return run(*limit, SHELL, "check", str(path), timeout=120)


@pytest.fixture
def write(tmp_path):
    """Writes a file of its own for a test, and returns its path."""
    def write_file(content, name="config"):
        path = tmp_path / name
        path.touch(mode=0o600)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path
    return write_file


def test_a_sound_config_yields_no_output(write):
    done = check(write("hostname site1\n"))

    assert (done.status, done.stdout, done.stderr) == (GOOD, "", "")


def test_S15_an_error_has_file_line_column_and_caret(write):
    path = write("hostname a\nikev2 profile p\n  sa-proposal enc aes-cbc-257\n")

    done = check(path)

    assert (done.status, done.stderr) == (WRONG, "")
    first, source, caret = done.stdout.splitlines()
    assert first.startswith(f"{path}:3:19: error: ") and "aes-cbc-256" in first, done.stdout
    assert source[18:] == "aes-cbc-257", done.stdout
    assert caret.startswith(" " * 18 + "^"), done.stdout


def test_S14_warnings_alone_are_no_failure_and_show_no_arguments(write):
    path = write("ppp profile isp\n  authentication password user@isp hunter2\n")

    done = check(path)

    assert (done.status, done.stderr) == (GOOD, "")
    assert [line.split(" ")[0] for line in done.stdout.splitlines()] == [f"{path}:1:1:", f"{path}:2:3:"]
    assert " warning: " in done.stdout and "hunter2" not in done.stdout, done.stdout


def test_a_secret_is_not_shown_with_an_error(write):
    done = check(write("ikev2 authentication psk id keyid a key char hunter2 surplus\n"))

    assert done.status == WRONG
    assert "hunter2" not in done.stdout, done.stdout


def test_several_files_are_all_checked(write):
    good, wrong = write("hostname a\n", "good"), write("interface Tunnel0.x\n", "wrong")

    done = check(wrong, good, wrong)

    assert done.status == WRONG
    assert done.stdout.count(f"{wrong}:1:") == 2, done.stdout


def test_a_file_that_cannot_be_read_is_reported_in_one_line_and_the_others_are_checked(write, tmp_path):
    missing, wrong = tmp_path / "missing", write("interface Tunnel0.x\n")

    done = check(missing, wrong, tmp_path)

    assert done.status == USAGE
    first, second = done.stderr.splitlines()
    assert str(missing) in first and "No such file" in first, first
    assert str(tmp_path) in second and "directory" in second, second
    assert f"{wrong}:1:" in done.stdout, done.stdout


@pytest.mark.parametrize("argv", [["check"], ["check", "-c", "show ikev2 sa", "x"],
                                  ["check", "--nonsense", "x"]])
def test_wrong_usage_exits_with_2(argv):
    done = run(SHELL, *argv)

    assert done.status == USAGE
    assert done.stderr, "it says how it is used"


@pytest.mark.parametrize("options", [(), ("--effective",)])
def test_output_that_cannot_be_written_is_no_verdict(write, options):
    path = write("hostname x\nsnmp-agent x\n")

    done = run("sh", "-c", 'exec "$@" >/dev/full', "sh", SHELL, "check", *options, path)

    assert (done.status, done.stderr) == (
        USAGE, "musubi check: the output can't be written: No space left on device\n")


def test_the_policy_of_no_tunnel_is_told_as_that(write):
    path = write("hostname x\n")

    done = check("--effective", path)

    assert (done.status, done.stdout, done.stderr) == (GOOD, f"{path}: there is no Tunnel\n", "")


def test_it_needs_no_root():
    # In a folder that all users may enter; those of the tests and the build may not be.
    with tempfile.TemporaryDirectory(prefix="musubi-check-") as folder:
        Path(folder).chmod(0o755)
        Path(folder, "config").write_text("interface Tunnel0.x\n", encoding="ascii")
        shutil.copy(SHELL, folder)

        done = run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
                   f"{folder}/{SHELL.name}", "check", f"{folder}/config")

    assert (done.status, done.stderr) == (WRONG, ""), str(done)


def test_R40_peers_by_domain_name_yield_no_output(write):
    peers = ("peer gw.example.com", "peer-fqdn-ipv4 gw4.example.com", "peer-fqdn-ipv6 gw6.example.com")
    text = "dns server 192.0.2.53\ndns server 2001:db8::53\n"
    for number, peer in enumerate(peers):
        text += (f"ip route 10.{number}.0.0/16 Tunnel{number}.0\n"
                 f"ikev2 authentication psk id fqdn {peer.split()[1]} key char secret{number}\n"
                 f"interface Tunnel{number}.0\n  tunnel mode ipsec-ikev2\n"
                 f"  ikev2 {peer} authentication psk\n  no shutdown\n")

    done = check(write(text))

    assert (done.status, done.stdout, done.stderr) == (GOOD, "", "")


# However large or strange


def test_a_million_lines_take_bounded_memory(write):
    text = "".join(f"ip route 10.{n >> 16}.{n >> 8 & 255}.{n & 255}/32 192.0.2.1\n" for n in range(1_000_000))

    done = check_within_memory(write(text))

    assert (done.status, done.stdout, done.stderr) == (GOOD, "", "")


def test_a_million_foreign_lines_are_not_all_reported(write):
    done = check_within_memory(write("snmp-agent x\n" * 1_000_000))

    assert (done.status, done.stderr) == (GOOD, "")
    lines = done.stdout.splitlines()
    assert len(lines) == 10_001 and lines[-1].endswith("990000 more are not shown"), lines[-1]


@pytest.mark.parametrize("start, status", [("", GOOD), ("hostname ", GOOD), ("ikev2 profile ", WRONG)],
                         ids=["nothing known", "a hostname", "a profile"])
def test_one_endless_line_yields_short_output(write, start, status):
    done = check_within_memory(write(start + "a" * 50_000_000))

    assert (done.status, done.stderr) == (status, "")
    assert len(done.stdout) < 1000, done.stdout[:1000]


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom"])
def test_a_file_without_end_is_refused(device):
    done = check_within_memory(device)

    assert (done.status, done.stdout) == (USAGE, "")
    assert done.stderr == f"musubi check: {device}: File too large\n"


def test_binary_octets_are_accepted_or_refused_with_an_error(write):
    done = check_within_memory(write(bytes(range(256)) * 40_000))

    assert (done.status, done.stderr) == (GOOD, "")
    assert all(" warning: " in line for line in done.stdout.splitlines()[:-1])


# The configs of this project


def warnings_of(path, write):
    """The warnings about a config that must have no errors, as (line, warning), in order."""
    path = write(path.read_bytes())
    done = check(path)
    assert (done.status, done.stderr) == (GOOD, ""), str(done)
    found = []
    for line in done.stdout.splitlines():
        place, separator, warning = line.partition(" warning: ")
        assert separator and place.startswith(f"{path}:"), line
        found.append((int(place.split(":")[-3]), warning))
    assert found == sorted(found, key=lambda one: one[0]), "in the order of lines"
    return found


def corpus(folder):
    return [pytest.param(path, id=path.stem) for path in sorted((CONFIGS / folder).glob("*.cfg"))]


@pytest.mark.parametrize("path", corpus("manual"))
def test_S13_the_lists_of_the_manual_have_no_errors(path, write):
    found = warnings_of(path, write)

    # Their default routes lead outside when a tunnel is down (S48).
    expected = (*NOT_YET, "leave in the clear by the route to 0.0.0.0/0")
    unexpected = [warning for _, warning in found if not any(words in warning for words in expected)]
    assert not unexpected, unexpected


@pytest.mark.parametrize("path", corpus("routers"))
def test_S14_the_configs_of_routers_have_no_errors(path, write):
    found = warnings_of(path, write)

    assert found, "each has something that is not Musubi's"
    lines = [line for line, warning in found if "is not handled by Musubi" in warning]
    assert len(lines) == len(set(lines)), "each foreign line is reported once"


def test_every_command_of_the_language_is_accepted(write):
    found = warnings_of(CONFIGS / "language" / "everything.cfg", write)

    assert not [warning for _, warning in found if "not handled" in warning], found
