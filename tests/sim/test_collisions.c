/*
 * Two exchanges that cross each other: every case of RFC 7296 2.25.1 and 2.25.2, and the nonces of 2.8.1
 * and 2.8.2. The puppet is the peer, and says each thing at the worst time.
 */
#include "requests.h"

#include "ike/sa/ike_sa.h"
#include "ike/sa/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct octets nothing = {NULL, 0};

/* The stage with B's request to rekey its Child SA on the way. */
static struct stage stage_in_child_rekey(void)
{
    const struct tunnel_policy p = policy_that_rekeys(86400, 10);
    struct stage s = stage_established_with(&p);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);
    assert_non_null(ike_message_notify(&s.p->message, NOTIFY_REKEY_SA));
    return s;
}

static struct stage stage_in_ike_rekey(void)
{
    const struct tunnel_policy p = policy_that_rekeys(70, 28800);
    struct stage s = stage_established_with(&p);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);
    assert_null(ike_message_notify(&s.p->message, NOTIFY_REKEY_SA));
    return s;
}

/* B's DELETE of the Child SA that it has rekeyed is on the way. */
static struct stage stage_in_child_delete(void)
{
    struct stage s = stage_in_child_rekey();
    answer_child(&s, SECOND_CHILD, HIGHEST);
    assert_true(puppet_read_reply(s.p)); /* the DELETE goes out at once */
    assert_int_equal(s.p->message.header.exchange, EXCHANGE_INFORMATIONAL);
    assert_int_equal(ike_message_find(&s.p->message, PAYLOAD_DELETE)->protocol, PROTOCOL_ESP);
    return s;
}

/* ---- RFC 7296 2.25.1: while B does something with the Child SA -------------------------------------------
 */

static void RFC7296_2_25_1_rekey_of_a_child_that_is_being_closed_is_refused_by_temporary_failure(void **state)
{
    (void)state;
    struct stage s = stage_in_child_delete();

    send_child_rekey(&s, FIRST_ID, PUPPET_CHILD, THIRD_CHILD, HIGHEST);

    assert_int_equal(puppet_reply_notify(s.p), NOTIFY_TEMPORARY_FAILURE);
    stage_free(&s);
}

static void RFC7296_2_25_1_rekey_of_a_child_that_is_being_rekeyed_is_answered(void **state)
{
    (void)state;
    struct stage s = stage_in_child_rekey();

    send_child_rekey(&s, FIRST_ID, PUPPET_CHILD, SECOND_CHILD, HIGHEST);

    assert_int_equal(puppet_reply_notify(s.p), NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED);
    assert_non_null(ike_message_find(&s.p->message, PAYLOAD_SA));
    assert_int_equal(gateway_child_count(s.b, 0), 2);
    stage_free(&s);
}

static void RFC7296_1_4_1_a_delete_that_crosses_ours_is_answered_without_delete(void **state)
{
    (void)state;
    struct stage s = stage_in_child_delete();

    send_delete(&s, FIRST_ID, PROTOCOL_ESP, PUPPET_CHILD);

    assert_true(puppet_read_reply(s.p));
    assert_true(s.p->message.header.flags & IKE_FLAG_RESPONSE);
    assert_null(ike_message_find(&s.p->message, PAYLOAD_DELETE));
    assert_true(carries(&s, SECOND_CHILD));
    stage_free(&s);
}

static void RFC7296_2_25_1_delete_of_a_child_that_is_being_rekeyed_is_answered(void **state)
{
    (void)state;
    struct stage s = stage_in_child_rekey();

    send_delete(&s, FIRST_ID, PROTOCOL_ESP, PUPPET_CHILD);

    assert_true(puppet_read_reply(s.p));
    const struct ike_payload *deletion = ike_message_find(&s.p->message, PAYLOAD_DELETE);
    assert_non_null(deletion);
    assert_int_equal(load_u32be(deletion->content.at), s.p->child_spi);
    stage_free(&s);
}

/* B's only Child SA is deleted by the peer while B's rekey of it is on the way, and can be answered still. */
static struct stage stage_whose_rekeyed_child_is_gone(const struct tunnel_policy *policy)
{
    struct stage s = stage_established_with(policy);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);
    const struct ike_header rekey = s.p->message.header;
    send_delete(&s, FIRST_ID, PROTOCOL_ESP, PUPPET_CHILD);
    assert_true(puppet_read_reply(s.p));
    assert_non_null(ike_message_find(&s.p->message, PAYLOAD_DELETE));
    s.p->message.header = rekey;
    return s;
}

/* The peer has answered the rekey, and deletes the old SA by itself; the two messages change places. */
static void RFC7296_2_25_1_a_rekey_continues_although_the_peer_deletes_the_child(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(86400, 10);
    struct stage s = stage_whose_rekeyed_child_is_gone(&policy);

    answer_child(&s, SECOND_CHILD, HIGHEST);

    assert_true(carries(&s, SECOND_CHILD));
    world_run(s.w, 1000);
    assert_true(carries(&s, SECOND_CHILD));
    stage_free(&s);
}

static void
RFC7296_2_25_1_a_rekey_that_fails_when_the_child_is_gone_leaves_no_ike_sa_without_child(void **state)
{
    (void)state;
    static const uint16_t refusals[] = {NOTIFY_TEMPORARY_FAILURE, NOTIFY_CHILD_SA_NOT_FOUND,
                                        NOTIFY_NO_PROPOSAL_CHOSEN, NOTIFY_INVALID_KE_PAYLOAD};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct tunnel_policy policy = policy_that_rekeys(86400, 10);
        policy.child.pfs = 1U << 1 | 1U << 2;
        struct stage s = stage_whose_rekeyed_child_is_gone(&policy);
        struct message_writer m = inner();
        static const uint8_t group[] = {0, KE_MODP_1536};
        message_put_notify(&m, PROTOCOL_NONE, nothing, refusals[i], (struct octets){group, sizeof group});

        puppet_answer(s.p, &m);

        await_request(&s, EXCHANGE_INFORMATIONAL); /* after the 30 s of S45 */
        const struct ike_payload *deletion = ike_message_find(&s.p->message, PAYLOAD_DELETE);
        if (deletion == NULL || deletion->protocol != PROTOCOL_IKE)
            fail_msg("after %u the IKE SA is not deleted", refusals[i]);
        stage_free(&s);
    }
}

static void RFC7296_2_25_1_rekey_of_a_child_that_is_gone_is_answered_by_child_sa_not_found(void **state)
{
    (void)state;
    struct stage s = stage_in_child_delete();
    struct message_writer m = inner();
    puppet_answer(s.p, &m);

    send_child_rekey(&s, FIRST_ID, PUPPET_CHILD, THIRD_CHILD, HIGHEST);

    assert_int_equal(puppet_reply_notify(s.p), NOTIFY_CHILD_SA_NOT_FOUND);
    stage_free(&s);
}

/* ---- RFC 7296 2.8.1: which of two new Child SAs goes
 * ------------------------------------------------------- */

/* Both ends have rekeyed the Child SA; the puppet answers B's request last. */
static struct stage stage_of_two_new_children(enum nonce_kind puppets)
{
    struct stage s = stage_in_child_rekey();
    const struct ike_header header = s.p->message.header;
    send_child_rekey(&s, FIRST_ID, PUPPET_CHILD, SECOND_CHILD, puppets);
    assert_int_equal(gateway_child_count(s.b, 0), 2);
    s.p->message.header = header;
    answer_child(&s, THIRD_CHILD, HIGHEST);
    assert_true(puppet_read_reply(s.p));
    return s;
}

static void RFC7296_2_8_1_the_child_with_the_lowest_nonce_is_closed_by_its_initiator(void **state)
{
    (void)state;
    struct stage s = stage_of_two_new_children(HIGHEST);

    /* Both of the puppet's nonces are highest, so the lowest is B's: of its own exchange or of its answer. */
    const struct ike_payload *deletion = ike_message_find(&s.p->message, PAYLOAD_DELETE);
    assert_non_null(deletion);
    uint32_t deleted = load_u32be(deletion->content.at);
    bool own_lost = deleted != s.p->child_spi;
    assert_int_equal(carries(&s, THIRD_CHILD), !own_lost);
    stage_free(&s);
}

static void RFC7296_2_8_1_the_peer_closes_its_own_child_when_its_nonce_is_lowest(void **state)
{
    (void)state;
    struct stage s = stage_of_two_new_children(LOWEST);

    const struct ike_payload *deletion = ike_message_find(&s.p->message, PAYLOAD_DELETE);
    assert_non_null(deletion);
    assert_int_equal(load_u32be(deletion->content.at), s.p->child_spi); /* the old one */
    assert_true(carries(&s, THIRD_CHILD));
    assert_false(carries(&s, SECOND_CHILD));
    stage_free(&s);
}

/* ---- Answers to B's rekey of a Child SA
 * -------------------------------------------------------------------- */

static void RFC7296_3_1_a_response_of_another_exchange_type_is_not_taken(void **state)
{
    (void)state;
    struct stage s = stage_in_child_rekey();
    const struct ike_header header = s.p->message.header;

    s.p->message.header.exchange = EXCHANGE_INFORMATIONAL;
    answer_child(&s, SECOND_CHILD, HIGHEST);
    assert_false(carries(&s, SECOND_CHILD));

    s.p->message.header = header;
    answer_child(&s, THIRD_CHILD, HIGHEST);
    assert_true(carries(&s, THIRD_CHILD));
    stage_free(&s);
}

static void RFC7296_2_25_1_a_child_that_the_peer_has_rekeyed_is_not_rekeyed_again(void **state)
{
    (void)state;
    const struct tunnel_policy policy = policy_that_rekeys(86400, 28800);
    struct stage s = stage_established_with(&policy);
    send_child_rekey(&s, FIRST_ID, PUPPET_CHILD, SECOND_CHILD, HIGHEST);

    send_child_rekey(&s, FIRST_ID + 1, PUPPET_CHILD, THIRD_CHILD, HIGHEST);

    assert_int_equal(puppet_reply_notify(s.p), NOTIFY_TEMPORARY_FAILURE);
    assert_int_equal(gateway_child_count(s.b, 0), 2);
    stage_free(&s);
}

static void RFC7296_2_25_a_rekey_refused_by_temporary_failure_is_tried_again(void **state)
{
    (void)state;
    struct stage s = stage_in_child_rekey();

    answer_with(&s, NOTIFY_TEMPORARY_FAILURE);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);

    assert_true(carries(&s, PUPPET_CHILD));
    stage_free(&s);
}

static void RFC7296_2_8_1_a_rekey_that_the_peers_rekey_made_superfluous_is_not_tried_again(void **state)
{
    (void)state;
    struct stage s = stage_in_child_rekey();
    const struct ike_header header = s.p->message.header;
    send_child_rekey(&s, FIRST_ID, PUPPET_CHILD, SECOND_CHILD, HIGHEST);

    s.p->message.header = header;
    answer_with(&s, NOTIFY_TEMPORARY_FAILURE);

    assert_false(puppet_await(s.p, 2500)); /* it would be within a quarter of what is left of the lifetime */
    stage_free(&s);
}

static void RFC7296_2_25_a_child_that_the_peer_has_lost_is_forgotten(void **state)
{
    (void)state;
    struct stage s = stage_in_child_rekey();

    answer_with(&s, NOTIFY_CHILD_SA_NOT_FOUND);

    assert_false(carries(&s, PUPPET_CHILD));
    assert_true(puppet_read_reply(s.p)); /* nothing is left, so the IKE SA goes too */
    assert_int_equal(ike_message_find(&s.p->message, PAYLOAD_DELETE)->protocol, PROTOCOL_IKE);
    stage_free(&s);
}

static void RFC7296_2_21_3_invalid_syntax_in_an_answer_ends_the_ike_sa(void **state)
{
    (void)state;
    struct stage s = stage_in_child_rekey();

    answer_with(&s, NOTIFY_INVALID_SYNTAX);

    assert_int_equal(s.p->reply_length, 0); /* no DELETE */
    assert_int_equal(gateway_record_count(s.b), 0);
    assert_int_equal(gateway_child_count(s.b, 0), 0);
    stage_free(&s);
}

/* ---- RFC 7296 2.25.2: while B does something with the IKE SA
 * ----------------------------------------------- */

static void RFC7296_2_25_2_rekey_of_an_ike_sa_that_is_being_rekeyed_is_answered(void **state)
{
    (void)state;
    struct stage s = stage_in_ike_rekey();

    send_ike_rekey(&s, FIRST_ID, HIGHEST);

    assert_true(puppet_read_reply(s.p));
    assert_non_null(ike_message_find(&s.p->message, PAYLOAD_SA));
    assert_int_equal(gateway_record_count(s.b), 2);
    stage_free(&s);
}

static void
RFC7296_2_25_2_rekey_of_an_ike_sa_that_is_being_closed_is_refused_by_temporary_failure(void **state)
{
    (void)state;
    struct stage s = stage_established();
    gateway_clear(s.b, 0);

    send_ike_rekey(&s, FIRST_ID, HIGHEST);

    assert_int_equal(puppet_reply_notify(s.p), NOTIFY_TEMPORARY_FAILURE);
    stage_free(&s);
}

static void RFC7296_2_25_2_delete_of_an_ike_sa_that_is_being_rekeyed_is_answered(void **state)
{
    (void)state;
    struct stage s = stage_in_ike_rekey();

    send_delete(&s, FIRST_ID, PROTOCOL_IKE, 0);

    assert_true(puppet_read_reply(s.p));
    assert_int_equal(s.p->message.count, 0);
    assert_int_equal(gateway_record_count(s.b), 0);
    stage_free(&s);
}

static void RFC7296_2_25_2_delete_of_an_ike_sa_that_is_being_closed_is_answered(void **state)
{
    (void)state;
    struct stage s = stage_established();
    gateway_clear(s.b, 0);

    send_delete(&s, FIRST_ID, PROTOCOL_IKE, 0);

    assert_true(puppet_read_reply(s.p));
    assert_true(s.p->message.header.flags & IKE_FLAG_RESPONSE);
    assert_int_equal(gateway_record_count(s.b), 0);
    assert_string_equal(gateway_last_down_reason(s.b), "Delete IKE SA by command");
    stage_free(&s);
}

static void RFC7296_2_25_2_a_child_is_not_made_while_the_ike_sa_is_rekeyed(void **state)
{
    (void)state;
    struct stage s = stage_in_ike_rekey();

    send_child_rekey(&s, FIRST_ID, PUPPET_CHILD, SECOND_CHILD, HIGHEST);
    assert_int_equal(puppet_reply_notify(s.p), NOTIFY_TEMPORARY_FAILURE);
    send_child(&s, FIRST_ID + 1, SECOND_CHILD, HIGHEST);

    assert_int_equal(puppet_reply_notify(s.p), NOTIFY_TEMPORARY_FAILURE);
    assert_int_equal(gateway_child_count(s.b, 0), 1);
    stage_free(&s);
}

static void RFC7296_2_25_2_delete_of_a_child_while_the_ike_sa_is_rekeyed_is_answered(void **state)
{
    (void)state;
    struct stage s = stage_in_ike_rekey();

    send_delete(&s, FIRST_ID, PROTOCOL_ESP, PUPPET_CHILD);

    assert_true(puppet_read_reply(s.p));
    assert_non_null(ike_message_find(&s.p->message, PAYLOAD_DELETE));
    assert_int_equal(gateway_child_count(s.b, 0), 0);
    stage_free(&s);
}

static void RFC7296_2_25_2_the_ike_sa_is_not_rekeyed_while_a_child_is(void **state)
{
    (void)state;
    struct stage s = stage_in_child_rekey();

    send_ike_rekey(&s, FIRST_ID, HIGHEST);

    assert_int_equal(puppet_reply_notify(s.p), NOTIFY_TEMPORARY_FAILURE);
    stage_free(&s);
}

static void RFC7296_2_25_2_the_ike_sa_is_not_rekeyed_while_a_child_is_deleted(void **state)
{
    (void)state;
    struct stage s = stage_in_child_delete();

    send_ike_rekey(&s, FIRST_ID, HIGHEST);

    assert_int_equal(puppet_reply_notify(s.p), NOTIFY_TEMPORARY_FAILURE);
    stage_free(&s);
}

/* ---- RFC 7296 2.8.2: which of two new IKE SAs goes
 * --------------------------------------------------------- */

/* The IKE SAs of B that go on: neither replaced nor being deleted. `*initiator`: B made the last one of them.
 */
static size_t living_ike_sas(const struct stage *s, bool *initiator)
{
    size_t count = 0;
    for (size_t i = 0; i < gateway_record_count(s->b); i++) {
        struct ike_record record;
        assert_int_equal(ike_record_read(gateway_record(s->b, i), SIM_EPOCH, &record), IKE_RECORD_READ);
        if (record.state != IKE_SA_ESTABLISHED || record.replaced)
            continue;
        count++;
        *initiator = record.initiator;
    }
    return count;
}

/* Both ends have rekeyed the IKE SA; the puppet answers B's request last. */
static struct stage stage_of_two_new_ike_sas(enum nonce_kind puppets)
{
    struct stage s = stage_in_ike_rekey();
    const struct ike_header header = s.p->message.header;
    send_ike_rekey(&s, FIRST_ID, puppets);
    s.p->message.header = header;
    answer_ike_rekey(&s, HIGHEST);
    return s;
}

static void RFC7296_2_8_2_the_peers_ike_sa_is_deleted_when_its_nonce_is_lowest(void **state)
{
    (void)state;
    struct stage s = stage_of_two_new_ike_sas(LOWEST);

    bool initiator = false;
    assert_int_equal(living_ike_sas(&s, &initiator), 1);
    assert_true(initiator);
    assert_true(puppet_read_reply(s.p)); /* B deletes the old one */
    assert_int_equal(ike_message_find(&s.p->message, PAYLOAD_DELETE)->protocol, PROTOCOL_IKE);
    assert_true(carries(&s, PUPPET_CHILD));
    stage_free(&s);
}

/*
 * B's answer to the puppet's rekey is late: by B's DELETE of the old IKE SA the puppet has forgotten its own
 * rekey, and never deletes what B has made for it.
 */
static void must_forget_what_the_peer_never_learnt_of(uint32_t dpd_interval)
{
    struct tunnel_policy policy = policy_that_rekeys(3600, 28800);
    policy.dpd_interval = dpd_interval;
    struct stage s = stage_established_with(&policy);
    world_run(s.w, 3550 * 1000);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);
    const struct ike_header header = s.p->message.header;
    send_ike_rekey(&s, FIRST_ID, LOWEST);
    s.p->message.header = header;
    answer_ike_rekey(&s, HIGHEST);
    assert_true(puppet_read_reply(s.p)); /* B deletes the old one */
    const struct message_writer m = inner();
    puppet_answer(s.p, &m);
    assert_int_equal(gateway_record_count(s.b), 2);

    world_run(s.w, 65 * 1000);

    assert_int_equal(gateway_record_count(s.b), 1);
    assert_true(carries(&s, PUPPET_CHILD));
    assert_int_equal(gateway_log_has(s.b, "DPD: "), dpd_interval != 0);
    stage_free(&s);
}

static void RFC7296_2_25_2_a_new_ike_sa_that_the_peer_never_learnt_of_ends_soon(void **state)
{
    (void)state;
    must_forget_what_the_peer_never_learnt_of(0);
    must_forget_what_the_peer_never_learnt_of(3600);
}

static void RFC7296_2_8_2_one_of_two_new_ike_sas_stays(void **state)
{
    (void)state;
    struct stage s = stage_of_two_new_ike_sas(HIGHEST);

    bool initiator;
    assert_int_equal(living_ike_sas(&s, &initiator), 1);
    assert_true(carries(&s, PUPPET_CHILD));
    world_run(s.w, 31000); /* what B deleted has timed out; the old one waits for the puppet's DELETE */
    assert_true(carries(&s, PUPPET_CHILD));
    stage_free(&s);
}

static void RFC7296_2_8_2_the_peers_new_ike_sa_wins_when_it_deletes_the_old_one(void **state)
{
    (void)state;
    struct stage s = stage_in_ike_rekey();
    send_ike_rekey(&s, FIRST_ID, HIGHEST);

    send_delete(&s, FIRST_ID + 1, PROTOCOL_IKE, 0);

    bool initiator = true;
    assert_int_equal(gateway_record_count(s.b), 1);
    assert_int_equal(living_ike_sas(&s, &initiator), 1);
    assert_false(initiator);
    assert_true(carries(&s, PUPPET_CHILD));
    stage_free(&s);
}

static void RFC7296_2_8_2_an_ike_sa_that_the_peer_fails_to_delete_is_removed(void **state)
{
    (void)state;
    struct stage s = stage_in_ike_rekey();
    const struct ike_header header = s.p->message.header;
    send_ike_rekey(&s, FIRST_ID, HIGHEST);
    world_run(s.w, 25000); /* past the lifetime, within the patience of R15 */
    s.p->message.header = header;
    answer_with(&s, NOTIFY_TEMPORARY_FAILURE);

    world_run(s.w, 31000);

    bool deleting = false;
    for (size_t i = 0; i < gateway_record_count(s.b); i++) {
        struct ike_record record;
        assert_int_equal(ike_record_read(gateway_record(s.b, i), SIM_EPOCH, &record), IKE_RECORD_READ);
        deleting |= record.spi_i == s.p->spi_i && record.state == IKE_SA_DELETING;
    }
    assert_true(deleting);
    assert_true(carries(&s, PUPPET_CHILD));
    stage_free(&s);
}

static void RFC7296_2_8_2_a_rekey_that_times_out_leaves_the_child_with_the_peers_new_ike_sa(void **state)
{
    (void)state;
    struct stage s = stage_in_ike_rekey();
    send_ike_rekey(&s, FIRST_ID, HIGHEST);

    world_run(s.w, 30500);

    assert_true(carries(&s, PUPPET_CHILD));
    bool initiator = true;
    assert_int_equal(living_ike_sas(&s, &initiator), 1);
    assert_false(initiator);
    stage_free(&s);
}

static void
RFC7296_2_8_2_an_answer_that_cannot_be_read_leaves_the_child_with_the_peers_new_ike_sa(void **state)
{
    (void)state;
    struct stage s = stage_in_ike_rekey();
    send_ike_rekey(&s, FIRST_ID, HIGHEST);
    struct message_writer m = inner();
    put_nonce(&m, HIGHEST);
    store_u16be(inner_octets + 2, 200);

    puppet_answer(s.p, &m);

    assert_true(carries(&s, PUPPET_CHILD));
    bool initiator = true;
    assert_int_equal(living_ike_sas(&s, &initiator), 1);
    assert_false(initiator);
    stage_free(&s);
}

/* The peer has a new IKE SA that B can't have: RFC 7296 2.21.3 wants both to start over. */
static void RFC7296_2_21_3_an_ike_sa_whose_rekey_is_answered_wrongly_is_deleted(void **state)
{
    (void)state;
    struct stage s = stage_in_ike_rekey();
    struct message_writer m = inner();
    put_nonce(&m, HIGHEST);

    puppet_answer(s.p, &m);

    assert_true(puppet_read_reply(s.p));
    const struct ike_payload *deletion = ike_message_find(&s.p->message, PAYLOAD_DELETE);
    assert_non_null(deletion);
    assert_int_equal(deletion->protocol, PROTOCOL_IKE);
    m = inner();
    puppet_answer(s.p, &m);
    assert_int_equal(gateway_record_count(s.b), 0);
    assert_string_equal(gateway_last_down_reason(s.b), "invalid answer to a rekey");
    stage_free(&s);
}

static void RFC7296_2_21_3_a_wrong_answer_to_a_rekey_leaves_the_child_with_the_peers_new_ike_sa(void **state)
{
    (void)state;
    struct stage s = stage_in_ike_rekey();
    const struct ike_header header = s.p->message.header;
    send_ike_rekey(&s, FIRST_ID, LOWEST);
    s.p->message.header = header;
    struct message_writer m = inner();
    put_nonce(&m, HIGHEST);

    puppet_answer(s.p, &m);

    assert_true(puppet_read_reply(s.p));
    m = inner();
    puppet_answer(s.p, &m);
    bool initiator = true;
    assert_int_equal(gateway_record_count(s.b), 1);
    assert_int_equal(living_ike_sas(&s, &initiator), 1);
    assert_false(initiator);
    assert_true(carries(&s, PUPPET_CHILD));
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            RFC7296_2_25_1_rekey_of_a_child_that_is_being_closed_is_refused_by_temporary_failure),
        cmocka_unit_test(RFC7296_2_25_1_rekey_of_a_child_that_is_being_rekeyed_is_answered),
        cmocka_unit_test(RFC7296_1_4_1_a_delete_that_crosses_ours_is_answered_without_delete),
        cmocka_unit_test(RFC7296_2_25_1_delete_of_a_child_that_is_being_rekeyed_is_answered),
        cmocka_unit_test(RFC7296_2_25_1_a_rekey_continues_although_the_peer_deletes_the_child),
        cmocka_unit_test(
            RFC7296_2_25_1_a_rekey_that_fails_when_the_child_is_gone_leaves_no_ike_sa_without_child),
        cmocka_unit_test(RFC7296_2_25_1_rekey_of_a_child_that_is_gone_is_answered_by_child_sa_not_found),
        cmocka_unit_test(RFC7296_2_8_1_the_child_with_the_lowest_nonce_is_closed_by_its_initiator),
        cmocka_unit_test(RFC7296_2_8_1_the_peer_closes_its_own_child_when_its_nonce_is_lowest),
        cmocka_unit_test(RFC7296_3_1_a_response_of_another_exchange_type_is_not_taken),
        cmocka_unit_test(RFC7296_2_25_1_a_child_that_the_peer_has_rekeyed_is_not_rekeyed_again),
        cmocka_unit_test(RFC7296_2_25_a_rekey_refused_by_temporary_failure_is_tried_again),
        cmocka_unit_test(RFC7296_2_8_1_a_rekey_that_the_peers_rekey_made_superfluous_is_not_tried_again),
        cmocka_unit_test(RFC7296_2_25_a_child_that_the_peer_has_lost_is_forgotten),
        cmocka_unit_test(RFC7296_2_21_3_invalid_syntax_in_an_answer_ends_the_ike_sa),
        cmocka_unit_test(RFC7296_2_25_2_rekey_of_an_ike_sa_that_is_being_rekeyed_is_answered),
        cmocka_unit_test(
            RFC7296_2_25_2_rekey_of_an_ike_sa_that_is_being_closed_is_refused_by_temporary_failure),
        cmocka_unit_test(RFC7296_2_25_2_delete_of_an_ike_sa_that_is_being_rekeyed_is_answered),
        cmocka_unit_test(RFC7296_2_25_2_delete_of_an_ike_sa_that_is_being_closed_is_answered),
        cmocka_unit_test(RFC7296_2_25_2_a_child_is_not_made_while_the_ike_sa_is_rekeyed),
        cmocka_unit_test(RFC7296_2_25_2_delete_of_a_child_while_the_ike_sa_is_rekeyed_is_answered),
        cmocka_unit_test(RFC7296_2_25_2_the_ike_sa_is_not_rekeyed_while_a_child_is),
        cmocka_unit_test(RFC7296_2_25_2_the_ike_sa_is_not_rekeyed_while_a_child_is_deleted),
        cmocka_unit_test(RFC7296_2_8_2_the_peers_ike_sa_is_deleted_when_its_nonce_is_lowest),
        cmocka_unit_test(RFC7296_2_25_2_a_new_ike_sa_that_the_peer_never_learnt_of_ends_soon),
        cmocka_unit_test(RFC7296_2_8_2_one_of_two_new_ike_sas_stays),
        cmocka_unit_test(RFC7296_2_8_2_the_peers_new_ike_sa_wins_when_it_deletes_the_old_one),
        cmocka_unit_test(RFC7296_2_8_2_an_ike_sa_that_the_peer_fails_to_delete_is_removed),
        cmocka_unit_test(RFC7296_2_8_2_a_rekey_that_times_out_leaves_the_child_with_the_peers_new_ike_sa),
        cmocka_unit_test(
            RFC7296_2_8_2_an_answer_that_cannot_be_read_leaves_the_child_with_the_peers_new_ike_sa),
        cmocka_unit_test(RFC7296_2_21_3_an_ike_sa_whose_rekey_is_answered_wrongly_is_deleted),
        cmocka_unit_test(RFC7296_2_21_3_a_wrong_answer_to_a_rekey_leaves_the_child_with_the_peers_new_ike_sa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
