"""Frames that a test makes itself: IP packets of LAN hosts, and ESP between the gateways, captured or forged."""

import logging
import select
import socket
import time

from lib.process import PATIENCE
from lib.sites import SITE1, SITE2

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.layers.inet import IP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.ipsec import ESP, SecurityAssociation  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402
from scapy.utils import RawPcapReader, rdpcap  # noqa: E402

ESP_PROTOCOL = 50
FRAME_MAX = 65536
RECEIVE_BUFFER_FORCE = 33    # SO_RCVBUFFORCE
RECEIVE_BUFFER = 8 << 20
QUIET = """
table ip6 quiet {
    chain output {
        type filter hook output priority 0;
        icmpv6 type { 131, 132, 133, 143 } drop
    }
}
"""


def silence(host):
    """Keep Linux's own reports of multicast groups, and router solicitations, out of its interfaces."""
    host.run("nft", "-f", "-", text_in=QUIET).must_succeed()


class LanHost:
    """A host of a site's LAN that no program runs on: it sends and receives packets as they are."""

    def __init__(self, lab, sites, site, host=20):
        self.address4, self.address6 = site.lan4(host), site.lan6(host)
        self._gateway, self._lan = sites.gateway_hosts[site], sites.lans[site]
        self._to = station(self._gateway, "ge1")
        self._from = station(self._lan, "eth0")
        self._socket = self._lan.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self._socket.bind(("eth0", 3))
        self._socket.setsockopt(socket.SOL_SOCKET, RECEIVE_BUFFER_FORCE, RECEIVE_BUFFER)
        lab.callback(self._socket.close)

    def appear(self):
        """Let the gateway, which runs, know the host's station: nobody answers for it."""
        for address in (self.address4, self.address6):
            self._gateway.ip(f"neigh replace {address} lladdr {self._from} dev ge1 nud permanent")

    def send(self, packets):
        for packet in packets:
            self._socket.send(bytes(Ether(src=self._from, dst=self._to) / packet))

    def receive(self, count, timeout=5):
        """The next `count` packets to this host; fewer if no more come in time."""
        found, end = [], time.monotonic() + PATIENCE * timeout
        while len(found) < count and select.select([self._socket], [], [], max(0, end - time.monotonic()))[0]:
            octets, (_, _, kind, *_) = self._socket.recvfrom(FRAME_MAX)
            packet = Ether(octets).payload
            if kind != socket.PACKET_OUTGOING and getattr(packet, "dst", None) in (self.address4, self.address6):
                found.append(packet)
        return found


class Wire:
    """The router's end of a site's wire: sends frames of ESP to the site."""

    def __init__(self, lab, sites, site=SITE1):
        self.sites, self.site = sites, site
        self._socket = sites.internet.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self._socket.bind((f"wan{site.number}", 0))
        lab.callback(self._socket.close)
        self._header = bytes(Ether(src=station(sites.internet, f"wan{site.number}"),
                                   dst=station(sites.gateway_hosts[site], "ge0"), type=0x0800))

    def send(self, frames):
        """Send frames, or IP packets, to the site."""
        for frame in frames:
            self._socket.send(bytes(frame) if isinstance(frame, Ether) else self._header + bytes(frame))


def station(host, interface):
    return host.must("cat", f"/sys/class/net/{interface}/address").strip()


def esp_frames(path, site):
    """The frames of ESP that a site sent, from a capture."""
    return [frame for frame in rdpcap(str(path))
            if IP in frame and frame[IP].proto == ESP_PROTOCOL and frame[IP].src == site.wan]


def esp_packets(path, site):
    """The IPv4 packets of ESP that a site sent, from a capture, as octets: faster than `esp_frames`."""
    source = socket.inet_aton(site.wan)
    ip_packets = (frame[14:] for frame, _ in RawPcapReader(str(path)) if frame[12:14] == b"\x08\0")
    return [packet[:int.from_bytes(packet[2:4], "big")] for packet in ip_packets
            if packet[9] == ESP_PROTOCOL and packet[12:16] == source]


def esp_of(frame):
    """The octets of ESP in a frame."""
    return bytearray(bytes(frame[IP].payload)[:frame[IP].len - 20])


def with_esp(frame, esp):
    """The frame with other octets behind its IP header."""
    return (Ether(src=frame.src, dst=frame.dst) / IP(src=frame[IP].src, dst=frame[IP].dst, proto=ESP_PROTOCOL) /
            Raw(bytes(esp)))


class Sealer:
    """Seals packets for a site as its peer does, whatever the selectors say, with the keys that the site shows."""

    def __init__(self, child, site, sequence):
        keys = child.inbound
        other = SITE2 if site is SITE1 else SITE1
        self.sequence = sequence    # of the next packet
        self._sa = SecurityAssociation(
            ESP, spi=int(keys["SPI"], 16), crypt_algo="AES-CBC", crypt_key=bytes.fromhex(keys["Enckey"][2:]),
            auth_algo="HMAC-SHA1-96", auth_key=bytes.fromhex(keys["Authkey"][2:]),
            tunnel_header=IP(src=other.wan, dst=site.wan))

    def seal(self, packets):
        """Packets of ESP, with numbers that go on from the last one."""
        sealed = []
        for packet in packets:
            self._sa.seq_num = self.sequence
            sealed.append(self._sa.encrypt(packet))
            self.sequence += 1
        return sealed

    def open(self, frame):
        """The inner packet of a frame of ESP for the site."""
        return self._sa.decrypt(frame[IP])


def number_of(packet):
    """The number that the test has given a packet: IPv4's identification, IPv6's flow label."""
    return packet.fl if packet.version == 6 else packet.id


def numbered(packets):
    """Gives packets numbers from 1 on. Returns them."""
    for number, packet in enumerate(packets, 1):
        if isinstance(packet, IPv6):
            packet.fl = number
        else:
            packet.id = number
    return packets
