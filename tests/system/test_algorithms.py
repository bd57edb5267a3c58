"""Every algorithm of the manual carries traffic between two gateways, outside over IPv4 and IPv6."""

import pytest

from lib.direct import FAR, MusubiPair, must_reach_lan

# (encryption, integrity, PRF, DH group, family outside, as the shows name them)
SUITES = [
    ("aes-cbc-256", "sha2-512", "sha2-512", "3072-bit", 4,
     ("AES-CBC-256", "HMAC-SHA2-512-256", "HMAC-SHA2-512", "MODP-3072")),
    ("aes-cbc-192", "sha2-384", "sha2-384", "2048-bit", 6,
     ("AES-CBC-192", "HMAC-SHA2-384-192", "HMAC-SHA2-384", "MODP-2048")),
    ("aes-cbc-128", "sha2-256", "sha2-256", "1536-bit", 4,
     ("AES-CBC-128", "HMAC-SHA2-256-128", "HMAC-SHA2-256", "MODP-1536")),
    ("3des", "sha1", "sha1", "1024-bit", 6, ("3DES-CBC", "HMAC-SHA1-96", "HMAC-SHA1", "MODP-1024")),
    ("aes-gcm-128", None, "sha2-256", "768-bit", 4, ("AES-GCM-128", "none", "HMAC-SHA2-256", "MODP-768")),
    ("aes-gcm-256", None, "sha2-512", "2048-bit", 6, ("AES-GCM-256", "none", "HMAC-SHA2-512", "MODP-2048")),
]


def tunnel_lines(encryption, integrity, prf, group):
    lines = [f"ikev2 sa-proposal enc {encryption}", f"ikev2 sa-proposal prf {prf}",
             f"ikev2 sa-proposal dh {group}", f"ikev2 child-proposal enc {encryption}"]
    if integrity:
        lines += [f"ikev2 sa-proposal integrity {integrity}", f"ikev2 child-proposal integrity {integrity}"]
    return "\n".join(lines)


@pytest.mark.parametrize("encryption, integrity, prf, group, family, names", SUITES,
                         ids=[f"{suite[0]}, IPv{suite[4]} outside" for suite in SUITES])
def test_R4_to_R8_every_algorithm_carries_both_families(lab, encryption, integrity, prf, group, family,
                                                        names):
    pair = MusubiPair(lab)
    near = pair.gateway(lab, family, tunnel_lines(encryption, integrity, prf, group))
    far = pair.far_gateway(lab, family)

    pair.lan.must_reach(FAR.inner4, count=1, wait=10)

    pair.must_reach_far()
    must_reach_lan(pair.far_host)
    ike, child = near.wait_for_sa()
    shown = tuple(ike.fields[label] for label in ("Encryption alg", "Integrity alg", "PRF alg", "DH group"))
    assert shown == names
    assert (child.fields["Enc alg"], child.fields["Hash alg"]) == names[:2]
    near.stop()
    far.stop()


def test_R20_R23_S10_with_everything_left_out_the_strongest_is_taken(lab):
    pair = MusubiPair(lab)
    near = pair.gateway(lab)
    far = pair.far_gateway(lab)

    pair.lan.must_reach(FAR.inner4, count=1, wait=10)

    ike, child = near.wait_for_sa()
    shown = tuple(ike.fields[label] for label in ("Encryption alg", "Integrity alg", "PRF alg", "DH group"))
    assert shown == ("AES-GCM-256", "none", "HMAC-SHA2-512", "MODP-3072")
    assert child.fields["Enc alg"] == "AES-GCM-256"
    near.stop()
    far.stop()
