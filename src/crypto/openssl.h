/*
 * The algorithms of libcrypto that Musubi uses, for crypto/ and esp/ only. They are fetched once, since
 * OpenSSL 3 otherwise searches its providers on each use, under a lock. All threads share them; they live as
 * long as the process, and the caller never frees them.
 *
 * All functions return NULL if libcrypto lacks the algorithm, as when its configuration disables a provider.
 */
#ifndef MUSUBI_CRYPTO_OPENSSL_H
#define MUSUBI_CRYPTO_OPENSSL_H

#include <openssl/evp.h>

#include "crypto/algorithm.h"

/* The cipher of a row of `encryption_algorithms`. */
const EVP_CIPHER *openssl_cipher(const struct encryption_algorithm *a);

/* AES-256 in counter mode, to make key stream with. */
const EVP_CIPHER *openssl_aes_256_ctr(void);

/* A hash function. */
const EVP_MD *openssl_hash(enum hash_id hash);

/*
 * A new context for HMAC with `hash`, without a key yet. The caller frees it with EVP_MAC_CTX_free. NULL also
 * if memory ran out.
 */
EVP_MAC_CTX *openssl_hmac_new(enum hash_id hash);

#endif
