/*
 * Proof of identity by certificate in IKE_AUTH: verifies what a peer sends, and makes what we send (RFC 7296
 * 2.15, 3.6 to 3.8, RFC 7427).
 *
 * Certificates travel between our processes as a list: each in DER, with its length in two octets before it.
 */
#ifndef MUSUBI_PKI_PROOF_H
#define MUSUBI_PKI_PROOF_H

#include "pki/certificate.h"
#include "pki/crl.h"
#include "pki/signature.h"

enum { AUTHORITIES_MAX = 32 /* CAs of a peer's CERTREQ that are looked at */ };

/* Appends a certificate to a list. */
void certificate_list_put(struct writer *list, struct octets der);

/* The next certificate of a list, in place; no octets at its end, or where it is malformed. */
struct octets certificate_list_next(struct reader *list);

/* ---- The peer's -------------------------------------------------------------------------------------- */

/* What the peer says and sends. */
struct peer_proof {
    uint8_t id_type; /* of its ID payload (RFC 7296 3.5) */
    struct octets id;
    struct octets certificates; /* a list: its own one first, the rest in any order */
    uint8_t method;             /* AUTH method: 1 or 14 */
    struct octets auth;         /* Authentication Data */
    struct octets signed_octets;
};

/* What it is judged by. Everything stays the caller's. */
struct proof_authority {
    const struct certificate *anchor; /* of `cert cacert` */
    struct crl *const *crls;
    size_t crl_count;
    int64_t now; /* Unix time, in seconds, by the wall clock */
    bool weak_allowed;
};

enum proof_fault {
    PROOF_OK,
    PROOF_NO_CERTIFICATE, /* none was sent, or the first one is not readable */
    PROOF_OTHER_IDENTITY, /* the certificate is not that of the ID */
    PROOF_INVALID,        /* the certificate is not valid: pki/validate.h */
    PROOF_SIGNATURE,      /* the AUTH payload is not by the certificate's key */
};

/*
 * Verifies a peer's proof. `*scheme` is the row of its signature, if it is right. If it is refused, the
 * reason says which check failed on which certificate. Arithmetic of a few milliseconds.
 */
enum proof_fault proof_verify(const struct peer_proof *proof, const struct proof_authority *authority,
                              const struct signature_scheme **scheme, struct pki_reason *reason);

/* ---- Ours -------------------------------------------------------------------------------------------- */

struct own_proof_request {
    const struct private_key *key;
    struct certificate *const
        *chain; /* the key's certificate, then the CAs above it, as far as they are there */
    size_t chain_length;
    signature_hash_set
        peer_hashes; /* of the peer's SIGNATURE_HASH_ALGORITHMS; none: it sent no such notify */
    const struct signature_scheme *of_peer; /* by which the peer signed, or NULL if that is not known */
    struct octets
        authorities; /* of the peer's CERTREQ: SHA-1 hashes of CAs' keys, KEY_HASH_SIZE octets each */
    struct octets signed_octets;
};

/*
 * Makes our proof: the AUTH payload's method and Authentication Data, whose length is returned, and the list
 * of certificates to send along: the key's own, then the CAs between it and the one that the peer knows. A
 * self-signed CA is never sent, since a peer trusts none that it does not have. 0 if there is no signature
 * algorithm of both the key and the peer, or if signing fails.
 */
size_t proof_make(const struct own_proof_request *request, uint8_t *method, uint8_t out[SIGNATURE_AUTH_MAX],
                  struct writer *certificates);

#endif
