/* Hostile and odd IKE_AUTH requests, and what comes in their place. */
#include "hostile_case.h"

#include "ike/wire/selectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

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

/* ---- Order, duplicates, IDs ---------------------------------------------------------------------------- */

/* IKE_AUTH has made its SAs. */
static void must_be_up(struct stage *s)
{
    assert_int_equal(gateway_child_count(s->b, 0), 1);
}

/* The payloads of a proper IKE_AUTH, which stand in `from`, from the last to the first. */
static void put_backwards(struct message_writer *m, struct octets from, uint8_t first)
{
    struct ike_message message = {.count = 0};
    assert_int_equal(ike_payloads_parse(from, first, &message, NULL, NULL), MESSAGE_OK);
    for (size_t i = message.count; i > 0; i--) {
        message_begin_payload(m, message.payloads[i - 1].type);
        writer_put(&m->w, message.payloads[i - 1].body.at, message.payloads[i - 1].body.length);
        message_end_payload(m);
    }
}

static void auth_in_another_order(struct stage *s)
{
    uint8_t at[1024];
    struct message_writer proper = message_begin_inner(at, sizeof at);
    puppet_put_auth_payloads(s->p, &proper, "site1", "site2", "secret1");
    struct message_writer m = inner();
    put_backwards(&m, writer_octets(&proper.w), proper.first_payload);
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
    must_be_up(s);
}

static void auth_twice(struct stage *s)
{
    struct message_writer m = inner();
    put_auth(s, &m, "site1", "secret1");
    put_auth(s, &m, "mallory", "guess");
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
    must_be_up(s);
}

/* Sets bits in the second octet of the payloads' headers. */
static void set_bits_of_payload_headers(size_t length, uint8_t bits)
{
    for (size_t at = 0; at < length; at += load_u16be(inner_octets + at + 2))
        inner_octets[at + 1] |= bits;
}

static void auth_with_critical_bits(struct stage *s)
{
    struct message_writer m = inner();
    put_auth(s, &m, "site1", "secret1");
    set_bits_of_payload_headers(writer_length(&m.w), 0x80);
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
    must_be_up(s);
}

static void auth_with_reserved_bits(struct stage *s)
{
    struct message_writer m = inner();
    put_auth(s, &m, "site1", "secret1");
    set_bits_of_payload_headers(writer_length(&m.w), 0x7f);
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
    must_be_up(s);
}

/* They are covered by AUTH as they are, and mean nothing otherwise. */
static void auth_with_reserved_octets_in_the_id(struct stage *s)
{
    struct message_writer m = inner();
    s->p->id_reserved = 0xee;
    put_auth(s, &m, "site1", "secret1");
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
    must_be_up(s);
}

static void auth_as(struct stage *s, uint8_t type, size_t length)
{
    struct message_writer m = inner();
    message_put_id(&m, PAYLOAD_IDI, type, (struct octets){some_octets, length});
    put_auth(s, &m, "site1", "secret1");
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
}

static void auth_id_of_an_unknown_type(struct stage *s)
{
    auth_as(s, 12, 9);
}

static void auth_id_of_15_octets_as_ipv6(struct stage *s)
{
    auth_as(s, ID_IPV6_ADDR, 15);
}

static void auth_fqdn_of_no_octets(struct stage *s)
{
    auth_as(s, ID_FQDN, 0);
}

static void auth_id_of_300_octets(struct stage *s)
{
    auth_as(s, ID_KEY_ID, 300);
}

static void auth_for_an_id_that_is_none(struct stage *s)
{
    struct message_writer m = inner();
    message_put_id(&m, PAYLOAD_IDR, ID_IPV4_ADDR, (struct octets){some_octets, 3});
    put_auth(s, &m, "site1", "secret1");
    send_inner(s, EXCHANGE_IKE_AUTH, 1, &m);
    must_be_up(s);
}

static void create_child_sa_before_auth(struct stage *s)
{
    struct message_writer m = inner();
    put_auth(s, &m, "site1", "secret1");
    send_inner(s, EXCHANGE_CREATE_CHILD_SA, 1, &m);
}

static const struct sealed_case auth_cases[] = {
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
    {"IKE_AUTH with its payloads in another order", "2.5", false, auth_in_another_order, SILENCE, true},
    {"all payloads of IKE_AUTH twice: the first count", "1.2", false, auth_twice, SILENCE, true},
    {"the critical bit on payloads that are known", "2.5", false, auth_with_critical_bits, SILENCE, true},
    {"reserved bits of payload headers", "3.2", false, auth_with_reserved_bits, SILENCE, true},
    {"reserved octets of the ID payload", "2.15", false, auth_with_reserved_octets_in_the_id, SILENCE, true},
    {"an ID of a type that nobody knows", "3.5", false, auth_id_of_an_unknown_type,
     NOTIFY_AUTHENTICATION_FAILED, false},
    {"an IPv6 ID of 15 octets", "3.5", false, auth_id_of_15_octets_as_ipv6, NOTIFY_INVALID_SYNTAX, false},
    {"an FQDN of no octets", "3.5", false, auth_fqdn_of_no_octets, NOTIFY_INVALID_SYNTAX, false},
    {"an ID of 300 octets", "3.5", false, auth_id_of_300_octets, NOTIFY_AUTHENTICATION_FAILED, false},
    {"an IDr that is no ID: another one may answer", "2.15", false, auth_for_an_id_that_is_none, SILENCE,
     true},
    {"CREATE_CHILD_SA before IKE_AUTH", "1.2", false, create_child_sa_before_auth, NOTIFY_INVALID_SYNTAX,
     false},
};

static void S9_unusual_ike_auth_requests_get_the_right_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof auth_cases / sizeof *auth_cases; i++)
        check_sealed_case(&auth_cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S9_unusual_ike_auth_requests_get_the_right_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
