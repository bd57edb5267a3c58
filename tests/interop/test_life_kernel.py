"""The life of SAs with ESP in a Linux kernel (6.1 in user-mode-linux, keyed by strongSwan), not in UDP.

All tunnels are up side by side with lifetimes of seconds, each with a stream of numbered packets.
"""

import pytest

from lib.peers import Near, Peer, must_be_rekeyed_without_loss
from lib.process import wait_until

PFS = "ikev2 child-pfs 2048-bit\n"
NO_PFS = "ikev2 child-pfs off\n"
OURS = "ikev2 sa-lifetime 10\nikev2 child-lifetime 8\n"
# Different, since strongSwan skips a rekey of a Child SA that is due at the same moment as one of the IKE SA.
THEIRS_IKE = "rekey_time = 5\n"
THEIRS_CHILD = "rekey_time = 4\n"
GCM_PFS = "esp_proposals = aes256gcm16-modp2048\n"
GCM = "esp_proposals = aes256gcm16\n"
CBC_PFS = "esp_proposals = aes256-sha256-modp2048\n"
CBC = "esp_proposals = aes256-sha256\n"

REKEYED = {
    "by Musubi, AES-GCM with PFS": Peer(1, OURS + PFS, child_options=GCM_PFS),
    "by Musubi, AES-CBC without PFS": Peer(2, OURS + NO_PFS, child_options=CBC),
    "by strongSwan, AES-CBC with PFS": Peer(3, PFS, THEIRS_IKE, THEIRS_CHILD + CBC_PFS, begins=True),
    "by strongSwan, AES-GCM without PFS": Peer(4, NO_PFS, THEIRS_IKE, THEIRS_CHILD + GCM),
    "by both at once, with PFS": Peer(5, OURS + PFS, THEIRS_IKE, THEIRS_CHILD + GCM_PFS),
    "by both at once, without PFS": Peer(6, OURS + NO_PFS, THEIRS_IKE, THEIRS_CHILD + CBC, begins=True),
}
ITS_CHILD_DELETED = Peer(7)
CLEARED = Peer(8)


class Life:
    """One Musubi, one kernel, and a stream in each tunnel that is rekeyed."""

    def __init__(self, lab):
        peers = [*REKEYED.values(), ITS_CHILD_DELETED, CLEARED]
        self.near = Near(lab, peers)
        self.near.musubi.start()
        self.far = self.near.kernel_side("far", peers)
        for peer in REKEYED.values():
            if peer.begins:
                self.near.wait_for_sa(peer)     # with the others, the stream's first packet triggers the negotiation
        self.streams = {peer: self.near.stream(peer) for peer in REKEYED.values()}


@pytest.fixture(scope="module")
def life(module_lab):
    one = Life(module_lab)
    yield one
    one.near.musubi.stop()


def test_R12_clear_deletes_the_kernels_sa(life):
    life.near.must_reach(CLEARED)

    life.near.musubi.show(f"clear ikev2 sa {CLEARED.tunnel}")

    wait_until(lambda: not life.far.strongswan.sas(CLEARED.id), 20, "no SA at the kernel's side")
    life.near.must_reach(CLEARED)


def test_RFC7296_1_4_1_a_child_sa_that_the_kernels_side_deletes_is_made_anew(life):
    life.near.must_reach(ITS_CHILD_DELETED)

    before = [sa.fields["Serial"] for sa in life.near.ike_sas(ITS_CHILD_DELETED)]

    life.far.strongswan.terminate_child(ITS_CHILD_DELETED.id)

    life.near.must_reach(ITS_CHILD_DELETED)    # in the IKE SA, which is kept for a while (S45)
    assert [sa.fields["Serial"] for sa in life.near.ike_sas(ITS_CHILD_DELETED)] == before


@pytest.mark.parametrize("peer", REKEYED.values(), ids=REKEYED.keys())
def test_R60_S25_rekeys_lose_no_packet(life, peer):
    must_be_rekeyed_without_loss(life.near, life.far, life.streams[peer], peer)
