/*
 * A certificate (X.509 v3, RFC 5280). It never changes once it is made, and any thread may use it.
 */
#ifndef MUSUBI_PKI_CERTIFICATE_H
#define MUSUBI_PKI_CERTIFICATE_H

#include "base/bytes.h"
#include "pki/distinguished_name.h"
#include "pki/reason.h"

enum {
    CERTIFICATE_MAX = 32 << 10,   /* octets of one in DER */
    CERTIFICATE_CHAIN_MAX = 8,    /* certificates in a chain, the CA's included */
    CERTIFICATE_SERIAL_SIZE = 64, /* of a serial number as text */
    KEY_HASH_SIZE = 20,           /* octets of a SHA-1 */
    FINGERPRINT_SIZE = 32,        /* octets of a SHA-256 */
};

struct certificate;

/* The kinds of public keys. */
enum key_kind { KEY_UNKNOWN, KEY_RSA, KEY_ECDSA, KEY_ED25519 };

/* What a certificate says. Times are Unix times, in seconds. */
struct certificate_facts {
    char subject[DN_TEXT_SIZE]; /* "(empty)" if it has none */
    char issuer[DN_TEXT_SIZE];
    char serial[CERTIFICATE_SERIAL_SIZE]; /* hexadecimal digits, at least two, cut if there are too many (RFC
                                             5280 allows 40) */
    int64_t not_before, not_after;
    enum key_kind key;
    uint32_t key_bits;
    char key_text[40];               /* "RSA 2048 bits", "ECDSA P-256", "Ed25519" */
    char signature_text[40];         /* "sha256WithRSAEncryption" */
    bool is_ca;                      /* basicConstraints says so, or it is a self-signed one of version 1 */
    bool self_signed;                /* its issuer is its subject, and its key could have signed it */
    uint8_t key_hash[KEY_HASH_SIZE]; /* SHA-1 of SubjectPublicKeyInfo, for CERTREQ (RFC 7296 3.7) */
    uint8_t fingerprint[FINGERPRINT_SIZE]; /* SHA-256 of the DER */
    uint8_t fingerprint_sha1[KEY_HASH_SIZE];
};

/* Reads one certificate in DER, with nothing behind it. The octets are copied. The first holder lets go of it
 * with certificate_release. NULL with the reason if this is none. */
struct certificate *certificate_parse(struct octets der, struct pki_reason *reason);

/* Another holder. Returns the certificate. */
struct certificate *certificate_hold(struct certificate *certificate);

/* A holder lets go; the last one frees it. `certificate` may be NULL. */
void certificate_release(struct certificate *certificate);

/* The octets in DER; they last as long as the certificate. */
struct octets certificate_der(const struct certificate *certificate);

/* The subject in DER, as in an ID of type ID_DER_ASN1_DN; lasts as long as the certificate. */
struct octets certificate_subject_der(const struct certificate *certificate);

/* What it says; lasts as long as the certificate. */
const struct certificate_facts *certificate_facts(const struct certificate *certificate);

/* True if both are the same octets. */
bool certificate_equal(const struct certificate *a, const struct certificate *b);

/* True if `issuer` may have issued `certificate`: name and key identifier fit (RFC 5280 4.2.1.1). The
 * signature is not looked at. */
bool certificate_is_issued_by(const struct certificate *certificate, const struct certificate *issuer);

/* ---- Identities ------------------------------------------------------------------------------------ */

/* Writes the names in subjectAltName as IDs of the config ("fqdn a.example.com, ipv4 10.0.0.1"), separated by
 * commas, cut if there are too many, and returns `out`; "" if there are none. */
const char *certificate_alternative_names(const struct certificate *certificate, char *out, size_t size);

/*
 * True if the certificate is that of the ID (RFC 4945 3.1, 5.1.3.6). An address, domain name or mail address
 * stands in subjectAltName; a distinguished name is the subject, or a directoryName there. Names with
 * wildcards match nothing. An ID of type ID_KEY_ID is matched with subjectKeyIdentifier. `type` and `value`
 * are those of the ID payload (RFC 7296 3.5). If it is not, the reason says what the certificate has instead.
 */
bool certificate_has_identity(const struct certificate *certificate, uint8_t type, struct octets value,
                              struct pki_reason *reason);

#endif
