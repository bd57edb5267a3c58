/*
 * Hashes and keyed hashes: PRF and prf+ (RFC 7296 2.13), integrity algorithms (RFC 4868, RFC 2404), SHA-1.
 *
 * All functions return false only if OpenSSL failed, for want of memory, say.
 */
#ifndef MUSUBI_CRYPTO_PRF_H
#define MUSUBI_CRYPTO_PRF_H

#include "base/bytes.h"
#include "crypto/algorithm.h"

/*
 * prf(key, parts[0] | parts[1] | …): writes a->size octets to `out`. The key may have any length.
 */
bool prf_compute(const struct prf_algorithm *a, struct octets key, const struct octets *parts, size_t count,
                 uint8_t *out);

/* prf+(key, seed) (RFC 7296 2.13): writes `length` octets, at most 255 times a->size; false for more. */
bool prf_plus(const struct prf_algorithm *a, struct octets key, struct octets seed, uint8_t *out,
              size_t length);

/*
 * The ICV of parts[0] | parts[1] | … with a key of a->key_size octets: writes a->icv_size octets. Compare
 * ICVs by secret_equal.
 */
bool integrity_compute(const struct integrity_algorithm *a, const uint8_t *key, const struct octets *parts,
                       size_t count, uint8_t *icv);

/* SHA-1 of parts[0] | parts[1] | …, for NAT detection (RFC 7296 2.23) and CERTREQ (3.7): writes 20 octets to
 * `out`. */
bool sha1_compute(const struct octets *parts, size_t count, uint8_t out[20]);

#endif
