"""A stream of numbered packets there and back (tests/tools/stream.c), which counts lost and duplicated ones."""

import re
from dataclasses import dataclass

from lib.musubi import BUILD

PROGRAM = BUILD / "tests" / "tools" / "stream"
PORT = 7


@dataclass
class Streamed:
    """The counts of a stream."""
    sent: int
    answered: int
    lost: int
    duplicated: int
    errors: int
    text: str       # the whole output, which says when the lost packets were sent

    def must_be_whole(self, at_least=1):
        """No packet was lost or duplicated, and at least `at_least` were sent."""
        assert (self.lost, self.duplicated) == (0, 0), self.text
        assert self.sent >= at_least, f"too short to show anything: {self.text}"


class Echo:
    """Sends back packets that come to these addresses of a host."""

    def __init__(self, lab, host, *addresses):
        assert PROGRAM.exists(), f"{PROGRAM} is not built"
        self.host = host
        echo = host.start(f"echo-{host.label}", [PROGRAM, "echo", PORT, *addresses], lab.directory)
        lab.callback(echo.kill)
        echo.wait_for_text("ready")


class Stream:
    """Sends `rate` packets a second to an Echo: `count` of them, or until `stop`."""

    def __init__(self, lab, source, source_address, destination, rate=200, count=None):
        argv = [PROGRAM, "send", source_address, destination, PORT, rate]
        self._sender = source.start(f"stream-{source.label}-{destination.replace(':', '.')}",
                                    argv if count is None else [*argv, count], lab.directory)
        lab.callback(self._close)

    def wait(self, timeout):
        """Wait for the end of a stream that has a count; returns Streamed."""
        self._sender.popen.wait(timeout)
        return self.stop()

    def stop(self):
        """Stop sending and wait for packets on the way; returns Streamed."""
        sender, self._sender = self._sender, None
        status = sender.end(timeout=30)     # longer than its own patience
        match = re.match(r"sent (\d+) answered (\d+) lost (\d+) duplicated (\d+) errors (\d+)\n", sender.stdout)
        assert status == 0 and match, f"{sender.name}: status {status}\n{sender.log()}"
        return Streamed(*map(int, match.groups()), sender.stdout)

    def _close(self):
        if self._sender is not None:
            self._sender.kill()
