/*
 * The Encrypted payload (RFC 7296 3.14, with an AEAD RFC 5282): sealing a chain of payloads into a message
 * and opening it again.
 */
#ifndef MUSUBI_IKE_WIRE_PROTECT_H
#define MUSUBI_IKE_WIRE_PROTECT_H

#include "crypto/algorithm.h"
#include "ike/wire/message.h"

/* The keys of one direction. */
struct ike_protection {
    const struct encryption_algorithm *encryption;
    const struct integrity_algorithm *integrity; /* NULL with an AEAD */
    const uint8_t *encryption_key;
    const uint8_t *integrity_key;
};

/* Octets that sealing adds to a chain of payloads at most, header of the message included. */
enum { PROTECT_OVERHEAD_MAX = IKE_HEADER_SIZE + IKE_PAYLOAD_HEADER_SIZE + 16 + 16 + INTEGRITY_ICV_MAX };

/* A piece of a chain of payloads that goes into one message: all of it, or a fragment (RFC 7383 2.5). */
struct protect_text {
    struct octets octets;
    uint8_t first_payload;  /* of the chain; PAYLOAD_NONE in all fragments but the first */
    uint16_t number, total; /* of fragments; 0: the whole chain, in an SK payload */
};

/*
 * Writes a whole message to `out` (`capacity` octets): `header`, and an SK or SKF payload with `text`. `iv`
 * has encryption->iv_size octets: unpredictable for CBC, never used before for GCM. Returns the message; no
 * octets if it did not fit or the arithmetic failed.
 */
struct octets protect_seal(const struct ike_protection *p, const struct ike_header *header,
                           const struct protect_text *text, const uint8_t *iv, void *out, size_t capacity);

/* The whole chain in `inner` as one text. */
struct protect_text protect_whole(const struct message_writer *inner);

/*
 * Checks and decrypts the SK or SKF payload `sk` of the datagram that begins at `datagram` and ends with it,
 * in place. Returns the chain of payloads. False, with nothing revealed, if it is too short, or the ICV or
 * the padding is wrong.
 */
bool protect_open(const struct ike_protection *p, uint8_t *datagram, const struct ike_payload *sk,
                  struct octets *chain);

#endif
