/*
 * Peers that are configured by their domain name (R41, R42, S22): A at 10.1.0.1, and B at 10.2.0.1, of which
 * A knows the name alone.
 */
#include "ike/sa/ike_sa.h"
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char name_of_b[] = "b.example.com";

/* The policy of A: its peer is a name. */
static struct tunnel_policy policy_by_name(void)
{
    return world_default_policy(1, name_of_b, "site1", "site2");
}

static struct pair pair_of_names(enum connect_type connect_type)
{
    struct tunnel_policy a = policy_by_name();
    struct tunnel_policy b = policy_b();
    a.connect_type = connect_type;
    return pair_of(&a, &b);
}

/* The name has these addresses, and A knows. */
static void set_known_name(const struct pair *p, const char *addresses)
{
    gateway_set_name(p->a, 1, addresses);
    gateway_look_up(p->a, 1);
}

/* A pair of which A has resolved the name, with an SA that A has made. */
static struct pair pair_up(enum connect_type connect_type)
{
    struct pair p = pair_of_names(connect_type);
    set_known_name(&p, "10.2.0.1");
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    return p;
}

static void assert_one_sa_with(const struct gateway *g, uint32_t tunnel, const char *address)
{
    struct ip_address wanted;
    assert_true(ip_address_parse(address, &wanted));
    assert_int_equal(gateway_child_count(g, tunnel), 1);
    assert_int_equal(gateway_record_count(g), 1);
    assert_true(ip_address_equal(&gateway_children(g)->sa.destination.remote.address, &wanted));
}

/* ---- As initiator ------------------------------------------------------------------------------------ */

static void R41_no_sa_can_be_made_before_the_name_is_resolved(void **state)
{
    (void)state;
    struct pair p = pair_of_names(CONNECT_AUTO);

    gateway_packet_waits(p.a, 1);
    world_run(p.w, 30000);

    assert_int_equal(gateway_sent(p.a), 0);
    assert_int_equal(gateway_failures(p.a, 1), 1);
    assert_true(gateway_log_has(p.a, "the peer's name is not resolved"));
    world_free(p.w);
}

static void R41_an_auto_tunnel_comes_up_as_soon_as_the_name_is_resolved(void **state)
{
    (void)state;
    struct pair p = pair_of_names(CONNECT_AUTO);
    world_run(p.w, 30000);

    set_known_name(&p, "10.2.0.1");
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static void R41_another_address_deletes_the_sa_and_auto_makes_it_anew_at_once(void **state)
{
    (void)state;
    struct pair p = pair_up(CONNECT_AUTO);
    gateway_set_address(p.b, "10.2.0.2");

    set_known_name(&p, "10.2.0.2");
    world_run(p.w, 1000);

    assert_string_equal(gateway_last_down_reason(p.a), "peer address changed");
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_one_sa_with(p.a, 1, "10.2.0.2");
    assert_int_equal(gateway_record_count(p.b), 1); /* INITIAL_CONTACT took the old one away */
    world_free(p.w);
}

static void R41_a_triggered_tunnel_waits_for_the_next_packet_after_a_change(void **state)
{
    (void)state;
    struct pair p = pair_up(CONNECT_TRIGGER);
    gateway_set_address(p.b, "10.2.0.2");

    set_known_name(&p, "10.2.0.2");
    world_run(p.w, 20000);
    assert_false(gateway_tunnel_is_up(p.a, 1));
    assert_int_equal(gateway_record_count(p.a), 0);

    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static void R41_a_peer_still_at_the_old_address_gets_a_delete(void **state)
{
    (void)state;
    struct pair p = pair_up(CONNECT_TRIGGER);

    set_known_name(&p, "10.2.0.2");
    world_run(p.w, 1000);

    assert_int_equal(gateway_record_count(p.b), 0);
    assert_string_equal(gateway_last_down_reason(p.b), "Delete IKE SA by peer");
    world_free(p.w);
}

static void R41_an_address_still_among_the_answers_is_no_change(void **state)
{
    (void)state;
    struct pair p = pair_up(CONNECT_AUTO);
    size_t sent = gateway_sent(p.a);

    set_known_name(&p, "10.2.0.9 10.2.0.1");
    world_run(p.w, 30000);

    assert_int_equal(gateway_sent(p.a), sent);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static void R41_no_such_name_deletes_no_sa_and_lets_none_be_made(void **state)
{
    (void)state;
    struct pair p = pair_up(CONNECT_AUTO);

    set_known_name(&p, "");
    world_run(p.w, 30000);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));

    gateway_clear(p.a, 1);
    world_run(p.w, 30000);
    assert_int_equal(gateway_record_count(p.a), 0);

    set_known_name(&p, "10.2.0.1");
    world_run(p.w, 1000);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static void R41_an_address_that_follows_no_such_name_is_compared_with_the_last_one(void **state)
{
    (void)state;
    struct pair same = pair_up(CONNECT_TRIGGER);
    set_known_name(&same, "");
    set_known_name(&same, "10.2.0.1");
    assert_one_sa_with(same.a, 1, "10.2.0.1");
    world_free(same.w);

    struct pair other = pair_up(CONNECT_TRIGGER);
    set_known_name(&other, "");
    set_known_name(&other, "10.2.0.2");
    assert_int_equal(gateway_record_count(other.a), 0);
    world_free(other.w);
}

static void R41_a_negotiation_with_the_old_address_is_given_up(void **state)
{
    (void)state;
    struct pair p = pair_of_names(CONNECT_AUTO);
    set_known_name(&p, "10.2.0.9"); /* where nobody is */
    world_run(p.w, 3000);
    assert_int_equal(gateway_record_count(p.b), 0);

    set_known_name(&p, "10.2.0.1");
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_one_sa_with(p.a, 1, "10.2.0.1");
    world_free(p.w);
}

static void R41_a_rekeyed_sa_keeps_the_old_address(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_by_name();
    const struct tunnel_policy b = policy_b();
    a.sa_lifetime = 130;
    struct pair p = pair_of(&a, &b);
    set_known_name(&p, "10.2.0.1");
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 110 * 1000);
    assert_true(gateway_log_has(p.a, "IKE SA rekeyed"));
    assert_int_equal(gateway_record_count(p.a), 1);

    set_known_name(&p, "10.2.0.2");

    assert_int_equal(gateway_record_count(p.a), 0);
    world_free(p.w);
}

/* ---- Peers that do not answer ------------------------------------------------------------------------ */

/* Whether A sends to an address. */
struct listener {
    struct ip_address address;
    size_t count;
};

static bool count_datagrams(void *context, const struct flying_datagram *d)
{
    struct listener *l = context;
    l->count += ip_address_equal(&d->to.address, &l->address);
    return true;
}

/* A pair with an SA, of which B then has another address that A does not know yet. DPD finds that out. */
static struct pair pair_that_moves(enum connect_type connect_type)
{
    struct tunnel_policy a = policy_by_name();
    const struct tunnel_policy b = policy_b();
    a.connect_type = connect_type;
    a.dpd_interval = 10;
    struct pair p = pair_of(&a, &b);
    set_known_name(&p, "10.2.0.1");
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    gateway_set_address(p.b, "10.2.0.2");
    gateway_set_name(p.a, 1, "10.2.0.2");
    while (!gateway_log_has(p.a, "DPD timeout"))
        world_run(p.w, 1000);
    return p;
}

static void R41_the_name_of_a_peer_that_did_not_answer_is_looked_up_before_the_next_try(void **state)
{
    (void)state;
    const enum connect_type types[] = {CONNECT_TRIGGER, CONNECT_AUTO};
    for (size_t i = 0; i < 2; i++) {
        struct pair p = pair_that_moves(types[i]);
        struct listener old = {.count = 0};
        assert_true(ip_address_parse("10.2.0.1", &old.address));
        world_set_hook(p.w, count_datagrams, &old);

        if (types[i] == CONNECT_TRIGGER)
            gateway_packet_waits(p.a, 1);
        world_run(p.w, 11000);

        assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
        assert_one_sa_with(p.a, 1, "10.2.0.2");
        assert_int_equal(gateway_look_ups(p.a, 1), 1);
        assert_int_equal(old.count, 0);
        world_free(p.w);
    }
}

/* The name servers may be gone with the peer. */
static void R41_an_address_that_can_not_be_looked_up_is_tried_again(void **state)
{
    (void)state;
    struct pair p = pair_that_moves(CONNECT_TRIGGER);
    gateway_set_name(p.a, 1, "10.2.0.1");
    gateway_set_address(p.b, "10.2.0.1");

    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static void R41_a_name_that_is_gone_ends_the_next_try(void **state)
{
    (void)state;
    struct pair p = pair_that_moves(CONNECT_TRIGGER);
    gateway_set_name(p.a, 1, "");
    size_t failures = gateway_failures(p.a, 1);

    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    assert_int_equal(gateway_record_count(p.a), 0);
    assert_true(gateway_failures(p.a, 1) > failures);
    assert_true(gateway_log_has(p.a, "negotiation failed: the peer's name is not resolved"));
    world_free(p.w);
}

/* One that answers is not asked about. */
static void R41_a_peer_that_answers_causes_no_lookup(void **state)
{
    (void)state;
    struct pair p = pair_that_moves(CONNECT_AUTO);
    world_run(p.w, 11000);
    assert_int_equal(gateway_look_ups(p.a, 1), 1);

    gateway_clear(p.a, 1);
    world_run(p.w, 20000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_int_equal(gateway_look_ups(p.a, 1), 1);
    world_free(p.w);
}

/* A peer to which nothing could be sent is not silent. */
static void S41_a_request_that_could_not_leave_causes_no_lookup(void **state)
{
    (void)state;
    struct pair p = pair_of_names(CONNECT_TRIGGER);
    set_known_name(&p, "10.2.0.1");
    gateway_packet_waits(p.a, 1);
    gateway_remove_address(p.a, "10.1.0.1"); /* before its key exchange is done */
    world_run(p.w, 40000);
    assert_int_equal(gateway_failures(p.a, 1), 1);
    size_t look_ups = gateway_look_ups(p.a, 1);

    gateway_set_address(p.a, "10.1.0.1");
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_int_equal(gateway_look_ups(p.a, 1), look_ups);
    assert_false(gateway_log_has(p.a, "did not answer"));
    world_free(p.w);
}

/* ---- Configs and engines that change ----------------------------------------------------------------- */

static void R11_another_name_in_the_config_deletes_no_sa(void **state)
{
    (void)state;
    struct pair p = pair_up(CONNECT_TRIGGER);
    struct tunnel_policy renamed = world_default_policy(1, "new.example.com", "site1", "site2");
    gateway_set_name(p.a, 1, "");
    gateway_look_up(p.a, 1);

    gateway_set_tunnel(p.a, &renamed, "secret1", "secret2");
    set_known_name(&p, "10.2.0.2");
    set_known_name(&p, "10.2.0.3");

    assert_one_sa_with(p.a, 1, "10.2.0.1");
    world_free(p.w);
}

static void R41_another_name_with_the_same_address_is_followed_from_then_on(void **state)
{
    (void)state;
    struct pair p = pair_up(CONNECT_TRIGGER);
    struct tunnel_policy renamed = world_default_policy(1, "new.example.com", "site1", "site2");

    gateway_set_tunnel(p.a, &renamed, "secret1", "secret2");
    assert_one_sa_with(p.a, 1, "10.2.0.1");
    set_known_name(&p, "10.2.0.2");

    assert_int_equal(gateway_record_count(p.a), 0);
    world_free(p.w);
}

static void R41_a_new_engine_knows_with_which_address_an_sa_was_made(void **state)
{
    (void)state;
    struct pair p = pair_up(CONNECT_TRIGGER);
    gateway_resume_after(p.a, 0, false);
    assert_one_sa_with(p.a, 1, "10.2.0.1");

    set_known_name(&p, "10.2.0.2");

    assert_int_equal(gateway_record_count(p.a), 0);
    world_free(p.w);
}

/* ---- As responder ------------------------------------------------------------------------------------ */

static void S22_a_peer_at_the_known_address_causes_no_lookup(void **state)
{
    (void)state;
    struct pair p = pair_of_names(CONNECT_TRIGGER);
    set_known_name(&p, "10.2.0.9 10.2.0.1");

    gateway_packet_waits(p.b, 0);
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_int_equal(gateway_look_ups(p.a, 1), 0);
    world_free(p.w);
}

static void S22_a_peer_from_an_unknown_address_is_accepted_if_a_lookup_has_it(void **state)
{
    (void)state;
    struct pair p = pair_of_names(CONNECT_TRIGGER);
    gateway_set_name(p.a, 1, "10.2.0.1");

    gateway_packet_waits(p.b, 0);
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_int_equal(gateway_look_ups(p.a, 1), 1);
    assert_int_equal(gateway_auth_jobs(p.a, 1), 1); /* our AUTH waits meanwhile */
    world_free(p.w);
}

static void S22_the_new_sa_of_a_peer_with_a_new_address_stays_and_the_old_one_is_removed(void **state)
{
    (void)state;
    const enum connect_type types[] = {CONNECT_TRIGGER, CONNECT_AUTO};
    for (size_t i = 0; i < 2; i++) {
        struct pair p = pair_up(types[i]);
        gateway_set_address(p.b, "10.2.0.2");
        gateway_set_name(p.a, 1, "10.2.0.2");
        world_set_partition(p.w, p.a, p.b, true); /* lest A hear of the DELETE */
        gateway_clear(p.b, 0);
        world_run(p.w, 31000);
        world_set_partition(p.w, p.a, p.b, false);

        gateway_packet_waits(p.b, 0);
        world_run(p.w, 1000);

        assert_int_equal(gateway_look_ups(p.a, 1), 1);
        assert_string_equal(gateway_last_down_reason(p.a), "peer address changed");
        assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
        assert_one_sa_with(p.a, 1, "10.2.0.2");
        world_run(p.w, 30000);
        assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
        world_free(p.w);
    }
}

static void S22_a_peer_from_an_unknown_address_with_the_right_id_and_key_is_refused(void **state)
{
    (void)state;
    struct pair p = pair_of_names(CONNECT_TRIGGER);
    set_known_name(&p, "10.2.0.8 10.2.0.9");

    gateway_packet_waits(p.b, 0);
    world_run(p.w, 1000);

    assert_int_equal(gateway_look_ups(p.a, 1), 1);
    assert_int_equal(gateway_record_count(p.a), 0);
    assert_int_equal(gateway_record_count(p.b), 0);
    assert_true(gateway_log_has(p.a,
                                "negotiation failed: the peer comes from 10.2.0.1, which is no address of "
                                "b.example.com (it has 10.2.0.8, 10.2.0.9); the default, no line sets it"));
    assert_true(gateway_log_has(p.b, "AUTHENTICATION_FAILED"));
    world_free(p.w);
}

static void S22_a_peer_from_an_unknown_address_does_not_disturb_the_existing_sa(void **state)
{
    (void)state;
    struct pair p = pair_up(CONNECT_AUTO);
    struct gateway *other = world_add_gateway(p.w, "C", "10.3.0.1");
    const struct tunnel_policy c = policy_b();
    gateway_set_tunnel(other, &c, "secret2", "secret1");

    gateway_packet_waits(other, 0);
    world_run(p.w, 30000);

    assert_int_equal(gateway_record_count(other), 0);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static void S22_a_peer_without_the_key_causes_no_lookup(void **state)
{
    (void)state;
    struct pair p = pair_of_names(CONNECT_TRIGGER);
    const struct tunnel_policy b = policy_b();
    gateway_set_tunnel(p.b, &b, "wrong", "secret1");

    gateway_packet_waits(p.b, 0);
    world_run(p.w, 1000);

    assert_true(gateway_log_has(p.a, "does not fit the key configured for it"));
    assert_int_equal(gateway_look_ups(p.a, 1), 0);
    world_free(p.w);
}

static void S22_messages_that_the_peer_repeats_during_a_lookup_wait(void **state)
{
    (void)state;
    struct pair p = pair_of_names(CONNECT_TRIGGER);
    gateway_set_name(p.a, 1, "10.2.0.1");
    gateway_set_look_up_delay(p.a, 7000);

    gateway_packet_waits(p.b, 0);
    world_run(p.w, 6900);
    assert_int_equal(gateway_look_ups(p.a, 1), 1);
    assert_int_equal(gateway_child_count(p.a, 1), 0);

    world_run(p.w, 1000);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_int_equal(gateway_look_ups(p.a, 1), 1);
    world_free(p.w);
}

static void S22_a_name_of_the_other_family_is_no_candidate(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_by_name();
    const struct tunnel_policy b = policy_b();
    a.peer_family = IP_V6;
    struct pair p = pair_of(&a, &b);

    gateway_packet_waits(p.b, 0);
    world_run(p.w, 1000);

    assert_int_equal(ike_engine_counters(gateway_engine(p.a))[IKE_COUNT_NO_TUNNEL], 1);
    assert_int_equal(gateway_sent(p.a), 0);
    world_free(p.w);
}

static void R42_two_gateways_that_know_each_other_by_name_find_each_other_again(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_by_name();
    struct tunnel_policy b = world_default_policy(0, "a.example.com", "site2", "site1");
    a.connect_type = b.connect_type = CONNECT_AUTO;
    a.dpd_interval = b.dpd_interval = 10;
    struct pair p = pair_of(&a, &b);
    gateway_set_name(p.a, 1, "10.2.0.1");
    gateway_set_name(p.b, 0, "10.1.0.1");
    gateway_look_up(p.a, 1);
    gateway_look_up(p.b, 0);
    world_run(p.w, 5000);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));

    gateway_set_address(p.a, "10.1.0.77");
    gateway_set_address(p.b, "10.2.0.77");
    gateway_set_name(p.a, 1, "10.2.0.77");
    gateway_set_name(p.b, 0, "10.1.0.77");
    gateway_look_up(p.a, 1); /* B has not heard of it yet */
    world_run(p.w, 5000);

    assert_int_equal(gateway_look_ups(p.b, 0), 1);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    gateway_look_up(p.b, 0);
    world_run(p.w, 60000);
    assert_one_sa_with(p.a, 1, "10.2.0.77");
    assert_one_sa_with(p.b, 0, "10.1.0.77");
    world_free(p.w);
}

/* ---- Behind NATs ------------------------------------------------------------------------------------- */

/* B is behind a NAT at 10.9.0.1, and both ends do NAT traversal. */
static struct pair pair_with_nat(const char *name)
{
    struct tunnel_policy a = policy_by_name();
    struct tunnel_policy b = policy_b();
    a.nat_traversal = b.nat_traversal = true;
    struct pair p = pair_of(&a, &b);
    gateway_set_nat(p.b, "10.9.0.1");
    set_known_name(&p, name);
    gateway_packet_waits(p.b, 0);
    world_run(p.w, 1000);
    return p;
}

static void R41_the_name_of_a_peer_behind_a_nat_may_have_the_nats_address(void **state)
{
    (void)state;
    struct pair p = pair_with_nat("10.9.0.1");

    assert_true(gateway_tunnel_is_up(p.a, 1));
    assert_int_equal(gateway_look_ups(p.a, 1), 0);
    world_free(p.w);
}

static void R41_the_name_of_a_peer_behind_a_nat_may_have_the_peers_own_address(void **state)
{
    (void)state;
    struct pair p = pair_with_nat("10.8.8.8 10.2.0.1");

    assert_true(gateway_tunnel_is_up(p.a, 1));
    assert_int_equal(gateway_look_ups(p.a, 1), 0);
    world_free(p.w);
}

static void R41_another_nat_mapping_is_no_change_of_address(void **state)
{
    (void)state;
    struct pair p = pair_with_nat("10.2.0.1");
    gateway_set_nat(p.b, "10.9.0.2");
    world_set_traffic(p.w, 100);
    world_run(p.w, 1000);
    assert_one_sa_with(p.a, 1, "10.9.0.2"); /* followed (S28) */

    gateway_look_up(p.a, 1);
    world_run(p.w, 1000);

    assert_one_sa_with(p.a, 1, "10.9.0.2");
    set_known_name(&p, "10.2.0.2");
    assert_int_equal(gateway_record_count(p.a), 0);
    world_free(p.w);
}

static void S22_a_peer_from_an_unknown_address_behind_a_nat_is_refused(void **state)
{
    (void)state;
    struct pair p = pair_with_nat("10.2.0.99");

    assert_int_equal(gateway_look_ups(p.a, 1), 1);
    assert_int_equal(gateway_record_count(p.a), 0);
    assert_true(gateway_log_has(p.a, "the peer comes from 10.9.0.1, which is no address of b.example.com"));
    world_free(p.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R41_no_sa_can_be_made_before_the_name_is_resolved),
        cmocka_unit_test(R41_an_auto_tunnel_comes_up_as_soon_as_the_name_is_resolved),
        cmocka_unit_test(R41_another_address_deletes_the_sa_and_auto_makes_it_anew_at_once),
        cmocka_unit_test(R41_a_triggered_tunnel_waits_for_the_next_packet_after_a_change),
        cmocka_unit_test(R41_a_peer_still_at_the_old_address_gets_a_delete),
        cmocka_unit_test(R41_an_address_still_among_the_answers_is_no_change),
        cmocka_unit_test(R41_no_such_name_deletes_no_sa_and_lets_none_be_made),
        cmocka_unit_test(R41_an_address_that_follows_no_such_name_is_compared_with_the_last_one),
        cmocka_unit_test(R41_a_negotiation_with_the_old_address_is_given_up),
        cmocka_unit_test(R41_a_rekeyed_sa_keeps_the_old_address),
        cmocka_unit_test(R41_the_name_of_a_peer_that_did_not_answer_is_looked_up_before_the_next_try),
        cmocka_unit_test(R41_an_address_that_can_not_be_looked_up_is_tried_again),
        cmocka_unit_test(R41_a_name_that_is_gone_ends_the_next_try),
        cmocka_unit_test(R41_a_peer_that_answers_causes_no_lookup),
        cmocka_unit_test(S41_a_request_that_could_not_leave_causes_no_lookup),
        cmocka_unit_test(R11_another_name_in_the_config_deletes_no_sa),
        cmocka_unit_test(R41_another_name_with_the_same_address_is_followed_from_then_on),
        cmocka_unit_test(R41_a_new_engine_knows_with_which_address_an_sa_was_made),
        cmocka_unit_test(S22_a_peer_at_the_known_address_causes_no_lookup),
        cmocka_unit_test(S22_a_peer_from_an_unknown_address_is_accepted_if_a_lookup_has_it),
        cmocka_unit_test(S22_the_new_sa_of_a_peer_with_a_new_address_stays_and_the_old_one_is_removed),
        cmocka_unit_test(S22_a_peer_from_an_unknown_address_with_the_right_id_and_key_is_refused),
        cmocka_unit_test(S22_a_peer_from_an_unknown_address_does_not_disturb_the_existing_sa),
        cmocka_unit_test(S22_a_peer_without_the_key_causes_no_lookup),
        cmocka_unit_test(S22_messages_that_the_peer_repeats_during_a_lookup_wait),
        cmocka_unit_test(S22_a_name_of_the_other_family_is_no_candidate),
        cmocka_unit_test(R42_two_gateways_that_know_each_other_by_name_find_each_other_again),
        cmocka_unit_test(R41_the_name_of_a_peer_behind_a_nat_may_have_the_nats_address),
        cmocka_unit_test(R41_the_name_of_a_peer_behind_a_nat_may_have_the_peers_own_address),
        cmocka_unit_test(R41_another_nat_mapping_is_no_change_of_address),
        cmocka_unit_test(S22_a_peer_from_an_unknown_address_behind_a_nat_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
