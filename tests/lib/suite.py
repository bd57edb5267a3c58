"""Algorithms with all their names: in our config, in the output of `show`, and with strongSwan."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """One algorithm; its name in our config is the key in the tables below."""
    shown: str                  # by `show ikev2 sa` and `show ikev2 child-sa`
    strongswan: str             # in a proposal
    strongswan_shown: str       # by `swanctl --list-sas`


ENCRYPTION = {
    "aes-cbc-256": Names("AES-CBC-256", "aes256", "AES_CBC-256"),
    "aes-cbc-192": Names("AES-CBC-192", "aes192", "AES_CBC-192"),
    "aes-cbc-128": Names("AES-CBC-128", "aes128", "AES_CBC-128"),
    "3des": Names("3DES-CBC", "3des", "3DES_CBC"),
    "aes-gcm-256": Names("AES-GCM-256", "aes256gcm16", "AES_GCM_16-256"),
    "aes-gcm-128": Names("AES-GCM-128", "aes128gcm16", "AES_GCM_16-128"),
}
INTEGRITY = {
    "sha2-512": Names("HMAC-SHA2-512-256", "sha512", "HMAC_SHA2_512_256"),
    "sha2-384": Names("HMAC-SHA2-384-192", "sha384", "HMAC_SHA2_384_192"),
    "sha2-256": Names("HMAC-SHA2-256-128", "sha256", "HMAC_SHA2_256_128"),
    "sha1": Names("HMAC-SHA1-96", "sha1", "HMAC_SHA1_96"),
}
PRF = {
    "sha2-512": Names("HMAC-SHA2-512", "prfsha512", "PRF_HMAC_SHA2_512"),
    "sha2-384": Names("HMAC-SHA2-384", "prfsha384", "PRF_HMAC_SHA2_384"),
    "sha2-256": Names("HMAC-SHA2-256", "prfsha256", "PRF_HMAC_SHA2_256"),
    "sha1": Names("HMAC-SHA1", "prfsha1", "PRF_HMAC_SHA1"),
}
GROUP = {
    "3072-bit": Names("MODP-3072", "modp3072", "MODP_3072"),
    "2048-bit": Names("MODP-2048", "modp2048", "MODP_2048"),
    "1536-bit": Names("MODP-1536", "modp1536", "MODP_1536"),
    "1024-bit": Names("MODP-1024", "modp1024", "MODP_1024"),
    "768-bit": Names("MODP-768", "modp768", "MODP_768"),
}


def is_aead(encryption):
    """True for AES-GCM, which needs no integrity algorithm (R5)."""
    return "gcm" in encryption


@dataclass(frozen=True)
class Suite:
    """One choice of algorithms, named as in our config. Integrity is None with AES-GCM."""
    encryption: str
    integrity: str
    prf: str
    group: str
    child_encryption: str
    child_integrity: str

    @property
    def lines(self):
        """As lines for a tunnel of our config."""
        return "".join(f"ikev2 {line} {word}\n" for line, word in (
            ("sa-proposal enc", self.encryption), ("sa-proposal integrity", self.integrity),
            ("sa-proposal prf", self.prf), ("sa-proposal dh", self.group),
            ("child-proposal enc", self.child_encryption),
            ("child-proposal integrity", self.child_integrity)) if word)

    @property
    def ike_proposals(self):
        """For strongSwan."""
        return "-".join(names.strongswan for names in self._ike())

    @property
    def esp_proposals(self):
        """For strongSwan."""
        return "-".join(names.strongswan for names in self._child())

    @property
    def shown(self):
        """What `show ikev2 sa` prints: encryption, integrity, PRF, group."""
        return (ENCRYPTION[self.encryption].shown, INTEGRITY[self.integrity].shown if self.integrity else "none",
                PRF[self.prf].shown, GROUP[self.group].shown)

    @property
    def child_shown(self):
        """What `show ikev2 child-sa` prints: encryption and integrity."""
        return (ENCRYPTION[self.child_encryption].shown,
                INTEGRITY[self.child_integrity].shown if self.child_integrity else "none")

    @property
    def strongswan_shown(self):
        """What `swanctl --list-sas` prints for the IKE SA and for the Child SA."""
        return ("/".join(names.strongswan_shown for names in self._ike()),
                "ESP:" + "/".join(names.strongswan_shown for names in self._child()))

    def must_be_shown(self, ike, child):
        """A gateway's SAs, as lib.shows reads them, have these algorithms."""
        assert (ike.algorithms, child.algorithms) == (self.shown, self.child_shown)

    def _ike(self):
        integrity = [INTEGRITY[self.integrity]] if self.integrity else []
        return [ENCRYPTION[self.encryption], *integrity, PRF[self.prf], GROUP[self.group]]

    def _child(self):
        integrity = [INTEGRITY[self.child_integrity]] if self.child_integrity else []
        return [ENCRYPTION[self.child_encryption], *integrity]


def suite(encryption, integrity, prf, group="2048-bit"):
    """The same encryption and integrity for the IKE SA and for the Child SA."""
    return Suite(encryption, integrity, prf, group, encryption, integrity)


AES_CBC_SHA1 = suite("aes-cbc-256", "sha1", "sha1")
AES_CBC_SHA256 = suite("aes-cbc-256", "sha2-256", "sha2-256")
AES_CBC_SHA512 = suite("aes-cbc-256", "sha2-512", "sha2-512")
AES_GCM = suite("aes-gcm-256", None, "sha2-256")
TRIPLE_DES = suite("3des", "sha1", "sha1")
