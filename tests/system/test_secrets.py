"""Keys that are no longer used are in no process's memory: pre-shared keys, and the keys of SAs."""

import re

from lib.memory import find
from lib.process import wait_until_equal
from lib.sites import SITE1, SITE2

OLD, NEW, OTHER = "k3YthatWasReplaced-7Qw", "k3YthatIsInUse-9Zx", "k3YthatWasRemoved-4Lp"
ID = "ikev2 authentication psk id keyid site2 key char"


def processes(gateway):
    return {name: gateway.process_id(name) for name in ("musubid", "musubid-engine", "musubid-path")}


def places(gateway, needles):
    """Where the processes of a gateway have one of the octet strings."""
    return [f"{name}: {place}" for name, pid in processes(gateway).items() for place in find(pid, needles)]


def start_with_keys(sites, key):
    """Both sites use `key` for site 2."""
    for site in (SITE1, SITE2):
        gateway = sites.gateway(site)
        config = gateway.config_path.read_text(encoding="ascii")
        config, count = re.subn(r"(psk id keyid site2 key char) \S+", rf"\1 {key}", config)
        assert count == 1, config
        gateway.config_path.write_text(config, encoding="ascii")
        sites.gateways[site] = gateway.start()
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)


def must_be_gone(gateway, *texts):
    found = places(gateway, [text.encode() for text in texts])
    assert not found, "\n".join(found)


def test_a_pre_shared_key_that_was_replaced_is_gone(sites):
    start_with_keys(sites, OLD)
    gateway = sites.gateway1

    gateway.configure(f"{ID} {NEW}")

    assert any(place.startswith("musubid:") for place in places(gateway, [NEW.encode()])), "the search finds no key"
    must_be_gone(gateway, OLD)
    sites.stop()


def test_a_pre_shared_key_that_was_removed_or_refused_is_gone(sites):
    sites.start()
    gateway = sites.gateway1
    gateway.configure(f"ikev2 authentication psk id keyid nobody-with-a-long-name key char {OTHER}")
    gateway.show("show running-config")
    gateway.show("write memory")

    gateway.configure("no ikev2 authentication psk id keyid nobody-with-a-long-name")
    must_be_gone(gateway, OTHER)

    refused = gateway.feed_lines("configure", f"mistyped authentication psk id keyid nobody key char {OTHER}")
    assert refused.status == 1, str(refused)
    must_be_gone(gateway, OTHER)
    sites.stop()


def test_the_keys_of_an_sa_that_has_ended_are_gone(sites):
    sites.start()
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    gateway = sites.gateway1
    ike, child = gateway.wait_for_sa()
    keys = [*ike.keys.values(), *(value for half in (child.inbound, child.outbound)
                                  for label, value in half.items() if label in ("Authkey", "Enckey"))]
    needles = [bytes.fromhex(key.removeprefix("0x")) for key in keys]
    assert len(needles) >= 6 and all(len(needle) >= 20 for needle in needles), keys
    assert places(gateway, needles), "the search finds no key"

    gateway.show("clear ikev2 sa")
    gateway.wait_for_no_sa()

    wait_until_equal(lambda: places(gateway, needles), [])    # the path removes the Child SA a moment later
    sites.stop()
