"""What many tunnels cost: start and end, memory, a typed line, the engine's time for an event, packets of one tunnel."""

import re
import time

from bench import svg
from bench.crowded import Crowded
from bench.parts import packets
from bench.responders import FIRST_TS, musubi_config, musubi_initiator_config
from bench.spread import Spread
from lib import shows
from lib.lab import Lab, wire
from lib.musubi import BUILD, Musubi
from lib.process import run as run_program, wait_until

PART = "scale"
MUSUBI = "Musubi"
KNOWN = "from start until the engine knows the config"
SET_UP, TORN_DOWN, LOST = "all tunnels set up by another gateway", "all of them torn down", "tunnels lost"
LIFETIME = 300          # seconds of a Child SA
REKEY_MARGIN = 60       # seconds before its end
UP, GONE, KERNEL, PROCESSES = "from start to ready", "from SIGTERM to the end", "kernel memory", "memory of the processes"
TYPED = "a typed line of a tunnel"
NEGOTIATION, REKEY, SA_MEMORY = "engine, a negotiation", "engine, a rekey of a Child SA", "engine, an IKE SA and its Child SA"
INSTALLED = "64 octets, one flow, beside other SAs"
SPREAD = "64 octets, to addresses behind tunnels in turn"
FINDING_COLUMNS = ("IKE_SA_INIT answered", "IKE_SA_INIT refused", "negotiation, engine")


def tunnels(count):
    return f"{count:,} tunnel{'s' if count > 1 else ''}"


def sas(count):
    return f"{count:,} SAs"


def goals(figures):
    def at_most(what, name, who, bound):
        figures.goal(PART, what, (name, who), None, bound, at_most=True)
    at_most("2,000 Tunnel interfaces up, s", UP, tunnels(2000), 5)
    at_most("2,000 Tunnel interfaces gone, s", GONE, tunnels(2000), 2)
    at_most("kernel memory of a Tunnel interface, KB", KERNEL, tunnels(2000), 100)
    at_most("config of 10,000 tunnels read and applied to the engine, s", KNOWN, tunnels(10000), 1)
    at_most("10,000 tunnels set up, rekeyed and torn down: lost", LOST, tunnels(10000), 0)
    for name in (NEGOTIATION, REKEY):
        figures.goal(PART, f"{name}: with 100,000 SAs, of 100", (name, sas(100000)), (name, sas(100)), 1.5, at_most=True)
    figures.goal(PART, "packets of one tunnel: beside 10,000 SAs, of none", (INSTALLED, sas(10000)),
                 (INSTALLED, sas(0)), 0.9)
    figures.goal(PART, "packets spread over 1,000 tunnels, of those by one of them", (SPREAD, tunnels(1000)),
                 (SPREAD, tunnels(1)), 0.5)


def kernel_kilobytes():
    """What the kernel alone has taken."""
    with open("/proc/meminfo", encoding="ascii") as info:
        found = {name: int(value) for name, value in re.findall(r"^(\S+): +(\d+)", info.read(), re.MULTILINE)}
    return sum(found[name] for name in ("Slab", "Percpu", "KernelStack", "PageTables"))


def start_and_end(bench, count):
    """A gateway with that many Tunnel interfaces: it starts, gets a line, and ends."""
    with Lab() as lab:
        host = lab.namespace("gateway", forward=True)
        for number in (0, 1):
            wire(host, f"ge{number}", lab.namespace(f"beside{number}"), "eth0")
        gateway = Musubi(lab, host, musubi_config(count) + "logging subsystem ikev2 info\n")
        before, began = kernel_kilobytes(), time.monotonic()
        gateway.start()
        who = tunnels(count)
        bench.add(PART, UP, who, time.monotonic() - began, "s")
        known = re.search(r"knows the \d+ tunnels? of the config, (\d+) ms", gateway.show("show logging"))
        bench.add(PART, KNOWN, who, int(known[1]) / 1000, "s")
        bench.add(PART, KERNEL, who, max(0, kernel_kilobytes() - before) / count, "KB each")
        bench.add(PART, PROCESSES, who, gateway.resident_kilobytes() / count, "KB each")
        began = time.monotonic()
        gateway.configure("interface Tunnel100.0", "ikev2 dpd interval 20")
        bench.add(PART, TYPED, who, (time.monotonic() - began) * 1000, "ms")
        process, gateway.process = gateway.process, None
        began = time.monotonic()
        assert process.end(timeout=120) == 0
        bench.add(PART, GONE, who, time.monotonic() - began, "s")


def spis(gateway):
    """The inbound SPIs of the Child SAs by which packets go, by tunnel; none while the gateway is too busy to answer."""
    time.sleep(3)    # since the answer costs it time
    done = gateway.command("show ikev2 child-sa")
    return {sa.interface: sa.inbound["SPI"] for sa in shows.child_sas(done.stdout)} if done.status == 0 else {}


def all_at_once(bench, count):
    """Two gateways: one sets up all tunnels to the other from cold, their Child SAs are rekeyed, and all are torn down."""
    who = tunnels(count)
    with Lab() as lab:
        near, far = lab.namespace("near", forward=True), lab.namespace("far", forward=True)
        wire(near, "ge0", far, "ge0")
        for host in (near, far):
            wire(host, "ge1", lab.namespace(f"beside-{host.label}"), "eth0")
        responder = Musubi(lab, far, musubi_config(count)).start()
        initiator = Musubi(lab, near, musubi_initiator_config(count, f"  ikev2 child-lifetime {LIFETIME}\n"))
        initiator.start()
        began = time.monotonic()

        def up():
            time.sleep(0.5)    # since the answer costs the gateway time that it needs
            return sum(sa.established for sa in responder.ike_sas())
        wait_until(lambda: up() == count, 120, f"{count} IKE SAs")
        bench.add(PART, SET_UP, who, time.monotonic() - began, "s")
        first = wait_until(lambda: spis(responder), 120, "an answer")
        lost = count - len(first)
        if not bench.quick:
            time.sleep(max(0, began + LIFETIME - REKEY_MARGIN - time.monotonic()))

            def rekeyed():
                now = spis(responder)
                return now if now and all(spi != first.get(name) for name, spi in now.items()) else None
            lost += count - min(len(wait_until(rekeyed, 120, "new Child SAs of all tunnels")), up())
        process, initiator.process = initiator.process, None
        began = time.monotonic()
        assert process.end(timeout=120) == 0
        wait_until(lambda: up() == 0, 120, "the end of all IKE SAs")
        bench.add(PART, TORN_DOWN, who, time.monotonic() - began, "s")
        bench.add(PART, LOST, who, lost, "tunnels")


def engine_alone(bench, most):
    printed = run_program(BUILD / "tests/bench/many_sas", str(most), timeout=600).must_succeed().stdout
    for line in printed.splitlines():
        count, negotiation, rekey, octets = line.split()
        who = sas(int(count))
        bench.add(PART, NEGOTIATION, who, float(negotiation), "µs")
        bench.add(PART, REKEY, who, float(rekey), "µs")
        bench.add(PART, SA_MEMORY, who, float(octets) / 1024, "KB")


def finding(bench, most):
    """What unknown peers can ask for, by the number of tunnels (docs/scale.md)."""
    printed = run_program(BUILD / "tests/bench/finding", str(most), timeout=1200).must_succeed().stdout
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines() if line.startswith("|")]
    for row in rows[2:]:
        values = dict(zip(rows[0], row))
        for column in FINDING_COLUMNS:
            bench.add(PART, f"{column}, peers: {values['peers']}", tunnels(int(values["tunnels"])), float(values[column]), "µs")


def in_turns(bench, compared):
    """All of them several times, since one look at a highest rate may be 20 % off; each as often early as late."""
    for turn in range(bench.pick(max(4, bench.rounds), 1)):
        yield from compared if turn % 2 == 0 else reversed(compared)


def beside_others(bench, counts):
    with Lab() as lab:
        crowds = [Crowded(lab, sas(count), count).start() for count in counts]
        for one in in_turns(bench, crowds):
            bench.add(PART, INSTALLED, one.name, packets.most(bench, one, "one", 64), packets.UNIT)


def spread(bench, count):
    with Lab() as lab:
        one = Spread(lab, "spread", count).start()
        between = [size for size in (10, 100) if size < count] * bench.rounds
        for used in [*in_turns(bench, (1, count)), *between]:
            bench.add(PART, SPREAD, tunnels(used), packets.most(bench, one, used, 64, FIRST_TS), packets.UNIT)


def curves(bench):
    """Cost against size."""
    rows = bench.figures.of_part(PART)

    def points(name, each=False):
        found = []
        for who, figure in rows.get(name, {}).items():
            size = int(who.split()[0].replace(",", ""))
            found.append((size, figure.median / (size if each else 1)))
        return sorted(found)
    for file, title, y_name, names in (
            ("performance-scale-start.svg", "Start and end of a gateway", "seconds", (UP, GONE)),
            ("performance-scale-memory.svg", "Memory for a tunnel", "KB", (KERNEL, PROCESSES)),
            ("performance-scale-engine.svg", "The engine's time for an event", "µs", (NEGOTIATION, REKEY)),
            ("performance-scale-spread.svg", "Packets that are spread over tunnels", "packets/s", (SPREAD,))):
        lines = {name: points(name) for name in names if len(rows.get(name, {})) > 1}
        if lines:
            bench.curves[file] = svg.Curves(title, "tunnels or SAs", y_name, lines)


def run(bench):
    goals(bench.figures)
    for _ in range(bench.pick(max(1, bench.rounds // 2), 1)):
        for count in bench.pick((1, 10, 100, 1000, 2000, 10000), (20,)):
            start_and_end(bench, count)
    for count in bench.pick((1000, 10000), (10,)):
        all_at_once(bench, count)
    engine_alone(bench, bench.pick(100000, 100))
    if not bench.quick:
        finding(bench, 10000)
    beside_others(bench, bench.pick((0, 10000), (10,)))
    spread(bench, bench.pick(1000, 10))
    curves(bench)
