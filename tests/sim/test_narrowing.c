/*
 * A peer that grants a part of the selectors that B proposes (S42, RFC 7296 2.9): B says so once, and asks
 * for an additional Child SA when a packet needs it.
 */
#include "hostile_case.h"
#include "narrow_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND = 1000 };

/* ---- The peer ---------------------------------------------------------------------------------------- */

/* All of 192.168.N.0/24. */
static struct selector_list net(unsigned n)
{
    struct selector_list list = any_of(FAMILY_V4);
    static const uint8_t first[] = {192, 168, 0, 0};
    memcpy(list.ts[0].first.octets, first, sizeof first);
    memcpy(list.ts[0].last.octets, first, sizeof first);
    list.ts[0].first.octets[2] = list.ts[0].last.octets[2] = (uint8_t)n;
    list.ts[0].last.octets[3] = 255;
    return list;
}

/* A policy for 192.168.0.0 to 192.168.3.255 here and 192.168.0.0 to 192.168.255.255 there, in lines 5 and 6.
 */
static struct tunnel_policy policy_of_nets(uint32_t child_lifetime)
{
    struct tunnel_policy policy = policy_that_rekeys(86400, child_lifetime);
    policy.local_ts_count = policy.remote_ts_count = 1;
    policy.local_ts[0] = policy.remote_ts[0] = (struct policy_selector){.last_port = UINT16_MAX};
    assert_true(ip_address_parse("192.168.0.0", &policy.local_ts[0].first));
    assert_true(ip_address_parse("192.168.3.255", &policy.local_ts[0].last));
    assert_true(ip_address_parse("192.168.0.0", &policy.remote_ts[0].first));
    assert_true(ip_address_parse("192.168.255.255", &policy.remote_ts[0].last));
    policy.line[SETTING_LOCAL_TS] = 5;
    policy.line[SETTING_REMOTE_TS] = 6;
    return policy;
}

static void grant_nets_in_auth(struct stage *s, const struct selector_list *local,
                               const struct selector_list *remote)
{
    struct message_writer m = inner();
    puppet_put_auth_answer(s->p, &m, "site1", "secret1");
    put_esp_offer(s, &m, PUPPET_CHILD, NULL);
    selectors_put(&m, PAYLOAD_TSI, local);
    selectors_put(&m, PAYLOAD_TSR, remote);
    puppet_answer(s->p, &m);
}

/* The peer has granted 192.168.1.0/24 and 192.168.2.0/24 alone. */
static struct stage stage_narrowed(const struct tunnel_policy *policy)
{
    const struct packet_flow flow = udp("192.168.1.1", 1000, "192.168.2.1", 53);
    const struct selector_list local = net(1), remote = net(2);
    struct stage s = stage_in_auth(policy, &flow);
    grant_nets_in_auth(&s, &local, &remote);
    assert_true(carries(&s, PUPPET_CHILD));
    return s;
}

static void grant_nets(struct stage *s, uint32_t spi, unsigned local, unsigned remote)
{
    const struct selector_list tsi = net(local), tsr = net(remote);
    struct message_writer m = inner();
    put_child_of(s, &m, spi, HIGHEST, &tsi, &tsr);
    puppet_answer(s->p, &m);
}

/* A packet from the net that was granted to the Nth host of another. */
static struct packet_flow outside(unsigned n)
{
    struct packet_flow flow = udp("192.168.1.1", 1000, "192.168.9.1", 53);
    flow.destination.octets[3] = (uint8_t)n;
    return flow;
}

/* B's message deletes a Child SA; the puppet answers. */
static void must_delete_a_child(struct stage *s)
{
    assert_true(puppet_read_reply(s->p));
    assert_int_equal(s->p->message.header.exchange, EXCHANGE_INFORMATIONAL);
    const struct ike_payload *deletion = ike_message_find(&s->p->message, PAYLOAD_DELETE);
    assert_non_null(deletion);
    assert_int_equal(deletion->protocol, PROTOCOL_ESP);
    const struct message_writer m = inner();
    puppet_answer(s->p, &m);
}

/* The first selector of each side is the packet's own, the policy's are behind it. */
static void must_have_packet_first(struct stage *s, const struct packet_flow *flow)
{
    const struct selector_list local = asked_for(s, PAYLOAD_TSI);
    const struct selector_list remote = asked_for(s, PAYLOAD_TSR);
    const struct tunnel_policy policy = policy_of_nets(100);
    const struct selector_list all_local = selectors_of_policy(policy.local_ts, 1);
    const struct selector_list all_remote = selectors_of_policy(policy.remote_ts, 1);
    assert_int_equal(local.count, 2);
    assert_int_equal(remote.count, 2);
    assert_true(ip_address_equal(&local.ts[0].first, &flow->source));
    assert_true(ip_address_equal(&local.ts[0].last, &flow->source));
    assert_true(ip_address_equal(&remote.ts[0].first, &flow->destination));
    assert_true(ip_address_equal(&remote.ts[0].last, &flow->destination));
    assert_int_equal(local.ts[0].protocol, flow->protocol);
    assert_int_equal(remote.ts[0].protocol, flow->protocol);
    assert_int_equal(local.ts[0].first_port, flow->source_port);
    assert_int_equal(local.ts[0].last_port, flow->source_port);
    assert_int_equal(remote.ts[0].first_port, flow->destination_port);
    assert_int_equal(remote.ts[0].last_port, flow->destination_port);
    assert_memory_equal(&local.ts[1], &all_local.ts[0], sizeof all_local.ts[0]);
    assert_memory_equal(&remote.ts[1], &all_remote.ts[0], sizeof all_remote.ts[0]);
}

/* ---- What is said ------------------------------------------------------------------------------------ */

static void S42_narrowed_selectors_are_told_once_with_what_was_asked_and_granted(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(100);
    struct stage s = stage_narrowed(&policy);

    assert_non_null(strstr(gateway_warnings(s.b),
                           "Tunnel0.0: the peer narrowed the traffic selectors: asked for local-ts "
                           "192.168.0.0-192.168.3.255, remote-ts 192.168.0.0-192.168.255.255, granted local "
                           "192.168.1.0-192.168.1.255, remote 192.168.2.0-192.168.2.255; local-ts and "
                           "remote-ts: lines 5, 6\n"));
    await_rekey(&s);
    grant_nets(&s, SECOND_CHILD, 1, 2);
    must_delete_a_child(&s);
    assert_int_equal(gateway_log_count(s.b, "the peer narrowed"), 1);
    await_rekey(&s);
    grant_nets(&s, THIRD_CHILD, 1, 3); /* not what was granted before */
    must_delete_a_child(&s);
    assert_int_equal(gateway_log_count(s.b, "the peer narrowed"), 2);
    stage_free(&s);
}

static void S42_a_policy_that_is_granted_whole_or_in_parts_is_not_narrowed(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(28800);
    const struct packet_flow flow = from_host(1);
    struct stage s = stage_in_auth(&policy, &flow);
    struct selector_list local = selectors_of_policy(policy.local_ts, 1);
    const struct selector_list remote = selectors_of_policy(policy.remote_ts, 1);
    local.ts[1] = local.ts[0];
    assert_true(ip_address_parse("192.168.1.255", &local.ts[0].last));
    assert_true(ip_address_parse("192.168.2.0", &local.ts[1].first));
    local.count = 2;

    grant_nets_in_auth(&s, &local, &remote);

    assert_true(carries(&s, PUPPET_CHILD));
    assert_false(packets_outside_wait(&s));
    assert_false(gateway_log_has(s.b, "the peer narrowed"));
    must_be_silent(&s, HOUR);
    stage_free(&s);
}

/* Sides of the answer to IKE_AUTH that are wider than what B proposed, by their last address or their ports.
 */
static void S9_selectors_that_are_widened_in_ike_auth_are_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct tunnel_policy policy = policy_of_nets(28800);
        policy.local_ts[0].protocol = policy.remote_ts[0].protocol = 17;
        policy.local_ts[0].last_port = policy.remote_ts[0].last_port = 1000;
        const struct packet_flow flow = from_host(1);
        struct stage s = stage_in_auth(&policy, &flow);
        struct selector_list sides[2] = {selectors_of_policy(policy.local_ts, 1),
                                         selectors_of_policy(policy.remote_ts, 1)};
        struct traffic_selector *wide = &sides[i % 2].ts[0];
        if (i < 2)
            wide->last.octets[1]++;
        else
            wide->last_port++;

        grant_nets_in_auth(&s, &sides[0], &sides[1]);

        assert_int_equal(gateway_child_count(s.b, 0), 0);
        assert_int_equal(warnings_with(&s, "the peer chose traffic selectors that were not proposed"), 1);
        assert_true(puppet_read_reply(s.p));
        assert_int_equal(ike_message_find(&s.p->message, PAYLOAD_DELETE)->protocol, PROTOCOL_IKE);
        stage_free(&s);
    }
}

/* ---- A packet outside of what was granted ------------------------------------------------------------- */

static void S42_a_packet_outside_of_the_grant_asks_with_its_own_selector_first(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(28800);
    struct stage s = stage_narrowed(&policy);
    const struct packet_flow flow = outside(1);
    assert_true(packets_outside_wait(&s)); /* R13 */
    must_be_silent(&s, MINUTE);            /* none needs it */

    packet_waits(&s, &flow);

    must_be_additional(&s);
    must_have_packet_first(&s, &flow);
    grant_nets(&s, SECOND_CHILD, 1, 9);
    assert_true(carries(&s, PUPPET_CHILD));
    assert_true(carries(&s, SECOND_CHILD));
    assert_int_equal(gateway_failures(s.b, 0), 0);
    assert_true(packets_outside_wait(&s)); /* there is more in the policy */
    must_be_silent(&s, HOUR);
    stage_free(&s);
}

static void S42_a_packet_that_comes_while_one_is_asked_for_is_next(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(28800);
    struct stage s = stage_narrowed(&policy);
    const struct packet_flow first = outside(1);
    const struct packet_flow second = udp("192.168.1.1", 1000, "192.168.10.1", 53);
    packet_waits(&s, &first);
    must_be_additional(&s);
    const struct ike_message request = s.p->message;
    packet_waits(&s, &second);
    assert_int_equal(s.p->reply_length, 0);
    s.p->message = request;

    grant_nets(&s, SECOND_CHILD, 1, 9);

    packet_waits(&s, &second);
    must_be_additional(&s);
    must_have_packet_first(&s, &second);
    stage_free(&s);
}

static void S42_a_grant_of_the_rest_ends_the_waiting(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(28800);
    struct stage s = stage_narrowed(&policy);
    const struct packet_flow flow = outside(1);
    packet_waits(&s, &flow);
    must_be_additional(&s);

    grant(&s, SECOND_CHILD); /* all that was asked for */

    assert_true(carries(&s, SECOND_CHILD));
    assert_false(packets_outside_wait(&s)); /* R71 */
    stage_free(&s);
}

static void R71_a_packet_outside_of_the_policy_is_dropped_though_the_peer_narrowed(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(28800);
    struct stage s = stage_narrowed(&policy);
    const struct packet_flow flow = udp("192.168.1.1", 1000, "10.0.0.1", 53);

    packet_waits(&s, &flow);

    assert_int_equal(s.p->reply_length, 0);
    assert_int_equal(gateway_failures(s.b, 0), 1);
    assert_non_null(strstr(gateway_warnings(s.b),
                           "Tunnel0.0: packets from 192.168.1.1 to 10.0.0.1, protocol 17, ports 1000 and 53 "
                           "are outside of local-ts and remote-ts of this end: they are dropped; local-ts "
                           "and remote-ts: lines 5, 6\n"));
    stage_free(&s);
}

/* The peer has granted all, so that no packet waits: the packet path reports what it drops. */
static void S42_a_packet_that_the_own_config_leaves_out_is_told_once(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(28800);
    const struct packet_flow first = from_host(1);
    struct stage s = stage_in_auth(&policy, &first);
    const struct selector_list local = selectors_of_policy(policy.local_ts, 1);
    const struct selector_list remote = selectors_of_policy(policy.remote_ts, 1);
    const struct packet_flow foreign = udp("10.0.0.1", 1000, "192.168.2.1", 53);
    const struct packet_flow other = udp("192.168.1.1", 1000, "10.0.0.1", 53);
    grant_nets_in_auth(&s, &local, &remote);

    gateway_packet_is_outside(s.b, 0, &foreign);
    gateway_packet_is_outside(s.b, 0, &other);

    assert_non_null(strstr(gateway_warnings(s.b),
                           "Tunnel0.0: packets from 10.0.0.1 to 192.168.2.1, protocol 17, ports 1000 and 53 "
                           "are outside of local-ts and remote-ts of this end: they are dropped; local-ts "
                           "and remote-ts: lines 5, 6\n"));
    assert_int_equal(gateway_log_count(s.b, "of this end: they are dropped"), 1);
    gateway_set_tunnel(s.b, &policy, "secret2", "secret1"); /* told again after a change of the config */
    gateway_packet_is_outside(s.b, 0, &foreign);
    assert_int_equal(gateway_log_count(s.b, "of this end: they are dropped"), 2);
    stage_free(&s);
}

static void R71_a_responder_asks_for_nothing_beyond_the_selectors_of_the_peer(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(28800);
    const struct selector_list v4 = any_of(FAMILY_V4);
    struct stage s = stage_new_with(&policy);
    struct message_writer m = inner();
    assert_true(puppet_do_init(s.p));
    puppet_put_auth_payloads_of(s.p, &m, "site1", "site2", "secret1", &v4);

    send_inner(&s, EXCHANGE_IKE_AUTH, 1, &m);

    assert_true(carries(&s, PUPPET_CHILD));
    assert_false(packets_outside_wait(&s));
    assert_false(gateway_log_has(s.b, "the peer narrowed"));
    stage_free(&s);
}

/* B is the responder: the peer has asked for UDP between hosts of 192.168.1.0/24 and 192.168.2.0/24 alone. */
static struct stage stage_asked_for_udp(const struct tunnel_policy *policy)
{
    struct selector_list nets = net(1);
    nets.ts[0].last.octets[2] = 2;
    nets.ts[0].protocol = 17;
    struct stage s = stage_new_with(policy);
    struct message_writer m = inner();
    assert_true(puppet_do_init(s.p));
    puppet_put_auth_payloads_of(s.p, &m, "site1", "site2", "secret1", &nets);
    send_inner(&s, EXCHANGE_IKE_AUTH, 1, &m);
    assert_true(carries(&s, PUPPET_CHILD));
    return s;
}

static void drop(struct stage *s, const struct packet_flow *flow)
{
    gateway_packet_is_outside(s->b, 0, flow);
}

static void S42_a_packet_beyond_what_the_peer_asked_for_is_told_once(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(100);
    struct stage s = stage_asked_for_udp(&policy);
    struct packet_flow tcp = udp("192.168.1.1", 1000, "192.168.2.1", 53);
    tcp.protocol = 6;
    const struct packet_flow foreign = udp("10.0.0.1", 1000, "192.168.2.1", 53), other = outside(7);

    drop(&s, &foreign); /* not within the policy */
    assert_false(gateway_log_has(s.b, "no Child SA for packets"));
    drop(&s, &tcp);
    drop(&s, &other);
    drop(&s, &tcp);

    assert_non_null(
        strstr(gateway_warnings(s.b),
               "Tunnel0.0: no Child SA for packets from 192.168.1.1 to 192.168.2.1, protocol 6, "
               "ports 1000 and 53 (the peer asked for local 192.168.1.0-192.168.2.255 protocol 17, "
               "remote 192.168.1.0-192.168.2.255 protocol 17): they are dropped; local-ts and "
               "remote-ts: lines 5, 6\n"));
    assert_int_equal(gateway_log_count(s.b, "no Child SA for packets"), 1);
    stage_free(&s);
}

static void
S42_what_a_responder_carries_and_what_an_initiator_drops_is_not_told_as_asked_for_by_the_peer(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(100);
    const struct packet_flow carried = udp("192.168.1.1", 1000, "192.168.2.1", 53), other = outside(7);
    struct stage responder = stage_asked_for_udp(&policy), initiator = stage_narrowed(&policy);

    drop(&responder, &carried); /* the path told it before the Child SA was there */
    drop(&initiator, &other);

    assert_false(gateway_log_has(responder.b, "no Child SA for packets"));
    assert_false(gateway_log_has(initiator.b, "no Child SA for packets"));
    stage_free(&responder);
    stage_free(&initiator);
}

/* ---- The peer refuses -------------------------------------------------------------------------------- */

static void refuses(struct stage *s, uint32_t spi)
{
    (void)spi;
    answer_with(s, NOTIFY_TS_UNACCEPTABLE);
}

/* Something that was not asked for. */
static void grants_no_subset(struct stage *s, uint32_t spi)
{
    const struct selector_list v6 = any_of(FAMILY_V6);
    struct message_writer m = inner();
    put_child_of(s, &m, spi, HIGHEST, &v6, &v6);
    puppet_answer(s->p, &m);
    must_delete_a_child(s);
}

static void grants_the_same_again(struct stage *s, uint32_t spi)
{
    grant_nets(s, spi, 1, 2);
    must_delete_a_child(s);
}

static void S42_a_refusal_is_told_once_and_the_peer_asked_again_after_60_seconds_at_the_soonest(void **state)
{
    (void)state;
    static void (*const refusals[])(struct stage * s, uint32_t spi) = {refuses, grants_no_subset,
                                                                       grants_the_same_again};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct tunnel_policy policy = policy_of_nets(28800);
        struct stage s = stage_narrowed(&policy);
        const struct packet_flow flow = outside(1);
        for (unsigned round = 0; round < 3; round++) {
            packet_waits(&s, &flow);
            must_be_additional(&s);
            refusals[i](&s, NEW_CHILD + round);
            assert_true(carries(&s, PUPPET_CHILD));
            size_t failures = gateway_failures(s.b, 0);
            assert_true(failures > 0); /* what waited is dropped */
            for (msec_t waited = 0; waited < (msec_t)(59 << round) * SECOND; waited += SECOND) {
                packet_waits(&s, &flow);
                assert_int_equal(s.p->reply_length, 0);
                assert_int_equal(gateway_failures(s.b, 0), ++failures);
                world_run(s.w, SECOND - 100);
            }
            world_run(s.w, (msec_t)(2 << round) * SECOND);
        }
        assert_int_equal(warnings_with(&s, "no Child SA for packets from 192.168.1.1 to 192.168.9.1") +
                             gateway_log_count(s.b, "traffic selectors that were not proposed: it chose"),
                         1);
        packet_waits(&s, &flow);
        must_be_additional(&s);
        grant_nets(&s, SECOND_CHILD, 1, 9);
        assert_true(carries(&s, SECOND_CHILD));
        stage_free(&s);
    }
}

static void S42_another_packet_is_asked_for_though_one_was_refused(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(28800);
    struct stage s = stage_narrowed(&policy);
    const struct packet_flow refused = outside(1);
    const struct packet_flow other = udp("192.168.1.1", 1000, "192.168.10.1", 53);
    packet_waits(&s, &refused);
    must_be_additional(&s);
    answer_with(&s, NOTIFY_TS_UNACCEPTABLE);

    packet_waits(&s, &other);

    must_be_additional(&s);
    must_have_packet_first(&s, &other);
    stage_free(&s);
}

static void S44_packets_of_many_pairs_that_are_refused_begin_few_exchanges(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(28800);
    struct stage s = stage_narrowed(&policy);
    unsigned asked = 0;
    for (unsigned n = 1; n < 250; n++) {
        const struct packet_flow flow = outside(n);
        packet_waits(&s, &flow);
        if (s.p->reply_length == 0)
            continue;
        must_be_additional(&s);
        answer_with(&s, NOTIFY_TS_UNACCEPTABLE);
        asked++;
        assert_true(n > 50 || asked <= DAMPING_SHORT_MAX);
    }
    assert_in_range(asked, DAMPING_SHORT_MAX, DAMPING_LONG_MAX);
    assert_int_equal(gateway_log_count(s.b, "the peer refuses or deletes too many additional Child SAs"), 1);
    assert_int_equal(gateway_failures(s.b, 0), 249);
    stage_free(&s);
}

static void S44_a_peer_that_deletes_each_additional_child_sa_is_asked_seldom(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(28800);
    struct stage s = stage_narrowed(&policy);
    unsigned asked = 0;
    for (unsigned n = 0; n < 100; n++) {
        const struct packet_flow flow = outside(1);
        packet_waits(&s, &flow);
        if (s.p->reply_length == 0)
            continue;
        must_be_additional(&s);
        grant_nets(&s, NEW_CHILD + n, 1, 9);
        send_delete(&s, asked++, PROTOCOL_ESP, NEW_CHILD + n);
    }
    assert_in_range(asked, DAMPING_SHORT_MAX, DAMPING_LONG_MAX);
    assert_true(carries(&s, PUPPET_CHILD));
    stage_free(&s);
}

static void S42_a_changed_config_asks_at_once(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(28800);
    struct stage s = stage_narrowed(&policy);
    const struct packet_flow flow = outside(1);
    packet_waits(&s, &flow);
    must_be_additional(&s);
    answer_with(&s, NOTIFY_TS_UNACCEPTABLE);

    gateway_set_tunnel(s.b, &policy, "secret2", "secret1");

    packet_waits(&s, &flow);
    must_be_additional(&s);
    stage_free(&s);
}

static void RFC7296_2_25_a_peer_that_puts_packets_off_again_and_again_is_asked_less(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(28800);
    struct stage s = stage_narrowed(&policy);
    const struct packet_flow flow = outside(1);
    unsigned asked = 0;
    for (unsigned n = 0; n < 60; n++) {
        packet_waits(&s, &flow);
        if (s.p->reply_length != 0) {
            must_be_additional(&s);
            answer_with(&s, NOTIFY_TEMPORARY_FAILURE);
            asked++;
        }
        world_run(s.w, SECOND - 200);
    }
    assert_in_range(asked, 3, 4);
    stage_free(&s);
}

/* ---- Rekeys and new engines -------------------------------------------------------------------------- */

static void S42_a_rekey_proposes_what_was_granted_first(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(100);
    struct stage s = stage_narrowed(&policy);

    await_rekey(&s);

    const struct selector_list local = asked_for(&s, PAYLOAD_TSI);
    const struct selector_list remote = asked_for(&s, PAYLOAD_TSR);
    const struct selector_list granted_local = net(1), granted_remote = net(2);
    assert_int_equal(local.count, 2);
    assert_int_equal(remote.count, 2);
    assert_memory_equal(&local.ts[0], &granted_local.ts[0], sizeof local.ts[0]);
    assert_memory_equal(&remote.ts[0], &granted_remote.ts[0], sizeof remote.ts[0]);
    stage_free(&s);
}

static void S42_a_rekey_that_narrows_lets_packets_wait_again(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(100);
    const struct packet_flow flow = from_host(1);
    struct stage s = stage_in_auth(&policy, &flow);
    const struct selector_list local = selectors_of_policy(policy.local_ts, 1);
    const struct selector_list remote = selectors_of_policy(policy.remote_ts, 1);
    grant_nets_in_auth(&s, &local, &remote);
    assert_false(packets_outside_wait(&s));
    await_rekey(&s);

    grant_nets(&s, SECOND_CHILD, 1, 2);

    must_delete_a_child(&s);
    assert_true(installed(&s, SECOND_CHILD)->sa.more_to_come);
    assert_true(gateway_log_has(s.b, "the peer narrowed"));
    const struct packet_flow other = outside(1);
    packet_waits(&s, &other);
    must_be_additional(&s);
    stage_free(&s);
}

static void S42_a_new_engine_knows_that_the_peer_narrowed(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(28800);
    struct stage s = stage_narrowed(&policy);
    const struct packet_flow flow = outside(1);

    gateway_resume_after(s.b, 0, true);

    assert_true(packets_outside_wait(&s));
    packet_waits(&s, &flow);
    must_be_additional(&s);
    must_have_packet_first(&s, &flow);
    gateway_resume_after(s.b, 0, false);
    must_be_additional(&s); /* sent again */
    grant_nets(&s, SECOND_CHILD, 1, 9);
    assert_true(carries(&s, SECOND_CHILD));
    stage_free(&s);
}

static void S42_a_new_engine_takes_the_refusal_of_what_the_old_one_asked_for(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_of_nets(28800);
    struct stage s = stage_narrowed(&policy);
    const struct packet_flow flow = outside(1);
    packet_waits(&s, &flow);
    gateway_resume_after(s.b, 0, false);
    must_be_additional(&s);

    answer_with(&s, NOTIFY_TS_UNACCEPTABLE);

    assert_true(carries(&s, PUPPET_CHILD));
    assert_true(packets_outside_wait(&s));
    must_be_silent(&s, MINUTE);
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S42_narrowed_selectors_are_told_once_with_what_was_asked_and_granted),
        cmocka_unit_test(S42_a_policy_that_is_granted_whole_or_in_parts_is_not_narrowed),
        cmocka_unit_test(S9_selectors_that_are_widened_in_ike_auth_are_refused),
        cmocka_unit_test(S42_a_packet_outside_of_the_grant_asks_with_its_own_selector_first),
        cmocka_unit_test(S42_a_packet_that_comes_while_one_is_asked_for_is_next),
        cmocka_unit_test(S42_a_grant_of_the_rest_ends_the_waiting),
        cmocka_unit_test(R71_a_packet_outside_of_the_policy_is_dropped_though_the_peer_narrowed),
        cmocka_unit_test(S42_a_packet_that_the_own_config_leaves_out_is_told_once),
        cmocka_unit_test(R71_a_responder_asks_for_nothing_beyond_the_selectors_of_the_peer),
        cmocka_unit_test(S42_a_packet_beyond_what_the_peer_asked_for_is_told_once),
        cmocka_unit_test(
            S42_what_a_responder_carries_and_what_an_initiator_drops_is_not_told_as_asked_for_by_the_peer),
        cmocka_unit_test(S42_a_refusal_is_told_once_and_the_peer_asked_again_after_60_seconds_at_the_soonest),
        cmocka_unit_test(S42_another_packet_is_asked_for_though_one_was_refused),
        cmocka_unit_test(S44_packets_of_many_pairs_that_are_refused_begin_few_exchanges),
        cmocka_unit_test(S44_a_peer_that_deletes_each_additional_child_sa_is_asked_seldom),
        cmocka_unit_test(S42_a_changed_config_asks_at_once),
        cmocka_unit_test(RFC7296_2_25_a_peer_that_puts_packets_off_again_and_again_is_asked_less),
        cmocka_unit_test(S42_a_rekey_proposes_what_was_granted_first),
        cmocka_unit_test(S42_a_rekey_that_narrows_lets_packets_wait_again),
        cmocka_unit_test(S42_a_new_engine_knows_that_the_peer_narrowed),
        cmocka_unit_test(S42_a_new_engine_takes_the_refusal_of_what_the_old_one_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
