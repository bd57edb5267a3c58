"""A lab: network namespaces and the wires between them, which it removes when it closes.

Names of namespaces carry the process ID of the tests. So several runs can go on side by side, and a run can remove
what killed runs have left.
"""

import contextlib
import ctypes
import itertools
import os
import re
import shutil
import signal
import socket
import tempfile
import threading
from pathlib import Path

from lib.process import PATIENCE, Background, run

PREFIX = "musubi"
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
# With a filter that may look at ESP, none leaves by the link's ring (docs/architecture.md).
FILTER = """
table ip watch {
    chain sent { type filter hook output priority 0; }
}
"""

# Several labs may be open at once.
namespace_numbers = itertools.count(1)


class Host:
    """Where commands run: a namespace, or a machine with its own kernel (lib.uml)."""

    def run(self, *argv, timeout=30, text_in=None):
        """Run a command to its end and return it as Finished."""
        raise NotImplementedError

    def start(self, name, argv, directory, env=None):
        """Start a command in the background and return it as Background."""
        raise NotImplementedError

    def runtime_directory(self, directory):
        """Where a program that has the directory `directory` can put its sockets."""
        raise NotImplementedError

    def must(self, *argv, **options):
        """Run a command that has to succeed; returns its stdout."""
        return self.run(*argv, **options).must_succeed().stdout

    def begin_network(self):
        """Bring loopback up. Link-local addresses are set at once, since tests compare states of the network."""
        self.sysctl(net__ipv6__conf__all__accept_dad=0, net__ipv6__conf__default__accept_dad=0)
        self.ip("link set lo up")

    def ip(self, command):
        """Run `ip COMMAND`; the command is one string, as in a shell."""
        return self.must("ip", *command.split())

    def sysctl(self, **settings):
        for name, value in settings.items():
            self.must("sysctl", "-qw", f"{name.replace('__', '.')}={value}")

    def address(self, interface, *addresses):
        """Add addresses, without duplicate address detection, and bring the interface up."""
        commands = [f"ip address add {address} dev {interface}" + (" nodad" if ":" in address else "")
                    for address in addresses]
        # All at once, since each command is slow in user-mode-linux.
        self.must("sh", "-ec", "\n".join([*commands, f"ip link set {interface} up"]))

    def ping(self, target, *options, count=2, wait=5):
        """Ping; returns the number of answers and what ping printed, and does not fail."""
        done = self.run("ping", "-n", "-c", str(count), "-i", "0.2", "-W", str(wait), *map(str, options),
                        target, timeout=count * 0.2 + wait + 20)
        received = re.search(r"(\d+) received", done.stdout)
        return int(received.group(1)) if received else 0, str(done)

    def must_reach(self, target, *options, count=2, wait=5):
        """Each of `count` pings, one after the other, has to be answered: in `wait` seconds on a quiet machine."""
        # After an answer, ping waits for the next one only as long as `-i` says. So run ping once for each.
        for _ in range(count):
            received, printed = self.ping(target, *options, count=1, wait=PATIENCE * wait)
            assert received == 1, f"a ping was not answered\n{printed}"


class Namespace(Host):
    """A network namespace with its loopback up."""

    def __init__(self, name):
        self.label = name
        self.name = f"{PREFIX}-{os.getpid()}-{next(namespace_numbers)}-{name}"
        run("ip", "netns", "add", self.name).must_succeed()
        if "MUSUBI_TEST_FILTER" in os.environ:
            self.run("nft", "-f", "-", text_in=FILTER).must_succeed()
        self.begin_network()

    def argv(self, *argv):
        return ["ip", "netns", "exec", self.name, *map(str, argv)]

    def run(self, *argv, timeout=30, text_in=None):
        return run(*self.argv(*argv), timeout=timeout, text_in=text_in)

    def start(self, name, argv, directory, env=None, pass_fds=()):
        return Background(name, self.argv(*argv), directory, env, pass_fds)

    def runtime_directory(self, directory):
        return directory

    def within(self, function):
        """Call a function in this namespace, and return what it returned."""
        returned = []

        def enter_and_call():
            with open(f"/run/netns/{self.name}", "rb") as namespace:
                if LIBC.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            returned.append(function())

        # In a thread, which stays in the namespace and ends.
        thread = threading.Thread(target=enter_and_call)
        thread.start()
        thread.join()
        return returned[0]

    def socket(self, family, kind, protocol=0):
        """A socket of this namespace for the test itself."""
        return self.within(lambda: socket.socket(family, kind, protocol))

    def udp_socket(self, address, port):
        """A UDP socket of this namespace, bound."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        bound = self.socket(family, socket.SOCK_DGRAM)
        bound.bind((address, port))
        return bound

    def forward(self):
        """Make it a router."""
        self.sysctl(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1)

    def delete(self):
        delete_namespace(self.name)


def delete_namespace(name):
    """Delete a namespace of ours and kill all that still runs in it."""
    for pid in run("ip", "netns", "pids", name).stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    run("ip", "netns", "delete", name)


def sweep():
    """Delete the namespaces of earlier runs that were killed."""
    for line in run("ip", "netns", "list").stdout.splitlines():
        name = line.split()[0]
        made_by = re.match(rf"{PREFIX}-(\d+)-", name)
        if made_by and not Path("/proc", made_by.group(1)).exists():
            delete_namespace(name)


class Lab(contextlib.ExitStack):
    """Owns namespaces, a directory and all programs started; closes them in reverse order."""

    def __init__(self):
        super().__init__()
        # Short, since the path of a Unix socket has at most 108 octets.
        self.directory = Path(tempfile.mkdtemp(prefix=f"{PREFIX}-"))
        self.callback(shutil.rmtree, self.directory, ignore_errors=True)

    def namespace(self, name, forward=False):
        """A new namespace; with `forward` it is a router."""
        namespace = Namespace(name)
        self.callback(namespace.delete)
        if forward:
            namespace.forward()
        return namespace

    def subdirectory(self, name):
        """A new directory whose name begins with `name`."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory))


def wire(left, left_interface, right, right_interface):
    """A veth pair between two namespaces, both ends up."""
    run("ip", "link", "add", "name", left_interface, "netns", left.name, "type", "veth",
        "peer", "name", right_interface, "netns", right.name).must_succeed()
    left.ip(f"link set {left_interface} up")
    right.ip(f"link set {right_interface} up")


def do_not_segment_udp(host, interface):
    """As a card that can't: a capture then sees datagrams as they go over a network, never several of them as one."""
    host.must("ethtool", "-K", interface, "tx-udp-segmentation", "off")
