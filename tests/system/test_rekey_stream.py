"""Rekeys lose no packet (R60): long streams through many rekeys, with lifetimes of seconds."""

import pytest

from lib.sites import SITE1, SITE2, TwoSites
from lib.stream import Echo, Stream

GCM = "ikev2 sa-proposal enc aes-gcm-256\nikev2 child-proposal enc aes-gcm-256\n"
CBC = "ikev2 sa-proposal enc aes-cbc-256\nikev2 child-proposal enc aes-cbc-256\n"
PATIENCE = 300      # seconds: a busy machine slows the streams down
REKEYS_AT_LEAST = 3


class StreamedSites:
    """Two sites whose SAs live for seconds, and a stream between their LANs."""

    def __init__(self, lab, algorithms, lifetimes, rate, count):
        self.sites = TwoSites(lab).start(*[f"{algorithms}ikev2 sa-lifetime {sa}\nikev2 child-lifetime {child}"
                                           for sa, child in lifetimes])
        self.sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
        self.count = count
        Echo(lab, self.sites.lan2, SITE2.lan4(10))
        self.stream = Stream(lab, self.sites.lan1, SITE1.lan4(10), SITE2.lan4(10), rate, count)

    def rekeys(self):
        """How often site 1's IKE SA and Child SA have been rekeyed, from their serial numbers."""
        ike, child = self.sites.gateway1.wait_for_sa()
        return int(ike.fields["Serial"]) - 1, (int(child.inbound["Serial"]) - 1) // 2


@pytest.fixture(scope="module")
def streamed(module_lab):
    """Two pairs of sites, side by side: in one site 1 rekeys both SAs, in the other site 2 rekeys the IKE SA."""
    return {
        "AES-GCM": StreamedSites(module_lab, GCM, [(10, 8), (10, 8)], rate=5000, count=100_000),
        "AES-CBC": StreamedSites(module_lab, CBC, [(10, 8), (7, 10)], rate=2500, count=50_000),
    }


@pytest.mark.parametrize("algorithms", ["AES-GCM", "AES-CBC"])
def test_R60_a_stream_through_many_rekeys_loses_and_duplicates_no_packet(streamed, algorithms):
    one = streamed[algorithms]

    whole = one.stream.wait(PATIENCE)

    ike_rekeys, child_rekeys = one.rekeys()
    print(f"{algorithms}: {ike_rekeys} rekeys of the IKE SA, {child_rekeys} of the Child SA: {whole.text}")
    whole.must_be_whole(at_least=one.count)
    assert min(ike_rekeys, child_rekeys) >= REKEYS_AT_LEAST, (ike_rekeys, child_rekeys)
    one.sites.stop()
