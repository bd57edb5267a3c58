"""`musubi check --pair`: two configs connect, or it says which lines of either keep them from it."""

import json
import re

import pytest

from lib.manual_lists import (CENTRE_LINES_OF_15, CENTRE_LINES_OF_16, CENTRE_OF_15_AND_16, CENTRE_OF_SITES,
                              PEER_OF_10_AND_11, SITE1_OF_CENTRE, SITE1_OF_THREE, SITE2_OF_CENTRE, SITE2_OF_THREE,
                              SITE3_OF_THREE, manual_list, replaced)
from lib.musubi import BUILD, PROJECT, SHELL
from lib.pairs import CONNECTS, DOES_NOT, USAGE, check_pair, findings, pair_report, the_pair
from lib.process import run

SITE1 = manual_list("2.25.1")
SITE2 = manual_list("2.25.2")

PAGE = PROJECT / "docs" / "check-pair.md"

# The configs that connect, and how many pairs of tunnels they make.
LISTS = {
    "2.25.1 and 2": ((SITE1, SITE2), 1),
    "2.25.3 and 4": ((SITE1_OF_THREE, SITE2_OF_THREE, SITE3_OF_THREE), 2),
    "2.25.3 and 5": ((SITE1_OF_THREE, manual_list("2.25.5")), 1),
    "2.25.8 and 9": ((manual_list("2.25.8"), manual_list("2.25.9")), 2),
    "2.25.10": ((PEER_OF_10_AND_11, manual_list("2.25.10")), 1),
    "2.25.11": ((PEER_OF_10_AND_11, manual_list("2.25.11")), 1),
    "2.25.12 and 13": ((CENTRE_OF_SITES, SITE1_OF_CENTRE, SITE2_OF_CENTRE), 2),
    "2.25.15": ((manual_list("2.25.15"), CENTRE_OF_15_AND_16.format(lines=CENTRE_LINES_OF_15)), 1),
    "2.25.16": ((manual_list("2.25.16"), CENTRE_OF_15_AND_16.format(lines=CENTRE_LINES_OF_16)), 1),
}


@pytest.mark.parametrize("configs, count", LISTS.values(), ids=LISTS)
def test_S13_the_lists_of_the_manual_connect(tmp_path, configs, count):
    report = pair_report(tmp_path, *configs)

    assert report["connects"] and len(report["pairs"]) == count, json.dumps(report, indent=1)
    for pair in report["pairs"]:
        assert any(end["begins"] == "connects" for end in pair["ends"])
        assert any(end["rekeys"] for end in pair["ends"])


def test_what_two_ends_agree_on_is_told(tmp_path):
    done = check_pair(tmp_path, SITE1, SITE2)

    assert (done.status, done.stderr) == (CONNECTS, "")
    assert done.stdout == """\
a.cfg Tunnel1.0 (10.1.0.1) and b.cfg Tunnel0.0 (10.2.0.1): connects
  IKE SA: AES-CBC-256/HMAC-SHA1-96/PRF-HMAC-SHA1/MODP-3072
  Child SA: AES-CBC-256/HMAC-SHA1-96, rekeyed with PFS by MODP-2048
  IDs: keyid site1, keyid site2
  Traffic: any <-> any
  Largest inner packet: 1438 octets, in outer packets of 1500
  a.cfg: may begin, rekeyed both SAs
  b.cfg: may begin, rekeyed both SAs
"""


def test_S34_two_that_do_not_connect_are_told_the_lines_of_both(tmp_path):
    done = check_pair(tmp_path, SITE1, replaced(SITE2, ("  dpd", "  sa-proposal enc aes-gcm-256\n  dpd")))

    assert (done.status, done.stderr) == (DOES_NOT, "")
    assert "Tunnel0.0 (10.2.0.1): DOES NOT CONNECT\n" in done.stdout, done.stdout
    assert "      a.cfg:16: sa-proposal enc aes-cbc-256\n" in done.stdout, done.stdout
    assert "      b.cfg:10: sa-proposal enc aes-gcm-256\n" in done.stdout, done.stdout


def test_a_rekey_that_fails_is_a_failure(tmp_path):
    """PFS is of no account before the first rekey."""
    a = replaced(SITE1, ("child-pfs 2048-bit", "child-pfs 1024-bit"))
    b = replaced(SITE2, ("  dpd", "  child-pfs 2048-bit\n  dpd"))

    pair = the_pair(pair_report(tmp_path, a, b))

    assert not pair["connects"]
    assert any("rekey of the Child SA failed" in text and lines == ["child-pfs 1024-bit"]
               for text, lines in findings(pair, "a.cfg")), pair["findings"]
    assert any("rekey of the Child SA failed" in text and lines == ["child-pfs 2048-bit"]
               for text, lines in findings(pair, "b.cfg")), pair["findings"]


def test_a_key_is_never_shown(tmp_path):
    a = replaced(SITE1, ("key char secret1", "key char hunter2"))
    for options in ((), ("--json",)):
        done = check_pair(tmp_path, a, SITE2, options=options)

        assert done.status == DOES_NOT
        assert "hunter2" not in done.stdout and "secret" not in done.stdout, done.stdout


def test_an_address_that_no_file_has_is_assumed_and_told(tmp_path):
    """As in the manual's own lists, which leave out the interfaces."""
    without = [re.sub(r"interface GigaEthernet.*?!\n", "", text, flags=re.S) for text in (SITE1, SITE2)]

    pair = the_pair(pair_report(tmp_path, *without))

    assert pair["connects"]
    assert [(end["address"], end["address_assumed"]) for end in pair["ends"]] == [("10.1.0.1", True),
                                                                                  ("10.2.0.1", True)]
    assert [text for text, _ in findings(pair, "a.cfg", "not checked")] == [
        "the file does not tell its address: it is taken to be at 10.1.0.1, where the other end expects it"]


def test_a_link_with_an_address_of_dhcp_may_be_the_one_by_which_a_tunnel_leaves(tmp_path):
    """Its route names a next hop, and no static address tells to which link that belongs."""
    b = replaced(SITE2_OF_THREE, ("ip address 10.2.0.1/24", "ip address dhcp"))

    pair = the_pair(pair_report(tmp_path, SITE1_OF_THREE, b))

    assert pair["connects"], pair["findings"]
    assert [(end["address"], end["address_assumed"]) for end in pair["ends"]] == [("10.1.0.1", False), ("10.2.0.1", True)]


def test_certificates_are_not_checked_and_that_is_told(tmp_path):
    (configs, _) = LISTS["2.25.15"]
    pair = the_pair(pair_report(tmp_path, *configs))

    assert [lines for _, lines in findings(pair, "a.cfg", "not checked")] == [["ikev2 cert cacert name caCert"]]
    assert [lines for _, lines in findings(pair, "b.cfg", "not checked")] == [["ikev2 cert mycert name myCert"]]


def test_tunnels_that_none_faces_are_told_and_do_not_fail_the_others(tmp_path):
    done = check_pair(tmp_path, SITE1_OF_THREE, SITE2_OF_THREE)

    assert done.status == CONNECTS
    assert done.stdout.endswith(
        "a.cfg:27: Tunnel2.0: no tunnel of the other files faces it; its peer, 10.3.0.1, is an address of none of "
        "them; the ID that it expects is keyid site3\n"), done.stdout


def test_a_tunnel_whose_place_another_file_has_taken_is_told_that(tmp_path):
    """Two files for site 2."""
    done = check_pair(tmp_path, SITE1, SITE2, SITE2)

    assert done.status == CONNECTS
    assert done.stdout.endswith(
        "c.cfg:22: Tunnel0.0: no tunnel of the other files faces it; its peer, 10.1.0.1, is an address of a.cfg; the ID that "
        "it expects is keyid site1; Tunnel1.0 of a.cfg fits it, and faces another one that fits as well or better\n"
    ), done.stdout


def test_files_without_a_tunnel_say_what_is_missing(tmp_path):
    done = check_pair(tmp_path, "hostname a\n", "connections {\n}\n", "")

    assert done.status == DOES_NOT
    assert done.stdout == ("a.cfg: there is no Tunnel with `tunnel mode ipsec-ikev2` or `ikev2 peer`\n"
                           "b.cfg: there is no connection under `connections`\n"
                           "c.cfg: there is no Tunnel with `tunnel mode ipsec-ikev2` or `ikev2 peer`\n")


def test_three_sites_with_dynamic_addresses_face_one_centre(tmp_path):
    """All by `peer any`: the IDs tell them apart."""
    tunnel = ("ikev2 authentication psk id keyid s{n} key char k{n}\n"
              "interface Tunnel{n}.0\n  tunnel mode ipsec-ikev2\n"
              "  ikev2 local-authentication psk id keyid {own}\n  ikev2 peer {peer} authentication psk id keyid {other}\n"
              "  no shutdown\n")
    key = "ikev2 authentication psk id keyid c key char kc\n"
    port = "interface GigaEthernet0.0\n  ip address {}\n  no shutdown\n"
    centre = key + port.format("10.0.0.1/24") + "".join(
        tunnel.format(n=n, own="c", peer="any", other=f"s{n}") for n in (3, 1, 2))
    sites = [key + port.format("dhcp") + tunnel.format(n=n, own=f"s{n}", peer="10.0.0.1", other="c") for n in (1, 2, 3)]

    report = pair_report(tmp_path, centre, *sites)

    assert report["connects"]
    assert sorted([end["tunnel"] for end in pair["ends"]] for pair in report["pairs"]) == [
        [f"Tunnel{n}.0", f"Tunnel{n}.0"] for n in (1, 2, 3)]


def test_tunnels_that_the_other_end_cannot_tell_apart_come_up_crossed(tmp_path):
    """Two tunnels with the same peer and the same IDs."""
    a, b = (text + text[text.index("interface Tunnel"):].replace(f"Tunnel{n}.0", "Tunnel5.0")
            for text, n in ((SITE1, 1), (SITE2, 0)))

    report = pair_report(tmp_path, a, b)

    assert not report["connects"] and len(report["pairs"]) == 2
    told = [text for pair in report["pairs"] for file in ("a.cfg", "b.cfg") for text, _ in findings(pair, file)]
    assert any(re.fullmatch(r"the SAs become those of (\S+) and not of (\S+): for the other end both are the same",
                            text) for text in told), told


def test_a_peer_by_name_is_taken_to_be_where_the_other_end_is(tmp_path):
    a = replaced(SITE1, ("peer 10.2.0.1", "peer site2.example.com"))

    pair = the_pair(pair_report(tmp_path, a, SITE2))

    assert pair["connects"]
    assert [text for text, _ in findings(pair, "a.cfg", "not checked")] == [
        "the name site2.example.com is not looked up: it is taken to have the address 10.2.0.1"]


def test_over_ipv6_the_largest_packet_is_smaller(tmp_path):
    change = (("  ikev2 outgoing-interface GigaEthernet0.0 10.0.0.254\n", ""),
              ("ip address 10.1.0.1/15", "ip address 10.1.0.1/15\n  ipv6 address 2001:db8:a::1/64\n  ipv6 mtu 1400"),
              ("peer 10.2.0.1", "peer 2001:db8:b::1"))
    other = (("  ikev2 outgoing-interface GigaEthernet0.0 10.0.1.254\n", ""),
             ("ip address 10.2.0.1/14", "ip address 10.2.0.1/14\n  ipv6 address 2001:db8:b::1/64"),
             ("peer 10.1.0.1", "peer 2001:db8:a::1"))
    route = "ipv6 route default 2001:db8:{}::ffff\n"

    pair = the_pair(pair_report(tmp_path, route.format("a") + replaced(SITE1, *change),
                                route.format("b") + replaced(SITE2, *other)))

    assert pair["connects"]
    assert (pair["outer_mtu"], pair["largest_inner"]) == (1400, 1310)


def test_files_without_a_pair_do_not_connect(tmp_path):
    report = pair_report(tmp_path, SITE1, "hostname site2\n")

    assert not report["connects"] and report["pairs"] == []
    assert [(alone["file"], alone["tunnel"]) for alone in report["unpaired"]] == [("a.cfg", "Tunnel1.0")]


def test_a_port_that_is_shut_down_is_the_reason_and_not_the_addresses_of_others(tmp_path):
    """The default route leads out of it: the tunnel has no outgoing interface of its own."""
    b = replaced(SITE2_OF_THREE, ("ip address 10.2.0.1/24\n  no shutdown", "ip address 10.2.0.1/24\n  shutdown"))

    pair = the_pair(pair_report(tmp_path, SITE1_OF_THREE, b))

    assert [end["address"] for end in pair["ends"]] == ["10.1.0.1", "10.2.0.1"]
    assert findings(pair, "b.cfg") == [("GigaEthernet0.0, by which Tunnel0.0 leaves, is shut down", ["shutdown"])]


def test_a_tunnel_without_a_peer_is_told_as_that(tmp_path):
    b = replaced(SITE2, ("  ikev2 peer 10.1.0.1 authentication psk id keyid site1\n", ""))

    pair = the_pair(pair_report(tmp_path, SITE1, b))

    assert pair["ends"][0]["address"] == "10.1.0.1"
    assert findings(pair, "b.cfg")[0] == ("Tunnel0.0 stays down: no `ikev2 peer`", ["interface Tunnel0.0"])
    assert not [text for end in "ab" for text, _ in findings(pair, f"{end}.cfg") if "its peer is" in text]


def test_a_name_for_addresses_of_the_other_family_does_not_connect(tmp_path):
    a = replaced(SITE1, ("ikev2 peer 10.2.0.1", "ikev2 peer-fqdn-ipv6 gw.example.com"))

    pair = the_pair(pair_report(tmp_path, a, SITE2))

    assert [end["begins"] for end in pair["ends"]] == ["fails", "fails"]
    assert findings(pair, "a.cfg")[0] == (
        "its peer is a name for IPv6 addresses, and the other end is at 10.2.0.1",
        ["ikev2 peer-fqdn-ipv6 gw.example.com authentication psk id keyid site2"])
    assert findings(pair, "b.cfg")[0] == (
        "it is at 10.2.0.1, and the other end's peer is a name for IPv6 addresses", ["ip address 10.2.0.1/14"])


def test_of_many_faults_the_cause_is_told_before_what_comes_of_it(tmp_path):
    """B has no key and another proposal, and A another address of it: A hears nothing, since B's tunnel is down."""
    a = replaced(SITE1, ("peer 10.2.0.1", "peer 10.2.0.9"))
    b = replaced(SITE2, ("ikev2 authentication psk id keyid site1 key char secret1\n", ""),
                 ("  dpd", "  sa-proposal enc aes-gcm-256\n  dpd"))

    pair = the_pair(pair_report(tmp_path, a, b))

    told = [(f["file"], f["text"].partition(":")[0], f["log"]) for f in pair["findings"] if f["kind"] == "failure"]
    assert told[0] == ("b.cfg", "Tunnel0.0 stays down", False), told
    logs = [log for _, _, log in told]
    assert logs == sorted(logs), "what the files show stands before the logs"


def test_many_tunnels_that_do_not_face_each_other_take_bounded_memory(tmp_path):
    for end in range(2):
        (tmp_path / f"{end}.cfg").write_text("".join(
            f"interface Tunnel{n}.0\n  tunnel mode ipsec-ikev2\n"
            f"  ikev2 peer any authentication psk id keyid {end}{n}\n"
            for n in range(4000)), encoding="utf-8")
    limit = ["prlimit", f"--as={1 << 30}"] if BUILD.name == "build" else []  # a sanitized one maps terabytes

    done = run(*limit, SHELL, "check", "--pair", tmp_path / "0.cfg", tmp_path / "1.cfg", timeout=120)

    assert (done.status, done.stderr) == (DOES_NOT, "")
    assert done.stdout.count("no tunnel of the other files faces it") == 8000


def test_a_thousand_tunnels_that_face_a_thousand_cost_what_the_pairs_cost(tmp_path):
    """All between two addresses, so that only the IDs tell them apart."""
    for own, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{own}.cfg").write_text(
            f"interface GigaEthernet0.0\n  ip address 10.0.0.{ord(own)}/24\n  no shutdown\n" + "".join(
                f"ikev2 authentication psk id keyid a{n} key char k\nikev2 authentication psk id keyid b{n} key char k\n"
                f"interface Tunnel{n}.0\n  tunnel mode ipsec-ikev2\n"
                f"  ikev2 local-authentication psk id keyid {own}{n}\n"
                f"  ikev2 peer 10.0.0.{ord(other)} authentication psk id keyid {other}{n}\n  no shutdown\n"
                for n in range(1000)), encoding="utf-8")
    limit = ["prlimit", "--cpu=15"] if BUILD.name == "build" else []  # seconds; 3 are used

    done = run(*limit, SHELL, "check", "--pair", tmp_path / "a.cfg", tmp_path / "b.cfg", timeout=300)

    assert (done.status, done.stderr) == (CONNECTS, "")
    for n in (0, 1, 999):
        assert f"a.cfg Tunnel{n}.0 (10.0.0.97) and {tmp_path}/b.cfg Tunnel{n}.0 (10.0.0.98): connects\n" in done.stdout
    assert done.stdout.count(": connects\n") == 1000


def test_a_file_with_an_error_is_a_failure(tmp_path):
    wrong = replaced(SITE2, ("  dpd", "  sa-proposal enc aes-cbc-257\n  dpd"))

    done = check_pair(tmp_path, SITE1, wrong)
    report = pair_report(tmp_path, SITE1, wrong)

    assert done.status == DOES_NOT
    assert done.stdout.startswith("b.cfg:10:19: error: "), done.stdout
    assert [error["line"] for error in report["files"][1]["errors"]] == [10]
    assert [alone["text"] for alone in report["unpaired"]] == [
        "no tunnel of the other files faces it; the tunnels of b.cfg are not known, since it has errors; its peer is "
        "10.2.0.1; the ID that it expects is keyid site2"]


def test_wrong_usage_exits_with_2(tmp_path):
    (tmp_path / "a.cfg").write_text(SITE1, encoding="utf-8")
    for argv in (["--pair"], ["--pair", tmp_path / "a.cfg"], ["--json", tmp_path / "a.cfg", tmp_path / "a.cfg"],
                 ["--pair", tmp_path / "a.cfg", tmp_path / "missing"],
                 ["--pair", tmp_path / "a.cfg", tmp_path / ".." / tmp_path.name / "a.cfg"]):
        done = run(SHELL, "check", *map(str, argv))

        assert (done.status, done.stdout) == (USAGE, ""), str(done)
        assert len(done.stderr.splitlines()) == 1, done.stderr


def members(value, prefix=""):
    """The paths of all members of a JSON value: `pairs[].ends[].file`."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield prefix + name
            yield from members(part, f"{prefix}{name}.")
    elif isinstance(value, list):
        for part in value:
            yield from members(part, prefix.removesuffix(".") + "[].")


def test_the_page_describes_all_members_of_the_json_and_no_others(tmp_path):
    described = set(re.findall(r"^\| `([a-z_.\[\]]+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.M))
    wrong = replaced(SITE2, ("  dpd", "  sa-proposal enc aes-cbc-257\n  dpd"))
    other = replaced(SITE2, ("  dpd", "  sa-proposal enc aes-gcm-256\n  dpd"))

    seen = set()
    for configs in ((SITE1_OF_THREE, SITE2_OF_THREE), (SITE1, wrong), (SITE1, other)):
        seen.update(members(pair_report(tmp_path, *configs)))
    swanctl = "connections {\n  a {\n    vips = 0.0.0.0\n  }\n}\n"
    seen.update(members(pair_report(tmp_path, SITE1, swanctl)))

    assert seen == described


def test_many_tunnels_are_paired_by_their_ids(tmp_path):
    """A centre whose 40 sites have names in place of addresses, and one site in the middle."""
    centre = "interface GigaEthernet0.0\n  ip address 10.0.0.1/24\n  no shutdown\n"
    for n in range(40):
        centre += (f"ikev2 authentication psk id keyid site{n} key char secret{n}\n"
                   f"interface Tunnel{n}.0\n  tunnel mode ipsec-ikev2\n"
                   f"  ikev2 local-authentication psk id keyid centre\n"
                   f"  ikev2 peer any authentication psk id keyid site{n}\n  no shutdown\n")
    centre += "ikev2 authentication psk id keyid centre key char c\n"
    site = ("interface GigaEthernet0.0\n  ip address dhcp\n  no shutdown\n"
            "ikev2 authentication psk id keyid site23 key char secret23\n"
            "ikev2 authentication psk id keyid centre key char c\n"
            "interface Tunnel0.0\n  tunnel mode ipsec-ikev2\n"
            "  ikev2 local-authentication psk id keyid site23\n"
            "  ikev2 peer 10.0.0.1 authentication psk id keyid centre\n  no shutdown\n")

    pair = the_pair(pair_report(tmp_path, centre, site))

    assert pair["connects"]
    assert [end["tunnel"] for end in pair["ends"]] == ["Tunnel23.0", "Tunnel0.0"]
