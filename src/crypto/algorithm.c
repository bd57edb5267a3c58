#include "crypto/algorithm.h"

#include <string.h>
#include <strings.h>

const struct encryption_algorithm encryption_algorithms[ENCRYPTION_COUNT] = {
    {ENCR_AES_GCM_16, 256, "aes-gcm-256", "AES-GCM-256", 32, 4, 8, 1, 16},
    {ENCR_AES_GCM_16, 128, "aes-gcm-128", "AES-GCM-128", 16, 4, 8, 1, 16},
    {ENCR_AES_CBC, 256, "aes-cbc-256", "AES-CBC-256", 32, 0, 16, 16, 0},
    {ENCR_AES_CBC, 192, "aes-cbc-192", "AES-CBC-192", 24, 0, 16, 16, 0},
    {ENCR_AES_CBC, 128, "aes-cbc-128", "AES-CBC-128", 16, 0, 16, 16, 0},
    {ENCR_3DES, 0, "3des", "3DES-CBC", 24, 0, 8, 8, 0},
};

const struct integrity_algorithm integrity_algorithms[INTEGRITY_COUNT] = {
    {AUTH_HMAC_SHA2_512_256, "sha2-512", "HMAC-SHA2-512-256", HASH_SHA2_512, 64, 32},
    {AUTH_HMAC_SHA2_384_192, "sha2-384", "HMAC-SHA2-384-192", HASH_SHA2_384, 48, 24},
    {AUTH_HMAC_SHA2_256_128, "sha2-256", "HMAC-SHA2-256-128", HASH_SHA2_256, 32, 16},
    {AUTH_HMAC_SHA1_96, "sha1", "HMAC-SHA1-96", HASH_SHA1, 20, 12},
};

const struct prf_algorithm prf_algorithms[PRF_COUNT] = {
    {PRF_HMAC_SHA2_512, "sha2-512", "HMAC-SHA2-512", HASH_SHA2_512, 64},
    {PRF_HMAC_SHA2_384, "sha2-384", "HMAC-SHA2-384", HASH_SHA2_384, 48},
    {PRF_HMAC_SHA2_256, "sha2-256", "HMAC-SHA2-256", HASH_SHA2_256, 32},
    {PRF_HMAC_SHA1, "sha1", "HMAC-SHA1", HASH_SHA1, 20},
};

const struct encryption_algorithm *encryption_by_id(uint16_t id, uint16_t key_bits)
{
    for (size_t i = 0; i < ENCRYPTION_COUNT; i++) {
        const struct encryption_algorithm *a = &encryption_algorithms[i];
        if (a->id == id && a->key_bits == key_bits)
            return a;
    }
    return NULL;
}

/* Other words for an algorithm, which routers take too. */
static const struct {
    const char *alias;
    const char *word;
} encryption_aliases[] = {
    {"aes-gcm-256-16", "aes-gcm-256"}, /* the octets of the ICV are spelled out */
    {"aes-gcm-128-16", "aes-gcm-128"},
    {"3des-cbc", "3des"},
};

const struct encryption_algorithm *encryption_by_word(const char *word)
{
    for (size_t i = 0; i < sizeof encryption_aliases / sizeof *encryption_aliases; i++) {
        if (strcasecmp(encryption_aliases[i].alias, word) == 0)
            word = encryption_aliases[i].word;
    }
    for (size_t i = 0; i < ENCRYPTION_COUNT; i++) {
        if (strcasecmp(encryption_algorithms[i].word, word) == 0)
            return &encryption_algorithms[i];
    }
    return NULL;
}

const char *encryption_word(size_t row)
{
    return row < ENCRYPTION_COUNT ? encryption_algorithms[row].word : NULL;
}

const char *integrity_word(size_t row)
{
    return row < INTEGRITY_COUNT ? integrity_algorithms[row].word : NULL;
}

const char *prf_word(size_t row)
{
    return row < PRF_COUNT ? prf_algorithms[row].word : NULL;
}

bool encryption_is_aead(const struct encryption_algorithm *a)
{
    return a->icv_size != 0;
}

algorithm_set encryption_aead_rows(void)
{
    algorithm_set set = 0;
    for (size_t i = 0; i < ENCRYPTION_COUNT; i++) {
        if (encryption_is_aead(&encryption_algorithms[i]))
            set |= UINT32_C(1) << i;
    }
    return set;
}

/* The two other tables are searched alike. */
#define DEFINE_LOOKUPS(kind, row, table, count)                                                              \
    const struct row *kind##_by_id(uint16_t id)                                                              \
    {                                                                                                        \
        for (size_t i = 0; i < (count); i++) {                                                               \
            if ((table)[i].id == id)                                                                         \
                return &(table)[i];                                                                          \
        }                                                                                                    \
        return NULL;                                                                                         \
    }                                                                                                        \
                                                                                                             \
    const struct row *kind##_by_word(const char *word)                                                       \
    {                                                                                                        \
        for (size_t i = 0; i < (count); i++) {                                                               \
            if (strcmp((table)[i].word, word) == 0)                                                          \
                return &(table)[i];                                                                          \
        }                                                                                                    \
        return NULL;                                                                                         \
    }

DEFINE_LOOKUPS(integrity, integrity_algorithm, integrity_algorithms, INTEGRITY_COUNT)
DEFINE_LOOKUPS(prf, prf_algorithm, prf_algorithms, PRF_COUNT)
