"""A page of docs/ as a user follows it: its fenced blocks, and hosts in which their commands run word for word.

The words behind a fence say what the block is:

    ```sh HOST          commands of a Linux shell on this host
    ```text HOST#       lines typed in the shell of Musubi on this host
    ```text PATH        a file, in the working directory or on a host (HOST:/PATH)
    ```text prints      what the block before prints, somewhere; "..." stands for anything
    ```                 a picture
"""

import os
import re
from dataclasses import dataclass

from lib.lab import Namespace
from lib.musubi import BUILD
from lib.process import wait_until
from lib.strongswan import DAEMON_CONF, PLUGINS, USER_SPACE_ESP_OPTIONS

# What systemd would do for strongSwan.
SYSTEMCTL = """\
#!/bin/sh
setsid charon-systemd >charon.out 2>&1 &
for _ in $(seq 200); do
    [ -S /run/charon.vici ] && exit
    sleep 0.05
done
cat charon.out >&2
exit 1
"""
# Mounts of the host's own, for sockets, stored certificates and strongSwan's configuration.
MOUNTS = """\
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
cp -r /etc/swanctl /run/swanctl
mount --bind /run/swanctl /etc/swanctl
echo mounted
exec sleep infinity
"""


@dataclass(frozen=True)
class Block:
    """A fenced block: the words behind the fence, its text, and its first line's number."""
    words: tuple
    text: str
    line: int


def blocks_of(path):
    """The blocks of a page, in order."""
    found, words, begin, lines = [], None, 0, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.startswith("```"):
            lines.append(line)
        elif words is None:
            words, begin, lines = tuple(line[3:].split()), number + 1, []
        else:
            found.append(Block(words, "\n".join(lines) + "\n", begin))
            words = None
    assert words is None, f"{path}: a block does not end"
    return found


def pattern_of(text):
    """What a block says that a command prints, as a regular expression."""
    lines = [r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n"
             for line in text.splitlines()]
    return "^" + "".join(lines)


class PageHost(Namespace):
    """A host of a page: a namespace with mounts of its own. All share a working directory."""

    def __init__(self, lab, name, directory):
        self._enter = None
        super().__init__(name)
        lab.callback(self.delete)
        holder = super().start(f"{name}-mounts", ["unshare", "--mount", "sh", "-ec", MOUNTS], lab.directory)
        lab.callback(holder.kill)
        holder.wait_for_text("mounted")
        (directory / "systemctl").write_text(SYSTEMCTL, encoding="ascii")
        (directory / "systemctl").chmod(0o755)
        (directory / "strongswan.conf").write_text(DAEMON_CONF.format(
            vici="unix:///run/charon.vici", options="", plugins=PLUGINS.format(esp="kernel-libipsec"),
            esp_options=USER_SPACE_ESP_OPTIONS), encoding="ascii")
        self._enter = ["nsenter", f"--target={holder.pid}", "--mount", "--net", f"--wdns={directory}", "env",
                       f"PATH={directory}:{BUILD}:{os.environ['PATH']}",
                       f"STRONGSWAN_CONF={directory}/strongswan.conf"]

    def argv(self, *argv):
        return [*self._enter, *map(str, argv)] if self._enter else super().argv(*argv)


class Page:
    """Runs the blocks of a page on hosts, in order; a failure names the line."""

    def __init__(self, path, hosts, directory):
        self._path = path
        self._hosts = hosts
        self._directory = directory
        self._again = None
        self._printed = ""

    def run(self):
        for block in blocks_of(self._path):
            if block.words:
                try:
                    self._run(block)
                except AssertionError as failed:
                    raise AssertionError(f"{self._path}:{block.line}: {failed}") from None

    def _run(self, block):
        kind, what = block.words
        if kind == "sh":
            self._do(lambda: self._hosts[what].run("sh", "-ec", block.text, timeout=60))
        elif what == "prints":
            self._must_have_printed(block.text)
        elif what.endswith("#"):
            # Each line has to succeed; what is read from a pipe ends at the first one that does not.
            self._do(lambda: self._hosts[what[:-1]].run("musubi", text_in=f"{block.text}exit\n"))
        elif ":" in what:
            host, path = what.split(":")
            self._hosts[host].must("tee", path, text_in=block.text)
        else:
            (self._directory / what).write_text(block.text, encoding="utf-8")

    def _do(self, again):
        self._again = again
        self._printed = again().must_succeed().stdout

    def _must_have_printed(self, text):
        """The block before is run again until it prints this: it only shows something."""
        def printed():
            if re.search(pattern_of(text), self._printed, re.MULTILINE):
                return True
            self._do(self._again)
            return False
        try:
            wait_until(printed, 10, "the page's output")
        except AssertionError as late:
            raise AssertionError(f"{late}; printed is:\n{self._printed}") from None
