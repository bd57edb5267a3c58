/*
 * Diffie-Hellman over the MODP groups of RFC 2409, 3526: the operations of such rows of the table of key
 * exchange methods (crypto/key_exchange.h). The private state is the exponent, which is the caller's random
 * octets, and is used in constant time. Shares and secrets are padded on the left to the size of the modulus
 * (RFC 7296 2.14).
 */
#ifndef MUSUBI_CRYPTO_MODP_H
#define MUSUBI_CRYPTO_MODP_H

#include "crypto/key_exchange.h"

bool modp_generate(const struct key_exchange_method *m, const uint8_t *random, uint8_t *private_state,
                   uint8_t *share);
bool modp_answer(const struct key_exchange_method *m, const uint8_t *random, const uint8_t *peer_share,
                 uint8_t *share, uint8_t *secret);
bool modp_finish(const struct key_exchange_method *m, const uint8_t *private_state, const uint8_t *peer_share,
                 uint8_t *secret);

/* RFC 6989 2.1: 1 < value < p - 1. */
bool modp_share_is_valid(const struct key_exchange_method *m, const uint8_t *peer_share);

#endif
