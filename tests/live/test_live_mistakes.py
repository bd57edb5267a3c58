"""The forty mistakes made at a live pair: the log of each end has what `musubi check --pair` says that it has (S34).

    lan1 --- site1 --- internet --- site2 --- lan2

Each end may begin, since packets come from both LANs. A row takes up to two minutes, since a peer that does not
answer is waited for, so `make mistakes` runs them apart from `make test`.
"""

import pytest

from lib.lab import wire
from lib.mistakes import MISTAKES
from lib.musubi import Musubi
from lib.pairs import pair_report, the_pair
from lib.process import wait_until

# So that a rekey fails soon. It comes last, and moves no line.
REKEYED_SOON = "  ikev2 child-lifetime 20\n"


class Pair:
    """Two sites, each with a host in its LAN, and a gateway with a config of its own."""

    def __init__(self, lab, configs):
        internet = lab.namespace("internet", forward=True)
        self.lans, self.gateways = [], []
        for number, config in enumerate(configs, 1):
            host, lan = lab.namespace(f"site{number}", forward=True), lab.namespace(f"lan{number}")
            wire(host, "ge0", internet, f"wan{number}")
            wire(host, "ge1", lan, "eth0")
            internet.address(f"wan{number}", f"10.{number}.0.254/24", f"2001:db8:{number}::254/64")
            lan.address("eth0", f"192.168.{number}.10/24")
            lan.ip(f"route add default via 192.168.{number}.254")
            self.lans.append(lan)
            self.gateways.append(Musubi(lab, host, config).start())

    def ping(self):
        for lan, other in zip(self.lans, (2, 1)):
            lan.ping(f"192.168.{other}.10", count=1, wait=1)

    def missing(self, expected):
        """What is not in the logs yet."""
        return [(gateway.name, text) for gateway, texts in zip(self.gateways, expected) for text in texts
                if text not in gateway.log]


def logged(pair, file):
    return [finding["text"] for finding in pair["findings"] if finding["file"] == file and finding["log"]]


@pytest.mark.parametrize("mistake", [mistake for mistake in MISTAKES if "certificate" not in mistake.name],
                         ids=lambda mistake: mistake.name)
def test_S34_the_logs_of_a_live_pair_say_what_is_expected(lab, tmp_path, mistake):
    configs = mistake.configs()
    pair = the_pair(pair_report(tmp_path, *configs))
    expected = [logged(pair, file) for file in ("a.cfg", "b.cfg")]
    live = Pair(lab, [config + REKEYED_SOON if "rekey" in mistake.name else config for config in configs])

    def all_said():
        live.ping()
        return not live.missing(expected)

    try:
        wait_until(all_said, 90, "the logs")
    except AssertionError:
        raise AssertionError(f"not logged: {live.missing(expected)}\n" + "\n".join(
            f"{gateway.name}:\n{gateway.log}" for gateway in live.gateways)) from None
    for gateway in live.gateways:
        gateway.kill()
