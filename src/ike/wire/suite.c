#include "ike/wire/suite.h"

#include "ike/wire/numbers.h"

#include <string.h>

struct proposal_policy proposal_policy_of_ike(const struct ike_algorithms *algorithms)
{
    return (struct proposal_policy){.protocol = PROTOCOL_IKE,
                                    .encryption = algorithms->encryption,
                                    .integrity = algorithms->integrity,
                                    .prf = algorithms->prf,
                                    .dh = algorithms->dh};
}

struct proposal_policy proposal_policy_of_child(const struct child_algorithms *algorithms, bool in_auth)
{
    return (struct proposal_policy){.protocol = PROTOCOL_ESP,
                                    .encryption = algorithms->encryption,
                                    .integrity = algorithms->integrity,
                                    .dh = in_auth ? 0 : algorithms->pfs,
                                    .dh_none = in_auth || algorithms->pfs_none,
                                    .dh_ignore = in_auth};
}

/* Rows in the order of security, "none" last; what stands first in struct ike_rank counts most. */
struct ike_rank {
    uint8_t encryption, dh, integrity, prf;
};

static struct ike_rank suite_rank(const struct ike_suite *s)
{
#define RANK(row, table) (uint8_t)((row) == NULL ? 0xff : (row) - (table))
    return (struct ike_rank){RANK(s->encryption, encryption_algorithms), RANK(s->dh, key_exchange_methods),
                             RANK(s->integrity, integrity_algorithms), RANK(s->prf, prf_algorithms)};
#undef RANK
}

bool ike_suite_is_better(const struct ike_suite *a, const struct ike_suite *b)
{
    struct ike_rank rank_a = suite_rank(a);
    struct ike_rank rank_b = suite_rank(b);
    return memcmp(&rank_a, &rank_b, sizeof rank_a) < 0;
}
