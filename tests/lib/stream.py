"""A stream of numbered packets there and back (tests/tools/stream.c): what is lost or doubled is counted."""

import re
from dataclasses import dataclass

from lib.musubi import BUILD

PROGRAM = BUILD / "tests" / "tools" / "stream"
PORT = 7


@dataclass
class Streamed:
    """What became of the packets of a stream."""
    sent: int
    answered: int
    lost: int
    duplicated: int
    errors: int
    text: str       # all that was printed: also when the lost ones were sent

    def must_be_whole(self, at_least=1):
        """None was lost, none doubled; `at_least` so many were sent."""
        assert (self.lost, self.duplicated) == (0, 0), self.text
        assert self.sent >= at_least, f"too short to show anything: {self.text}"


class Stream:
    """`rate` packets a second from `source` to `sink`, each of which comes back; `count` of them, or all
    until `stop`."""

    def __init__(self, lab, source, source_address, sink, sink_address, rate=200, count=None):
        assert PROGRAM.exists(), f"{PROGRAM} is not built"
        name = f"stream-{source.label}-{sink.label}-{sink_address.replace(':', '.')}"
        echo = sink.start(f"{name}-echo", [PROGRAM, "echo", sink_address, PORT], lab.directory)
        lab.callback(echo.kill)
        echo.wait_for_text("ready")
        argv = [PROGRAM, "send", source_address, sink_address, PORT, rate]
        self._sender = source.start(name, argv if count is None else [*argv, count], lab.directory)
        lab.callback(self._close)

    def wait(self, timeout):
        """Wait for the end of a stream that has a count; what became of its packets."""
        self._sender.popen.wait(timeout)
        return self.stop()

    def stop(self):
        """Send no more, wait for what is under way; what became of all packets."""
        sender, self._sender = self._sender, None
        status = sender.end()
        match = re.match(r"sent (\d+) answered (\d+) lost (\d+) duplicated (\d+) errors (\d+)\n", sender.stdout)
        assert status == 0 and match, f"{sender.name}: status {status}\n{sender.log()}"
        return Streamed(*map(int, match.groups()), sender.stdout)

    def _close(self):
        if self._sender is not None:
            self._sender.kill()
