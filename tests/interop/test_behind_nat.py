"""strongSwan behind NAT boxes, as initiator and as responder, with ESP in user space and in a Linux kernel (6.1).

The kernel's ESP is in UDP only where there is a NAT. A NAT box passes no other ESP.
"""

import pytest

from lib.kernel_esp import must_count_no_error
from lib.nat import INTERNET, OTHER_PORTS, NatBox, Site, Switch
from lib.nat_peers import kernel_peer, user_space_peer
from lib.process import wait_until, wait_until_equal

MUSUBI, PEER = 1, 2
MUSUBI_ADDRESS, BOX_ADDRESS = f"{INTERNET}.1", f"{INTERNET}.100"
NAT_TRAVERSAL = "ikev2 nat-traversal keepalive 20\n"
PEERS = {"user space": user_space_peer, "kernel": kernel_peer}


class Network:
    """Musubi on the internet, its peer behind a box that has a static mapping to it."""

    def __init__(self, lab, make_peer):
        internet = Switch(lab, "internet")
        self.near = Site(lab, MUSUBI, internet, MUSUBI_ADDRESS)
        self.box = NatBox(lab, "nat", internet, BOX_ADDRESS, PEER, OTHER_PORTS, mapped_to=1)
        self.far = make_peer(lab, PEER, self.box, self.box.inside(1))

    def must_pass_both_ways(self):
        self.near.must_reach(self.far)
        self.far.must_reach(self.near)

    def remote(self):
        return self.near.gateway.wait_for_sa()[0].fields["Remote Addr"]

    def stop(self):
        self.near.gateway.stop()
        if not self.far.strongswan.user_space_esp:
            must_count_no_error(self.far.host)
        self.far.strongswan.wait_for_no_sa()


@pytest.fixture(scope="module", params=PEERS.values(), ids=PEERS)
def network(request, module_lab):
    with type(module_lab)() as lab:
        yield Network(lab, request.param)


def rekeyed(network):
    """Both SAs are rekeyed from strongSwan's end."""
    gateway, strongswan = network.near.gateway, network.far.strongswan
    strongswan.rekey_ike()
    gateway.wait_for_log("IKE SA rekeyed")
    before = gateway.log.count("Child SA created")
    strongswan.rekey_child()
    wait_until(lambda: gateway.log.count("Child SA created") > before, 15, "a rekey of the Child SA")


def test_R76_strongswan_initiates_from_behind_a_nat(network):
    near, far = network.near, network.far
    near.start(near.tunnel(PEER, "any", NAT_TRAVERSAL))
    far.connect(MUSUBI, MUSUBI_ADDRESS)

    far.strongswan.initiate()

    network.must_pass_both_ways()
    ike, _ = near.gateway.wait_for_sa()
    assert ike.fields["NAT detection"] == "remote side"
    assert network.remote().startswith(f"{BOX_ADDRESS}:") and not network.remote().endswith(":4500")
    rekeyed(network)
    network.must_pass_both_ways()

    before = network.remote()
    network.box.forget()
    wait_until(lambda: far.host.ping(near.lan_host, "-I", far.lan_host, count=1, wait=1)[0] == 1, 10, "traffic again")
    wait_until(lambda: network.remote() != before, 10, "another port of the NAT is followed (S28)")
    network.must_pass_both_ways()
    network.stop()


def test_R76_strongswan_responds_behind_a_nat(network):
    near, far = network.near, network.far
    near.start(near.tunnel(PEER, BOX_ADDRESS, NAT_TRAVERSAL))
    far.connect(MUSUBI, "%any" if far.strongswan.user_space_esp else MUSUBI_ADDRESS)

    near.must_reach(far, count=1, wait=10)

    network.must_pass_both_ways()
    ike, _ = near.gateway.wait_for_sa()
    assert ike.fields["NAT detection"] == "remote side"
    assert network.remote() == f"{BOX_ADDRESS}:4500"
    rekeyed(network)
    network.must_pass_both_ways()
    network.stop()


@pytest.mark.parametrize("network", [user_space_peer], ids=["user space"], indirect=True)
def test_RFC7296_2_23_strongswan_begins_on_port_4500(network):
    near, far = network.near, network.far
    near.start(near.tunnel(PEER, "any", NAT_TRAVERSAL))
    far.connect(MUSUBI, MUSUBI_ADDRESS, "    local_port = 4500\n    remote_port = 4500\n")

    far.strongswan.initiate()

    network.must_pass_both_ways()
    near.gateway.wait_for_log(rf"negotiation started by the peer on {MUSUBI_ADDRESS}:4500-")
    wait_until_equal(lambda: near.gateway.wait_for_sa()[0].fields["Local Addr"], f"{MUSUBI_ADDRESS}:4500")
    network.stop()
