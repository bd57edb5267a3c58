"""Captures on a link, and their decryption by tshark with the keys that `show` prints."""

import time

from lib.process import run

IKE_ENCRYPTION = {
    "AES-CBC-128": "AES-CBC-128 [RFC3602]",
    "AES-CBC-192": "AES-CBC-192 [RFC3602]",
    "AES-CBC-256": "AES-CBC-256 [RFC3602]",
    "3DES-CBC": "3DES [RFC2451]",
    "AES-GCM-128": "AES-GCM-128 with 16 octet ICV [RFC5282]",
    "AES-GCM-256": "AES-GCM-256 with 16 octet ICV [RFC5282]",
}
IKE_INTEGRITY = {
    "HMAC-SHA1-96": "HMAC_SHA1_96 [RFC2404]",
    "HMAC-SHA2-256-128": "HMAC_SHA2_256_128 [RFC4868]",
    "HMAC-SHA2-384-192": "HMAC_SHA2_384_192 [RFC4868]",
    "HMAC-SHA2-512-256": "HMAC_SHA2_512_256 [RFC4868]",
    "none": "NONE [RFC4306]",
}
ESP_ENCRYPTION = {
    "AES-CBC-128": "AES-CBC [RFC3602]",
    "AES-CBC-192": "AES-CBC [RFC3602]",
    "AES-CBC-256": "AES-CBC [RFC3602]",
    "3DES-CBC": "TripleDES-CBC [RFC2451]",
    "AES-GCM-128": "AES-GCM with 16 octet ICV [RFC4106]",
    "AES-GCM-256": "AES-GCM with 16 octet ICV [RFC4106]",
}
ESP_INTEGRITY = {
    "HMAC-SHA1-96": "HMAC-SHA-1-96 [RFC2404]",
    "HMAC-SHA2-256-128": "HMAC-SHA-256-128 [RFC4868]",
    "HMAC-SHA2-384-192": "HMAC-SHA-384-192 [RFC4868]",
    "HMAC-SHA2-512-256": "HMAC-SHA-512-256 [RFC4868]",
    "none": "NULL",
}


class Capture:
    """tcpdump on one interface of a namespace, until stopped."""

    def __init__(self, lab, namespace, interface, name, octets=0):
        self.path = lab.directory / f"{name}.pcap"
        # -B: buffer for an iperf3 run. -Z: stay root, since the file is in a directory of root.
        argv = ["tcpdump", "-n", "-U", "-s", octets, "-B", "65536", "-Z", "root", "--immediate-mode",
                "-i", interface, "-w", self.path]
        self._tcpdump = namespace.start(name, argv, lab.directory)
        lab.callback(self._tcpdump.kill)
        self._tcpdump.wait_for_text("listening on")

    def stop(self):
        """Wait until packets in the buffer are written, then end the capture; returns the path of the file."""
        size = -1
        while size != self.path.stat().st_size:
            size = self.path.stat().st_size
            time.sleep(0.2)
        self._tcpdump.end()
        return self.path


def ike_key_row(sa):
    """A row of tshark's ikev2_decryption_table from an entry of `show ikev2 sa`."""
    def key(label, side):
        return sa.keys.get((label, side), "0x")[2:]
    return ",".join([sa.initiator_spi[2:], sa.responder_spi[2:],
                     key("Encryption alg", "initiator"), key("Encryption alg", "responder"),
                     f'"{IKE_ENCRYPTION[sa.encryption]}"',
                     key("Integrity alg", "initiator"), key("Integrity alg", "responder"),
                     f'"{IKE_INTEGRITY[sa.integrity]}"'])


def esp_key_rows(child):
    """The two rows of tshark's esp_sa table from an entry of `show ikev2 child-sa`."""
    local, peer = child.fields["Local Addr"], child.fields["Peer Addr"]
    family = "IPv6" if ":" in local else "IPv4"
    for source, destination, keys in ((local, peer, child.outbound), (peer, local, child.inbound)):
        yield ",".join(f'"{value}"' for value in (
            family, source, destination, keys["SPI"],
            ESP_ENCRYPTION[child.fields["Enc alg"]], keys["Enckey"],
            ESP_INTEGRITY[child.fields["Hash alg"]], keys.get("Authkey", "")))


def tshark(path, *options, ike=(), children=()):
    """What tshark prints about a capture when it has the keys of these SAs."""
    argv = ["tshark", "-n", "-r", str(path), *options,
            "-o", "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_authentication_check:TRUE"]
    for sa in ike:
        argv += ["-o", f"uat:ikev2_decryption_table:{ike_key_row(sa)}"]
    for child in children:
        for row in esp_key_rows(child):
            argv += ["-o", f"uat:esp_sa:{row}"]
    return run(*argv, timeout=60).must_succeed().stdout


def fields(path, display_filter, *names, ike=(), children=()):
    """The named fields of the packets that pass a display filter, one tuple of strings for each packet."""
    options = ["-Y", display_filter, "-T", "fields", "-E", "separator=/t"]
    for name in names:
        options += ["-e", name]
    printed = tshark(path, *options, ike=ike, children=children)
    return [tuple(line.split("\t")) for line in printed.splitlines()]


def packets(path, bpf_filter):
    """The packets of a capture that a tcpdump filter selects, a line of text each."""
    return run("tcpdump", "-n", "-t", "-r", str(path), bpf_filter).must_succeed().stdout.splitlines()


def count_octets(path, pattern):
    """How often a byte string occurs in a capture."""
    return path.read_bytes().count(pattern)
