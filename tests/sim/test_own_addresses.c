/*
 * Own addresses that go away, come back, or are replaced under an IKE SA (S40), and requests that can't leave
 * (S41).
 */
#include "ike/sa/ike_sa.h"
#include "pair.h"
#include "sim/inside.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND = 1000, GRACE = 3 * SECOND };

#define OLD "10.1.0.1"
#define NEW "10.1.0.2"

/* A is the end whose address changes; B knows it by its ID only, or by its name. */
static struct pair pair_that_keeps_up(enum connect_type connect)
{
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = world_default_policy(0, "any", "site2", "site1");
    a.connect_type = connect;
    struct pair p = pair_of(&a, &b);
    if (connect == CONNECT_TRIGGER)
        gateway_packet_waits(p.a, 1);
    world_run(p.w, 15 * SECOND);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    return p;
}

static struct ip_address local_of(const struct gateway *g)
{
    return gateway_children(g)->sa.destination.local.address;
}

static void assert_from(const struct gateway *g, const char *address)
{
    char text[IP_TEXT_SIZE];
    const struct ip_address local = local_of(g);
    assert_string_equal(ip_address_format(&local, text), address);
}

/* One end has one IKE SA, and so has the other. */
static void assert_one_each(const struct pair *p)
{
    assert_int_equal(gateway_record_count(p->a), 1);
    assert_int_equal(gateway_record_count(p->b), 1);
    assert_true(world_tunnel_carries(p->a, 1, p->b, 0));
}

/* ---- Replaced ---------------------------------------------------------------------------------------- */

static void S40_an_address_that_is_replaced_gets_a_new_sa_at_once(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_AUTO);
    gateway_set_address(p.a, NEW);

    world_run(p.w, GRACE + 200);

    assert_from(p.a, NEW);
    assert_one_each(&p);
    assert_true(
        strstr(gateway_warnings(p.a), "own address " OLD " is gone: a new IKE SA is made from " NEW) != NULL);
    assert_string_equal(gateway_last_down_reason(p.a), ""); /* waiting packets were never dropped */
    world_free(p.w);
}

static void S40_a_packet_makes_the_new_sa_of_a_triggered_tunnel(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_TRIGGER);
    gateway_set_address(p.a, NEW);
    world_run(p.w, GRACE + 5 * SECOND);
    assert_from(p.a, OLD);
    assert_true(gateway_children(p.a)->stopped); /* so that packets wait, and are told of */
    assert_true(strstr(gateway_warnings(p.a), NEW " as soon as a packet wants to go") != NULL);

    gateway_packet_waits(p.a, 1);
    world_run(p.w, SECOND);

    assert_from(p.a, NEW);
    assert_one_each(&p);
    assert_int_equal(gateway_failures(p.a, 1), 0);
    world_free(p.w);
}

static void S40_what_was_given_up_ends_after_30_seconds_without_a_delete(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_TRIGGER);
    gateway_set_address(p.a, NEW);
    world_run(p.w, GRACE);
    size_t sent = gateway_sent(p.a);

    world_run(p.w, 29 * SECOND);
    assert_int_equal(gateway_record_count(p.a), 1);
    world_run(p.w, 2 * SECOND);

    assert_int_equal(gateway_record_count(p.a), 0);
    assert_false(gateway_tunnel_is_up(p.a, 1));
    assert_string_equal(gateway_last_down_reason(p.a), "own address changed");
    assert_int_equal(gateway_sent(p.a), sent);
    world_free(p.w);
}

/* The old address is still there, but the route to the peer has another source: another WAN takes over. */
static void S40_a_route_that_moves_to_another_source_moves_the_sa(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_AUTO);
    gateway_add_address(p.a, NEW);
    world_run(p.w, 60 * SECOND);
    assert_from(p.a, OLD); /* one more address changes nothing */
    size_t received = gateway_packets_received(p.b);
    world_set_traffic(p.w, 100);
    gateway_set_source(p.a, NEW);

    world_run(p.w, GRACE + 200);

    assert_from(p.a, NEW);
    assert_one_each(&p);
    assert_true(strstr(gateway_warnings(p.a),
                       "own address " OLD " is not the source to the peer any more: a new IKE SA is made "
                       "from " NEW) != NULL);
    assert_true(gateway_packets_received(p.b) > received + 25);
    world_free(p.w);
}

static void S40_an_sa_of_an_address_that_is_replaced_twice_is_followed(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_AUTO);
    gateway_set_address(p.a, NEW);
    world_run(p.w, GRACE + 15);
    gateway_set_address(p.a, "10.1.0.3"); /* while the new one is being made */

    world_run(p.w, GRACE + 35 * SECOND); /* until the peer has forgotten the one that was begun */

    assert_from(p.a, "10.1.0.3");
    assert_one_each(&p);
    world_free(p.w);
}

/* ---- Back in time ------------------------------------------------------------------------------------ */

static void S40_an_address_that_is_back_within_3_seconds_was_never_away(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_AUTO);
    const uint32_t spi = gateway_children(p.a)->sa.inbound.spi;
    for (unsigned i = 0; i < 5; i++) {
        gateway_remove_address(p.a, OLD);
        world_run(p.w, GRACE - 100);
        gateway_set_address(p.a, OLD);
        world_run(p.w, SECOND);
    }

    world_run(p.w, 60 * SECOND);

    assert_int_equal(gateway_children(p.a)->sa.inbound.spi, spi);
    assert_false(gateway_children(p.a)->stopped);
    assert_false(gateway_log_has(p.a, "own address"));
    assert_one_each(&p);
    world_free(p.w);
}

static void S40_a_route_that_is_back_within_3_seconds_never_moved(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_AUTO);
    gateway_add_address(p.a, NEW);
    gateway_set_source(p.a, NEW);
    world_run(p.w, GRACE - 100);
    gateway_set_source(p.a, OLD);

    world_run(p.w, 60 * SECOND);

    assert_from(p.a, OLD);
    assert_false(gateway_log_has(p.a, "own address"));
    assert_one_each(&p);
    world_free(p.w);
}

/* Without another source there is nothing to be done: the SA waits for its address, for hours if need be. */
static void S40_an_sa_without_a_route_waits_for_its_address(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_AUTO);
    const uint32_t spi = gateway_children(p.a)->sa.inbound.spi;
    gateway_remove_address(p.a, OLD);
    world_run(p.w, 600 * SECOND);
    gateway_set_address(p.a, OLD);

    world_run(p.w, 10 * SECOND);

    assert_int_equal(gateway_children(p.a)->sa.inbound.spi, spi);
    assert_one_each(&p);
    world_free(p.w);
}

static void S40_an_sa_without_a_route_is_made_anew_when_another_source_comes(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_AUTO);
    gateway_remove_address(p.a, OLD);
    world_run(p.w, 100 * SECOND);
    gateway_set_address(p.a, NEW);

    world_run(p.w, 200);

    assert_from(p.a, NEW);
    assert_one_each(&p);
    world_free(p.w);
}

/* ---- Where the peer begins --------------------------------------------------------------------------- */

static void S40_a_responder_ends_an_sa_whose_address_was_away_for_30_seconds(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_TRIGGER);
    gateway_set_address(p.b, "10.2.0.2");
    world_run(p.w, 29 * SECOND);
    assert_int_equal(gateway_record_count(p.b), 1);
    size_t sent = gateway_sent(p.b);

    world_run(p.w, 2 * SECOND);

    assert_int_equal(gateway_record_count(p.b), 0);
    assert_int_equal(gateway_sent(p.b), sent); /* no DELETE */
    assert_true(strstr(gateway_warnings(p.b), "own address 10.2.0.1 has been gone for 30 seconds") != NULL);
    assert_string_equal(gateway_last_down_reason(p.b), "own address gone");
    world_free(p.w);
}

static void S40_a_responder_keeps_an_sa_whose_address_comes_back(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_TRIGGER);
    gateway_remove_address(p.b, "10.2.0.1");
    world_run(p.w, 25 * SECOND);
    gateway_set_address(p.b, "10.2.0.1");

    world_run(p.w, 60 * SECOND);

    assert_one_each(&p);
    assert_false(gateway_log_has(p.b, "own address"));
    world_free(p.w);
}

/* ---- What is no change of an address ----------------------------------------------------------------- */

static void R11_another_source_in_the_config_holds_from_the_next_negotiation(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    struct pair p = pair_that_keeps_up(CONNECT_AUTO);
    a.connect_type = CONNECT_AUTO;
    a.source_kind = SOURCE_ADDRESS;
    assert_true(ip_address_parse(NEW, &a.source_address));
    gateway_add_address(p.a, NEW);
    struct peer_route route = {.usable = true, .local = a.source_address};
    assert_true(ip_address_parse("10.2.0.1", &route.remote));
    struct ike_event event = {.kind = IKE_EVENT_POLICY};
    event.policy = &a;
    gateway_handle(p.a, &event);
    gateway_set_route(p.a, 1, &route);

    world_run(p.w, 60 * SECOND);

    assert_from(p.a, OLD);
    assert_false(gateway_children(p.a)->stopped);
    assert_false(gateway_log_has(p.a, "own address"));
    world_free(p.w);
}

/* The policy of A with its route from `source`, by another link and mark. */
static void set_policy_and_route(struct pair *p, const char *source, uint32_t ifindex, uint32_t mark)
{
    struct tunnel_policy a = policy_a();
    a.connect_type = CONNECT_AUTO;
    struct ike_event event = {.kind = IKE_EVENT_POLICY};
    event.policy = &a;
    gateway_handle(p->a, &event);
    struct peer_route route = {.usable = true, .ifindex = ifindex, .mark = mark};
    assert_true(ip_address_parse(source, &route.local));
    assert_true(ip_address_parse("10.2.0.1", &route.remote));
    gateway_set_route(p->a, 1, &route);
}

static void R44_another_link_in_the_config_holds_at_once(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_AUTO);

    set_policy_and_route(&p, OLD, 7, 70);

    world_run(p.w, GRACE);
    assert_from(p.a, OLD);
    assert_int_equal(gateway_children(p.a)->sa.destination.ifindex, 7);
    assert_int_equal(gateway_children(p.a)->sa.destination.mark, 70);
    world_free(p.w);
}

static void R44_an_sa_whose_pinned_route_the_config_took_is_made_anew(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_AUTO);
    set_policy_and_route(&p, OLD, 7, 70);
    gateway_add_address(p.a, NEW);

    set_policy_and_route(&p, NEW, 8, 80);

    world_run(p.w, SECOND); /* it is no link that flaps */
    assert_from(p.a, NEW);
    assert_int_equal(gateway_children(p.a)->sa.destination.mark, 80);
    world_free(p.w);
}

static bool count_first_messages(void *context, const struct flying_datagram *d)
{
    struct ike_header header;
    unsigned *count = context;
    if (ike_header_parse(d->message, &header) && header.exchange == EXCHANGE_IKE_SA_INIT &&
        (header.flags & IKE_FLAG_RESPONSE) == 0)
        ++*count;
    return true;
}

/* Two lines of a config in a row, each of which changes the source. A packet waits between them.
 * With `loses_route` there is none for a moment before and after the first line. */
static void must_negotiate_once(bool loses_route)
{
    static const char third[] = "10.1.0.3";
    for (msec_t between = 0; between <= 150; between += 50) {
        unsigned negotiations = 0;
        struct pair p = pair_that_keeps_up(CONNECT_AUTO);
        set_policy_and_route(&p, OLD, 7, 70);
        gateway_add_address(p.a, NEW);
        gateway_add_address(p.a, third);
        world_set_hook(p.w, count_first_messages, &negotiations);

        if (loses_route)
            gateway_set_route(p.a, 1, &(struct peer_route){.usable = false});
        set_policy_and_route(&p, NEW, 8, 80);
        assert_true(gateway_children(p.a)->stopped);
        if (loses_route)
            gateway_set_route(p.a, 1, &(struct peer_route){.usable = false});
        gateway_packet_waits(p.a, 1);
        world_run(p.w, between);
        set_policy_and_route(&p, third, 9, 90);
        world_run(p.w, SECOND);

        assert_int_equal(negotiations, 1);
        assert_from(p.a, third);
        assert_int_equal(gateway_children(p.a)->sa.destination.mark, 90);
        assert_one_each(&p);
        world_free(p.w);
    }
}

static void R44_two_other_sources_in_a_row_in_the_config_make_one_negotiation(void **state)
{
    (void)state;
    must_negotiate_once(false);
    must_negotiate_once(true);
}

/* A PPPoE session has its old address again, but is another link. */
static void S40_an_sa_follows_its_address_to_another_link(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_AUTO);
    struct peer_route route = {.usable = true, .local = gateway_address(p.a), .ifindex = 7};
    assert_true(ip_address_parse("10.2.0.1", &route.remote));
    gateway_set_route(p.a, 1, &route);
    world_run(p.w, GRACE);
    assert_int_equal(gateway_children(p.a)->sa.destination.ifindex, 7);
    world_free(p.w);
}

/* ---- Engines that begin anew ------------------------------------------------------------------------- */

static void S40_a_new_engine_goes_on_with_addresses_that_are_away(void **state)
{
    (void)state;
    for (msec_t at = 0; at <= GRACE + 200; at += 100) {
        struct pair p = pair_that_keeps_up(CONNECT_AUTO);
        gateway_set_address(p.a, NEW);
        world_run(p.w, at);
        gateway_resume_after(p.a, 0, false);

        world_run(p.w, 15 * SECOND);

        assert_from(p.a, NEW);
        assert_one_each(&p);
        world_free(p.w);
    }
}

static void S40_a_new_engine_sees_that_the_source_has_moved(void **state)
{
    (void)state;
    for (msec_t at = 0; at <= GRACE + 200; at += 100) {
        struct pair p = pair_that_keeps_up(CONNECT_AUTO);
        gateway_add_address(p.a, NEW);
        gateway_set_source(p.a, NEW);
        world_run(p.w, at);
        gateway_resume_after(p.a, 0, true);

        world_run(p.w, 15 * SECOND);

        assert_from(p.a, NEW);
        assert_one_each(&p);
        world_free(p.w);
    }
}

static void S40_an_sa_that_was_given_up_stays_so_in_a_new_engine(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_TRIGGER);
    gateway_set_address(p.a, NEW);
    world_run(p.w, GRACE + SECOND);
    gateway_resume_after(p.a, 0, false);
    world_run(p.w, SECOND);
    assert_true(gateway_children(p.a)->stopped);
    gateway_packet_waits(p.a, 1);
    world_run(p.w, SECOND);
    assert_from(p.a, NEW);
    assert_one_each(&p);
    world_free(p.w);
}

static void S40_an_sa_that_was_given_up_asks_nothing_in_a_new_engine(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    const struct tunnel_policy b = world_default_policy(0, "any", "site2", "site1");
    a.dpd_interval = 10;
    struct pair p = pair_of(&a, &b);
    gateway_packet_waits(p.a, 1);
    world_run(p.w, SECOND);
    gateway_set_address(p.a, NEW);
    world_run(p.w, GRACE + SECOND);
    gateway_resume_after(p.a, 0, false);

    world_run(p.w, 29 * SECOND);

    assert_int_equal(gateway_record_count(p.a), 1);
    assert_false(gateway_log_has(p.a, "asking the peer"));
    world_free(p.w);
}

/* ---- Commands, rekeys -------------------------------------------------------------------------------- */

static void S40_a_cleared_sa_of_an_address_that_is_gone_sends_no_delete(void **state)
{
    (void)state;
    struct pair p = pair_that_keeps_up(CONNECT_TRIGGER);
    gateway_set_address(p.a, NEW);
    world_run(p.w, GRACE + SECOND);
    size_t sent = gateway_sent(p.a);
    gateway_clear(p.a, 1);
    assert_int_equal(gateway_record_count(p.a), 0);
    assert_int_equal(gateway_sent(p.a), sent);
    world_free(p.w);
}

static void S40_a_successor_knows_that_its_address_is_away(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = world_default_policy(0, "any", "site2", "site1");
    a.connect_type = CONNECT_AUTO;
    a.sa_lifetime = 100;
    struct pair p = pair_of(&a, &b);
    world_run(p.w, 69 * SECOND);
    gateway_add_address(p.a, NEW);
    gateway_set_source(p.a, NEW);
    while (!gateway_log_has(p.a, "IKE SA rekeyed") && world_now(p.w) < 1100 * SECOND)
        world_run(p.w, 100);

    world_run(p.w, 2 * GRACE);

    assert_from(p.a, NEW);
    assert_one_each(&p);
    world_free(p.w);
}

/* The peer's request came before, and its key exchange is done after the IKE SA was given up. */
static void S40_what_was_given_up_makes_no_child_sa(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    b.connect_type = CONNECT_AUTO;
    b.child_lifetime = 100;
    a.child.pfs_none = b.child.pfs_none = false;
    struct pair p = pair_of(&a, &b);
    world_run(p.w, 15 * SECOND);
    world_conditions(p.w)->job_time = 10 * SECOND;
    while (!gateway_log_has(p.a, "N(REKEY_SA)") && world_now(p.w) < 1200 * SECOND)
        world_run(p.w, 100);
    assert_true(world_now(p.w) < 1200 * SECOND);
    gateway_set_address(p.a, NEW);
    world_run(p.w, 9 * SECOND);
    assert_true(gateway_children(p.a)->stopped);

    world_run(p.w, 5 * SECOND);

    assert_int_equal(gateway_log_count(p.a, "Child SA created"), 1);
    assert_null(world_fault(p.w));
    world_free(p.w);
}

/* ---- Requests that can't leave ----------------------------------------------------------------------- */

static void S41_a_request_that_could_not_leave_is_told_as_that(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    struct pair p = pair_of(&a, &b);
    struct peer_route route = {.usable = true};
    assert_true(ip_address_parse("10.2.0.1", &route.remote));
    assert_true(ip_address_parse(NEW, &route.local));
    gateway_add_address(p.a, NEW);
    gateway_remove_address(p.a, NEW);
    gateway_set_route(p.a, 1, &route);
    const uint64_t *counters = ike_engine_counters(gateway_engine(p.a));
    gateway_packet_waits(p.a, 1);

    world_run(p.w, 31 * SECOND);

    assert_true(strstr(gateway_warnings(p.a), "IKE_SA_INIT to 10.2.0.1:500 could not be sent within 30 "
                                              "seconds: Cannot assign requested address") != NULL);
    assert_false(gateway_log_has(p.a, "no answer"));
    assert_int_equal(counters[IKE_COUNT_SENT], 0);
    assert_int_equal(gateway_log_count(p.a, "can't be sent now"), 1);
    world_free(p.w);
}

/* Whoever sends requests from everywhere must not fill the log. */
static void S41_answers_that_cannot_leave_are_told_once_in_a_second(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    struct pair p = pair_of(&a, &b);
    const uint8_t answer[IKE_HEADER_SIZE] = {[17] = 0x20, EXCHANGE_IKE_SA_INIT, IKE_FLAG_RESPONSE};
    struct ike_event event = {.kind = IKE_EVENT_NOT_SENT,
                              .not_sent = {.message = {answer, sizeof answer}, .error = ENETUNREACH}};
    assert_true(ip_address_parse("10.2.0.1", &event.not_sent.remote.address));

    for (int i = 0; i < 10; i++)
        gateway_handle(p.a, &event);
    assert_int_equal(gateway_log_count(p.a, "an answer to 10.2.0.1:0 can't be sent"), 1);
    world_run(p.w, 1 * SECOND);
    gateway_handle(p.a, &event);

    assert_int_equal(gateway_log_count(p.a, "an answer to 10.2.0.1:0 can't be sent"), 2);
    world_free(p.w);
}

/* The negotiation began from an address that served not yet: it goes on the moment that it does. */
static void S41_what_could_not_leave_leaves_when_the_source_is_there(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    struct pair p = pair_of(&a, &b);
    gateway_packet_waits(p.a, 1);
    gateway_remove_address(p.a, OLD); /* before its key exchange is done */
    world_run(p.w, 10 * SECOND);
    gateway_set_address(p.a, OLD);

    world_run(p.w, 100);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_int_equal(gateway_failures(p.a, 1), 0);
    world_free(p.w);
}

static void S41_a_negotiation_of_which_nothing_left_begins_from_another_source_at_once(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = world_default_policy(0, "any", "site2", "site1");
    struct pair p = pair_of(&a, &b);
    gateway_packet_waits(p.a, 1);
    gateway_remove_address(p.a, OLD);
    world_run(p.w, SECOND);
    gateway_set_address(p.a, NEW);

    world_run(p.w, 100);

    assert_from(p.a, NEW);
    assert_one_each(&p);
    assert_int_equal(gateway_failures(p.a, 1), 0);
    world_free(p.w);
}

static void S41_a_negotiation_waits_for_a_source(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    a.shut_down = true;
    struct tunnel_policy b = policy_b();
    struct pair p = pair_of(&a, &b);
    gateway_remove_address(p.a, OLD);
    a.shut_down = false;
    a.connect_type = CONNECT_AUTO;
    gateway_set_tunnel(p.a, &a, "secret1", "secret2");
    world_run(p.w, 300 * SECOND + 50);
    assert_false(gateway_log_has(p.a, "negotiation started"));
    gateway_set_address(p.a, OLD);

    world_run(p.w, 100);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_int_equal(gateway_log_count(p.a, "negotiation started"), 1);
    world_free(p.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S40_an_address_that_is_replaced_gets_a_new_sa_at_once),
        cmocka_unit_test(S40_a_packet_makes_the_new_sa_of_a_triggered_tunnel),
        cmocka_unit_test(S40_what_was_given_up_ends_after_30_seconds_without_a_delete),
        cmocka_unit_test(S40_a_route_that_moves_to_another_source_moves_the_sa),
        cmocka_unit_test(S40_an_sa_of_an_address_that_is_replaced_twice_is_followed),
        cmocka_unit_test(S40_an_address_that_is_back_within_3_seconds_was_never_away),
        cmocka_unit_test(S40_a_route_that_is_back_within_3_seconds_never_moved),
        cmocka_unit_test(S40_an_sa_without_a_route_waits_for_its_address),
        cmocka_unit_test(S40_an_sa_without_a_route_is_made_anew_when_another_source_comes),
        cmocka_unit_test(S40_a_responder_ends_an_sa_whose_address_was_away_for_30_seconds),
        cmocka_unit_test(S40_a_responder_keeps_an_sa_whose_address_comes_back),
        cmocka_unit_test(R11_another_source_in_the_config_holds_from_the_next_negotiation),
        cmocka_unit_test(R44_another_link_in_the_config_holds_at_once),
        cmocka_unit_test(R44_an_sa_whose_pinned_route_the_config_took_is_made_anew),
        cmocka_unit_test(R44_two_other_sources_in_a_row_in_the_config_make_one_negotiation),
        cmocka_unit_test(S40_an_sa_follows_its_address_to_another_link),
        cmocka_unit_test(S40_a_new_engine_goes_on_with_addresses_that_are_away),
        cmocka_unit_test(S40_a_new_engine_sees_that_the_source_has_moved),
        cmocka_unit_test(S40_an_sa_that_was_given_up_stays_so_in_a_new_engine),
        cmocka_unit_test(S40_an_sa_that_was_given_up_asks_nothing_in_a_new_engine),
        cmocka_unit_test(S40_a_cleared_sa_of_an_address_that_is_gone_sends_no_delete),
        cmocka_unit_test(S40_a_successor_knows_that_its_address_is_away),
        cmocka_unit_test(S40_what_was_given_up_makes_no_child_sa),
        cmocka_unit_test(S41_a_request_that_could_not_leave_is_told_as_that),
        cmocka_unit_test(S41_answers_that_cannot_leave_are_told_once_in_a_second),
        cmocka_unit_test(S41_what_could_not_leave_leaves_when_the_source_is_there),
        cmocka_unit_test(S41_a_negotiation_of_which_nothing_left_begins_from_another_source_at_once),
        cmocka_unit_test(S41_a_negotiation_waits_for_a_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
