"""A machine with its own kernel: Debian's user-mode-linux, a process in a namespace.

It has ESP in the kernel, which the kernel that runs the tests need not have. Its root is this machine's, read-only;
the lab's directory is writable. Its one network card, `vec0`, is wired to the namespace.
"""

import base64
import os
import select
import shlex
import time
from pathlib import Path

from lib.lab import Host, wire
from lib.process import LOG_TAIL, PATIENCE, CommandFailed, Finished, running

INIT = Path(__file__).with_name("uml-init.sh")
BOOT_TIMEOUT = 60
CARD = "card"


class Uml(Host):
    """Boots on creation and runs one command at a time."""

    def __init__(self, lab, namespace, interface, modules=()):
        self.label = f"uml-{namespace.label}"
        self._replies = b""
        card = _card(lab, namespace, interface)
        commands_out, self._commands = os.pipe()
        self._answers, answers_in = os.pipe()
        for end in (self._commands, self._answers):
            lab.callback(os.close, end)
        argv = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
                "env", f"HOME={lab.directory}", f"TMPDIR={_executable_tmp()}",
                "linux.uml", "mem=256M", "rootfstype=hostfs", "rootflags=/", "ro", f"init={INIT}",
                f"share={lab.directory}", f"vec0:transport=raw,ifname={CARD}",
                "con=null", "con0=null,fd:1", f"ssl0=fd:{commands_out},fd:{answers_in}", "quiet"]
        self._process = card.start(self.label, argv, lab.directory, pass_fds=(commands_out, answers_in))
        lab.callback(self._power_off)
        os.close(commands_out)
        os.close(answers_in)
        assert self._read_answer(BOOT_TIMEOUT).strip() == "ready", self._process.log()
        self.load("ipv6", *modules)
        self.begin_network()

    def run(self, *argv, timeout=30, text_in=None):
        assert text_in is None, "a command in user-mode-linux has no standard input"
        return self._shell(shlex.join(map(str, argv)), argv, timeout)

    def start(self, name, argv, directory, env=None):
        """`directory` is not used, since files written inside may be seen outside only later."""
        return UmlBackground(self, name, argv)

    def runtime_directory(self, directory):
        path = Path("/run") / directory.name
        self.must("mkdir", "-p", path)
        return path

    def load(self, *modules):
        """Load kernel modules; built-in ones count as loaded."""
        if modules:
            self.must("/run/modprobe", "-a", *modules)

    def _shell(self, script, argv, timeout):
        os.write(self._commands, base64.b64encode(script.encode()) + b"\n")
        status, stdout, stderr = self._read_answer(timeout, argv).rstrip("\n").split(" ")
        return Finished(argv, int(status), *(base64.b64decode(text).decode(errors="replace")
                                             for text in (stdout, stderr)))

    def _read_answer(self, timeout, argv=("boot",)):
        end = time.monotonic() + PATIENCE * timeout
        while b"\n" not in self._replies:
            ready, _, _ = select.select([self._answers], [], [], max(0, end - time.monotonic()))
            piece = os.read(self._answers, 65536) if ready else b""
            if not piece:
                self._power_off()
                raise CommandFailed(f"{self.label}: no answer to `{' '.join(map(str, argv))}` within "
                                    f"{PATIENCE * timeout} s\n{self._process.log()}")
            self._replies += piece
        line, _, self._replies = self._replies.partition(b"\n")
        return line.decode()

    def _power_off(self):
        """Kill the machine's first process; the others die with its process namespace."""
        if self._process.status() is None:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text("ascii")
            for child in children.split():
                os.kill(int(child), 9)
            self._process.end()


class UmlBackground:
    """A program in the background of a Uml, as lib.process.Background is in a namespace."""

    def __init__(self, uml, name, argv):
        self.uml = uml
        self.name = name
        self._job = f"/run/jobs/{name}"
        script = (f"rm -f {self._job}.*; "
                  f"{{ sh -c 'echo $$ >{self._job}.pid; exec \"$@\"' sh {shlex.join(map(str, argv))}; "
                  f"echo $? >{self._job}.status; }} >{self._job}.out 2>{self._job}.err & "
                  f"while ! [ -s {self._job}.pid ]; do sleep 0.05; done; cat {self._job}.pid")
        self.pid = int(uml.must("sh", "-c", script))
        running.append(self)

    @property
    def stdout(self):
        return self._read("out")

    @property
    def stderr(self):
        return self._read("err")

    def log(self):
        try:
            return (self.stdout + self.stderr)[-LOG_TAIL:]
        except (CommandFailed, OSError) as gone:
            return f"the machine is gone: {gone}"

    def status(self):
        text = self._read("status")
        return int(text) if text else None

    def wait_for_text(self, text, timeout=20):
        end = time.monotonic() + PATIENCE * timeout
        while self.uml.run("grep", "-qFe", text, f"{self._job}.out", f"{self._job}.err").status != 0:
            if self.status() is not None or time.monotonic() > end:
                raise CommandFailed(f"{self.name}: no {text!r}, status {self.status()}\n{self.log()}")

    def end(self, timeout=20):
        """Send SIGTERM and wait; returns the exit status."""
        self.uml.run("kill", self.pid)
        end = time.monotonic() + PATIENCE * timeout
        while (status := self.status()) is None:
            if time.monotonic() > end:
                raise CommandFailed(f"{self.name} did not end within {PATIENCE * timeout} s\n{self.log()}")
        running.remove(self)
        return status

    def kill(self):
        """Kill it without waiting, since the machine is about to end."""
        self.uml.run("kill", "-9", self.pid)
        if self in running:
            running.remove(self)

    def _read(self, what):
        done = self.uml.run("cat", f"{self._job}.{what}")
        return done.stdout if done.status == 0 else ""


def _card(lab, namespace, interface):
    """A namespace with only the end of a wire, which user-mode-linux uses as its network card.

    With a tap it would sometimes not notice a packet until the next one comes. With a packet socket it does.
    """
    card = lab.namespace("card")
    card.sysctl(net__ipv6__conf__default__disable_ipv6=1)  # it must send no packets of its own
    wire(namespace, interface, card, CARD)
    return card


def _executable_tmp():
    """User-mode-linux keeps its memory in a file that it maps executable."""
    return "/dev/shm" if not os.statvfs("/dev/shm").f_flag & os.ST_NOEXEC else "/tmp"
