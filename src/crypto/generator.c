#include "crypto/generator.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/key_exchange.h"

/*
 * With an exponent of n bits, e[0] to e[n - 1], n = TEETH * BLOCKS * columns, and e[t, b, c] for the bit
 * (t * BLOCKS + b) * columns + c, the power is
 *
 *     product over c, from the highest, squaring between them, of
 *         product over b of entry[b][e[0, b, c] + 2 e[1, b, c] + 4 e[2, b, c] + 8 e[3, b, c]]
 *
 * where the entry of a block b and the bits t of its index is the product of the powers
 * 2^(2^((t * BLOCKS + b) * columns)).
 *
 * Each entry is multiplied by one constant, the veil, so that none is a small number: OpenSSL's
 * multiplication takes another time for numbers of fewer words. What has come of all the veils in the end is
 * the same for all exponents, and is taken away by one multiplication.
 */
enum {
    TEETH = 4,
    BLOCKS = 8,
    ENTRIES = 1 << TEETH, /* of a block */
    WORDS_MAX = KEY_EXCHANGE_SHARE_MAX / 8,
    VEILS = 64, /* that are tried: half of them will do */
};

struct generator {
    const BIGNUM *p;
    BN_MONT_CTX *montgomery;
    size_t exponent_size;
    size_t columns;
    size_t words;    /* of the modulus */
    BIGNUM *veil;    /* in Montgomery form, as all of the table */
    BIGNUM *unveil;  /* not in Montgomery form: so the product with it is not either */
    uint64_t *table; /* BLOCKS * ENTRIES numbers of `words`, in little-endian octets */
};

static uint64_t *entry_at(const struct generator *g, size_t block, size_t index)
{
    return g->table + (block * ENTRIES + index) * g->words;
}

/* ---- The table --------------------------------------------------------------------------------------- */

static bool entry_put(struct generator *g, size_t block, size_t index, const BIGNUM *value)
{
    int size = (int)g->words * 8;
    return BN_bn2lebinpad(value, (unsigned char *)entry_at(g, block, index), size) == size;
}

static bool entry_get(const struct generator *g, size_t block, size_t index, BIGNUM *out)
{
    return BN_lebin2bn((const unsigned char *)entry_at(g, block, index), (int)g->words * 8, out) != NULL;
}

/* Numbers to calculate with, and the context for it. None of them is secret. */
struct scratch {
    BN_CTX *context;
    BIGNUM *a, *b;
};

static bool multiply(const struct generator *g, BIGNUM *into, const BIGNUM *by, BN_CTX *context)
{
    return BN_mod_mul_montgomery(into, into, by, g->montgomery, context) == 1;
}

/* The entries of one tooth alone: 2^(2^i) for each i that is a multiple of `columns`. */
static bool fill_powers(struct generator *g, const struct scratch *s)
{
    if (BN_set_word(s->a, 2) != 1 || BN_to_montgomery(s->a, s->a, g->montgomery, s->context) != 1)
        return false;
    for (size_t i = 0; i < TEETH * BLOCKS; i++) {
        if (!entry_put(g, i % BLOCKS, (size_t)1 << i / BLOCKS, s->a))
            return false;
        for (size_t column = 0; column < g->columns; column++) {
            if (!multiply(g, s->a, s->a, s->context))
                return false;
        }
    }
    return true;
}

/* The entries of no tooth and of several, each the product of two before it. */
static bool fill_products(struct generator *g, const struct scratch *s)
{
    bool done = BN_one(s->a) == 1 && BN_to_montgomery(s->a, s->a, g->montgomery, s->context) == 1;
    for (size_t block = 0; done && block < BLOCKS; block++) {
        done = entry_put(g, block, 0, s->a);
    }
    for (size_t i = 0; done && i < BLOCKS * ENTRIES; i++) {
        size_t block = i / ENTRIES, index = i % ENTRIES, rest = index & (index - 1);
        if (index != 0 && rest != 0)
            done = entry_get(g, block, rest, s->a) && entry_get(g, block, index - rest, s->b) &&
                   multiply(g, s->a, s->b, s->context) && entry_put(g, block, index, s->a);
    }
    return done;
}

/* True if no entry begins with a zero octet once it is veiled. */
static bool veil_suits(const struct generator *g, const struct scratch *s)
{
    for (size_t i = 0; i < BLOCKS * ENTRIES; i++) {
        if (!entry_get(g, i / ENTRIES, i % ENTRIES, s->a) || !multiply(g, s->a, g->veil, s->context) ||
            (size_t)BN_num_bytes(s->a) != g->words * 8)
            return false;
    }
    return true;
}

static bool choose_veil(struct generator *g, const struct scratch *s)
{
    uint8_t octets[WORDS_MAX * 8];
    for (uint8_t first = 1; first <= VEILS; first++) {
        for (size_t i = 0; i < g->words * 8; i++)
            octets[i] = (uint8_t)(first + 31 * i);
        if (BN_bin2bn(octets, (int)g->words * 8, g->veil) == NULL)
            return false;
        if (veil_suits(g, s))
            return true;
    }
    return false;
}

static bool veil_entries(struct generator *g, const struct scratch *s)
{
    bool done = true;
    for (size_t i = 0; done && i < BLOCKS * ENTRIES; i++)
        done = entry_get(g, i / ENTRIES, i % ENTRIES, s->a) && multiply(g, s->a, g->veil, s->context) &&
               entry_put(g, i / ENTRIES, i % ENTRIES, s->a);
    return done;
}

/*
 * A power begins with the veil, and each column squares what there is and multiplies it by BLOCKS entries. So
 * in the end there is the veil's power by 2^columns + BLOCKS * (2^columns - 1).
 */
static bool make_unveil(struct generator *g, const struct scratch *s)
{
    BN_ULONG squared = (BN_ULONG)1 << g->columns;
    return BN_from_montgomery(s->a, g->veil, g->montgomery, s->context) == 1 &&
           BN_set_word(s->b, squared + BLOCKS * (squared - 1)) == 1 &&
           BN_mod_exp(s->a, s->a, s->b, g->p, s->context) == 1 &&
           BN_mod_inverse(g->unveil, s->a, g->p, s->context) != NULL;
}

static bool fill(struct generator *g, const struct scratch *s)
{
    return fill_powers(g, s) && fill_products(g, s) && choose_veil(g, s) && veil_entries(g, s) &&
           make_unveil(g, s);
}

static bool sizes_suit(const BIGNUM *p, size_t exponent_size)
{
    size_t size = (size_t)BN_num_bytes(p);
    return size % 8 == 0 && size <= KEY_EXCHANGE_SHARE_MAX && exponent_size % (TEETH * BLOCKS / 8) == 0 &&
           exponent_size <= KEY_EXCHANGE_PRIVATE_MAX;
}

struct generator *generator_new(const BIGNUM *p, BN_MONT_CTX *montgomery, size_t exponent_size)
{
    struct generator *g = sizes_suit(p, exponent_size) ? calloc(1, sizeof *g) : NULL;
    if (g == NULL)
        return NULL;
    *g = (struct generator){
        .p = p,
        .montgomery = montgomery,
        .exponent_size = exponent_size,
        .columns = exponent_size * 8 / (TEETH * BLOCKS),
        .words = (size_t)BN_num_bytes(p) / 8,
        .veil = BN_new(),
        .unveil = BN_new(),
    };
    g->table = calloc(BLOCKS * ENTRIES * g->words, sizeof *g->table);
    const struct scratch s = {BN_CTX_new(), BN_new(), BN_new()};
    bool done = g->veil != NULL && g->unveil != NULL && g->table != NULL && s.context != NULL &&
                s.a != NULL && s.b != NULL && fill(g, &s);
    BN_free(s.b);
    BN_free(s.a);
    BN_CTX_free(s.context);
    if (done)
        return g;
    generator_free(g);
    return NULL;
}

void generator_free(struct generator *g)
{
    if (g == NULL)
        return;
    BN_free(g->veil);
    BN_free(g->unveil);
    free(g->table);
    free(g);
}

/* ---- A power ----------------------------------------------------------------------------------------- */

/* All ones if the two are the same, else zero; the compiler does not know that it is one of these two. */
static uint64_t mask_if_same(uint64_t a, uint64_t b)
{
    uint64_t difference = a ^ b;
    uint64_t mask = 0 - (((difference - 1) & ~difference) >> 63);
    __asm__("" : "+r"(mask));
    return mask;
}

/* Copies an entry, and reads all of its block for it. */
static void choose(const struct generator *g, size_t block, uint64_t index, uint64_t *out)
{
    const uint64_t *entry = entry_at(g, block, 0);
    memset(out, 0, g->words * sizeof *out);
    for (uint64_t i = 0; i < ENTRIES; i++, entry += g->words) {
        uint64_t mask = mask_if_same(i, index);
        for (size_t word = 0; word < g->words; word++)
            out[word] |= entry[word] & mask;
    }
}

/* The bits of the exponent that choose an entry. */
static uint64_t index_of(const struct generator *g, const uint8_t *exponent, size_t block, size_t column)
{
    uint64_t index = 0;
    for (size_t tooth = 0; tooth < TEETH; tooth++) {
        size_t bit = (tooth * BLOCKS + block) * g->columns + column;
        uint8_t octet = exponent[g->exponent_size - 1 - bit / 8];
        index |= (uint64_t)(octet >> bit % 8 & 1) << tooth;
    }
    return index;
}

static bool multiply_column(const struct generator *g, const uint8_t *exponent, size_t column, BIGNUM *power,
                            BIGNUM *factor, BN_CTX *context)
{
    uint64_t chosen[WORDS_MAX];
    bool done = true;
    for (size_t block = 0; done && block < BLOCKS; block++) {
        choose(g, block, index_of(g, exponent, block, column), chosen);
        done = BN_lebin2bn((const unsigned char *)chosen, (int)g->words * 8, factor) != NULL &&
               multiply(g, power, factor, context);
    }
    secret_wipe(chosen, sizeof chosen);
    return done;
}

bool generator_power(const struct generator *g, const uint8_t *exponent, uint8_t *out)
{
    BN_CTX *context = BN_CTX_secure_new();
    BIGNUM *power = BN_secure_new();
    BIGNUM *factor = BN_secure_new();
    int size = (int)g->words * 8;
    bool done = context != NULL && power != NULL && factor != NULL && BN_copy(power, g->veil) != NULL;
    for (size_t column = g->columns; done && column > 0; column--)
        done = multiply(g, power, power, context) &&
               multiply_column(g, exponent, column - 1, power, factor, context);
    done = done && multiply(g, power, g->unveil, context) && BN_bn2binpad(power, out, size) == size;
    BN_clear_free(factor);
    BN_clear_free(power);
    BN_CTX_free(context);
    return done;
}
