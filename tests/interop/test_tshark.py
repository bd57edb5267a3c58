"""tshark reads IKE and ESP with the keys that `show` prints (R100, R101)."""

import pytest

from lib.capture import Capture, fields
from lib.direct import FAR, MusubiPair
from lib.lab import do_not_segment_udp
from lib.suite import AES_CBC_SHA1, AES_GCM, TRIPLE_DES, suite


ALGORITHMS = {
    "AES-CBC-256 SHA-1": AES_CBC_SHA1,
    "AES-CBC-192 SHA2-512": suite("aes-cbc-192", "sha2-512", "sha2-512"),
    "AES-CBC-128 SHA2-256": suite("aes-cbc-128", "sha2-256", "sha2-256"),
    "3DES SHA-1": TRIPLE_DES,
    "AES-GCM-256": AES_GCM,
    "AES-GCM-128": suite("aes-gcm-128", None, "sha2-256"),
}
ID_INITIATOR, ID_RESPONDER, AUTHENTICATION, TS_INITIATOR, TS_RESPONDER = "35", "36", "39", "44", "45"
INITIAL_CONTACT, ESP_TFC_PADDING_NOT_SUPPORTED = "16384", "16394"


@pytest.mark.parametrize("algorithms, family, nat_traversal", [
    ("AES-CBC-256 SHA-1", 4, ""),
    ("AES-CBC-256 SHA-1", 6, "force"),
    ("AES-GCM-256", 4, "force"),
    ("AES-GCM-256", 6, ""),
    ("AES-GCM-128", 4, ""),
    ("3DES SHA-1", 4, ""),
    ("AES-CBC-128 SHA2-256", 4, ""),
    ("AES-CBC-192 SHA2-512", 4, ""),
])
def test_R100_R101_the_printed_keys_decrypt_the_exchange_and_esp(lab, algorithms, family, nat_traversal):
    pair = MusubiPair(lab)
    for host in (pair.host, pair.far_host):
        do_not_segment_udp(host, "ge0")
    lines = ALGORITHMS[algorithms].lines + ("ikev2 nat-traversal keepalive 20 force\n" if nat_traversal else "")
    capture = Capture(lab, pair.host, "ge0", "exchange")
    near, far = pair.gateway(lab, family, lines), pair.far_gateway(lab, family, lines)

    pair.lan.must_reach(FAR.inner4, count=1, wait=10)
    pair.lan.must_reach(FAR.inner6, count=1)

    ike, child = near.wait_for_sa()
    path = capture.stop()
    must_read_ike_auth(path, ike)
    must_read_pings(path, child)
    near.stop()
    far.stop()


def must_read_ike_auth(path, ike):
    """tshark reads the request and the response with their identities, AUTH and selectors (R14, S8)."""
    request, response = fields(path, "isakmp.exchangetype == 35", "isakmp.typepayload",
                               "isakmp.id.data.key_id", "isakmp.notify.msgtype", ike=[ike])
    for (payloads, identity, _), payload, name in ((request, ID_INITIATOR, "site1"),
                                                   (response, ID_RESPONDER, "site2")):
        assert {payload, AUTHENTICATION, TS_INITIATOR, TS_RESPONDER} <= set(payloads.split(",")), payloads
        assert bytes.fromhex(identity.split(",")[0]).decode() == name if identity else False, identity
    notifies = request[2].split(",")
    assert INITIAL_CONTACT in notifies, notifies
    assert ESP_TFC_PADDING_NOT_SUPPORTED in notifies, notifies


def must_read_pings(path, child):
    """tshark reads both pings and their answers, with good integrity check values; MLD reports of Linux do not count."""
    seen = fields(path, "esp and (icmp or icmpv6) and not icmpv6.type == 143", "icmp.type", "icmpv6.type",
                  "esp.icv_good", children=[child])
    assert sorted(seen) == sorted([("8", "", "1"), ("0", "", "1"), ("", "128", "1"), ("", "129", "1")]), seen
