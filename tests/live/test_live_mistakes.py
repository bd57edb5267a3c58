"""The forty mistakes made at a live pair: the log of each end has what `musubi check --pair` says that it has (S34).

    lan1 --- site1 --- internet --- site2 --- lan2

Each end may begin, since each has packets for the other one's LAN. A row takes up to two minutes, since a peer that
does not answer is waited for, so `make mistakes` runs them apart from `make test`.
"""

import re

import pytest

from lib.lab import wire
from lib.mistakes import MISTAKES
from lib.musubi import Musubi
from lib.pairs import pair_report, the_pair
from lib.process import wait_until

# So that a rekey fails soon. It comes last, and moves no line.
REKEYED_SOON = "  ikev2 child-lifetime 20\n"

PORTS = {f"GigaEthernet{number}": f"ge{number}" for number in range(3)}
# Where the internet is the next hop of a site, also with the addresses that a mistake gives it.
NEXT_HOPS = {1: {"ge0": ("10.1.0.254/24", "2001:db8:1::254/64"), "ge2": ("10.9.0.254/24",)},
             2: {"ge0": ("10.2.0.254/24", "192.168.200.254/24", "2001:db8:2::254/64"), "ge2": ("10.8.0.254/24",)}}


class Pair:
    """Two sites, each with a gateway that has a config of its own, a second WAN, and a LAN."""

    def __init__(self, lab, configs):
        internet = lab.namespace("internet", forward=True)
        self.gateways = []
        for number, config in enumerate(configs, 1):
            host = lab.namespace(f"site{number}", forward=True)
            wire(host, "ge1", lab.namespace(f"lan{number}"), "eth0")
            for port, addresses in NEXT_HOPS[number].items():
                wire(host, port, internet, f"{port}-{number}")
                internet.address(f"{port}-{number}", *addresses)
            self.gateways.append(Musubi(lab, host, config, PORTS).start())
        self.order = [0, 1]

    def ping(self):
        """From each LAN into the tunnel, as `--pair` takes it that the config wants (src/check/pair_traffic.h)."""
        for index in self.order:
            gateway = self.gateways[index]
            network = re.search(r"^ip route (\S+)\.0/24 Tunnel", gateway.config_path.read_text("utf-8"), re.M).group(1)
            gateway.host.ping(f"{network}.1", "-I", f"192.168.{index + 1}.254", count=1, wait=1)

    def let_the_other_begin(self):
        """The selectors of a Child SA are those of the end that began."""
        for gateway in self.gateways:
            gateway.show("clear ikev2 sa")
        for gateway in self.gateways:
            gateway.wait_for_no_sa()
        self.order.reverse()

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
        if live.missing(expected) and "selectors" in mistake.name:
            live.let_the_other_begin()
        return not live.missing(expected)

    try:
        wait_until(all_said, 90, "the logs")
    except AssertionError:
        raise AssertionError(f"not logged: {live.missing(expected)}\n" + "\n".join(
            f"{gateway.name}:\n{gateway.log}" for gateway in live.gateways)) from None
    for gateway in live.gateways:
        gateway.kill()
