/*
 * The words of a validation's verdict: which check failed on which certificate. For pki/ only.
 */
#ifndef MUSUBI_PKI_VERDICT_H
#define MUSUBI_PKI_VERDICT_H

#include <openssl/x509_vfy.h>

#include "pki/validate.h"

/* A validation under way. */
struct validation_run {
    const struct validation *asked;
    struct validation_verdict *verdict;
    X509_STORE_CTX *context;                    /* NULL: OpenSSL has not been asked yet */
    X509_STORE_CTX_verify_fn verify_signatures; /* OpenSSL's own */
};

/* Sets the verdict: the check that failed on a certificate, and how, as printf has it. */
__attribute__((format(printf, 4, 5))) void verdict_refuse(const struct validation_run *run, X509 *x509,
                                                          enum validation_fault fault, const char *format,
                                                          ...);

/* Sets the verdict by an error of OpenSSL. `x509`: the certificate in question; NULL: the chain as a whole.
 */
void verdict_refuse_by_error(const struct validation_run *run, X509 *x509, int error);

/* OpenSSL uses no certificate in which it can't read an extension: refuses such a one. False if this is not
 * so. */
bool verdict_refuse_malformed(const struct validation_run *run, X509 *x509);

/* Refuses a certificate with a key that is not used here (openssl_key_trouble). False if its key is. */
bool verdict_refuse_unusable_key(const struct validation_run *run, X509 *x509);

/* True if the error says that a CRL can't be used. */
bool verdict_error_is_of_crl(int error);

#endif
