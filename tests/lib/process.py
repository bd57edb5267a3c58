"""Running other programs: to their end, or in the background until they are stopped."""

import signal
import subprocess
import time
from pathlib import Path

LOG_TAIL = 6000
# Times that are waited for a thing are those of a quiet machine; a busy one gets so many times as long.
PATIENCE = 4

# Background programs of this process that have not been stopped; a failing test shows their logs.
running = []


class CommandFailed(AssertionError):
    """A program ended with another status than expected, or not in time."""


class Finished:
    """The result of a program: exit status, stdout and stderr."""

    def __init__(self, argv, status, stdout, stderr):
        self.argv = argv
        self.status = status
        self.stdout = stdout
        self.stderr = stderr

    def __str__(self):
        return (f"`{' '.join(map(str, self.argv))}` ended with status {self.status}\n"
                f"stdout: {self.stdout}\nstderr: {self.stderr}")

    def must_succeed(self):
        if self.status != 0:
            raise CommandFailed(str(self))
        return self


def run(*argv, timeout=30, text_in=None):
    """Run a program to its end, whatever the status. Fails if it does not end within `timeout` seconds."""
    try:
        done = subprocess.run(argv, input=text_in, stdin=subprocess.DEVNULL if text_in is None else None,
                              capture_output=True, text=True, errors="replace", timeout=PATIENCE * timeout,
                              check=False)
    except subprocess.TimeoutExpired as late:
        raise CommandFailed(f"`{' '.join(map(str, argv))}` did not end within {PATIENCE * timeout} s\n"
                            f"stdout: {late.stdout}\nstderr: {late.stderr}") from None
    return Finished(argv, done.returncode, done.stdout, done.stderr)


def wait_until(condition, timeout, what):
    """Poll `condition` until it returns something true, which is returned."""
    end = time.monotonic() + PATIENCE * timeout
    while True:
        seen = condition()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"not within {PATIENCE * timeout} s: {what}")
        time.sleep(0.05)


def wait_until_equal(look, wanted, timeout=5):
    """Poll `look` until it returns `wanted`; a failure shows what it returned last."""
    end = time.monotonic() + PATIENCE * timeout
    while (seen := look()) != wanted:
        assert time.monotonic() < end, f"not within {PATIENCE * timeout} s: {wanted}\nthere is {seen}"
        time.sleep(0.05)


class Background:
    """A program that runs until it is stopped, or until this process ends."""

    def __init__(self, name, argv, directory, env=None, pass_fds=()):
        self.name = name
        self.argv = argv
        self.stdout_path = Path(directory) / f"{name}.out"
        self.stderr_path = Path(directory) / f"{name}.err"
        with open(self.stdout_path, "wb") as stdout, open(self.stderr_path, "wb") as stderr:
            # A session of its own, so that Ctrl-C at the terminal stops only us; we then stop programs in order.
            self.popen = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, argv)],
                                          stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                                          env=env, pass_fds=pass_fds, start_new_session=True)
        running.append(self)

    @property
    def pid(self):
        return self.popen.pid

    @property
    def stdout(self):
        return self.stdout_path.read_text(errors="replace")

    @property
    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def log(self):
        """The end of what it printed, for a failure message."""
        return (self.stdout + self.stderr)[-LOG_TAIL:]

    def status(self):
        """Exit status, or None while it runs."""
        return self.popen.poll()

    def wait_for_text(self, text, timeout=10):
        """Wait until stdout or stderr contains `text`. Fails if the program ends before."""
        def seen():
            if text in self.stdout or text in self.stderr:
                return True
            if self.status() is not None:
                raise CommandFailed(f"{self.name} ended with status {self.status()} before it printed "
                                    f"{text!r}:\n{self.log()}")
            return False
        try:
            wait_until(seen, timeout, f"{text!r} from {self.name}")
        except AssertionError as late:
            raise CommandFailed(f"{late}\n{self.log()}") from None

    def end(self, timeout=10, by=signal.SIGTERM):
        """Send a signal and wait; returns the exit status. Kills it and fails if it does not end."""
        if self.status() is None:
            self.popen.send_signal(by)
        try:
            return self.popen.wait(PATIENCE * timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise CommandFailed(f"{self.name} did not end within {PATIENCE * timeout} s of {by.name}:\n"
                                f"{self.log()}") from None
        finally:
            self._forget()

    def kill(self):
        """Kill it, at the end of a lab; it may have ended already."""
        self.popen.kill()
        self.popen.wait()
        self._forget()

    def _forget(self):
        if self in running:
            running.remove(self)
