/*
 * Diffie-Hellman over elliptic curves: the operations of rows of the table of key exchange methods
 * (crypto/key_exchange.h), for Curve25519 (RFC 7748, 8031) and the 256-bit random ECP group (RFC 5903).
 */
#ifndef MUSUBI_CRYPTO_ECDH_H
#define MUSUBI_CRYPTO_ECDH_H

#include "crypto/key_exchange.h"

/* The private state is the caller's random octets. A share that leads to a secret of zeros is refused
 * (RFC 8031 3.2). */
bool x25519_generate(const struct key_exchange_method *m, const uint8_t *random, uint8_t *private_state,
                     uint8_t *share);
bool x25519_answer(const struct key_exchange_method *m, const uint8_t *random, const uint8_t *peer_share,
                   uint8_t *share, uint8_t *secret);
bool x25519_finish(const struct key_exchange_method *m, const uint8_t *private_state,
                   const uint8_t *peer_share, uint8_t *secret);

/*
 * Shares are a point's two coordinates; the secret is the first one of the common point (RFC 5903 7). The
 * private state is a number from 1 to the order of the group - 1, made of random octets with 64 bits to spare
 * (FIPS 186-4 B.4.1).
 */
bool ecp_generate(const struct key_exchange_method *m, const uint8_t *random, uint8_t *private_state,
                  uint8_t *share);
bool ecp_answer(const struct key_exchange_method *m, const uint8_t *random, const uint8_t *peer_share,
                uint8_t *share, uint8_t *secret);
bool ecp_finish(const struct key_exchange_method *m, const uint8_t *private_state, const uint8_t *peer_share,
                uint8_t *secret);

/* RFC 6989 2.3: the point is on the curve. */
bool ecp_share_is_valid(const struct key_exchange_method *m, const uint8_t *peer_share);

#endif
