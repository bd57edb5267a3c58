"""Selectors of protocols and ports with strongSwan, which checks what comes in by them (R71)."""

from dataclasses import dataclass

import pytest

from lib.direct import FAR, NEAR, NearSide
from lib.frames import silence
from lib.process import wait_until_equal
from lib.strongswan import beside
from lib.suite import AES_CBC_SHA256

LAN = "192.168.1.10"
OPEN, SHUT = 40000, 40001    # ports of the far end


@dataclass(frozen=True)
class Row:
    """Selectors of the near LAN and of the far end: as strongSwan names them, and protocol and ports as we show them."""
    near: str
    far: str
    near_shown: tuple
    far_shown: tuple

    def lines(self):
        """As lines of our tunnel."""
        return "".join(f"ikev2 {name} {addresses} protocol {protocol} port {first}-{last}\n"
                       for name, addresses, (protocol, (first, last)) in (
                           ("local-ts", "192.168.1.0/24", self.near_shown),
                           ("remote-ts", f"{FAR.inner4}/32", self.far_shown)))


UDP, ICMP = 17, 1
ROWS = {
    "a UDP port": Row("[udp]", f"[udp/{OPEN}]", (UDP, (0, 65535)), (UDP, (OPEN, OPEN))),
    "ranges of UDP ports": Row("[udp/39000-40000]", "[udp/39990-40000]", (UDP, (39000, 40000)), (UDP, (39990, 40000))),
    "ICMP types": Row("[icmp/8]", "[icmp/0]", (ICMP, (2048, 2048)), (ICMP, (0, 0))),
}


@pytest.fixture(scope="module")
def near(module_lab):
    made = NearSide(module_lab)
    silence(made.host)
    return made


@pytest.fixture(scope="module")
def strongswan(module_lab, near):
    return beside(module_lab, near)


class Ends:
    """Sockets of a host in the near LAN and of the far end."""

    def __init__(self, lab, near, strongswan):
        self.lan = near.lan.udp_socket(LAN, OPEN)
        self.far = strongswan.host.udp_socket(FAR.inner4, OPEN)
        for socket in (self.lan, self.far):
            socket.settimeout(10)
            lab.callback(socket.close)

    def must_talk(self):
        self.lan.sendto(b"there", (FAR.inner4, OPEN))
        assert self.far.recv(100) == b"there"
        self.far.sendto(b"back", (LAN, OPEN))
        assert self.lan.recv(100) == b"back"


@pytest.mark.parametrize("initiator", ["Musubi", "strongSwan"])
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_R71_what_fits_passes_and_all_else_is_dropped(lab, near, strongswan, row, initiator):
    strongswan.connect(local=FAR.outer4, remote=NEAR.outer4, ike_proposals=AES_CBC_SHA256.ike_proposals,
                       esp_proposals=AES_CBC_SHA256.esp_proposals, local_ts=f"{FAR.inner4}/32{row.far}",
                       remote_ts=f"192.168.1.0/24{row.near}")
    gateway = near.gateway(lab, lines="ikev2 nat-traversal keepalive 20\n" +
                           (row.lines() if initiator == "Musubi" else ""))
    ends = Ends(lab, near, strongswan)

    def sent_and_dropped():
        outbound = gateway.counters(NEAR.tunnel).outbound
        return outbound["packets"], outbound["ts unacceptable"]
    if initiator == "strongSwan":
        strongswan.initiate()
    else:
        near.lan.ping(FAR.inner4, count=1, wait=0.1)    # one that fits, or one that is dropped as soon as there is an SA
    ike, child = gateway.wait_for_sa()
    if row.near_shown[0] == UDP:
        ends.must_talk()
    sent, dropped = sent_and_dropped()

    # The types and ports beside those that fit.
    ends.lan.sendto(b"out", (FAR.inner4, SHUT))
    near.lan.ping("192.168.2.9", count=1, wait=0.1)
    wait_until_equal(sent_and_dropped, (sent, dropped + 2))

    if row.near_shown[0] == UDP:
        ends.must_talk()
    else:    # strongSwan's ESP knows no types
        near.lan.ping(FAR.inner4, count=1, wait=0.1)
    wait_until_equal(sent_and_dropped, (sent + 1, dropped + 2))
    assert ike.fields["Direction"] == ("initiator" if initiator == "Musubi" else "responder")
    assert [(ts.protocol, ts.ports) for ts in (*child.local_ts, *child.peer_ts)] == [row.near_shown, row.far_shown]
    assert f"local  {FAR.inner4}/32{row.far}" in strongswan.sas()
    assert row.near_shown[0] == ICMP or "discarding inbound IP packet" not in strongswan.process.log()
    gateway.stop()
    strongswan.wait_for_no_sa()
