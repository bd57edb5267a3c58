"""A point-to-point link between two namespaces, as PPP makes one: a TUN device at each end, and a thread that carries
packets between them. The devices are gone as soon as it is closed, and a new link has other indices."""

import contextlib
import fcntl
import os
import select
import struct
import threading

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001


def _open_tun(namespace, name):
    """A new TUN device of a namespace."""
    fd = namespace.within(lambda: os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK))
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN_NO_PI))
    return fd


class PointToPoint:
    """Its ends are down on creation, and have no addresses. `owner`, an ExitStack, closes it at the latest."""

    def __init__(self, owner, left, left_interface, right, right_interface, mtu=1500):
        self._ends = [_open_tun(left, left_interface), _open_tun(right, right_interface)]
        self._wakeup = os.pipe()
        self._closed = False
        for namespace, interface in ((left, left_interface), (right, right_interface)):
            namespace.ip(f"link set {interface} mtu {mtu}")
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()
        owner.callback(self.close)

    def _carry(self):
        other = {self._ends[0]: self._ends[1], self._ends[1]: self._ends[0]}
        while True:
            readable, _, _ = select.select([*self._ends, self._wakeup[0]], [], [])
            if self._wakeup[0] in readable:
                return
            for end in readable:
                # An end that was set down reads and takes nothing.
                with contextlib.suppress(OSError):
                    os.write(other[end], os.read(end, 65536))

    def close(self):
        """Both devices are gone when this returns."""
        if self._closed:
            return
        self._closed = True
        os.write(self._wakeup[1], b"x")
        self._thread.join()
        for fd in (*self._ends, *self._wakeup):
            os.close(fd)
