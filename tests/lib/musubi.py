"""A Musubi gateway under test: the daemon, and the commands of an operator."""

import os
import re
import signal
from contextlib import contextmanager
from pathlib import Path

from lib import shows
from lib.footprint import footprint, left_behind
from lib.process import wait_until

PROJECT = Path(__file__).resolve().parents[2]
BUILD = PROJECT / os.environ.get("MUSUBI_BUILD", "build")
DAEMON = BUILD / "musubid"
SHELL = BUILD / "musubi"

SANITIZER_REPORT = re.compile(r"ERROR: \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")


class Musubi:
    """One daemon in a host, with a directory of its own for configuration, runtime files and state."""

    def __init__(self, lab, host, config, ports=None, name=None):
        assert DAEMON.exists(), f"{DAEMON} is not built"
        self.host = host
        self.name = name or f"musubid-{host.label}"
        self.directory = lab.subdirectory(self.name)
        self.run_directory = host.runtime_directory(self.directory) / "run"
        self.config_path = self.directory / "config"
        self.config_path.touch(mode=0o600)
        self.config_path.write_text(config, encoding="utf-8")
        self.ports = {"GigaEthernet0": "ge0", "GigaEthernet1": "ge1"} if ports is None else ports
        self.cores = None    # that it sees; None: those of the machine
        self.process = None
        # The host's network before the start, which `stop` has to restore.
        self.footprint_before = None
        self._children = set()
        lab.callback(self._close)

    # The daemon

    def daemon_argv(self, *more):
        argv = [DAEMON, "--config", self.config_path, "--run-dir", self.run_directory,
                "--state-dir", self.run_directory.parent / "state", "--foreground"]
        for port, interface in self.ports.items():
            argv += ["--port", f"{port}={interface}"]
        return [*self._with_cores(), *map(str, argv), *more]

    def _with_cores(self):
        """What starts a program that sees so many cores: as many workers move packets."""
        if self.cores is None:
            return []
        shown = self.directory / "cores"
        shown.write_text(f"0-{self.cores - 1}\n")
        return ["unshare", "--mount", "sh", "-ec", 'mount --bind "$0" /sys/devices/system/cpu/online; exec "$@"', str(shown)]

    def start(self, stderr=None):
        """Start and wait for `ready`. After a crash, `stop` still restores the network as it was at first.

        `stderr` is a descriptor for the daemon's standard error, in place of a file.
        """
        if self.footprint_before is None:
            self.footprint_before = footprint(self.host)
        argv, options = self.daemon_argv(), {}
        if stderr is not None:
            argv, options = ["sh", "-c", f'exec "$@" 2>/dev/fd/{stderr}', "sh", *argv], {"pass_fds": (stderr,)}
        self.process = self.host.start(self.name, argv, self.directory, env=self._environment(), **options)
        self.process.wait_for_text("ready\n")
        self._children = self.daemon_pids()
        return self

    def stop(self):
        """Send SIGTERM: it has to exit with 0 and leave nothing in the namespace."""
        self.must_be_alive()
        process, self.process = self.process, None
        status = process.end()
        assert status == 0, f"{self.name} ended with status {status}\n{process.log()}"
        self._no_sanitizer_report(process)
        before, self.footprint_before = self.footprint_before, None
        assert not (remains := left_behind(before, footprint(self.host))), \
            f"{self.name} left behind:\n{remains}"

    def kill(self):
        """End all of its processes as a crash would."""
        # At once: one that saw another die would have the SAs deleted.
        self.host.run("kill", "-KILL", *self.daemon_pids())
        process, self.process = self.process, None
        process.kill()
        self._no_sanitizer_report(process)

    def _close(self):
        """At the end of a lab: it still runs if a test has failed."""
        if self.process is not None:
            process, self.process = self.process, None
            process.end()
            self._no_sanitizer_report(process)

    def must_be_alive(self):
        """The daemon runs, and so do all processes of it that ran when it became ready."""
        status = self.process.status()
        assert status is None, f"{self.name} ended with status {status}\n{self.process.log()}"
        died = self._children - self.daemon_pids()
        assert not died, f"{self.name}: processes {died} died\n{self.process.log()}"

    def resident_kilobytes(self):
        """The memory of all its processes together."""
        pids = ",".join(map(str, self.daemon_pids()))
        return sum(map(int, self.host.must("ps", "-o", "rss=", "-p", pids).split()))

    @property
    def log(self):
        return self.process.stderr

    def system_lines(self):
        """What the log tells of the gateway itself, but for interfaces that go down or come up."""
        lines = [line for line in self.log.splitlines() if " system " in line]
        return [line for line in lines if not re.search(r" system \w+ \S+: (down: |up again)", line)]

    def wait_for_log(self, pattern, timeout=10):
        """Wait until the log matches `pattern`, a regular expression; returns the match."""
        try:
            return wait_until(lambda: re.search(pattern, self.log), timeout,
                              f"{pattern!r} in {self.name}'s log")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.process.log()}") from None

    def _environment(self):
        reports = f"log_path={self.directory}/sanitizer:halt_on_error=1:print_stacktrace=1"
        return {**os.environ, "ASAN_OPTIONS": reports, "UBSAN_OPTIONS": reports}

    def _no_sanitizer_report(self, process):
        texts = [process.stderr, *(path.read_text(errors="replace") for path in
                                   self.directory.glob("sanitizer*"))]
        for text in texts:
            assert not SANITIZER_REPORT.search(text), f"{self.name}: sanitizer report\n{text}"

    def daemon_pids(self):
        """The daemon's processes, without short-lived helpers such as nft."""
        children = {}
        for line in self.host.must("ps", "-e", "-o", "pid=,ppid=,comm=").splitlines():
            pid, parent, name = line.split(None, 2)
            children.setdefault(int(parent), []).append((int(pid), name))
        found = {self.process.pid} if self.process else set()
        waiting = list(found)
        while waiting:
            ours = [pid for pid, name in children.get(waiting.pop(), ()) if name.startswith("musubi")]
            found.update(ours)
            waiting += ours
        return found

    def process_id(self, name):
        """Of one of its processes: "musubid" (the keeper), "musubid-engine" or "musubid-path"."""
        names = {pid: self.host.must("ps", "-o", "comm=", "-p", str(pid)).strip() for pid in self.daemon_pids()}
        return next(pid for pid, its_name in names.items() if its_name == name)

    def kill_process(self, name):
        """End one of its processes as a crash would; the others end by themselves."""
        self.host.must("kill", "-KILL", str(self.process_id(name)))
        process, self.process = self.process, None
        status = process.end(by=signal.SIGCONT)
        assert status != 0, f"a crash is told by the exit status\n{process.log()}"
        self._no_sanitizer_report(process)

    @contextmanager
    def stopped(self, name):
        """Stop one of its processes for a while."""
        pid = self.process_id(name)
        self.host.must("kill", "-STOP", str(pid))
        try:
            yield
        finally:
            self.host.must("kill", "-CONT", str(pid))

    def config_line(self, section, words):
        """The number of the last line of the startup-config that begins with `words` under a section's header."""
        found = header = None
        for number, line in enumerate(self.config_path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.startswith(" "):
                header = line.strip()
            if header == section and line.strip().startswith(words):
                found = number
        assert found, f"no {words!r} under {section!r}"
        return found

    # The operator

    def command(self, *commands):
        """Run commands as `musubi -c` does; returns Finished, whatever the status."""
        argv = [str(SHELL), "--run-dir", str(self.run_directory)]
        for command in commands:
            argv += ["-c", command]
        return self.host.run(*argv)

    def show(self, command):
        """Run one command that has to succeed; returns what it printed."""
        return self.command(command).must_succeed().stdout

    def feed_lines(self, *lines):
        """Run a session whose lines come from a pipe; returns Finished, whatever the status."""
        return self.host.run(SHELL, "--run-dir", self.run_directory, text_in="\n".join([*lines, "exit", ""]))

    def type_lines(self, *lines):
        """Run a session in which each line has to succeed; returns what the shell printed."""
        return self.feed_lines(*lines).must_succeed().stdout

    def type_at_terminal(self, *lines):
        """Run a session at a terminal; returns Finished with all that the terminal showed as stdout."""
        command = f"{SHELL} --run-dir {self.run_directory}"
        return self.host.run("script", "-q", "-e", "-c", command, "/dev/null", text_in="\n".join([*lines, "exit", ""]))

    def configure(self, *lines):
        """Type lines in config mode; returns what the shell printed."""
        return self.type_lines("configure", *lines, "end")

    def ike_sas(self):
        return shows.ike_sas(self.show("show ikev2 sa"))

    def child_sas(self):
        return shows.child_sas(self.show("show ikev2 child-sa"))

    def counters(self, interface):
        """The statistics and the history of one tunnel."""
        text = self.show("show ikev2 child-sa")
        tunnels = shows.tunnel_counters(text)
        assert interface in tunnels, f"no statistics of {interface} in:\n{text}"
        return tunnels[interface]

    def wait_for_sa(self, timeout=10):
        """Wait for an established IKE SA with a Child SA; returns both."""
        def established():
            for ike in self.ike_sas():
                if ike.established and ike.children:
                    mine = [child for child in self.child_sas()
                            if child.ike_spis == (ike.initiator_spi, ike.responder_spi)]
                    if mine:
                        return ike, mine[0]
            return None
        try:
            return wait_until(established, timeout, f"an established SA on {self.name}")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.show('show ikev2 sa')}\n{self.process.log()}") from None

    def wait_for_no_sa(self, timeout=10):
        """Wait until no IKE SA is left."""
        wait_until(lambda: not self.ike_sas(), timeout, f"no SA left on {self.name}")
