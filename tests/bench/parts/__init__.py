"""The parts of `make bench`, by name. Each is a module with `run(bench)`."""

NAMES = ("tunnel", "packets", "latency", "esp", "handshakes", "scale", "cores")
