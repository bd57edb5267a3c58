#include "stage.h"
#include "invariants.h"

#include <assert.h>

const uint8_t some_octets[512] = {0x42};
uint8_t inner_octets[32768];

struct tunnel_policy stage_policy(void)
{
    return world_default_policy(0, "10.1.0.1", "site2", "site1");
}

struct stage stage_with_store(const struct tunnel_policy *policy, const struct sim_store *store)
{
    struct stage s = {.w = world_new(5, &invariants)};
    s.b = world_add_gateway(s.w, "B", "10.2.0.1");
    gateway_set_store(s.b, store);
    gateway_set_tunnel(s.b, policy, "secret2", "secret1");
    s.p = puppet_new(s.w, s.b, "10.1.0.1");
    return s;
}

struct stage stage_new_with(const struct tunnel_policy *policy)
{
    return stage_with_store(policy, NULL);
}

struct stage stage_new(void)
{
    const struct tunnel_policy policy = stage_policy();
    return stage_new_with(&policy);
}

struct stage stage_established_with(const struct tunnel_policy *policy)
{
    struct stage s = stage_new_with(policy);
    bool up = puppet_do_init(s.p) && puppet_do_auth(s.p, "site1", "site2", "secret1");
    assert(up);
    (void)up;
    return s;
}

struct stage stage_established(void)
{
    const struct tunnel_policy policy = stage_policy();
    return stage_established_with(&policy);
}

void stage_free(struct stage *s)
{
    puppet_free(s->p);
    world_free(s->w);
}

bool stage_begins(struct stage *s)
{
    gateway_packet_waits(s->b, 0);
    return puppet_await_init(s->p);
}

uint64_t stage_counter(const struct stage *s, enum ike_counter c)
{
    return ike_engine_counters(gateway_engine(s->b))[c];
}

struct message_writer inner(void)
{
    return message_begin_inner(inner_octets, sizeof inner_octets);
}

void send_inner(struct stage *s, uint8_t exchange, uint32_t id, struct message_writer *m)
{
    const struct ike_header header = puppet_header(s->p, exchange, id);
    puppet_send_sealed(s->p, &header, m);
}
