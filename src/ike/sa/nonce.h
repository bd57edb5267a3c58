/*
 * Nonces (RFC 7296 2.10), and the comparison that decides which of two SAs is closed that were made at the
 * same time (2.8.1).
 */
#ifndef MUSUBI_IKE_SA_NONCE_H
#define MUSUBI_IKE_SA_NONCE_H

#include "ike/services/buffer.h"
#include "ike/services/engine.h"
#include "ike/wire/message.h"

/* Makes a nonce of this end. False if there is no memory. */
bool nonce_make(struct ike_engine *engine, struct ike_buffer *nonce);

/* The nonce of a message. No octets if it has none, or one of a wrong size (RFC 7296 3.9). */
struct octets nonce_of(const struct ike_message *message);

/* Keeps the nonce of a message. False if it has none of a proper size, or there is no memory. */
bool nonce_take(struct ike_buffer *nonce, const struct ike_message *message);

/* The lower one of the two nonces of an exchange. */
struct lowest_nonce {
    uint8_t length;
    uint8_t octets[NONCE_SIZE_MAX - 1]; /* what lies behind cannot matter between nonces of ours and theirs */
};

struct lowest_nonce lowest_nonce_of(const struct ike_buffer *nonce_i, const struct ike_buffer *nonce_r);

/* Compares as RFC 7296 2.8.1 says, octet by octet: below 0 if `a` is lower. */
int lowest_nonce_compare(const struct lowest_nonce *a, const struct lowest_nonce *b);

#endif
