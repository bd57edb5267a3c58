"""Search in the memory of a running process."""

import os
import re

CHUNK = 1 << 20


def _search(read, start, end, needles):
    """Offsets at which one of the needles stands between `start` and `end`."""
    longest = max(map(len, needles))
    for at in range(start, end, CHUNK):
        octets = read(at, min(CHUNK + longest, end - at))
        for needle in needles:
            begin = -1
            while (begin := octets.find(needle, begin + 1)) >= 0:
                if begin < CHUNK:
                    yield at + begin


def _private(pid, needles):
    """In what belongs to the process alone. A shared file would grow by being read here."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        def read(at, length):
            memory.seek(at)
            try:
                return memory.read(length) or b""
            except OSError:
                return b""
        for line in maps.read().splitlines():
            start, end, access, name = re.match(r"(\w+)-(\w+) (\S+) \S+ \S+ \S+ *(.*)", line).groups()
            if access.startswith("r") and access.endswith("p") and name not in ("[vvar]", "[vsyscall]"):
                for at in _search(read, int(start, 16), int(end, 16), needles):
                    yield f"{name or 'anonymous memory'} at 0x{at:x}"


def _memory_files(pid, needles):
    """In its memory files, without their holes."""
    for number in os.listdir(f"/proc/{pid}/fd"):
        path = f"/proc/{pid}/fd/{number}"
        name = os.readlink(path)
        if not name.startswith("/memfd:"):
            continue
        file = os.open(path, os.O_RDONLY)
        try:
            size, at = os.fstat(file).st_size, 0
            while at < size:
                try:
                    at = os.lseek(file, at, os.SEEK_DATA)
                except OSError:
                    break
                hole = os.lseek(file, at, os.SEEK_HOLE)
                for found in _search(lambda where, length: os.pread(file, length, where), at, hole, needles):
                    yield f"{name} at 0x{found:x}"
                at = hole
        finally:
            os.close(file)


def find(pid, needles):
    """Where in the memory of a process one of these octet strings stands; empty if nowhere."""
    return [*_private(pid, needles), *_memory_files(pid, needles)]
