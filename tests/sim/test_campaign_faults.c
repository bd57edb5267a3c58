/*
 * What the campaign has found, one test for each: the shortest story that shows it, told by hand.
 */
#include "ike/sa/ike_sa.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- Two ends that start at once --------------------------------------------------------------------- */

static struct pair pair_that_starts_at_once(uint64_t seed)
{
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    a.connect_type = b.connect_type = CONNECT_AUTO;
    a.tunnel = 0; /* so that both ends' first checks come at the same time (S20) */
    return pair_with_seed(seed, &a, &b);
}

/* Lets the first INFORMATIONAL messages pass and no other. */
struct informational_filter {
    size_t let_pass, seen;
};

static bool filter_informational(void *context, const struct flying_datagram *d)
{
    enum { EXCHANGE_AT = 18 };
    struct informational_filter *f = context;
    return d->message.at[EXCHANGE_AT] != EXCHANGE_INFORMATIONAL || ++f->seen <= f->let_pass;
}

/*
 * One end closes the superfluous SA, and its DELETE is lost each time. The other end, without DPD, kept it
 * until its lifetime ended.
 */
static void S7_the_superfluous_sa_is_removed_although_its_delete_is_lost(void **state)
{
    (void)state;
    struct pair p = pair_that_starts_at_once(1);
    struct informational_filter f = {.let_pass = 4}; /* both ends ask whether the better one is alive */
    world_set_hook(p.w, filter_informational, &f);
    world_run(p.w, 40 * 1000);
    assert_true(f.seen > f.let_pass);
    assert_int_equal(gateway_record_count(p.a) + gateway_record_count(p.b), 3);

    world_set_hook(p.w, NULL, NULL);
    world_run(p.w, 90 * 1000);

    assert_int_equal(gateway_record_count(p.a), 1);
    assert_int_equal(gateway_record_count(p.b), 1);
    assert_true(world_tunnel_carries(p.a, 0, p.b, 0));
    world_free(p.w);
}

/*
 * The better one of two is asked whether it is alive, nobody answers, and so it is given up. The other end
 * kept both, and sent by the one that was given up.
 */
static void S7_packets_leave_by_no_sa_that_the_peer_has_deleted(void **state)
{
    (void)state;
    struct pair p = pair_that_starts_at_once(1);
    struct informational_filter f = {.let_pass = 0};
    world_set_hook(p.w, filter_informational, &f);
    world_run(p.w, 35 * 1000);
    world_set_hook(p.w, NULL, NULL);
    world_set_traffic(p.w, 500);

    world_run(p.w, 90 * 1000);
    size_t lost = gateway_packets_lost(p.a) + gateway_packets_lost(p.b);
    world_run(p.w, 10 * 1000);

    assert_int_equal(gateway_packets_lost(p.a) + gateway_packets_lost(p.b), lost);
    assert_true(world_tunnel_carries_by_one(p.a, 0, p.b, 0));
    world_free(p.w);
}

/* The same, when the engines end meanwhile: the first one to come back did not see that there was another. */
static void S7_a_new_engine_also_checks_liveness_on_the_superfluous_sa(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) { /* either SA may be the one that comes back first */
        struct pair p = pair_that_starts_at_once(seed);
        struct informational_filter f = {.let_pass = 4};
        world_set_hook(p.w, filter_informational, &f);
        world_run(p.w, 20 * 1000);
        assert_int_equal(gateway_record_count(p.a) + gateway_record_count(p.b), 4);

        gateway_resume_after(p.a, 0, false);
        gateway_resume_after(p.b, 0, false);
        world_run(p.w, 45 * 1000);
        world_set_hook(p.w, NULL, NULL);
        world_run(p.w, 90 * 1000);

        assert_int_equal(gateway_record_count(p.a), 1);
        assert_int_equal(gateway_record_count(p.b), 1);
        assert_true(world_tunnel_carries(p.a, 0, p.b, 0));
        world_free(p.w);
    }
}

static bool drop_what_is_asked_by(void *context, const struct flying_datagram *d)
{
    enum { EXCHANGE_AT = 18, FLAGS_AT = 19 };
    bool asks = d->message.at[EXCHANGE_AT] == EXCHANGE_INFORMATIONAL &&
                !(d->message.at[FLAGS_AT] & IKE_FLAG_RESPONSE);
    return !asks || !ip_address_equal(&d->from.address, context);
}

/*
 * The end that is to close the superfluous SA has not heard yet that the better one is alive when that is
 * rekeyed: what was to be asked and done was forgotten with the old IKE SA.
 */
static void S7_a_rekey_of_the_better_sa_does_not_save_the_superfluous_one(void **state)
{
    (void)state;
    static const char *const ends[] = {"10.1.0.1", "10.2.0.1"}; /* either may be the one */
    bool rekeyed = false;
    for (size_t i = 0; i < 2; i++) {
        struct tunnel_policy a = policy_a();
        struct tunnel_policy b = policy_b();
        a.connect_type = b.connect_type = CONNECT_AUTO;
        a.tunnel = 0;
        a.sa_lifetime = b.sa_lifetime = 40;
        struct pair p = pair_of(&a, &b);
        struct ip_address address;
        assert_true(ip_address_parse(ends[i], &address));
        world_set_hook(p.w, drop_what_is_asked_by, &address);
        world_run(p.w, 25 * 1000);
        rekeyed |= gateway_log_has(p.a, "IKE SA rekeyed") && gateway_record_count(p.b) > 1;
        world_set_hook(p.w, NULL, NULL);

        world_run(p.w, 10 * 1000);

        assert_int_equal(gateway_record_count(p.a), 1);
        assert_int_equal(gateway_record_count(p.b), 1);
        world_free(p.w);
    }
    assert_true(rekeyed); /* else the test shows nothing */
}

/* ---- An IKE SA that was rekeyed ---------------------------------------------------------------------- */

/*
 * The peer rekeys the IKE SA, its DELETE of the old one is lost, and then the new one dies. The old one stood
 * in the way of another negotiation until its lifetime ended.
 */
static void R43_a_replaced_ike_sa_does_not_keep_a_new_one_from_being_made(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    a.direction = NEGOTIATE_RESPONDER;
    a.sa_lifetime = 40;
    b.connect_type = CONNECT_AUTO;
    b.child_lifetime = 30; /* a rekey that is not answered ends the new one */
    struct pair p = pair_of(&a, &b);
    struct ip_address address;
    assert_true(ip_address_parse("10.1.0.1", &address));
    world_run(p.w, 17 * 1000);
    world_set_hook(p.w, drop_what_is_asked_by, &address);
    while (!gateway_log_has(p.b, "IKE SA rekeyed") && world_now(p.w) < 1100 * 1000)
        world_run(p.w, 100);
    world_set_hook(p.w, NULL, NULL);
    world_set_partition(p.w, p.a, p.b, true);
    world_run(p.w, 65 * 1000);
    assert_false(gateway_tunnel_is_up(p.b, 0));
    world_set_partition(p.w, p.a, p.b, false);

    world_run(p.w, 12 * 1000);

    assert_true(gateway_tunnel_is_up(p.b, 0));
    world_free(p.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S7_the_superfluous_sa_is_removed_although_its_delete_is_lost),
        cmocka_unit_test(S7_a_new_engine_also_checks_liveness_on_the_superfluous_sa),
        cmocka_unit_test(S7_a_rekey_of_the_better_sa_does_not_save_the_superfluous_one),
        cmocka_unit_test(R43_a_replaced_ike_sa_does_not_keep_a_new_one_from_being_made),
        cmocka_unit_test(S7_packets_leave_by_no_sa_that_the_peer_has_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
