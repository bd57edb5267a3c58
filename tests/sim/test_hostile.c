/*
 * Hostile and odd messages: each row of the tables is one, with the section of RFC 7296 that says what is to
 * happen, and what must be seen: an answer or silence, a counter, and in no case state that stays.
 */
#include "puppet.h"

#include "ike/engine.h"
#include "ike/selectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NO_COUNTER IKE_COUNTER_COUNT

enum { SILENCE = 0 };

/* One gateway, B, with a tunnel to the puppet's address. */
struct stage {
    struct world *w;
    struct gateway *b;
    struct puppet *p;
};

static struct stage stage_set(void)
{
    struct stage s = {.w = world_new(5)};
    s.b = world_add_gateway(s.w, "B", "10.2.0.1");
    const struct tunnel_policy policy = world_default_policy(0, "10.1.0.1", "site2", "site1");
    gateway_set_tunnel(s.b, &policy, "secret2", "secret1");
    s.p = puppet_new(s.w, s.b, "10.1.0.1");
    return s;
}

static void stage_strike(struct stage *s)
{
    puppet_free(s->p);
    world_free(s->w);
}

static uint64_t counter(const struct stage *s, enum ike_counter c)
{
    return ike_engine_counters(gateway_engine(s->b))[c];
}

/* ---- IKE_SA_INIT, and what comes instead of it -------------------------------------------------------- */

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

static const uint8_t some_octets[512] = {0x42};

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
    {"IKE_AUTH for no IKE SA", "2.21.4", auth_for_no_sa, SILENCE, IKE_COUNT_UNKNOWN_SPI},
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
    if (c->counted != NO_COUNTER && counter(&s, c->counted) != 1)
        fail_msg("%s (%s): counter %d is %lu, not 1", c->name, c->section, c->counted,
                 (unsigned long)counter(&s, c->counted));
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

/* ---- Protected messages ------------------------------------------------------------------------------ */

struct sealed_case {
    const char *name;
    const char *section;
    bool after_auth; /* the IKE SA is up; else IKE_AUTH is due */
    void (*send)(struct stage *s);
    uint16_t answer;
    bool survives; /* the IKE SA is still there */
};

static uint8_t chain_octets[32768];

static struct message_writer inner(void)
{
    return message_begin_inner(chain_octets, sizeof chain_octets);
}

static void send_inner(struct stage *s, uint8_t exchange, uint32_t id, struct message_writer *m)
{
    const struct ike_header header = puppet_header(s->p, exchange, id);
    puppet_send_sealed(s->p, &header, m);
}

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
    chain_octets[1] = 0x80;
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
    store_u16be(chain_octets + 2, 200);
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
    assert_int_equal(counter(s, IKE_COUNT_INTEGRITY), 1);
}

static void in_the_clear(struct stage *s)
{
    const struct ike_header header = puppet_header(s->p, EXCHANGE_INFORMATIONAL, 2);
    struct message_writer m = message_begin(chain_octets, sizeof chain_octets, &header);
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    struct octets message = message_finish(&m);
    puppet_send(s->p, message.at, message.length);
}

static void sk_too_short(struct stage *s)
{
    const struct ike_header header = puppet_header(s->p, EXCHANGE_INFORMATIONAL, 2);
    struct message_writer m = message_begin(chain_octets, sizeof chain_octets, &header);
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
    assert_int_equal(counter(s, IKE_COUNT_UNKNOWN_SPI), 1);
}

static void reflected_direction(struct stage *s)
{
    struct message_writer m = inner();
    message_put_delete(&m, PROTOCOL_IKE, NULL, 0);
    struct ike_header header = puppet_header(s->p, EXCHANGE_INFORMATIONAL, 2);
    header.flags = 0; /* as if we were the responder */
    puppet_send_sealed(s->p, &header, &m);
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
    {"INFORMATIONAL before IKE_AUTH", "1.4", false, informational_before_auth, NOTIFY_INVALID_SYNTAX, true},
    {"IKE_AUTH again", "1.2", true, auth_after_auth, NOTIFY_INVALID_SYNTAX, true},
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
    {"an exchange type that nobody knows", "3.1", true, unknown_exchange_inside, NOTIFY_INVALID_SYNTAX, true},
    {"a wrong ICV", "2.4", true, corrupted_icv, SILENCE, true},
    {"DELETE in the clear", "2.4", true, in_the_clear, SILENCE, true},
    {"an SK payload that is too short", "3.14", true, sk_too_short, SILENCE, true},
    {"a wrong initiator's SPI", "2.6", true, wrong_spi, SILENCE, true},
    {"a message with the wrong direction", "3.1", true, reflected_direction, SILENCE, true},
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

/* ---- Repetition, mutation, exhaustion ----------------------------------------------------------------- */

static void repeated_requests_get_the_same_octets_again(void **state)
{
    (void)state;
    struct stage s = stage_set();
    assert_true(puppet_do_init(s.p));
    uint8_t first[2048];
    size_t length = s.p->reply_length;
    memcpy(first, s.p->reply, length);

    puppet_send(s.p, s.p->request, s.p->request_length);

    assert_int_equal(s.p->reply_length, length);
    assert_memory_equal(s.p->reply, first, length);
    assert_int_equal(counter(&s, IKE_COUNT_REPLAYED), 1);
    assert_int_equal(gateway_record_count(s.b), 1);
    stage_strike(&s);
}

/* Sends a proper IKE_SA_INIT with SPI `spi_i`, and again with the cookie if one is demanded. */
static void knock(struct stage *s, uint64_t spi_i, bool with_cookie)
{
    uint8_t at[2048];
    s->p->spi_i = spi_i;
    struct message_writer m = puppet_begin_init(s->p, at, sizeof at);
    puppet_put_init_payloads(s->p, &m);
    s->p->reply_length = 0;
    gateway_receive(s->b, &s->p->address, message_finish(&m));
    if (!with_cookie || puppet_reply_notify(s->p) != NOTIFY_COOKIE)
        return;
    uint8_t cookie[64];
    struct octets content = ike_message_notify(&s->p->message, NOTIFY_COOKIE)->content;
    memcpy(cookie, content.at, content.length);
    m = puppet_begin_init(s->p, at, sizeof at);
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, NOTIFY_COOKIE,
                       (struct octets){cookie, content.length});
    puppet_put_init_payloads(s->p, &m);
    gateway_receive(s->b, &s->p->address, message_finish(&m));
}

static void R16_under_load_a_cookie_is_demanded_and_no_state_kept(void **state)
{
    (void)state;
    struct stage s = stage_set();
    for (uint32_t i = 0; i < 500; i++)
        knock(&s, 1 + i, false);
    world_run(s.w, 100);
    assert_int_equal(gateway_record_count(s.b), 32);
    assert_int_equal(counter(&s, IKE_COUNT_COOKIES), 500 - 32);

    knock(&s, 1000, true);
    world_run(s.w, 100);

    assert_int_equal(gateway_record_count(s.b), 33);
    stage_strike(&s);
}

static void R16_an_initiator_sends_the_cookie_along(void **state)
{
    (void)state;
    struct stage s = stage_set();
    for (uint32_t i = 0; i < 40; i++)
        knock(&s, 1 + i, false);
    puppet_free(s.p);
    struct gateway *a = world_add_gateway(s.w, "A", "10.1.0.1");
    const struct tunnel_policy policy = world_default_policy(1, "10.2.0.1", "site1", "site2");
    gateway_set_tunnel(a, &policy, "secret1", "secret2");

    gateway_packet_waits(a, 1);
    world_run(s.w, 2000);

    assert_true(world_tunnel_carries(a, 1, s.b, 0));
    assert_true(gateway_log_has(a, "the peer asks for a cookie"));
    world_free(s.w);
}

static void half_open_sas_are_bounded_and_time_out(void **state)
{
    (void)state;
    struct stage s = stage_set();
    for (uint32_t i = 0; i < HALF_OPEN_MAX + 50; i++)
        knock(&s, 1 + i, true);
    world_run(s.w, 100);

    assert_int_equal(gateway_record_count(s.b), HALF_OPEN_MAX);
    assert_int_equal(counter(&s, IKE_COUNT_HALF_OPEN_LIMIT), 50);
    world_run(s.w, 60000);
    assert_int_equal(gateway_record_count(s.b), 0);
    stage_strike(&s);
}

/* Every message of a negotiation, mutated at random: nothing may crash, and the SA stands when it is over. */
static void mutated_messages_do_no_harm(void **state)
{
    (void)state;
    struct stage s = stage_set();
    assert_true(puppet_do_init(s.p));
    assert_true(puppet_do_auth(s.p, "site1", "site2", "secret1"));
    srandom(1);
    for (int i = 0; i < 20000; i++) {
        uint8_t copy[2048];
        size_t length = s.p->request_length;
        memcpy(copy, s.p->request, length);
        for (long n = random() % 8; n >= 0; n--)
            copy[(size_t)random() % length] = (uint8_t)random();
        if (random() % 4 == 0)
            length = (size_t)random() % (length + 1);
        if (random() % 2 && length >= IKE_HEADER_SIZE)
            store_u32be(copy + 24, (uint32_t)length);
        gateway_receive(s.b, &s.p->address, (struct octets){copy, length});
    }
    world_run(s.w, 60000);

    assert_int_equal(gateway_record_count(s.b), 1);
    assert_int_equal(gateway_child_count(s.b, 0), 1);
    stage_strike(&s);
}

/* The same inside of the protection, where an authenticated but mad peer speaks. */
static void mad_payloads_do_no_harm(void **state)
{
    (void)state;
    srandom(2);
    for (int i = 0; i < 3000; i++) {
        struct stage s = stage_set();
        assert_true(puppet_do_init(s.p));
        struct message_writer m = inner();
        put_auth(&s, &m, "site1", "secret1");
        size_t length = writer_length(&m.w);
        for (long n = random() % 6; n >= 0; n--)
            chain_octets[(size_t)random() % length] = (uint8_t)random();
        send_inner(&s, EXCHANGE_IKE_AUTH, 1, &m);
        stage_strike(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_first_messages_leave_no_state),
        cmocka_unit_test(odd_protected_messages_get_the_right_answer),
        cmocka_unit_test(repeated_requests_get_the_same_octets_again),
        cmocka_unit_test(R16_under_load_a_cookie_is_demanded_and_no_state_kept),
        cmocka_unit_test(R16_an_initiator_sends_the_cookie_along),
        cmocka_unit_test(half_open_sas_are_bounded_and_time_out),
        cmocka_unit_test(mutated_messages_do_no_harm),
        cmocka_unit_test(mad_payloads_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
