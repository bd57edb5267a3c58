"""Tunnels whose ends authenticate themselves by certificate: lists 2.25.15 and 2.25.16 and both ways (R2, R93).

    site (192.168.0.2, LAN 192.168.1.1) --- centre (192.168.0.1, LAN 172.16.0.1)
"""

import re
import shutil

import pytest

from lib.certificates import Certificates
from lib.lab import wire
from lib.manual_lists import CENTRE_LINES_OF_15, CENTRE_LINES_OF_16, CENTRE_OF_15_AND_16, manual_list
from lib.musubi import Musubi

SITE_LAN = """\
!
interface GigaEthernet1.0
  ip address 192.168.1.1/24
  no shutdown
"""

CENTRE_OF_BOTH = """\
  ikev2 cert cacert name caCert
  ikev2 cert mycert name myCert
  ikev2 local-authentication rsa id fqdn center.example.com
  ikev2 peer 192.168.0.2 authentication rsa id fqdn site1.example.com
"""

SITE_OF_BOTH = """\
ip route 172.16.0.0/24 Tunnel0.0
interface GigaEthernet0.0
  ip address 192.168.0.2/24
  no shutdown
interface Tunnel0.0
  tunnel mode ipsec-ikev2
  ip unnumbered GigaEthernet0.0
  ikev2 cert cacert name caCert
  ikev2 cert mycert name myCert
  ikev2 local-authentication rsa id fqdn site1.example.com
  ikev2 peer 192.168.0.1 authentication rsa id fqdn center.example.com
  no shutdown
"""

# Nothing that is in pieces passes, as with many a firewall.
NO_FRAGMENTS = """\
table inet pieces {
  chain arriving {
    type filter hook prerouting priority -500
    ip frag-off & 0x3fff != 0 counter drop
  }
}
"""


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """A CA, one below it, and what the two ends have of them."""
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    ca = made.root("ca", kind="rsa2048")
    middle = made.intermediate(ca, "middle", kind="rsa2048")
    for name in ("site1", "center"):
        names = [f"DNS:{name}.example.com"]
        made.pkcs12(made.issue(ca, name, kind="rsa2048", names=names), name, "box-secret")
        made.pkcs12(made.issue(middle, f"{name}-low", kind="rsa2048", names=names), f"{name}-low", "box-secret",
                    chain=[middle])
    made.pkcs12(made.issue(ca, "old", names=["DNS:site1.example.com"], end="20260201000000Z"), "old", "box-secret")
    return made


class Ends:
    """The two hosts."""

    def __init__(self, lab):
        self.lab = lab
        self.site, self.centre = lab.namespace("site"), lab.namespace("centre")
        wire(self.site, "ge0", self.centre, "ge0")
        for host, lan in ((self.site, "site-lan"), (self.centre, "centre-lan")):
            wire(host, "ge1", lab.namespace(lan), "eth0")

    def start(self, site, centre):
        return (Musubi(self.lab, self.site, site).start(), Musubi(self.lab, self.centre, centre).start())

    def ping(self, begins, **options):
        if begins == "site":
            self.site.must_reach("172.16.0.1", "-I", "192.168.1.1", **options)
        else:
            self.centre.must_reach("192.168.1.1", "-I", "172.16.0.1", **options)


@pytest.fixture
def ends(lab):
    return Ends(lab)


def give(gateway, pki, own=None, authority="ca"):
    """Import what a gateway's config names."""
    if authority is not None:
        gateway.show(f"pki cert import pem name caCert url file:{pki.directory}/{authority}.pem")
    if own is not None:
        gateway.show(f"pki pkcs12 import crypto box-secret name myCert url file:{pki.directory}/{own}.p12")


def identities(gateway):
    ike, _ = gateway.wait_for_sa()
    return ike.fields["Local ID"], ike.fields["Peer ID"]


BEGINS = pytest.mark.parametrize("begins", ["site", "centre"])


@BEGINS
def test_R93_list_2_25_15_the_centre_proves_itself_by_certificate(ends, pki, begins):
    site, centre = ends.start(manual_list("2.25.15") + SITE_LAN,
                              CENTRE_OF_15_AND_16.format(lines=CENTRE_LINES_OF_15))
    give(site, pki)
    give(centre, pki, own="center", authority=None)

    ends.ping(begins, count=1, wait=10)

    assert identities(site) == ("FQDN site1.example.com", "FQDN center.example.com")
    site.stop()
    centre.stop()


@BEGINS
def test_R93_list_2_25_16_the_site_proves_itself_by_certificate(ends, pki, begins):
    site, centre = ends.start(manual_list("2.25.16") + SITE_LAN,
                              CENTRE_OF_15_AND_16.format(lines=CENTRE_LINES_OF_16))
    give(site, pki, own="center", authority=None)
    give(centre, pki)

    ends.ping(begins, count=1, wait=10)

    assert identities(site) == ("FQDN center.example.com", "FQDN site1.example.com")
    site.stop()
    centre.stop()


@BEGINS
@pytest.mark.parametrize("own", ["", "-low"], ids=["under the CA", "under an intermediate CA"])
def test_R2_R91_both_prove_themselves_by_certificate(ends, pki, begins, own):
    site, centre = ends.start(SITE_OF_BOTH + SITE_LAN, CENTRE_OF_15_AND_16.format(lines=CENTRE_OF_BOTH))
    give(site, pki, own=f"site1{own}")
    give(centre, pki, own=f"center{own}")

    ends.ping(begins, count=1, wait=10)

    assert identities(site) == ("FQDN site1.example.com", "FQDN center.example.com")
    site.stop()
    centre.stop()


def test_S34_a_certificate_of_another_ID_is_told_at_the_import_and_at_the_start(ends, pki):
    site, centre = ends.start(SITE_OF_BOTH + SITE_LAN, CENTRE_OF_15_AND_16.format(lines=CENTRE_OF_BOTH))
    centre.stop()

    done = site.command(f"pki pkcs12 import crypto box-secret name myCert url file:{pki.directory}/center.p12")

    trouble = (r"peers will refuse `myCert` as the certificate of Tunnel0\.0: the certificate of C=JP, O=Example, "
               r"CN=center, serial [0-9A-F]+, is for fqdn center\.example\.com, not for the ID fqdn "
               r"site1\.example\.com: import another one, or change the ID of `local-authentication`")
    assert re.search(rf"^% Warning: {trouble}; lines 9, 10$", done.stdout, re.MULTILINE), str(done)
    site.show(f"pki cert import pem name caCert url file:{pki.directory}/ca.pem")
    site.stop()
    site.start()
    site.wait_for_log(rf"config:9:3: warning: {trouble}; the ID is in line 10")
    typed = site.configure("interface Tunnel0.0", "ikev2 local-authentication rsa id fqdn other.example.com")
    assert re.search(r"not for the ID fqdn other\.example\.com: .*; the ID was typed at the prompt$", typed,
                     re.MULTILINE), typed
    site.stop()


def test_S32_S34_an_expired_certificate_is_refused_with_the_reason(ends, pki):
    site, centre = ends.start(SITE_OF_BOTH + SITE_LAN, CENTRE_OF_15_AND_16.format(lines=CENTRE_OF_BOTH))
    give(site, pki, own="old")
    give(centre, pki, own="center")

    ends.site.ping("172.16.0.1", "-I", "192.168.1.1", count=1, wait=1)

    centre.wait_for_log(r"Tunnel0\.0: negotiation failed: the peer FQDN site1\.example\.com is not accepted by "
                        r"certificate: the peer's certificate, C=JP, O=Example, CN=old, serial [0-9A-F]+, expired at 2026-02-01 "
                        r"00:00:00 UTC, .*; lines 12, 15")
    site.wait_for_log(r"AUTHENTICATION_FAILED")
    assert not any(sa.established for sa in centre.ike_sas())
    site.stop()
    centre.stop()


@pytest.fixture(scope="module")
def long_chain(tmp_path_factory):
    """Three certificates with RSA keys of 4096 bits for each end, below the CA that the other end has."""
    made = Certificates(tmp_path_factory.mktemp("long"))
    # Such keys take long to make: two are used twice. The CA has its own, since CERTREQ names it by its key.
    for name, like in (("lower", "upper"), ("site1", "center")):
        shutil.copy(made.key(like, "rsa4096"), made.directory / f"{name}.key")
    ca = made.root("ca", kind="rsa4096")
    upper = made.intermediate(ca, "upper", kind="rsa4096")
    lower = made.intermediate(upper, "lower", kind="rsa4096")
    for name in ("site1", "center"):
        issued = made.issue(lower, name, kind="rsa4096", names=[f"DNS:{name}.example.com"])
        made.pkcs12(issued, name, "box-secret", chain=[lower, upper])
    return made


def test_S32_a_long_chain_passes_a_path_that_drops_fragments(ends, long_chain):
    for host in (ends.site, ends.centre):
        host.ip("link set ge0 mtu 1280")
        host.must("nft", "-f", "-", text_in=NO_FRAGMENTS)
    site, centre = ends.start(SITE_OF_BOTH + SITE_LAN, CENTRE_OF_15_AND_16.format(lines=CENTRE_OF_BOTH))
    give(site, long_chain, own="site1")
    give(centre, long_chain, own="center")

    ends.ping("site", count=1, wait=15)

    assert identities(centre) == ("FQDN center.example.com", "FQDN site1.example.com")
    site.stop()
    centre.stop()
