"""Three gateways behind one NAT box, with one public address, and one centre that knows them by their IDs alone."""

import pytest

from lib.nat import INTERNET, NatBox, Site, Switch
from lib.process import wait_until

CENTRE = 2
CENTRE_ADDRESS = f"{INTERNET}.{CENTRE}"
PUBLIC = f"{INTERNET}.100"
CLIENTS = 1, 3, 4
# The centre alone asks for life; an exchange of the other end would be enough for it.
CENTRE_LINES = "ikev2 nat-traversal keepalive 20\nikev2 dpd interval 1\n"
CLIENT_LINES = """\
ikev2 nat-traversal keepalive 20
ikev2 dpd off
ikev2 sa-lifetime 10
ikev2 child-lifetime 8
ikev2 connect-type auto
"""


class Network:
    def __init__(self, lab):
        internet = Switch(lab, "internet")
        self.centre = Site(lab, CENTRE, internet, CENTRE_ADDRESS)
        self.centre.start(*[self.centre.tunnel(number, "any", CENTRE_LINES) for number in CLIENTS])
        box = NatBox(lab, "nat", internet, PUBLIC, 1)
        self.clients = [Site(lab, number, box, box.inside(number)) for number in CLIENTS]
        for client in self.clients:
            client.start(client.tunnel(CENTRE, CENTRE_ADDRESS, CLIENT_LINES))
        self.centre_sas = {client: self._wait_for_sa(client) for client in self.clients}

    def _wait_for_sa(self, client):
        return wait_until(lambda: [sa for sa in self.centre.gateway.ike_sas() if sa.established and sa.children and
                                   sa.interface == self.tunnel(client)], 15, f"an SA of {self.tunnel(client)}")[0]

    @staticmethod
    def tunnel(client):
        """The centre's tunnel to a client."""
        return f"Tunnel{client.number}.0"

    def stop(self):
        for site in [self.centre, *self.clients]:
            site.gateway.stop()


@pytest.fixture(scope="module")
def network(module_lab):
    one = Network(module_lab)
    yield one
    one.stop()


def test_R76_clients_behind_one_address_have_ports_of_their_own(network):
    remotes = [sa.fields["Remote Addr"] for sa in network.centre_sas.values()]

    assert len(set(remotes)) == len(CLIENTS)
    assert {remote.rpartition(":")[0] for remote in remotes} == {PUBLIC}
    assert {sa.fields["NAT detection"] for sa in network.centre_sas.values()} == {"remote side"}
    assert {client: sa.fields["Peer ID"] for client, sa in network.centre_sas.items()} == \
        {client: f"KEY-ID site{client.number}" for client in network.clients}


def test_R76_traffic_of_each_client_is_in_its_own_tunnel(network):
    def received():
        return {client: network.centre.gateway.counters(network.tunnel(client)).inbound["packets"]
                for client in network.clients}

    for number, client in enumerate(network.clients, start=1):
        before = received()
        client.must_reach(network.centre, count=number)
        network.centre.must_reach(client, count=number)
        more = {each: count - before[each] for each, count in received().items()}
        assert more == {each: 2 * number if each == client else 0 for each in network.clients}


def test_R76_each_client_answers_dpd(network):
    for client in network.clients:
        network.centre.gateway.wait_for_log(rf"{network.tunnel(client)}: DPD: the peer is alive", timeout=30)


def test_R76_both_sas_of_each_client_are_rekeyed(network):
    for client in network.clients:
        tunnel = network.tunnel(client)
        network.centre.gateway.wait_for_log(rf"{tunnel}: IKE SA rekeyed", timeout=30)
        network.centre.gateway.wait_for_log(rf"{tunnel}: Child SA created[^\0]*{tunnel}: Child SA created", timeout=30)

    for client in network.clients:
        client.must_reach(network.centre)
        network.centre.must_reach(client)
        history = network.centre.gateway.counters(network.tunnel(client)).history
        assert [event for _, event in history] == ["Create"]
