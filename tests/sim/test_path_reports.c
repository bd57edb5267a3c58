/*
 * What the packet path reports of ESP, and what an end does that has forgotten an SA: S9, S24, RFC 7296
 * 1.5, 2.11, 2.21.4, 2.23.
 */
#include "invariants.h"
#include "pair.h"
#include "requests.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint32_t STRANGE_SPI = 0x12345678;

static struct ip_endpoint endpoint(const char *address, uint16_t port)
{
    struct ip_endpoint e = {.port = port};
    assert_true(ip_address_parse(address, &e.address));
    return e;
}

static void report_unknown_spi(struct gateway *g, uint32_t spi, const char *address)
{
    const struct ip_endpoint remote = endpoint(address, 0);
    gateway_report_esp(g, IKE_EVENT_SPI_UNKNOWN, spi, &remote);
}

/* ---- Sequence numbers -------------------------------------------------------------------------------- */

static void S24_few_sequence_numbers_bring_a_rekey(void **state)
{
    (void)state;
    struct pair p = default_pair();
    gateway_packet_waits(p.a, 1);
    world_run(p.w, 1000);
    uint32_t spi = gateway_children(p.a)->sa.inbound.spi;

    gateway_report_esp(p.a, IKE_EVENT_SEQUENCE_LOW, spi, NULL);
    world_run(p.w, 6000);

    assert_int_not_equal(gateway_children(p.a)->sa.inbound.spi, spi);
    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static void S24_where_no_rekey_may_be_started_the_sa_is_deleted_in_time(void **state)
{
    (void)state;
    struct tunnel_policy policy = stage_policy();
    policy.suppress_rekey = true;
    struct stage s = stage_established_with(&policy);

    gateway_report_esp(s.b, IKE_EVENT_SEQUENCE_LOW, gateway_children(s.b)->sa.inbound.spi, NULL);

    assert_true(puppet_read_reply(s.p));
    assert_int_equal(ike_message_find(&s.p->message, PAYLOAD_DELETE)->protocol, PROTOCOL_ESP);
    assert_true(gateway_log_has(s.b, "its sequence numbers run out"));
    stage_free(&s);
}

/* ---- SPIs of no SA ----------------------------------------------------------------------------------- */

static void S9_esp_of_an_unknown_spi_is_reported_to_the_peer_in_the_ike_sa(void **state)
{
    (void)state;
    struct stage s = stage_established();

    report_unknown_spi(s.b, STRANGE_SPI, "10.1.0.1");

    assert_true(puppet_read_reply(s.p));
    assert_int_equal(s.p->message.header.exchange, EXCHANGE_INFORMATIONAL);
    const struct ike_payload *notify = ike_message_notify(&s.p->message, NOTIFY_INVALID_SPI);
    assert_non_null(notify);
    assert_int_equal(notify->content.length, 4);
    assert_int_equal(load_u32be(notify->content.at), STRANGE_SPI);
    stage_free(&s);
}

static void S9_esp_of_an_unknown_spi_from_another_address_is_not_reported(void **state)
{
    (void)state;
    struct stage s = stage_established();
    s.p->reply_count = 0;

    report_unknown_spi(s.b, STRANGE_SPI, "10.1.0.99");

    assert_int_equal(s.p->reply_count, 0);
    stage_free(&s);
}

static void S9_esp_from_the_configured_peer_makes_an_sa_where_there_is_none(void **state)
{
    (void)state;
    struct pair p = default_pair();

    report_unknown_spi(p.a, STRANGE_SPI, "10.2.0.1");
    world_run(p.w, 1000);

    assert_true(world_tunnel_carries(p.a, 1, p.b, 0));
    world_free(p.w);
}

static void S9_esp_from_an_unknown_address_makes_no_sa(void **state)
{
    (void)state;
    struct pair p = default_pair();

    report_unknown_spi(p.a, STRANGE_SPI, "10.2.0.99");
    world_run(p.w, 1000);

    assert_int_equal(gateway_record_count(p.a), 0);
    world_free(p.w);
}

/* A peer that has our proposal may use the SA before its answer comes. */
static void S9_esp_of_an_spi_that_was_proposed_is_not_reported(void **state)
{
    (void)state;
    struct tunnel_policy policy = policy_that_rekeys(86400, 20);
    struct stage s = stage_established_with(&policy);
    await_request(&s, EXCHANGE_CREATE_CHILD_SA);
    const struct ike_payload *offer = ike_message_find(&s.p->message, PAYLOAD_SA);
    uint32_t proposed = load_u32be(offer->content.at + 8);
    size_t sent = gateway_sent(s.b);

    report_unknown_spi(s.b, proposed, "10.1.0.1");
    answer_with(&s, NOTIFY_TEMPORARY_FAILURE);

    assert_int_equal(gateway_sent(s.b), sent);
    stage_free(&s);
}

static void send_invalid_spi(struct stage *s, uint32_t id, uint32_t spi)
{
    uint8_t content[4];
    store_u32be(content, spi);
    struct message_writer m = inner();
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_INVALID_SPI,
                       (struct octets){content, sizeof content});
    send_inner(s, EXCHANGE_INFORMATIONAL, id, &m);
}

static void a_child_sa_that_the_peer_does_not_know_is_deleted(void **state)
{
    (void)state;
    struct stage s = stage_established();
    send_child_rekey(&s, FIRST_ID, PUPPET_CHILD, SECOND_CHILD, HIGHEST);
    assert_true(carries(&s, PUPPET_CHILD));

    send_invalid_spi(&s, FIRST_ID + 1, SECOND_CHILD);

    assert_false(carries(&s, SECOND_CHILD));
    assert_true(gateway_log_has(s.b, "the peer does not know it (INVALID_SPI)"));
    stage_free(&s);
}

static void an_invalid_spi_notification_about_no_sa_changes_nothing(void **state)
{
    (void)state;
    struct stage s = stage_established();

    send_invalid_spi(&s, FIRST_ID, STRANGE_SPI);

    assert_true(puppet_read_reply(s.p));
    assert_int_equal(s.p->message.count, 0);
    assert_true(carries(&s, PUPPET_CHILD));
    stage_free(&s);
}

/*
 * Somebody without the key has answered our IKE_SA_INIT in the peer's place, and the peer has made an SA of
 * its own: the former knows the latter's SPI, and nothing follows from what it says.
 */
static void RFC7296_1_5_an_unauthenticated_invalid_spi_is_ignored(void **state)
{
    (void)state;
    for (int answers_auth = 0; answers_auth < 2; answers_auth++) {
        const struct tunnel_policy policy = policy_that_rekeys(86400, 28800);
        struct stage s = stage_new_with(&policy);
        gateway_packet_waits(s.b, 0);
        assert_true(puppet_accept_init(s.p));
        if (answers_auth) {
            struct message_writer m = inner();
            puppet_put_auth_answer(s.p, &m, "site1", "guessed");
            puppet_put_child_answer(s.p, &m);
            puppet_answer(s.p, &m);
        }
        struct puppet *peer = puppet_new(s.w, s.b, "10.1.0.1");
        assert_true(puppet_do_init(peer) && puppet_do_auth(peer, "site1", "site2", "secret1"));
        assert_true(carries(&s, PUPPET_CHILD));

        send_invalid_spi(&s, 0, PUPPET_CHILD);

        assert_true(carries(&s, PUPPET_CHILD));
        puppet_free(peer);
        stage_free(&s);
    }
}

/* ---- An IKE SA that one end has forgotten ------------------------------------------------------------ */

static void requests_for_no_ike_sa_are_answered_ten_times_a_second_at_most(void **state)
{
    (void)state;
    struct stage s = stage_new();
    const struct ip_endpoint somebody = endpoint("10.1.0.1", IKE_PORT);
    const struct ike_header header = {.spi_i = 1,
                                      .spi_r = 2,
                                      .exchange = EXCHANGE_INFORMATIONAL,
                                      .flags = IKE_FLAG_INITIATOR,
                                      .message_id = 7};
    uint8_t octets[IKE_HEADER_SIZE];
    struct message_writer m = message_begin(octets, sizeof octets, &header);
    struct octets message = message_finish(&m);

    for (unsigned i = 0; i < 30; i++)
        gateway_receive(s.b, &somebody, message);
    assert_int_equal(gateway_sent(s.b), 10);
    world_run(s.w, 1000);
    gateway_receive(s.b, &somebody, message);

    assert_int_equal(gateway_sent(s.b), 11);
    assert_int_equal(stage_counter(&s, IKE_COUNT_UNKNOWN_SPI), 31);
    stage_free(&s);
}

static void an_answer_for_no_ike_sa_is_not_answered(void **state)
{
    (void)state;
    struct stage s = stage_established();
    s.p->spi_i++;
    size_t sent = gateway_sent(s.b);
    struct message_writer m = inner();
    struct ike_header header = puppet_header(s.p, EXCHANGE_INFORMATIONAL, 0);
    header.flags |= IKE_FLAG_RESPONSE;

    puppet_send_sealed(s.p, &header, &m);

    assert_int_equal(gateway_sent(s.b), sent);
    stage_free(&s);
}

static void a_notification_in_the_clear_that_is_cut_off_counts_as_malformed(void **state)
{
    (void)state;
    struct stage s = stage_established();
    const struct ike_header outside = {.exchange = EXCHANGE_INFORMATIONAL, .flags = IKE_FLAG_INITIATOR};
    uint8_t octets[IKE_HEADER_SIZE];
    for (int of_the_sa = 0; of_the_sa < 2; of_the_sa++) {
        const struct ike_header header =
            of_the_sa ? puppet_header(s.p, EXCHANGE_INFORMATIONAL, FIRST_ID) : outside;
        struct message_writer m = message_begin(octets, sizeof octets, &header);
        struct octets message = message_finish(&m);
        octets[16] = PAYLOAD_NOTIFY;

        puppet_send(s.p, message.at, message.length);

        assert_int_equal(stage_counter(&s, IKE_COUNT_MALFORMED), of_the_sa + 1);
    }
    assert_int_equal(stage_counter(&s, IKE_COUNT_IN_CLEAR), 0);
    stage_free(&s);
}

/* Anybody can say that an IKE SA is not known: it is told to the operator, and changes nothing else. */
static void an_unauthenticated_invalid_ike_spi_is_only_logged(void **state)
{
    (void)state;
    struct tunnel_policy policy = stage_policy();
    policy.dpd_interval = 10;
    struct stage s = stage_established_with(&policy);
    await_request(&s, EXCHANGE_INFORMATIONAL);
    struct ike_header header = puppet_header(s.p, EXCHANGE_INFORMATIONAL, s.p->message.header.message_id);
    header.flags |= IKE_FLAG_RESPONSE;
    uint8_t octets[128];
    struct message_writer m = message_begin(octets, sizeof octets, &header);
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_INVALID_IKE_SPI,
                       (struct octets){NULL, 0});
    struct octets message = message_finish(&m);

    puppet_send(s.p, message.at, message.length);
    assert_int_equal(gateway_record_count(s.b), 1);
    assert_int_equal(stage_counter(&s, IKE_COUNT_IN_CLEAR), 1);
    assert_int_equal(stage_counter(&s, IKE_COUNT_MALFORMED), 0);
    world_run(s.w, 31000);

    assert_int_equal(gateway_record_count(s.b), 0);
    assert_true(gateway_log_has(s.b, "says that this IKE SA is not known (INVALID_IKE_SPI)"));
    stage_free(&s);
}

static void R14_a_responder_sends_initial_contact_too(void **state)
{
    (void)state;
    struct stage s = stage_established();

    assert_non_null(ike_message_notify(&s.p->message, NOTIFY_INITIAL_CONTACT));
    stage_free(&s);
}

/* ---- Where the peer is ------------------------------------------------------------------------------- */

static void a_response_goes_to_the_address_that_the_request_came_from(void **state)
{
    (void)state;
    struct stage s = stage_established();
    s.p->address.port = 40000;
    s.p->reply_count = 0;
    struct message_writer m = inner();

    send_inner(&s, EXCHANGE_INFORMATIONAL, FIRST_ID, &m);

    assert_int_equal(s.p->reply_count, 1); /* the puppet notes what comes to its address and port alone */
    assert_int_equal(gateway_children(s.b)->sa.destination.remote.port, IKE_PORT);
    stage_free(&s);
}

/* A header with a message ID that was answered is all that a forger needs to see. */
static void RFC7296_2_1_a_response_is_sent_again_only_to_the_peer(void **state)
{
    (void)state;
    struct stage s = stage_established();
    s.p->reply_count = 0;
    struct message_writer m = inner();
    send_inner(&s, EXCHANGE_INFORMATIONAL, FIRST_ID, &m);
    s.p->address.port = 40000;
    s.p->keys.ai[0] ^= 1;

    m = inner();
    send_inner(&s, EXCHANGE_INFORMATIONAL, FIRST_ID, &m);

    assert_int_equal(s.p->reply_count, 1);
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S24_few_sequence_numbers_bring_a_rekey),
        cmocka_unit_test(S24_where_no_rekey_may_be_started_the_sa_is_deleted_in_time),
        cmocka_unit_test(S9_esp_of_an_unknown_spi_is_reported_to_the_peer_in_the_ike_sa),
        cmocka_unit_test(S9_esp_of_an_unknown_spi_from_another_address_is_not_reported),
        cmocka_unit_test(S9_esp_from_the_configured_peer_makes_an_sa_where_there_is_none),
        cmocka_unit_test(S9_esp_from_an_unknown_address_makes_no_sa),
        cmocka_unit_test(S9_esp_of_an_spi_that_was_proposed_is_not_reported),
        cmocka_unit_test(a_child_sa_that_the_peer_does_not_know_is_deleted),
        cmocka_unit_test(an_invalid_spi_notification_about_no_sa_changes_nothing),
        cmocka_unit_test(RFC7296_1_5_an_unauthenticated_invalid_spi_is_ignored),
        cmocka_unit_test(requests_for_no_ike_sa_are_answered_ten_times_a_second_at_most),
        cmocka_unit_test(an_answer_for_no_ike_sa_is_not_answered),
        cmocka_unit_test(a_notification_in_the_clear_that_is_cut_off_counts_as_malformed),
        cmocka_unit_test(an_unauthenticated_invalid_ike_spi_is_only_logged),
        cmocka_unit_test(R14_a_responder_sends_initial_contact_too),
        cmocka_unit_test(a_response_goes_to_the_address_that_the_request_came_from),
        cmocka_unit_test(RFC7296_2_1_a_response_is_sent_again_only_to_the_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
