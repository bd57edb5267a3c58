"""`debug capture` writes a tunnel's packets and keys, with which tshark decrypts IKE and the packets inside of ESP, also
after a rekey (R100, R102, S35). The commands of docs/captures.md are run as they stand there."""

import re
import signal
import stat
from pathlib import Path

import pytest

from lib.musubi import SHELL
from lib.process import run, wait_until
from lib.sites import SITE1, SITE2

DOCS = Path(__file__).resolve().parents[2] / "docs" / "captures.md"


def commands_of_docs(directory):
    """The tshark commands of the docs, by the words of their display filters, to be run where the capture is."""
    found = re.findall(r"^    (WIRESHARK_CONFIG_DIR=\S+ tshark .*)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(found) == 2, found
    return [run("sh", "-c", f"cd {directory} && {command}").must_succeed().stdout for command in found]


class Captured:
    """A capture of a site's tunnel, which goes on."""

    def __init__(self, sites, site=SITE1):
        self.directory = sites.lab.directory
        self.path = self.directory / "site1.pcapng"
        self.keys = self.directory / "site1.pcapng.keys"
        self._shell = sites.gateway_hosts[site].start(
            "capture", [SHELL, "--run-dir", sites.gateways[site].run_directory,
                        "-c", f"debug capture {site.tunnel} {self.path} seconds 600"], self.directory)
        self._shell.wait_for_text(f"Capturing {site.tunnel} for 600 seconds")

    def wait_for_keys(self, child):
        wait_until(lambda: child.outbound["SPI"] in (self.keys / "esp_sa").read_text(), 10,
                   "the keys of the Child SA")

    def end(self):
        """Returns what tshark prints of it: IKE, and the packets inside of ESP."""
        self._shell.end(by=signal.SIGINT)
        assert self._shell.status() == 0, self._shell.log()
        assert re.search(r"^[1-9]\d* packets in \S+, 0 lost$", self._shell.log(), re.MULTILINE), self._shell.log()
        return commands_of_docs(self.directory)


def test_R100_a_capture_is_decrypted_by_its_keys(sites):
    sites.start()
    near = sites.gateway1
    capture = Captured(sites)
    path, keys, directory = capture.path, capture.keys, capture.directory

    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    first = near.wait_for_sa()[1]
    capture.wait_for_keys(first)
    near.show("clear ikev2 sa")
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    second = near.wait_for_sa()[1]
    capture.wait_for_keys(second)

    ike, inside = capture.end()

    assert ike.count("Exchange type: IKE_AUTH (35)") == 4, ike
    assert ike.count("Payload: Identification - Initiator (35)") == 2, ike
    assert ike.count("<HMAC_SHA1_96 [RFC2404]>[correct]") == 4, ike
    assert inside.count("Echo (ping) request") == 2 and inside.count("Echo (ping) reply") == 2, inside

    for file in (path, *keys.iterdir()):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    log = [line for line in near.show("show logging").splitlines() if "handed out" in line]
    assert len(log) == 1 and re.search(r" system warn Tunnel1\.0: its keys are handed out to user ID 0, process \d+, "
                                       r"by `debug capture`$", log[0]), log

    again = near.command(f"debug capture {SITE1.tunnel} {path}")
    assert again.status == 1 and f"% {path} is there already, and is not overwritten" in again.stderr, str(again)
    wrong = near.command(f"debug capture Tunnel77.0 {directory}/none.pcapng")
    assert wrong.status == 1 and "There is no interface Tunnel77.0" in wrong.stderr, str(wrong)
    assert not (directory / "none.pcapng").exists() and not (directory / "none.pcapng.keys").exists()


def test_R100_the_keys_from_before_and_after_a_rekey_are_in_a_capture(sites):
    sites.start(tunnel_lines="ikev2 child-lifetime 10\n")
    near = sites.gateway1
    capture = Captured(sites)
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    first = near.wait_for_sa()[1]
    capture.wait_for_keys(first)

    wait_until(lambda: near.wait_for_sa()[1].outbound["SPI"] != first.outbound["SPI"], 20, "a rekey")
    capture.wait_for_keys(near.wait_for_sa()[1])
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)

    ike, inside = capture.end()
    assert ike.count("Exchange type: IKE_AUTH (35)") == 2, ike
    assert inside.count("Echo (ping) request") == 2 and inside.count("Echo (ping) reply") == 2, inside


NAT_TRAVERSAL = "ikev2 nat-traversal keepalive 20 force\n"
ANY = "ikev2 peer any authentication psk id keyid site1\n"


def outside6(site):
    """Tunnel lines with which the two sites talk over IPv6, and the address of the site for it."""
    return (f"ikev2 peer 2001:db8:f{site.peer_number}::1 authentication psk id keyid site{site.peer_number}\n"
            f"ikev2 outgoing-interface GigaEthernet0.0 2001:db8:f{site.number}::254\n"
            f"interface GigaEthernet0.0\nipv6 address 2001:db8:f{site.number}::1/64\n")


@pytest.mark.parametrize("kind, near, far", [
    ("in UDP", NAT_TRAVERSAL, NAT_TRAVERSAL), ("IPv6 outside", outside6(SITE1), outside6(SITE2)), ("any", "", ANY)])
def test_R100_captures_of_other_tunnels_are_decrypted_too(sites, kind, near, far):
    for site in (SITE1, SITE2):
        sites.internet.address(f"wan{site.number}", f"2001:db8:f{site.number}::254/64")
    sites.start(tunnel_lines=near, at_site2=far)
    at = SITE2 if kind == "any" else SITE1
    capture = Captured(sites, at)
    wait_until(lambda: sites.lan1.ping(SITE2.lan4(10), count=1, wait=1), 20, "the tunnel carries packets")
    capture.wait_for_keys(sites.gateways[at].wait_for_sa()[1])

    ike, inside = capture.end()

    assert ike.count("Payload: Identification - Initiator (35)") == 1, ike
    assert "Echo (ping) request" in inside and "Echo (ping) reply" in inside, inside
