/*
 * S34: what a responder's log says when the peer is authenticated, but its Child SA cannot be had, or it does
 * not like what it gets. The puppet begins; B's settings stand on the lines 11 to 31.
 */
#include "failure_case.h"
#include "ike/wire/selectors.h"
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct octets nothing = {NULL, 0};

/* ---- The first Child SA ------------------------------------------------------------------------------ */

/* A proper IKE_AUTH, but for its SA payload. */
static void auth_with_sa(struct stage *s, const uint8_t *sa, size_t length)
{
    struct message_writer m = begin_auth(s);
    message_begin_payload(&m, PAYLOAD_SA);
    writer_put(&m.w, sa, length);
    message_end_payload(&m);
    puppet_put_auth_payloads(s->p, &m, "site1", "site2",
                             "secret1"); /* of two SA payloads the first one counts */
    send_auth(s, &m);
}

static void extended_sequence_numbers_alone(struct stage *s)
{
    static const uint8_t sa[] = {0,    0,  0, 40,  1, 3, 4, 3, 0xc0, 0, 0, 2,  3, 0, 0, 12, 1, 0, 0, 12,
                                 0x80, 14, 0, 128, 3, 0, 0, 8, 3,    0, 0, 12, 0, 0, 0, 8,  5, 0, 0, 1};
    auth_with_sa(s, sa, sizeof sa);
}

static void ah(struct stage *s)
{
    static const uint8_t sa[] = {0, 0, 0, 28, 1, PROTOCOL_AH, 4, 2, 0xc0, 0, 0, 2, 3, 0,
                                 0, 8, 3, 0,  0, 12,          0, 0, 0,    8, 5, 0, 0, 0};
    auth_with_sa(s, sa, sizeof sa);
}

static void a_spi_of_eight_octets(struct stage *s)
{
    static const uint8_t sa[] = {0, 0,  0, 36, 1, 3,  8,    2,  0xc0, 0,   0, 2, 0xc0, 0, 0, 2, 3, 0,
                                 0, 12, 1, 0,  0, 12, 0x80, 14, 0,    128, 0, 0, 0,    8, 3, 0, 0, 12};
    auth_with_sa(s, sa, sizeof sa);
}

static void a_reserved_spi(struct stage *s)
{
    static const uint8_t sa[] = {0, 0, 0, 32, 1,    3,  4, 2,   0, 0, 0, 255, 3, 0, 0, 12,
                                 1, 0, 0, 12, 0x80, 14, 0, 128, 0, 0, 0, 8,   3, 0, 0, 12};
    auth_with_sa(s, sa, sizeof sa);
}

static void selectors_of_an_unknown_type(struct stage *s)
{
    static const uint8_t fc[] = {1, 0, 0, 0, 9, 0, 0, 16, 0, 0, 0xff, 0xff, 10, 0, 0, 1, 10, 0, 0, 9};
    struct message_writer m = begin_auth(s);
    message_begin_payload(&m, PAYLOAD_TSI);
    writer_put(&m.w, fc, sizeof fc);
    message_end_payload(&m);
    puppet_put_auth_payloads(s->p, &m, "site1", "site2", "secret1");
    send_auth(s, &m);
}

/* ---- A peer that does not like what it gets ---------------------------------------------------------- */

static void connect_with(struct stage *s, uint16_t notify)
{
    struct message_writer m = begin_auth(s);
    message_put_notify(&m, PROTOCOL_NONE, nothing, notify, nothing);
    puppet_put_auth_payloads(s->p, &m, "site1", "site2", "secret1");
    send_auth(s, &m);
    assert_int_equal(gateway_child_count(s->b, 0), 1);
}

static void delete_ike_sa(struct stage *s)
{
    struct message_writer m = inner();
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_int_equal(gateway_record_count(s->b), 0);
}

static void transport_mode_or_nothing(struct stage *s)
{
    connect_with(s, NOTIFY_USE_TRANSPORT_MODE);
    delete_ike_sa(s);
}

static void transport_mode_if_possible(struct stage *s)
{
    connect_with(s, NOTIFY_USE_TRANSPORT_MODE);
    world_run(s->w, 60000);
    delete_ike_sa(s);
}

static void transport_mode_for_a_child_sa(struct stage *s)
{
    static const uint32_t spi = 0xc0000001;
    connect_with(s, NOTIFY_USE_TRANSPORT_MODE);
    struct message_writer m = inner();
    message_put_delete(&m, PROTOCOL_ESP, &spi, 1);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
}

static void another_id_or_nothing(struct stage *s)
{
    struct message_writer m = begin_auth(s);
    puppet_put_auth_payloads(s->p, &m, "site1", "site9", "secret1");
    send_auth(s, &m);
    assert_int_equal(gateway_child_count(s->b, 0), 1);
    delete_ike_sa(s);
}

static void refuse_the_answer(struct stage *s, uint16_t notify)
{
    connect_with(s, NOTIFY_INITIAL_CONTACT);
    struct message_writer m = inner();
    message_put_notify(&m, PROTOCOL_NONE, nothing, notify, nothing);
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    send_inner(s, EXCHANGE_INFORMATIONAL, 2, &m);
    assert_int_equal(gateway_record_count(s->b), 0);
}

static void not_authenticated(struct stage *s)
{
    refuse_the_answer(s, NOTIFY_AUTHENTICATION_FAILED);
}

static void answer_not_understood(struct stage *s)
{
    refuse_the_answer(s, NOTIFY_INVALID_SYNTAX);
}

static void deletion_without_a_word(struct stage *s)
{
    connect_with(s, NOTIFY_INITIAL_CONTACT);
    delete_ike_sa(s);
}

/* ---- Additional Child SAs -------------------------------------------------------------------------------
 */

static void a_additional_child_with_pfs(struct stage *s)
{
    const struct ike_suite child = {.encryption = s->p->suite.encryption,
                                    .integrity = s->p->suite.integrity,
                                    .dh = key_exchange_by_word("1024-bit")};
    const struct selector_list any = selectors_of_policy(NULL, 0);
    static const uint8_t spi[] = {0xc0, 0, 0, 2};
    connect_with(s, NOTIFY_INITIAL_CONTACT);
    struct message_writer m = inner();
    proposal_put_choice(&m, PROTOCOL_ESP, 1, (struct octets){spi, sizeof spi}, &child);
    message_put_nonce(&m, (struct octets){some_octets, 32});
    message_put_ke(&m, KE_MODP_1024, (struct octets){some_octets, 128});
    selectors_put(&m, PAYLOAD_TSI, &any);
    selectors_put(&m, PAYLOAD_TSR, &any);
    send_inner(s, EXCHANGE_CREATE_CHILD_SA, 2, &m);
}

static void malformed_create_child_sa(struct stage *s)
{
    connect_with(s, NOTIFY_INITIAL_CONTACT);
    struct message_writer m = inner();
    put_first_child(s, &m); /* without nonce */
    send_inner(s, EXCHANGE_CREATE_CHILD_SA, 2, &m);
}

static void malformed_selectors(struct stage *s)
{
    static const uint8_t inverted[] = {1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 0xff, 0xff, 10, 0, 0, 9, 10, 0, 0, 1};
    connect_with(s, NOTIFY_INITIAL_CONTACT);
    struct message_writer m = inner();
    message_put_nonce(&m, (struct octets){some_octets, 32});
    message_begin_payload(&m, PAYLOAD_TSI);
    writer_put(&m.w, inverted, sizeof inverted);
    message_end_payload(&m);
    put_first_child(s, &m);
    send_inner(s, EXCHANGE_CREATE_CHILD_SA, 2, &m);
}

static const struct failure_case child_cases[] = {
    {"extended sequence numbers alone", extended_sequence_numbers_alone,
     "Tunnel0.0: negotiation failed: no common Child SA proposal: the peer offers enc aes-cbc-128, integrity "
     "sha2-256 and (not supported here) esn 1 (extended sequence numbers); accepted here enc aes-cbc-128, "
     "integrity sha2-256; lines 15, 16"},
    {"AH", ah,
     "Tunnel0.0: negotiation failed: no common Child SA proposal: the peer offers AH (not supported here) "
     "integrity sha2-256; accepted here enc aes-cbc-128, integrity sha2-256; lines 15, 16"},
    {"an SPI of 8 octets", a_spi_of_eight_octets,
     "Tunnel0.0: negotiation failed: no common Child SA proposal: the peer offers enc aes-cbc-128, integrity "
     "sha2-256 with an SPI of 8 octets; accepted here enc aes-cbc-128, integrity sha2-256; lines 15, 16"},
    {"a reserved SPI", a_reserved_spi,
     "Tunnel0.0: negotiation failed: the peer's SPI is 0x000000ff, and SPIs below 0x00000100 are reserved; "
     "line 31"},
    {"selectors of an unknown type", selectors_of_an_unknown_type,
     "Tunnel0.0: negotiation failed: the peer proposes traffic selectors of unknown types alone, accepted "
     "here are ranges of IPv4 and IPv6; line 31"},
    {"transport mode or nothing", transport_mode_or_nothing,
     "Tunnel0.0: negotiation failed: the peer deletes the SA at once: it wants transport mode, which is not "
     "supported here; line 23"},
    {"transport mode if possible", transport_mode_if_possible, ""},
    {"transport mode for a Child SA", transport_mode_for_a_child_sa,
     "Tunnel0.0: negotiation failed: the peer deletes the SA at once: it wants transport mode, which is not "
     "supported here; line 23"},
    {"another ID or nothing", another_id_or_nothing,
     "Tunnel0.0: negotiation failed: the peer deletes the SA at once: it wants to talk to KEY-ID site9, and "
     "this end is KEY-ID site2; line 20"},
    {"not authenticated", not_authenticated,
     "Tunnel0.0: negotiation failed: the peer does not accept KEY-ID site2 with the key configured for it "
     "(AUTHENTICATION_FAILED); lines 20, 33"},
    {"an answer that is not understood", answer_not_understood,
     "Tunnel0.0: negotiation failed: the peer does not accept our answer to IKE_AUTH (INVALID_SYNTAX); line "
     "31"},
    {"deletion without a word", deletion_without_a_word, ""},
    {"a additional Child SA with PFS", a_additional_child_with_pfs,
     "Tunnel0.0: negotiation of a Child SA failed: no common Child SA proposal: the peer offers enc "
     "aes-cbc-128, integrity sha2-256, pfs 1024-bit; accepted here enc aes-cbc-128, integrity sha2-256, pfs "
     "off; line 17"},
    {"a malformed CREATE_CHILD_SA", malformed_create_child_sa,
     "Tunnel0.0: negotiation of a Child SA failed: the CREATE_CHILD_SA request of 10.1.0.1:500 is malformed "
     "(INVALID_SYNTAX); line 31"},
    {"malformed selectors", malformed_selectors,
     "Tunnel0.0: negotiation of a Child SA failed: the CREATE_CHILD_SA request of 10.1.0.1:500 is malformed "
     "(INVALID_SYNTAX); line 31"},
};

static void S34_a_responder_reports_once_why_the_peer_has_no_child_sa(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof child_cases / sizeof *child_cases; i++)
        check_failure_case(&child_cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S34_a_responder_reports_once_why_the_peer_has_no_child_sa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
