/*
 * Hostile and odd first messages: each row of the table is one, with the section of RFC 7296 that says what
 * is to happen, and what must be seen: an answer or silence, a counter, and in no case state that stays.
 */
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NO_COUNTER IKE_COUNTER_COUNT

/* A proper IKE_SA_INIT request in a buffer, to be spoilt. */
struct draft {
    uint8_t at[4096];
    size_t length;
};

struct init_case {
    const char *name;
    const char *section; /* of RFC 7296, unless another is named */
    void (*spoil)(struct stage *s, struct draft *d);
    uint16_t answer; /* notify, or SILENCE */
    enum ike_counter counted;
};

static void set_total_length(struct draft *d, size_t length)
{
    store_u32be(d->at + 24, (uint32_t)length);
}

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
    set_total_length(d, d->length + 1);
}

static void length_too_small(struct stage *s, struct draft *d)
{
    (void)s;
    set_total_length(d, d->length - 1);
}

static void length_huge(struct stage *s, struct draft *d)
{
    (void)s;
    set_total_length(d, UINT32_MAX);
}

static void header_alone(struct stage *s, struct draft *d)
{
    (void)s;
    d->at[16] = PAYLOAD_NONE;
    d->length = IKE_HEADER_SIZE;
    set_total_length(d, d->length);
}

static void trailing_garbage(struct stage *s, struct draft *d)
{
    (void)s;
    memset(d->at + d->length, 0xee, 13);
    d->length += 13;
    set_total_length(d, d->length);
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
    set_total_length(d, d->length);
}

/* Rewrites the request with payloads of the test's choice. */
static struct message_writer rewrite(struct stage *s, struct draft *d)
{
    return puppet_begin_init(s->p, d->at, sizeof d->at);
}

static void finish(struct draft *d, struct message_writer *m)
{
    d->length = message_finish(m).length;
}

static void put_offer(struct stage *s, struct message_writer *m)
{
    proposal_put_choice(m, PROTOCOL_IKE, 1, (struct octets){NULL, 0}, &s->p->suite);
}

static void put_ke(struct message_writer *m, uint16_t group, size_t length)
{
    message_put_ke(m, group, (struct octets){some_octets, length});
}

static void put_nonce(struct message_writer *m, size_t length)
{
    message_put_nonce(m, (struct octets){some_octets, length});
}

static void without_sa(struct stage *s, struct draft *d)
{
    struct message_writer m = rewrite(s, d);
    put_ke(&m, DH_MODP_2048, 256);
    put_nonce(&m, 32);
    finish(d, &m);
}

static void without_ke(struct stage *s, struct draft *d)
{
    struct message_writer m = rewrite(s, d);
    put_offer(s, &m);
    put_nonce(&m, 32);
    finish(d, &m);
}

static void without_nonce(struct stage *s, struct draft *d)
{
    struct message_writer m = rewrite(s, d);
    put_offer(s, &m);
    put_ke(&m, DH_MODP_2048, 256);
    finish(d, &m);
}

static void nonce_too_short(struct stage *s, struct draft *d)
{
    struct message_writer m = rewrite(s, d);
    put_offer(s, &m);
    put_ke(&m, DH_MODP_2048, 256);
    put_nonce(&m, 15);
    finish(d, &m);
}

static void nonce_too_long(struct stage *s, struct draft *d)
{
    struct message_writer m = rewrite(s, d);
    put_offer(s, &m);
    put_ke(&m, DH_MODP_2048, 256);
    put_nonce(&m, 257);
    finish(d, &m);
}

static void ke_of_another_group(struct stage *s, struct draft *d)
{
    struct message_writer m = rewrite(s, d);
    put_offer(s, &m);
    put_ke(&m, DH_MODP_1024, 128);
    put_nonce(&m, 32);
    finish(d, &m);
}

static void ke_one_octet_short(struct stage *s, struct draft *d)
{
    struct message_writer m = rewrite(s, d);
    put_offer(s, &m);
    put_ke(&m, DH_MODP_2048, 255);
    put_nonce(&m, 32);
    finish(d, &m);
}

static void ke_value(struct stage *s, struct draft *d, uint8_t fill, uint8_t last)
{
    uint8_t value[256];
    memset(value, fill, sizeof value);
    value[255] = last;
    struct message_writer m = rewrite(s, d);
    put_offer(s, &m);
    message_put_ke(&m, DH_MODP_2048, (struct octets){value, sizeof value});
    put_nonce(&m, 32);
    finish(d, &m);
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

static void sa_without_proposals(struct stage *s, struct draft *d)
{
    struct message_writer m = rewrite(s, d);
    message_begin_payload(&m, PAYLOAD_SA);
    message_end_payload(&m);
    put_ke(&m, DH_MODP_2048, 256);
    put_nonce(&m, 32);
    finish(d, &m);
}

/* An SA payload made by hand from octets. */
static void put_raw_sa(struct message_writer *m, const uint8_t *at, size_t length)
{
    message_begin_payload(m, PAYLOAD_SA);
    writer_put(&m->w, at, length);
    message_end_payload(m);
}

static void raw_sa(struct stage *s, struct draft *d, const uint8_t *at, size_t length)
{
    struct message_writer m = rewrite(s, d);
    put_raw_sa(&m, at, length);
    put_ke(&m, DH_MODP_2048, 256);
    put_nonce(&m, 32);
    finish(d, &m);
}

static void proposal_length_zero(struct stage *s, struct draft *d)
{
    static const uint8_t sa[] = {0, 0, 0, 0, 1, 1, 0, 0};
    raw_sa(s, d, sa, sizeof sa);
}

static void proposal_longer_than_payload(struct stage *s, struct draft *d)
{
    static const uint8_t sa[] = {0, 0, 1, 0, 1, 1, 0, 0};
    raw_sa(s, d, sa, sizeof sa);
}

static void proposal_without_transforms(struct stage *s, struct draft *d)
{
    static const uint8_t sa[] = {0, 0, 0, 8, 1, 1, 0, 0};
    raw_sa(s, d, sa, sizeof sa);
}

static void transform_count_lies(struct stage *s, struct draft *d)
{
    static const uint8_t sa[] = {0, 0, 0, 16, 1, 1, 0, 9, 0, 0, 0, 8, 1, 0, 0, 12};
    raw_sa(s, d, sa, sizeof sa);
}

static void attribute_overruns(struct stage *s, struct draft *d)
{
    static const uint8_t sa[] = {0, 0, 0, 20, 1, 1, 0, 1, 0, 0, 0, 12, 1, 0, 0, 12, 0, 14, 0xff, 0xff};
    raw_sa(s, d, sa, sizeof sa);
}

static void aes_without_key_length(struct stage *s, struct draft *d)
{
    static const uint8_t sa[] = {0, 0, 0, 40, 1, 1, 0, 4, 3, 0, 0, 8,  1, 0, 0, 12, 3, 0, 0, 8,
                                 2, 0, 0, 5,  3, 0, 0, 8, 3, 0, 0, 12, 0, 0, 0, 8,  4, 0, 0, 14};
    raw_sa(s, d, sa, sizeof sa);
}

static void unknown_transform_type(struct stage *s, struct draft *d)
{
    static const uint8_t sa[] = {0, 0,   0, 52, 1, 1, 0, 5,  3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14,
                                 0, 128, 3, 0,  0, 8, 2, 0,  0, 5, 3, 0,  0, 8, 3, 0,  0,    12,
                                 3, 0,   0, 8,  4, 0, 0, 14, 0, 0, 0, 8,  9, 0, 0, 1};
    raw_sa(s, d, sa, sizeof sa);
}

static void three_hundred_proposals(struct stage *s, struct draft *d)
{
    struct message_writer m = rewrite(s, d);
    message_begin_payload(&m, PAYLOAD_SA);
    for (int i = 0; i < 300; i++) {
        const uint8_t proposal[] = {i < 299 ? 2 : 0, 0, 0, 8, (uint8_t)(i + 1), PROTOCOL_AH, 0, 0};
        writer_put(&m.w, proposal, sizeof proposal);
    }
    message_end_payload(&m);
    put_ke(&m, DH_MODP_2048, 256);
    put_nonce(&m, 32);
    finish(d, &m);
}

static void sixty_five_vendor_ids(struct stage *s, struct draft *d)
{
    struct message_writer m = rewrite(s, d);
    for (int i = 0; i < 65; i++) {
        message_begin_payload(&m, PAYLOAD_VENDOR);
        message_end_payload(&m);
    }
    puppet_put_init_payloads(s->p, &m);
    finish(d, &m);
}

static void from_a_stranger(struct stage *s, struct draft *d)
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
    {"an SA payload without proposals", "3.3", sa_without_proposals, SILENCE, IKE_COUNT_MALFORMED},
    {"a proposal of length 0", "3.3.1", proposal_length_zero, SILENCE, IKE_COUNT_MALFORMED},
    {"a proposal longer than its payload", "3.3.1", proposal_longer_than_payload, SILENCE,
     IKE_COUNT_MALFORMED},
    {"a proposal without transforms", "3.3.3", proposal_without_transforms, NOTIFY_NO_PROPOSAL_CHOSEN,
     NO_COUNTER},
    {"a transform count that lies", "3.3.1", transform_count_lies, SILENCE, IKE_COUNT_MALFORMED},
    {"an attribute longer than its transform", "3.3.5", attribute_overruns, SILENCE, IKE_COUNT_MALFORMED},
    {"AES without a key length", "3.3.5", aes_without_key_length, NOTIFY_NO_PROPOSAL_CHOSEN, NO_COUNTER},
    {"a transform type that nobody knows", "3.3.6", unknown_transform_type, NOTIFY_NO_PROPOSAL_CHOSEN,
     NO_COUNTER},
    {"300 proposals for AH", "3.3", three_hundred_proposals, NOTIFY_NO_PROPOSAL_CHOSEN, NO_COUNTER},
    {"65 vendor IDs", "3.2", sixty_five_vendor_ids, SILENCE, IKE_COUNT_MALFORMED},
    {"a peer that no tunnel names", "S22", from_a_stranger, SILENCE, IKE_COUNT_NO_TUNNEL},
    {"an exchange type that nobody knows", "2.21.4", unknown_exchange, SILENCE, IKE_COUNT_UNKNOWN_SPI},
    {"IKE_AUTH for no IKE SA", "2.21.4", auth_for_no_sa, NOTIFY_INVALID_IKE_SPI, IKE_COUNT_UNKNOWN_SPI},
};

static void check_init_case(const struct init_case *c)
{
    struct stage s = stage_set();
    struct draft d;
    struct message_writer m = puppet_begin_init(s.p, d.at, sizeof d.at);
    puppet_put_init_payloads(s.p, &m);
    d.length = message_finish(&m).length;
    c->spoil(&s, &d);

    puppet_send(s.p, d.at, d.length);

    uint16_t answer = puppet_reply_notify(s.p);
    if (answer != c->answer || (c->answer == SILENCE && s.p->reply_count > 0))
        fail_msg("%s (%s): answered with notify %u (%zu replies), not %u", c->name, c->section, answer,
                 s.p->reply_count, c->answer);
    if (c->counted != NO_COUNTER && stage_counter(&s, c->counted) != 1)
        fail_msg("%s (%s): counter %d is %lu, not 1", c->name, c->section, c->counted,
                 (unsigned long)stage_counter(&s, c->counted));
    if (gateway_record_count(s.b) != 0)
        fail_msg("%s (%s): left state behind", c->name, c->section);
    stage_strike(&s);
}

static void odd_first_messages_leave_no_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof init_cases / sizeof *init_cases; i++)
        check_init_case(&init_cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_first_messages_leave_no_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
