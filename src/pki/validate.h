/*
 * Validation of a peer's certificate (RFC 5280 6, with what RFC 4945 wants of IKE): its chain leads to the
 * one CA certificate that is configured for the tunnel, and to no other. OpenSSL builds and verifies the
 * chain with a store that holds this certificate alone; what it leaves open is checked here.
 *
 * Arithmetic of a few milliseconds: a job for the engine's thread pool.
 */
#ifndef MUSUBI_PKI_VALIDATE_H
#define MUSUBI_PKI_VALIDATE_H

#include "pki/certificate.h"
#include "pki/crl.h"

/* What is to be validated. Everything stays the caller's. */
struct validation {
    const struct certificate *anchor; /* of `cert cacert` */
    /* What the peer sent: its own certificate first, the rest in any order (RFC 7296 3.6). */
    struct certificate *const *peer;
    size_t peer_count;       /* at least 1 */
    struct crl *const *crls; /* of any CA: those that a chain needs are used */
    size_t crl_count;
    int64_t now;       /* Unix time, in seconds, by the wall clock */
    bool weak_allowed; /* `cert weak-allowed`: RSA keys from 1024 bits on, and signatures with SHA-1 */
};

/* The check that failed. */
enum validation_fault {
    VALIDATION_OK,
    VALIDATION_NO_ISSUER,          /* no certificate of the issuer is there: another CA, or a cut-off chain */
    VALIDATION_OTHER_CA,           /* the chain is complete, but ends at another CA */
    VALIDATION_SELF_SIGNED,        /* self-signed, and not the configured CA certificate */
    VALIDATION_SIGNATURE,          /* its signature does not fit the issuer's key */
    VALIDATION_ALGORITHM,          /* keys or signatures that OpenSSL does not know */
    VALIDATION_NOT_YET_VALID,      /* notBefore (RFC 5280 4.1.2.5) */
    VALIDATION_EXPIRED,            /* notAfter */
    VALIDATION_NO_CA,              /* basicConstraints of an issuer (4.2.1.9) */
    VALIDATION_PATH_LENGTH,        /* pathLenConstraint (4.2.1.9), or too many certificates */
    VALIDATION_KEY_USAGE,          /* keyUsage (4.2.1.3; RFC 4945 5.1.3.2) */
    VALIDATION_EXTENDED_KEY_USAGE, /* extendedKeyUsage (4.2.1.12; RFC 4945 5.1.3.12) */
    VALIDATION_NAME_CONSTRAINTS,   /* nameConstraints (4.2.1.10) */
    VALIDATION_POLICY,             /* certificatePolicies and what constrains them (4.2.1.4, 4.2.1.11) */
    VALIDATION_CRITICAL_EXTENSION, /* an unknown one (4.2) */
    VALIDATION_EXTENSION,          /* one that is malformed */
    VALIDATION_WEAK_KEY,           /* `cert weak-allowed` may allow it */
    VALIDATION_WEAK_SIGNATURE,     /* `cert weak-allowed` may allow it */
    VALIDATION_REVOKED,            /* by a CRL */
    VALIDATION_CRL,                /* a CRL that can't be used: expired, not yet valid, wrongly signed */
    VALIDATION_FAILED,             /* anything else: memory, limits */
};

struct validation_verdict {
    enum validation_fault fault;
    char subject[DN_TEXT_SIZE]; /* of the certificate on which the check failed */
    struct pki_reason reason;   /* the whole, in words: which check failed on which certificate */
};

/* Validates the peer's certificate. False, with the verdict, if it is refused. */
bool certificate_validate(const struct validation *validation, struct validation_verdict *out);

/*
 * True if the wall clock is plainly wrong: it stands before this program was written. The verdict's reason
 * says so by itself where a date is refused.
 */
bool validation_clock_is_wrong(int64_t now);

/* Writes a Unix time as "2026-11-26 01:02:03 UTC" and returns `out`. */
enum { CERTIFICATE_TIME_SIZE = 40 };
const char *certificate_time_format(int64_t time, char out[CERTIFICATE_TIME_SIZE]);

#endif
