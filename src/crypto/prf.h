/*
 * Hashes and keyed hashes: PRF, prf+ and integrity checks (RFC 7296 2.13, RFC 4868, RFC 2404).
 */
#ifndef MUSUBI_CRYPTO_PRF_H
#define MUSUBI_CRYPTO_PRF_H

#include "base/bytes.h"
#include "crypto/algorithm.h"

/*
 * prf(key, parts[0] | parts[1] | …): writes `a->size` octets to `out`. The key may have any length.
 * False only if the arithmetic failed (no memory).
 */
bool prf_compute(const struct prf_algorithm *a, struct octets key, const struct octets *parts, size_t count,
                 uint8_t *out);

/* prf+ (RFC 7296 2.13): `length` octets, at most 255 times a->size, from key and seed. False as above. */
bool prf_plus(const struct prf_algorithm *a, struct octets key, struct octets seed, uint8_t *out,
              size_t length);

/*
 * The truncated keyed hash of `parts` under a key of a->key_size octets: writes a->icv_size octets. Compare
 * with secret_equal. False as above.
 */
bool integrity_compute(const struct integrity_algorithm *a, const uint8_t *key, const struct octets *parts,
                       size_t count, uint8_t *icv);

/* SHA-1 of `length` octets (NAT detection, RFC 7296 2.23, and CERTREQ): writes 20 octets. False as above. */
bool sha1_compute(const struct octets *parts, size_t count, uint8_t out[20]);

#endif
