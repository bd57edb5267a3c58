/*
 * What files of certificates hold, in the forms in which they come: PEM, DER, PKCS#12 (RFC 7292).
 */
#ifndef MUSUBI_PKI_CONTENT_H
#define MUSUBI_PKI_CONTENT_H

#include "pki/certificate.h"
#include "pki/crl.h"
#include "pki/private_key.h"

enum pki_form { PKI_PEM, PKI_DER };

/* Certificates with their key, a key alone, or a CRL. Starts zeroed. */
struct pki_content {
    /* A certificate, then the CAs above it, each the issuer of the one before, as far as they are there. */
    struct certificate *chain[CERTIFICATE_CHAIN_MAX];
    size_t chain_length;     /* 0: no certificate */
    struct private_key *key; /* NULL: none */
    struct crl *crl;         /* NULL: none */
    size_t left_out;         /* certificates of the file that are not in the chain */
};

/* Lets go of all that it has, and wipes the key. */
void pki_content_free(struct pki_content *content);

/*
 * Read a file; false with the reason. What is read of each:
 *
 *   certificate  the first certificate, and behind it in PEM those that are its chain
 *   CRL          the CRL
 *   PKCS#12      the certificate of the private key, its chain and the key; without a private key the first
 *                certificate with its chain. Older files, encrypted with RC2 or 3DES, are understood too.
 *   stored       what pki_content_write has written
 */
bool pki_content_read_certificate(struct octets file, enum pki_form form, struct pki_content *out,
                                  struct pki_reason *reason);
bool pki_content_read_crl(struct octets file, enum pki_form form, struct pki_content *out,
                          struct pki_reason *reason);
bool pki_content_read_pkcs12(struct octets file, const char *password, struct pki_content *out,
                             struct pki_reason *reason);
bool pki_content_read_stored(struct octets file, struct pki_content *out, struct pki_reason *reason);

/* Writes all of it in PEM, the private key without encryption, to memory from malloc, which the caller wipes
 * and frees (secret_free). NULL if memory ran out. */
char *pki_content_write(const struct pki_content *content, size_t *length);

#endif
