"""Reads the output of `show ikev2 sa` and `show ikev2 child-sa` (lists 2.25.17 and 2.25.18 of the manual)."""

import re
from dataclasses import dataclass, field

CHILD_LINE = re.compile(r"      (ESP)  (0x[0-9a-f]{8}) (0x[0-9a-f]{8}) (\d+)$")
TRAFFIC_SELECTOR_HEADINGS = {"Local TS:": "local", "Peer TS:": "peer"}


@dataclass
class IkeSa:
    interface: str
    initiator_spi: str
    responder_spi: str
    fields: dict = field(default_factory=dict)      # label -> value, of the lines `Label : value`
    keys: dict = field(default_factory=dict)        # (label, "initiator" or "responder") -> 0x…
    children: list = field(default_factory=list)    # of ChildLine

    @property
    def established(self):
        return self.fields.get("Status") == "establish"

    @property
    def algorithms(self):
        """Encryption, integrity, PRF and group."""
        return tuple(self.fields[label] for label in ("Encryption alg", "Integrity alg", "PRF alg", "DH group"))

    @property
    def encryption(self):
        return self.fields["Encryption alg"]

    @property
    def integrity(self):
        return self.fields["Integrity alg"]


@dataclass
class ChildLine:
    protocol: str
    spi_in: str
    spi_out: str
    lifetime: int


@dataclass
class TrafficSelector:
    kind: str
    protocol: int = 0
    addresses: tuple = ()
    ports: tuple = ()


@dataclass
class ChildSa:
    interface: str
    peer_id: str
    ike_spis: tuple
    fields: dict = field(default_factory=dict)
    outbound: dict = field(default_factory=dict)    # SPI, Serial, Authkey, Enckey
    inbound: dict = field(default_factory=dict)
    local_ts: list = field(default_factory=list)
    peer_ts: list = field(default_factory=list)

    @property
    def algorithms(self):
        """Encryption and integrity."""
        return self.fields["Enc alg"], self.fields["Hash alg"]


@dataclass
class TunnelCounters:
    """The statistics and history of a tunnel, which exist with or without an SA."""
    interface: str
    outbound: dict = field(default_factory=dict)    # "packets" -> 9, "replay detected" -> 0, …
    inbound: dict = field(default_factory=dict)
    history: list = field(default_factory=list)     # of (time, event)


def _label_and_value(line):
    label, separator, value = line.strip().partition(" : ")
    return (label.strip(), value.strip()) if separator else None


def ike_sas(text):
    """The IKE SAs of `show ikev2 sa`."""
    found = []
    interface = algorithm = None
    in_children = False
    for line in text.splitlines():
        if match := re.match(r"Interface (\S+)$", line):
            interface = match.group(1)
        elif match := re.match(r"  SPI \(I\)(0x[0-9a-f]{16})  \(R\)(0x[0-9a-f]{16})$", line):
            found.append(IkeSa(interface, *match.groups()))
            in_children = False
        elif line == "    Child":
            in_children = True
        elif in_children and (match := CHILD_LINE.match(line)):
            protocol, spi_in, spi_out, lifetime = match.groups()
            found[-1].children.append(ChildLine(protocol, spi_in, spi_out, int(lifetime)))
        elif match := re.match(r"      (initiator|responder) key : (0x[0-9a-f]*)$", line):
            found[-1].keys[algorithm, match.group(1)] = match.group(2)
        elif (pair := _label_and_value(line)) and found:
            found[-1].fields[pair[0]] = pair[1]
            algorithm = pair[0]
    return found


class _ChildSaReader:
    """Reads the output of `show ikev2 child-sa`. Each line belongs to the section whose heading came last."""

    def __init__(self):
        self.sas = []
        self.tunnels = {}
        self.interface = self.peer_id = self.ike_spis = None
        self.section = None

    def read(self, text):
        for line in text.splitlines():
            if not self._heading(line):
                self._content(line)
        return self

    def _heading(self, line):
        word = line.strip()
        if match := re.match(r"Interface (\S+)$", line):
            self.interface = match.group(1)
            self.peer_id = self.ike_spis = self.section = None
        elif match := re.match(r"  IKE Peer ID : (.*)$", line):
            self.peer_id = match.group(1)
        elif match := re.match(r"    IKE SPI \(I\)(\S+)  \(R\)(\S+)$", line):
            self.ike_spis = match.groups()
        elif line == "    Child SA":
            self.sas.append(ChildSa(self.interface, self.peer_id, self.ike_spis))
            self.section = "child"
        elif match := re.match(r"      Direction is (outbound|inbound)$", line):
            self.section = match.group(1)
        elif word in TRAFFIC_SELECTOR_HEADINGS:
            self.section = TRAFFIC_SELECTOR_HEADINGS[word]
        elif word in ("Statistics", "History"):
            self.tunnels.setdefault(self.interface, TunnelCounters(self.interface))
            self.section = word
        elif self.section in ("Statistics", "sent", "received") and word in ("Outbound", "Inbound"):
            self.section = {"Outbound": "sent", "Inbound": "received"}[word]
        else:
            return False
        return True

    def _content(self, line):
        if self.section in ("local", "peer"):
            self._traffic_selector(line)
        elif self.section in ("sent", "received"):
            tunnel = self.tunnels[self.interface]
            counters = tunnel.outbound if self.section == "sent" else tunnel.inbound
            for number, name in re.findall(r"(\d+) ([a-z][a-z ]*[a-z])", line):
                counters[name] = int(number)
        elif self.section == "History":
            if match := re.match(r"\s+(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (.*)$", line):
                self.tunnels[self.interface].history.append(match.groups())
        elif pair := _label_and_value(line):
            self._field(*pair)

    def _field(self, label, value):
        if self.section == "child":
            self.sas[-1].fields[label] = value
        elif self.section in ("outbound", "inbound"):
            getattr(self.sas[-1], self.section)[label] = value

    def _traffic_selector(self, line):
        selectors = self.sas[-1].local_ts if self.section == "local" else self.sas[-1].peer_ts
        line = line.strip()
        if match := re.match(r"TS type : (\S+)$", line):
            selectors.append(TrafficSelector(match.group(1)))
        elif match := re.match(r"Protocol (\d+)$", line):
            selectors[-1].protocol = int(match.group(1))
        elif match := re.match(r"Address Range (\S+) to (\S+)$", line):
            selectors[-1].addresses = match.groups()
        elif match := re.match(r"Port Range (\d+) to (\d+)$", line):
            selectors[-1].ports = tuple(map(int, match.groups()))


def child_sas(text):
    """The Child SAs of `show ikev2 child-sa`."""
    return _ChildSaReader().read(text).sas


def tunnel_counters(text):
    """Statistics and history of `show ikev2 child-sa`, by the tunnel's interface."""
    return _ChildSaReader().read(text).tunnels
