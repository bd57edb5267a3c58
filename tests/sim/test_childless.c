/*
 * An IKE SA whose last Child SA the peer has deleted stays for a while, and gets another one (S45).
 */
#include "narrow_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND = 1000 };

static struct stage stage_without_child(enum connect_type type)
{
    struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_established_with(&policy);
    policy.connect_type = type; /* only now: this end did not begin */
    gateway_set_tunnel(s.b, &policy, "secret2", "secret1");
    send_delete(&s, FIRST_ID, PROTOCOL_ESP, PUPPET_CHILD);
    assert_true(puppet_read_reply(s.p));
    assert_true(s.p->message.header.flags & IKE_FLAG_RESPONSE);
    assert_int_equal(ike_message_count(&s.p->message, PAYLOAD_DELETE), 1);
    assert_int_equal(gateway_child_count(s.b, 0), 0);
    assert_int_equal(gateway_record_count(s.b), 1);
    assert_false(gateway_tunnel_is_up(s.b, 0));
    assert_string_equal(gateway_last_down_reason(s.b), "Delete Child SA by peer");
    return s;
}

static void must_delete_the_ike_sa(struct stage *s)
{
    await_request(s, EXCHANGE_INFORMATIONAL);
    const struct ike_payload *deletion = ike_message_find(&s->p->message, PAYLOAD_DELETE);
    assert_non_null(deletion);
    assert_int_equal(deletion->protocol, PROTOCOL_IKE);
}

static void S45_an_ike_sa_without_child_sa_stays_30_seconds(void **state)
{
    (void)state;
    struct stage s = stage_without_child(CONNECT_TRIGGER);

    must_be_silent(&s, 29 * SECOND);
    must_delete_the_ike_sa(&s);

    const struct message_writer m = inner();
    puppet_answer(s.p, &m);
    assert_int_equal(gateway_record_count(s.b), 0);
    stage_free(&s);
}

static void S45_the_peer_may_create_the_next_child_sa(void **state)
{
    (void)state;
    static const enum connect_type types[] = {CONNECT_TRIGGER, CONNECT_AUTO};
    for (size_t i = 0; i < 2; i++) {
        struct stage s = stage_without_child(types[i]);
        world_run(s.w, types[i] == CONNECT_AUTO ? 500 : 20 * SECOND);

        send_child(&s, FIRST_ID + 1, SECOND_CHILD, HIGHEST);

        assert_true(puppet_read_reply(s.p));
        assert_null(ike_message_error(&s.p->message));
        assert_true(carries(&s, SECOND_CHILD));
        assert_true(gateway_tunnel_is_up(s.b, 0));
        must_be_silent(&s, HOUR);
        stage_free(&s);
    }
}

static void S45_a_packet_asks_for_the_next_child_sa(void **state)
{
    (void)state;
    struct stage s = stage_without_child(CONNECT_TRIGGER);
    const struct packet_flow flow = from_host(1);

    packet_waits(&s, &flow);

    must_be_additional(&s);
    must_be_whole_families(&s, FAMILY_V4 | FAMILY_V6);
    packet_waits(&s, &flow);
    assert_int_equal(s.p->reply_length, 0);
    grant(&s, SECOND_CHILD);
    assert_true(carries(&s, SECOND_CHILD));
    assert_int_equal(gateway_failures(s.b, 0), 0);
    must_be_silent(&s, HOUR);
    stage_free(&s);
}

static void S45_auto_asks_for_the_next_child_sa_after_a_second(void **state)
{
    (void)state;
    struct stage s = stage_without_child(CONNECT_AUTO);

    must_be_silent(&s, SECOND - 200);
    await_additional(&s);

    must_be_whole_families(&s, FAMILY_V4 | FAMILY_V6);
    grant(&s, SECOND_CHILD);
    assert_true(carries(&s, SECOND_CHILD));
    must_be_silent(&s, HOUR);
    stage_free(&s);
}

static void S45_a_peer_that_refuses_the_next_child_sa_loses_the_ike_sa_after_30_seconds(void **state)
{
    (void)state;
    struct stage s = stage_without_child(CONNECT_AUTO);
    await_additional(&s);
    answer_with(&s, NOTIFY_TS_UNACCEPTABLE);
    must_be_silent(&s, 28 * SECOND);
    must_delete_the_ike_sa(&s);
    stage_free(&s);
}

static void S44_a_peer_that_deletes_each_child_sa_is_asked_seldom(void **state)
{
    (void)state;
    struct stage s = stage_without_child(CONNECT_TRIGGER);
    const struct packet_flow flow = from_host(1);
    unsigned asked = 0;
    uint32_t id = FIRST_ID + 1;
    for (msec_t end = world_now(s.w) + 9 * SECOND; world_now(s.w) < end;) {
        packet_waits(&s, &flow);
        if (s.p->reply_length == 0)
            continue;
        must_be_additional(&s);
        asked++;
        grant(&s, SECOND_CHILD + asked);
        send_delete(&s, id++, PROTOCOL_ESP, SECOND_CHILD + asked);
    }
    assert_int_equal(asked, 3);
    assert_int_equal(gateway_log_count(s.b, "its negotiations end too soon"), 1);
    stage_free(&s);
}

static void S45_a_new_engine_keeps_an_ike_sa_without_child_sa_as_long(void **state)
{
    (void)state;
    struct stage s = stage_without_child(CONNECT_TRIGGER);
    gateway_resume_after(s.b, 0, false);
    world_run(s.w, SECOND);
    assert_int_equal(gateway_record_count(s.b), 1);
    must_be_silent(&s, 28 * SECOND);
    must_delete_the_ike_sa(&s);
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S45_an_ike_sa_without_child_sa_stays_30_seconds),
        cmocka_unit_test(S45_the_peer_may_create_the_next_child_sa),
        cmocka_unit_test(S45_a_packet_asks_for_the_next_child_sa),
        cmocka_unit_test(S45_auto_asks_for_the_next_child_sa_after_a_second),
        cmocka_unit_test(S45_a_peer_that_refuses_the_next_child_sa_loses_the_ike_sa_after_30_seconds),
        cmocka_unit_test(S44_a_peer_that_deletes_each_child_sa_is_asked_seldom),
        cmocka_unit_test(S45_a_new_engine_keeps_an_ike_sa_without_child_sa_as_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
