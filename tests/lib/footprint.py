"""The network state of a host, to find what a gateway leaves behind."""

import difflib
import json
import re

ADDRESS_KEYS = ("family", "local", "prefixlen", "peer", "scope", "label")
ROUTE_KEYS = ("type", "dst", "gateway", "dev", "table", "protocol", "scope", "prefsrc", "metric")
RULE_KEYS = ("priority", "src", "srclen", "dst", "dstlen", "iif", "oif", "fwmark", "fwmask", "table",
             "protocol")

# Linux adds these to every link some time after it came up.
LINK_LOCAL = re.compile(r'"(fe80::|ff00::/8)')


def _items(host, command, keys):
    listed = json.loads(host.ip(f"-j {command}") or "[]")
    return [json.dumps({key: entry[key] for key in keys if key in entry}) for entry in listed]


def _addresses(host):
    for link in json.loads(host.ip("-j address show")):
        for address in link["addr_info"]:
            if address:
                yield json.dumps({"dev": link["ifname"], **{key: address[key] for key in ADDRESS_KEYS
                                                            if key in address}})


def footprint(host):
    """Links, addresses, routes of all tables, rules and nftables, as sorted lines."""
    lines = [f"link {link['ifname']} {'up' if 'UP' in link['flags'] else 'down'}"
             for link in json.loads(host.ip("-j link show"))]
    lines += [f"address {item}" for item in _addresses(host)]
    for family in ("-4", "-6"):
        lines += [f"route {family} {item}" for item in
                  _items(host, f"{family} route show table all", ROUTE_KEYS)]
        lines += [f"rule {family} {item}" for item in _items(host, f"{family} rule show", RULE_KEYS)]
    lines += [f"nft {line}" for line in host.run("nft", "list", "ruleset").stdout.splitlines()]
    return sorted(line for line in lines if not LINK_LOCAL.search(line))


def left_behind(before, after):
    """The difference as text, empty when there is none."""
    return "\n".join(difflib.unified_diff(before, after, "before", "after", lineterm="", n=0))
