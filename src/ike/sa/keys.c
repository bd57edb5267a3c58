#include "ike/sa/keys.h"

#include "base/secret.h"
#include "crypto/prf.h"

#include <string.h>

size_t encryption_key_octets(const struct encryption_algorithm *a)
{
    return a->key_size + a->salt_size;
}

static size_t integrity_key_octets(const struct integrity_algorithm *a)
{
    return a == NULL ? 0 : a->key_size;
}

/* {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+(SKEYSEED, Ni | Nr | SPIi | SPIr). */
static bool derive_all(const struct ike_suite *suite, struct octets skeyseed, struct octets seed,
                       struct ike_keys *out)
{
    size_t prf_size = suite->prf->size;
    size_t integrity = integrity_key_octets(suite->integrity);
    size_t encryption = encryption_key_octets(suite->encryption);
    const struct {
        uint8_t *at;
        size_t length;
    } parts[] = {
        {out->d, prf_size},    {out->ai, integrity}, {out->ar, integrity}, {out->ei, encryption},
        {out->er, encryption}, {out->pi, prf_size},  {out->pr, prf_size},
    };
    enum { PARTS = sizeof parts / sizeof *parts };
    uint8_t stream[3 * PRF_SIZE_MAX + 2 * INTEGRITY_KEY_MAX + 2 * ENCRYPTION_KEY_MAX];
    size_t total = 0;
    for (size_t i = 0; i < PARTS; i++)
        total += parts[i].length;
    if (!prf_plus(suite->prf, skeyseed, seed, stream, total))
        return false;
    struct reader r = reader_of(stream, total);
    for (size_t i = 0; i < PARTS; i++)
        reader_copy(&r, parts[i].at, parts[i].length);
    secret_wipe(stream, sizeof stream);
    return true;
}

/* Ni | Nr | SPIi | SPIr; the nonces alone are its first part. */
struct key_seed {
    uint8_t octets[2 * NONCE_SIZE_MAX + 16];
    size_t nonces_length, length;
};

static bool key_seed_of(struct octets nonce_i, struct octets nonce_r, uint64_t spi_i, uint64_t spi_r,
                        struct key_seed *out)
{
    struct writer w = writer_to(out->octets, sizeof out->octets);
    writer_put(&w, nonce_i.at, nonce_i.length);
    writer_put(&w, nonce_r.at, nonce_r.length);
    out->nonces_length = writer_length(&w);
    writer_put_u64be(&w, spi_i);
    writer_put_u64be(&w, spi_r);
    out->length = writer_length(&w);
    return !w.failed;
}

bool ike_keys_derive(const struct ike_suite *suite, struct octets shared_secret, struct octets nonce_i,
                     struct octets nonce_r, uint64_t spi_i, uint64_t spi_r, struct ike_keys *out)
{
    struct key_seed seed;
    uint8_t skeyseed[PRF_SIZE_MAX];
    bool ok = key_seed_of(nonce_i, nonce_r, spi_i, spi_r, &seed) &&
              prf_compute(suite->prf, (struct octets){seed.octets, seed.nonces_length}, &shared_secret, 1,
                          skeyseed) &&
              derive_all(suite, (struct octets){skeyseed, suite->prf->size},
                         (struct octets){seed.octets, seed.length}, out);
    secret_wipe(skeyseed, sizeof skeyseed);
    return ok;
}

bool ike_keys_rekey(const struct prf_algorithm *old_prf, const uint8_t *old_sk_d,
                    const struct ike_suite *suite, struct octets shared_secret, struct octets nonce_i,
                    struct octets nonce_r, uint64_t spi_i, uint64_t spi_r, struct ike_keys *out)
{
    struct key_seed seed;
    uint8_t skeyseed[PRF_SIZE_MAX];
    const struct octets parts[] = {shared_secret, nonce_i, nonce_r};
    bool ok = key_seed_of(nonce_i, nonce_r, spi_i, spi_r, &seed) &&
              prf_compute(old_prf, (struct octets){old_sk_d, old_prf->size}, parts, 3, skeyseed) &&
              derive_all(suite, (struct octets){skeyseed, old_prf->size},
                         (struct octets){seed.octets, seed.length}, out);
    secret_wipe(skeyseed, sizeof skeyseed);
    return ok;
}

bool child_keys_derive(const struct prf_algorithm *prf, const struct ike_keys *keys,
                       const struct ike_suite *child, struct octets shared_secret, struct octets nonce_i,
                       struct octets nonce_r, struct child_direction *to_responder,
                       struct child_direction *to_initiator)
{
    uint8_t seed_octets[KEY_EXCHANGE_SECRET_MAX + 2 * NONCE_SIZE_MAX];
    struct writer seed = writer_to(seed_octets, sizeof seed_octets);
    writer_put(&seed, shared_secret.at, shared_secret.length);
    writer_put(&seed, nonce_i.at, nonce_i.length);
    writer_put(&seed, nonce_r.at, nonce_r.length);

    size_t encryption = encryption_key_octets(child->encryption);
    size_t integrity = integrity_key_octets(child->integrity);
    uint8_t stream[2 * (ENCRYPTION_KEY_MAX + INTEGRITY_KEY_MAX)];
    size_t total = 2 * (encryption + integrity);
    bool ok = !seed.failed &&
              prf_plus(prf, (struct octets){keys->d, prf->size}, writer_octets(&seed), stream, total);
    if (ok) {
        struct reader r = reader_of(stream, total);
        reader_copy(&r, to_responder->encryption_key, encryption);
        reader_copy(&r, to_responder->integrity_key, integrity);
        reader_copy(&r, to_initiator->encryption_key, encryption);
        reader_copy(&r, to_initiator->integrity_key, integrity);
    }
    secret_wipe(seed_octets, sizeof seed_octets);
    secret_wipe(stream, sizeof stream);
    return ok;
}
