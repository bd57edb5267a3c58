"""The TUN devices of Tunnel interfaces in other hands: one that somebody deletes is made anew, and the tunnel goes on."""

from lib.process import wait_until
from lib.sites import SITE1, SITE2


def test_a_device_that_is_deleted_under_traffic_is_made_anew_and_carries_again(connected):
    gateway1 = connected.gateway1
    for _ in range(3):
        traffic = connected.lan1.start("traffic", ["ping", "-n", "-q", "-i", "0.002", SITE2.lan4(10)],
                                       connected.lab.directory)
        gateway1.host.ip(f"link delete {SITE1.tunnel}")

        wait_until(lambda: connected.lan1.ping(SITE2.lan4(10), count=1, wait=1)[0], 10, "the tunnel carries again")
        traffic.end()
        connected.ping_lans(count=1)

    assert gateway1.log.count("put back") >= 3, gateway1.log
    assert "No such device" not in gateway1.log, gateway1.log
    connected.stop()
