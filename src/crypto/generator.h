/*
 * Powers of a MODP group's generator, which is 2, by a table of powers that are made once: Lim and Lee's comb
 * ("More Flexible Exponentiation with Precomputation", 1994). That takes a quarter of the multiplications of
 * a power of any other base.
 *
 * The time that a power takes, and the memory that is read for it, do not depend on the exponent: all entries
 * among which its bits choose are read, and none of them is shorter than the modulus.
 */
#ifndef MUSUBI_CRYPTO_GENERATOR_H
#define MUSUBI_CRYPTO_GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/bn.h>

struct generator;

/*
 * Makes the table for exponents of `exponent_size` octets. `p`, the modulus, and `montgomery`, which is made
 * for it, stay the caller's, and have to stay as long as the table. NULL if memory ran out or a size does not
 * suit: an exponent has a multiple of 4 octets, a modulus whole words and no leading zero octet.
 */
struct generator *generator_new(const BIGNUM *p, BN_MONT_CTX *montgomery, size_t exponent_size);

/* Frees it; `g` may be NULL. */
void generator_free(struct generator *g);

/*
 * 2^exponent mod p, as many octets to `out` as the modulus has. Any thread may call it at the same time.
 * False if memory ran out.
 */
bool generator_power(const struct generator *g, const uint8_t *exponent, uint8_t *out);

#endif
