#include "crypto/modp.h"

#include <string.h>
#include <threads.h>

#include <openssl/bn.h>

#include "crypto/generator.h"

/* A group's modulus, what Montgomery multiplication needs of it, and its generator: made once, constant from
 * then on, so that any thread may use them at the same time. */
struct modulus {
    uint16_t id; /* enum key_exchange_id */
    BIGNUM *(*prime)(BIGNUM *);
    BIGNUM *p; /* NULL: memory ran out when it was made */
    BN_MONT_CTX *montgomery;
    struct generator *generator;
};

static once_flag moduli_once = ONCE_FLAG_INIT;
static struct modulus moduli[] = {
    {.id = KE_MODP_3072, .prime = BN_get_rfc3526_prime_3072},
    {.id = KE_MODP_2048, .prime = BN_get_rfc3526_prime_2048},
    {.id = KE_MODP_1536, .prime = BN_get_rfc3526_prime_1536},
    {.id = KE_MODP_1024, .prime = BN_get_rfc2409_prime_1024},
    {.id = KE_MODP_768, .prime = BN_get_rfc2409_prime_768},
};
enum { MODULI = sizeof moduli / sizeof *moduli };

static bool make_modulus(struct modulus *m, BN_CTX *context)
{
    m->p = m->prime(NULL);
    m->montgomery = BN_MONT_CTX_new();
    if (m->p == NULL || m->montgomery == NULL || BN_MONT_CTX_set(m->montgomery, m->p, context) != 1)
        return false;
    m->generator = generator_new(m->p, m->montgomery, key_exchange_by_id(m->id)->private_size);
    return m->generator != NULL;
}

static void make_moduli(void)
{
    BN_CTX *context = BN_CTX_new();
    for (size_t i = 0; context != NULL && i < MODULI; i++) {
        struct modulus m = moduli[i];
        if (make_modulus(&m, context)) {
            moduli[i] = m;
            continue;
        }
        BN_free(m.p);
        BN_MONT_CTX_free(m.montgomery);
    }
    BN_CTX_free(context);
}

/* The modulus of a method; NULL if memory ran out when it was made. */
static const struct modulus *modulus_of(const struct key_exchange_method *m)
{
    call_once(&moduli_once, make_moduli);
    for (size_t i = 0; i < MODULI; i++) {
        if (moduli[i].id == m->id)
            return moduli[i].p != NULL ? &moduli[i] : NULL;
    }
    return NULL;
}

/* base^exponent mod p, as many octets to `out` as the modulus has. */
static bool modular_power(const struct key_exchange_method *method, const BIGNUM *base,
                          const uint8_t *private_state, uint8_t *out)
{
    const struct modulus *m = modulus_of(method);
    BN_CTX *context = BN_CTX_secure_new();
    BIGNUM *exponent = BN_secure_new();
    BIGNUM *power = BN_secure_new();
    int size = (int)method->secret_size;
    bool done = false;
    if (m == NULL || context == NULL || exponent == NULL || power == NULL)
        goto out;
    BN_set_flags(exponent, BN_FLG_CONSTTIME);
    if (BN_bin2bn(private_state, (int)method->private_size, exponent) == NULL ||
        BN_mod_exp_mont_consttime(power, base, exponent, m->p, context, m->montgomery) != 1)
        goto out;
    done = BN_bn2binpad(power, out, size) == size;
out:
    BN_clear_free(power);
    BN_clear_free(exponent);
    BN_CTX_free(context);
    return done;
}

/* g^exponent; all groups have the generator 2. */
static bool modp_share(const struct key_exchange_method *m, const uint8_t *private_state, uint8_t *share)
{
    const struct modulus *modulus = modulus_of(m);
    return modulus != NULL && generator_power(modulus->generator, private_state, share);
}

bool modp_generate(const struct key_exchange_method *m, const uint8_t *random, uint8_t *private_state,
                   uint8_t *share)
{
    memcpy(private_state, random, m->private_size);
    return modp_share(m, private_state, share);
}

bool modp_finish(const struct key_exchange_method *m, const uint8_t *private_state, const uint8_t *peer_share,
                 uint8_t *secret)
{
    BIGNUM *base = BN_bin2bn(peer_share, (int)m->responder_share_size, NULL);
    bool done = base != NULL && modular_power(m, base, private_state, secret);
    BN_free(base);
    return done;
}

bool modp_answer(const struct key_exchange_method *m, const uint8_t *random, const uint8_t *peer_share,
                 uint8_t *share, uint8_t *secret)
{
    return modp_share(m, random, share) && modp_finish(m, random, peer_share, secret);
}

bool modp_share_is_valid(const struct key_exchange_method *m, const uint8_t *peer_share)
{
    const struct modulus *modulus = modulus_of(m);
    size_t size = m->initiator_share_size;
    uint8_t below_p[KEY_EXCHANGE_SHARE_MAX];
    if (modulus == NULL || BN_bn2binpad(modulus->p, below_p, (int)size) < 0)
        return false;
    /* p is odd, so that p - 1 differs from it in the last octet alone. Big-endian numbers of one length
     * compare as octets do. */
    below_p[size - 1]--;
    uint8_t one[KEY_EXCHANGE_SHARE_MAX] = {0};
    one[size - 1] = 1;
    return memcmp(peer_share, one, size) > 0 && memcmp(peer_share, below_p, size) < 0;
}
