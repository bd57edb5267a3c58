/*
 * Octets in memory of their own, which is wiped when it is given back: nonces, messages that are kept.
 */
#ifndef MUSUBI_IKE_SERVICES_BUFFER_H
#define MUSUBI_IKE_SERVICES_BUFFER_H

#include "base/bytes.h"

/* A zeroed buffer is empty. */
struct ike_buffer {
    uint8_t *at;
    size_t length;
};

/* Replaces the content of a buffer by a copy; false, with the buffer as it was, if there is no memory. */
bool ike_buffer_set(struct ike_buffer *buffer, struct octets from);

/* Empties a buffer. */
void ike_buffer_clear(struct ike_buffer *buffer);

/* The content; valid as long as the buffer is not changed. */
struct octets ike_buffer_octets(const struct ike_buffer *buffer);

#endif
