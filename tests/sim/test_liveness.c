/* What happens in time: retransmission (R15), dead peer detection (R62), lifetimes without rekeys (R49, R63),
 * S23. */
#include "requests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void R15_a_request_of_an_ike_sa_is_sent_at_0_2_6_and_14_seconds_and_given_up_at_30(void **state)
{
    (void)state;
    struct stage s = stage_established();
    s.p->reply_count = 0;
    static const msec_t sendings[] = {0, 2000, 6000, 14000};
    uint8_t first[2048];

    gateway_clear(s.b, 0);
    size_t length = s.p->reply_length;
    memcpy(first, s.p->reply, length);
    msec_t start = world_now(s.w);
    for (size_t i = 1; i < 4; i++) {
        world_run(s.w, start + sendings[i] - world_now(s.w) - 1);
        assert_int_equal(s.p->reply_count, i);
        world_run(s.w, 1);
        assert_int_equal(s.p->reply_count, i + 1);
        assert_int_equal(s.p->reply_length, length); /* the same octets each time (RFC 7296 2.1) */
        assert_memory_equal(s.p->reply, first, length);
    }
    world_run(s.w, start + 30000 - world_now(s.w) - 1);
    assert_int_equal(gateway_record_count(s.b), 1);
    world_run(s.w, 1);

    assert_int_equal(gateway_record_count(s.b), 0);
    assert_int_equal(s.p->reply_count, 4);
    stage_free(&s);
}

static struct stage stage_with_dpd(void)
{
    struct tunnel_policy policy = stage_policy();
    policy.dpd_interval = 10;
    struct stage s = stage_established_with(&policy);
    s.p->reply_count = 0;
    return s;
}

static void R62_a_message_of_the_ike_sa_postpones_dpd(void **state)
{
    (void)state;
    struct stage s = stage_with_dpd();
    world_run(s.w, 8000);
    struct message_writer m = inner();
    send_inner(&s, EXCHANGE_INFORMATIONAL, FIRST_ID, &m);
    assert_int_equal(s.p->reply_count, 1);

    world_run(s.w, 9800);
    assert_int_equal(s.p->reply_count, 1);
    world_run(s.w, 200);

    assert_int_equal(s.p->reply_count, 2);
    assert_true(puppet_read_reply(s.p));
    assert_int_equal(s.p->message.header.exchange, EXCHANGE_INFORMATIONAL);
    assert_int_equal(s.p->message.count, 0);
    stage_free(&s);
}

/* What is not authenticated is no sign of life. */
static void R62_unauthenticated_messages_do_not_postpone_dpd(void **state)
{
    (void)state;
    struct stage s = stage_with_dpd();
    for (int i = 0; i < 9; i++) {
        struct message_writer m = inner();
        s.p->keys.ai[0] ^= 1;
        send_inner(&s, EXCHANGE_INFORMATIONAL, FIRST_ID, &m);
        s.p->keys.ai[0] ^= 1;
        world_run(s.w, 900);
    }
    assert_int_equal(s.p->reply_count, 0);
    world_run(s.w, 1200);

    assert_int_equal(s.p->reply_count, 1);
    stage_free(&s);
}

/* Nor is what was sent before: anybody can send it once more (RFC 7296 2.4). */
static void R62_a_repeated_request_does_not_postpone_dpd(void **state)
{
    (void)state;
    struct stage s = stage_with_dpd();
    for (unsigned i = 1; i <= 11; i++) {
        struct message_writer m = inner();
        send_inner(&s, EXCHANGE_INFORMATIONAL, FIRST_ID, &m);
        assert_int_equal(s.p->reply_count, i);
        world_run(s.w, 800);
    }

    assert_true(puppet_await(s.p, 500));

    assert_false(s.p->message.header.flags & IKE_FLAG_RESPONSE);
    stage_free(&s);
}

/* ---- Traffic that only goes out ---------------------------------------------------------------------- */

/* B sends a packet each second by its Child SA, and the puppet none; DPD is off. */
static struct stage stage_that_only_sends(void)
{
    const struct tunnel_policy policy = policy_that_rekeys(86400, 28800);
    struct stage s = stage_established_with(&policy);
    world_set_traffic(s.w, 1000);
    s.p->reply_count = 0;
    return s;
}

/* B asks once, after that time and no earlier; the puppet answers. */
static void must_ask_after(struct stage *s, msec_t after)
{
    world_run(s->w, after - 2000);
    assert_int_equal(s->p->reply_count, 0);
    assert_true(puppet_await(s->p, 24 * 1000));
    assert_int_equal(s->p->message.header.exchange, EXCHANGE_INFORMATIONAL);
    assert_false(s->p->message.header.flags & IKE_FLAG_RESPONSE);
    assert_int_equal(s->p->message.count, 0);
    const struct message_writer m = inner();
    puppet_answer(s->p, &m);
    s->p->reply_count = 0;
}

static void S47_traffic_that_only_goes_out_asks_for_life_ever_more_rarely_while_it_is_answered(void **state)
{
    (void)state;
    struct stage s = stage_that_only_sends();

    must_ask_after(&s, 20 * 1000);
    for (msec_t pause = 300; pause <= 2400; pause *= 2)
        must_ask_after(&s, pause * 1000);
    must_ask_after(&s, 3600 * 1000);
    must_ask_after(&s, 3600 * 1000);
    stage_free(&s);
}

static void S47_a_peer_that_is_gone_is_noticed_by_traffic_alone_and_negotiated_with_again(void **state)
{
    (void)state;
    struct stage s = stage_that_only_sends();

    world_run(s.w, (22 + REQUEST_PATIENCE) * 1000);

    assert_int_equal(gateway_record_count(s.b), 0);
    assert_string_equal(gateway_last_down_reason(s.b), "no answer from the peer");
    assert_true(stage_begins(&s));
    stage_free(&s);
}

static void S47_a_message_of_the_ike_sa_postpones_the_question(void **state)
{
    (void)state;
    struct stage s = stage_that_only_sends();
    world_run(s.w, 15 * 1000);
    struct message_writer m = inner();
    send_inner(&s, EXCHANGE_INFORMATIONAL, FIRST_ID, &m);
    s.p->reply_count = 0;

    must_ask_after(&s, 20 * 1000);
    stage_free(&s);
}

static void S47_a_tunnel_without_traffic_asks_nothing(void **state)
{
    (void)state;
    struct stage s = stage_that_only_sends();
    world_set_traffic(s.w, 0);

    world_run(s.w, 3600 * 1000);

    assert_int_equal(s.p->reply_count, 0);
    stage_free(&s);
}

/* Lets the time pass; the puppet answers what B asks. */
static void run_with_answers(struct stage *s, msec_t time)
{
    const msec_t end = world_now(s->w) + time;
    while (world_now(s->w) < end) {
        if (!puppet_await(s->p, end - world_now(s->w)))
            break;
        const struct message_writer m = inner();
        puppet_answer(s->p, &m);
    }
}

#define ONLY_OUT                                                                                             \
    "Tunnel0.0: packets from any to any have left by the Child SA for 5 minutes or more, and none has ever " \
    "come back, though 10.1.0.1:500 answers IKE. Perhaps a filter on the way drops ESP (IP protocol 50), "   \
    "or "                                                                                                    \
    "the peer has no route into its tunnel for the answers, or drops the packets itself; if they are not "   \
    "meant to be answered, all is well; line 31\n"

static struct stage stage_that_only_sends_by_line_31(void)
{
    struct tunnel_policy policy = policy_that_rekeys(86400, 28800);
    policy.line[SETTING_PEER] = 31;
    struct stage s = stage_established_with(&policy);
    world_set_traffic(s.w, 1000);
    return s;
}

static void S34_a_child_sa_that_only_sends_for_minutes_is_told_as_a_guess_once(void **state)
{
    (void)state;
    struct stage s = stage_that_only_sends_by_line_31();

    run_with_answers(&s, 299 * 1000);
    assert_false(gateway_log_has(s.b, "none has ever come back"));
    run_with_answers(&s, 100 * 1000);
    assert_non_null(strstr(gateway_warnings(s.b), ONLY_OUT));
    run_with_answers(&s, 4 * 3600 * 1000);

    assert_int_equal(gateway_log_count(s.b, "none has ever come back"), 1);
    stage_free(&s);
}

static void S34_it_is_not_told_while_the_peer_does_not_answer_ike(void **state)
{
    (void)state;
    struct stage s = stage_that_only_sends_by_line_31();
    run_with_answers(&s, 290 * 1000);

    world_run(s.w, (22 + REQUEST_PATIENCE) * 1000);

    assert_false(gateway_log_has(s.b, "none has ever come back"));
    stage_free(&s);
}

static void S34_it_is_not_told_of_a_child_sa_by_which_packets_have_come(void **state)
{
    (void)state;
    struct stage s = stage_that_only_sends_by_line_31();

    run_with_answers(&s, 100 * 1000);
    gateway_report_unanswered(s.b, gateway_children(s.b)->sa.inbound.spi, false);
    run_with_answers(&s, 3600 * 1000);

    assert_false(gateway_log_has(s.b, "none has ever come back"));
    stage_free(&s);
}

static void S34_it_is_not_told_again_of_what_the_child_sa_is_rekeyed_to(void **state)
{
    (void)state;
    struct stage s = stage_that_only_sends_by_line_31();
    run_with_answers(&s, 400 * 1000);
    assert_int_equal(gateway_log_count(s.b, "none has ever come back"), 1);

    send_child_rekey(&s, FIRST_ID, PUPPET_CHILD, SECOND_CHILD, HIGHEST);
    run_with_answers(&s, 100);
    send_delete(&s, FIRST_ID + 1, PROTOCOL_ESP, PUPPET_CHILD);
    run_with_answers(&s, 4 * 3600 * 1000);

    assert_true(carries(&s, SECOND_CHILD));
    assert_int_equal(gateway_log_count(s.b, "none has ever come back"), 1);
    stage_free(&s);
}

static void R63_suppressed_rekey_lets_the_child_end_with_its_lifetime(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_that_rekeys(86400, 20);
    policy.suppress_rekey = true;
    struct stage s = stage_established_with(&policy);
    s.p->reply_count = 0;

    world_run(s.w, 19500);
    assert_int_equal(s.p->reply_count, 0);
    await_request(&s, EXCHANGE_INFORMATIONAL);

    assert_int_equal(ike_message_find(&s.p->message, PAYLOAD_DELETE)->protocol, PROTOCOL_ESP);
    stage_free(&s);
}

static void R63_the_peers_rekeys_are_still_answered(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_that_rekeys(86400, 28800);
    policy.suppress_rekey = true;
    struct stage s = stage_established_with(&policy);

    send_child_rekey(&s, FIRST_ID, PUPPET_CHILD, SECOND_CHILD, HIGHEST);

    assert_true(puppet_read_reply(s.p));
    assert_non_null(ike_message_find(&s.p->message, PAYLOAD_SA));
    stage_free(&s);
}

static void S23_an_initiator_answers_no_new_ike_sa(void **state)
{
    (void)state;
    struct tunnel_policy policy = stage_policy();
    policy.direction = NEGOTIATE_INITIATOR;
    struct stage s = stage_new_with(&policy);

    assert_false(puppet_do_init(s.p));

    assert_int_equal(s.p->reply_count, 0);
    assert_int_equal(stage_counter(&s, IKE_COUNT_NO_TUNNEL), 1);
    stage_free(&s);
}

static void S23_a_responder_starts_rekeys_too(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_that_rekeys(86400, 10);
    policy.direction = NEGOTIATE_RESPONDER;
    struct stage s = stage_established_with(&policy);

    await_request(&s, EXCHANGE_CREATE_CHILD_SA);

    assert_non_null(ike_message_notify(&s.p->message, NOTIFY_REKEY_SA));
    stage_free(&s);
}

static void R11_a_tunnel_that_is_shut_down_keeps_its_sas_and_starts_no_rekey(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_that_rekeys(86400, 20);
    struct stage s = stage_established_with(&policy);
    policy.shut_down = true;
    gateway_set_tunnel(s.b, &policy, "secret2", "secret1");
    s.p->reply_count = 0;

    world_run(s.w, 19000);

    assert_int_equal(s.p->reply_count, 0);
    assert_int_equal(gateway_child_count(s.b, 0), 1);
    stage_free(&s);
}

static void must_rekey_when_opened(uint32_t sa_lifetime, uint32_t child_lifetime)
{
    struct tunnel_policy policy = policy_that_rekeys(sa_lifetime, child_lifetime);
    struct stage s = stage_established_with(&policy);
    policy.shut_down = true;
    gateway_set_tunnel(s.b, &policy, "secret2", "secret1");
    world_run(s.w, 15000);
    policy.shut_down = false;
    gateway_set_tunnel(s.b, &policy, "secret2", "secret1");

    await_request(&s, EXCHANGE_CREATE_CHILD_SA);

    assert_true(gateway_tunnel_is_up(s.b, 0));
    stage_free(&s);
}

static void
R11_what_was_to_be_rekeyed_while_the_tunnel_was_shut_down_is_rekeyed_when_it_is_opened(void **state)
{
    (void)state;
    must_rekey_when_opened(86400, 20);
    must_rekey_when_opened(20, 28800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R15_a_request_of_an_ike_sa_is_sent_at_0_2_6_and_14_seconds_and_given_up_at_30),
        cmocka_unit_test(R62_a_message_of_the_ike_sa_postpones_dpd),
        cmocka_unit_test(R62_unauthenticated_messages_do_not_postpone_dpd),
        cmocka_unit_test(R62_a_repeated_request_does_not_postpone_dpd),
        cmocka_unit_test(S47_traffic_that_only_goes_out_asks_for_life_ever_more_rarely_while_it_is_answered),
        cmocka_unit_test(S47_a_peer_that_is_gone_is_noticed_by_traffic_alone_and_negotiated_with_again),
        cmocka_unit_test(S47_a_message_of_the_ike_sa_postpones_the_question),
        cmocka_unit_test(S47_a_tunnel_without_traffic_asks_nothing),
        cmocka_unit_test(S34_a_child_sa_that_only_sends_for_minutes_is_told_as_a_guess_once),
        cmocka_unit_test(S34_it_is_not_told_while_the_peer_does_not_answer_ike),
        cmocka_unit_test(S34_it_is_not_told_of_a_child_sa_by_which_packets_have_come),
        cmocka_unit_test(S34_it_is_not_told_again_of_what_the_child_sa_is_rekeyed_to),
        cmocka_unit_test(R63_suppressed_rekey_lets_the_child_end_with_its_lifetime),
        cmocka_unit_test(R63_the_peers_rekeys_are_still_answered),
        cmocka_unit_test(S23_an_initiator_answers_no_new_ike_sa),
        cmocka_unit_test(S23_a_responder_starts_rekeys_too),
        cmocka_unit_test(R11_a_tunnel_that_is_shut_down_keeps_its_sas_and_starts_no_rekey),
        cmocka_unit_test(
            R11_what_was_to_be_rekeyed_while_the_tunnel_was_shut_down_is_rekeyed_when_it_is_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
