"""The life of SAs with strongSwan (ESP in user space, in UDP): rekeys, dead peers, deletions, restarts.

The tunnels of a `Life` live side by side at lifetimes of seconds; each test looks at one of them.
"""

import pytest

from lib.peers import Near, Peer, must_be_rekeyed_without_loss
from lib.process import wait_until

NAT = "ikev2 nat-traversal keepalive 20\n"
PFS = "ikev2 child-pfs 2048-bit\n"
NO_PFS = "ikev2 child-pfs off\n"

# Musubi rekeys after half of such lifetimes (S24), strongSwan when its options say.
OURS = "ikev2 sa-lifetime 10\nikev2 child-lifetime 8\n"
GCM_PFS = "esp_proposals = aes256gcm16-modp2048\n"
GCM = "esp_proposals = aes256gcm16\n"
CBC_PFS = "esp_proposals = aes256-sha256-modp2048\n"


def theirs(seconds_ike, seconds_child, esp=GCM):
    """Lifetimes at strongSwan's end."""
    return {"ike_options": f"rekey_time = {seconds_ike}", "child_options": f"rekey_time = {seconds_child}\n{esp}"}


REKEYED = {
    "by Musubi, with PFS": Peer(1, NAT + OURS + PFS, child_options=GCM_PFS),
    "by Musubi, without PFS": Peer(2, NAT + OURS + NO_PFS, child_options=GCM),
    "by strongSwan, with PFS": Peer(3, NAT + PFS, **theirs(4, 3, GCM_PFS), begins=True),
    "by strongSwan, without PFS": Peer(4, NAT + NO_PFS, **theirs(4, 3)),
    "by both at once, AES-GCM": Peer(5, NAT + OURS + PFS, **theirs(5, 4, GCM_PFS)),
    "by both at once, AES-CBC": Peer(6, NAT + OURS + PFS, **theirs(5, 4, CBC_PFS), begins=True),
    "by both at once, without PFS": Peer(7, NAT + OURS + NO_PFS, **theirs(5, 4)),
}
ANY_REKEYED = Peer(8, NAT + OURS, any=True, begins=True, **theirs(4, 3))
ANY_NOT_REKEYED = Peer(9, NAT + "ikev2 child-lifetime 3\n", any=True)
PROBED_BY_US = Peer(10, NAT + "ikev2 dpd interval 1\n")
PROBED_BY_STRONGSWAN = Peer(11, NAT, ike_options="dpd_delay = 1")
CLEARED = Peer(12, NAT)
ITS_CHILD_DELETED = Peer(13, NAT)
ITS_IKE_SA_DELETED = Peer(14, NAT)
NOT_REKEYED = Peer(15, NAT + "ikev2 child-lifetime 3\nikev2 suppress send-rekey\n")
LIVING = [*REKEYED.values(), ANY_REKEYED, ANY_NOT_REKEYED, PROBED_BY_US, PROBED_BY_STRONGSWAN, CLEARED,
          ITS_CHILD_DELETED, ITS_IKE_SA_DELETED, NOT_REKEYED]

AUTO = Peer(20, NAT + "ikev2 connect-type auto\nikev2 dpd interval 2\n")
CLEARED_IN_VAIN = Peer(21, NAT)
SILENT = [AUTO, CLEARED_IN_VAIN]


class Life:
    """One Musubi, a strongSwan that runs, and one that is killed at the start and stays silent for a while."""

    def __init__(self, lab):
        self.near = Near(lab, [*LIVING, *SILENT])
        self.silent = self.near.user_space_side("silent", SILENT)
        self.near.musubi.start()
        self.far = self.near.user_space_side("far", LIVING)
        self.near.wait_for_sa(AUTO)
        self.near.must_reach(CLEARED_IN_VAIN)
        self.silent.strongswan.kill()
        self.near.musubi.show(f"clear ikev2 sa {CLEARED_IN_VAIN.tunnel}")
        streamed = [*REKEYED.values(), ANY_REKEYED]
        for peer in streamed:
            if peer.begins:
                self.near.wait_for_sa(peer)     # with the others, the stream's first packet triggers the negotiation
        self.streams = {peer: self.near.stream(peer) for peer in streamed}


@pytest.fixture(scope="module")
def life(module_lab):
    one = Life(module_lab)
    yield one
    one.near.musubi.stop()


def test_R49_towards_any_no_rekey_is_started_and_the_sa_ends_with_our_lifetime(life):
    life.far.strongswan.initiate(ANY_NOT_REKEYED.id)

    wait_until(lambda: not life.far.strongswan.sas(ANY_NOT_REKEYED.id), 20, "strongSwan has no SA any more")

    assert len(life.near.logged(ANY_NOT_REKEYED, "Child SA created")) == 1
    assert life.near.history(ANY_NOT_REKEYED) == ["Create", "Delete : Child SA lifetime expired"]


def test_R62_dpd_is_answered_by_strongswan(life):
    life.near.must_reach(PROBED_BY_US)

    wait_until(lambda: len(life.near.logged(PROBED_BY_US, "DPD: the peer is alive")) >= 3, 20, "three answers to DPD")

    assert life.near.history(PROBED_BY_US) == ["Create"]


def test_R62_strongswans_dpd_is_answered(life):
    strongswan = life.far.strongswan
    life.near.must_reach(PROBED_BY_STRONGSWAN)

    wait_until(lambda: strongswan.process.stderr.count("sending DPD request") >= 3, 20, "three probes of strongSwan")

    sa, = life.near.ike_sas(PROBED_BY_STRONGSWAN)
    assert int(sa.fields["Peer message ID"]) >= 2, sa
    assert life.near.history(PROBED_BY_STRONGSWAN) == ["Create"]


def test_R12_clear_deletes_the_sa_at_both_ends_and_a_packet_makes_it_anew(life):
    life.near.must_reach(CLEARED)

    life.near.musubi.show(f"clear ikev2 sa {CLEARED.tunnel}")

    wait_until(lambda: not life.far.strongswan.sas(CLEARED.id), 10, "strongSwan has no SA any more")
    wait_until(lambda: not life.near.ike_sas(CLEARED), 10, "no SA here either")
    life.near.must_reach(CLEARED)
    assert life.near.history(CLEARED) == ["Create", "Delete : Delete IKE SA by command", "Create"]


def test_R10_a_delete_of_the_ike_sa_by_strongswan_ends_its_child_sa(life):
    life.near.must_reach(ITS_IKE_SA_DELETED)

    life.far.strongswan.terminate(ITS_IKE_SA_DELETED.id)

    wait_until(lambda: not life.near.ike_sas(ITS_IKE_SA_DELETED), 10, "no SA here")
    assert not life.near.child_sas(ITS_IKE_SA_DELETED)
    life.near.must_reach(ITS_IKE_SA_DELETED)
    assert life.near.history(ITS_IKE_SA_DELETED) == ["Create", "Delete : Delete IKE SA by peer", "Create"]


def test_RFC7296_1_4_1_a_delete_of_the_child_sa_by_strongswan_is_mended_in_its_ike_sa(life):
    life.near.must_reach(ITS_CHILD_DELETED)

    before = [sa.fields["Serial"] for sa in life.near.ike_sas(ITS_CHILD_DELETED)]
    life.far.strongswan.terminate_child(ITS_CHILD_DELETED.id)

    life.near.must_reach(ITS_CHILD_DELETED)    # in the IKE SA, which is kept for a while (S45)
    assert [sa.fields["Serial"] for sa in life.near.ike_sas(ITS_CHILD_DELETED)] == before


def test_R63_without_rekey_a_child_sa_is_deleted_at_the_end_of_its_lifetime(life):
    life.near.must_reach(NOT_REKEYED)

    wait_until(lambda: not life.far.strongswan.sas(NOT_REKEYED.id), 20, "strongSwan has no SA any more")

    assert len(life.near.logged(NOT_REKEYED, "Child SA created")) == 1
    assert life.near.history(NOT_REKEYED) == ["Create", "Delete : Child SA lifetime expired"]


@pytest.mark.parametrize("peer", REKEYED.values(), ids=REKEYED.keys())
def test_R60_S25_rekeys_lose_no_packet(life, peer):
    must_be_rekeyed_without_loss(life.near, life.far, life.streams[peer], peer)


def test_R49_rekeys_of_a_peer_at_any_address_are_answered(life):
    life.near.wait_for_rekeys(life.far, ANY_REKEYED, 3)

    life.streams[ANY_REKEYED].stop().must_be_whole(at_least=100)

    assert life.near.history(ANY_REKEYED) == ["Create"]


@pytest.fixture
def alone(lab):
    """A Musubi and a strongSwan with one tunnel, for tests that restart one of them."""
    peer = Peer(1, NAT + "ikev2 dpd interval 10\n")
    near = Near(lab, [peer])
    far = near.user_space_side("far", [peer])
    near.musubi.start()
    near.must_reach(peer)
    return near, far, peer


def test_R14_a_strongswan_that_was_killed_comes_back_by_initial_contact(alone):
    near, far, peer = alone
    old, = near.ike_sas(peer)
    far.strongswan.kill()
    far.start_again()

    far.strongswan.initiate(peer.id)

    new, = near.ike_sas(peer)
    assert new.responder_spi != old.responder_spi
    near.must_reach(peer)
    near.musubi.stop()


def test_R14_a_musubi_that_was_killed_comes_back_by_initial_contact(alone):
    near, far, peer = alone
    untouched = near.musubi.footprint_before
    near.musubi.kill()
    near.musubi.start()

    near.must_reach(peer)

    sa, = near.ike_sas(peer)
    printed = wait_until(lambda: (text := far.strongswan.sas()).count("ESTABLISHED") == 1 and text, 10,
                         "one IKE SA at strongSwan's end")
    assert sa.initiator_spi[2:] in printed, printed
    near.musubi.footprint_before = untouched
    near.musubi.stop()


def test_R14_a_musubi_that_is_stopped_deletes_its_sa_and_connects_when_it_is_started(alone):
    near, far, peer = alone
    near.musubi.stop()
    wait_until(lambda: not far.strongswan.sas(), 5, "strongSwan got a DELETE")

    near.musubi.start()

    near.must_reach(peer)
    near.musubi.stop()


def test_R12_clear_with_a_silent_peer_ends_by_timeout(life):
    def gone():
        return not life.near.ike_sas(CLEARED_IN_VAIN)
    wait_until(gone, 60, "the SA removed when the retransmissions have timed out")

    assert life.near.history(CLEARED_IN_VAIN) == ["Create", "Delete : Delete IKE SA by command"]


def test_R62_R43_a_dead_peer_is_noticed_by_dpd_and_auto_connects_when_it_is_back(life):
    wait_until(lambda: "Delete : DPD timeout" in life.near.history(AUTO), 60, "DPD timeout in the history")
    life.silent.start_again()

    wait_until(lambda: [sa for sa in life.near.ike_sas(AUTO) if sa.established], 30, "an SA made anew without traffic")

    life.near.must_reach(AUTO)
    assert life.near.history(AUTO) == ["Create", "Delete : DPD timeout", "Create"]
