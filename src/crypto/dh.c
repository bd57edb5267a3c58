#include "crypto/dh.h"

#include <string.h>
#include <threads.h>

#include <openssl/bn.h>

/* A group's modulus and what Montgomery multiplication needs of it: made once, constant from then on, so
 * that any thread may use them at the same time. */
struct modulus {
    BIGNUM *p;
    BN_MONT_CTX *montgomery;
};

/* Rows as in `dh_groups`. */
static BIGNUM *(*const primes[DH_COUNT])(BIGNUM *) = {
    BN_get_rfc3526_prime_3072, BN_get_rfc3526_prime_2048, BN_get_rfc3526_prime_1536,
    BN_get_rfc2409_prime_1024, BN_get_rfc2409_prime_768,
};

static once_flag moduli_once = ONCE_FLAG_INIT;
static struct modulus moduli[DH_COUNT];

static void make_moduli(void)
{
    BN_CTX *context = BN_CTX_new();
    for (size_t i = 0; context != NULL && i < DH_COUNT; i++) {
        struct modulus m = {primes[i](NULL), BN_MONT_CTX_new()};
        if (m.p != NULL && m.montgomery != NULL && BN_MONT_CTX_set(m.montgomery, m.p, context) == 1) {
            moduli[i] = m;
            continue;
        }
        BN_free(m.p);
        BN_MONT_CTX_free(m.montgomery);
    }
    BN_CTX_free(context);
}

/* The modulus of a row of `dh_groups`; NULL if memory ran out when it was made. */
static const struct modulus *modulus_of(const struct dh_group *g)
{
    call_once(&moduli_once, make_moduli);
    const struct modulus *m = &moduli[g - dh_groups];
    return m->p != NULL ? m : NULL;
}

/* base^private mod p, `public_size` octets to `out`. */
static bool modular_power(const struct dh_group *g, const BIGNUM *base, const uint8_t *private, uint8_t *out)
{
    const struct modulus *m = modulus_of(g);
    BN_CTX *context = BN_CTX_secure_new();
    BIGNUM *exponent = BN_secure_new();
    BIGNUM *power = BN_secure_new();
    bool done = false;
    if (m == NULL || context == NULL || exponent == NULL || power == NULL)
        goto out;
    BN_set_flags(exponent, BN_FLG_CONSTTIME);
    if (BN_bin2bn(private, (int)g->private_size, exponent) == NULL ||
        BN_mod_exp_mont_consttime(power, base, exponent, m->p, context, m->montgomery) != 1)
        goto out;
    done = BN_bn2binpad(power, out, (int)g->public_size) == (int)g->public_size;
out:
    BN_clear_free(power);
    BN_clear_free(exponent);
    BN_CTX_free(context);
    return done;
}

bool dh_public(const struct dh_group *g, const uint8_t *private, uint8_t *public)
{
    BIGNUM *generator = BN_new();
    bool done =
        generator != NULL && BN_set_word(generator, 2) == 1 && modular_power(g, generator, private, public);
    BN_free(generator);
    return done;
}

bool dh_public_is_valid(const struct dh_group *g, const uint8_t *public)
{
    const struct modulus *m = modulus_of(g);
    uint8_t modulus[DH_PUBLIC_MAX];
    if (m == NULL || BN_bn2binpad(m->p, modulus, (int)g->public_size) < 0)
        return false;
    /* p is odd, so that p - 1 differs from it in the last octet alone. Big-endian numbers of one length
     * compare as octets do. */
    size_t last = g->public_size - 1;
    modulus[last]--;
    uint8_t one[DH_PUBLIC_MAX] = {0};
    one[last] = 1;
    return memcmp(public, one, g->public_size) > 0 && memcmp(public, modulus, g->public_size) < 0;
}

bool dh_shared(const struct dh_group *g, const uint8_t *private, const uint8_t *peer_public, uint8_t *shared)
{
    if (!dh_public_is_valid(g, peer_public))
        return false;
    BIGNUM *base = BN_bin2bn(peer_public, (int)g->public_size, NULL);
    bool done = base != NULL && modular_power(g, base, private, shared);
    BN_free(base);
    return done;
}
