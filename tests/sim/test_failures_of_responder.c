/*
 * S34: what a responder's log says of negotiations that fail in IKE_SA_INIT and IKE_AUTH, since the peer
 * offers or claims what is not accepted here. The puppet begins them; B's settings stand on the lines 11
 * to 31.
 */
#include "failure_case.h"
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct octets nothing = {NULL, 0};

/* ---- IKE_SA_INIT ------------------------------------------------------------------------------------- */

/* Sends an IKE_SA_INIT with an SA payload made by hand and a KE of a group. */
static void send_init(struct stage *s, const uint8_t *sa, size_t length, uint16_t group, size_t ke_size)
{
    uint8_t at[2048];
    struct message_writer m = puppet_begin_init(s->p, at, sizeof at);
    message_begin_payload(&m, PAYLOAD_SA);
    writer_put(&m.w, sa, length);
    message_end_payload(&m);
    message_put_ke(&m, group, (struct octets){some_octets, ke_size});
    message_put_nonce(&m, (struct octets){some_octets, 32});
    struct octets message = message_finish(&m);
    puppet_send(s->p, message.at, message.length);
}

/* ChaCha20-Poly1305, Camellia-CBC-256 and a number that nobody knows; AES128-XCBC; ECP-256, Curve25519. */
static void modern_algorithms(struct stage *s)
{
    static const uint8_t sa[] = {
        0, 0,    0,    64, 1, PROTOCOL_IKE,
        0, 6, /* */
        3, 0,    0,    8,  1, 0,
        0, 28, /* */
        3, 0,    0,    12, 1, 0,
        0, 23,   0x80, 14, 1, 0, /* */
        3, 0,    0,    12, 1, 0,
        4, 0xd2, 0x80, 14, 0, 128, /* */
        3, 0,    0,    8,  2, 0,
        0, 4, /* */
        3, 0,    0,    8,  4, 0,
        0, 19, /* */
        0, 0,    0,    8,  4, 0,
        0, 31,
    };
    send_init(s, sa, sizeof sa, 19, 64);
}

/* What is accepted here but for the group; an additional key exchange beside it (RFC 9370); AES without a key
 * length. */
static void a_group_that_is_not_known(struct stage *s)
{
    static const uint8_t sa[] = {
        0, 0,  0,    68, 1, PROTOCOL_IKE,
        0, 7, /* */
        3, 0,  0,    12, 1, 0,
        0, 12, 0x80, 14, 0, 128, /* */
        3, 0,  0,    8,  1, 0,
        0, 12, /* */
        3, 0,  0,    8,  3, 0,
        0, 12, /* */
        3, 0,  0,    8,  2, 0,
        0, 5, /* */
        3, 0,  0,    8,  4, 0,
        0, 19, /* */
        3, 0,  0,    8,  6, 0,
        0, 35, /* */
        0, 0,  0,    8,  6, 0,
        0, 0,
    };
    send_init(s, sa, sizeof sa, 19, 64);
}

static void proposals_without_end(struct stage *s)
{
    uint8_t sa[100 * 24];
    for (size_t i = 0; i < 100; i++) {
        const uint8_t proposal[24] = {i < 99 ? 2 : 0,
                                      0,
                                      0,
                                      24,
                                      (uint8_t)(i + 1),
                                      PROTOCOL_IKE,
                                      0,
                                      2,
                                      3,
                                      0,
                                      0,
                                      8,
                                      1,
                                      0,
                                      0,
                                      3,
                                      0,
                                      0,
                                      0,
                                      8,
                                      4,
                                      0,
                                      0,
                                      5};
        memcpy(sa + i * sizeof proposal, proposal, sizeof proposal);
    }
    uint8_t at[8192];
    struct message_writer m = puppet_begin_init(s->p, at, sizeof at);
    message_begin_payload(&m, PAYLOAD_SA);
    writer_put(&m.w, sa, sizeof sa);
    message_end_payload(&m);
    message_put_ke(&m, KE_MODP_1536, (struct octets){some_octets, 192});
    message_put_nonce(&m, (struct octets){some_octets, 32});
    struct octets message = message_finish(&m);
    puppet_send(s->p, message.at, message.length);
}

static void esp_in_ike_sa_init(struct stage *s)
{
    static const uint8_t sa[] = {0, 0, 0, 16, 1, PROTOCOL_ESP, 0, 1, 0, 0, 0, 8, 1, 0, 0, 3};
    send_init(s, sa, sizeof sa, KE_MODP_2048, 256);
}

/* What is accepted, with a public value of 1. */
static void a_bad_public_value(struct stage *s)
{
    uint8_t at[2048];
    uint8_t one[256] = {[255] = 1};
    struct message_writer m = puppet_begin_init(s->p, at, sizeof at);
    proposal_put_choice(&m, PROTOCOL_IKE, 1, nothing, &s->p->suite);
    message_put_ke(&m, KE_MODP_2048, (struct octets){one, sizeof one});
    message_put_nonce(&m, (struct octets){some_octets, 32});
    struct octets message = message_finish(&m);
    puppet_send(s->p, message.at, message.length);
}

static void a_critical_payload_in_ike_sa_init(struct stage *s)
{
    uint8_t at[2048];
    struct message_writer m = puppet_begin_init(s->p, at, sizeof at);
    message_begin_payload(&m, 200);
    message_end_payload(&m);
    at[IKE_HEADER_SIZE + 1] = 0x80;
    puppet_put_init_payloads(s->p, &m);
    struct octets message = message_finish(&m);
    puppet_send(s->p, message.at, message.length);
}

static void no_ike_auth(struct stage *s)
{
    assert_true(puppet_do_init(s->p));
    world_run(s->w, 40000);
}

/* ---- IKE_AUTH ---------------------------------------------------------------------------------------- */

static void eap(struct stage *s)
{
    struct message_writer m = begin_auth(s);
    message_put_id(&m, PAYLOAD_IDI, ID_KEY_ID, (struct octets){(const uint8_t *)"site1", 5});
    put_first_child(s, &m);
    send_auth(s, &m);
}

static void auth_method(struct stage *s, uint8_t method)
{
    struct message_writer m = begin_auth(s);
    message_put_id(&m, PAYLOAD_IDI, ID_KEY_ID, (struct octets){(const uint8_t *)"site1", 5});
    message_put_auth(&m, method, (struct octets){some_octets, 256});
    put_first_child(s, &m);
    send_auth(s, &m);
}

static void a_digital_signature(struct stage *s)
{
    auth_method(s, AUTH_METHOD_SIGNATURE);
}

static void an_unknown_auth_method(struct stage *s)
{
    auth_method(s, 201);
}

static void an_id_of_an_unknown_type(struct stage *s)
{
    struct message_writer m = begin_auth(s);
    message_put_id(&m, PAYLOAD_IDI, 13, nothing);
    puppet_put_auth_payloads(s->p, &m, "site1", "site2", "secret1");
    send_auth(s, &m);
}

static void an_id_with_control_characters(struct stage *s)
{
    struct message_writer m = begin_auth(s);
    puppet_put_auth_payloads(s->p, &m, "\x1b[2Jsite1\n", "site2", "secret1");
    send_auth(s, &m);
}

static void malformed_ike_auth(struct stage *s)
{
    struct message_writer m = begin_auth(s);
    put_first_child(s, &m);
    send_auth(s, &m);
}

static void a_critical_payload_in_ike_auth(struct stage *s)
{
    struct message_writer m = begin_auth(s);
    message_begin_payload(&m, 199);
    message_end_payload(&m);
    inner_octets[1] = 0x80;
    puppet_put_auth_payloads(s->p, &m, "site1", "site2", "secret1");
    send_auth(s, &m);
    world_run(s->w, 40000);
}

static void informational_before_ike_auth(struct stage *s)
{
    struct message_writer m = begin_auth(s);
    send_inner(s, EXCHANGE_INFORMATIONAL, 1, &m);
}

static const struct failure_case responder_cases[] = {
    {"algorithms that are not known", modern_algorithms,
     "Tunnel0.0: negotiation failed: no common IKE SA proposal with 10.1.0.1:500: the peer offers (not "
     "supported here) enc 28 (ChaCha20-Poly1305) 23 (Camellia-CBC, 256-bit) 1234 (128-bit), prf 4 "
     "(AES128-XCBC), dh 19 (ECP-256) 31 (Curve25519); accepted here enc aes-cbc-128, integrity sha2-256, prf "
     "sha2-256, dh 2048-bit; lines 11, 13, 14"},
    {"a group that is not known", a_group_that_is_not_known,
     "Tunnel0.0: negotiation failed: no common IKE SA proposal with 10.1.0.1:500: the peer offers enc "
     "aes-cbc-128, integrity sha2-256, prf sha2-256 and (not supported here) enc 12 (AES-CBC, no key "
     "length), dh 19 (ECP-256), additional dh 35 (ML-KEM-512) 0 (none); accepted here enc aes-cbc-128, "
     "integrity sha2-256, prf sha2-256, dh 2048-bit; line 14"},
    {"proposals without end", proposals_without_end,
     "Tunnel0.0: negotiation failed: no common IKE SA proposal with 10.1.0.1:500: the peer offers enc 3des, "
     "dh 1536-bit or enc 3des, dh 1536-bit or enc 3des, dh 1536-bit or enc 3des, dh 1536-bit or enc 3des, dh "
     "1536-bit or enc 3des, dh 1536-bit or enc 3des, dh 1536-bit or enc 3des, dh 1536-bit or 92 more; "
     "accepted here enc aes-cbc-128, integrity sha2-256, prf sha2-256, dh 2048-bit; lines 11, 12, 13, 14"},
    {"ESP in IKE_SA_INIT", esp_in_ike_sa_init,
     "Tunnel0.0: negotiation failed: no common IKE SA proposal with 10.1.0.1:500: the peer offers ESP enc "
     "3des; accepted here enc aes-cbc-128, integrity sha2-256, prf sha2-256, dh 2048-bit; lines 11, 12, 13, "
     "14"},
    {"a bad public value", a_bad_public_value,
     "Tunnel0.0: negotiation failed: the KE of 10.1.0.1:500 is no public value of MODP-2048 (RFC 6989); line "
     "14"},
    {"a critical payload in IKE_SA_INIT", a_critical_payload_in_ike_sa_init,
     "Tunnel0.0: negotiation failed: the IKE_SA_INIT request of 10.1.0.1:500 has a critical payload of type "
     "200, which is not supported here; line 31"},
    {"no IKE_AUTH", no_ike_auth,
     "Tunnel0.0: negotiation failed: 10.1.0.1:500 sent no IKE_AUTH within 30 seconds after IKE_SA_INIT was "
     "answered with AES-CBC-128/HMAC-SHA2-256-128/PRF-HMAC-SHA2-256/MODP-2048; line 31"},
    {"EAP", eap,
     "Tunnel0.0: negotiation failed: the peer wants EAP, which is not supported here; accepted is a "
     "pre-shared key; line 31"},
    {"a digital signature", a_digital_signature,
     "Tunnel0.0: negotiation failed: the peer proves itself by AUTH method 14 (digital signature), accepted "
     "is a pre-shared key; line 31"},
    {"an unknown AUTH method", an_unknown_auth_method,
     "Tunnel0.0: negotiation failed: the peer proves itself by AUTH method 201, accepted is a pre-shared "
     "key; line 31"},
    {"an ID of an unknown type", an_id_of_an_unknown_type,
     "Tunnel0.0: negotiation failed: the peer at 10.1.0.1:500 says it is ID type 13 with 0 octets (not "
     "supported here); accepted here is KEY-ID site1; line 31"},
    {"an ID with control characters", an_id_with_control_characters,
     "Tunnel0.0: negotiation failed: the peer at 10.1.0.1:500 says it is KEY-ID \\x1b[2Jsite1\\x0a; accepted "
     "here is KEY-ID site1; line 31"},
    {"a malformed IKE_AUTH", malformed_ike_auth,
     "Tunnel0.0: negotiation failed: the IKE_AUTH request of 10.1.0.1:500 is malformed (INVALID_SYNTAX); "
     "line 31"},
    {"a critical payload in IKE_AUTH", a_critical_payload_in_ike_auth,
     "Tunnel0.0: negotiation failed: the IKE_AUTH request of 10.1.0.1:500 has a critical payload of type "
     "199, which is not supported here; line 31"},
    {"INFORMATIONAL before IKE_AUTH", informational_before_ike_auth,
     "Tunnel0.0: negotiation failed: the INFORMATIONAL request of 10.1.0.1:500 is not due now "
     "(INVALID_SYNTAX); line 31"},
};

static void S34_a_responder_reports_once_what_the_peer_proposes_and_what_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof responder_cases / sizeof *responder_cases; i++)
        check_failure_case(&responder_cases[i]);
}

/* A peer that has not got the answer asks again by the same SPI. Nor is
 * another negotiation told that fails likewise. */
static void S34_a_repeated_request_is_reported_once(void **state)
{
    (void)state;
    static const char warning[] = "Tunnel0.0: negotiation failed: the KE of 10.1.0.1:500 is no public value "
                                  "of MODP-2048 (RFC 6989); line 14";
    struct stage s = stage_with_lines();
    for (int i = 0; i < 4; i++)
        a_bad_public_value(&s);
    assert_int_equal(s.p->reply_count, 4);
    check_failure("the same again", s.b, warning);

    s.p->spi_i++;
    a_bad_public_value(&s);

    check_failure("another one", s.b, warning);
    stage_free(&s);
}

/* An IKE_AUTH by a wrong key, in a negotiation of its own. */
static void wrong_key(struct stage *s)
{
    s->p->spi_i++;
    assert_true(puppet_do_init(s->p));
    assert_false(puppet_do_auth(s->p, "site1", "site2", "wrong"));
}

/* Like the keeper's last failure, which has each attempt, the log at level info has each. */
static void S34_the_same_failure_is_told_once_and_then_each_hour_with_its_count(void **state)
{
    (void)state;
    static const char wrong[] =
        "Tunnel0.0: negotiation failed: the AUTH of KEY-ID site1 does not fit the key "
        "configured for it here: the keys of both ends differ, or one is `char` and one `hex`; lines 31, 34";
    static const char other[] = "Tunnel0.0: negotiation failed: the peer wants EAP, which is not supported "
                                "here; accepted is a pre-shared key; line 31";
    char expected[2048];
    struct stage s = stage_with_lines();
    for (int i = 0; i < 10; i++)
        wrong_key(&s);
    check_failure("the same again", s.b, wrong);

    /* Another failure is told, and does not make the first one new. */
    s.p->spi_i++;
    eap(&s);
    wrong_key(&s);
    (void)snprintf(expected, sizeof expected, "%s\n%s", wrong, other);
    check_failure("another one", s.b, expected);

    world_run(s.w, FAILURE_LOG_SILENCE);
    wrong_key(&s);
    wrong_key(&s);
    (void)snprintf(expected, sizeof expected, "%s\n%s\n%s (and 10 times more since this was told last)",
                   wrong, other, wrong);
    check_failure("an hour later", s.b, expected);

    /* A peer may end what it has just made. */
    s.p->spi_i++;
    assert_true(puppet_do_init(s.p) && puppet_do_auth(s.p, "site1", "site2", "secret1"));
    wrong_key(&s);
    check_failure("after a short success", s.b, expected);

    /* After a success that lasts it is new. */
    world_run(s.w, TUNNEL_SETTLED);
    wrong_key(&s);
    char again[3072];
    (void)snprintf(again, sizeof again, "%s\n%s", expected, wrong);
    check_failure("after a success", s.b, again);
    stage_free(&s);
}

static void S34_an_ike_auth_repeated_after_it_failed_is_not_reported_again(void **state)
{
    (void)state;
    struct stage s = stage_with_lines();
    eap(&s);
    struct message_writer m = inner();
    message_put_id(&m, PAYLOAD_IDI, ID_KEY_ID, (struct octets){(const uint8_t *)"site1", 5});
    put_first_child(&s, &m);
    for (int i = 0; i < 3; i++)
        send_auth(&s, &m);
    world_run(s.w, 60000);

    check_failure("IKE_AUTH again", s.b,
                  "Tunnel0.0: negotiation failed: the peer wants EAP, which is not supported here; accepted "
                  "is a pre-shared key; line 31");
    stage_free(&s);
}

static void S34_ike_auth_from_another_address_than_the_peers_names_both(void **state)
{
    (void)state;
    struct stage s = stage_with_lines();
    assert_true(puppet_do_init(s.p));
    assert_true(ip_address_parse("10.9.0.1", &s.p->address.address));

    assert_false(puppet_do_auth(s.p, "site1", "site2", "secret1"));

    check_failure("another address", s.b,
                  "Tunnel0.0: negotiation failed: IKE_AUTH of KEY-ID site1 comes from 10.9.0.1:500 to "
                  "10.2.0.1:500, which no tunnel allows; its peer is 10.1.0.1; line 31");
    stage_free(&s);
}

static void S34_ike_auth_to_another_address_than_the_tunnels_names_a_peer_that_may_be_anywhere(void **state)
{
    (void)state;
    struct tunnel_policy policy = stage_policy();
    policy.peer_kind = PEER_ANY;
    policy.peer_address = (struct ip_address){.family = IP_NONE};
    policy.source_kind = SOURCE_ADDRESS;
    assert_true(ip_address_parse("10.2.0.1", &policy.source_address));
    struct stage s = stage_new_with(&policy);
    assert_true(puppet_do_init(s.p));
    assert_true(ip_address_parse("10.9.0.2", &s.p->arrives_at));

    assert_false(puppet_do_auth(s.p, "site1", "site2", "secret1"));

    assert_non_null(strstr(gateway_warnings(s.b), "IKE_AUTH of KEY-ID site1 comes from 10.1.0.1:500 to "
                                                  "10.9.0.2:500, which no tunnel allows; its peer is any"));
    stage_free(&s);
}

static void S34_ike_auth_of_an_unknown_peer_from_another_address_names_the_address(void **state)
{
    (void)state;
    struct stage s = stage_with_lines();
    assert_true(puppet_do_init(s.p));
    assert_true(ip_address_parse("10.9.0.1", &s.p->address.address));

    assert_false(puppet_do_auth(s.p, "site7", "site2", "secret1"));

    check_failure(
        "another address", s.b,
        "negotiation failed: IKE_AUTH of KEY-ID site7 comes from 10.9.0.1:500 to 10.2.0.1:500, which "
        "no tunnel allows, and no tunnel has a peer with that ID");
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S34_ike_auth_from_another_address_than_the_peers_names_both),
        cmocka_unit_test(S34_ike_auth_to_another_address_than_the_tunnels_names_a_peer_that_may_be_anywhere),
        cmocka_unit_test(S34_ike_auth_of_an_unknown_peer_from_another_address_names_the_address),
        cmocka_unit_test(S34_a_responder_reports_once_what_the_peer_proposes_and_what_is_accepted),
        cmocka_unit_test(S34_a_repeated_request_is_reported_once),
        cmocka_unit_test(S34_the_same_failure_is_told_once_and_then_each_hour_with_its_count),
        cmocka_unit_test(S34_an_ike_auth_repeated_after_it_failed_is_not_reported_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
