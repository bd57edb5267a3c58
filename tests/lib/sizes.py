"""Packets of exact sizes, and what captures say of them."""

from lib.capture import fields
from lib.process import wait_until

HEADERS = {4: 20 + 8, 6: 40 + 8}    # of a ping
ESP_HEADER, GCM_IV, GCM_ICV = 8, 8, 16


def largest_inner_gcm(outer_family, nat_traversal, mtu=1500):
    """The largest inner packet that AES-GCM brings through an outer MTU, counted by RFC 4303 and RFC 4106."""
    headers = (20 if outer_family == 4 else 40) + (8 if nat_traversal else 0)
    text = (mtu - headers - ESP_HEADER - GCM_IV - GCM_ICV) // 4 * 4
    return text - 2    # padding length and next header


def ping_of(host, target, octets, *options, count=1, wait=1, path_mtu="do"):
    """Ping with IP packets of exactly `octets`; returns the number of answers and what ping printed.

    With `path_mtu` "do" they have DF (or are IPv6). What the host has learnt of paths before does not count.
    """
    family = 6 if ":" in target else 4
    host.ip(f"-{family} route flush cache")
    return host.ping(target, "-M", path_mtu, "-s", octets - HEADERS[family], *options, count=count, wait=wait)


def must_pass(host, target, octets, *options, **more):
    received, printed = ping_of(host, target, octets, *options, wait=5, **more)
    assert received == 1, f"{octets} octets did not pass\n{printed}"


def must_be_refused(host, target, octets, mtu, by):
    """A ping of that size is answered by an ICMP error that tells `mtu`, from the address `by`; if not at once, then
    because of errors just before it."""
    told = f"Packet too big: mtu={mtu}" if ":" in target else f"Frag needed and DF set (mtu = {mtu})"
    printed = []

    def is_told():
        received, text = ping_of(host, target, octets)
        assert received == 0, text
        printed.append(text)
        return told in text and f"From {by} " in text
    try:
        wait_until(is_told, 5, f"the error with {mtu}")
    except AssertionError as late:
        raise AssertionError(f"{late}\n{printed[-1]}") from None


def fragments_of(capture):
    """How many packets of a capture are IP fragments."""
    return len(fields(capture, "ip.flags.mf == 1 || ip.frag_offset > 0 || ipv6.fraghdr", "frame.number"))


def drop_fragments(router):
    """Has a router drop whatever is a fragment, as some boxes do, and all ICMP errors about sizes."""
    rules = """
    table inet strict {
        chain forward {
            type filter hook forward priority -500; policy accept;
            ip frag-off & 0x3fff != 0 drop
            exthdr frag exists drop
        }
    }
    """
    router.run("nft", "-f", "-", text_in=rules).must_succeed()
