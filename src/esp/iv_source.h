/*
 * Unpredictable IVs (RFC 3602 3, RFC 2451): the key stream of AES-256 in counter mode under a secret seed.
 * With each refill the key is replaced by the stream's own first octets, so that a later look into the memory
 * does not tell the IVs of before.
 */
#ifndef MUSUBI_ESP_IV_SOURCE_H
#define MUSUBI_ESP_IV_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iv_source;

/* A source for one thread; what it yields is determined by the 48 octets of `seed`. NULL if memory ran out.
 */
struct iv_source *iv_source_new(const uint8_t seed[48]);

/* Wipes and frees. `source` may be NULL. */
void iv_source_free(struct iv_source *source);

/* Writes the next `length` octets, 16 at most, to `to`. False only if libcrypto failed. */
bool iv_source_draw(struct iv_source *source, uint8_t *to, size_t length);

#endif
