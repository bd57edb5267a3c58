/*
 * Algorithms of an SA: those that it may use by a policy, and the suite that both ends agreed on. The order
 * of security (S10) is that of the tables of crypto/algorithm.h; encryption is compared first, then DH,
 * integrity, PRF.
 */
#ifndef MUSUBI_IKE_WIRE_SUITE_H
#define MUSUBI_IKE_WIRE_SUITE_H

#include "config/policy.h"
#include "crypto/key_exchange.h"

/* What the two ends of an IKE SA or a Child SA agreed on. Unused members are NULL. */
struct ike_suite {
    const struct encryption_algorithm *encryption;
    const struct integrity_algorithm *integrity; /* NULL with an AEAD */
    const struct prf_algorithm *prf;             /* IKE SA only */
    const struct key_exchange_method *dh;        /* Child SA: of PFS, or NULL */
};

/* True if `a` is more secure than `b` (S10). */
bool ike_suite_is_better(const struct ike_suite *a, const struct ike_suite *b);

/* The algorithms that an SA may use, for either kind. */
struct proposal_policy {
    uint8_t protocol; /* PROTOCOL_IKE or PROTOCOL_ESP */
    algorithm_set encryption, integrity, prf, dh;
    bool dh_none;   /* a suite without DH is allowed (Child SA without PFS) */
    bool dh_ignore; /* DH is neither proposed nor considered (Child SA of IKE_AUTH, RFC 7296 1.2) */
};

/* The algorithms that a policy wants for IKE SAs. */
struct proposal_policy proposal_policy_of_ike(const struct ike_algorithms *algorithms);

/* Those for Child SAs. `in_auth`: for the one of IKE_AUTH, where no DH takes place (S11). */
struct proposal_policy proposal_policy_of_child(const struct child_algorithms *algorithms, bool in_auth);

#endif
