"""Traffic through a contestant: TCP by iperf3, UDP by udp_rate, pings."""

import json
import re
import statistics
from contextlib import contextmanager

from lib.musubi import BUILD

UDP_RATE = BUILD / "tests" / "bench" / "udp_rate"
PORT = 5201
FOREVER = 3600    # seconds


def _ends(contestant, lans):
    if lans:
        return contestant.near_lan, contestant.far_lan, "192.168.1.10", "192.168.2.10"
    return contestant.near, contestant.far, contestant.inner_near, contestant.inner_far


def _server(contestant, host, address):
    server = host.start("iperf3-server", ["iperf3", "--server", "--one-off", "--forceflush", "--bind", address],
                        contestant.lab.directory)
    server.wait_for_text("Server listening")
    return server


def tcp(contestant, seconds, *options, lans=False):
    """Gigabits a second by TCP from the near to the far inner address; with `--bidir` the sum of both directions.

    With `lans` between hosts behind the gateways, which then forward.
    """
    near, far, here, there = _ends(contestant, lans)
    server = _server(contestant, far, there)
    printed = near.must("iperf3", "--client", there, "--bind", here, "--time", seconds, "--json", *options,
                        timeout=seconds + 30)
    server.end()
    end = json.loads(printed)["end"]
    return sum(end[name]["bits_per_second"] for name in ("sum_received", "sum_received_bidir_reverse")
               if name in end) / 1e9


@contextmanager
def tcp_load(contestant):
    """One TCP flow as fast as it can, meanwhile."""
    server = _server(contestant, contestant.far, contestant.inner_far)
    client = contestant.near.start("iperf3-client", [
        "iperf3", "--client", contestant.inner_far, "--bind", contestant.inner_near, "--time", str(FOREVER),
        "--forceflush"], contestant.lab.directory)
    client.wait_for_text("connected to")
    try:
        yield
    finally:
        client.end()
        server.end()


def round_trips(contestant, count, interval):
    """Median and 99th percentile of pings, in milliseconds."""
    printed = contestant.near.must("ping", "-n", "-c", count, "-i", interval, "-I", contestant.inner_near,
                                   contestant.inner_far, timeout=count * interval + 30)
    times = sorted(float(text) for text in re.findall(r"time=([\d.]+) ms", printed))
    return statistics.median(times), times[min(len(times) - 1, int(len(times) * 0.99))]


def udp_most(contestant, kind, octets, seconds, limit, to=None):
    """The highest rate of UDP packets that pass, tried for some seconds each; `to` is the first of several addresses."""
    counted = contestant.lab.directory / "udp-counted"
    receiver = contestant.far.start("udp-receiver", [UDP_RATE, "receive", "0.0.0.0" if to else contestant.inner_far, PORT,
                                                     counted], contestant.lab.directory)
    receiver.wait_for_text("ready")
    try:
        return float(contestant.near.must(UDP_RATE, "most", contestant.inner_near, to or contestant.inner_far, PORT, kind,
                                          octets, seconds, limit, counted, timeout=60))
    finally:
        receiver.kill()
