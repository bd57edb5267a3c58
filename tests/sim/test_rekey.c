/* The life of SAs on virtual time: rekeys, collisions, dead peers. */
#include "invariants.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct lifetimes {
    uint32_t sa, child;
};

static struct pair pair_with(uint64_t seed, struct lifetimes at_a, struct lifetimes at_b)
{
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    a.connect_type = CONNECT_AUTO;
    a.sa_lifetime = at_a.sa;
    a.child_lifetime = at_a.child;
    b.sa_lifetime = at_b.sa;
    b.child_lifetime = at_b.child;
    return pair_with_seed(seed, &a, &b);
}

/* Ends a run in which nothing that must always hold was broken (invariants.h). */
static void end(struct pair *p, uint64_t seed)
{
    if (world_fault(p->w) != NULL)
        fail_msg("seed %lu: %s", (unsigned long)seed, world_fault(p->w));
    world_free(p->w);
}

static void R60_rekeys_lose_no_packet(void **state)
{
    (void)state;
    const struct lifetimes at_a = {300, 200};
    const struct lifetimes at_b = {400, 170};
    struct pair p = pair_with(1, at_a, at_b);
    world_run(p.w, 11000);
    world_set_traffic(p.w, 20);

    world_run(p.w, 3600 * 1000);
    world_set_traffic(p.w, 0);
    world_run(p.w, 5000);

    assert_int_equal(gateway_packets_lost(p.a) + gateway_packets_lost(p.b), 0);
    assert_true(gateway_packets_received(p.a) >= 175000);
    assert_int_equal(gateway_packets_received(p.a), gateway_packets_received(p.b));
    assert_true(gateway_log_has(p.a, "IKE SA rekeyed"));
    end(&p, 1);
}

static void R60_child_is_rekeyed_60_seconds_before_its_end(void **state)
{
    (void)state;
    const struct lifetimes at_a = {86400, 1000};
    const struct lifetimes at_b = {86400, 28800};
    struct pair p = pair_with(1, at_a, at_b);
    world_run(p.w, 1000);
    uint32_t first = gateway_children(p.a)->sa.inbound.spi;

    world_run(p.w, 938 * 1000);
    assert_int_equal(gateway_children(p.a)->sa.inbound.spi, first);
    world_run(p.w, 3 * 1000);

    assert_int_not_equal(gateway_children(p.a)->sa.inbound.spi, first);
    world_run(p.w, 6000);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0)); /* the old one is gone */
    end(&p, 1);
}

/* Both ends with the same lifetimes and a slow network: their rekeys cross each other all the time. */
static void R60_rekey_collisions_leave_one_child_sa(void **state)
{
    (void)state;
    size_t collisions = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        const struct lifetimes same = {100, 61};
        struct pair p = pair_with(seed, same, same);
        *world_conditions(p.w) = (struct network_conditions){.delay_min = 500, .delay_max = 1500};
        world_run(p.w, 20000);
        world_set_traffic(p.w, 100);
        world_run(p.w, 600 * 1000);
        collisions += gateway_log_has(p.a, "twice") || gateway_log_has(p.b, "twice");

        if (gateway_packets_lost(p.a) + gateway_packets_lost(p.b) != 0)
            fail_msg("seed %lu: %zu packets lost", (unsigned long)seed,
                     gateway_packets_lost(p.a) + gateway_packets_lost(p.b));
        if (gateway_child_count(p.a, 1) > 4 || gateway_record_count(p.a) > 3)
            fail_msg("seed %lu: SAs pile up: %zu children, %zu records", (unsigned long)seed,
                     gateway_child_count(p.a, 1), gateway_record_count(p.a));
        if (!gateway_tunnel_is_up(p.a, 1) || !gateway_tunnel_is_up(p.b, 0))
            fail_msg("seed %lu: the tunnel is down", (unsigned long)seed);
        end(&p, seed);
    }
    assert_true(collisions > 0); /* else the test shows nothing */
}

static void R60_rekeys_survive_loss(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        const struct lifetimes at_a = {150, 70};
        const struct lifetimes at_b = {130, 90};
        struct pair p = pair_with(seed, at_a, at_b);
        *world_conditions(p.w) = (struct network_conditions){
            .delay_min = 1, .delay_max = 2000, .loss_percent = 15, .duplicate_percent = 15};
        world_run(p.w, 900 * 1000);
        *world_conditions(p.w) = (struct network_conditions){.delay_min = 1, .delay_max = 1};
        world_run(p.w, 90 * 1000);

        if (!gateway_tunnel_is_up(p.a, 1) || !gateway_tunnel_is_up(p.b, 0))
            fail_msg("seed %lu: the tunnel is down", (unsigned long)seed);
        if (gateway_child_count(p.a, 1) > 3 || gateway_child_count(p.b, 0) > 3)
            fail_msg("seed %lu: SAs pile up", (unsigned long)seed);
        end(&p, seed);
    }
}

static void R49_no_rekey_is_started_towards_any(void **state)
{
    (void)state;
    struct world *w = world_new(1, &invariants);
    struct gateway *centre = world_add_gateway(w, "centre", "10.0.0.1");
    struct gateway *site = world_add_gateway(w, "site", "192.0.2.7");
    struct tunnel_policy c = world_default_policy(0, "any", "center", "site1");
    struct tunnel_policy s = world_default_policy(0, "10.0.0.1", "site1", "center");
    c.child_lifetime = 100;
    c.sa_lifetime = 200;
    gateway_set_tunnel(centre, &c, "secret-c", "secret-s1");
    gateway_set_tunnel(site, &s, "secret-s1", "secret-c");
    gateway_packet_waits(site, 0);
    world_run(w, 1000);
    size_t sent = gateway_sent(centre);

    world_run(w, 98 * 1000);
    assert_int_equal(gateway_sent(centre), sent);
    world_run(w, 3 * 1000);

    assert_false(gateway_tunnel_is_up(centre, 0)); /* it ended with our lifetime */
    assert_false(gateway_tunnel_is_up(site, 0));
    world_free(w);
}

static bool drop_all(void *context, const struct flying_datagram *d)
{
    (void)context;
    (void)d;
    return false;
}

static void R62_a_dead_peer_is_noticed_by_dpd(void **state)
{
    (void)state;
    struct world *w = world_new(1, &invariants);
    struct gateway *a = world_add_gateway(w, "A", "10.1.0.1");
    struct gateway *b = world_add_gateway(w, "B", "10.2.0.1");
    struct tunnel_policy at_a = world_default_policy(1, "10.2.0.1", "site1", "site2");
    const struct tunnel_policy at_b = world_default_policy(0, "10.1.0.1", "site2", "site1");
    at_a.dpd_interval = 10;
    gateway_set_tunnel(a, &at_a, "secret1", "secret2");
    gateway_set_tunnel(b, &at_b, "secret2", "secret1");
    gateway_packet_waits(a, 1);
    world_run(w, 1000);
    size_t sent = gateway_sent(a);
    world_run(w, 60 * 1000);
    assert_int_equal(gateway_sent(a) - sent, 6); /* one each interval */
    world_set_hook(w, drop_all, NULL);

    world_run(w, 39 * 1000);
    assert_true(gateway_tunnel_is_up(a, 1));
    world_run(w, 12 * 1000);

    assert_false(gateway_tunnel_is_up(a, 1));
    assert_string_equal(gateway_last_down_reason(a), "DPD timeout");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R60_rekeys_lose_no_packet),
        cmocka_unit_test(R60_child_is_rekeyed_60_seconds_before_its_end),
        cmocka_unit_test(R60_rekey_collisions_leave_one_child_sa),
        cmocka_unit_test(R60_rekeys_survive_loss),
        cmocka_unit_test(R49_no_rekey_is_started_towards_any),
        cmocka_unit_test(R62_a_dead_peer_is_noticed_by_dpd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
