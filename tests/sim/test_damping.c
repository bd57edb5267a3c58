/*
 * What a peer refuses, or ends as soon as it is made, is not asked for again at once (S44).
 */
#include "narrow_peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SECOND = 1000 };

/* ---- An answer that cannot be taken ------------------------------------------------------------------ */

/* Our SPI of the Child SA that the request read last asks for. */
static uint32_t requested_spi(const struct stage *s)
{
    struct reader r = reader_of(ike_message_find(&s->p->message, PAYLOAD_SA)->content.at, 12);
    (void)reader_octets(&r, 8);
    return reader_u32be(&r);
}

/* B's last message deletes the Child SA with its SPI `spi`; the puppet answers. */
static void must_give_up(struct stage *s, uint32_t spi)
{
    assert_true(puppet_read_reply(s->p));
    assert_int_equal(s->p->message.header.exchange, EXCHANGE_INFORMATIONAL);
    const struct ike_payload *deletion = ike_message_find(&s->p->message, PAYLOAD_DELETE);
    assert_non_null(deletion);
    assert_int_equal(deletion->protocol, PROTOCOL_ESP);
    assert_int_equal(deletion->spi_count, 1);
    assert_int_equal(load_u32be(deletion->content.at), spi);
    const struct message_writer m = inner();
    puppet_answer(s->p, &m);
}

/* Answers a request for IPv6 with IPv4; B gives it up. */
static void grant_the_wrong_family(struct stage *s, uint32_t spi)
{
    const struct selector_list v4 = any_of(FAMILY_V4);
    uint32_t requested = requested_spi(s);
    struct message_writer m = inner();
    put_child_of(s, &m, spi, HIGHEST, &v4, &v4);
    puppet_answer(s->p, &m);
    must_give_up(s, requested);
}

static void S44_an_additional_child_sa_that_was_not_asked_for_is_given_up_alone(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_that_lacks_ipv6(&policy);

    grant_the_wrong_family(&s, SECOND_CHILD);

    assert_true(carries(&s, PUPPET_CHILD));
    assert_null(installed(&s, SECOND_CHILD));
    assert_false(packets_outside_wait(&s));
    must_be_silent(&s, 59 * SECOND);
    await_additional(&s);
    grant_the_wrong_family(&s, THIRD_CHILD);
    must_be_silent(&s, 119 * SECOND);
    await_additional(&s);
    must_be_whole_families(&s, FAMILY_V6);
    assert_int_equal(gateway_log_count(s.b, "traffic selectors that were not proposed: it chose"), 1);
    grant(&s, NEW_CHILD);
    assert_true(carries(&s, NEW_CHILD));
    stage_free(&s);
}

/* Our side is as proposed, the peer's is wider (RFC 7296 2.9). */
static void S44_a_peer_that_widens_its_own_selectors_is_not_followed(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_that_lacks_ipv6(&policy);
    const struct selector_list v6 = any_of(FAMILY_V6);
    const struct selector_list both = any_of(FAMILY_V4 | FAMILY_V6);
    uint32_t requested = requested_spi(&s);
    struct message_writer m = inner();
    put_child_of(&s, &m, SECOND_CHILD, HIGHEST, &v6, &both);

    puppet_answer(s.p, &m);

    must_give_up(&s, requested);
    assert_null(installed(&s, SECOND_CHILD));
    assert_true(carries(&s, PUPPET_CHILD));
    stage_free(&s);
}

static void S44_an_answer_that_cannot_be_taken_is_asked_for_again_once_an_hour_in_the_end(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_that_lacks_ipv6(&policy);
    for (unsigned i = 0; i < 7; i++) {
        grant_the_wrong_family(&s, SECOND_CHILD + i);
        world_run(s.w, (60U << i) * SECOND < HOUR ? (msec_t)(60U << i) * SECOND : HOUR);
        must_be_additional(&s);
    }
    grant_the_wrong_family(&s, SECOND_CHILD + 7);
    must_be_silent(&s, HOUR - SECOND);
    await_additional(&s);
    stage_free(&s);
}

static void S44_a_pair_of_addresses_that_was_answered_wrongly_waits_for_a_minute(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_by_pair(&policy);
    const struct packet_flow second = from_host(2);
    for (unsigned i = 0; i < 2; i++) {
        packet_waits(&s, &second);
        must_be_additional(&s);
        grant_the_wrong_family(&s, SECOND_CHILD + i);
        for (msec_t waited = 0; waited < (msec_t)(59 << i) * SECOND; waited += SECOND) {
            packet_waits(&s, &second);
            assert_int_equal(s.p->reply_length, 0);
            world_run(s.w, SECOND - 100);
        }
        world_run(s.w, 2 * SECOND);
    }
    assert_true(carries(&s, PUPPET_CHILD));
    assert_int_equal(gateway_log_count(s.b, "traffic selectors that were not proposed: it chose"), 1);
    stage_free(&s);
}

static void S44_a_rekey_answered_with_a_suite_that_was_not_offered_ends_nothing(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(86400, 100);
    struct stage s = stage_established_with(&policy);
    await_rekey(&s);
    const struct selector_list local = asked_for(&s, PAYLOAD_TSI);
    const struct selector_list remote = asked_for(&s, PAYLOAD_TSR);
    uint32_t requested = requested_spi(&s);
    const struct encryption_algorithm *encryption = s.p->suite.encryption;
    s.p->suite.encryption = encryption_by_word("3des");
    struct message_writer m = inner();
    put_child_of(&s, &m, SECOND_CHILD, HIGHEST, &local, &remote);
    s.p->suite.encryption = encryption;

    puppet_answer(s.p, &m);

    must_give_up(&s, requested);
    assert_true(carries(&s, PUPPET_CHILD));
    assert_null(installed(&s, SECOND_CHILD));
    await_rekey(&s);
    grant_rekey(&s, THIRD_CHILD);
    assert_true(carries(&s, THIRD_CHILD));
    stage_free(&s);
}

/* ---- Rekeys that are refused ------------------------------------------------------------------------- */

/* B's next request is a rekey; it comes after `after` ms and not before. */
static void must_ask_after(struct stage *s, msec_t after)
{
    must_be_silent(s, after - 300);
    await_request(s, EXCHANGE_CREATE_CHILD_SA);
}

/* What rekeys of B are refused with; its end comes 50 to 55 s (20 to 25 s) after its first request. */
static void must_ask_less_and_less(uint32_t sa_lifetime, uint32_t child_lifetime, msec_t last)
{
    const struct tunnel_policy policy = policy_that_rekeys(sa_lifetime, child_lifetime);
    struct stage s = stage_established_with(&policy);
    world_run(s.w, 135 * SECOND);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);
    msec_t begun = world_now(s.w);
    answer_with(&s, NOTIFY_NO_PROPOSAL_CHOSEN);
    must_ask_after(&s, 10 * SECOND);
    answer_with(&s, NOTIFY_NO_PROPOSAL_CHOSEN);
    if (last > 30 * SECOND) {
        must_ask_after(&s, 20 * SECOND);
        answer_with(&s, NOTIFY_NO_PROPOSAL_CHOSEN);
    }
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);
    assert_in_range(world_now(s.w) - begun, last - 3500, last + 2500);
    answer_with(&s, NOTIFY_NO_PROPOSAL_CHOSEN);
    await_request(&s, EXCHANGE_INFORMATIONAL); /* DELETE at its end */
    stage_free(&s);
}

static void S44_a_refused_rekey_is_tried_less_and_less_and_right_before_the_end(void **state)
{
    (void)state;
    must_ask_less_and_less(86400, 200, 50 * SECOND);
    must_ask_less_and_less(200, 86400, 20 * SECOND);
}

static void S44_a_changed_config_asks_for_a_refused_rekey_at_once(void **state)
{
    (void)state;
    static const uint32_t lifetimes[][2] = {{86400, 200}, {200, 86400}};
    for (size_t i = 0; i < 2; i++) {
        const struct tunnel_policy policy = policy_that_rekeys(lifetimes[i][0], lifetimes[i][1]);
        struct stage s = stage_established_with(&policy);
        world_run(s.w, 135 * SECOND);
        await_request(&s, EXCHANGE_CREATE_CHILD_SA);
        answer_with(&s, NOTIFY_NO_PROPOSAL_CHOSEN);
        must_be_silent(&s, SECOND);
        s.p->reply_length = 0;
        gateway_set_tunnel(s.b, &policy, "secret2", "secret1");
        world_run(s.w, 100);
        assert_true(puppet_read_reply(s.p));
        assert_int_equal(s.p->message.header.exchange, EXCHANGE_CREATE_CHILD_SA);
        stage_free(&s);
    }
}

static void S44_a_rekey_put_off_again_and_again_is_tried_less_and_less(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(86400, 200);
    struct stage s = stage_established_with(&policy);
    unsigned asked = 0;
    world_run(s.w, 135 * SECOND);
    while (puppet_await(s.p, PATIENCE) && s.p->message.header.exchange == EXCHANGE_CREATE_CHILD_SA) {
        asked++;
        answer_with(&s, NOTIFY_TEMPORARY_FAILURE);
    }
    assert_in_range(asked, 5, 7);
    stage_free(&s);
}

/* ---- A negotiation that ends right after it succeeded ------------------------------------------------ */

/* For `duration` ms, takes each IKE_SA_INIT and IKE_AUTH of B, then deletes the IKE SA. */
static void make_and_delete(struct stage *s, msec_t duration, bool packets)
{
    msec_t end = world_now(s->w) + duration;
    while (world_now(s->w) < end) {
        if (packets)
            gateway_packet_waits(s->b, 0);
        if (!puppet_accept_init(s->p))
            continue; /* 5 s have passed */
        grant_in_auth(s, FAMILY_V4 | FAMILY_V6);
        send_delete(s, 0, PROTOCOL_IKE, 0);
        assert_int_equal(gateway_record_count(s->b), 0);
    }
}

static void must_be_damped(struct stage *s, bool packets)
{
    static const char begun[] = "negotiation started";
    make_and_delete(s, 5 * SECOND, packets);
    assert_in_range(gateway_log_count(s->b, begun), 1, 3);
    make_and_delete(s, 285 * SECOND, packets);
    assert_int_equal(gateway_log_count(s->b, begun), 10);
    make_and_delete(s, 600 * SECOND, packets);
    assert_in_range(gateway_log_count(s->b, begun), 20, 30);
    assert_int_equal(gateway_log_count(s->b, "its negotiations end too soon"), 1);
}

static void S44_packets_begin_few_negotiations_with_a_peer_that_deletes_each_ike_sa(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_new_with(&policy);
    must_be_damped(&s, true);
    stage_free(&s);
}

static void S44_auto_begins_few_negotiations_with_a_peer_that_deletes_each_ike_sa(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_without_rekeys();
    policy.connect_type = CONNECT_AUTO;
    struct stage s = stage_new_with(&policy);
    must_be_damped(&s, false);
    stage_free(&s);
}

static void refuse_auth(struct stage *s)
{
    const struct octets nothing = {NULL, 0};
    struct message_writer m = inner();
    message_put_notify(&m, PROTOCOL_NONE, nothing, NOTIFY_AUTHENTICATION_FAILED, nothing);
    puppet_answer(s->p, &m);
}

static void R43_auto_goes_on_with_a_peer_that_grants_nothing(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_without_rekeys();
    policy.connect_type = CONNECT_AUTO;
    struct stage s = stage_new_with(&policy);
    for (msec_t end = world_now(s.w) + 300 * SECOND; world_now(s.w) < end;) {
        if (!puppet_accept_init(s.p))
            continue; /* 5 s have passed */
        refuse_auth(&s);
    }
    assert_in_range(gateway_log_count(s.b, "negotiation started"), 29, 31);
    stage_free(&s);
}

static void S44_packets_begin_few_negotiations_with_a_peer_that_grants_nothing(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_new_with(&policy);
    for (msec_t end = world_now(s.w) + 290 * SECOND; world_now(s.w) < end;) {
        gateway_packet_waits(s.b, 0);
        if (!puppet_accept_init(s.p))
            continue; /* 5 s have passed */
        refuse_auth(&s);
    }
    assert_int_equal(gateway_log_count(s.b, "negotiation started"), 10);
    stage_free(&s);
}

static void S44_a_changed_config_or_clear_begins_at_once(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_new_with(&policy);
    must_be_damped(&s, true);
    gateway_set_tunnel(s.b, &policy, "secret2", "secret1");
    assert_true(stage_begins(&s));
    make_and_delete(&s, 6 * SECOND, true);
    gateway_clear(s.b, 0);
    assert_true(stage_begins(&s));
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S44_an_additional_child_sa_that_was_not_asked_for_is_given_up_alone),
        cmocka_unit_test(S44_a_peer_that_widens_its_own_selectors_is_not_followed),
        cmocka_unit_test(S44_an_answer_that_cannot_be_taken_is_asked_for_again_once_an_hour_in_the_end),
        cmocka_unit_test(S44_a_pair_of_addresses_that_was_answered_wrongly_waits_for_a_minute),
        cmocka_unit_test(S44_a_rekey_answered_with_a_suite_that_was_not_offered_ends_nothing),
        cmocka_unit_test(S44_a_refused_rekey_is_tried_less_and_less_and_right_before_the_end),
        cmocka_unit_test(S44_a_changed_config_asks_for_a_refused_rekey_at_once),
        cmocka_unit_test(S44_a_rekey_put_off_again_and_again_is_tried_less_and_less),
        cmocka_unit_test(S44_packets_begin_few_negotiations_with_a_peer_that_deletes_each_ike_sa),
        cmocka_unit_test(S44_auto_begins_few_negotiations_with_a_peer_that_deletes_each_ike_sa),
        cmocka_unit_test(R43_auto_goes_on_with_a_peer_that_grants_nothing),
        cmocka_unit_test(S44_packets_begin_few_negotiations_with_a_peer_that_grants_nothing),
        cmocka_unit_test(S44_a_changed_config_or_clear_begins_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
