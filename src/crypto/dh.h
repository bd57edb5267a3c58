/*
 * Diffie-Hellman over the MODP groups of RFC 2409, 3526. Private values come from the caller, so that the
 * engine's random source decides all of an exchange; exponents are used in constant time.
 */
#ifndef MUSUBI_CRYPTO_DH_H
#define MUSUBI_CRYPTO_DH_H

#include "crypto/algorithm.h"

/* The public value g^private mod p, `public_size` octets, left-padded. `private` has `private_size` random
 * octets. False only if the arithmetic failed (no memory). */
bool dh_public(const struct dh_group *g, const uint8_t *private, uint8_t *public);

/* The checks of RFC 6989 2.1: 1 < value < p - 1, for `public_size` octets. */
bool dh_public_is_valid(const struct dh_group *g, const uint8_t *public);

/* The shared secret, `public_size` octets, left-padded (RFC 7296 2.14). False if the peer's value is not
 * valid or the arithmetic failed. */
bool dh_shared(const struct dh_group *g, const uint8_t *private, const uint8_t *peer_public, uint8_t *shared);

#endif
