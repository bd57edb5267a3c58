/*
 * A peer that wants each pair of addresses in a Child SA of its own (SINGLE_PAIR_REQUIRED, RFC 7296 2.9): B
 * asks for one when a packet needs it (S38).
 */
#include "narrow_peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void S38_single_pair_required_in_ike_auth_is_retried_with_the_pair_of_the_packet(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    const struct packet_flow flow = from_host(1);
    struct stage s = stage_in_auth(&policy, &flow);

    refuse_in_auth(&s, NOTIFY_SINGLE_PAIR_REQUIRED);

    must_be_additional(&s);
    must_be_pair(&s, &flow);
    assert_int_equal(asked_for(&s, PAYLOAD_TSI).ts[0].protocol, 0); /* all that the policy lets pass there */
    grant(&s, PUPPET_CHILD);
    assert_true(carries(&s, PUPPET_CHILD));
    assert_true(packets_outside_wait(&s));
    must_be_silent(&s, HOUR);
    stage_free(&s);
}

static void S38_a_pair_is_within_the_selectors_of_the_policy(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_without_rekeys();
    policy.remote_ts_count = 1;
    policy.remote_ts[0] = (struct policy_selector){.protocol = 17, .first_port = 53, .last_port = 53};
    const struct packet_flow flow = from_host(1);
    struct stage s = stage_in_auth(&policy, &flow);

    refuse_in_auth(&s, NOTIFY_SINGLE_PAIR_REQUIRED);

    must_be_additional(&s);
    must_be_pair(&s, &flow);
    const struct selector_list remote = asked_for(&s, PAYLOAD_TSR);
    assert_int_equal(remote.ts[0].protocol, 17);
    assert_int_equal(remote.ts[0].first_port, 53);
    assert_int_equal(remote.ts[0].last_port, 53);
    stage_free(&s);
}

static void RFC7296_2_9_a_pair_that_is_too_wide_is_retried_with_protocol_and_ports(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    const struct packet_flow flow = from_host(1);
    struct stage s = stage_in_auth(&policy, &flow);
    refuse_in_auth(&s, NOTIFY_SINGLE_PAIR_REQUIRED);
    must_be_additional(&s);

    answer_with(&s, NOTIFY_SINGLE_PAIR_REQUIRED);

    must_be_additional(&s);
    must_be_pair(&s, &flow);
    const struct selector_list local = asked_for(&s, PAYLOAD_TSI);
    const struct selector_list remote = asked_for(&s, PAYLOAD_TSR);
    assert_int_equal(local.ts[0].protocol, 17);
    assert_int_equal(local.ts[0].first_port, 1000);
    assert_int_equal(local.ts[0].last_port, 1000);
    assert_int_equal(remote.ts[0].first_port, 53);
    assert_int_equal(remote.ts[0].last_port, 53);
    answer_with(&s, NOTIFY_SINGLE_PAIR_REQUIRED); /* there is nothing less to ask for */
    assert_int_equal(gateway_failures(s.b, 0), 1);
    must_be_silent(&s, MINUTE);
    stage_free(&s);
}

static void S38_each_other_pair_gets_a_child_sa_when_a_packet_of_it_waits(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_by_pair(&policy);
    const struct packet_flow first = from_host(1);
    const struct packet_flow second = from_host(2);
    const struct packet_flow third = from_host(3);
    packet_waits(&s, &first);
    must_be_silent(&s, 1000); /* it has its SA */

    packet_waits(&s, &second);
    must_be_additional(&s);
    must_be_pair(&s, &second);
    packet_waits(&s, &third);
    assert_int_equal(s.p->reply_length, 0); /* one after the other */
    assert_int_equal(gateway_failures(s.b, 0), 0);

    grant(&s, SECOND_CHILD);
    packet_waits(&s, &third);
    must_be_additional(&s);
    must_be_pair(&s, &third);
    assert_true(carries(&s, PUPPET_CHILD));
    assert_true(carries(&s, SECOND_CHILD));
    stage_free(&s);
}

static void S42_a_refused_pair_is_requested_again_after_60_seconds(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_by_pair(&policy);
    const struct packet_flow second = from_host(2);
    const struct packet_flow third = from_host(3);
    packet_waits(&s, &second);
    must_be_additional(&s);

    answer_with(&s, NOTIFY_TS_UNACCEPTABLE);

    assert_int_equal(gateway_failures(s.b, 0), 1); /* what waits of the pair is dropped */
    assert_true(gateway_log_has(s.b, "no Child SA for packets from 192.168.1.2 to 192.168.2.1"));
    packet_waits(&s, &second);
    assert_int_equal(s.p->reply_length, 0);
    assert_int_equal(gateway_failures(s.b, 0), 2);
    packet_waits(&s, &third); /* another one may have better luck */
    must_be_additional(&s);
    must_be_pair(&s, &third);
    grant(&s, SECOND_CHILD);
    world_run(s.w, 60 * 1000);
    packet_waits(&s, &second);
    must_be_additional(&s);
    must_be_pair(&s, &second);
    assert_int_equal(gateway_failures(s.b, 0), 2);
    stage_free(&s);
}

static void S42_a_refused_pair_is_not_requested_after_the_rekey_of_the_ike_sa_either(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_by_pair(&policy);
    const struct packet_flow second = from_host(2);
    packet_waits(&s, &second);
    must_be_additional(&s);
    answer_with(&s, NOTIFY_TS_UNACCEPTABLE);
    send_ike_rekey(&s, 0, HIGHEST);
    size_t count = s.p->reply_count;

    packet_waits(&s, &second);

    assert_int_equal(s.p->reply_count, count);
    assert_int_equal(gateway_failures(s.b, 0), 2);
    stage_free(&s);
}

static void R71_a_pair_outside_of_the_policy_is_not_requested(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_without_rekeys();
    policy.local_ts_count = 1;
    policy.local_ts[0] = (struct policy_selector){.last_port = UINT16_MAX};
    assert_true(ip_address_parse("192.168.1.0", &policy.local_ts[0].first));
    assert_true(ip_address_parse("192.168.1.255", &policy.local_ts[0].last));
    struct stage s = stage_by_pair(&policy);
    const struct packet_flow outside = udp("192.168.7.1", 1000, "192.168.2.1", 53);

    packet_waits(&s, &outside);

    assert_int_equal(s.p->reply_length, 0);
    assert_int_equal(gateway_failures(s.b, 0), 1);
    stage_free(&s);
}

static void RFC7296_2_25_packets_of_a_pair_refused_by_temporary_failure_keep_waiting(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_by_pair(&policy);
    const struct packet_flow second = from_host(2);
    packet_waits(&s, &second);
    must_be_additional(&s);

    answer_with(&s, NOTIFY_TEMPORARY_FAILURE);

    packet_waits(&s, &second); /* as the packet path says each second */
    assert_int_equal(s.p->reply_length, 0);
    world_run(s.w, 5000);
    packet_waits(&s, &second);
    must_be_additional(&s);
    must_be_pair(&s, &second);
    assert_int_equal(gateway_failures(s.b, 0), 0);
    stage_free(&s);
}

static void S38_a_tunnel_gets_16_child_sas_for_pairs_and_no_more(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_by_pair(&policy);
    for (unsigned host = 2; host <= CHILDREN_MAX; host++) {
        const struct packet_flow flow = from_host(host);
        packet_waits(&s, &flow);
        must_be_additional(&s);
        grant(&s, NEW_CHILD + host);
    }
    assert_int_equal(gateway_child_count(s.b, 0), CHILDREN_MAX);
    const struct packet_flow one_more = from_host(CHILDREN_MAX + 1);

    packet_waits(&s, &one_more);

    assert_int_equal(s.p->reply_length, 0);
    assert_int_equal(gateway_failures(s.b, 0), 1);
    assert_true(gateway_log_has(s.b, "there are as many as there may be"));
    stage_free(&s);
}

static void R43_an_auto_tunnel_is_up_without_a_child_sa_until_a_packet_needs_one(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_without_rekeys();
    policy.connect_type = CONNECT_AUTO;
    struct stage s = stage_new_with(&policy);
    assert_true(puppet_accept_init(s.p));

    refuse_in_auth(&s, NOTIFY_SINGLE_PAIR_REQUIRED);

    assert_int_equal(s.p->reply_length, 0);
    assert_true(gateway_tunnel_is_up(s.b, 0)); /* else no packet would ever come */
    must_be_silent(&s, HOUR);
    const struct packet_flow flow = from_host(1);
    packet_waits(&s, &flow);
    must_be_additional(&s);
    must_be_pair(&s, &flow);
    grant(&s, PUPPET_CHILD);
    send_delete(&s, 0, PROTOCOL_ESP, PUPPET_CHILD);
    must_be_silent(&s, MINUTE); /* the IKE SA stays for the next packet */
    assert_true(gateway_tunnel_is_up(s.b, 0));
    send_delete(&s, 1, PROTOCOL_IKE, 0);
    assert_false(gateway_tunnel_is_up(s.b, 0));
    stage_free(&s);
}

static void S38_single_pair_required_for_the_other_family_is_retried_with_its_packet(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_that_lacks_ipv6(&policy);
    const struct ike_message request = s.p->message;
    const struct packet_flow flow = udp("2001:db8:1::1", 1000, "2001:db8:2::1", 53);
    packet_waits(&s, &flow);
    assert_int_equal(s.p->reply_length, 0);
    s.p->message = request;

    answer_with(&s, NOTIFY_SINGLE_PAIR_REQUIRED);

    must_be_additional(&s);
    must_be_pair(&s, &flow);
    grant(&s, SECOND_CHILD);
    assert_true(carries(&s, PUPPET_CHILD));
    assert_true(carries(&s, SECOND_CHILD));
    assert_true(packets_outside_wait(&s));
    stage_free(&s);
}

static void other_refusals_in_ike_auth_end_the_negotiation(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    const struct packet_flow flow = from_host(1);
    struct stage s = stage_in_auth(&policy, &flow);

    refuse_in_auth(&s, NOTIFY_TS_UNACCEPTABLE);

    assert_int_equal(gateway_failures(s.b, 0), 1);
    assert_true(puppet_read_reply(s.p));
    assert_int_equal(ike_message_find(&s.p->message, PAYLOAD_DELETE)->protocol, PROTOCOL_IKE);
    assert_false(gateway_tunnel_is_up(s.b, 0));
    stage_free(&s);
}

static void S38_what_the_peer_wants_of_child_sas_is_known_after_a_rekey_of_the_ike_sa(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_without_rekeys();
    struct stage s = stage_by_pair(&policy);
    send_ike_rekey(&s, 0, HIGHEST);
    send_delete(&s, 1, PROTOCOL_IKE, 0);
    const struct packet_flow second = from_host(2);

    packet_waits(&s, &second);

    assert_int_equal(last_header(&s).exchange, EXCHANGE_CREATE_CHILD_SA);
    assert_true(gateway_tunnel_is_up(s.b, 0));
    stage_free(&s);
}

static void S38_what_the_peer_wants_of_child_sas_is_known_to_a_new_engine(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_without_rekeys();
    policy.connect_type = CONNECT_AUTO;
    struct stage s = stage_new_with(&policy);
    assert_true(puppet_accept_init(s.p));
    refuse_in_auth(&s, NOTIFY_SINGLE_PAIR_REQUIRED);
    const struct packet_flow flow = from_host(1);

    gateway_resume_after(s.b, 0, true);

    assert_true(gateway_tunnel_is_up(s.b, 0));
    packet_waits(&s, &flow);
    must_be_additional(&s);
    must_be_pair(&s, &flow);
    grant(&s, PUPPET_CHILD);
    gateway_resume_after(s.b, 0, true);
    assert_true(carries(&s, PUPPET_CHILD));
    assert_true(packets_outside_wait(&s));
    stage_free(&s);
}

static void R71_a_child_sa_of_a_pair_is_rekeyed_with_the_pair(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(86400, 100);
    struct stage s = stage_by_pair(&policy);
    const struct packet_flow flow = from_host(1);

    await_rekey(&s);

    must_be_pair(&s, &flow);
    grant_rekey(&s, SECOND_CHILD);
    assert_true(carries(&s, SECOND_CHILD));
    assert_true(packets_outside_wait(&s));
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S38_single_pair_required_in_ike_auth_is_retried_with_the_pair_of_the_packet),
        cmocka_unit_test(S38_a_pair_is_within_the_selectors_of_the_policy),
        cmocka_unit_test(RFC7296_2_9_a_pair_that_is_too_wide_is_retried_with_protocol_and_ports),
        cmocka_unit_test(S38_each_other_pair_gets_a_child_sa_when_a_packet_of_it_waits),
        cmocka_unit_test(S42_a_refused_pair_is_requested_again_after_60_seconds),
        cmocka_unit_test(S42_a_refused_pair_is_not_requested_after_the_rekey_of_the_ike_sa_either),
        cmocka_unit_test(R71_a_pair_outside_of_the_policy_is_not_requested),
        cmocka_unit_test(RFC7296_2_25_packets_of_a_pair_refused_by_temporary_failure_keep_waiting),
        cmocka_unit_test(S38_a_tunnel_gets_16_child_sas_for_pairs_and_no_more),
        cmocka_unit_test(R43_an_auto_tunnel_is_up_without_a_child_sa_until_a_packet_needs_one),
        cmocka_unit_test(S38_single_pair_required_for_the_other_family_is_retried_with_its_packet),
        cmocka_unit_test(other_refusals_in_ike_auth_end_the_negotiation),
        cmocka_unit_test(S38_what_the_peer_wants_of_child_sas_is_known_after_a_rekey_of_the_ike_sa),
        cmocka_unit_test(S38_what_the_peer_wants_of_child_sas_is_known_to_a_new_engine),
        cmocka_unit_test(R71_a_child_sa_of_a_pair_is_rekeyed_with_the_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
