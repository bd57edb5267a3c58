/*
 * A peer that grants one of two families: B asks for the other one in a Child SA of its own (S38), whatever
 * else is under way; and what the rekeys of several Child SAs propose (R71, R11).
 */
#include "hostile_case.h"
#include "narrow_peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- One family is granted --------------------------------------------------------------------------- */

static void must_ask_for_the_other(uint8_t granted, uint8_t other)
{
    const struct tunnel_policy policy = policy_without_rekeys();
    const struct packet_flow flow = udp("192.168.1.1", 1000, "192.168.2.1", 53);
    struct stage s = stage_in_auth(&policy, &flow);
    must_be_whole_families(&s, FAMILY_V4 | FAMILY_V6);

    grant_in_auth(&s, granted);

    must_be_additional(&s);
    must_be_whole_families(&s, other);
    assert_true(packets_outside_wait(&s)); /* R13 */
    grant(&s, SECOND_CHILD);
    assert_true(carries(&s, PUPPET_CHILD));
    assert_true(carries(&s, SECOND_CHILD));
    assert_int_equal(installed(&s, SECOND_CHILD)->sa.local_ts_count, 1);
    assert_false(packets_outside_wait(&s)); /* R71 */
    must_be_silent(&s, HOUR);
    stage_free(&s);
}

static void S38_a_family_that_is_not_accepted_is_requested_in_a_second_child_sa(void **state)
{
    (void)state;
    must_ask_for_the_other(FAMILY_V4, FAMILY_V6);
    must_ask_for_the_other(FAMILY_V6, FAMILY_V4);
}

static void S38_no_more_is_requested_when_both_families_are_accepted(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    const struct packet_flow flow = from_host(1);
    struct stage s = stage_in_auth(&policy, &flow);

    grant_in_auth(&s, FAMILY_V4 | FAMILY_V6);

    assert_true(carries(&s, PUPPET_CHILD));
    assert_false(packets_outside_wait(&s));
    must_be_silent(&s, HOUR);
    stage_free(&s);
}

static void S38_a_family_that_the_policy_does_not_propose_is_not_requested(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_without_rekeys();
    policy.remote_ts_count = 1;
    policy.remote_ts[0] = (struct policy_selector){.last_port = UINT16_MAX};
    assert_true(ip_address_parse("192.168.2.0", &policy.remote_ts[0].first));
    assert_true(ip_address_parse("192.168.2.255", &policy.remote_ts[0].last));
    const struct packet_flow flow = from_host(1);
    struct stage s = stage_in_auth(&policy, &flow);
    const struct selector_list remote = asked_for(&s, PAYLOAD_TSR);
    const struct selector_list local = any_of(FAMILY_V4);
    struct message_writer m = inner();
    puppet_put_auth_answer(s.p, &m, "site1", "secret1");
    put_esp_offer(&s, &m, PUPPET_CHILD, NULL);
    selectors_put(&m, PAYLOAD_TSI, &local);
    selectors_put(&m, PAYLOAD_TSR, &remote);

    puppet_answer(s.p, &m);

    assert_true(carries(&s, PUPPET_CHILD));
    must_be_silent(&s, HOUR);
    stage_free(&s);
}

static void R71_an_initiator_is_not_asked_for_more_than_it_proposed(void **state)
{
    (void)state;
    const struct selector_list v4 = any_of(FAMILY_V4);
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_new_with(&policy);
    assert_true(puppet_do_init(s.p));
    struct message_writer m = inner();
    puppet_put_auth_payloads_of(s.p, &m, "site1", "site2", "secret1", &v4);

    send_inner(&s, EXCHANGE_IKE_AUTH, 1, &m);

    assert_true(carries(&s, PUPPET_CHILD));
    assert_false(packets_outside_wait(&s));
    const struct packet_flow flow = udp("2001:db8:1::1", 1000, "2001:db8:2::1", 53);
    packet_waits(&s, &flow);
    must_be_silent(&s, HOUR);
    stage_free(&s);
}

static void S42_a_refused_family_is_requested_again_after_60_seconds_and_twice_as_late_each_time(void **state)
{
    (void)state;
    static const uint16_t refusals[] = {NOTIFY_TS_UNACCEPTABLE, NOTIFY_NO_ADDITIONAL_SAS,
                                        NOTIFY_NO_PROPOSAL_CHOSEN, NOTIFY_INTERNAL_ADDRESS_FAILURE};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct tunnel_policy policy = policy_without_rekeys();
        struct stage s = stage_that_lacks_ipv6(&policy);

        answer_with(&s, refusals[i]);

        for (msec_t minutes = 1; minutes <= 128; minutes *= 2) {
            assert_true(carries(&s, PUPPET_CHILD));
            assert_false(packets_outside_wait(&s)); /* R71: they are dropped and counted */
            must_be_silent(&s, (minutes < 60 ? minutes : 60) * MINUTE - 1000);
            await_additional(&s);
            must_be_whole_families(&s, FAMILY_V6);
            answer_with(&s, refusals[i]);
        }
        bool failed = warnings_with(&s, "negotiation of a Child SA failed") == 1;
        assert_int_equal(warnings_with(&s, "no additional Child SA for IPv6"), failed ? 0 : 1);
        stage_free(&s);
    }
}

static void S38_a_refused_family_is_requested_in_the_next_ike_sa(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    const struct packet_flow flow = from_host(1);
    struct stage s = stage_that_lacks_ipv6(&policy);
    answer_with(&s, NOTIFY_TS_UNACCEPTABLE);
    send_delete(&s, 0, PROTOCOL_IKE, 0);
    assert_int_equal(gateway_record_count(s.b), 0);
    s.p->responder = false; /* what comes next is in the clear */

    gateway_packet_of_flow_waits(s.b, 0, &flow);
    assert_true(puppet_accept_init(s.p));
    grant_in_auth(&s, FAMILY_V4);

    must_be_additional(&s);
    must_be_whole_families(&s, FAMILY_V6);
    stage_free(&s);
}

static void RFC7296_2_25_a_family_refused_by_temporary_failure_is_requested_later(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_that_lacks_ipv6(&policy);

    answer_with(&s, NOTIFY_TEMPORARY_FAILURE);

    must_be_silent(&s, 1800);
    assert_true(packets_outside_wait(&s));
    await_additional(&s);
    must_be_whole_families(&s, FAMILY_V6);
    grant(&s, SECOND_CHILD);
    assert_true(carries(&s, SECOND_CHILD));
    stage_free(&s);
}

static void S38_a_family_whose_child_sa_the_peer_deletes_is_requested_again_but_not_at_once(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_that_lacks_ipv6(&policy);
    grant(&s, SECOND_CHILD);

    send_delete(&s, 0, PROTOCOL_ESP, SECOND_CHILD);

    must_be_silent(&s, 9000);
    await_additional(&s);
    must_be_whole_families(&s, FAMILY_V6);
    grant(&s, THIRD_CHILD);
    assert_true(carries(&s, PUPPET_CHILD));
    assert_true(carries(&s, THIRD_CHILD));
    stage_free(&s);
}

static void S38_a_family_for_which_the_peer_makes_a_child_sa_is_not_requested(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    const struct selector_list v6 = any_of(FAMILY_V6);
    struct stage s = stage_that_lacks_ipv6(&policy);
    answer_with(&s, NOTIFY_TEMPORARY_FAILURE);
    struct message_writer m = inner();
    put_child_of(&s, &m, SECOND_CHILD, HIGHEST, &v6, &v6);

    send_inner(&s, EXCHANGE_CREATE_CHILD_SA, 0, &m);

    assert_true(carries(&s, SECOND_CHILD));
    assert_false(packets_outside_wait(&s));
    must_be_silent(&s, HOUR);
    stage_free(&s);
}

static void R11_a_tunnel_that_was_shut_down_requests_what_it_lacks_after_no_shutdown(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_that_lacks_ipv6(&policy);
    answer_with(&s, NOTIFY_TEMPORARY_FAILURE);
    policy.shut_down = true;
    gateway_set_tunnel(s.b, &policy, "secret2", "secret1");
    must_be_silent(&s, MINUTE);

    policy.shut_down = false;
    gateway_set_tunnel(s.b, &policy, "secret2", "secret1");

    await_additional(&s);
    must_be_whole_families(&s, FAMILY_V6);
    stage_free(&s);
}

static void S25_an_additional_child_sa_uses_the_group_that_the_peer_wants(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_without_rekeys();
    policy.child.pfs = 1U << 1 | 1U << 2; /* 2048-bit, 1536-bit */
    policy.child.pfs_none = false;
    struct stage s = stage_that_lacks_ipv6(&policy);
    const struct ike_payload *ke = ike_message_find(&s.p->message, PAYLOAD_KE);
    assert_non_null(ke);
    assert_int_equal(ke->dh_group, KE_MODP_2048);
    uint8_t wanted[2];
    store_u16be(wanted, KE_MODP_1536);
    struct message_writer m = inner();
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_INVALID_KE_PAYLOAD,
                       (struct octets){wanted, sizeof wanted});

    puppet_answer(s.p, &m);

    must_be_additional(&s);
    must_be_whole_families(&s, FAMILY_V6);
    assert_int_equal(ike_message_find(&s.p->message, PAYLOAD_KE)->dh_group, KE_MODP_1536);
    stage_free(&s);
}

/* ---- While something else is under way --------------------------------------------------------------- */

static void RFC7296_2_25_2_a_request_that_crosses_a_rekey_of_the_ike_sa_continues_in_the_new_one(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_that_lacks_ipv6(&policy);
    const struct ike_message request = s.p->message;
    send_ike_rekey(&s, 0, HIGHEST);
    assert_int_equal(puppet_reply_notify(s.p), NOTIFY_TEMPORARY_FAILURE);
    s.p->message = request;
    answer_with(&s, NOTIFY_TEMPORARY_FAILURE);
    assert_int_equal(s.p->reply_length, 0);
    size_t count = s.p->reply_count;

    send_ike_rekey(&s, 1, HIGHEST);

    assert_int_equal(s.p->reply_count, count + 2); /* the answer, and what is lacking */
    const struct ike_header header = last_header(&s);
    assert_int_equal(header.exchange, EXCHANGE_CREATE_CHILD_SA);
    assert_int_equal(header.message_id, 0);
    assert_int_not_equal(header.spi_i, s.p->spi_i);
    stage_free(&s);
}

static void RFC7296_2_25_1_the_peers_rekey_is_answered_while_an_additional_child_sa_is_requested(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    const struct selector_list v4 = any_of(FAMILY_V4);
    struct stage s = stage_that_lacks_ipv6(&policy);
    const struct ike_message request = s.p->message;
    const struct selector_list v6 = any_of(FAMILY_V6);
    struct message_writer m = inner();
    put_rekey(&m, PUPPET_CHILD);
    put_child_of(&s, &m, SECOND_CHILD, HIGHEST, &v4, &v4);

    send_inner(&s, EXCHANGE_CREATE_CHILD_SA, 0, &m);
    assert_non_null(ike_message_find(&s.p->message, PAYLOAD_TSI));
    send_delete(&s, 1, PROTOCOL_ESP, PUPPET_CHILD);
    s.p->message = request;
    m = inner();
    put_child_of(&s, &m, THIRD_CHILD, HIGHEST, &v6, &v6);
    puppet_answer(s.p, &m);

    assert_true(carries(&s, SECOND_CHILD));
    assert_true(carries(&s, THIRD_CHILD));
    assert_false(packets_outside_wait(&s));
    must_be_silent(&s, HOUR);
    stage_free(&s);
}

static void R10_delete_of_the_ike_sa_ends_an_outstanding_request(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_that_lacks_ipv6(&policy);

    send_delete(&s, 0, PROTOCOL_IKE, 0);

    assert_int_equal(gateway_record_count(s.b), 0);
    assert_int_equal(gateway_child_count(s.b, 0), 0);
    must_be_silent(&s, HOUR);
    stage_free(&s);
}

static void R12_clear_while_an_additional_child_sa_is_requested_deletes_all(void **state)
{
    (void)state;
    static const uint16_t answers[] = {MADE, NOTIFY_TS_UNACCEPTABLE, NOTIFY_SINGLE_PAIR_REQUIRED,
                                       NOTIFY_TEMPORARY_FAILURE};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        const struct tunnel_policy policy = policy_without_rekeys();
        struct stage s = stage_that_lacks_ipv6(&policy);
        gateway_clear(s.b, 0);

        if (answers[i] == MADE)
            grant(&s, SECOND_CHILD);
        else
            answer_with(&s, answers[i]);

        assert_true(puppet_read_reply(s.p));
        assert_int_equal(ike_message_find(&s.p->message, PAYLOAD_DELETE)->protocol, PROTOCOL_IKE);
        struct message_writer m = inner();
        puppet_answer(s.p, &m);
        assert_int_equal(gateway_record_count(s.b), 0);
        assert_int_equal(gateway_child_count(s.b, 0), 0);
        stage_free(&s);
    }
}

static void an_outstanding_request_is_answered_to_a_new_engine(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_that_lacks_ipv6(&policy);

    gateway_resume_after(s.b, 0, false);

    must_be_additional(&s);
    must_be_whole_families(&s, FAMILY_V6);
    grant(&s, SECOND_CHILD);
    assert_true(carries(&s, PUPPET_CHILD));
    assert_true(carries(&s, SECOND_CHILD));
    must_be_silent(&s, HOUR);
    stage_free(&s);
}

static void S42_a_refused_family_is_requested_by_a_new_engine_after_60_seconds(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_that_lacks_ipv6(&policy);
    answer_with(&s, NOTIFY_TS_UNACCEPTABLE);

    gateway_resume_after(s.b, 0, true);

    assert_false(packets_outside_wait(&s));
    must_be_silent(&s, 59 * 1000);
    await_additional(&s);
    must_be_whole_families(&s, FAMILY_V6);
    stage_free(&s);
}

static void RFC7296_2_25_a_family_refused_by_temporary_failure_is_requested_by_a_new_engine(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_that_lacks_ipv6(&policy);
    answer_with(&s, NOTIFY_TEMPORARY_FAILURE);

    gateway_resume_after(s.b, 0, true);

    assert_true(packets_outside_wait(&s));
    await_additional(&s);
    must_be_whole_families(&s, FAMILY_V6);
    stage_free(&s);
}

static void R15_a_request_without_answer_ends_the_ike_sa(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_that_lacks_ipv6(&policy);

    world_run(s.w, 31 * 1000);

    assert_int_equal(gateway_record_count(s.b), 0);
    assert_string_equal(gateway_last_down_reason(s.b), "no answer from the peer");
    stage_free(&s);
}

/* ---- What rekeys propose ----------------------------------------------------------------------------- */

static void R71_each_of_two_child_sas_is_rekeyed_with_its_own_family(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(86400, 100);
    struct stage s = stage_that_lacks_ipv6(&policy);
    grant(&s, SECOND_CHILD);

    await_rekey(&s);
    must_be_whole_families(&s, FAMILY_V4);
    grant_rekey(&s, NEW_CHILD);
    if (!puppet_read_reply(s.p) || s.p->message.header.exchange != EXCHANGE_CREATE_CHILD_SA)
        await_rekey(&s);
    must_be_whole_families(&s, FAMILY_V6);
    grant_rekey(&s, NEW_CHILD + 1);

    world_run(s.w, 6000);
    assert_int_equal(gateway_child_count(s.b, 0), 2);
    assert_true(carries(&s, NEW_CHILD));
    assert_true(carries(&s, NEW_CHILD + 1));
    assert_false(packets_outside_wait(&s));
    stage_free(&s);
}

static void RFC7296_2_9_2_an_only_child_sa_is_rekeyed_with_all_selectors_of_the_policy(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(86400, 100);
    struct stage s = stage_that_lacks_ipv6(&policy);
    answer_with(&s, NOTIFY_TS_UNACCEPTABLE);

    await_rekey(&s);

    must_be_whole_families(&s, FAMILY_V4 | FAMILY_V6);
    struct message_writer m = inner();
    const struct selector_list v4 = any_of(FAMILY_V4);
    put_child_of(&s, &m, SECOND_CHILD, HIGHEST, &v4, &v4);
    puppet_answer(s.p, &m);
    await_request(&s, EXCHANGE_INFORMATIONAL);
    m = inner();
    puppet_answer(s.p, &m);
    must_be_silent(&s, 15 * 1000); /* it was refused before */
    assert_true(carries(&s, SECOND_CHILD));
    stage_free(&s);
}

static void S38_a_family_that_a_rekey_no_longer_accepts_is_requested(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(86400, 100);
    const struct packet_flow flow = from_host(1);
    struct stage s = stage_in_auth(&policy, &flow);
    grant_in_auth(&s, FAMILY_V4 | FAMILY_V6);
    await_rekey(&s);
    struct message_writer m = inner();
    const struct selector_list v4 = any_of(FAMILY_V4);
    put_child_of(&s, &m, SECOND_CHILD, HIGHEST, &v4, &v4);

    puppet_answer(s.p, &m);

    assert_true(puppet_read_reply(s.p));
    assert_int_equal(s.p->message.header.exchange, EXCHANGE_INFORMATIONAL); /* DELETE of the old one */
    m = inner();
    puppet_answer(s.p, &m);
    must_be_additional(&s);
    must_be_whole_families(&s, FAMILY_V6);
    stage_free(&s);
}

static void R11_changed_selectors_hold_from_the_next_rekey_of_each_child_sa(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_that_rekeys(86400, 100);
    struct stage s = stage_that_lacks_ipv6(&policy);
    grant(&s, SECOND_CHILD);
    policy.local_ts_count = 1;
    policy.local_ts[0] = (struct policy_selector){.last_port = UINT16_MAX};
    assert_true(ip_address_parse("192.168.1.0", &policy.local_ts[0].first));
    assert_true(ip_address_parse("192.168.1.255", &policy.local_ts[0].last));
    gateway_set_tunnel(s.b, &policy, "secret2", "secret1");

    await_rekey(&s);

    const struct selector_list local = asked_for(&s, PAYLOAD_TSI);
    assert_int_equal(local.count, 1);
    assert_true(ip_address_equal(&local.ts[0].first, &policy.local_ts[0].first));
    grant_rekey(&s, NEW_CHILD);
    assert_true(gateway_log_has(s.b, "nothing of it is left in local-ts and remote-ts")); /* of IPv6 */
    world_run(s.w, 70 * 1000);
    assert_null(installed(&s, SECOND_CHILD));
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S38_a_family_that_is_not_accepted_is_requested_in_a_second_child_sa),
        cmocka_unit_test(S38_no_more_is_requested_when_both_families_are_accepted),
        cmocka_unit_test(S38_a_family_that_the_policy_does_not_propose_is_not_requested),
        cmocka_unit_test(R71_an_initiator_is_not_asked_for_more_than_it_proposed),
        cmocka_unit_test(
            S42_a_refused_family_is_requested_again_after_60_seconds_and_twice_as_late_each_time),
        cmocka_unit_test(S38_a_refused_family_is_requested_in_the_next_ike_sa),
        cmocka_unit_test(RFC7296_2_25_a_family_refused_by_temporary_failure_is_requested_later),
        cmocka_unit_test(S38_a_family_whose_child_sa_the_peer_deletes_is_requested_again_but_not_at_once),
        cmocka_unit_test(S38_a_family_for_which_the_peer_makes_a_child_sa_is_not_requested),
        cmocka_unit_test(R11_a_tunnel_that_was_shut_down_requests_what_it_lacks_after_no_shutdown),
        cmocka_unit_test(S25_an_additional_child_sa_uses_the_group_that_the_peer_wants),
        cmocka_unit_test(
            RFC7296_2_25_2_a_request_that_crosses_a_rekey_of_the_ike_sa_continues_in_the_new_one),
        cmocka_unit_test(
            RFC7296_2_25_1_the_peers_rekey_is_answered_while_an_additional_child_sa_is_requested),
        cmocka_unit_test(R10_delete_of_the_ike_sa_ends_an_outstanding_request),
        cmocka_unit_test(R12_clear_while_an_additional_child_sa_is_requested_deletes_all),
        cmocka_unit_test(an_outstanding_request_is_answered_to_a_new_engine),
        cmocka_unit_test(S42_a_refused_family_is_requested_by_a_new_engine_after_60_seconds),
        cmocka_unit_test(RFC7296_2_25_a_family_refused_by_temporary_failure_is_requested_by_a_new_engine),
        cmocka_unit_test(R15_a_request_without_answer_ends_the_ike_sa),
        cmocka_unit_test(R71_each_of_two_child_sas_is_rekeyed_with_its_own_family),
        cmocka_unit_test(RFC7296_2_9_2_an_only_child_sa_is_rekeyed_with_all_selectors_of_the_policy),
        cmocka_unit_test(S38_a_family_that_a_rekey_no_longer_accepts_is_requested),
        cmocka_unit_test(R11_changed_selectors_hold_from_the_next_rekey_of_each_child_sa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
