"""A tunnel whose far gateway has SAs of many other peers."""

from bench import field
from bench.contestants import MusubiTunnel
from bench.responders import musubi_tunnels
from lib import direct
from lib.direct import FAR, NEAR
from lib.lab import wire
from lib.musubi import BUILD, Musubi
from lib.process import wait_until
from lib.suite import AES_GCM

LOAD_ADDRESS, SECOND_ADDRESS = "10.8.0.1", "10.8.0.2"


class Crowded(MusubiTunnel):
    """The far gateway has many more tunnels, with SAs of clients that `musubi-bench ike` makes."""

    def __init__(self, lab, name, count):
        super().__init__(lab, name, AES_GCM.lines + field.NATT)
        self.count = count
        config = direct.config(FAR, NEAR, lines=AES_GCM.lines + field.NATT) + (
            f"ikev2 authentication psk id keyid centre key char {direct.SECRET}\n" if count else "")
        self.gateways[1] = Musubi(lab, self.far, config + musubi_tunnels(count))
        self.clients = lab.namespace("clients")
        wire(self.clients, "eth0", self.far, "ge2")
        self.clients.address("eth0", f"{LOAD_ADDRESS}/24")
        self.far.address("ge2", f"{SECOND_ADDRESS}/24")

    def start(self):
        super().start()
        self.lab.callback(self.gateways[1].kill)    # the clients no longer answer to a DELETE
        if self.count:
            # The policies of the clients' tunnels are the defaults on both ends.
            self.clients.must(BUILD / "musubi-bench", "ike", "--to", SECOND_ADDRESS, "--from", LOAD_ADDRESS, "--id",
                              "keyid bench#", "--peer-id", "keyid centre", "--key", direct.SECRET, "--own-ts",
                              "10.128.0.0", "--line", "sa-proposal dh 2048-bit", "--keep", "--count", self.count,
                              timeout=600)
            gateway = self.gateways[1]
            wait_until(lambda: len(gateway.ike_sas()) > self.count, 60, "the SAs of all clients")
        return self
