"""Mappings of NAT boxes: kept by keepalives, or timed out or new and then followed, but only after authenticated packets.

    lan1 --- site1 --- NAT box ---+
    lan3 --- site3 --- NAT box ---+--- centre (site 2) --- lan2
    lan4 --- site4 --- NAT box ---+
                       attacker --+

The centre knows the sites by their IDs alone. Site 1 sends keepalives, site 4 asks for the peer's life each second, and
site 3 says nothing of its own accord.
"""

import logging
import socket
import time

import pytest

from lib.capture import fields
from lib.nat import INTERNET, OTHER_PORTS, NatBox, Site, Switch
from lib.process import wait_until, wait_until_equal

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.layers.inet import IP, UDP  # noqa: E402
from scapy.packet import Raw  # noqa: E402
from scapy.utils import rdpcap  # noqa: E402

CENTRE = 2
CENTRE_ADDRESS = f"{INTERNET}.{CENTRE}"
ATTACKER = f"{INTERNET}.66"
KEEPING, SILENT, ASKING = 1, 3, 4
LINES = {
    KEEPING: "ikev2 nat-traversal keepalive 1\nikev2 dpd off\n",
    SILENT: "ikev2 nat-traversal keepalive 86400\nikev2 dpd off\n",
    ASKING: "ikev2 nat-traversal keepalive 86400\nikev2 dpd interval 1\n",
}
TIMEOUT = 6     # seconds, of a mapping
KEEPALIVE = "udpencap.nat_keepalive"


class Network:
    def __init__(self, lab):
        self.lab = lab
        self.internet = Switch(lab, "internet")
        self.attacker = lab.namespace("attacker")
        self.internet.attach(self.attacker, "eth0")
        self.attacker.address("eth0", f"{ATTACKER}/24")
        self.centre = Site(lab, CENTRE, self.internet, CENTRE_ADDRESS)
        self.centre.start(*[self.centre.tunnel(number, "any", "ikev2 nat-traversal keepalive 1\nikev2 dpd off\n")
                            for number in LINES])
        self.boxes = {}
        self.sites = {}
        for number in LINES:
            box = NatBox(lab, f"nat{number}", self.internet, f"{INTERNET}.{100 + number}", number, OTHER_PORTS)
            self.boxes[number] = box
            self.sites[number] = Site(lab, number, box, box.inside(1))
        self.boxes[KEEPING].set_timeout(TIMEOUT)
        self.quiet = self.internet.capture(self.centre.host, "quiet")
        for number, site in self.sites.items():
            site.start(site.tunnel(CENTRE, CENTRE_ADDRESS, LINES[number]))
            site.must_reach(self.centre, count=1, wait=10)
        self.begin = time.time()

    def port(self, number):
        """The public port of a site's mapping for port 4500; 0 if there is not just one."""
        mappings = self.boxes[number].mappings(self.boxes[number].inside(1), 4500)
        return mappings[0][0] if len(mappings) == 1 else 0

    def remote(self, number):
        """Where the centre has a site."""
        sa, = [sa for sa in self.centre.gateway.ike_sas() if sa.interface == f"Tunnel{number}.0"]
        return sa.fields["Remote Addr"]

    def integrity_failures(self, number):
        return self.centre.gateway.counters(f"Tunnel{number}.0").inbound["integrity failure"]

    def must_come_to_reach(self, one, other):
        """A packet on the way when a mapping changes may be lost."""
        wait_until(lambda: one.lan.ping(other.lan_host, count=1, wait=1)[0] == 1, 10,
                   f"a ping from {one.lan_host} to {other.lan_host}")

    def must_have_followed(self, number):
        """The centre has the site where its mapping is, and tells so; traffic flows both ways by the same SA."""
        site = self.sites[number]
        self.must_come_to_reach(site, self.centre)
        here = f"{self.boxes[number].address}:{self.port(number)}"
        wait_until_equal(lambda: self.remote(number), here)
        self.centre.gateway.wait_for_log(
            rf"Tunnel{number}\.0: the NAT in front of the peer has changed \S+ to {here}\n")
        self.centre.must_reach(site)
        history = self.centre.gateway.counters(f"Tunnel{number}.0").history
        assert [event for _, event in history] == ["Create"]

    def send_forged(self, source, port, payload):
        """From the attacker, with any source."""
        packet = IP(src=source, dst=CENTRE_ADDRESS) / UDP(sport=port, dport=4500) / Raw(bytes(payload))
        with self.attacker.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            raw.sendto(bytes(packet), (CENTRE_ADDRESS, 0))

    def sent_to_centre(self, number, is_wanted):
        """The newest datagram of a site to the centre's port 4500 that is wanted."""
        capture = self.internet.capture(self.centre.host, f"from{number}")
        self.sites[number].must_reach(self.centre)

        def newest():
            sent = [bytes(frame[UDP].payload)[:frame[UDP].len - 8] for frame in rdpcap(str(capture.path))
                    if IP in frame and UDP in frame and frame[IP].src == self.boxes[number].address
                    and frame[UDP].dport == 4500]
            return [bytearray(payload) for payload in sent if is_wanted(payload)][-1:]
        found = wait_until(newest, 10, "such a datagram")[0]
        capture.stop()
        return found

    def stop(self):
        for site in [self.centre, *self.sites.values()]:
            site.gateway.stop()


def is_esp(payload):
    return len(payload) > 1 and payload[:4] != bytes(4)


@pytest.fixture(scope="module")
def network(module_lab):
    one = Network(module_lab)
    yield one
    one.stop()


def test_S28_a_mapping_that_has_timed_out_is_followed_after_a_packet(network):
    box = network.boxes[SILENT]
    before = network.port(SILENT)
    box.set_timeout(1)
    network.sites[SILENT].lan.ping(network.centre.lan_host, count=1, wait=0.1)
    wait_until(lambda: not box.mappings(box.inside(1), 4500), 10, "the mapping times out")
    box.set_timeout(120)

    network.must_have_followed(SILENT)

    assert network.port(SILENT) != before


def test_S28_another_port_of_the_nat_is_followed_after_esp(network):
    network.boxes[SILENT].forget()

    network.must_have_followed(SILENT)


def test_S28_another_address_of_the_nat_is_followed_after_esp(network):
    network.boxes[SILENT].move(f"{INTERNET}.110")

    network.must_have_followed(SILENT)


def test_S28_another_port_of_the_nat_is_followed_after_ike(network):
    """Only the site's questions for the peer's life leave by the new mapping."""
    box = network.boxes[ASKING]
    before = network.remote(ASKING)

    box.forget()

    wait_until(lambda: network.remote(ASKING) != before, 10, "the centre follows")
    wait_until_equal(lambda: network.remote(ASKING), f"{box.address}:{network.port(ASKING)}")
    network.centre.must_reach(network.sites[ASKING])
    network.must_have_followed(ASKING)


def test_R76_keepalives_keep_the_mapping_without_traffic(network):
    wait_until(lambda: time.time() > network.begin + TIMEOUT + 2, TIMEOUT + 5, "the time of a mapping is over")
    rows = fields(network.quiet.path, f"ip.addr == {network.boxes[KEEPING].address} and udp.port == 4500 and "
                  f"frame.time_epoch > {network.begin}", "frame.time_epoch", "udp.srcport", KEEPALIVE)

    assert network.remote(KEEPING).endswith(f":{network.port(KEEPING)}"), "the first mapping"
    network.centre.must_reach(network.sites[KEEPING])
    assert all(keepalive for _, _, keepalive in rows), f"another packet: {rows}"
    assert {port for _, port, _ in rows} == {str(network.port(KEEPING))}
    times = [float(at) for at, _, _ in rows]
    assert len(times) >= TIMEOUT / 2 and times[-1] - times[0] >= len(times) - 1.5, f"one each second: {times}"


def test_RFC3948_4_an_end_that_is_not_behind_a_nat_sends_no_keepalive(network):
    sources = {source for source, in fields(network.quiet.path, KEEPALIVE, "ip.src")}

    assert sources == {network.boxes[KEEPING].address}


@pytest.mark.parametrize("source, port", [(ATTACKER, 4500), (None, 4500), (None, 33333)],
                         ids=["another address", "port 4500", "another port"])
def test_S28_forged_esp_from_elsewhere_moves_nothing(network, source, port):
    esp = network.sent_to_centre(SILENT, is_esp)
    esp[4:8] = (int.from_bytes(esp[4:8], "big") + 50).to_bytes(4, "big")
    before = network.remote(SILENT), network.integrity_failures(SILENT)

    network.send_forged(source or network.boxes[SILENT].address, port, esp)

    wait_until(lambda: network.integrity_failures(SILENT) == before[1] + 1, 5, "it is counted")
    network.centre.must_reach(network.sites[SILENT])
    assert network.remote(SILENT) == before[0]


def test_S28_a_copy_of_esp_from_elsewhere_moves_nothing(network):
    esp = network.sent_to_centre(SILENT, is_esp)
    before = network.remote(SILENT)
    replays = network.centre.gateway.counters("Tunnel3.0").inbound["replay detected"]

    network.send_forged(ATTACKER, 4500, esp)

    wait_until(lambda: network.centre.gateway.counters("Tunnel3.0").inbound["replay detected"] == replays + 1, 5,
               "it is counted")
    network.centre.must_reach(network.sites[SILENT])
    assert network.remote(SILENT) == before


def test_S28_forged_ike_from_elsewhere_moves_nothing(network):
    """A request that would be due next, with a wrong checksum; and a copy of one that was answered."""
    def is_request(payload):
        return payload[:4] == bytes(4) and len(payload) > 32 and not payload[4 + 19] & 0x20

    request = network.sent_to_centre(ASKING, is_request)
    before = network.remote(ASKING)
    for ahead in range(20):
        forged = bytearray(request)
        forged[24:28] = (int.from_bytes(forged[24:28], "big") + ahead).to_bytes(4, "big")
        forged[-1] ^= ahead > 0
        network.send_forged(ATTACKER, 4500, forged)

    network.must_come_to_reach(network.sites[ASKING], network.centre)
    network.centre.must_reach(network.sites[ASKING])
    assert network.remote(ASKING) == before
    assert f"to {ATTACKER}" not in network.centre.gateway.log
