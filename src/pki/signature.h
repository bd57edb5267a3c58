/*
 * Digital signatures of AUTH payloads as rows of a table: AUTH method 1 (RFC 7296 2.15, 3.8), methods 9 to 11
 * (RFC 4754), and method 14 with its AlgorithmIdentifier (RFC 7427, RFC 8420).
 *
 * The keeper signs, and the engine's thread pool verifies.
 */
#ifndef MUSUBI_PKI_SIGNATURE_H
#define MUSUBI_PKI_SIGNATURE_H

#include "pki/certificate.h"
#include "pki/private_key.h"

enum {
    SIGNATURE_MAX = 1024,         /* octets: by an RSA key of 8192 bits */
    SIGNATURE_ALGORITHM_MAX = 80, /* octets of an AlgorithmIdentifier that we send */
    SIGNATURE_AUTH_MAX = 1 + SIGNATURE_ALGORITHM_MAX + SIGNATURE_MAX,
};

/* Hash algorithms of SIGNATURE_HASH_ALGORITHMS with their IANA numbers (RFC 7427 4, RFC 8420). */
enum signature_hash {
    SIGNATURE_HASH_SHA1 = 1,
    SIGNATURE_HASH_SHA2_256 = 2,
    SIGNATURE_HASH_SHA2_384 = 3,
    SIGNATURE_HASH_SHA2_512 = 4,
    SIGNATURE_HASH_IDENTITY = 5,
};

/* A set of them: bit N is set if the hash algorithm N is in it. */
typedef uint32_t signature_hash_set;

/* Those that we name in SIGNATURE_HASH_ALGORITHMS, in this order. SHA-1 is not among them (RFC 8247 3). */
enum { SIGNATURE_HASH_COUNT = 4 };
extern const uint16_t signature_hashes[SIGNATURE_HASH_COUNT];

/* AUTH methods (RFC 7296 3.8, RFC 4754). */
enum {
    SIGNATURE_METHOD_RSA = 1,
    SIGNATURE_METHOD_ECDSA_256 = 9,
    SIGNATURE_METHOD_ECDSA_384 = 10,
    SIGNATURE_METHOD_ECDSA_521 = 11,
    SIGNATURE_METHOD_DIGITAL = 14,
};

/* A row. Rows are ordered by preference within a kind of key. */
struct signature_scheme {
    const char *name; /* "RSA PKCS#1 v1.5 with SHA2-256" */
    enum key_kind key;
    uint8_t hash;   /* enum signature_hash */
    bool pss;       /* RSASSA-PSS, with a salt of the length of the hash and MGF1 with the same hash */
    uint8_t method; /* AUTH method with which we sign by it; 0: 14, which names the algorithm */
    uint32_t bits;  /* of the only curve; 0: any */
};

enum { SIGNATURE_SCHEME_COUNT = 14 };
extern const struct signature_scheme signature_schemes[SIGNATURE_SCHEME_COUNT];

/*
 * The best row with which a key can sign for a peer that named these hash algorithms; NULL if there is none.
 * With an empty set (the peer sent no SIGNATURE_HASH_ALGORITHMS) it is one of the older AUTH methods: of
 * method 1 RSA PKCS#1 v1.5 with SHA-1, the default of RFC 7296 3.8. `pss`: the padding of RSA, PSS or PKCS#1
 * v1.5, which SIGNATURE_HASH_ALGORITHMS does not tell.
 */
const struct signature_scheme *signature_scheme_choose(enum key_kind key, uint32_t key_bits,
                                                       signature_hash_set peer, bool pss);

/* True if an AUTH method is one of signatures that are verified here. */
bool signature_method_is_known(uint8_t method);

/* The AUTH method to which a row belongs when we sign. */
uint8_t signature_scheme_method(const struct signature_scheme *scheme);

/* The AlgorithmIdentifier of a row of method 14 in DER, as RFC 7427 appendix A and RFC 8420 have it; none for
 * others. */
struct octets signature_scheme_algorithm(const struct signature_scheme *scheme);

/* The row of an AlgorithmIdentifier that a peer sent, whatever the form of its parameters (present or absent
 * NULL, any length of salt); NULL if it is unknown, or SHA-1. */
const struct signature_scheme *signature_scheme_by_algorithm(struct octets algorithm);

/* The name of the algorithm of an AlgorithmIdentifier ("ecdsa-with-SHA1"), for the log, or its OID; returns
 * `out`. */
const char *signature_algorithm_name(struct octets algorithm, char *out, size_t size);

/* ---- Signing and verifying ------------------------------------------------------------------------- */

/* Signs the octets by a row that fits the key. Returns the length of the signature; 0 on failure. */
size_t signature_sign(const struct private_key *key, const struct signature_scheme *scheme,
                      struct octets signed_octets, uint8_t out[SIGNATURE_MAX]);

/* True if the signature is that of the certificate's key by the row. */
bool signature_verify(const struct certificate *certificate, const struct signature_scheme *scheme,
                      struct octets signed_octets, struct octets signature);

/*
 * Makes the Authentication Data of an AUTH payload: the signature, with the AlgorithmIdentifier and its
 * length before it in method 14 (RFC 7427 3), and as two numbers of fixed length in methods 9 to 11 (RFC 4754
 * 7). Returns its length; 0 on failure.
 */
size_t signature_auth_make(const struct private_key *key, const struct signature_scheme *scheme,
                           struct octets signed_octets, uint8_t out[SIGNATURE_AUTH_MAX]);

enum signature_fault {
    SIGNATURE_OK,
    SIGNATURE_WRONG,             /* it does not fit the key and the octets */
    SIGNATURE_MALFORMED,         /* method 14: no AlgorithmIdentifier with a signature behind it */
    SIGNATURE_UNKNOWN_ALGORITHM, /* method 14: an algorithm that is not supported here, or SHA-1 */
    SIGNATURE_OTHER_KEY,         /* the certificate has another kind of key than the method or algorithm */
};

/*
 * Verifies the Authentication Data of an AUTH payload. With method 1 the hash is the one
 * that the signature itself names: SHA-1 or any of SHA-2 (RFC 7296 3.8). `*scheme` is the row, if one is
 * known. If it is refused the reason says why.
 */
enum signature_fault signature_auth_verify(const struct certificate *certificate, uint8_t method,
                                           struct octets signed_octets, struct octets value,
                                           const struct signature_scheme **scheme, struct pki_reason *reason);

#endif
