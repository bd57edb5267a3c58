"""Traffic through a contestant: TCP by iperf3, UDP by udp_rate, pings."""

import json
import re
import socket
import statistics
import time
from contextlib import contextmanager

from lib.musubi import BUILD

UDP_RATE = BUILD / "tests" / "bench" / "udp_rate"
PORT = 5201
FOREVER = 3600    # seconds
UDP_SEGMENT = 103
SEGMENT, SEGMENTS = 1300, 44    # octets of a packet, and how many the kernel makes of one message


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


def _way_in(contestant, there):
    """By what packets to an address enter the tunnel, or what stands in its place: a device, and the next hop's
    link-layer address if it has one."""
    device = json.loads(contestant.near.must("ip", "-json", "route", "get", there))[0]["dev"]
    if device != "ge0":
        return device, "-"
    return device, contestant.far.must("cat", "/sys/class/net/ge0/address").strip()


def udp_most(contestant, kind, octets, seconds, limit, to=None):
    """The highest rate of UDP packets that pass, tried for some seconds each.

    They go to the far inner address; or to others at the far gateway, of which `to` is the first, from a host behind the
    near gateway, which then forwards.
    """
    counted = contestant.lab.directory / "udp-counted"
    if to:
        near, here, there = contestant.near_lan, "192.168.1.10", to
        way = "eth0", contestant.near.must("cat", "/sys/class/net/ge1/address").strip()
    else:
        near, here, there = contestant.near, contestant.inner_near, contestant.inner_far
        way = _way_in(contestant, there)
    receiver = contestant.far.start("udp-receiver", [UDP_RATE, "receive", PORT, counted], contestant.lab.directory)
    receiver.wait_for_text("ready")
    try:
        return float(near.must(UDP_RATE, "most", *way, here, there, PORT, kind, octets, seconds, limit, counted,
                               timeout=60))
    finally:
        receiver.kill()


def flood(contestant, addresses, gigabits, seconds):
    """UDP from the near inner address to the addresses in turn, so many gigabits a second, whether they arrive or not."""
    def send():
        message = bytes(SEGMENT * SEGMENTS)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((contestant.inner_near, 0))
            sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SEGMENT)
            began, sent = time.monotonic(), 0
            while (now := time.monotonic() - began) < seconds:
                if sent < now * gigabits * 1e9 / (len(message) * 8):
                    sender.sendto(message, (addresses[sent % len(addresses)], PORT))
                    sent += 1
                else:
                    time.sleep(0.0002)
    contestant.near.within(send)
