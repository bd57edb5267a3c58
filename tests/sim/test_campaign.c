/*
 * Whole networks in bad weather: each scenario is a seed, which chooses the gateways, their tunnels,
 * lifetimes, the loss, and what happens to whom. When the weather has cleared, every tunnel that somebody
 * keeps up must carry packets within 90 seconds.
 *
 *   MUSUBI_SIM_SCENARIOS=200000 test_campaign    a longer campaign
 *   MUSUBI_SIM_SEED=17 MUSUBI_SIM_TRACE=1 …      one scenario, told line by line
 */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    GATEWAYS_MAX = 6,
    TUNNELS_MAX = 16,
    SCENARIOS = 2000,
    HEAL_TIME = 90 * 1000, /* milliseconds */
};

struct link {
    size_t a, b;
    uint32_t tunnel_a, tunnel_b;
};

struct scenario {
    struct world *w;
    struct gateway *gateways[GATEWAYS_MAX];
    size_t gateway_count;
    struct link links[TUNNELS_MAX];
    size_t link_count;
    uint32_t next_tunnel[GATEWAYS_MAX];
};

static uint64_t below(struct scenario *s, uint64_t bound)
{
    return world_chance_below(s->w, bound);
}

/* Lifetimes of seconds to minutes, other ones at each end. */
static void choose_policy(struct scenario *s, struct tunnel_policy *p)
{
    p->sa_lifetime = (uint32_t)(40 + below(s, 400));
    p->child_lifetime = (uint32_t)(20 + below(s, 300));
    p->dpd_interval = below(s, 2) ? (uint32_t)(5 + below(s, 20)) : 0;
    if (below(s, 3) == 0)
        p->child.pfs = 0;
}

/* A tunnel between two gateways: kept up by both ends, or by one that asks for life (DPD). */
static void add_link(struct scenario *s, size_t a, size_t b)
{
    char id_a[32];
    char id_b[32];
    char address_a[32];
    char address_b[32];
    struct link *l = &s->links[s->link_count];
    *l = (struct link){a, b, s->next_tunnel[a]++, s->next_tunnel[b]++};
    (void)snprintf(id_a, sizeof id_a, "l%zu-a", s->link_count);
    (void)snprintf(id_b, sizeof id_b, "l%zu-b", s->link_count);
    (void)snprintf(address_a, sizeof address_a, "10.0.0.%zu", a + 1);
    (void)snprintf(address_b, sizeof address_b, "10.0.0.%zu", b + 1);
    struct tunnel_policy pa = world_default_policy(l->tunnel_a, address_b, id_a, id_b);
    struct tunnel_policy pb = world_default_policy(l->tunnel_b, address_a, id_b, id_a);
    choose_policy(s, &pa);
    choose_policy(s, &pb);
    pa.connect_type = CONNECT_AUTO;
    if (below(s, 2))
        pb.connect_type = CONNECT_AUTO;
    else if (pa.dpd_interval == 0)
        pa.dpd_interval = 10;
    gateway_set_tunnel(s->gateways[a], &pa, "key-a", "key-b");
    gateway_set_tunnel(s->gateways[b], &pb, "key-b", "key-a");
    s->link_count++;
}

static void build(struct scenario *s, uint64_t seed)
{
    *s = (struct scenario){.w = world_new(seed)};
    s->gateway_count = 2 + below(s, GATEWAYS_MAX - 1);
    for (size_t i = 0; i < s->gateway_count; i++) {
        char name[32];
        char address[32];
        (void)snprintf(name, sizeof name, "G%zu", i + 1);
        (void)snprintf(address, sizeof address, "10.0.0.%zu", i + 1);
        s->gateways[i] = world_add_gateway(s->w, name, address);
    }
    for (size_t b = 1; b < s->gateway_count; b++)
        add_link(s, below(s, b), b); /* a tree: one tunnel for each pair of addresses */
}

static struct weather bad_weather(struct scenario *s)
{
    return (struct weather){
        .delay_min = 1,
        .delay_max = 1 + below(s, 5000),
        .loss_percent = (unsigned)below(s, 41),
        .duplicate_percent = (unsigned)below(s, 30),
        .corrupt_percent = (unsigned)below(s, 5),
        .real_arithmetic = false,
    };
}

/* One thing happens to one gateway. */
static void something_happens(struct scenario *s)
{
    size_t i = below(s, s->gateway_count);
    struct gateway *g = s->gateways[i];
    const struct link *l = &s->links[below(s, s->link_count)];
    switch (below(s, 8)) {
    case 0:
        gateway_restart(g);
        break;
    case 5:
    case 6:
        gateway_resume_after(g, (unsigned)below(s, 12), below(s, 2) == 0);
        break;
    case 1:
        gateway_clear(s->gateways[l->a], l->tunnel_a);
        break;
    case 2:
        gateway_packet_waits(s->gateways[l->b], l->tunnel_b);
        break;
    case 3:
        world_set_partition(s->w, s->gateways[l->a], s->gateways[l->b], true);
        break;
    case 4:
        world_set_partition(s->w, s->gateways[l->a], s->gateways[l->b], false);
        break;
    default:
        *world_weather(s->w) = bad_weather(s);
        break;
    }
}

static void heal(struct scenario *s)
{
    for (size_t i = 0; i < s->link_count; i++)
        world_set_partition(s->w, s->gateways[s->links[i].a], s->gateways[s->links[i].b], false);
    *world_weather(s->w) = (struct weather){.delay_min = 1, .delay_max = 20};
}

/* The first tunnel that does not carry packets; NULL if all do. */
static const struct link *broken_link(struct scenario *s)
{
    size_t before[GATEWAYS_MAX];
    for (size_t i = 0; i < s->gateway_count; i++)
        before[i] = gateway_packets_lost(s->gateways[i]);
    for (size_t i = 0; i < s->link_count; i++) {
        const struct link *l = &s->links[i];
        if (!gateway_tunnel_is_up(s->gateways[l->a], l->tunnel_a) ||
            !gateway_tunnel_is_up(s->gateways[l->b], l->tunnel_b))
            return l;
    }
    world_set_traffic(s->w, 100);
    world_run(s->w, 1000);
    world_set_traffic(s->w, 0);
    world_run(s->w, 200);
    for (size_t i = 0; i < s->gateway_count; i++) {
        if (gateway_packets_lost(s->gateways[i]) != before[i])
            return &s->links[0];
    }
    return NULL;
}

/* Runs one scenario. Returns what went wrong, NULL if nothing did. */
static const char *play(uint64_t seed)
{
    static char text[256];
    struct scenario s;
    build(&s, seed);
    *world_weather(s.w) = bad_weather(&s);
    const char *fault = NULL;
    for (unsigned i = 0; i < 25; i++) {
        world_run(s.w, 1000 + below(&s, 20000));
        something_happens(&s);
    }
    heal(&s);
    world_run(s.w, HEAL_TIME);
    const struct link *broken = broken_link(&s);
    for (size_t i = 0; i < s.gateway_count; i++)
        gateway_stop(s.gateways[i]);
    world_run(s.w, 40 * 1000);
    for (size_t i = 0; i < s.gateway_count; i++)
        gateway_check_end(s.gateways[i]);
    if (world_fault(s.w) != NULL) {
        (void)snprintf(text, sizeof text, "%s", world_fault(s.w));
        fault = text;
    } else if (broken != NULL) {
        (void)snprintf(text, sizeof text,
                       "90 s after the weather cleared the tunnel G%zu-G%zu does not carry", broken->a + 1,
                       broken->b + 1);
        fault = text;
    }
    world_free(s.w);
    return fault;
}

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);
    return value != NULL ? strtoull(value, NULL, 10) : otherwise;
}

static void tunnels_come_back_when_the_weather_clears(void **state)
{
    (void)state;
    uint64_t only = number_from_environment("MUSUBI_SIM_SEED", UINT64_MAX);
    uint64_t count = number_from_environment("MUSUBI_SIM_SCENARIOS", SCENARIOS);
    size_t failures = 0;
    for (uint64_t seed = only != UINT64_MAX ? only : 0; seed < count || seed == only; seed++) {
        const char *fault = play(seed);
        if (fault != NULL) {
            print_error("seed %lu: %s\n", (unsigned long)seed, fault);
            failures++;
        }
        if (only != UINT64_MAX || failures == 20)
            break;
    }
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tunnels_come_back_when_the_weather_clears),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
