/* How SAs end: DELETE, its suppression (R63), lifetimes, and what is under way when they do. */
#include "pair.h"
#include "requests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void R63_suppressed_delete_is_not_sent_for_a_rekeyed_child(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_that_rekeys(86400, 10);
    policy.suppress_delete = true;
    struct stage s = stage_established_with(&policy);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);

    answer_child(&s, SECOND_CHILD, HIGHEST);

    assert_int_equal(s.p->reply_length, 0);
    assert_true(carries(&s, SECOND_CHILD));
    assert_false(carries(&s, PUPPET_CHILD));
    stage_free(&s);
}

static void S24_the_inbound_sa_of_a_rekeyed_child_stays_5_seconds_after_its_delete(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(86400, 100);
    struct stage s = stage_established_with(&policy);
    send_child_rekey(&s, FIRST_ID, PUPPET_CHILD, SECOND_CHILD, HIGHEST);
    send_delete(&s, FIRST_ID + 1, PROTOCOL_ESP, PUPPET_CHILD);

    world_run(s.w, 4800);
    assert_int_equal(gateway_child_count(s.b, 0), 2);
    world_run(s.w, 400);

    assert_int_equal(gateway_child_count(s.b, 0), 1);
    assert_true(carries(&s, SECOND_CHILD));
    stage_free(&s);
}

static void RFC7296_1_4_1_several_delete_payloads_are_answered_by_one_payload(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(86400, 28800);
    struct stage s = stage_established_with(&policy);
    send_child(&s, FIRST_ID, SECOND_CHILD, HIGHEST);
    send_child(&s, FIRST_ID + 1, THIRD_CHILD, HIGHEST);
    assert_int_equal(gateway_child_count(s.b, 0), 3);

    /* One payload names an SA twice and one that nobody knows, the other one names a second SA. */
    static const uint32_t first[] = {SECOND_CHILD, SECOND_CHILD, 0x1234567};
    static const uint32_t second[] = {THIRD_CHILD};
    struct message_writer m = inner();
    message_put_delete(&m, PROTOCOL_ESP, first, 3);
    message_put_delete(&m, PROTOCOL_ESP, second, 1);
    send_inner(&s, EXCHANGE_INFORMATIONAL, FIRST_ID + 2, &m);

    assert_true(puppet_read_reply(s.p));
    assert_int_equal(ike_message_count(&s.p->message, PAYLOAD_DELETE), 1);
    assert_int_equal(ike_message_find(&s.p->message, PAYLOAD_DELETE)->spi_count, 2);
    world_run(s.w, 6000);
    assert_int_equal(gateway_child_count(s.b, 0), 1);
    assert_true(carries(&s, PUPPET_CHILD));
    stage_free(&s);
}

static void R12_clear_during_a_rekey_of_the_ike_sa_deletes_old_and_new(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(10, 28800);
    struct stage s = stage_established_with(&policy);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);

    gateway_clear(s.b, 0);
    answer_ike_rekey(&s, HIGHEST);
    assert_true(puppet_read_reply(s.p) || s.p->reply_count > 0); /* DELETE of either */
    world_run(s.w, 31000);

    assert_int_equal(gateway_record_count(s.b), 0);
    assert_int_equal(gateway_child_count(s.b, 0), 0);
    assert_string_equal(gateway_last_down_reason(s.b), "Delete IKE SA by command");
    stage_free(&s);
}

static struct stage stage_whose_ike_sa_the_peer_rekeys(uint32_t sa_lifetime)
{
    struct tunnel_policy policy = policy_that_rekeys(sa_lifetime, 28800);
    policy.suppress_rekey = true;
    struct stage s = stage_established_with(&policy);
    world_run(s.w, sa_lifetime * UINT64_C(1000) - 1000);
    world_conditions(s.w)->job_time = 2000;
    send_ike_rekey(&s, FIRST_ID, HIGHEST);
    assert_int_equal(s.p->reply_length, 0); /* it is being computed */
    return s;
}

static void R12_clear_while_the_peers_rekey_of_the_ike_sa_is_computed_deletes_it(void **state)
{
    (void)state;
    struct stage s = stage_whose_ike_sa_the_peer_rekeys(100);

    gateway_clear(s.b, 0);
    world_run(s.w, 33000);

    assert_int_equal(gateway_record_count(s.b), 0);
    assert_int_equal(gateway_child_count(s.b, 0), 0);
    assert_string_equal(gateway_last_down_reason(s.b), "Delete IKE SA by command");
    stage_free(&s);
}

static void R60_a_lifetime_that_ends_while_the_peers_rekey_is_computed_loses_no_child_sa(void **state)
{
    (void)state;
    struct stage s = stage_whose_ike_sa_the_peer_rekeys(100);

    world_run(s.w, 3000);

    assert_true(puppet_read_reply(s.p));
    assert_non_null(ike_message_find(&s.p->message, PAYLOAD_SA));
    world_run(s.w, 60000);
    assert_true(carries(&s, PUPPET_CHILD));
    stage_free(&s);
}

static void R12_clear_during_a_rekey_of_a_child_deletes_all(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(86400, 10);
    struct stage s = stage_established_with(&policy);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);

    gateway_clear(s.b, 0);
    answer_child(&s, SECOND_CHILD, HIGHEST);
    assert_true(puppet_read_reply(s.p));
    assert_int_equal(ike_message_find(&s.p->message, PAYLOAD_DELETE)->protocol, PROTOCOL_IKE);
    struct message_writer m = inner();
    puppet_answer(s.p, &m);

    assert_int_equal(gateway_record_count(s.b), 0);
    assert_int_equal(gateway_child_count(s.b, 0), 0);
    stage_free(&s);
}

static void R12_clear_under_suppress_send_delete_removes_at_once(void **state)
{
    (void)state;
    struct tunnel_policy policy = stage_policy();
    policy.suppress_delete = true;
    struct stage s = stage_established_with(&policy);
    size_t replies = s.p->reply_count;

    gateway_clear(s.b, 0);

    assert_int_equal(gateway_record_count(s.b), 0);
    assert_int_equal(s.p->reply_count, replies);
    stage_free(&s);
}

/* Also if the tunnel's config has a gap by now. */
static void R12_clear_ends_the_child_sas_at_once_also_of_a_peer_that_is_silent(void **state)
{
    (void)state;
    struct tunnel_policy policy = stage_policy();
    struct stage s = stage_established_with(&policy);
    policy.complete = false;
    gateway_set_tunnel(s.b, &policy, "secret2", "secret1");

    gateway_clear(s.b, 0);

    assert_int_equal(gateway_child_count(s.b, 0), 0);
    assert_false(gateway_tunnel_is_up(s.b, 0));
    assert_string_equal(gateway_last_down_reason(s.b), "Delete IKE SA by command");
    assert_int_equal(gateway_record_count(s.b), 1); /* its DELETE waits for the answer */
    world_run(s.w, 33000);
    assert_int_equal(gateway_record_count(s.b), 0);
    stage_free(&s);
}

/* Also while the peer's rekey is being computed: its Child SA is not made any more (RFC 7296 2.25.1). */
static void R12_clear_at_any_time_of_a_rekey_of_the_peer_leaves_no_child_sa(void **state)
{
    (void)state;
    for (msec_t at = 12000; at < 24000; at += 500) {
        struct tunnel_policy a = policy_a();
        const struct tunnel_policy b = policy_b();
        a.child_lifetime = 30;
        struct pair p = pair_of(&a, &b);
        gateway_packet_waits(p.a, 1);
        world_run(p.w, 1000);
        world_conditions(p.w)->job_time = 2000;
        world_run(p.w, at);
        world_set_partition(p.w, p.a, p.b, true);

        gateway_clear(p.b, 0);
        world_run(p.w, 5000);

        assert_int_equal(gateway_child_count(p.b, 0), 0);
        assert_false(gateway_tunnel_is_up(p.b, 0));
        world_free(p.w);
    }
}

/* Its route and its interface stay till then. */
static void S4_a_tunnel_that_leaves_the_config_is_up_until_its_sas_are_deleted(void **state)
{
    (void)state;
    struct tunnel_policy policy = stage_policy();
    struct stage s = stage_established_with(&policy);
    policy.defined = policy.complete = false;
    gateway_set_tunnel(s.b, &policy, "secret2", "secret1");

    gateway_clear(s.b, 0);

    assert_int_equal(gateway_child_count(s.b, 0), 0);
    assert_true(gateway_tunnel_is_up(s.b, 0));
    world_run(s.w, 33000);
    assert_false(gateway_tunnel_is_up(s.b, 0));
    assert_string_equal(gateway_last_down_reason(s.b), "Delete IKE SA by command");
    stage_free(&s);
}

static void R60_an_ike_sa_whose_rekey_is_answered_late_is_still_replaced(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(10, 28800);
    struct stage s = stage_established_with(&policy);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);
    world_run(s.w, 6000); /* past its lifetime */

    answer_ike_rekey(&s, HIGHEST);

    assert_true(puppet_read_reply(s.p));
    assert_int_equal(ike_message_find(&s.p->message, PAYLOAD_DELETE)->protocol, PROTOCOL_IKE);
    struct message_writer m = inner();
    puppet_answer(s.p, &m);
    assert_true(carries(&s, PUPPET_CHILD));
    assert_int_equal(gateway_record_count(s.b), 1);
    stage_free(&s);
}

static void R60_an_ike_sa_whose_rekey_is_refused_late_ends(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(10, 28800);
    struct stage s = stage_established_with(&policy);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);
    world_run(s.w, 6000);

    answer_with(&s, NOTIFY_TEMPORARY_FAILURE);

    assert_true(puppet_read_reply(s.p));
    assert_int_equal(ike_message_find(&s.p->message, PAYLOAD_DELETE)->protocol, PROTOCOL_IKE);
    stage_free(&s);
}

static void R11_a_rekey_of_the_ike_sa_keeps_the_policy_that_it_began_with(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_that_rekeys(10, 28800);
    struct stage s = stage_established_with(&policy);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);
    policy.ike.encryption = 1U << 2;
    gateway_set_tunnel(s.b, &policy, "secret2", "secret1");

    answer_ike_rekey(&s, HIGHEST);

    assert_true(carries(&s, PUPPET_CHILD));
    assert_true(gateway_log_has(s.b, "IKE SA rekeyed"));
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R63_suppressed_delete_is_not_sent_for_a_rekeyed_child),
        cmocka_unit_test(S24_the_inbound_sa_of_a_rekeyed_child_stays_5_seconds_after_its_delete),
        cmocka_unit_test(RFC7296_1_4_1_several_delete_payloads_are_answered_by_one_payload),
        cmocka_unit_test(R12_clear_during_a_rekey_of_the_ike_sa_deletes_old_and_new),
        cmocka_unit_test(R12_clear_while_the_peers_rekey_of_the_ike_sa_is_computed_deletes_it),
        cmocka_unit_test(R60_a_lifetime_that_ends_while_the_peers_rekey_is_computed_loses_no_child_sa),
        cmocka_unit_test(R12_clear_during_a_rekey_of_a_child_deletes_all),
        cmocka_unit_test(R12_clear_under_suppress_send_delete_removes_at_once),
        cmocka_unit_test(R12_clear_ends_the_child_sas_at_once_also_of_a_peer_that_is_silent),
        cmocka_unit_test(R12_clear_at_any_time_of_a_rekey_of_the_peer_leaves_no_child_sa),
        cmocka_unit_test(S4_a_tunnel_that_leaves_the_config_is_up_until_its_sas_are_deleted),
        cmocka_unit_test(R60_an_ike_sa_whose_rekey_is_answered_late_is_still_replaced),
        cmocka_unit_test(R60_an_ike_sa_whose_rekey_is_refused_late_ends),
        cmocka_unit_test(R11_a_rekey_of_the_ike_sa_keeps_the_policy_that_it_began_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
