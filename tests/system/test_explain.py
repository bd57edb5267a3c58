"""`show ikev2 explain` says at which step a tunnel stands, with the line of the config; `show ikev2 summary` has a line a
tunnel (S34, R43, R44)."""

import re

from lib.process import wait_until
from lib.sites import SITE1, SITE2


def standing(gateway):
    """The first line of what is said of the gateway's tunnel, and the row that is marked ("" if none is)."""
    heading, *rows = gateway.show("show ikev2 explain").splitlines()
    marked = [row for row in rows if row.startswith(">")]
    assert len(marked) <= 1 and len(rows) == 12, rows
    return heading, re.sub(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", "TIME", marked[0] if marked else "")


def wait_until_standing(gateway, heading, row):
    def stands():
        seen = standing(gateway)
        return seen[0] == heading and re.fullmatch(row, seen[1])
    try:
        wait_until(stands, 10, heading)
    except AssertionError as late:
        raise AssertionError(f"{late}\n{gateway.show('show ikev2 explain')}") from None


def summary(gateway):
    """State and peer of the gateway's tunnel, and the total without its packets."""
    _, row, total = gateway.show("show ikev2 summary").splitlines()
    assert re.search(r"(-|\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) +\d+ +\d+  \S+$", row), row
    return row[17:28].strip(), row.split()[-1], total.split(";")[0]


def test_S34_explain_and_summary_name_the_step_that_fails(sites):
    sites.start()
    near, far = sites.gateway1, sites.gateway2

    def packet():
        sites.lan1.ping(SITE2.lan4(10), count=1, wait=0.1)

    assert standing(near) == ("Tunnel1.0 is idle: IKE_SA_INIT",
                              "> idle   IKE_SA_INIT  begins with the first packet into Tunnel1.0")
    assert summary(near) == ("idle", SITE2.wan, "Total : 1, 0 up, 1 idle")

    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    for gateway in (near, far):
        wait_until(lambda: standing(gateway)[0].endswith(" carries packets"), 10, "the tunnel carries packets")
    assert summary(near) == ("up", f"{SITE2.wan}:500", "Total : 1, 1 up")
    shown = near.show("show ikev2 explain")
    assert re.search(r"^  ok     Packets out  \d+ packets, .*; routed into it: 192\.168\.2\.0/24 of line \d+, ", shown,
                     re.MULTILINE), shown
    assert re.search(r"^  ok     IKE_SA_INIT  done with 10\.2\.0\.1:500, as initiator, since .*: AES-CBC-256, ", shown,
                     re.MULTILINE), shown

    near.configure("interface Tunnel1.0", "shutdown")
    wait_until_standing(near, "Tunnel1.0 is stopped at: Config", r"> FAILS  Config       since TIME: shutdown; .*")
    assert summary(near) == ("shutdown", f"{SITE2.wan}:500", "Total : 1, 0 up, 1 shutdown")
    near.configure("interface Tunnel1.0", "no shutdown")

    far.configure("ikev2 authentication psk id keyid site1 key char wrong")
    far.show("clear ikev2 sa")
    near.wait_for_no_sa()
    wait_until(lambda: packet() or "stopped at: IKE_AUTH" in standing(near)[0], 10, "AUTH fails")
    wait_until_standing(near, "Tunnel1.0 is stopped at: IKE_AUTH",
                        r"> FAILS  IKE_AUTH     (\d+ times since TIME, )?at TIME: negotiation failed: "
                        r".*\(AUTHENTICATION_FAILED\).*; line.*")
    wait_until_standing(far, "Tunnel0.0 is stopped at: IKE_AUTH",
                        r"> FAILS  IKE_AUTH     (\d+ times since TIME, )?at TIME: negotiation failed: .*; line.*")
    assert summary(near) == ("failing", SITE2.wan, "Total : 1, 0 up, 1 failing")
    far.configure("ikev2 authentication psk id keyid site1 key char secret1",
                  "interface Tunnel0.0", "ikev2 child-proposal enc aes-cbc-128")
    wait_until(lambda: packet() or "stopped at: Child SA" in standing(near)[0], 10, "the Child SA is refused")
    wait_until_standing(near, "Tunnel1.0 is stopped at: Child SA",
                        r"> FAILS  Child SA     (\d+ times since TIME, )?at TIME: negotiation failed: .*")

    far.configure("interface Tunnel0.0", "shutdown")
    near.configure("interface Tunnel1.0", "ikev2 sa-proposal dh 1024-bit")
    sites.gateway_hosts[SITE1].ip("link set ge0 down")
    wait_until_standing(near, "Tunnel1.0 is stopped at: Link",
                        r"> FAILS  Link         since TIME: outgoing interface down, GigaEthernet0\.0: "
                        r"the Linux interface is down; line \d+")
    assert summary(near) == ("no route", SITE2.wan, "Total : 1, 0 up, 1 no route")

    near.configure(f"ip route {SITE2.wan}/32 {SITE1.next_hop}", "interface Tunnel1.0", "no ikev2 outgoing-interface")
    wait_until_standing(near, "Tunnel1.0 is stopped at: Link",
                        r"> FAILS  Link         since TIME: no route to the peer 10\.2\.0\.1; line \d+; "
                        r"GigaEthernet0\.0 is down")

    refused = near.command("show ikev2 explain GigaEthernet0.0")
    assert refused.status == 1 and "% GigaEthernet0.0 is no Tunnel" in refused.stderr, str(refused)
    refused = near.command("show ikev2 explain GigaEthernet77.0")
    assert refused.status == 1 and "% There is no interface GigaEthernet77.0" in refused.stderr, str(refused)


def test_S34_R12_after_clear_nothing_leaves_by_the_old_sa_of_a_silent_peer(sites):
    sites.start()
    near = sites.gateway1
    sites.lan1.must_reach(SITE2.lan4(10), count=1, wait=10)
    wait_until(lambda: standing(near)[0].endswith(" carries packets"), 10, "the tunnel carries packets")
    sites.internet.ip("link set wan2 down")

    near.show("clear ikev2 sa")
    wait_until(lambda: summary(near)[0] == "idle", 10, "no SA")
    assert standing(near) == ("Tunnel1.0 is idle: IKE_SA_INIT", "> idle   IKE_SA_INIT  begins with the first packet into "
                              "Tunnel1.0; last event: TIME Delete : Delete IKE SA by command")
    sites.lan1.ping(SITE2.lan4(10), count=1, wait=0.1)
    wait_until_standing(near, "Tunnel1.0 is negotiating: IKE_SA_INIT",
                        r"> now    IKE_SA_INIT  waits for the answer of 10\.2\.0\.1:500, since TIME")
    assert summary(near)[0] == "negotiating"


def test_S34_R44_a_next_hop_that_does_not_answer_is_named_with_its_line(sites):
    sites.internet.ip("link set wan1 arp off")
    near = sites.gateways[SITE1] = sites.gateway(SITE1, "ikev2 connect-type auto").start()
    line = near.config_line("interface Tunnel1.0", f"ikev2 outgoing-interface GigaEthernet0.0 {SITE1.next_hop}")

    wait_until_standing(near, "Tunnel1.0 is stopped at: Route",
                        rf"> FAILS  Route        by GigaEthernet0\.0 \(ge0\) to {SITE1.next_hop}, since TIME; line {line}: "
                        rf"the next hop {SITE1.next_hop} \(line {line}\) does not answer ARP")
    sites.internet.ip("link set wan1 arp on")
    sites.gateways[SITE2] = sites.gateway(SITE2).start()
    wait_until(lambda: sites.lan1.ping(SITE2.lan4(10), count=1, wait=0.2) and
               standing(near)[0] == "Tunnel1.0 carries packets", 60, "the tunnel carries packets")
