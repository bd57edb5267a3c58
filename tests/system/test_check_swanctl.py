"""`musubi check --pair` of a config with strongSwan's swanctl.conf."""

import random
import re

import pytest

from lib.manual_lists import replaced
from lib.mistakes import SITE1
from lib.musubi import PROJECT, SHELL
from lib.pairs import CONNECTS, DOES_NOT, check_pair, findings, pair_report, the_pair
from lib.process import run

SWANCTL = """\
# Site 2
connections {
  site1 {
    version = 2
    local_addrs = 10.2.0.1
    remote_addrs = 10.1.0.1
    proposals = aes256-sha256-modp2048
    mobike = no
    local {
      auth = psk
      id = keyid:site2
    }
    remote {
      auth = psk
      id = "keyid:site1"
    }
    children {
      net {
        local_ts = 0.0.0.0/0
        remote_ts = 0.0.0.0/0
        esp_proposals = aes256-sha256-modp2048
        start_action = trap
      }
    }
  }
}
secrets {
  ike-site1 {
    id-1 = keyid:site1
    id-2 = keyid:site2
    secret = "one key for both"
  }
}
"""

# strongSwan has one key for both directions.
SITE = replaced(SITE1, ("char secret-of-site1", "hex 6f6e65206b657920666f7220626f7468"),
                ("char secret-of-site2", "hex 6f6e65206b657920666f7220626f7468"))

NAMES = ("a.cfg", "swanctl.conf")
PAGE = (PROJECT / "docs" / "check-pair.md").read_text(encoding="utf-8")


def played(folder, *changes, site=SITE):
    return the_pair(pair_report(folder, site, replaced(SWANCTL, *changes), names=NAMES))


def test_a_config_connects_to_a_swanctl_conf(tmp_path):
    done = check_pair(tmp_path, SITE, SWANCTL, names=NAMES)

    assert (done.status, done.stderr) == (CONNECTS, "")
    assert done.stdout == """\
a.cfg Tunnel0.0 (10.1.0.1) and swanctl.conf site1 (10.2.0.1): connects
  IKE SA: AES-CBC-256/HMAC-SHA2-256-128/PRF-HMAC-SHA2-256/MODP-2048
  Child SA: AES-CBC-256/HMAC-SHA2-256-128, rekeyed with PFS by MODP-2048
  IDs: keyid site1, keyid site2
  Traffic: 0.0.0.0-255.255.255.255 <-> 0.0.0.0-255.255.255.255
  Largest inner packet: 1438 octets, in outer packets of 1500
  a.cfg: may begin, rekeyed both SAs
  swanctl.conf: may begin, rekeyed both SAs
""", done.stdout


def test_strongswan_accepts_a_peer_by_any_secret_that_fits(tmp_path):
    """Musubi has a key for each ID; strongSwan proves itself by the last of its two."""
    site = replaced(SITE, ("site1 key hex 6f6e65206b657920666f7220626f7468", "site1 key char another-key"))
    other = "  ike-other {\n    id = keyid:site1\n    id-2 = keyid:site2\n    secret = another-key\n  }\n"

    assert played(tmp_path, ("secrets {\n", "secrets {\n" + other), site=site)["connects"]
    assert not played(tmp_path, ("secrets {\n", "secrets {\n" + other.replace("another", "a")), site=site)["connects"]


def test_a_section_has_what_those_that_it_refers_to_have(tmp_path):
    """The first reference counts before the second, and what the section has itself before both."""
    proposals = "    proposals = aes256-sha256-modp2048\n"
    change = (("  site1 {", "  site1 : first, defaults.second {"), (proposals, ""))
    more = ("first {\n    proposals = aes256-sha256-modp2048\n}\n"
            "defaults {\n  second {\n    proposals = aes128-sha1-modp1024\n    version = 1\n  }\n}\n")

    for text in (more + replaced(SWANCTL, *change), replaced(SWANCTL, *change) + more):
        report = pair_report(tmp_path, SITE, text, names=NAMES)

        assert report["files"][1]["not_read"] == [] and report["connects"], report


def test_a_reference_to_nothing_or_to_itself_is_told(tmp_path):
    missing = pair_report(tmp_path, SITE, replaced(SWANCTL, ("  site1 {", "  site1 : nowhere {")), names=NAMES)
    circle = pair_report(tmp_path, SITE, "a : b {\n}\nb : a {\n}\n" + SWANCTL, names=NAMES)

    assert missing["files"][1]["not_read"] == [
        {"line": 3, "text": "the section `nowhere`, which this one refers to, is not in the file"}]
    many = "".join(f"a{n} : {', '.join([f'a{n + 1}'] * 50)} {{\n}}\n" for n in range(7)) + "a7 {\n}\n"
    endless = pair_report(tmp_path, SITE, many + SWANCTL, names=NAMES)

    for report in (circle, endless):
        assert [error["text"] for error in report["files"][1]["errors"]] == [
            "the references of this section lead back to it, or are too deep or too many"]


@pytest.mark.parametrize("change", [str, lambda text: text.replace("\n", "\r\n"), lambda text: "\ufeff" + text,
                                    lambda text: text + "# " + "x" * 10_000_000,
                                    lambda text: text.replace(" = ", "="),
                                    lambda text: text.replace(" {", "\n{")],
                         ids=["as it is", "CRLF", "a byte order mark", "10 MB", "no blanks", "braces on lines of their own"])
def test_it_does_not_matter_how_a_file_is_laid_out(tmp_path, change):
    assert pair_report(tmp_path, SITE, change(SWANCTL), names=NAMES)["connects"]


# What is said of a child's selectors, and the traffic behind the end that has them.
SELECTORS = {
    "dynamic": ([("10.2.0.1", "10.2.0.1", 0, 0, 65535)], []),
    "10.0.0.0/8[tcp/80]": ([("10.0.0.0", "10.255.255.255", 6, 80, 80)], []),
    "10.0.0.1-10.0.0.9[17/1000-2000], 10.9.0.1[icmp]": ([("10.0.0.1", "10.0.0.9", 17, 1000, 2000),
                                                        ("10.9.0.1", "10.9.0.1", 1, 0, 65535)], []),
    "10.0.0.0/8[tcp/http]": ([("0.0.0.0", "255.255.255.255", 0, 0, 65535)],
                             ["`local_ts` is not read: a selector of this form, or so many of them, are not supported "
                              "here; all addresses are taken in its place"]),
}


@pytest.mark.parametrize("selectors, expected, told", [(key, *row) for key, row in SELECTORS.items()], ids=SELECTORS)
def test_selectors_have_the_forms_of_strongswan(tmp_path, selectors, expected, told):
    report = pair_report(tmp_path, SITE, replaced(SWANCTL, ("local_ts = 0.0.0.0/0", f"local_ts = {selectors}")), names=NAMES)

    assert [item["text"] for item in report["files"][1]["not_read"]] == told
    _, there = the_pair(report)["selectors"]
    assert [tuple(ts.values()) for ts in there if ":" not in ts["first"]] == expected, there


def test_a_connection_that_comes_again_goes_on(tmp_path):
    pair = played(tmp_path, ("secrets {", "connections {\n  site1 {\n    proposals = aes128-sha256-modp2048\n  }\n}\nsecrets {"))

    assert not pair["connects"]
    assert any(lines == ["proposals = aes128-sha256-modp2048"] for _, lines in findings(pair, "swanctl.conf"))


def inherited(settings, own, child="", own_child=""):
    """A file whose connection refers to a template with `settings`, and has `own` itself."""
    template = f"template {{\n{settings}\n  children {{\n    net {{\n{child}\n    }}\n  }}\n}}\n"
    return template + replaced(SWANCTL, ("  site1 {", "  site1 : template {"),
                               ("    proposals = aes256-sha256-modp2048\n", own + "\n"),
                               ("    version = 2\n", ""), ("      net {\n", "      net {\n" + own_child + "\n"))


@pytest.mark.parametrize("others, child, why", [
    ("version = 1", "", "it is IKEv1, which Musubi does not speak"),
    ("", "ah_proposals = sha256", "Musubi has no AH"),
    ("", "mode = transport", "it wants another mode than tunnel mode")])
def test_of_two_settings_that_cannot_be_used_one_that_is_overridden_leaves_the_other(tmp_path, others, child, why):
    text = inherited(f"proposals = chacha20poly1305-x25519\n{others}", "proposals = aes256-sha256-modp2048", child)

    report = pair_report(tmp_path, SITE, text, names=NAMES)

    assert not report["connects"] and report["files"][1]["not_read"] == [], report
    assert [f["text"] for f in the_pair(report)["findings"]] == [f"site1 can't be used: {why}"]


def test_what_is_overridden_makes_no_difference(tmp_path):
    text = inherited("proposals = chacha20poly1305-x25519\nversion = 1\nvips = 0.0.0.0\nlocal_addrs = 10.9.0.1, 10.9.0.2",
                     "proposals = aes256-sha256-modp2048\nversion = 2\nvips =",
                     "mode = transport\nlocal_ts = 10.0.0.0/8[tcp/http]", "mode = tunnel")

    report = pair_report(tmp_path, SITE, text, names=NAMES)

    assert report["connects"] and report["files"][1]["not_read"] == [], report


def test_an_address_that_is_overridden_is_not_the_ends(tmp_path):
    """Neither as the address from which it sends, nor as one that the peer may name."""
    text = replaced(SWANCTL, ("    local_addrs = 10.2.0.1\n", "    local_addrs = 10.9.0.1\n    local_addrs = %any\n"))

    end = the_pair(pair_report(tmp_path, SITE, text, names=NAMES))["ends"][1]
    other = played(tmp_path, ("    local_addrs = 10.2.0.1\n", "    local_addrs = 10.2.0.1\n    local_addrs = 10.9.0.1\n"))

    assert (end["address"], end["address_assumed"]) == ("10.2.0.1", True)
    assert not other["connects"]
    assert any("no address of the other end (10.9.0.1;" in f["text"] or "no address of the other end (10.9.0.1)" in f["text"]
               for f in other["findings"]), other["findings"]


def test_a_connection_that_comes_again_keeps_what_is_its_own(tmp_path):
    """What it inherits in its second place does not override what it has itself in the first."""
    again = "connections {\n  site1 : t {\n  }\n}\nt {\n  proposals = aes128-sha256-modp2048\n}\nsecrets {"

    assert played(tmp_path, ("secrets {", again))["connects"]


def test_the_second_child_of_a_connection_that_comes_again_is_not_read(tmp_path):
    again = ("connections {\n  old {\n    remote_addrs = 10.8.0.1\n  }\n  site1 {\n    children {\n      more {\n"
             "        mode = transport\n      }\n    }\n  }\n}\nsecrets {")

    report = pair_report(tmp_path, SITE, replaced(SWANCTL, ("secrets {", again)), names=NAMES)

    assert report["connects"], report
    assert [item["text"] for item in report["files"][1]["not_read"] if "child" in item["text"]] == [
        "the child `more` is not read: only the first one of a connection is"]


def test_a_secret_that_comes_again_goes_on(tmp_path):
    """Its settings are those of both, the last one of a name."""
    ids = "    id-1 = keyid:site1\n    id-2 = keyid:site2\n"
    first = "secrets {\n  ike-site1 {\n" + ids + "    secret = 0xabc#\n  }\n  ike-2 {\n    id = keyid:site1\n    secret = x\n  }\n}\n"

    report = pair_report(tmp_path, SITE, first + replaced(SWANCTL, (ids, "")), names=NAMES)

    assert report["connects"] and report["files"][1]["not_read"] == [], report


def test_an_id_of_a_secret_that_is_overridden_does_not_count(tmp_path):
    ids = ("id-1 = keyid:site1\n    id-2 = keyid:site2", "id-1 = keyid:a\n    id-2 = keyid:b")
    template = "keys {\n  id-1 = keyid:site1\n  id-2 = keyid:site2\n}\n"

    pair = the_pair(pair_report(tmp_path, SITE, template + replaced(SWANCTL, ids, ("ike-site1 {", "ike-site1 : keys {")),
                                names=NAMES))

    assert any("there is no key for this end's ID" in text for text, _ in findings(pair, "swanctl.conf")), pair["findings"]


def test_of_several_addresses_the_first_is_read_and_that_is_told(tmp_path):
    report = pair_report(tmp_path, SITE, replaced(SWANCTL, ("remote_addrs = 10.1.0.1", "remote_addrs = 10.1.0.1, 10.9.0.1")),
                         names=NAMES)

    assert report["connects"]
    assert report["files"][1]["not_read"] == [{"line": 6, "text": "of the addresses in `remote_addrs` only the first is read"}]


def test_an_empty_value_is_as_none(tmp_path):
    report = pair_report(tmp_path, SITE, replaced(SWANCTL, ("    mobike = no", "    proposals =\n    mobike = no"),
                                                  ('"one key for both"', "")), names=NAMES)

    assert [item["text"] for item in report["files"][1]["not_read"]] == ["the secret `ike-site1` is not read: it has no `secret`"]
    assert any("there is no key for this end's ID" in text for text, _ in findings(the_pair(report), "swanctl.conf"))


def test_the_address_that_the_other_end_does_not_have_is_told_with_its_line(tmp_path):
    pair = played(tmp_path, ("remote_addrs = 10.1.0.1", "remote_addrs = 10.1.0.99"))

    assert findings(pair, "swanctl.conf")[0] == (
        "its peer is 10.1.0.99, which is no address of the other end (10.1.0.1, 192.168.1.254); a NAT is not assumed",
        ["remote_addrs = 10.1.0.99"])


def test_what_cannot_be_used_is_all_that_is_told(tmp_path):
    """Nothing of what comes of it: the tunnel answers nobody."""
    pair = played(tmp_path, ("auth = psk\n      id = \"keyid:site1\"", "auth = eap-tls\n      id = \"keyid:site1\""))

    assert not pair["connects"]
    assert [(f["file"], f["text"]) for f in pair["findings"]] == [
        ("swanctl.conf", "site1 can't be used: Musubi has neither EAP nor XAuth")]


def test_another_connection_that_cannot_be_used_is_not_taken_for_one_that_answers(tmp_path):
    other = "  old {\n    version = 1\n    remote_addrs = 10.1.0.1\n  }\n"

    pair = played(tmp_path, ("connections {\n", "connections {\n" + other), ("remote_addrs = 10.1.0.1\n    proposals",
                                                                         "remote_addrs = 10.1.0.99\n    proposals"))

    assert not [text for text, _ in findings(pair, "swanctl.conf") if "not complete" in text], pair["findings"]
    assert any("the nearest peers: site1 has 10.1.0.99" in text for text, _ in findings(pair, "swanctl.conf"))


def test_kinds_of_proof_that_differ_are_told_with_the_lines_that_say_them(tmp_path):
    pair = played(tmp_path, ("auth = psk\n      id = \"keyid:site1\"", "auth = pubkey\n      id = \"keyid:site1\""))

    assert findings(pair, "swanctl.conf") == [
        ("it wants its peer to prove itself by a certificate, and the peer does so by a pre-shared key",
         ["auth = pubkey"])]
    assert findings(pair, "swanctl.conf", "not checked") == []


def test_a_distinguished_name_is_an_id(tmp_path):
    pair = played(tmp_path, ('id = "keyid:site1"', 'id = "C=JP, CN=site1"'))

    assert not pair["connects"]
    assert any("accepted here is DER-ASN1-DN C=JP, CN=site1" in text for text, _ in findings(pair, "swanctl.conf"))


@pytest.mark.parametrize("options", [(), ("--effective",)])
@pytest.mark.parametrize("text, told", [
    (SWANCTL, "this is a swanctl.conf of strongSwan: `musubi check --pair CONFIG x.conf` tells whether a config of "
              "Musubi would connect to it"),
    ("# site\nconn site1\n  left=10.2.0.1\n", "this is an ipsec.conf of strongSwan, a form that is not read: write its "
                                             "connections as a swanctl.conf")])
def test_without_pair_a_config_of_strongswan_is_told_in_one_line(tmp_path, text, told, options):
    (tmp_path / "x.conf").write_text(text, encoding="utf-8")

    done = run("env", "-C", str(tmp_path), SHELL, "check", *options, "x.conf")

    assert (done.status, done.stdout, done.stderr) == (DOES_NOT, f"x.conf: error: {told}\n", "")


@pytest.mark.parametrize("options", [(), ("--effective",)])
@pytest.mark.parametrize("text", ["!===== Site A\n! all connections to the centre\nhostname a\n",
                                  "! = of the connections =\nhostname a\n", "! {connections }\nhostname a\n"])
def test_a_config_that_begins_with_a_banner_is_not_taken_for_a_swanctl_conf(tmp_path, text, options):
    (tmp_path / "x.cfg").write_text(text, encoding="utf-8")

    done = run("env", "-C", str(tmp_path), SHELL, "check", *options, "x.cfg")

    assert (done.status, done.stderr) == (CONNECTS, ""), str(done)


@pytest.mark.parametrize("text", ["word\0 connections {\n}\n", "word = reconnections\n", "word = connections-of-a\n",
                                  "word = x\n! the connections of a\n"])
def test_what_has_no_section_connections_is_no_swanctl_conf(tmp_path, text):
    (tmp_path / "x.cfg").write_text(text, encoding="utf-8")

    done = run("env", "-C", str(tmp_path), SHELL, "check", "x.cfg")

    assert done.status == CONNECTS and "this `word` line is not handled by Musubi" in done.stdout, str(done)


def test_a_pair_of_configs_may_begin_with_banners(tmp_path):
    report = pair_report(tmp_path, "!===== the connections of site 1\n" + SITE, SWANCTL, names=NAMES)

    assert [file["form"] for file in report["files"]] == ["musubi", "swanctl"] and report["connects"], report


@pytest.mark.parametrize("secret", ['"one key for both"', "one key for both   # for both",
                                    "0x6f6e65206b657920666f7220626f7468", "0sb25lIGtleSBmb3IgYm90aA=="])
def test_secrets_have_the_forms_of_strongswan(tmp_path, secret):
    assert played(tmp_path, ('"one key for both"', secret))["connects"]


# What is wrong, and the lines of either file that have to be told.
MISTAKES = {
    "the encryption of the IKE SA": ([("proposals = aes256-sha256-modp2048\n    mobike",
                                       "proposals = aes128-sha256-modp2048\n    mobike")],
                                     "sa-proposal enc aes-cbc-256", "proposals = aes128-sha256-modp2048"),
    "PFS": ([("esp_proposals = aes256-sha256-modp2048", "esp_proposals = aes256-sha256")],
            "child-pfs 2048-bit", "esp_proposals = aes256-sha256"),
    "the key": ([("one key for both", "another key")],
                "ikev2 authentication psk id keyid site2 key hex ********", "secret = ********"),
    "the own ID": ([("id = keyid:site2", "id = keyid:site3"), ("id-2 = keyid:site2", "id-2 = keyid:site3")],
                   "ikev2 peer 10.2.0.1 authentication psk id keyid site2", "id = keyid:site3"),
    "the peer's address": ([("remote_addrs = 10.1.0.1", "remote_addrs = 10.1.0.99")],
                           "ip address 10.1.0.1/24", "id = \"keyid:site1\""),
    "only what Musubi does not have": ([("proposals = aes256-sha256-modp2048\n    mobike",
                                         "proposals = chacha20poly1305-prfsha256-x25519\n    mobike")],
                                       None, "proposals = chacha20poly1305-prfsha256-x25519"),
    "IKEv1": ([("version = 2", "version = 1")], None, "version = 1"),
    "transport mode": ([("start_action = trap", "mode = transport")], None, "mode = transport"),
    "EAP": ([("auth = psk\n      id = keyid:site2", "auth = eap-mschapv2\n      id = keyid:site2")], None,
            "auth = eap-mschapv2"),
}


@pytest.mark.parametrize("changes, line, swanctl_line", MISTAKES.values(), ids=MISTAKES)
def test_S34_a_failure_has_the_lines_of_both_files(tmp_path, changes, line, swanctl_line):
    pair = played(tmp_path, *changes)

    assert not pair["connects"]
    of_config = [text for _, lines in findings(pair, "a.cfg") for text in lines]
    of_swanctl = [text for _, lines in findings(pair, "swanctl.conf") for text in lines]
    assert line is None or line in of_config, pair["findings"]
    assert swanctl_line in of_swanctl, pair["findings"]


def test_what_is_not_read_is_told_with_its_line(tmp_path):
    text = "include conf.d/*.conf\n" + replaced(
        SWANCTL, ("    mobike = no\n", "    vips = 0.0.0.0\n    mobike = no\n"),
        ("      net {", "      other {\n        local_ts = 10.0.0.0/8\n        remote_ts = 10.9.0.0/16\n      }\n      net {"),
        ("proposals = aes256-sha256-modp2048\n    vips", "proposals = aes256-sha256-modp2048, aes256-sha256-ecp256\n    vips"))

    report = pair_report(tmp_path, SITE, text, names=NAMES)

    told = {(item["line"], item["text"]) for item in report["files"][1]["not_read"]}
    assert told == {(1, "`include` is not followed: put what the other file has in its place"),
                     (8, "a proposal is not read: Musubi does not have ecp256"),
                    (9, "`vips` is not read"),
                    (24, "the child `net` is not read: only the first one of a connection is")}


def test_what_is_not_read_of_the_secrets_is_told_without_a_word_of_them(tmp_path):
    more = "  eap-bob {\n    secret = b\n  }\n  ike-2 {\n    id = keyid:x\n  }\n"

    text = replaced(SWANCTL, ("secrets {\n", "secrets {\n" + more), ("    id-2 =", "    hunter2 = 3\n    id-2 ="))
    report = pair_report(tmp_path, SITE, text, names=NAMES)

    assert [(item["line"], item["text"]) for item in report["files"][1]["not_read"]] == [
        (28, "the secret `eap-bob` is not read: only those whose names begin with `ike` are pre-shared keys of IKEv2"),
        (31, "the secret `ike-2` is not read: it has no `secret`"),
        (36, "this is not read: the secret `ike-site1` may have `secret` and `id…` only")]


@pytest.mark.parametrize("change, line", [(("secrets {", "secrets"), 27), (("    mobike = no", "    mobike"), 8),
                                          (('"one key for both"\n  }\n}', '"one key for both"\n  }\n'), 27),
                                          (("secrets {", "} secrets {"), 27)])
def test_a_syntax_error_has_its_line(tmp_path, change, line):
    report = pair_report(tmp_path, SITE, replaced(SWANCTL, change), names=NAMES)

    assert not report["connects"]
    (error,) = report["files"][1]["errors"]
    assert abs(error["line"] - line) <= 1, error


def damaged(seed):
    """The file with a few characters lost, added or replaced."""
    chance = random.Random(seed)
    text = list(SWANCTL)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(text))
        text[at:at + chance.choice((0, 1, 1, 20))] = chance.choice(["", *"{}=#\":\n ,%[-/0x"])
    return "".join(text)


def test_a_damaged_file_is_read_or_refused(tmp_path):
    for seed in range(60):
        pair_report(tmp_path, SITE, damaged(seed), names=NAMES)


def test_a_secret_is_never_shown(tmp_path):
    for options in ((), ("--json",)):
        done = check_pair(tmp_path, SITE1, SWANCTL, names=NAMES, options=options)

        assert done.status == DOES_NOT
        assert "one key" not in done.stdout, done.stdout


def test_a_secret_on_a_line_with_others_is_not_shown_either(tmp_path):
    secrets = SWANCTL[SWANCTL.index("secrets {"):]
    for line in ('secrets { ike-1 { secret = "hunter2" } }\n', "secrets { ike-1 { secret = hunter2 } }\n",
                 'secrets { ike-1 { secret = "a\nhunter2" } }\n', "secrets {\n ike-1 {\n secret = 3\n hunter2 = 3 } }\n"):
        done = check_pair(tmp_path, SITE1, replaced(SWANCTL, (secrets, line)), names=NAMES)

        assert done.status == DOES_NOT and "hunter2" not in done.stdout, done.stdout
        assert "secret = ********" in done.stdout or "********" in done.stdout


@pytest.mark.parametrize("line", ["secret = hunter2#hunter3", "secret = hunter2 #hunter3", "secret = #hunter2",
                                  "secret = hunter2}hunter3 = 3\n  ike-2 {\n    secret = 4"])
def test_what_stands_behind_a_secret_is_not_shown_either(tmp_path, line):
    for options in ((), ("--json",)):
        done = check_pair(tmp_path, SITE1, replaced(SWANCTL, ('secret = "one key for both"', line)), names=NAMES,
                          options=options)

        assert done.status == DOES_NOT and "hunter" not in done.stdout, done.stdout


@pytest.mark.parametrize("secret, is_told", [("one#key", True), ("one key#for both", True), ("one key # for both", False),
                                             ('"one#key"', False), ('"one key"#for both', False)])
def test_a_comment_that_begins_inside_a_secret_is_told(tmp_path, secret, is_told):
    report = pair_report(tmp_path, SITE, replaced(SWANCTL, ('"one key for both"', secret)), names=NAMES)

    told = [{"line": 31, "text": "the secret `ike-site1` ends before a `#`, which begins a comment: a secret with a `#` "
                                 "needs quotes"}]
    assert report["files"][1]["not_read"] == (told if is_told else [])


def test_a_peer_without_an_id_may_be_any_that_has_a_key(tmp_path):
    assert played(tmp_path, ('      id = "keyid:site1"\n', ""))["connects"]


def shown(title):
    """What the page has, indented, behind a line."""
    text = PAGE[PAGE.index(f"\n{title}\n\n") + len(title) + 3:]
    return "".join(line[4:] + "\n" for line in re.match(r"(?:    .*\n|\n(?=    ))+", text)[0].splitlines())


def test_the_pair_of_the_page_connects_as_it_says(tmp_path):
    done = check_pair(tmp_path, shown("site1.cfg:"), shown("swanctl.conf:"), names=("site1.cfg", "swanctl.conf"))

    assert (done.status, done.stderr) == (CONNECTS, "")
    assert done.stdout == shown("`musubi check --pair site1.cfg swanctl.conf` says:")


def test_the_page_names_the_settings_that_are_read():
    text = PAGE
    source = (PROJECT / "src" / "check" / "swanctl_end.c").read_text(encoding="utf-8")
    for key in re.findall(r'strcmp\(item->key, "([a-z_]+)"\)', source):
        assert f"`{key}" in text, key
