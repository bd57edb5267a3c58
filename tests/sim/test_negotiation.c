/* Two engines on virtual time: IKE_SA_INIT, IKE_AUTH, DELETE, retransmission. */
#include "ike/sa/ike_sa.h"
#include "ike/sa/record.h"
#include "invariants.h"
#include "pair.h"
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void R13_a_waiting_packet_brings_the_tunnel_up(void **state)
{
    (void)state;
    struct pair p = default_pair();

    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_true(gateway_log_has(p.a, "IKE SA created, serial 1, with KEY-ID site2"));
    world_free(p.w);
}

/* The initiator proves itself before it knows the peer's proof; the responder does both at once. */
static void ike_auth_takes_one_secret_job_as_responder_and_two_as_initiator(void **state)
{
    (void)state;
    struct pair p = default_pair();

    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_int_equal(gateway_auth_jobs(p.a, 1), 2);
    assert_int_equal(gateway_auth_jobs(p.b, 0), 1);
    world_free(p.w);
}

static void real_arithmetic_agrees_with_itself(void **state)
{
    (void)state;
    struct pair p = default_pair();
    world_conditions(p.w)->real_arithmetic = true;

    gateway_packet_waits(p.b, 0);
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static void R20_unset_proposals_take_the_most_secure(void **state)
{
    (void)state;
    struct pair p = default_pair();

    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    const struct child_settings *sa = &gateway_children(p.a)->sa;
    assert_int_equal(sa->encryption, ENCR_AES_GCM_16);
    assert_int_equal(sa->key_bits, 256);
    assert_true(gateway_log_has(p.a, "AES-GCM-256/PRF-HMAC-SHA2-512/MODP-3072"));
    world_free(p.w);
}

/* Each algorithm of R4 to R7, pinned at one side as R24 has it, carries a tunnel in either direction. */
static void R24_an_algorithm_configured_at_one_side_is_used(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 60; i++) {
        struct tunnel_policy a = policy_a();
        const struct tunnel_policy b = policy_b();
        uint32_t enc = i % ENCRYPTION_COUNT;
        uint32_t integrity = i % INTEGRITY_COUNT;
        a.ike = (struct ike_algorithms){1U << enc, 1U << integrity, 1U << (i / 4 % PRF_COUNT),
                                        1U << (i % KEY_EXCHANGE_COUNT)};
        a.child.encryption = 1U << enc;
        a.child.integrity = 1U << integrity;
        struct pair p = pair_of(&a, &b);

        gateway_packet_waits(i % 2 ? p.a : p.b, i % 2 ? 1 : 0);
        world_run(p.w, 2000);

        assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
        const struct child_settings *sa = &gateway_children(p.b)->sa;
        assert_int_equal(sa->encryption, encryption_algorithms[enc].id);
        assert_int_equal(sa->key_bits, encryption_algorithms[enc].key_bits);
        world_free(p.w);
    }
}

static void S9_a_wrong_group_is_answered_with_the_right_one(void **state)
{
    (void)state;
    const struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    b.ike.dh = 1U << (key_exchange_by_id(KE_MODP_1536) - key_exchange_methods);
    struct pair p = pair_of(&a, &b);

    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_true(gateway_log_has(p.a, "the peer wants DH group MODP-1536"));
    world_free(p.w);
}

/* A request that was sent twice on a slow path is refused twice; by then it is another one that is out. */
static void RFC7296_1_2_a_group_that_is_wanted_twice_does_not_end_the_negotiation(void **state)
{
    (void)state;
    struct stage s = stage_new();
    assert_true(stage_begins(&s));
    puppet_want_group(s.p, KE_MODP_2048);

    puppet_want_group(s.p, KE_MODP_2048);

    assert_true(puppet_accept_init(s.p)); /* it is sent again, and goes on */
    assert_int_equal(gateway_failures(s.b, 0), 0);
    stage_free(&s);
}

/* Drops the first answer to IKE_AUTH, and answers IKE_SA_INIT with a forged refusal before the peer does. */
struct forger {
    struct gateway *victim;
    struct ip_endpoint peer;
    struct ike_header header;
    unsigned auth_answers;
};

static bool drop_first_auth_answer(void *context, const struct flying_datagram *d)
{
    struct forger *f = context;
    if (d->message.at[18] == EXCHANGE_IKE_SA_INIT && !(d->message.at[19] & IKE_FLAG_RESPONSE)) {
        bool parsed = ike_header_parse(d->message, &f->header);
        assert_true(parsed);
        f->peer = d->to;
    }
    return d->message.at[18] != EXCHANGE_IKE_AUTH || !(d->message.at[19] & IKE_FLAG_RESPONSE) ||
           f->auth_answers++ > 0;
}

static void RFC7296_2_21_1_a_forged_refusal_does_not_end_a_negotiation_that_goes_on(void **state)
{
    (void)state;
    struct pair p = default_pair();
    struct forger f = {.victim = p.a};
    world_set_hook(p.w, drop_first_auth_answer, &f);
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 5); /* the request is on the way */

    f.header.flags = IKE_FLAG_RESPONSE;
    uint8_t at[64];
    struct message_writer m = message_begin(at, sizeof at, &f.header);
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_NO_PROPOSAL_CHOSEN,
                       (struct octets){NULL, 0});
    gateway_receive(p.a, &f.peer, message_finish(&m));
    world_run(p.w, 5000);

    assert_int_equal(gateway_failures(p.a, 1), 0);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static void R32_the_responder_must_authenticate_itself_too(void **state)
{
    (void)state;
    struct pair p = default_pair();
    const struct tunnel_policy a = policy_a();
    gateway_set_tunnel(p.a, &a, "secret1", "other");

    gateway_packet_waits(p.a, 1);
    world_run(p.w, 40000);

    assert_false(gateway_tunnel_is_up(p.a, 1));
    assert_int_equal(gateway_child_count(p.a, 1), 0);
    assert_int_equal(gateway_child_count(p.b, 0), 0); /* it was told by DELETE */
    assert_true(gateway_log_has(p.a, "the AUTH of KEY-ID site2 does not fit"));
    world_free(p.w);
}

static void R48_the_tunnel_of_a_peer_with_any_address_is_found_by_its_id(void **state)
{
    (void)state;
    struct world *w = world_new(3, &invariants);
    struct gateway *centre = world_add_gateway(w, "centre", "10.0.0.1");
    struct gateway *site = world_add_gateway(w, "site2", "192.0.2.7");
    const struct tunnel_policy c1 = world_default_policy(1, "any", "center", "site1");
    const struct tunnel_policy c2 = world_default_policy(2, "any", "center", "site2");
    const struct tunnel_policy s2 = world_default_policy(0, "10.0.0.1", "site2", "center");
    gateway_set_tunnel(centre, &c1, "secret-c", "secret-s1");
    gateway_set_tunnel(centre, &c2, "secret-c", "secret-s2");
    gateway_set_tunnel(site, &s2, "secret-s2", "secret-c");

    gateway_packet_waits(site, 0);
    world_run(w, 1000);

    assert_true(world_tunnel_carries(site, 0, centre, 2));
    assert_false(gateway_tunnel_is_up(centre, 1));
    world_free(w);
}

struct silence {
    msec_t times[16];
    size_t count;
    struct world *w;
};

static bool note_and_drop(void *context, const struct flying_datagram *d)
{
    struct silence *s = context;
    (void)d;
    if (s->count < 16)
        s->times[s->count++] = world_now(s->w);
    return false;
}

static void R15_a_silent_peer_gets_four_transmissions_and_30_seconds(void **state)
{
    (void)state;
    struct pair p = default_pair();
    struct silence s = {.w = p.w};
    world_set_hook(p.w, note_and_drop, &s);

    gateway_packet_waits(p.a, 1);
    world_run(p.w, 29990);
    size_t failures_before = gateway_failures(p.a, 1);
    world_run(p.w, 1000);

    assert_int_equal(s.count, 4);
    assert_int_equal(s.times[1] - s.times[0], 2000);
    assert_int_equal(s.times[2] - s.times[0], 6000);
    assert_int_equal(s.times[3] - s.times[0], 14000);
    assert_int_equal(failures_before, 0);
    assert_int_equal(gateway_failures(p.a, 1), 1);
    assert_int_equal(gateway_record_count(p.a), 0);
    world_free(p.w);
}

/* Jobs are lost for a while, as when there is no memory for them: what waits for them must not wait for ever.
 */
static void a_computation_that_is_lost_leaves_room_for_another_attempt(void **state)
{
    (void)state;
    struct stage s = stage_new();
    world_conditions(s.w)->job_time = UINT64_C(3600) * 1000;
    gateway_packet_waits(s.b, 0);
    world_run(s.w, 31 * 1000);
    assert_int_equal(gateway_failures(s.b, 0), 1);
    world_conditions(s.w)->job_time = 0;

    assert_true(stage_begins(&s));
    stage_free(&s);
}

static void a_computation_for_a_rekey_that_is_lost_leaves_room_for_another_ike_sa(void **state)
{
    (void)state;
    struct tunnel_policy policy = stage_policy();
    policy.sa_lifetime = 20;
    struct stage s = stage_established_with(&policy);
    world_conditions(s.w)->job_time = UINT64_C(3600) * 1000;
    world_run(s.w, 60 * 1000);
    assert_false(gateway_tunnel_is_up(s.b, 0));
    assert_int_equal(gateway_record_count(s.b), 0);
    world_conditions(s.w)->job_time = 0;

    assert_true(stage_begins(&s));
    stage_free(&s);
}

static void R12_clear_sends_delete_and_both_ends_forget(void **state)
{
    (void)state;
    struct pair p = default_pair();
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));

    gateway_clear(p.a, 1);
    assert_int_equal(gateway_record_count(p.a), 1); /* until the answer comes */
    world_run(p.w, 1000);

    assert_false(gateway_tunnel_is_up(p.a, 1));
    assert_false(gateway_tunnel_is_up(p.b, 0));
    assert_string_equal(gateway_last_down_reason(p.a), "Delete IKE SA by command");
    assert_int_equal(gateway_record_count(p.a) + gateway_record_count(p.b), 0);
    world_free(p.w);
}

static void R12_clear_ends_by_timeout_when_the_peer_is_gone(void **state)
{
    (void)state;
    struct pair p = default_pair();
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    struct silence s = {.w = p.w};
    world_set_hook(p.w, note_and_drop, &s);

    gateway_clear(p.a, 1);
    assert_int_equal(gateway_child_count(p.a, 1), 0);
    world_run(p.w, 29000);
    assert_int_equal(gateway_record_count(p.a), 1);
    world_run(p.w, 2000);

    assert_int_equal(gateway_record_count(p.a), 0);
    world_free(p.w);
}

static void R10_a_stopping_gateway_deletes_its_sas(void **state)
{
    (void)state;
    struct pair p = default_pair();
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    gateway_stop(p.a);
    world_run(p.w, 1000);

    assert_true(ike_engine_is_idle(gateway_engine(p.a)));
    assert_int_equal(gateway_child_count(p.b, 0), 0);
    world_free(p.w);
}

static void R43_auto_connects_without_traffic(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    a.connect_type = CONNECT_AUTO;
    const struct tunnel_policy b = policy_b();
    struct pair p = pair_of(&a, &b);

    world_run(p.w, 11000);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    gateway_clear(p.b, 0);
    world_run(p.w, 12000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static void S23_a_responder_starts_nothing_and_an_initiator_answers_nothing(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    a.direction = NEGOTIATE_INITIATOR;
    b.direction = NEGOTIATE_RESPONDER;
    struct pair p = pair_of(&a, &b);

    gateway_packet_waits(p.b, 0);
    world_run(p.w, 1000);
    assert_int_equal(gateway_sent(p.b), 0);
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static void S4_a_tunnel_that_is_shut_down_makes_no_sa_and_answers_none(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    const struct tunnel_policy b = policy_b();
    a.connect_type = CONNECT_AUTO;
    a.shut_down = true;
    struct pair p = pair_of(&a, &b);

    gateway_packet_waits(p.a, 1);
    gateway_packet_waits(p.b, 0);
    world_run(p.w, 40000);

    assert_int_equal(gateway_sent(p.a), 0);
    assert_false(gateway_tunnel_is_up(p.b, 0));
    world_free(p.w);
}

/* Of a tunnel that is shut down and opened again `auto` makes the SA anew. */
static void R43_auto_connects_when_the_tunnel_is_opened(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    const struct tunnel_policy b = policy_b();
    a.connect_type = CONNECT_AUTO;
    a.shut_down = true;
    struct pair p = pair_of(&a, &b);
    world_run(p.w, 5000);

    a.shut_down = false;
    gateway_set_tunnel(p.a, &a, "secret1", "secret2");
    world_run(p.w, 11000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static void R76_force_moves_to_port_4500(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    a.nat_traversal = b.nat_traversal = true;
    a.nat_force = true;
    struct pair p = pair_of(&a, &b);

    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_true(gateway_children(p.a)->sa.destination.encapsulated);
    assert_int_equal(gateway_children(p.b)->sa.destination.remote.port, 4500);
    world_free(p.w);
}

static void R76_without_nat_nothing_is_encapsulated(void **state)
{
    (void)state;
    struct tunnel_policy a = policy_a();
    struct tunnel_policy b = policy_b();
    a.nat_traversal = b.nat_traversal = true;
    struct pair p = pair_of(&a, &b);

    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    assert_false(gateway_children(p.a)->sa.destination.encapsulated);
    assert_int_equal(gateway_children(p.a)->sa.destination.remote.port, 500);
    world_free(p.w);
}

static void R15_R43_loss_and_duplication_do_not_keep_a_tunnel_down(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct world *w = world_new(seed, &invariants);
        *world_conditions(w) = (struct network_conditions){.delay_min = 1,
                                                           .delay_max = 3000,
                                                           .loss_percent = 20,
                                                           .duplicate_percent = 20,
                                                           .corrupt_percent = 5};
        struct gateway *a = world_add_gateway(w, "A", "10.1.0.1");
        struct gateway *b = world_add_gateway(w, "B", "10.2.0.1");
        struct tunnel_policy at_a = policy_a();
        at_a.connect_type = CONNECT_AUTO;
        const struct tunnel_policy at_b = policy_b();
        gateway_set_tunnel(a, &at_a, "secret1", "secret2");
        gateway_set_tunnel(b, &at_b, "secret2", "secret1");

        world_run(w, 60000);
        *world_conditions(w) = (struct network_conditions){.delay_min = 1, .delay_max = 1};
        world_run(w, 90000);

        if (!world_tunnel_carries(a, 1, b, 0))
            fail_msg("seed %lu: the tunnel does not carry", (unsigned long)seed);
        world_free(w);
    }
}

static void records_say_what_the_packet_path_has(void **state)
{
    (void)state;
    struct pair p = default_pair();
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    assert_int_equal(gateway_record_count(p.a), 1);
    struct ike_record record;
    assert_int_equal(ike_record_read(gateway_record(p.a, 0), SIM_EPOCH, &record), IKE_RECORD_READ);

    const struct child_settings *sa = &gateway_children(p.a)->sa;
    assert_int_equal(record.state, IKE_SA_ESTABLISHED);
    assert_int_equal(record.tunnel, 1);
    assert_int_equal(record.child_count, 1);
    assert_int_equal(record.children[0].inbound.spi, sa->inbound.spi);
    assert_int_equal(record.children[0].outbound.spi, sa->outbound.spi);
    assert_memory_equal(record.children[0].outbound.encryption_key, sa->outbound.encryption_key,
                        sizeof sa->outbound.encryption_key);
    assert_int_equal(record.request_id, 2);
    assert_int_equal(record.expected_id, 0);
    world_free(p.w);
}

/* Of the first tunnel, slot 0, the first worker reads the TUN device and the second one opens what comes. */
static void spis_lead_to_the_worker_beside_the_tunnels(void **state)
{
    (void)state;
    struct pair p = default_pair();
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);

    assert_int_equal(gateway_children(p.a)->sa.inbound.spi % 2, 1);
    assert_int_equal(gateway_children(p.b)->sa.inbound.spi % 2, 1);
    world_free(p.w);
}

/* An initiator that has started anew, or another one behind the same NAT, may choose the same SPI. */
static void RFC7296_2_1_a_known_spi_with_another_nonce_is_another_negotiation(void **state)
{
    (void)state;
    struct stage s = stage_new();
    assert_true(puppet_do_init(s.p));
    uint64_t first = s.p->spi_r;
    size_t count = s.p->reply_count;

    puppet_send(s.p, s.p->request, s.p->request_length); /* the same is a retransmission */
    assert_int_equal(s.p->reply_count, count + 1);
    assert_true(puppet_read_reply(s.p));
    assert_int_equal(s.p->message.header.spi_r, first);

    s.p->nonce_i[0] ^= 1;
    assert_true(puppet_do_init(s.p));

    assert_int_not_equal(s.p->spi_r, first);
    assert_true(puppet_do_auth(s.p, "site1", "site2", "secret1"));
    assert_int_equal(gateway_child_count(s.b, 0), 1);
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(RFC7296_2_1_a_known_spi_with_another_nonce_is_another_negotiation),
        cmocka_unit_test(R13_a_waiting_packet_brings_the_tunnel_up),
        cmocka_unit_test(ike_auth_takes_one_secret_job_as_responder_and_two_as_initiator),
        cmocka_unit_test(real_arithmetic_agrees_with_itself),
        cmocka_unit_test(R20_unset_proposals_take_the_most_secure),
        cmocka_unit_test(R24_an_algorithm_configured_at_one_side_is_used),
        cmocka_unit_test(S9_a_wrong_group_is_answered_with_the_right_one),
        cmocka_unit_test(RFC7296_1_2_a_group_that_is_wanted_twice_does_not_end_the_negotiation),
        cmocka_unit_test(RFC7296_2_21_1_a_forged_refusal_does_not_end_a_negotiation_that_goes_on),
        cmocka_unit_test(R32_the_responder_must_authenticate_itself_too),
        cmocka_unit_test(R48_the_tunnel_of_a_peer_with_any_address_is_found_by_its_id),
        cmocka_unit_test(R15_a_silent_peer_gets_four_transmissions_and_30_seconds),
        cmocka_unit_test(a_computation_that_is_lost_leaves_room_for_another_attempt),
        cmocka_unit_test(a_computation_for_a_rekey_that_is_lost_leaves_room_for_another_ike_sa),
        cmocka_unit_test(R12_clear_sends_delete_and_both_ends_forget),
        cmocka_unit_test(R12_clear_ends_by_timeout_when_the_peer_is_gone),
        cmocka_unit_test(R10_a_stopping_gateway_deletes_its_sas),
        cmocka_unit_test(R43_auto_connects_without_traffic),
        cmocka_unit_test(S23_a_responder_starts_nothing_and_an_initiator_answers_nothing),
        cmocka_unit_test(S4_a_tunnel_that_is_shut_down_makes_no_sa_and_answers_none),
        cmocka_unit_test(R43_auto_connects_when_the_tunnel_is_opened),
        cmocka_unit_test(R76_force_moves_to_port_4500),
        cmocka_unit_test(R76_without_nat_nothing_is_encapsulated),
        cmocka_unit_test(R15_R43_loss_and_duplication_do_not_keep_a_tunnel_down),
        cmocka_unit_test(records_say_what_the_packet_path_has),
        cmocka_unit_test(spis_lead_to_the_worker_beside_the_tunnels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
