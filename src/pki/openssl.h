/*
 * What the files of pki/ share of OpenSSL's types. For pki/ only.
 */
#ifndef MUSUBI_PKI_OPENSSL_H
#define MUSUBI_PKI_OPENSSL_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "pki/certificate.h"
#include "pki/crl.h"
#include "pki/private_key.h"

/* The certificate's X509, which stays its own. OpenSSL changes the reference count, and what it has cached,
 * under locks of its own. */
X509 *certificate_x509(const struct certificate *certificate);

/* The CRL's X509_CRL, which stays its own. */
X509_CRL *crl_x509(const struct crl *crl);

/* The private key's EVP_PKEY, which stays its own. */
EVP_PKEY *private_key_evp(const struct private_key *key);

/* A new private key of an EVP_PKEY, of which it becomes another holder. NULL with the reason if the key is of
 * a kind that can't sign here, or if memory ran out. */
struct private_key *private_key_of(EVP_PKEY *evp, struct pki_reason *reason);

/* The kind of a key, its size in bits, and both as text ("RSA 2048 bits"). `evp` may be NULL. */
enum key_kind openssl_key_kind(const EVP_PKEY *evp);
uint32_t openssl_key_bits(const EVP_PKEY *evp);
void openssl_key_text(const EVP_PKEY *evp, char *out, size_t size);

/*
 * Why no arithmetic is done with a public key ("an RSA key with an exponent of more than 64 bits"); NULL if
 * there is no reason: kinds that are not supported, and sizes by which a peer that is not authenticated could
 * keep a thread busy.
 */
const char *openssl_key_trouble(const EVP_PKEY *evp);

/* Writes a name as distinguished_name.h has it. */
void openssl_name_text(const X509_NAME *name, char out[DN_TEXT_SIZE]);

/* An ASN1_TIME as Unix time; 0 if it is none. */
int64_t openssl_time(const ASN1_TIME *time);

/* Writes a number in hexadecimal, cut if it is too long. */
void openssl_integer_text(const ASN1_INTEGER *number, char *out, size_t size);

/* Drops what OpenSSL notes about errors of this thread. */
void openssl_forget_errors(void);

#endif
