"""All pairs of algorithms, types of ID and initiators with strongSwan (R3 to R8, R25)."""

from itertools import combinations, product

import pytest

from lib.capture import Capture, fields
from lib.direct import FAR, NEAR, NearSide, must_reach_lan
from lib.pairwise import all_pairs
from lib.process import wait_until, wait_until_equal
from lib.strongswan import beside
from lib.suite import ENCRYPTION, GROUP, INTEGRITY, PRF, Suite, is_aead

ID_TYPES = {"ipv4": "1", "ipv6": "5", "fqdn": "2", "rfc822": "3", "keyid": "11"}    # with their numbers
ECHO4, ECHO6 = ("8", "0"), ("128", "129")   # request and reply
PARAMETERS = {
    "encryption": list(ENCRYPTION),
    "integrity": [*INTEGRITY, None],
    "prf": list(PRF),
    "group": list(GROUP),
    "our_id": list(ID_TYPES),
    "peer_id": list(ID_TYPES),
    "initiator": ["Musubi", "strongSwan"],
    "family": [4, 6],
    "child_encryption": list(ENCRYPTION),
    "child_integrity": [*INTEGRITY, None],
    "pfs": ["off", *GROUP],
    "proposed": ["the row's", "all"],     # by us; strongSwan always proposes only the row's (R24)
}
# AES-GCM is used without integrity, all others with it. Debian's strongSwan has all of them.
IMPOSSIBLE = [((f"{sa}encryption", encryption), (f"{sa}integrity", integrity)) for sa in ("", "child_")
              for encryption in ENCRYPTION for integrity in (*INTEGRITY, None)
              if is_aead(encryption) != (integrity is None)]
ROWS = all_pairs(PARAMETERS, IMPOSSIBLE)
NAT_TRAVERSAL = "ikev2 nat-traversal keepalive 20\n"


def policy_of(row, suite):
    """The lines of our tunnel, and strongSwan's proposals for ESP."""
    lines = suite.lines + f"ikev2 child-pfs {row['pfs']}\n" if row["proposed"] == "the row's" else ""
    group = [] if row["pfs"] == "off" else [GROUP[row["pfs"]].strongswan]
    return NAT_TRAVERSAL + lines, "-".join([suite.esp_proposals, *group])


def name_of(row):
    suites = [" ".join(filter(None, names)) for names in (
        (row["encryption"], row["integrity"], row["prf"], row["group"]),
        (row["child_encryption"], row["child_integrity"]))]
    return (f"{suites[0]}, ESP {suites[1]}, PFS {row['pfs']}, {row['our_id']} {row['peer_id']}, "
            f"{row['initiator']} begins, IPv{row['family']}, {row['proposed']} proposed")


@pytest.fixture(scope="module")
def near(module_lab):
    return NearSide(module_lab)


@pytest.fixture(scope="module")
def strongswan(module_lab, near):
    return beside(module_lab, near)


@pytest.fixture(scope="module")
def capture(module_lab, near, strongswan):
    """A capture of the wire during all rows."""
    return Capture(module_lab, near.host, "ge0", "matrix")


def test_R3_to_R8_the_rows_have_every_possible_pair():
    held = {frozenset(pair) for row in ROWS for pair in combinations(row.items(), 2)}
    all_there_are = {frozenset(((one, left), (other, right))) for one, other in combinations(PARAMETERS, 2)
                     for left, right in product(PARAMETERS[one], PARAMETERS[other])}

    assert all_there_are - held == {frozenset(pair) for pair in IMPOSSIBLE}


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_R3_to_R8_R25_strongswan_and_musubi_agree_and_rekey(lab, near, strongswan, capture, row):
    suite = Suite(*(row[name] for name in ("encryption", "integrity", "prf", "group", "child_encryption",
                                           "child_integrity")))
    our_id, peer_id = NEAR.identity(row["our_id"]), FAR.identity(row["peer_id"])
    lines, esp_proposals = policy_of(row, suite)
    strongswan.connect(local=FAR.outer(row["family"]), remote=NEAR.outer(row["family"]),
                       local_id=peer_id.strongswan, remote_id=our_id.strongswan,
                       ike_proposals=suite.ike_proposals, esp_proposals=esp_proposals)
    gateway = near.gateway(lab, row["family"], lines, ids=(our_id, peer_id))

    if row["initiator"] == "strongSwan":
        strongswan.initiate()
    must_pass_both_ways(near, strongswan)

    ike, child = gateway.wait_for_sa()
    assert ike.fields["Direction"] == ("initiator" if row["initiator"] == "Musubi" else "responder")
    suite.must_be_shown(ike, child)
    assert (ike.fields["Local ID"], ike.fields["Peer ID"]) == (our_id.shown, peer_id.shown)
    must_be_strongswans_view(strongswan, suite, our_id, peer_id)
    new_ike, new_child = rekeyed(gateway, strongswan, ike, child)
    must_pass_both_ways(near, strongswan)
    suite.must_be_shown(new_ike, new_child)
    must_show_pfs(new_ike, row)
    must_be_decrypted(capture.path, ike, [child, new_child], row)
    gateway.stop()
    strongswan.wait_for_no_sa()


def must_pass_both_ways(near, strongswan):
    near.must_reach_far(count=1, wait=10)
    must_reach_lan(strongswan.host, count=1)


def must_show_pfs(ike, row):
    """The group of the Child SA's rekey. If there was none, `show` prints the group that our policy would take."""
    if row["pfs"] != "off":
        assert ike.fields["PFS"] == GROUP[row["pfs"]].shown
    elif row["proposed"] == "the row's":
        assert ike.fields["PFS"] == "off"


def rekeyed(gateway, strongswan, ike, child):
    """Let strongSwan rekey both SAs; returns the new ones, as we show them, when the old ones are gone."""
    strongswan.rekey_child()
    wait_until(lambda: child.outbound["SPI"] not in (sa.outbound["SPI"] for sa in gateway.child_sas()), 10,
               "a new Child SA alone")
    strongswan.rekey_ike()
    wait_until(lambda: ike.initiator_spi not in (sa.initiator_spi for sa in gateway.ike_sas()), 10,
               "a new IKE SA alone")
    return gateway.wait_for_sa()


def must_be_strongswans_view(strongswan, suite, our_id, peer_id):
    """strongSwan prints the same about these SAs."""
    seen = strongswan.sas()
    lines = [line.strip() for line in seen.splitlines()]
    ike, child = suite.strongswan_shown
    assert ike in lines, f"no {ike} in\n{seen}"
    assert any(line.endswith(f"TUNNEL-in-UDP, {child}") for line in lines), f"no {child} in\n{seen}"
    for side, identity in (("remote", our_id), ("local ", peer_id)):
        assert any(line.startswith(f"{side} '{identity.value}'") for line in lines), f"no {identity} in\n{seen}"


def must_be_decrypted(path, ike, children, row):
    """tshark reads the types of ID in IKE_AUTH, and all pings, with the keys that `show` prints (R100, R101)."""
    spis = [keys["SPI"] for child in children for keys in (child.outbound, child.inbound)]
    in_ike_auth = f"isakmp.ispi == {ike.initiator_spi[2:]} && isakmp.exchangetype == 35"
    in_esp = f"esp.spi in {{{', '.join(spis)}}} && (icmp || icmpv6.type in {{{', '.join(ECHO6)}}})"
    ours, peers = ID_TYPES[row["our_id"]], ID_TYPES[row["peer_id"]]
    initiator, responder = (ours, peers) if row["initiator"] == "Musubi" else (peers, ours)
    wanted = {("0", f"{initiator},{responder}", "", "", "", ""), ("1", responder, "", "", "", "")}
    wanted |= {("", "", spi, "1", echo4, echo6) for spi in spis
               for echo4, echo6 in [*((kind, "") for kind in ECHO4), *(("", kind) for kind in ECHO6)]}

    def seen():
        return set(fields(path, f"({in_ike_auth}) || ({in_esp})", "isakmp.flag_r", "isakmp.id.type", "esp.spi",
                          "esp.icv_good", "icmp.type", "icmpv6.type", ike=[ike], children=children))

    wait_until_equal(seen, wanted)
