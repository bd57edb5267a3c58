"""What musubid says when it cannot start: one clear line, an exit status, and nothing left behind."""

import pytest

from lib.footprint import footprint, left_behind
from lib.musubi import DAEMON, Musubi
from lib.sites import SITE1, SITE2, TwoSites

FAILED, USAGE = 1, 2


@pytest.fixture
def sites(lab):
    return TwoSites(lab)


@pytest.fixture
def host(sites):
    return sites.gateway_hosts[SITE1]


def must_refuse(host, argv, status, *words):
    """Run musubid with `argv`: the exit status, one line on stderr with these words, nothing left."""
    before = footprint(host)

    done = host.run(*argv, timeout=15)

    assert done.status == status, str(done)
    lines = done.stderr.splitlines()
    assert len(lines) == 1, f"one line on stderr, not:\n{done.stderr}"
    missing = [word for word in words if word.lower() not in lines[0].lower()]
    assert not missing, f"{missing} not in: {lines[0]}"
    assert not (remains := left_behind(before, footprint(host))), remains


@pytest.mark.parametrize("argv", [
    pytest.param([], id="no config"),
    pytest.param(["--config"], id="no file name"),
    pytest.param(["--no-such-option"], id="unknown option"),
    pytest.param(["--config", "x", "--port", "nonsense"], id="bad port"),
    pytest.param(["--config", "x", "stray"], id="stray word"),
])
def test_a_usage_error_exits_with_2(host, argv):
    done = host.run(DAEMON, *argv)

    assert done.status == USAGE, str(done)
    assert done.stderr.strip(), "it says how it is used"


def test_a_config_file_that_is_not_there(host, lab):
    gateway = Musubi(lab, host, "")
    gateway.config_path.unlink()

    must_refuse(host, gateway.daemon_argv(), FAILED, str(gateway.config_path))


@pytest.mark.parametrize("line, words", [
    ("ikev2 default-profile\n  sa-proposal enc aes-cbc-255", ["aes-cbc-255"]),
    ("ikev2 default-profile\n  no-such-command", ["no-such-command"]),
    ("interface GigaEthernet0.0\n  ip address 10.1.0.1/33", ["10.1.0.1/33"]),
    ("interface Tunnel0.x\n", ["Tunnel0.x"]),
    ("interface Tunnel1.0\n  ikev2 peer any authentication psk", ["any"]),
], ids=["bad algorithm", "unknown profile command", "bad prefix", "bad interface", "any without id"])
def test_S15_a_config_error_is_reported_with_file_and_line(host, lab, line, words):
    gateway = Musubi(lab, host, f"hostname before\n{line}\n")
    line_number = len(f"hostname before\n{line}".rstrip().splitlines())

    done = host.run(*gateway.daemon_argv())

    assert done.status == FAILED, str(done)
    first = done.stderr.splitlines()[0]
    assert f"config:{line_number}:" in first, done.stderr
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize("mode, told", [(0o600, False), (0o640, True), (0o644, True)], ids=oct)
def test_a_config_with_keys_that_others_may_read_is_told(sites, mode, told):
    gateway = sites.gateway(SITE1)
    gateway.config_path.chmod(mode)
    gateway.start()

    warning = "the file holds keys, and others than its owner may read it"
    assert (f"{gateway.config_path}: warning: {warning}" in gateway.log) == told, gateway.log
    assert (f"config: {warning}" in gateway.show("show logging")) == told
    gateway.stop()


def test_S15_no_part_of_a_config_with_an_error_is_applied(host, lab):
    gateway = Musubi(lab, host, SITE1.config() + "interface GigaEthernet1.0\n  ip address 192.168.1.1/99\n")
    before = footprint(host)

    done = host.run(*gateway.daemon_argv())

    assert done.status == FAILED, str(done)
    assert not (remains := left_behind(before, footprint(host))), remains


def test_a_second_instance_on_the_same_run_dir(sites, host):
    first = sites.gateway(SITE1).start()

    must_refuse(host, first.daemon_argv(), FAILED, str(first.run_directory))

    first.must_be_alive()
    first.show("show ikev2 sa")
    first.stop()


@pytest.mark.parametrize("port", [500, 4500])
@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_a_port_in_use(sites, host, address, port):
    with host.udp_socket(address, port):
        must_refuse(host, sites.gateway(SITE1).daemon_argv(), FAILED, str(port))


@pytest.mark.parametrize("capability", ["net_admin", "net_raw", "net_bind_service"])
def test_a_missing_privilege(sites, host, capability):
    gateway = sites.gateway(SITE1)
    without = ["setpriv", f"--bounding-set=-{capability}", f"--inh-caps=-{capability}"]

    must_refuse(host, [*without, *gateway.daemon_argv()], FAILED)


def test_instances_in_different_namespaces_run_side_by_side(sites):
    sites.start()

    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)

    # stop compares each namespace with what it was before.
    sites.gateway1.stop()
    sites.gateway2.must_be_alive()
    sites.gateway2.stop()
