/*
 * Hostile and odd messages within an IKE SA, from a peer that has its keys: IKE_AUTH and INFORMATIONAL. Each
 * row of the table names the section of RFC 7296 that says what is to happen.
 */
#include "stage.h"

#include "ike/selectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct sealed_case {
    const char *name;
    const char *section;
    bool after_auth; /* the IKE SA is up; else IKE_AUTH is due */
    void (*send)(struct stage *s);
    uint16_t answer;
    bool survives; /* the IKE SA is still there */
};

static void put_auth(struct stage *s, struct message_writer *m, const char *keyid, const char *key)
{
    puppet_put_auth_payloads(s->p, m, keyid, "site2", key);
}

static void auth_wrong_key(struct stage *s)
{
    struct message_writer m = inner();
    put_auth(s, &m, "site1", "guess");
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
}

static void auth_unknown_id(struct stage *s)
{
    struct message_writer m = inner();
    put_auth(s, &m, "mallory", "secret1");
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
}

static void auth_empty(struct stage *s)
{
    struct message_writer m = inner();
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
}

static void auth_empty_id(struct stage *s)
{
    struct message_writer m = inner();
    message_put_id(&m, PAYLOAD_IDI, ID_KEY_ID, (struct octets){NULL, 0});
    put_auth(s, &m, "site1", "secret1");
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
}

static void auth_id_of_3_octets_as_ipv4(struct stage *s)
{
    struct message_writer m = inner();
    message_put_id(&m, PAYLOAD_IDI, ID_IPV4_ADDR, (struct octets){some_octets, 3});
    put_auth(s, &m, "site1", "secret1");
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
}

static void auth_method(struct stage *s, uint8_t method)
{
    struct message_writer m = inner();
    message_put_auth(&m, method, (struct octets){some_octets, 32});
    put_auth(s, &m, "site1", "secret1");
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
}

static void auth_method_dss(struct stage *s)
{
    auth_method(s, 3);
}

static void auth_too_short(struct stage *s)
{
    struct message_writer m = inner();
    message_put_auth(&m, AUTH_METHOD_PSK, (struct octets){some_octets, 1});
    put_auth(s, &m, "site1", "secret1");
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
}

static void auth_without_auth_payload(struct stage *s)
{
    struct message_writer m = inner();
    const struct selector_list any = selectors_of_policy(NULL, 0);
    message_put_id(&m, PAYLOAD_IDI, ID_KEY_ID, (struct octets){(const uint8_t *)"site1", 5});
    proposal_put_choice(&m, PROTOCOL_ESP, 1, (struct octets){some_octets, 4}, &s->p->suite);
    selectors_put(&m, PAYLOAD_TSI, &any);
    selectors_put(&m, PAYLOAD_TSR, &any);
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
}

static void informational_before_auth(struct stage *s)
{
    struct message_writer m = inner();
    send_inner(s, EXCHANGE_INFORMATIONAL, 1, &m);
}

static void auth_after_auth(struct stage *s)
{
    struct message_writer m = inner();
    put_auth(s, &m, "site1", "secret1");
    send_inner(s, EXCHANGE_IKE_AUTH, 2, &m);
}

static void id_too_new(struct stage *s)
{
    struct message_writer m = inner();
    send_inner(s, EXCHANGE_INFORMATIONAL, 7, &m);
}

static void id_too_old(struct stage *s)
{
    struct message_writer m = inner();
    send_inner(s, EXCHANGE_INFORMATIONAL, 0, &m);
}

static void id_maximum(struct stage *s)
{
    struct message_writer m = inner();
    send_inner(s, EXCHANGE_INFORMATIONAL, UINT32_MAX, &m);
}

static void response_to_nothing(struct stage *s)
{
    struct message_writer m = inner();
    struct ike_header header = puppet_header(s->p, EXCHANGE_INFORMATIONAL, 0);
    header.flags |= IKE_FLAG_RESPONSE;
    puppet_send_sealed(s->p, &header, &m);
}

static void liveness(struct stage *s)
{
    struct message_writer m = inner();
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void unknown_noncritical(struct stage *s)
{
    struct message_writer m = inner();
    message_begin_payload(&m, 199);
    writer_put(&m.w, some_octets, 9);
    message_end_payload(&m);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void unknown_critical(struct stage *s)
{
    struct message_writer m = inner();
    message_begin_payload(&m, 199);
    message_end_payload(&m);
    inner_octets[1] = 0x80;
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
}

static void unknown_notifies(struct stage *s)
{
    struct message_writer m = inner();
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, 8191, (struct octets){some_octets, 40});
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, 40959, (struct octets){some_octets, 40});
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void payload_overruns_inside(struct stage *s)
{
    struct message_writer m = inner();
    message_begin_payload(&m, PAYLOAD_NOTIFY);
    writer_put(&m.w, some_octets, 8);
    message_end_payload(&m);
    store_u16be(inner_octets + 2, 200);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
}

static void notify_spi_overruns(struct stage *s)
{
    static const uint8_t notify[] = {PROTOCOL_ESP, 255, 0x40, 0x09, 1, 2, 3, 4};
    struct message_writer m = inner();
    message_begin_payload(&m, PAYLOAD_NOTIFY);
    writer_put(&m.w, notify, sizeof notify);
    message_end_payload(&m);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
}

static void delete_of_unknown_child(struct stage *s)
{
    static const uint32_t spi = 0x7fffffff;
    struct message_writer m = inner();
    message_put_delete(&m, PROTOCOL_ESP, &spi, 1);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void delete_with_a_lying_count(struct stage *s)
{
    static const uint8_t delete[] = {PROTOCOL_ESP, 4, 0xff, 0xff, 1, 2, 3, 4};
    struct message_writer m = inner();
    message_begin_payload(&m, PAYLOAD_DELETE);
    writer_put(&m.w, delete, sizeof delete);
    message_end_payload(&m);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void delete_of_the_ike_sa(struct stage *s)
{
    struct message_writer m = inner();
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void unknown_exchange_inside(struct stage *s)
{
    struct message_writer m = inner();
    send_inner(s, 251, 2, &m);
}

static void corrupted_icv(struct stage *s)
{
    struct message_writer m = inner();
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    s->p->keys.ai[0] ^= 1;
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_int_equal(stage_counter(s, IKE_COUNT_INTEGRITY), 1);
}

static void in_the_clear(struct stage *s)
{
    const struct ike_header header = puppet_header(s->p, EXCHANGE_INFORMATIONAL, 2);
    struct message_writer m = message_begin(inner_octets, sizeof inner_octets, &header);
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    struct octets message = message_finish(&m);
    puppet_send(s->p, message.at, message.length);
}

static void sk_too_short(struct stage *s)
{
    const struct ike_header header = puppet_header(s->p, EXCHANGE_INFORMATIONAL, 2);
    struct message_writer m = message_begin(inner_octets, sizeof inner_octets, &header);
    message_begin_payload(&m, PAYLOAD_SK);
    writer_put(&m.w, some_octets, 20);
    message_end_payload(&m);
    struct octets message = message_finish(&m);
    puppet_send(s->p, message.at, message.length);
}

static void wrong_spi(struct stage *s)
{
    struct message_writer m = inner();
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    s->p->spi_i ^= 1;
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    s->p->spi_i ^= 1;
    assert_int_equal(stage_counter(s, IKE_COUNT_UNKNOWN_SPI), 1);
}

static void reflected_direction(struct stage *s)
{
    struct message_writer m = inner();
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    struct ike_header header = puppet_header(s->p, EXCHANGE_INFORMATIONAL, 2);
    header.flags = 0; /* as if we were the responder */
    puppet_send_sealed(s->p, &header, &m);
}

static void error_after_auth(struct stage *s, uint16_t notify)
{
    struct message_writer m = inner();
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, notify, (struct octets){NULL, 0});
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_true(s->p->reply_length > 0);
}

static void authentication_failed_after_auth(struct stage *s)
{
    error_after_auth(s, NOTIFY_AUTHENTICATION_FAILED);
}

static void invalid_syntax_after_auth(struct stage *s)
{
    error_after_auth(s, NOTIFY_INVALID_SYNTAX);
}

static void unsupported_critical_after_auth(struct stage *s)
{
    error_after_auth(s, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD);
}

static const struct sealed_case sealed_cases[] = {
    {"a wrong pre-shared key", "2.15", false, auth_wrong_key, NOTIFY_AUTHENTICATION_FAILED, false},
    {"an ID that no tunnel names", "2.15", false, auth_unknown_id, NOTIFY_AUTHENTICATION_FAILED, false},
    {"an empty IKE_AUTH", "1.2", false, auth_empty, NOTIFY_INVALID_SYNTAX, false},
    {"an ID of no octets", "3.5", false, auth_empty_id, NOTIFY_INVALID_SYNTAX, false},
    {"an IPv4 ID of 3 octets", "3.5", false, auth_id_of_3_octets_as_ipv4, NOTIFY_INVALID_SYNTAX, false},
    {"an AUTH method that is not taken", "3.8", false, auth_method_dss, NOTIFY_AUTHENTICATION_FAILED, false},
    {"an AUTH value of one octet", "2.15", false, auth_too_short, NOTIFY_AUTHENTICATION_FAILED, false},
    {"IKE_AUTH without AUTH: EAP", "2.16", false, auth_without_auth_payload, NOTIFY_AUTHENTICATION_FAILED,
     false},
    {"INFORMATIONAL before IKE_AUTH", "1.4", false, informational_before_auth, NOTIFY_INVALID_SYNTAX, false},
    {"IKE_AUTH again", "1.2", true, auth_after_auth, NOTIFY_INVALID_SYNTAX, false},
    {"AUTHENTICATION_FAILED right after IKE_AUTH", "2.21.2", true, authentication_failed_after_auth, SILENCE,
     false},
    {"INVALID_SYNTAX right after IKE_AUTH", "2.21.2", true, invalid_syntax_after_auth, SILENCE, false},
    {"UNSUPPORTED_CRITICAL_PAYLOAD right after IKE_AUTH", "2.21.2", true, unsupported_critical_after_auth,
     SILENCE, false},
    {"a message ID beyond the window", "2.3", true, id_too_new, SILENCE, true},
    {"a message ID before the window", "2.3", true, id_too_old, SILENCE, true},
    {"a message ID of 2^32 - 1", "2.2", true, id_maximum, SILENCE, true},
    {"a response to no request", "2.1", true, response_to_nothing, SILENCE, true},
    {"a liveness check", "2.4", true, liveness, SILENCE, true},
    {"an unknown payload that is not critical", "2.5", true, unknown_noncritical, SILENCE, true},
    {"an unknown critical payload", "2.5", true, unknown_critical, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD, true},
    {"unknown notifies, status and error", "3.10.1", true, unknown_notifies, SILENCE, true},
    {"an inner payload that overruns", "3.2", true, payload_overruns_inside, NOTIFY_INVALID_SYNTAX, false},
    {"a notify whose SPI overruns", "3.10", true, notify_spi_overruns, NOTIFY_INVALID_SYNTAX, false},
    {"DELETE of an unknown Child SA", "1.4.1", true, delete_of_unknown_child, SILENCE, true},
    {"DELETE with a count that lies", "3.11", true, delete_with_a_lying_count, SILENCE, true},
    {"DELETE of the IKE SA", "1.4.1", true, delete_of_the_ike_sa, SILENCE, false},
    {"an exchange type that nobody knows", "3.1", true, unknown_exchange_inside, NOTIFY_INVALID_SYNTAX,
     false},
    {"a wrong ICV", "2.4", true, corrupted_icv, SILENCE, true},
    {"DELETE in the clear", "2.4", true, in_the_clear, SILENCE, true},
    {"an SK payload that is too short", "3.14", true, sk_too_short, SILENCE, true},
    {"a wrong initiator's SPI", "2.21.4", true, wrong_spi, NOTIFY_INVALID_IKE_SPI, true},
    {"a message with the wrong direction", "3.1", true, reflected_direction, NOTIFY_INVALID_IKE_SPI, true},
};

static void check_sealed_case(const struct sealed_case *c)
{
    struct stage s = stage_set();
    assert_true(puppet_do_init(s.p));
    if (c->after_auth)
        assert_true(puppet_do_auth(s.p, "site1", "site2", "secret1"));

    s.p->reply_length = 0;
    c->send(&s);

    uint16_t answer = puppet_reply_notify(s.p);
    if (answer != c->answer)
        fail_msg("%s (%s): answered with notify %u, not %u", c->name, c->section, answer, c->answer);
    bool survives = gateway_record_count(s.b) == 1;
    if (survives != c->survives)
        fail_msg("%s (%s): the IKE SA %s", c->name, c->section, survives ? "is still there" : "is gone");
    if (c->after_auth && survives && gateway_child_count(s.b, 0) != 1)
        fail_msg("%s (%s): the Child SA is gone", c->name, c->section);
    stage_strike(&s);
}

static void odd_protected_messages_get_the_right_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sealed_cases / sizeof *sealed_cases; i++)
        check_sealed_case(&sealed_cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_protected_messages_get_the_right_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
