/*
 * Gateways with real packet paths: ESP is sealed and opened with the keys that were negotiated, and engine
 * and path end and begin apart from each other.
 */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A pair whose Child SAs and IKE SAs both ends rekey, with a packet each 60 ms each way. */
static struct pair busy_pair(uint64_t seed)
{
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    a.sa_lifetime = 130;
    a.child_lifetime = 75;
    b.sa_lifetime = 170;
    b.child_lifetime = 69;
    b.tunnel = 2;
    a.dpd_interval = 10;
    struct pair p = real_pair(seed, &a, &b);
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    world_set_traffic(p.w, 60);
    return p;
}

/* Lets what is under way arrive. */
static void end_traffic(struct pair *p)
{
    world_set_traffic(p->w, 0);
    world_run(p->w, 3000);
}

static void assert_nothing_lost(const struct pair *p)
{
    if (world_fault(p->w) != NULL)
        fail_msg("%s", world_fault(p->w));
    assert_int_equal(gateway_packets_lost(p->a), 0);
    assert_int_equal(gateway_packets_lost(p->b), 0);
    assert_true(gateway_tunnel_sent(p->a, 1) > 100);
    assert_int_equal(gateway_tunnel_received(p->b, 2), gateway_tunnel_sent(p->a, 1));
    assert_int_equal(gateway_tunnel_received(p->a, 1), gateway_tunnel_sent(p->b, 2));
}

static void R60_rekeys_lose_no_packet_though_the_network_reorders_them(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct pair p = busy_pair(seed);
        world_conditions(p.w)->delay_min = 1;
        world_conditions(p.w)->delay_max = 400;
        world_run(p.w, 300 * 1000);
        end_traffic(&p);
        assert_nothing_lost(&p);
        assert_true(gateway_log_count(p.a, "Child SA created") > 4);
        world_free(p.w);
    }
}

enum what { ENGINE = 1, PATH = 2 };

/* Each second something ends at A or at B, for some minutes. */
static void restart_often(unsigned what, uint64_t seed)
{
    struct pair p = busy_pair(seed);
    for (unsigned i = 0; i < 200; i++) {
        world_run(p.w, 900 + world_chance_below(p.w, 200));
        struct gateway *g = world_chance_below(p.w, 2) == 0 ? p.a : p.b;
        if (what == PATH)
            gateway_renew_path(g);
        else
            gateway_resume_after(g, (unsigned)world_chance_below(p.w, 4), what == (ENGINE | PATH));
    }
    gateway_cancel_resume(p.a);
    gateway_cancel_resume(p.b);
    end_traffic(&p);
    assert_nothing_lost(&p);
    assert_int_equal(gateway_log_count(p.a, "negotiation started"), 1);
    world_run(p.w, 60 * 1000);
    assert_true(world_tunnel_carries_by_one(p.a, 1, p.b, 2));
    world_free(p.w);
}

static void no_packet_is_lost_however_often_the_engine_starts_anew(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++)
        restart_often(ENGINE, seed);
}

static void no_packet_is_lost_however_often_the_real_path_starts_anew(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++)
        restart_often(PATH, seed);
}

static void no_packet_is_lost_however_often_both_start_anew(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++)
        restart_often(ENGINE | PATH, seed);
}

/* A hundred numbers last for six seconds of this traffic. */
static void R70_a_child_sa_is_rekeyed_before_its_sequence_numbers_run_out(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a(), b = policy_b();
    b.tunnel = 2;
    struct pair p = real_pair(1, &a, &b);
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    world_set_traffic(p.w, 60);
    world_run(p.w, 7000);

    gateway_renew_path_with_few_numbers(p.a, 100);
    world_run(p.w, 20 * 1000);

    end_traffic(&p);
    assert_nothing_lost(&p);
    assert_int_equal(gateway_log_count(p.a, "has few sequence numbers left and is rekeyed"), 1);
    assert_int_equal(gateway_log_count(p.a, "Child SA created"), 2);
    world_free(p.w);
}

/* A packet of A's has made the tunnel come up. */
static struct pair pair_after_a_packet(void)
{
    const struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    b.tunnel = 2;
    struct pair p = real_pair(1, &a, &b);
    gateway_put_packet(p.a, 1);
    world_run(p.w, 3000);
    return p;
}

/* Nothing but a packet makes the tunnel come up, and the packet arrives. */
static void a_packet_that_waits_arrives_by_the_child_sa_that_it_caused(void **state)
{
    (void)state;
    struct pair p = pair_after_a_packet();
    assert_true(gateway_tunnel_is_up(p.a, 1));
    assert_int_equal(gateway_tunnel_received(p.b, 2), 1);
    if (world_fault(p.w) != NULL)
        fail_msg("%s", world_fault(p.w));
    world_free(p.w);
}

/* B is cut off; A's packets have no answer, and DPD is off. */
static void S47_a_real_path_tells_that_traffic_only_goes_out(void **state)
{
    (void)state;
    struct pair p = pair_after_a_packet();
    world_set_traffic(p.w, 500);
    world_run(p.w, 60 * 1000);
    assert_false(gateway_log_has(p.a, "only sends"));

    world_set_partition(p.w, p.a, p.b, true);
    world_run(p.w, 19 * 1000);
    assert_false(gateway_log_has(p.a, "only sends"));
    world_run(p.w, 4 * 1000);

    assert_int_equal(gateway_log_count(p.a, "only sends"), 1);
    world_run(p.w, 40 * 1000);
    assert_int_equal(gateway_log_count(p.a, "Child SA created"), 1);
    assert_false(gateway_tunnel_is_up(p.a, 1));
    world_free(p.w);
}

/* A sends packets that B does not answer, after some that it does or not. */
static size_t told_of_one_way(bool is_answered_first)
{
    struct pair p = pair_after_a_packet();
    if (is_answered_first) {
        world_set_traffic(p.w, 500);
        world_run(p.w, 2000);
        end_traffic(&p);
    }
    for (unsigned i = 0; i < 400; i++) {
        gateway_put_packet(p.a, 1);
        world_run(p.w, 1000);
    }
    assert_true(gateway_tunnel_is_up(p.a, 1));
    size_t told = gateway_log_count(p.a, "and none has ever come back");
    world_free(p.w);
    return told;
}

static void S34_a_real_path_tells_whether_a_packet_has_ever_come_in(void **state)
{
    (void)state;
    assert_int_equal(told_of_one_way(false), 1);
    assert_int_equal(told_of_one_way(true), 0);
}

/* Another machine has no sequence numbers: the Child SA is rekeyed before a packet leaves. */
static void another_machine_uses_no_sequence_number_twice(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct pair p = busy_pair(seed);
        world_run(p.w, 20 * 1000 + seed * 100);
        gateway_take_over(p.a);
        world_run(p.w, 20 * 1000);
        uint64_t received = gateway_tunnel_received(p.b, 2);
        world_run(p.w, 2000);
        assert_true(gateway_tunnel_received(p.b, 2) >= received + 30);
        if (world_fault(p.w) != NULL)
            fail_msg("%s", world_fault(p.w));
        world_free(p.w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R70_a_child_sa_is_rekeyed_before_its_sequence_numbers_run_out),
        cmocka_unit_test(a_packet_that_waits_arrives_by_the_child_sa_that_it_caused),
        cmocka_unit_test(R60_rekeys_lose_no_packet_though_the_network_reorders_them),
        cmocka_unit_test(no_packet_is_lost_however_often_the_engine_starts_anew),
        cmocka_unit_test(no_packet_is_lost_however_often_the_real_path_starts_anew),
        cmocka_unit_test(no_packet_is_lost_however_often_both_start_anew),
        cmocka_unit_test(S47_a_real_path_tells_that_traffic_only_goes_out),
        cmocka_unit_test(S34_a_real_path_tells_whether_a_packet_has_ever_come_in),
        cmocka_unit_test(another_machine_uses_no_sequence_number_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
