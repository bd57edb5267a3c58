#include "crypto/openssl.h"

#include <threads.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

enum { HASH_COUNT = HASH_SHA2_512 + 1 };

static const char *const hash_names[HASH_COUNT] = {
    [HASH_SHA1] = "SHA1",
    [HASH_SHA2_256] = "SHA2-256",
    [HASH_SHA2_384] = "SHA2-384",
    [HASH_SHA2_512] = "SHA2-512",
};

/* Rows as in `encryption_algorithms`. */
static const char *const cipher_names[ENCRYPTION_COUNT] = {
    "AES-256-GCM", "AES-128-GCM", "AES-256-CBC", "AES-192-CBC", "AES-128-CBC", "DES-EDE3-CBC",
};

/* fetch_all sets these once; they are constant afterwards. */
static once_flag fetch_once = ONCE_FLAG_INIT;
static EVP_CIPHER *ciphers[ENCRYPTION_COUNT];
static EVP_CIPHER *aes_256_ctr;
static EVP_MD *hashes[HASH_COUNT];
static EVP_MAC_CTX *hmacs[HASH_COUNT]; /* without keys, to be copied: a fresh one looks its hash up */

static EVP_MAC_CTX *hmac_with_hash(EVP_MAC *hmac, const char *hash)
{
    /* OpenSSL does not write to the name, though it does not say so. */
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)hash, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac);
    if (context == NULL || EVP_MAC_CTX_set_params(context, params) == 1)
        return context;
    EVP_MAC_CTX_free(context);
    return NULL;
}

static void fetch_all(void)
{
    for (size_t i = 0; i < ENCRYPTION_COUNT; i++)
        ciphers[i] = EVP_CIPHER_fetch(NULL, cipher_names[i], NULL);
    for (size_t i = 0; i < HASH_COUNT; i++)
        hashes[i] = EVP_MD_fetch(NULL, hash_names[i], NULL);
    aes_256_ctr = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    for (size_t i = 0; hmac != NULL && i < HASH_COUNT; i++)
        hmacs[i] = hmac_with_hash(hmac, hash_names[i]);
    EVP_MAC_free(hmac);
}

const EVP_CIPHER *openssl_cipher(const struct encryption_algorithm *a)
{
    call_once(&fetch_once, fetch_all);
    return ciphers[a - encryption_algorithms];
}

const EVP_CIPHER *openssl_aes_256_ctr(void)
{
    call_once(&fetch_once, fetch_all);
    return aes_256_ctr;
}

const EVP_MD *openssl_hash(enum hash_id hash)
{
    call_once(&fetch_once, fetch_all);
    return hashes[hash];
}

EVP_MAC_CTX *openssl_hmac_new(enum hash_id hash)
{
    call_once(&fetch_once, fetch_all);
    return hmacs[hash] == NULL ? NULL : EVP_MAC_CTX_dup(hmacs[hash]);
}
