/*
 * Keying material of IKE SAs and Child SAs (RFC 7296 2.13 to 2.18).
 */
#ifndef MUSUBI_IKE_SA_KEYS_H
#define MUSUBI_IKE_SA_KEYS_H

#include "ike/ike.h"
#include "ike/wire/message.h"
#include "ike/wire/suite.h"

/* SK_d, SK_ai, … as in RFC 7296 2.14. The sizes are those of the suite's algorithms. */
struct ike_keys {
    uint8_t d[PRF_SIZE_MAX];
    uint8_t ai[INTEGRITY_KEY_MAX], ar[INTEGRITY_KEY_MAX];
    uint8_t ei[ENCRYPTION_KEY_MAX], er[ENCRYPTION_KEY_MAX]; /* with the salt of GCM */
    uint8_t pi[PRF_SIZE_MAX], pr[PRF_SIZE_MAX];
};

/* Octets of key material that an encryption algorithm takes, salt included. */
size_t encryption_key_octets(const struct encryption_algorithm *a);

/* Derives all keys of a first IKE SA (RFC 7296 2.14) from g^ir, the nonces and the SPIs. False if the
 * arithmetic failed. */
bool ike_keys_derive(const struct ike_suite *suite, struct octets shared_secret, struct octets nonce_i,
                     struct octets nonce_r, uint64_t spi_i, uint64_t spi_r, struct ike_keys *out);

/* The same for a rekeyed IKE SA (RFC 7296 2.18), from PRF and SK_d of the old one. */
bool ike_keys_rekey(const struct prf_algorithm *old_prf, const uint8_t *old_sk_d,
                    const struct ike_suite *suite, struct octets shared_secret, struct octets nonce_i,
                    struct octets nonce_r, uint64_t spi_i, uint64_t spi_r, struct ike_keys *out);

/*
 * Derives the keys of a Child SA (RFC 7296 2.17): `to_responder` is the direction from the exchange's
 * initiator to its responder. `shared_secret` is empty without PFS. Only the keys of the two directions are
 * set.
 */
bool child_keys_derive(const struct prf_algorithm *prf, const struct ike_keys *keys,
                       const struct ike_suite *child, struct octets shared_secret, struct octets nonce_i,
                       struct octets nonce_r, struct child_direction *to_responder,
                       struct child_direction *to_initiator);

#endif
