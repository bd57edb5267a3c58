"""S34: what the logs of both gateways say about typical mistakes, in terms of the lines of their config files.

    near 10.9.0.1, .3, .5, .7 --- 10.9.0.2, .4, .6, .8 far

Each mistake has a tunnel between its own pair of addresses (R46).
"""

import re
from dataclasses import dataclass

import pytest

from lib.direct import FAR, MusubiPair
from lib.lab import wire
from lib.musubi import Musubi
from lib.process import wait_until

CONFIG_HEAD = """\
!
! {name}
!
ikev2 authentication psk id keyid near1 key char {near_key}
ikev2 authentication psk id keyid near2 key char K-near-2
ikev2 authentication psk id keyid near3 key char K-near-3
ikev2 authentication psk id keyid stranger key char K-stranger
ikev2 authentication psk id keyid near4 key char K-near-4
ikev2 authentication psk id keyid far key char K-far
ikev2 default-profile
  sa-proposal enc aes-cbc-256
  sa-proposal integrity sha2-256
  sa-proposal prf sha2-256
  sa-proposal dh 2048-bit
  child-proposal enc aes-cbc-256
  child-proposal integrity sha2-256
interface GigaEthernet1.0
  ip address 192.168.{inner}.1/24
  no shutdown
"""

TUNNEL = """\
interface Tunnel{number}.0
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet1.0
  ikev2 source-address 10.9.0.{here}
  ikev2 local-authentication psk id keyid {own}
  ikev2 peer 10.9.0.{there} authentication psk id keyid {peer}
{more}  no shutdown
"""

SECRET = re.compile(r"K-[a-z0-9-]+")


@dataclass(frozen=True)
class Mistake:
    """A tunnel whose two ends do not match, and the warnings of both; {} stands for the number of the line that begins
    with the words behind it, or of several lines, whose words have | between them."""
    near_id: str
    far_accepts: str
    near_more: str
    far_more: str
    near_says: str
    near_line: str
    far_says: str
    far_line: str


IKE = "enc {}, integrity sha2-256, prf sha2-256, dh 2048-bit"
MISTAKES = {
    1: Mistake("near1", "near1", "", "",
               "negotiation failed: the peer does not accept KEY-ID near1 with the key configured for it, "
               "or it is not KEY-ID far, which it was asked for (AUTHENTICATION_FAILED); lines {}",
               "ikev2 local-authentication psk id keyid near1|ikev2 peer 10.9.0.2 |ikev2 authentication psk id keyid near1 ",
               "negotiation failed: the AUTH of KEY-ID near1 does not fit the key configured for it here: the keys "
               "of both ends differ, or one is `char` and one `hex`; lines {}",
               "ikev2 peer 10.9.0.1 |ikev2 authentication psk id keyid near1 "),
    2: Mistake("near2", "near2", "  ikev2 sa-proposal enc aes-cbc-128\n", "  ikev2 sa-proposal enc aes-cbc-192 3des\n",
               "negotiation failed: the peer accepts no IKE SA proposal (NO_PROPOSAL_CHOSEN): offered "
               f"{IKE.format('aes-cbc-128')}; lines 12, 13, 14, {{}}", "ikev2 sa-proposal enc aes-cbc-128",
               "negotiation failed: no common IKE SA proposal with 10.9.0.3:500: the peer offers "
               f"{IKE.format('aes-cbc-128')}; accepted here {IKE.format('aes-cbc-192 3des')}; line {{}}",
               "ikev2 sa-proposal enc aes-cbc-192 3des"),
    3: Mistake("stranger", "near3", "", "",
               "negotiation failed: the peer does not accept KEY-ID stranger with the key configured for it, "
               "or it is not KEY-ID far, which it was asked for (AUTHENTICATION_FAILED); lines {}",
               "ikev2 local-authentication psk id keyid stranger|ikev2 peer 10.9.0.6 |"
               "ikev2 authentication psk id keyid stranger ",
               "negotiation failed: the peer at 10.9.0.5:500 says it is KEY-ID stranger; accepted here is KEY-ID near3; "
               "line {}", "ikev2 peer 10.9.0.5 "),
    4: Mistake("near4", "near4", "  ikev2 child-proposal enc aes-gcm-256\n", "",
               "negotiation failed: the peer accepts no Child SA proposal (NO_PROPOSAL_CHOSEN): offered enc "
               "aes-gcm-256; lines 16, {}", "ikev2 child-proposal enc aes-gcm-256",
               "negotiation failed: no common Child SA proposal: the peer offers enc aes-gcm-256; accepted here enc "
               "aes-cbc-256, integrity sha2-256; line {}", "child-proposal enc aes-cbc-256"),
}


def near_config():
    return CONFIG_HEAD.format(name="near", near_key="K-mistaken", inner=1) + "".join(
        TUNNEL.format(number=number, here=2 * number - 1, there=2 * number, own=mistake.near_id, peer="far",
                      more=mistake.near_more) for number, mistake in MISTAKES.items()) + "".join(
        f"ip route 192.168.{100 + number}.0/24 Tunnel{number}.0\n" for number in MISTAKES)


def far_config():
    return CONFIG_HEAD.format(name="far", near_key="K-near-1", inner=2) + "".join(
        TUNNEL.format(number=number, here=2 * number, there=2 * number - 1, own="far", peer=mistake.far_accepts,
                      more=mistake.far_more) for number, mistake in MISTAKES.items())


def line_of(config, words):
    """The number of the one line that begins with these words."""
    found = [number for number, line in enumerate(config.splitlines(), 1) if (line.strip() + " ").startswith(words)]
    assert len(found) == 1, f"{words!r} in lines {found}"
    return found[0]


def lines_of(config, words):
    """The numbers of lines, as a warning names them; `words` has | between those of each."""
    return ", ".join(map(str, sorted(line_of(config, each) for each in words.split("|"))))


class Gateways:
    def __init__(self, lab):
        self.near_host = lab.namespace("near", forward=True)
        self.far_host = lab.namespace("far", forward=True)
        wire(self.near_host, "ge0", self.far_host, "ge0")
        for host, first in ((self.near_host, 1), (self.far_host, 2)):
            host.address("ge0", *(f"10.9.0.{first + 2 * i}/24" for i in range(len(MISTAKES))))
            wire(host, "ge1", lab.namespace("lan"), "eth0")
        self.near = Musubi(lab, self.near_host, near_config()).start()
        self.far = Musubi(lab, self.far_host, far_config()).start()
        for number in MISTAKES:
            self.near_host.ping(f"192.168.{100 + number}.1", count=1, wait=0.1)


@pytest.fixture(scope="module")
def gateways(module_lab):
    """Both gateways, after all four negotiations have failed."""
    both = Gateways(module_lab)
    wait_until(lambda: len(failures(both.near)) >= 4 and len(failures(both.far)) >= 4, 10, "four failures at either end")
    yield both
    both.near.stop()
    both.far.stop()


def failures(gateway):
    """Warnings by their tunnel, without those about SAs that are made and deleted."""
    found = {}
    for level, tunnel, text in re.findall(r" ikev2 (error|warn) (?:Tunnel(\d)\.0: )?(.*)", gateway.log):
        if not re.match(r"IKE SA (created|deleted)", text):
            found.setdefault(int(tunnel or 0), []).append(f"{level} {text}")
    return found


@pytest.mark.parametrize("number", MISTAKES, ids=["a wrong key", "no common proposal of the IKE SA", "an unknown ID",
                                                  "no common proposal of the Child SA"])
def test_S34_a_mistake_is_reported_once_at_either_end_with_the_line(gateways, number):
    mistake = MISTAKES[number]

    near, far = failures(gateways.near), failures(gateways.far)

    assert near[number] == ["warn " + mistake.near_says.format(lines_of(near_config(), mistake.near_line))]
    assert far[number] == ["warn " + mistake.far_says.format(lines_of(far_config(), mistake.far_line))]


def test_S34_a_failure_names_the_lines_of_the_startup_config_that_was_written_last(lab):
    pair = MusubiPair(lab)
    far = pair.far_gateway(lab, lines="ikev2 sa-proposal enc aes-cbc-128")
    near = pair.gateway(lab, lines="ikev2 sa-proposal enc aes-cbc-256")
    near.type_lines("configure", "hostname near", "interface Tunnel1.0", "ikev2 sa-proposal prf sha1", "end",
                    "write memory")

    pair.host.ping(FAR.inner4, count=1, wait=0.1)

    named = near.wait_for_log(r"accepts no IKE SA proposal .*; (lines .*)").group(1)
    written = near.config_path.read_text(encoding="utf-8")
    assert named == "lines " + ", ".join(str(line) for line in sorted(
        line_of(written, f"ikev2 sa-proposal {words}") for words in ("enc aes-cbc-256", "prf sha1")))
    near.stop()
    far.stop()


def test_S34_a_failure_names_no_key(gateways):
    for gateway in (gateways.near, gateways.far):
        assert 0 not in failures(gateway), f"warnings without a tunnel\n{gateway.log}"
        for text in (gateway.log, gateway.show("show logging")):
            assert not SECRET.search(text), f"a key stands in the log\n{text}"
