/*
 * A certificate revocation list (RFC 5280 5). It never changes once it is made, and any thread may use it.
 */
#ifndef MUSUBI_PKI_CRL_H
#define MUSUBI_PKI_CRL_H

#include "pki/certificate.h"

enum { CRL_MAX = 1 << 20 }; /* octets of one in DER */

struct crl;

struct crl_facts {
    char issuer[DN_TEXT_SIZE];
    char number[64]; /* hexadecimal, "" if it has none */
    int64_t this_update;
    int64_t next_update; /* 0: it does not say */
    uint32_t revoked;    /* certificates in it */
};

/* Reads one CRL in DER, with nothing behind it. The octets are copied. The first holder lets go of it with
 * crl_release. NULL with the reason if this is none. */
struct crl *crl_parse(struct octets der, struct pki_reason *reason);

/* Another holder. Returns the CRL. */
struct crl *crl_hold(struct crl *crl);

/* A holder lets go; the last one frees it. `crl` may be NULL. */
void crl_release(struct crl *crl);

/* The octets in DER; they last as long as the CRL. */
struct octets crl_der(const struct crl *crl);

/* What it says; lasts as long as the CRL. */
const struct crl_facts *crl_facts(const struct crl *crl);

/* The serial number of a revoked certificate, hexadecimal as in struct certificate_facts (`at` below
 * `revoked` of the facts), and since when it is revoked. Returns `out`. */
enum { CRL_SERIAL_SIZE = 64 };
const char *crl_revoked_serial(const struct crl *crl, uint32_t at, char out[CRL_SERIAL_SIZE], int64_t *since);

/* Below 0 if `a` is newer than `b`, above 0 if it is older, by thisUpdate, then by CRL number (RFC 5280
 * 5.2.3), then by which of them revokes more. */
int crl_compare_ages(const struct crl *a, const struct crl *b);

/* True if the CA with this certificate has signed it. */
bool crl_is_signed_by(const struct crl *crl, const struct certificate *ca);

#endif
