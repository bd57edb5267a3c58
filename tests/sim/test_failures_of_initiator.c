/*
 * S34: what an initiator's log says when the peer refuses, or answers with what was not asked for. The puppet
 * answers; B begins, and its settings stand on the lines 11 to 31.
 */
#include "failure_case.h"
#include "ike/wire/selectors.h"
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct octets nothing = {NULL, 0};

/* B, which begins: its IKE_SA_INIT has reached the puppet. */
static struct stage stage_of_initiator(void)
{
    struct stage s = stage_with_lines();
    assert_true(stage_begins(&s));
    return s;
}

/* ---- IKE_SA_INIT ------------------------------------------------------------------------------------- */

static void no_proposal_chosen(struct stage *s)
{
    puppet_notify_init(s->p, NOTIFY_NO_PROPOSAL_CHOSEN, nothing);
}

static void no_proposal_chosen_again_and_again(struct stage *s)
{
    for (int i = 0; i < 5; i++)
        no_proposal_chosen(s);
}

static void ecp_256(struct stage *s)
{
    puppet_want_group(s->p, 19);
}

static void a_group_without_a_name(struct stage *s)
{
    puppet_want_group(s->p, 1000);
}

static void the_group_that_it_has(struct stage *s)
{
    puppet_want_group(s->p, KE_MODP_2048);
}

static void an_error_without_a_name(struct stage *s)
{
    puppet_notify_init(s->p, 8191, nothing);
}

static void an_error_with_a_name(struct stage *s)
{
    puppet_notify_init(s->p, NOTIFY_INVALID_SYNTAX, nothing);
}

static void cookies_for_ever(struct stage *s)
{
    for (uint8_t i = 1; i < 10; i++)
        puppet_notify_init(s->p, NOTIFY_COOKIE, (struct octets){&i, 1});
}

static void a_cookie_of_65_octets(struct stage *s)
{
    puppet_notify_init(s->p, NOTIFY_COOKIE, (struct octets){some_octets, 65});
}

static void an_empty_answer(struct stage *s)
{
    uint8_t at[512];
    struct message_writer m = puppet_begin_init_answer(s->p, at, sizeof at);
    puppet_send_init_answer(s->p, &m);
}

static void an_answer_that_cannot_be_read(struct stage *s)
{
    uint8_t at[512];
    struct message_writer m = puppet_begin_init_answer(s->p, at, sizeof at);
    message_put_nonce(&m, (struct octets){some_octets, 32});
    store_u16be(at + IKE_HEADER_SIZE + 2, 3);
    puppet_send_init_answer(s->p, &m);
}

/* INVALID-MAJOR-VERSION of one who speaks IKEv1 alone. */
static void ikev1(struct stage *s)
{
    uint8_t at[64];
    struct message_writer m = puppet_begin_init_answer(s->p, at, sizeof at);
    message_put_notify(&m, PROTOCOL_NONE, nothing, NOTIFY_INVALID_MAJOR_VERSION, nothing);
    at[17] = 0x10;
    puppet_send_init_answer(s->p, &m);
}

/* A whole answer, with this suite and a KE of this size. */
static void answer_init(struct stage *s, const struct ike_suite *suite, size_t ke_size)
{
    uint8_t at[2048];
    struct message_writer m = puppet_begin_init_answer(s->p, at, sizeof at);
    proposal_put_choice(&m, PROTOCOL_IKE, puppet_proposal_number(s->p), nothing, suite);
    message_put_ke(&m, suite->dh->id, (struct octets){some_octets, ke_size});
    message_put_nonce(&m, (struct octets){some_octets, 32});
    puppet_send_init_answer(s->p, &m);
}

static void a_proposal_that_was_not_offered(struct stage *s)
{
    struct ike_suite suite = s->p->suite;
    suite.encryption = encryption_by_word("3des");
    answer_init(s, &suite, 256);
}

static void a_ke_that_is_too_short(struct stage *s)
{
    answer_init(s, &s->p->suite, 255);
}

/* A forged refusal, and then the peer's own answer: nothing has failed. */
static void a_refusal_that_was_forged(struct stage *s)
{
    no_proposal_chosen(s);
    s->p->reply_length = s->p->request_length;
    memcpy(s->p->reply, s->p->request, s->p->request_length);
    assert_true(puppet_read_reply(s->p));
    assert_true(puppet_answer_init(s->p));
    struct message_writer m = inner();
    puppet_put_auth_answer(s->p, &m, "site1", "secret1");
    puppet_put_child_answer(s->p, &m);
    puppet_answer(s->p, &m);
    assert_true(gateway_tunnel_is_up(s->b, 0));
}

/* ---- IKE_AUTH ---------------------------------------------------------------------------------------- */

/* Goes through IKE_SA_INIT, so that B's IKE_AUTH is to be answered. */
static struct message_writer begin_auth_answer(struct stage *s)
{
    assert_true(puppet_answer_init(s->p));
    return inner();
}

static void refuse_auth(struct stage *s, uint16_t notify)
{
    struct message_writer m = begin_auth_answer(s);
    message_put_notify(&m, PROTOCOL_NONE, nothing, notify, nothing);
    puppet_answer(s->p, &m);
}

/* The IKE SA is granted, its Child SA refused (RFC 7296 1.2). */
static void refuse_child(struct stage *s, uint16_t notify)
{
    struct message_writer m = begin_auth_answer(s);
    puppet_put_auth_answer(s->p, &m, "site1", "secret1");
    message_put_notify(&m, PROTOCOL_NONE, nothing, notify, nothing);
    puppet_answer(s->p, &m);
}

static void authentication_failed(struct stage *s)
{
    refuse_auth(s, NOTIFY_AUTHENTICATION_FAILED);
}

static void invalid_syntax_in_auth(struct stage *s)
{
    refuse_auth(s, NOTIFY_INVALID_SYNTAX);
}

static void delete_in_place_of_an_answer(struct stage *s)
{
    struct message_writer m = begin_auth_answer(s);
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    send_inner(s, EXCHANGE_INFORMATIONAL, 0, &m);
}

static void no_child_proposal_chosen(struct stage *s)
{
    refuse_child(s, NOTIFY_NO_PROPOSAL_CHOSEN);
}

static void ts_unacceptable(struct stage *s)
{
    refuse_child(s, NOTIFY_TS_UNACCEPTABLE);
}

static void failed_cp_required(struct stage *s)
{
    refuse_child(s, NOTIFY_FAILED_CP_REQUIRED);
}

static void internal_address_failure(struct stage *s)
{
    refuse_child(s, NOTIFY_INTERNAL_ADDRESS_FAILURE);
}

static void no_additional_sas(struct stage *s)
{
    refuse_child(s, NOTIFY_NO_ADDITIONAL_SAS);
}

static void a_wrong_key(struct stage *s)
{
    struct message_writer m = begin_auth_answer(s);
    puppet_put_auth_answer(s->p, &m, "site1", "guess");
    puppet_put_child_answer(s->p, &m);
    puppet_answer(s->p, &m);
    assert_true(puppet_read_reply(s->p));
    assert_non_null(ike_message_notify(&s->p->message, NOTIFY_AUTHENTICATION_FAILED)); /* RFC 7296 2.21.2 */
    assert_non_null(ike_message_find(&s->p->message, PAYLOAD_DELETE));
}

static void a_wrong_id(struct stage *s)
{
    struct message_writer m = begin_auth_answer(s);
    puppet_put_auth_answer(s->p, &m, "site9", "secret1");
    puppet_put_child_answer(s->p, &m);
    puppet_answer(s->p, &m);
}

static void a_certificate(struct stage *s)
{
    struct message_writer m = begin_auth_answer(s);
    message_put_id(&m, PAYLOAD_IDR, ID_KEY_ID, (struct octets){(const uint8_t *)"site1", 5});
    message_put_auth(&m, AUTH_METHOD_RSA, (struct octets){some_octets, 256});
    puppet_put_child_answer(s->p, &m);
    puppet_answer(s->p, &m);
}

static void eap(struct stage *s)
{
    static const uint8_t identity_request[] = {1, 1, 0, 5, 1};
    struct message_writer m = begin_auth_answer(s);
    message_put_id(&m, PAYLOAD_IDR, ID_KEY_ID, (struct octets){(const uint8_t *)"site1", 5});
    message_begin_payload(&m, PAYLOAD_EAP);
    writer_put(&m.w, identity_request, sizeof identity_request);
    message_end_payload(&m);
    puppet_answer(s->p, &m);
}

static void an_empty_auth_answer(struct stage *s)
{
    struct message_writer m = begin_auth_answer(s);
    puppet_answer(s->p, &m);
}

static void a_malformed_auth_answer(struct stage *s)
{
    struct message_writer m = begin_auth_answer(s);
    message_put_notify(&m, PROTOCOL_NONE, nothing, NOTIFY_INITIAL_CONTACT, nothing);
    store_u16be(inner_octets + 2, 200);
    puppet_answer(s->p, &m);
}

static void a_critical_payload_in_the_answer(struct stage *s)
{
    struct message_writer m = begin_auth_answer(s);
    message_begin_payload(&m, 199);
    message_end_payload(&m);
    inner_octets[1] = 0x80;
    puppet_answer(s->p, &m);
}

static void no_child_at_all(struct stage *s)
{
    struct message_writer m = begin_auth_answer(s);
    puppet_put_auth_answer(s->p, &m, "site1", "secret1");
    puppet_answer(s->p, &m);
}

/* A proper answer, but for its SA payload. */
static void answer_with_sa(struct stage *s, const uint8_t *sa, size_t length)
{
    struct message_writer m = begin_auth_answer(s);
    puppet_put_auth_answer(s->p, &m, "site1", "secret1");
    message_begin_payload(&m, PAYLOAD_SA);
    writer_put(&m.w, sa, length);
    message_end_payload(&m);
    puppet_put_child_answer(s->p, &m);
    puppet_answer(s->p, &m);
}

static void extended_sequence_numbers(struct stage *s)
{
    static const uint8_t sa[] = {0,    0,  0, 40,  1, 3, 4, 3, 0xc0, 0, 0, 2,  3, 0, 0, 12, 1, 0, 0, 12,
                                 0x80, 14, 0, 128, 3, 0, 0, 8, 3,    0, 0, 12, 0, 0, 0, 8,  5, 0, 0, 1};
    answer_with_sa(s, sa, sizeof sa);
}

static void a_reserved_spi(struct stage *s)
{
    static const uint8_t sa[] = {0, 0, 0, 32, 1,    3,  4, 2,   0, 0, 0, 0, 3, 0, 0, 12,
                                 1, 0, 0, 12, 0x80, 14, 0, 128, 0, 0, 0, 8, 3, 0, 0, 12};
    answer_with_sa(s, sa, sizeof sa);
}

static void selectors_that_were_not_proposed(struct stage *s)
{
    const struct policy_selector of_ours = {.first = {.family = IP_V4, .octets = {10, 0, 0, 0}},
                                            .last = {.family = IP_V4, .octets = {10, 255, 255, 255}},
                                            .last_port = UINT16_MAX};
    struct tunnel_policy policy = stage_policy();
    narrow_down(&policy);
    give_lines(&policy, 0);
    policy.local_ts[0] = policy.remote_ts[0] = of_ours;
    policy.local_ts_count = policy.remote_ts_count = 1;
    gateway_set_tunnel(s->b, &policy, "secret2", "secret1");
    struct message_writer m = begin_auth_answer(s);
    puppet_put_auth_answer(s->p, &m, "site1", "secret1");
    puppet_put_child_answer(s->p, &m);
    puppet_answer(s->p, &m);
}

/* What is not ours to refuse: the peer says that it would have taken transport mode or compression. */
static void what_was_not_asked_for(struct stage *s)
{
    struct message_writer m = begin_auth_answer(s);
    puppet_put_auth_answer(s->p, &m, "site1", "secret1");
    message_put_notify(&m, PROTOCOL_NONE, nothing, NOTIFY_USE_TRANSPORT_MODE, nothing);
    puppet_put_child_answer(s->p, &m);
    puppet_answer(s->p, &m);
    assert_true(gateway_tunnel_is_up(s->b, 0));
}

static const struct failure_case initiator_cases[] = {
    {"no IKE SA proposal chosen", no_proposal_chosen,
     "Tunnel0.0: negotiation failed: the peer accepts no IKE SA proposal (NO_PROPOSAL_CHOSEN): offered enc "
     "aes-cbc-128, integrity sha2-256, prf sha2-256, dh 2048-bit; lines 11, 12, 13, 14"},
    {"the same again and again", no_proposal_chosen_again_and_again,
     "Tunnel0.0: negotiation failed: the peer accepts no IKE SA proposal (NO_PROPOSAL_CHOSEN): offered enc "
     "aes-cbc-128, integrity sha2-256, prf sha2-256, dh 2048-bit; lines 11, 12, 13, 14"},
    {"a group that is not known", ecp_256,
     "Tunnel0.0: negotiation failed: the peer wants DH group 19 (ECP-256) (INVALID_KE_PAYLOAD), accepted "
     "here dh 2048-bit; line 14"},
    {"a group without a name", a_group_without_a_name,
     "Tunnel0.0: negotiation failed: the peer wants DH group 1000 (INVALID_KE_PAYLOAD), accepted here dh "
     "2048-bit; line 14"},
    {"the group that it has", the_group_that_it_has,
     "Tunnel0.0: negotiation failed: the peer refuses our KE of MODP-2048 and wants one of MODP-2048 "
     "(INVALID_KE_PAYLOAD); line 14"},
    {"an error without a name", an_error_without_a_name,
     "Tunnel0.0: negotiation failed: the peer answers IKE_SA_INIT with error 8191; line 31"},
    {"an error with a name", an_error_with_a_name,
     "Tunnel0.0: negotiation failed: the peer answers IKE_SA_INIT with INVALID_SYNTAX; line 31"},
    {"cookies for ever", cookies_for_ever,
     "Tunnel0.0: negotiation failed: the peer asks for yet another cookie each time; line 31"},
    {"a cookie of 65 octets", a_cookie_of_65_octets,
     "Tunnel0.0: negotiation failed: the peer asks for a cookie of 65 octets; line 31"},
    {"an empty answer", an_empty_answer,
     "Tunnel0.0: negotiation failed: the peer's answer to IKE_SA_INIT is not complete; line 31"},
    {"an answer that cannot be read", an_answer_that_cannot_be_read,
     "Tunnel0.0: negotiation failed: the peer's answer to IKE_SA_INIT cannot be read; line 31"},
    {"IKEv1", ikev1, "Tunnel0.0: negotiation failed: the peer answers IKE_SA_INIT in IKEv1; line 31"},
    {"a proposal that was not offered", a_proposal_that_was_not_offered,
     "Tunnel0.0: negotiation failed: the peer chose an IKE SA proposal that was not offered: it chose enc "
     "3des, integrity sha2-256, prf sha2-256, dh 2048-bit; offered enc aes-cbc-128, integrity sha2-256, prf "
     "sha2-256, dh 2048-bit; lines 11, 12, 13, 14"},
    {"a KE that is too short", a_ke_that_is_too_short,
     "Tunnel0.0: negotiation failed: the peer answers our KE of MODP-2048 with none that fits; line 14"},
    {"a refusal that was forged", a_refusal_that_was_forged, ""},
    {"authentication failed", authentication_failed,
     "Tunnel0.0: negotiation failed: the peer does not accept KEY-ID site2 with the key configured for "
     "it, or it is not KEY-ID site1, which it was asked for (AUTHENTICATION_FAILED); lines 20, 31, 33"},
    {"invalid syntax in IKE_AUTH", invalid_syntax_in_auth,
     "Tunnel0.0: negotiation failed: the peer answers IKE_AUTH with INVALID_SYNTAX; line 31"},
    {"DELETE in place of an answer", delete_in_place_of_an_answer,
     "Tunnel0.0: negotiation failed: the INFORMATIONAL request of 10.1.0.1:500 deletes the IKE SA before "
     "IKE_AUTH is answered; line 31"},
    {"no Child SA proposal chosen", no_child_proposal_chosen,
     "Tunnel0.0: negotiation failed: the peer accepts no Child SA proposal (NO_PROPOSAL_CHOSEN): offered enc "
     "aes-cbc-128, integrity sha2-256; lines 15, 16"},
    {"selectors are not accepted", ts_unacceptable,
     "Tunnel0.0: negotiation failed: the peer does not accept the traffic selectors (TS_UNACCEPTABLE): "
     "proposed local-ts any, remote-ts any; lines 21, 22"},
    {"a configuration payload is required", failed_cp_required,
     "Tunnel0.0: negotiation failed: the peer insists on a configuration payload (FAILED_CP_REQUIRED), which "
     "is not supported here; line 31"},
    {"no internal address", internal_address_failure,
     "Tunnel0.0: negotiation failed: the peer insists on a configuration payload (INTERNAL_ADDRESS_FAILURE), "
     "which is not supported here; line 31"},
    {"no additional SAs", no_additional_sas,
     "Tunnel0.0: negotiation failed: the peer answers IKE_AUTH with NO_ADDITIONAL_SAS; line 31"},
    {"a wrong key", a_wrong_key,
     "Tunnel0.0: negotiation failed: the AUTH of KEY-ID site1 does not fit the key configured for it here: "
     "the keys of "
     "both ends differ, or one is `char` and one `hex`; lines 31, 34"},
    {"a wrong ID", a_wrong_id,
     "Tunnel0.0: negotiation failed: the peer says it is KEY-ID site9, expected is KEY-ID site1; line 31"},
    {"a certificate", a_certificate,
     "Tunnel0.0: negotiation failed: the peer proves itself by AUTH method 1 (RSA digital signature), "
     "accepted is a pre-shared key; line 31"},
    {"EAP", eap,
     "Tunnel0.0: negotiation failed: the peer wants EAP, which is not supported here; accepted is a "
     "pre-shared key; line 31"},
    {"an empty answer to IKE_AUTH", an_empty_auth_answer,
     "Tunnel0.0: negotiation failed: the peer's answer to IKE_AUTH lacks its ID or AUTH; line 31"},
    {"a malformed answer to IKE_AUTH", a_malformed_auth_answer,
     "Tunnel0.0: negotiation failed: the peer's answer to IKE_AUTH is malformed; line 31"},
    {"a critical payload in the answer", a_critical_payload_in_the_answer,
     "Tunnel0.0: negotiation failed: the peer's answer to IKE_AUTH has a critical payload of type 199, which "
     "is not supported here; line 31"},
    {"no Child SA at all", no_child_at_all,
     "Tunnel0.0: negotiation failed: the peer's answer has no Child SA; line 31"},
    {"extended sequence numbers", extended_sequence_numbers,
     "Tunnel0.0: negotiation failed: the peer chose a Child SA proposal that was not offered: it chose enc "
     "aes-cbc-128, integrity sha2-256 and (not supported here) esn 1 (extended sequence numbers); offered "
     "enc aes-cbc-128, integrity sha2-256; lines 15, 16"},
    {"a reserved SPI", a_reserved_spi,
     "Tunnel0.0: negotiation failed: the peer chose a reserved SPI; line 31"},
    {"selectors that were not proposed", selectors_that_were_not_proposed,
     "Tunnel0.0: negotiation failed: the peer chose traffic selectors that were not proposed: it chose local "
     "any, remote any; proposed local-ts 10.0.0.0-10.255.255.255, remote-ts 10.0.0.0-10.255.255.255; lines "
     "21, 22"},
    {"what was not asked for", what_was_not_asked_for, ""},
};

static void S34_an_initiator_reports_once_what_the_peer_refuses_and_what_was_proposed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof initiator_cases / sizeof *initiator_cases; i++) {
        struct stage s = stage_of_initiator();
        initiator_cases[i].act(&s);
        world_run(s.w, 40000);

        check_failure(initiator_cases[i].name, s.b, initiator_cases[i].warning);
        bool failed = initiator_cases[i].warning[0] != '\0';
        if (gateway_tunnel_is_up(s.b, 0) == failed || gateway_failures(s.b, 0) != (failed ? 1 : 0))
            fail_msg("%s: packets that wait were told of %zu failures", initiator_cases[i].name,
                     gateway_failures(s.b, 0));
        stage_free(&s);
    }
}

/* The path asked for the packet once more in the moment when its negotiation failed. */
static void R13_a_packet_whose_negotiation_failed_starts_no_other(void **state)
{
    (void)state;
    struct stage s = stage_of_initiator();
    no_proposal_chosen(&s);
    while (gateway_failures(s.b, 0) == 0)
        world_run(s.w, 1);

    assert_false(stage_begins(&s));
    assert_int_equal(gateway_failures(s.b, 0), 1);

    assert_true(stage_begins(&s));
    stage_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S34_an_initiator_reports_once_what_the_peer_refuses_and_what_was_proposed),
        cmocka_unit_test(R13_a_packet_whose_negotiation_failed_starts_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
