#include "pair.h"
#include "invariants.h"

struct tunnel_policy policy_a(void)
{
    return world_default_policy(1, "10.2.0.1", "site1", "site2");
}

struct tunnel_policy policy_b(void)
{
    return world_default_policy(0, "10.1.0.1", "site2", "site1");
}

static struct pair fill_world(struct world *w, const struct tunnel_policy *at_a,
                              const struct tunnel_policy *at_b)
{
    struct pair p = {.w = w};
    p.a = world_add_gateway(p.w, "A", "10.1.0.1");
    p.b = world_add_gateway(p.w, "B", "10.2.0.1");
    gateway_set_tunnel(p.a, at_a, "secret1", "secret2");
    gateway_set_tunnel(p.b, at_b, "secret2", "secret1");
    return p;
}

struct pair pair_with_seed(uint64_t seed, const struct tunnel_policy *at_a, const struct tunnel_policy *at_b)
{
    return fill_world(world_new(seed, &invariants), at_a, at_b);
}

struct pair real_pair(uint64_t seed, const struct tunnel_policy *at_a, const struct tunnel_policy *at_b)
{
    struct world *w = world_new(seed, &invariants);
    world_use_real_paths(w);
    return fill_world(w, at_a, at_b);
}

struct pair pair_of(const struct tunnel_policy *at_a, const struct tunnel_policy *at_b)
{
    return pair_with_seed(1, at_a, at_b);
}

struct pair default_pair(void)
{
    const struct tunnel_policy a = policy_a();
    const struct tunnel_policy b = policy_b();
    return pair_of(&a, &b);
}
