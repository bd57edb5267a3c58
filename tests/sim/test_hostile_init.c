/* Hostile and odd first messages: headers, the chain of payloads, KE and nonce. */
#include "hostile_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void cut_to_27(struct stage *s, struct draft *d)
{
    (void)s;
    d->length = 27;
}

static void empty(struct stage *s, struct draft *d)
{
    (void)s;
    d->length = 0;
}

static void length_too_large(struct stage *s, struct draft *d)
{
    (void)s;
    draft_set_length(d, d->length + 1);
}

static void length_too_small(struct stage *s, struct draft *d)
{
    (void)s;
    draft_set_length(d, d->length - 1);
}

static void length_huge(struct stage *s, struct draft *d)
{
    (void)s;
    draft_set_length(d, UINT32_MAX);
}

static void header_alone(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[16] = PAYLOAD_NONE;
    d->length = IKE_HEADER_SIZE;
    draft_set_length(d, d->length);
}

static void trailing_garbage(struct stage *s, struct draft *d)
{
    (void)s;
    memset(d->at + d->length, 0xee, 13);
    d->length += 13;
    draft_set_length(d, d->length);
}

static void version_1(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[17] = 0x10;
}

static void version_0(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[17] = 0x00;
}

static void version_3(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[17] = 0x30;
}

static void spi_i_zero(struct stage *s, struct draft *d)
{
    (void)s;
    memset(d->at, 0, 8);
}

static void spi_r_set(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[15] = 1;
}

static void message_id_1(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[23] = 1;
}

static void without_initiator_flag(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[19] = 0;
}

static void unexpected_response(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[19] = IKE_FLAG_RESPONSE;
}

static void first_payload_length_zero(struct stage *s, struct draft *d)
{
    (void)s;
    store_u16be(d->at + IKE_HEADER_SIZE + 2, 0);
}

static void first_payload_length_3(struct stage *s, struct draft *d)
{
    (void)s;
    store_u16be(d->at + IKE_HEADER_SIZE + 2, 3);
}

static void first_payload_longer_than_all(struct stage *s, struct draft *d)
{
    (void)s;
    store_u16be(d->at + IKE_HEADER_SIZE + 2, UINT16_MAX);
}

static void unknown_critical_payload(struct stage *s, struct draft *d)
{
    (void)s;
    memmove(d->at + IKE_HEADER_SIZE + 4, d->at + IKE_HEADER_SIZE, d->length - IKE_HEADER_SIZE);
    const uint8_t payload[4] = {d->at[16], 0x80, 0, 4};
    memcpy(d->at + IKE_HEADER_SIZE, payload, 4);
    d->at[16] = 200;
    d->length += 4;
    draft_set_length(d, d->length);
}

static void without_sa(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    put_ke_of(&m, KE_MODP_2048, 256);
    put_nonce_of(&m, 32);
    draft_finish(d, &m);
}

static void without_ke(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    put_ike_offer(s, &m);
    put_nonce_of(&m, 32);
    draft_finish(d, &m);
}

static void without_nonce(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    put_ike_offer(s, &m);
    put_ke_of(&m, KE_MODP_2048, 256);
    draft_finish(d, &m);
}

static void nonce_too_short(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    put_ike_offer(s, &m);
    put_ke_of(&m, KE_MODP_2048, 256);
    put_nonce_of(&m, 15);
    draft_finish(d, &m);
}

static void nonce_too_long(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    put_ike_offer(s, &m);
    put_ke_of(&m, KE_MODP_2048, 256);
    put_nonce_of(&m, 257);
    draft_finish(d, &m);
}

static void ke_of_another_group(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    put_ike_offer(s, &m);
    put_ke_of(&m, KE_MODP_1024, 128);
    put_nonce_of(&m, 32);
    draft_finish(d, &m);
}

static void ke_one_octet_short(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    put_ike_offer(s, &m);
    put_ke_of(&m, KE_MODP_2048, 255);
    put_nonce_of(&m, 32);
    draft_finish(d, &m);
}

static void ke_value(struct stage *s, struct draft *d, uint8_t fill, uint8_t last)
{
    uint8_t value[256];
    memset(value, fill, sizeof value);
    value[255] = last;
    struct message_writer m = draft_rewrite(s, d);
    put_ike_offer(s, &m);
    message_put_ke(&m, KE_MODP_2048, (struct octets){value, sizeof value});
    put_nonce_of(&m, 32);
    draft_finish(d, &m);
}

static void ke_zero(struct stage *s, struct draft *d)
{
    ke_value(s, d, 0, 0);
}

static void ke_one(struct stage *s, struct draft *d)
{
    ke_value(s, d, 0, 1);
}

static void ke_above_the_modulus(struct stage *s, struct draft *d)
{
    ke_value(s, d, 0xff, 0xff);
}

static void sixty_five_vendor_ids(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    for (int i = 0; i < 65; i++) {
        message_begin_payload(&m, PAYLOAD_VENDOR);
        message_end_payload(&m);
    }
    puppet_put_init_payloads(s->p, &m);
    draft_finish(d, &m);
}

static void from_an_unknown_peer(struct stage *s, struct draft *d)
{
    (void)d;
    bool parsed = ip_address_parse("198.51.100.9", &s->p->address.address);
    assert_true(parsed);
}

static void unknown_exchange(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[18] = 250;
}

static void auth_for_no_sa(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[18] = EXCHANGE_IKE_AUTH;
    d->at[15] = 7;
    d->at[23] = 1;
}

static void with_initiator_and_response_flag(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[19] |= IKE_FLAG_RESPONSE;
}

static void reserved_flags(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[19] |= 0xc7;
}

static void higher_version_flag(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[19] |= IKE_FLAG_VERSION;
}

static void minor_version_15(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[17] |= 0x0f;
}

/* Sets bits in the second octet of each payload's header, where the critical bit is the highest. */
static void set_bits_of_payload_headers(struct draft *d, uint8_t bits)
{
    for (size_t at = IKE_HEADER_SIZE; at < d->length; at += load_u16be(d->at + at + 2))
        d->at[at + 1] |= bits;
}

static void critical_bits(struct stage *s, struct draft *d)
{
    (void)s;
    set_bits_of_payload_headers(d, 0x80);
}

static void reserved_bits(struct stage *s, struct draft *d)
{
    (void)s;
    set_bits_of_payload_headers(d, 0x7f);
}

static void another_order(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    put_nonce_of(&m, 32);
    put_ke_of(&m, KE_MODP_2048, 256);
    put_ike_offer(s, &m);
    draft_finish(d, &m);
}

/* A proper request with the same payloads again behind it, all of them wrong. */
static void everything_twice(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    put_ike_offer(s, &m);
    put_ke_of(&m, KE_MODP_2048, 256);
    put_nonce_of(&m, 32);
    put_nonce_of(&m, 1);
    put_ke_of(&m, KE_MODP_768, 3);
    message_begin_payload(&m, PAYLOAD_SA);
    message_end_payload(&m);
    draft_finish(d, &m);
}

static void unknown_payload(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    message_begin_payload(&m, 200);
    writer_put(&m.w, some_octets, 5);
    message_end_payload(&m);
    puppet_put_init_payloads(s->p, &m);
    draft_finish(d, &m);
}

static void put_notify(struct message_writer *m, uint16_t notify)
{
    message_put_notify(m, PROTOCOL_NONE, (struct octets){NULL, 0}, notify, (struct octets){some_octets, 40});
}

static void unknown_notifies(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    put_notify(&m, 8191);
    put_notify(&m, 40959);
    puppet_put_init_payloads(s->p, &m);
    draft_finish(d, &m);
}

static void cookie_that_nobody_asked_for(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    put_notify(&m, NOTIFY_COOKIE);
    puppet_put_init_payloads(s->p, &m);
    draft_finish(d, &m);
}

static void notify_whose_spi_overruns(struct stage *s, struct draft *d)
{
    static const uint8_t notify[] = {PROTOCOL_IKE, 255, 0x40, 0x04};
    struct message_writer m = draft_rewrite(s, d);
    message_begin_payload(&m, PAYLOAD_NOTIFY);
    writer_put(&m.w, notify, sizeof notify);
    message_end_payload(&m);
    puppet_put_init_payloads(s->p, &m);
    draft_finish(d, &m);
}

static void encrypted_payload(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    message_begin_payload(&m, PAYLOAD_SK);
    writer_put(&m.w, some_octets, 64);
    message_end_payload(&m);
    draft_finish(d, &m);
}

static void ke_one_octet_long(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    put_ike_offer(s, &m);
    put_ke_of(&m, KE_MODP_2048, 257);
    put_nonce_of(&m, 32);
    draft_finish(d, &m);
}

static void ke_empty(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    put_ike_offer(s, &m);
    put_ke_of(&m, KE_MODP_2048, 0);
    put_nonce_of(&m, 32);
    draft_finish(d, &m);
}

static void ke_cut_in_its_header(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    put_ike_offer(s, &m);
    message_begin_payload(&m, PAYLOAD_KE);
    writer_put(&m.w, some_octets, 3);
    message_end_payload(&m);
    put_nonce_of(&m, 32);
    draft_finish(d, &m);
}

static void informational_without_spis(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[18] = EXCHANGE_INFORMATIONAL;
}

static void create_child_sa_for_no_sa(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[18] = EXCHANGE_CREATE_CHILD_SA;
    d->at[15] = 7;
    d->at[23] = 2;
}

static const struct init_case init_cases[] = {
    {"an empty datagram", "3.1", empty, SILENCE, IKE_COUNT_MALFORMED},
    {"a datagram shorter than the header", "3.1", cut_to_27, SILENCE, IKE_COUNT_MALFORMED},
    {"a length above the datagram's", "3.1", length_too_large, SILENCE, IKE_COUNT_MALFORMED},
    {"a length below the datagram's", "3.1", length_too_small, SILENCE, IKE_COUNT_MALFORMED},
    {"a length of 2^32 - 1", "3.1", length_huge, SILENCE, IKE_COUNT_MALFORMED},
    {"a header alone", "1.2", header_alone, SILENCE, IKE_COUNT_MALFORMED},
    {"octets behind the last payload", "3.2", trailing_garbage, SILENCE, IKE_COUNT_MALFORMED},
    {"IKEv1", "S1", version_1, SILENCE, IKE_COUNT_IKEV1},
    {"major version 0", "2.5", version_0, SILENCE, IKE_COUNT_WRONG_VERSION},
    {"major version 3", "2.5", version_3, NOTIFY_INVALID_MAJOR_VERSION, IKE_COUNT_WRONG_VERSION},
    {"an initiator's SPI of zero", "3.1", spi_i_zero, SILENCE, IKE_COUNT_MALFORMED},
    {"a responder's SPI in the first message", "3.1", spi_r_set, SILENCE, IKE_COUNT_MALFORMED},
    {"IKE_SA_INIT with message ID 1", "2.2", message_id_1, SILENCE, IKE_COUNT_MALFORMED},
    {"IKE_SA_INIT without the initiator flag", "3.1", without_initiator_flag, SILENCE, IKE_COUNT_MALFORMED},
    {"a response that nobody asked for", "2.21", unexpected_response, SILENCE, NO_COUNTER},
    {"a payload of length 0", "3.2", first_payload_length_zero, SILENCE, IKE_COUNT_MALFORMED},
    {"a payload shorter than its header", "3.2", first_payload_length_3, SILENCE, IKE_COUNT_MALFORMED},
    {"a payload longer than the message", "3.2", first_payload_longer_than_all, SILENCE, IKE_COUNT_MALFORMED},
    {"an unknown critical payload", "2.5", unknown_critical_payload, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD,
     NO_COUNTER},
    {"no SA payload", "1.2", without_sa, SILENCE, IKE_COUNT_MALFORMED},
    {"no KE payload", "1.2", without_ke, SILENCE, IKE_COUNT_MALFORMED},
    {"no nonce", "1.2", without_nonce, SILENCE, IKE_COUNT_MALFORMED},
    {"a nonce of 15 octets", "3.9", nonce_too_short, SILENCE, IKE_COUNT_MALFORMED},
    {"a nonce of 257 octets", "3.9", nonce_too_long, SILENCE, IKE_COUNT_MALFORMED},
    {"a KE of a group that is not the chosen one", "1.2", ke_of_another_group, NOTIFY_INVALID_KE_PAYLOAD,
     NO_COUNTER},
    {"a KE one octet short", "3.4", ke_one_octet_short, NOTIFY_INVALID_SYNTAX, NO_COUNTER},
    {"a public value of 0", "RFC 6989 2.1", ke_zero, NOTIFY_INVALID_SYNTAX, NO_COUNTER},
    {"a public value of 1", "RFC 6989 2.1", ke_one, NOTIFY_INVALID_SYNTAX, NO_COUNTER},
    {"a public value above the modulus", "RFC 6989 2.1", ke_above_the_modulus, NOTIFY_INVALID_SYNTAX,
     NO_COUNTER},
    {"payloads in another order", "2.5", another_order, ANSWERED, NO_COUNTER},
    {"payloads that come twice: the first counts", "1.2", everything_twice, ANSWERED, NO_COUNTER},
    {"the critical bit on payloads that are known", "2.5", critical_bits, ANSWERED, NO_COUNTER},
    {"reserved bits of payload headers", "3.2", reserved_bits, ANSWERED, NO_COUNTER},
    {"reserved flags", "3.1", reserved_flags, ANSWERED, NO_COUNTER},
    {"the flag of a higher version", "2.5", higher_version_flag, ANSWERED, NO_COUNTER},
    {"minor version 15", "2.5", minor_version_15, ANSWERED, NO_COUNTER},
    {"an unknown payload that is not critical", "2.5", unknown_payload, ANSWERED, NO_COUNTER},
    {"unknown notifies, status and error", "3.10.1", unknown_notifies, ANSWERED, NO_COUNTER},
    {"a cookie that nobody asked for", "2.6", cookie_that_nobody_asked_for, ANSWERED, NO_COUNTER},
    {"a notify whose SPI overruns", "3.10", notify_whose_spi_overruns, SILENCE, IKE_COUNT_MALFORMED},
    {"an encrypted payload in IKE_SA_INIT", "1.2", encrypted_payload, SILENCE, IKE_COUNT_MALFORMED},
    {"a KE one octet long", "3.4", ke_one_octet_long, NOTIFY_INVALID_SYNTAX, NO_COUNTER},
    {"a KE without a value", "3.4", ke_empty, NOTIFY_INVALID_SYNTAX, NO_COUNTER},
    {"a KE that is cut in its header", "3.4", ke_cut_in_its_header, SILENCE, IKE_COUNT_MALFORMED},
    {"initiator and response flag at once", "3.1", with_initiator_and_response_flag, SILENCE,
     IKE_COUNT_MALFORMED},
    {"INFORMATIONAL without SPIs", "2.21.4", informational_without_spis, SILENCE, IKE_COUNT_UNKNOWN_SPI},
    {"CREATE_CHILD_SA for no IKE SA", "2.21.4", create_child_sa_for_no_sa, NOTIFY_INVALID_IKE_SPI,
     IKE_COUNT_UNKNOWN_SPI},
    {"65 vendor IDs", "3.2", sixty_five_vendor_ids, SILENCE, IKE_COUNT_MALFORMED},
    {"a peer that no tunnel names", "S22", from_an_unknown_peer, SILENCE, IKE_COUNT_NO_TUNNEL},
    {"an exchange type that nobody knows", "2.21.4", unknown_exchange, SILENCE, IKE_COUNT_UNKNOWN_SPI},
    {"IKE_AUTH for no IKE SA", "2.21.4", auth_for_no_sa, NOTIFY_INVALID_IKE_SPI, IKE_COUNT_UNKNOWN_SPI},
};

static void S9_unusual_first_messages_get_the_right_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof init_cases / sizeof *init_cases; i++)
        check_init_case(&init_cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S9_unusual_first_messages_get_the_right_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
