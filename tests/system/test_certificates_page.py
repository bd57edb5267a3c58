"""docs/certificates.md as a user follows it: every command of the page, in the order of the page (S32, R91)."""

import re

from lib.lab import wire
from lib.musubi import PROJECT
from lib.page import Page, PageHost

PAGE = PROJECT / "docs" / "certificates.md"
SITES = ("site1", "site2", "site3")


def connect(lab, hosts):
    """The network of the page: the sites' eth0 on one wire; eth1 is up."""
    middle = lab.namespace("internet")
    middle.ip("link add name bridge type bridge")
    middle.ip("link set bridge up")
    for name in SITES:
        wire(hosts[name], "eth0", middle, f"{name}-0")
        wire(hosts[name], "eth1", middle, f"{name}-1")
        middle.ip(f"link set {name}-0 master bridge")
    hosts["site3"].address("eth0", "203.0.113.3/24")
    hosts["site3"].address("eth1", "192.168.3.1/24")


def test_R91_S32_every_command_of_the_page_works_in_its_order(lab):
    directory = lab.subdirectory("page")
    hosts = {name: PageHost(lab, name, directory) for name in ("ca", *SITES)}
    connect(lab, hosts)

    Page(PAGE, hosts, directory).run()

    assert "site3.example.com" in hosts["site1"].must("musubi", "-c", "show ikev2 sa")
    assert "private key" not in hosts["site1"].must("musubi", "-c", "show logging").lower()


def test_S34_the_page_quotes_the_log():
    """Each refusal in the page's table stands in the program so."""
    table = PAGE.read_text(encoding="utf-8").split("## What a refusal means")[1]
    quoted = [text for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for text in re.findall(r"`(.*?)`", row)]
    # The strings of the sources, with those that stand on several lines put together.
    sources = "".join(path.read_text(encoding="utf-8") for folder in ("pki", "ike/reasons")
                      for path in sorted((PROJECT / "src" / folder).glob("*.c")))
    said = re.sub(r'"\s*\n\s*"', "", sources)
    assert len(quoted) > 20
    assert not [text for text in quoted if text not in said]
