#include "crypto/prf.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/openssl.h"

/* HMAC (RFC 2104) with a key; NULL if OpenSSL failed. The caller frees it. */
static EVP_MAC_CTX *hmac_begin(enum hash_id hash, struct octets key)
{
    EVP_MAC_CTX *context = openssl_hmac_new(hash);
    /* OpenSSL takes a NULL key for "the key set before", also when it is empty. */
    const uint8_t *key_octets = key.length > 0 ? key.at : (const uint8_t *)"";
    if (context == NULL || EVP_MAC_init(context, key_octets, key.length, NULL) == 1)
        return context;
    EVP_MAC_CTX_free(context);
    return NULL;
}

/* The HMAC of the parts; writes the whole digest, of which `size` octets are wanted at most. */
static bool hmac_end(EVP_MAC_CTX *context, const struct octets *parts, size_t count, uint8_t *out,
                     size_t size)
{
    uint8_t digest[PRF_SIZE_MAX];
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].length > 0 && EVP_MAC_update(context, parts[i].at, parts[i].length) != 1)
            return false;
    }
    bool done = EVP_MAC_final(context, digest, &length, sizeof digest) == 1 && length >= size;
    if (done)
        memcpy(out, digest, size);
    secret_wipe(digest, sizeof digest);
    return done;
}

static bool hmac_compute(enum hash_id hash, struct octets key, const struct octets *parts, size_t count,
                         uint8_t *out, size_t size)
{
    EVP_MAC_CTX *context = hmac_begin(hash, key);
    bool done = context != NULL && hmac_end(context, parts, count, out, size);
    EVP_MAC_CTX_free(context);
    return done;
}

bool prf_compute(const struct prf_algorithm *a, struct octets key, const struct octets *parts, size_t count,
                 uint8_t *out)
{
    return hmac_compute(a->hash, key, parts, count, out, a->size);
}

bool prf_plus(const struct prf_algorithm *a, struct octets key, struct octets seed, uint8_t *out,
              size_t length)
{
    if (length > 255 * a->size)
        return false;
    uint8_t block[PRF_SIZE_MAX];
    size_t written = 0;
    EVP_MAC_CTX *context = hmac_begin(a->hash, key);
    bool done = context != NULL;
    for (uint8_t number = 1; done && written < length; number++) {
        /* T1 = prf(K, S | 0x01), Tn = prf(K, Tn-1 | S | n) */
        const struct octets parts[] = {
            {block, number == 1 ? 0 : a->size},
            seed,
            {&number, 1},
        };
        /* The key stays: to set it again costs more than the rest. */
        done = (number == 1 || EVP_MAC_init(context, NULL, 0, NULL) == 1) &&
               hmac_end(context, parts, 3, block, a->size);
        size_t part = length - written < a->size ? length - written : a->size;
        if (done)
            memcpy(out + written, block, part);
        written += part;
    }
    EVP_MAC_CTX_free(context);
    secret_wipe(block, sizeof block);
    return done;
}

bool integrity_compute(const struct integrity_algorithm *a, const uint8_t *key, const struct octets *parts,
                       size_t count, uint8_t *icv)
{
    return hmac_compute(a->hash, (struct octets){key, a->key_size}, parts, count, icv, a->icv_size);
}

bool sha1_compute(const struct octets *parts, size_t count, uint8_t out[20])
{
    const EVP_MD *sha1 = openssl_hash(HASH_SHA1);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = sha1 != NULL && context != NULL && EVP_DigestInit_ex2(context, sha1, NULL) == 1;
    for (size_t i = 0; done && i < count; i++)
        done = parts[i].length == 0 || EVP_DigestUpdate(context, parts[i].at, parts[i].length) == 1;
    done = done && EVP_DigestFinal_ex(context, out, NULL) == 1;
    EVP_MD_CTX_free(context);
    return done;
}
