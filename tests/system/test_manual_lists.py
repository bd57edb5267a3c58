"""Each list of the manual that describes a working pair comes up (S13): the texts of tests/configs/manual.

    lan N --- gateway N (10.N.0.1) --- internet (10.N.0.254) --- …

The internet knows no route into a LAN, so that what one LAN hears from another came through a tunnel. Lists
2.25.1 and 2.25.2 have test_two_sites.py; 2.25.15 and 2.25.16 want certificates.
"""

from contextlib import contextmanager

import pytest

from lib.lab import wire
from lib.manual_lists import (CENTRE_OF_SITES, PEER_OF_10_AND_11, SITE1_OF_CENTRE, SITE1_OF_THREE, SITE2_OF_CENTRE,
                              SITE2_OF_THREE, SITE3_OF_THREE, manual_list, replaced)
from lib.musubi import Musubi
from lib.process import wait_until

CENTRE = 0


class Network:
    """Gateways with a LAN each, around one router. Each test starts what it needs in them."""

    def __init__(self, lab, sites):
        self.lab = lab
        self.internet = lab.namespace("internet", forward=True)
        self.hosts = {}
        self.lans = {}
        for site in sites:
            self._build(site)

    def _build(self, site):
        host = self.hosts[site] = self.lab.namespace(f"gateway{site}", forward=True)
        lan = self.lans[site] = self.lab.namespace(f"lan{site}")
        wire(host, "ge0", self.internet, f"wan{site}")
        wire(host, "ge1", lan, "eth0")
        self.internet.address(f"wan{site}", f"10.{site}.0.254/24")
        lan.address("eth0", f"192.168.{site}.10/24", f"192.168.{site}.130/24")
        lan.ip(f"route add default via 192.168.{site}.254")

    @contextmanager
    def running(self, configs):
        """The gateways of these sites, by site, started; at the end each has to exit with 0 and leave nothing."""
        gateways = {site: Musubi(self.lab, self.hosts[site], text).start() for site, text in configs.items()}
        yield gateways
        for gateway in gateways.values():
            gateway.stop()

    def ping(self, site, other, host, wait):
        """One ping from LAN to LAN; true if it was answered."""
        return self.lans[site].ping(f"192.168.{other}.{host}", "-I", f"192.168.{site}.{host}", count=1,
                                    wait=wait)[0] == 1

    def must_reach(self, site, other, host=10):
        """A ping from LAN to LAN that has to be answered; it may have to wait for the negotiation."""
        assert self.ping(site, other, host, wait=10), f"no answer from site {other} to site {site}"


@pytest.fixture(scope="module")
def network(module_lab):
    return Network(module_lab, sites=(CENTRE, 1, 2, 3))


def identities(gateway):
    """Our ID and the peer's of each established IKE SA, by tunnel. Fails if a tunnel has several."""
    found = {sa.interface: (sa.fields["Local ID"], sa.fields["Peer ID"]) for sa in gateway.ike_sas()
             if sa.established}
    assert len(found) == len(gateway.ike_sas()), gateway.show("show ikev2 sa")
    return found


def packets(gateway, tunnel):
    counters = gateway.counters(tunnel)
    return counters.outbound["packets"], counters.inbound["packets"]


# Lists 2.25.3 and 2.25.4, and 2.25.5, which is another form of site 2


@pytest.mark.parametrize("first", [1, 2], ids=["site 1 begins", "the others begin"])
def test_S13_R32_lists_2_25_3_and_4_three_sites(network, first):
    with network.running({1: SITE1_OF_THREE, 2: SITE2_OF_THREE, 3: SITE3_OF_THREE}) as gateways:
        for site in (2, 3):
            network.must_reach(*((1, site) if first == 1 else (site, 1)))
        for site in (2, 3):
            network.must_reach(*((site, 1) if first == 1 else (1, site)))

        assert identities(gateways[1]) == {"Tunnel1.0": ("KEY-ID site1", "KEY-ID site2"),
                                           "Tunnel2.0": ("KEY-ID site1", "KEY-ID site3")}
        assert identities(gateways[2]) == {"Tunnel0.0": ("KEY-ID site2", "KEY-ID site1")}
        assert identities(gateways[3]) == {"Tunnel0.0": ("KEY-ID site3", "KEY-ID site1")}


def test_S13_R32_a_site_with_another_sites_key_gets_no_sa(network):
    wrong = replaced(SITE2_OF_THREE, ("keyid site2 key char secret2", "keyid site2 key char secret3"))
    with network.running({1: SITE1_OF_THREE, 2: wrong}) as gateways:
        network.lans[2].ping("192.168.1.10", count=1, wait=0.1)

        gateways[1].wait_for_log(r"Tunnel1\.0: .*site2")
        gateways[1].wait_for_no_sa()
        assert not any(sa.established for sa in gateways[2].ike_sas())


def test_S13_R44_list_2_25_5_an_outgoing_interface_with_auto(network):
    with network.running({1: SITE1_OF_THREE, 2: manual_list("2.25.5")}) as gateways:
        network.must_reach(2, 1)
        network.must_reach(1, 2)

        assert identities(gateways[2]) == {"Tunnel0.0": ("KEY-ID site2", "KEY-ID site1")}


# Lists 2.25.8 and 2.25.9


def test_S13_R47_lists_2_25_8_and_9_two_tunnels_between_two_devices(network):
    with network.running({1: manual_list("2.25.8"), 2: manual_list("2.25.9")}) as gateways:
        for host in (10, 130):
            network.must_reach(1, 2, host)

        assert identities(gateways[1]) == {"Tunnel0.0": ("KEY-ID site1A", "KEY-ID site2A"),
                                           "Tunnel1.0": ("KEY-ID site1B", "KEY-ID site2B")}
        assert identities(gateways[2]) == {"Tunnel0.0": ("KEY-ID site2A", "KEY-ID site1A"),
                                           "Tunnel1.0": ("KEY-ID site2B", "KEY-ID site1B")}

        # From the side that does not know the peer's address, each through its own tunnel.
        for host, used, other in ((10, "Tunnel0.0", "Tunnel1.0"), (130, "Tunnel1.0", "Tunnel0.0")):
            before = [(packets(gateway, used), packets(gateway, other)) for gateway in gateways.values()]
            network.must_reach(2, 1, host)
            for gateway, (out_and_in, others) in zip(gateways.values(), before):
                assert packets(gateway, used) == tuple(count + 1 for count in out_and_in)
                assert packets(gateway, other) == others


# Lists 2.25.10 and 2.25.11: one side is shown, and names no ID of its own, so that is its address (S17)


@pytest.mark.parametrize("number, prf", [("2.25.10", "HMAC-SHA2-512"), ("2.25.11", "HMAC-SHA1")],
                         ids=["2.25.10 by a profile", "2.25.11 in the Tunnel"])
def test_S13_R21_policy_of_lists_2_25_10_and_11(network, number, prf):
    with network.running({1: PEER_OF_10_AND_11, 2: manual_list(number)}) as gateways:
        network.must_reach(1, 2)
        network.must_reach(2, 1)

        assert identities(gateways[2]) == {"Tunnel0.0": ("IPv4-ADDR 10.2.0.1", "KEY-ID site1")}
        for site, dpd in ((1, "disable"), (2, "10 sec")):
            ike, child = gateways[site].wait_for_sa()
            expected = {"Encryption alg": "AES-CBC-256", "Integrity alg": "HMAC-SHA1-96", "PRF alg": prf,
                        "DH group": "MODP-3072", "DPD": dpd}
            assert {label: ike.fields[label] for label in expected} == expected
            assert (child.fields["Enc alg"], child.fields["Hash alg"]) == ("AES-CBC-256", "HMAC-SHA1-96")


# Lists 2.25.12 and 2.25.13


def test_S13_R48_lists_2_25_12_and_13_a_centre_with_dynamic_sites(network):
    with network.running({CENTRE: CENTRE_OF_SITES, 2: SITE2_OF_CENTRE}) as gateways:
        with network.running({1: SITE1_OF_CENTRE}):
            for site in (1, 2):
                network.must_reach(site, CENTRE)
            for site in (1, 2):
                network.must_reach(CENTRE, site)

            assert identities(gateways[CENTRE]) == {"Tunnel1.0": ("KEY-ID center", "KEY-ID site1"),
                                                    "Tunnel2.0": ("KEY-ID center", "KEY-ID site2")}

        # Site 1 comes back with another address; the centre's config has neither of them.
        with network.running({1: replaced(SITE1_OF_CENTRE, ("10.1.0.1/24", "10.1.0.77/24"))}):
            network.must_reach(1, CENTRE)
            network.must_reach(CENTRE, 1)

            wait_until(lambda: len(gateways[CENTRE].ike_sas()) == 2, 10, "one SA for each site (R14)")
            remote = {sa.interface: sa.fields["Remote Addr"] for sa in gateways[CENTRE].ike_sas()}
            assert remote == {"Tunnel1.0": "10.1.0.77:500", "Tunnel2.0": "10.2.0.1:500"}
