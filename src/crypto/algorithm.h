/*
 * The transforms that Musubi knows, as rows of tables: encryption, integrity, PRF; key exchange methods have
 * theirs in crypto/key_exchange.h. A row has the IANA transform ID, its names in the command language and in
 * the output of `show`, and all sizes. Rows are ordered by security, strongest first (S10). So a set of
 * algorithms is a bit mask, and its lowest set bit is the best choice.
 */
#ifndef MUSUBI_CRYPTO_ALGORITHM_H
#define MUSUBI_CRYPTO_ALGORITHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Transform IDs as in IANA's "IKEv2 Parameters"; here of transform type 1. */
enum encryption_id {
    ENCR_3DES = 3,
    ENCR_AES_CBC = 12,
    ENCR_AES_GCM_16 = 20,
};

/* Transform type 3. */
enum integrity_id {
    AUTH_NONE = 0,
    AUTH_HMAC_SHA1_96 = 2,
    AUTH_HMAC_SHA2_256_128 = 12,
    AUTH_HMAC_SHA2_384_192 = 13,
    AUTH_HMAC_SHA2_512_256 = 14,
};

/* Transform type 2. */
enum prf_id {
    PRF_HMAC_SHA1 = 2,
    PRF_HMAC_SHA2_256 = 5,
    PRF_HMAC_SHA2_384 = 6,
    PRF_HMAC_SHA2_512 = 7,
};

/* The hash in an HMAC. */
enum hash_id {
    HASH_SHA1,
    HASH_SHA2_256,
    HASH_SHA2_384,
    HASH_SHA2_512,
};

/* The largest sizes in any row, in octets. */
enum {
    ENCRYPTION_KEY_MAX = 32 + 4, /* with the salt of GCM */
    INTEGRITY_KEY_MAX = 64,
    INTEGRITY_ICV_MAX = 32,
    PRF_SIZE_MAX = 64,
};

struct encryption_algorithm {
    uint16_t id;       /* enum encryption_id */
    uint16_t key_bits; /* value of the Key Length attribute; 0: the attribute is not sent (3DES) */
    const char *word;  /* in the command language */
    const char *name;  /* in the output of `show` */
    size_t key_size;   /* octets of the cipher's key, without salt */
    size_t salt_size;  /* octets of salt behind the key in the keying material (RFC 4106 8.1), or 0 */
    size_t iv_size;    /* octets of the explicit IV on the wire */
    size_t block_size; /* octets to which the plaintext is padded; 1 for GCM (ESP and IKE pad further) */
    size_t icv_size;   /* octets of an AEAD's ICV; 0: not an AEAD, needs an integrity algorithm */
};

struct integrity_algorithm {
    uint16_t id; /* enum integrity_id */
    const char *word;
    const char *name;
    enum hash_id hash;
    size_t key_size; /* octets: the size of the hash's output */
    size_t icv_size; /* octets of the truncated output */
};

struct prf_algorithm {
    uint16_t id; /* enum prf_id */
    const char *word;
    const char *name;
    enum hash_id hash;
    size_t size; /* octets of the output and of the preferred key */
};

/* The number of rows in each table. */
enum { ENCRYPTION_COUNT = 6, INTEGRITY_COUNT = 4, PRF_COUNT = 4 };

/* The tables, strongest first. */
extern const struct encryption_algorithm encryption_algorithms[ENCRYPTION_COUNT];
extern const struct integrity_algorithm integrity_algorithms[INTEGRITY_COUNT];
extern const struct prf_algorithm prf_algorithms[PRF_COUNT];

/* A set of rows of one table: bit i is set if row i is in it. */
typedef uint32_t algorithm_set;

/* The set of all rows of a table with `count` rows. */
#define ALGORITHM_SET_ALL(count) ((algorithm_set)((UINT32_C(1) << (count)) - 1))

/* The set that holds only `row` of `table`; empty if `row` is NULL. */
#define ALGORITHM_SET_OF(row, table) ((row) == NULL ? 0 : UINT32_C(1) << ((row) - (table)))

/* True if the set holds the row with that index. */
static inline bool algorithm_set_has(algorithm_set set, size_t row)
{
    return (set >> row & 1) != 0;
}

/* The row with that transform ID; NULL if there is none. `key_bits` is the Key Length attribute, 0 if it is
 * absent. */
const struct encryption_algorithm *encryption_by_id(uint16_t id, uint16_t key_bits);
const struct integrity_algorithm *integrity_by_id(uint16_t id);
const struct prf_algorithm *prf_by_id(uint16_t id);

/* The row with that name in the command language; NULL if there is none. Of encryption algorithms the case
 * does not count, "aes-gcm-256-16" is "aes-gcm-256", and "3des-cbc" is "3des". */
const struct encryption_algorithm *encryption_by_word(const char *word);
const struct integrity_algorithm *integrity_by_word(const char *word);
const struct prf_algorithm *prf_by_word(const char *word);

/* The name of a row in the command language; NULL behind the last row. */
const char *encryption_word(size_t row);
const char *integrity_word(size_t row);
const char *prf_word(size_t row);

/* True for combined-mode algorithms, which need no integrity algorithm (RFC 5282). */
bool encryption_is_aead(const struct encryption_algorithm *a);

/* The set of the rows that are combined-mode algorithms. */
algorithm_set encryption_aead_rows(void);

#endif
