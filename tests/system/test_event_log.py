"""The event log (R102): which events have which level, during the life of one SA."""

import re

import pytest

from lib.sites import SITE2, TwoSites

LINE = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (ikev2|IPsec) (\w+) (?:Tunnel\d+\.0: )?(.*)", re.MULTILINE)


@pytest.fixture(scope="module")
def lived(module_lab):
    """Site 1 logs everything, site 2 has the default level. An SA was made, probed, rekeyed and deleted."""
    sites = TwoSites(module_lab).start("ikev2 dpd interval 1\nikev2 sa-lifetime 6", at_site2="")
    sites.gateway1.configure("logging subsystem all debug")
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    keys = keys_shown(sites.gateway1)
    for text in ("DPD: the peer is alive", "IKE SA rekeyed"):
        sites.gateway1.wait_for_log(text, timeout=30)
    sites.gateway1.show("clear ikev2 sa")
    for gateway in (sites.gateway1, sites.gateway2):
        gateway.wait_for_no_sa()
    yield sites, keys
    sites.stop()


def keys_shown(gateway):
    """The keys of all SAs, as `show` prints them."""
    ike, child = gateway.wait_for_sa()
    return [*ike.keys.values(), child.inbound["Enckey"], child.inbound["Authkey"], child.outbound["Enckey"]]


def events(gateway):
    """The function, level and text of each line of the log."""
    return LINE.findall(gateway.log)


@pytest.mark.parametrize("function, level, text", [
    ("ikev2", "warn", "IKE SA created"),
    ("ikev2", "warn", "IKE SA deleted, serial \\d+: Delete IKE SA by command"),
    ("IPsec", "warn", "Child SA created"),
    ("ikev2", "notice", "negotiation started"),
    ("ikev2", "notice", "negotiation ended"),
    ("ikev2", "notice", "IKE SA rekeyed"),
    ("ikev2", "info", "DPD"),
    ("ikev2", "debug", "sent .* IKE_AUTH request"),
    ("ikev2", "debug", "received .* INFORMATIONAL response"),
    ("ikev2", "debug", "keys of IKE SA"),
    ("IPsec", "debug", "keys of Child SA"),
])
def test_R102_events_have_their_levels(lived, function, level, text):
    sites, _ = lived
    told = {(its_function, its_level) for its_function, its_level, its_text in events(sites.gateway1)
            if re.match(text, its_text)}

    assert told == {(function, level)}


def test_R102_S18_keys_are_logged_only_at_level_debug(lived):
    sites, keys = lived
    at = {level for _, level, text in events(sites.gateway1) for key in keys if key in text}

    assert at == {"debug"}
    assert not [key for key in keys if key not in sites.gateway1.log], "each is logged"


def test_R102_the_level_is_warn_unless_configured(lived):
    sites, _ = lived
    levels = {level for _, level, _ in events(sites.gateway2)}

    assert levels == {"warn"}, sites.gateway2.log


def test_R102_the_memory_buffer_holds_what_was_logged(lived):
    sites, _ = lived
    sites.gateway2.wait_for_log("IKE SA deleted")

    shown = sites.gateway2.show("show logging")

    missing = [text for _, _, text in events(sites.gateway2) if text not in shown]
    assert not missing, f"{missing} not in:\n{shown}"
