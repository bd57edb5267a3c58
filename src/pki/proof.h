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
    uint8_t method;             /* AUTH method */
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
    PROOF_WEAK,           /* the same, but `cert weak-allowed` may allow it */
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
    bool pkcs1; /* where `of_peer` does not tell the padding of RSA: PKCS#1 v1.5, and not PSS */
    const struct certificate *issuer; /* of the last one of the chain, for the text alone; NULL: not known */
    struct octets
        authorities; /* of the peer's CERTREQ: SHA-1 hashes of CAs' keys, KEY_HASH_SIZE octets each */
    struct octets signed_octets;
    int64_t now; /* Unix time, in seconds, for the text alone */
};

/* The padding of RSA in a signature with method 14 that was chosen without knowing what the peer takes. */
enum proof_padding { PROOF_PADDING_KNOWN, PROOF_PADDING_PSS, PROOF_PADDING_PKCS1 };

enum { PROOF_TEXT_SIZE = 768 };

struct own_proof {
    uint8_t method;  /* of the AUTH payload */
    size_t length;   /* of its Authentication Data; 0: none could be made */
    uint8_t padding; /* enum proof_padding */
    /* For the log, if the peer does not accept it: which certificate signed how, and whether the peer asks
     * for certificates of its CA; or why none could be made. */
    char text[PROOF_TEXT_SIZE];
};

/*
 * Makes our proof: the AUTH payload's method and Authentication Data, and the list of certificates to send
 * along: the key's own, then the CAs between it and the one that the peer knows. A self-signed CA is never
 * sent, since a peer trusts none that it does not have. There is none if there is no signature algorithm of
 * both the key and the peer, or if signing fails.
 *
 * RFC 7427 does not negotiate the padding of RSA, and peers differ: some know no PSS (strongSwan
 * before 5.6.3), others take nothing else. So a peer that has signed by RSA itself gets its own padding back.
 * Else, which is always so for the initiator, it gets PSS, which every implementation has to know (RFC
 * 8247 3.2) while PKCS#1 v1.5 is optional; and the other one after it has refused that (`pkcs1`).
 */
void proof_make(const struct own_proof_request *request, struct own_proof *proof,
                uint8_t out[SIGNATURE_AUTH_MAX], struct writer *certificates);

#endif
