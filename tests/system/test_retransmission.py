"""A peer that never answers. The gateway starts with the session, so its 30 seconds pass during other tests."""

import pytest

from lib.capture import fields, packets
from lib.process import wait_until
from lib.sites import IKE_ON_WIRE

TOLERANCE = 1.0     # seconds, since the machine may be busy
GIVEN_UP = 40       # 30 seconds, and some patience


@pytest.fixture
def silent_peer(silent_peer_of_session):
    """Site 1's gateway and the capture of its wire."""
    return silent_peer_of_session


def test_R15_a_request_is_sent_again_after_2_4_and_8_seconds_and_given_up_at_30(silent_peer):
    gateway, capture = silent_peer

    wait_until(lambda: len(packets(capture.path, IKE_ON_WIRE)) >= 4 and not gateway.ike_sas(), GIVEN_UP,
               "four requests and the negotiation given up")

    rows = fields(capture.stop(), "isakmp and not icmp and ip.src == 10.1.0.1",
                  "frame.time_relative", "isakmp.ispi", "udp.payload")
    assert len(rows) == 4, f"one request and three retransmissions, not {rows}"
    assert len({(spi, payload) for _, spi, payload in rows}) == 1, f"the same octets each time: {rows}"
    times = [float(time) - float(rows[0][0]) for time, _, _ in rows]
    for expected, seen in zip((0, 2, 6, 14), times):
        assert abs(seen - expected) < TOLERANCE, times
    gateway.must_be_alive()
    gateway.stop()
