"""A NAT between two gateways, and `nat-traversal` missing at one of them or at both.

The SA comes up, but ESP does not pass the NAT box. The log tells why, and what it tells to set is set then.
"""

import pytest

from lib.capture import fields
from lib.nat import INTERNET, OTHER_PORTS, NatBox, Site, Switch
from lib.process import wait_until

SITE, CENTRE = 1, 2
CENTRE_ADDRESS = f"{INTERNET}.{CENTRE}"
LINES = {True: "ikev2 nat-traversal keepalive 20\n", False: ""}
NAT_DETECTION = "isakmp.notify.msgtype in {16388, 16389}"
IKE_SA_INIT = 34

SEEMS = r"there seems to be a NAT between this end and "
ESP = "so ESP may not pass: "
MEND = rf"{ESP}set `(?P<line>ikev2 nat-traversal keepalive 20)` in (?P<where>Tunnel1\.0)"
SET_HERE = rf"but nat-traversal is not set here, {MEND}"
SET_AT_PEER = rf"but the peer does no NAT traversal, {ESP}set nat-traversal at the peer"
SET_AT_SITE = (rf"but nat-traversal is not set here, {ESP}set `(?P<line>ikev2 nat-traversal keepalive 20)` in "
               r"(?P<where>Tunnel2\.0) and nat-traversal at the peer, unless it is set there")
SET_BOTH = rf"but nat-traversal is set at neither end, {MEND} and nat-traversal at the peer"
AT_SITE = rf"Tunnel2\.0: {SEEMS}203\.0\.113\.2:500 \(our address 172\.16\.1\.1 is private\), "
BY_PORT = rf"Tunnel1\.0: {SEEMS}203\.0\.113\.100:\d+ \(its IKE comes from that port\), "
BY_DETECTION = rf"Tunnel1\.0: {SEEMS}203\.0\.113\.100:\d+ \(the peer's NAT detection shows one in front of the peer\), "

# Where nat-traversal is missing: whether it is set at the site, at the centre; what the site tells, and the centre.
CASES = {
    "at the centre": (True, False, AT_SITE + SET_AT_PEER, BY_DETECTION + SET_HERE),
    "at the site": (False, True, AT_SITE + SET_AT_SITE, BY_PORT + SET_AT_PEER),
    "at both": (False, False, AT_SITE + SET_AT_SITE, BY_PORT + SET_BOTH),
}


@pytest.mark.parametrize("at_site, at_centre, site_tells, centre_tells", CASES.values(), ids=CASES)
def test_S43_a_nat_that_the_config_overlooks_is_told_with_the_mend(lab, at_site, at_centre, site_tells, centre_tells):
    internet = Switch(lab, "internet")
    centre = Site(lab, CENTRE, internet, CENTRE_ADDRESS)
    box = NatBox(lab, "nat", internet, f"{INTERNET}.100", 1, OTHER_PORTS)
    site = Site(lab, SITE, box, box.inside(1))
    wire = internet.capture(centre.host, "wire")
    centre.start(centre.tunnel(SITE, "any", LINES[at_centre]))
    site.start(site.tunnel(CENTRE, CENTRE_ADDRESS, LINES[at_site]))

    assert site.lan.ping(centre.lan_host, count=1, wait=1)[0] == 0, "ESP passes"

    told = [must_tell_once(site, site_tells), must_tell_once(centre, centre_tells)]
    ike, _ = centre.gateway.wait_for_sa()
    assert "NAT detection" not in ike.fields
    assert fields(wire.stop(), f"isakmp.exchangetype == {IKE_SA_INIT} and {NAT_DETECTION}", "ip.src") == \
        [(f"{INTERNET}.100",)] * at_site, "an end without nat-traversal sends no NAT detection"

    for end, other, match in ((centre, site, told[1]), (site, centre, told[0])):
        do_as_told(end, other, match)
    site.gateway.show("clear ikev2 sa Tunnel2.0")
    wait_until(lambda: site.lan.ping(centre.lan_host, count=1, wait=1)[0] == 1, 20, "traffic in UDP")
    ike, _ = centre.gateway.wait_for_sa()
    assert ike.fields["NAT detection"] == "remote side"


def must_tell_once(site, pattern):
    """The warning of a site about a NAT, which names its lines."""
    lines = [str(number) for number, text in enumerate(site.gateway.config_path.read_text("utf-8").splitlines(), start=1)
             if text.startswith(("  ikev2 peer", "  ikev2 nat-traversal"))]
    match = site.gateway.wait_for_log(rf" warn {pattern}; lines? {', '.join(lines)}\n")
    assert site.gateway.log.count(SEEMS) == 1
    return match


def do_as_told(site, other, match):
    """Set nat-traversal where the warning of a site says."""
    if "where" in match.groupdict():
        site.gateway.configure(f"interface {match['where']}", match["line"])
    if "at the peer" in match.group():
        other.gateway.configure(f"interface Tunnel{site.number}.0", "ikev2 nat-traversal keepalive 20")
