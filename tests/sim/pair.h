/*
 * Two gateways with a tunnel to each other: A at 10.1.0.1 with tunnel 1 and ID site1, B at 10.2.0.1 with
 * tunnel 0 and ID site2.
 */
#ifndef MUSUBI_SIM_PAIR_H
#define MUSUBI_SIM_PAIR_H

#include "sim/world.h"

struct pair {
    struct world *w;
    struct gateway *a, *b;
};

/* The policies of the two ends, with nothing configured but IDs. */
struct tunnel_policy policy_a(void);
struct tunnel_policy policy_b(void);

/* A pair in a new world, with its keys, and with these policies or those above. The caller frees the
 * world. */
struct pair pair_of(const struct tunnel_policy *at_a, const struct tunnel_policy *at_b);
struct pair pair_with_seed(uint64_t seed, const struct tunnel_policy *at_a, const struct tunnel_policy *at_b);
struct pair default_pair(void);

/* A pair with real packet paths. */
struct pair real_pair(uint64_t seed, const struct tunnel_policy *at_a, const struct tunnel_policy *at_b);

#endif
