"""What strongSwan makes of a swanctl.conf (which secret it takes, and what references mean), and that `musubi check
--pair` makes the same of it."""

import pytest

from lib.direct import FAR, NEAR, SECRET, NearSide, config
from lib.pairs import pair_report, the_pair
from lib.strongswan import beside

# Of site2, which strongSwan is, and of site1. GOOD stands for the key that Musubi has for both.
SECRETS = {
    "one that names both": ("ike-a { id-1 = keyid:site1  \n id-2 = keyid:site2 \n secret = GOOD }", True),
    "a wrong one": ("ike-a { secret = bad }", False),
    "none": ("ike-a { id = keyid:site3 \n secret = GOOD }", False),
    "one for all": ("ike-a { secret = GOOD }", True),
    "the peer's before this end's": ("""
        ike-a { id = keyid:site1
          secret = GOOD
        }
        ike-b { id = keyid:site2
          secret = bad
        }""", True),
    "this end's does not count beside the peer's": ("""
        ike-a { id = keyid:site2
          secret = GOOD
        }
        ike-b { id = keyid:site1
          secret = bad
        }""", False),
    "one for all before one that names only this end": ("""
        ike-a { secret = GOOD }
        ike-b { id = keyid:site2
          secret = bad
        }""", True),
    "one that names both before one that names the peer": ("""
        ike-a { id-1 = keyid:site2
          id-2 = keyid:site1
          secret = GOOD
        }
        ike-b { id = keyid:site1
          secret = bad
        }""", True),
    "the last of two alike": ("""
        ike-a { id = keyid:site1
          secret = bad
        }
        ike-b { id = keyid:site1
          secret = GOOD
        }""", True),
    "not the first of two alike": ("""
        ike-b { id = keyid:site1
          secret = GOOD
        }
        ike-a { id = keyid:site1
          secret = bad
        }""", False),
    "one that names others too": ("""
        ike-a { id-1 = keyid:site1
          id-2 = keyid:site7
          secret = GOOD
        }
        ike-b { secret = bad }""", True),
    "%any for an ID": ("ike-a { id = %any \n secret = GOOD }", True),
    "blanks between words are one": ("ike-a { secret = GOOD   more }", False),
    "in quotes, in parts": ('ike-a { secret = "GOOD" }', True),
    "with a backslash in quotes": ('ike-a { secret = "\\GOOD" }', True),
    "not an ID that is overridden": ("""
        ike-a { id = keyid:site1
          id = keyid:site3
          secret = bad
        }
        ike-b { secret = GOOD }""", True),
    "one that comes again, as one": ("""
        ike-a { id = keyid:site1
          secret = bad
        }
        ike-b { id = keyid:site2
          secret = bad
        }
        ike-a { secret = GOOD }""", True),
    "up to a # without quotes": ("ike-a { secret = GOOD#more\n }", True),
    "in hexadecimal": (f"ike-a {{ secret = 0X{SECRET.encode().hex()} }}", True),
}

CONNECTION = """\
connections {{
  musubi {{
    version = 2
    mobike = no
    encap = yes
    local_addrs = {far}
    remote_addrs = {near}
    proposals = aes256-sha256-modp2048
    local {{
      auth = psk
      id = keyid:site2
    }}
    remote {{
      auth = psk
      id = keyid:site1
    }}
    children {{
      net {{
        local_ts = 0.0.0.0/0
        remote_ts = 0.0.0.0/0
        esp_proposals = aes256-sha256-modp2048
      }}
    }}
  }}
}}
secrets {{
{secrets}
}}
"""

CONFIG_LINES = ("ikev2 nat-traversal keepalive 20\nikev2 sa-proposal enc aes-cbc-256\n"
                "ikev2 sa-proposal integrity sha2-256\nikev2 sa-proposal prf sha2-256\nikev2 sa-proposal dh 2048-bit\n"
                "ikev2 child-proposal enc aes-cbc-256\nikev2 child-proposal integrity sha2-256\n"
                "ikev2 child-pfs 2048-bit\n")


@pytest.fixture(scope="module")
def near(module_lab):
    return NearSide(module_lab)


@pytest.fixture(scope="module")
def strongswan(module_lab, near):
    daemon = beside(module_lab, near)
    near.gateway(module_lab, lines=CONFIG_LINES)
    return daemon


@pytest.mark.parametrize("secrets, connects", SECRETS.values(), ids=SECRETS)
def test_S34_the_secret_that_strongswan_takes_is_the_one_that_is_played(strongswan, tmp_path, secrets, connects):
    text = CONNECTION.format(far=FAR.outer4, near=NEAR.outer4, secrets=secrets.replace("GOOD", SECRET))
    pair = the_pair(pair_report(tmp_path, config(NEAR, FAR, lines=CONFIG_LINES), text, names=("a.cfg", "swanctl.conf")))
    assert pair["connects"] == connects, pair["findings"]

    strongswan.load(text)
    if connects:
        strongswan.initiate()
        strongswan.terminate()
    else:
        strongswan.must_fail_to_initiate()


# Replaces the proposals of the connection; GOOD stands for those that Musubi has.
REFERENCES = {
    "the first reference counts before the second": ("first, second", "", "GOOD", "aes128-sha1-modp1024", True),
    "and not the second before the first": ("first, second", "", "aes128-sha1-modp1024", "GOOD", False),
    "the second for what the first lacks": ("first, second", "", None, "GOOD", True),
    "an empty value of its own clears theirs": ("first, second", " ", "aes128-sha1-modp1024", None, True),
    "its own before both": ("second, first", "GOOD", "aes128-sha1-modp1024", "aes128-sha1-modp1024", True),
}


@pytest.mark.parametrize("references, own, first, second, connects", REFERENCES.values(), ids=REFERENCES)
def test_S34_references_mean_what_they_mean_to_strongswan(strongswan, tmp_path, references, own, first, second, connects):
    def proposals(value):
        return f"proposals = {value}".replace("GOOD", "aes256-sha256-modp2048") if value else "mobike = no"
    text = CONNECTION.format(far=FAR.outer4, near=NEAR.outer4, secrets=f"ike {{ secret = {SECRET} }}")
    text = text.replace("  musubi {", f"  musubi : {references} {{").replace(
        "    proposals = aes256-sha256-modp2048\n", f"    {proposals(own)}\n", 1)
    text += f"first {{\n  {proposals(first)}\n}}\nsecond {{\n  {proposals(second)}\n}}\n"
    report = pair_report(tmp_path, config(NEAR, FAR, lines=CONFIG_LINES), text, names=("a.cfg", "swanctl.conf"))
    assert report["connects"] == connects and report["files"][1]["not_read"] == [], report

    strongswan.load(text)
    if connects:
        strongswan.initiate()
        strongswan.terminate()
    else:
        strongswan.must_fail_to_initiate()
