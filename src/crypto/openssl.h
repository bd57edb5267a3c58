/*
 * The algorithms of libcrypto that Musubi uses, fetched once: OpenSSL 3 otherwise searches its providers
 * anew, under a lock, on each use. Inside of crypto/ and esp/ only; what is returned is constant and shared
 * by all threads, lives as long as the process, and is never freed by the caller.
 *
 * All return NULL if libcrypto does not have the algorithm (a provider was taken away by its configuration).
 */
#ifndef MUSUBI_CRYPTO_OPENSSL_H
#define MUSUBI_CRYPTO_OPENSSL_H

#include <openssl/evp.h>

#include "crypto/algorithm.h"

/* The cipher of a row of `encryption_algorithms`. */
const EVP_CIPHER *openssl_cipher(const struct encryption_algorithm *a);

/* AES-256 in counter mode, a source of key stream. */
const EVP_CIPHER *openssl_aes_256_ctr(void);

const EVP_MD *openssl_hash(enum hash_id hash);

/*
 * A new context for HMAC with `hash`, without a key, which the caller frees with EVP_MAC_CTX_free; NULL if
 * memory ran out.
 */
EVP_MAC_CTX *openssl_hmac_new(enum hash_id hash);

#endif
