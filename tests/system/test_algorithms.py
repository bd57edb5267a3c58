"""Every algorithm of the manual carries traffic between two gateways, over IPv4 and IPv6."""

import pytest

from lib.direct import FAR, MusubiPair, must_reach_lan
from lib.suite import suite

SUITES = [      # with the outer family
    (suite("aes-cbc-256", "sha2-512", "sha2-512", "3072-bit"), 4),
    (suite("aes-cbc-192", "sha2-384", "sha2-384", "2048-bit"), 6),
    (suite("aes-cbc-128", "sha2-256", "sha2-256", "1536-bit"), 4),
    (suite("3des", "sha1", "sha1", "1024-bit"), 6),
    (suite("aes-gcm-128", None, "sha2-256", "768-bit"), 4),
    (suite("aes-gcm-256", None, "sha2-512", "2048-bit"), 6),
]


@pytest.mark.parametrize("algorithms, family", SUITES,
                         ids=[f"{algorithms.encryption}, IPv{family} outside" for algorithms, family in SUITES])
def test_R4_to_R8_every_algorithm_carries_both_families(lab, algorithms, family):
    pair = MusubiPair(lab)
    near = pair.gateway(lab, family, algorithms.lines)
    far = pair.far_gateway(lab, family)

    pair.lan.must_reach(FAR.inner4, count=1, wait=10)

    pair.must_reach_far()
    must_reach_lan(pair.far_host)
    ike, child = near.wait_for_sa()
    algorithms.must_be_shown(ike, child)
    near.stop()
    far.stop()


def test_R20_R23_S10_with_everything_left_out_the_strongest_is_taken(lab):
    pair = MusubiPair(lab)
    near = pair.gateway(lab)
    far = pair.far_gateway(lab)

    pair.lan.must_reach(FAR.inner4, count=1, wait=10)

    ike, child = near.wait_for_sa()
    strongest = suite("aes-gcm-256", None, "sha2-512", "3072-bit")
    strongest.must_be_shown(ike, child)
    near.stop()
    far.stop()
