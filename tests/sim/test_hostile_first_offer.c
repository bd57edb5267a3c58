/* Hostile and odd SA payloads in first messages: proposals, transforms, attributes (RFC 7296 3.3). */
#include "hostile_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void sa_without_proposals(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    message_begin_payload(&m, PAYLOAD_SA);
    message_end_payload(&m);
    put_ke_of(&m, KE_MODP_2048, 256);
    put_nonce_of(&m, 32);
    draft_finish(d, &m);
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
    struct message_writer m = draft_rewrite(s, d);
    put_raw_sa(&m, at, length);
    put_ke_of(&m, KE_MODP_2048, 256);
    put_nonce_of(&m, 32);
    draft_finish(d, &m);
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
    struct message_writer m = draft_rewrite(s, d);
    message_begin_payload(&m, PAYLOAD_SA);
    for (int i = 0; i < 300; i++) {
        const uint8_t proposal[] = {i < 299 ? 2 : 0, 0, 0, 8, (uint8_t)(i + 1), PROTOCOL_AH, 0, 0};
        writer_put(&m.w, proposal, sizeof proposal);
    }
    message_end_payload(&m);
    put_ke_of(&m, KE_MODP_2048, 256);
    put_nonce_of(&m, 32);
    draft_finish(d, &m);
}

/* ---- A proper proposal, spoilt in one place ------------------------------------------------------------ */

/* AES-CBC-128, HMAC-SHA2-256 as PRF and integrity, MODP-2048: what the KE is of. */
static const uint8_t good[] = {0, 0, 0, 44, 1, 1, 0, 4, 3, 0, 0, 12, 1, 0,  0, 12, 0x80, 14, 0, 128, 3, 0,
                               0, 8, 2, 0,  0, 5, 3, 0, 0, 8, 3, 0,  0, 12, 0, 0,  0,    8,  4, 0,   0, 14};
enum {
    MORE_PROPOSALS_AT = 0,
    PROPOSAL_RESERVED_AT = 1,
    SPI_SIZE_AT = 6,
    MORE_TRANSFORMS_AT = 8,
    TRANSFORM_RESERVED_AT = 9,
    TRANSFORM_LENGTH_AT = 11,
    TRANSFORM_RESERVED_2_AT = 13,
    ATTRIBUTE_AT = 16,
};

static void spoilt(struct stage *s, struct draft *d, size_t at, uint8_t value)
{
    uint8_t sa[sizeof good];
    memcpy(sa, good, sizeof sa);
    sa[at] = value;
    raw_sa(s, d, sa, sizeof sa);
}

static void more_proposals_than_there_are(struct stage *s, struct draft *d)
{
    spoilt(s, d, MORE_PROPOSALS_AT, 2);
}

static void more_proposals_by_another_number(struct stage *s, struct draft *d)
{
    spoilt(s, d, MORE_PROPOSALS_AT, 7);
}

static void fewer_transforms_than_there_are(struct stage *s, struct draft *d)
{
    spoilt(s, d, MORE_TRANSFORMS_AT, 0);
}

static void transform_of_length_7(struct stage *s, struct draft *d)
{
    spoilt(s, d, TRANSFORM_LENGTH_AT, 7);
}

static void spi_that_overruns(struct stage *s, struct draft *d)
{
    spoilt(s, d, SPI_SIZE_AT, 255);
}

static void another_attribute(struct stage *s, struct draft *d)
{
    spoilt(s, d, ATTRIBUTE_AT + 1, 99);
}

/* Type 14 with a length in place of a value; 128 octets are not there. */
static void key_length_of_variable_length(struct stage *s, struct draft *d)
{
    spoilt(s, d, ATTRIBUTE_AT, 0);
}

static void reserved_octets(struct stage *s, struct draft *d)
{
    uint8_t sa[sizeof good];
    memcpy(sa, good, sizeof sa);
    sa[PROPOSAL_RESERVED_AT] = sa[TRANSFORM_RESERVED_AT] = sa[TRANSFORM_RESERVED_2_AT] = 0xff;
    raw_sa(s, d, sa, sizeof sa);
}

static void two_proposals_of_which_the_first_says_it_is_last(struct stage *s, struct draft *d)
{
    uint8_t sa[2 * sizeof good];
    memcpy(sa, good, sizeof good);
    memcpy(sa + sizeof good, good, sizeof good);
    raw_sa(s, d, sa, sizeof sa);
}

static void spi_of_8(struct stage *s, struct draft *d)
{
    struct message_writer m = draft_rewrite(s, d);
    proposal_put_choice(&m, PROTOCOL_IKE, 1, (struct octets){some_octets, 8}, &s->p->suite);
    put_ke_of(&m, KE_MODP_2048, 256);
    put_nonce_of(&m, 32);
    draft_finish(d, &m);
}

static void key_length_twice(struct stage *s, struct draft *d)
{
    static const uint8_t sa[] = {0,    0,  0, 48,  1,    1,  0, 4,   3, 0, 0, 16, 1, 0, 0, 12,
                                 0x80, 14, 0, 128, 0x80, 14, 0, 128, 3, 0, 0, 8,  2, 0, 0, 5,
                                 3,    0,  0, 8,   3,    0,  0, 12,  0, 0, 0, 8,  4, 0, 0, 14};
    raw_sa(s, d, sa, sizeof sa);
}

static void key_length_of_a_prf(struct stage *s, struct draft *d)
{
    static const uint8_t sa[] = {0,    0,  0, 48,  1, 1, 0, 4,  3, 0, 0, 12, 1,    0,  0, 12,
                                 0x80, 14, 0, 128, 3, 0, 0, 12, 2, 0, 0, 5,  0x80, 14, 1, 0,
                                 3,    0,  0, 8,   3, 0, 0, 12, 0, 0, 0, 8,  4,    0,  0, 14};
    raw_sa(s, d, sa, sizeof sa);
}

/* `count` proposals that cannot be used, of some protocol, and then the good one. */
static void bad_proposals_and_a_good_one(struct stage *s, struct draft *d, int count)
{
    static const uint8_t bad[] = {2, 0, 0, 16, 1, PROTOCOL_IKE, 0, 1, 0, 0, 0, 8, 9, 0, 0, 1};
    struct message_writer m = draft_rewrite(s, d);
    message_begin_payload(&m, PAYLOAD_SA);
    for (int i = 0; i < count; i++)
        writer_put(&m.w, bad, sizeof bad);
    writer_put(&m.w, good, sizeof good);
    message_end_payload(&m);
    put_ke_of(&m, KE_MODP_2048, 256);
    put_nonce_of(&m, 32);
    draft_finish(d, &m);
}

static void one_bad_and_a_good_one(struct stage *s, struct draft *d)
{
    bad_proposals_and_a_good_one(s, d, 1);
}

static void three_hundred_bad_and_a_good_one(struct stage *s, struct draft *d)
{
    bad_proposals_and_a_good_one(s, d, 300);
}

/* As many transforms as a proposal can have, the good ones last. */
static void two_hundred_and_fifty_five_transforms(struct stage *s, struct draft *d)
{
    enum { OTHERS = 251, OTHER_SIZE = 8, PROPOSAL_HEADER = 8 };
    static const uint8_t other[OTHER_SIZE] = {3, 0, 0, OTHER_SIZE, 4, 0, 0, 31};
    uint8_t header[PROPOSAL_HEADER];
    memcpy(header, good, sizeof header);
    store_u16be(header + 2, (uint16_t)(sizeof good + OTHERS * OTHER_SIZE));
    header[7] = OTHERS + 4;
    struct message_writer m = draft_rewrite(s, d);
    message_begin_payload(&m, PAYLOAD_SA);
    writer_put(&m.w, header, sizeof header);
    for (int i = 0; i < OTHERS; i++)
        writer_put(&m.w, other, sizeof other);
    writer_put(&m.w, good + PROPOSAL_HEADER, sizeof good - PROPOSAL_HEADER);
    message_end_payload(&m);
    put_ke_of(&m, KE_MODP_2048, 256);
    put_nonce_of(&m, 32);
    draft_finish(d, &m);
}

static const struct init_case offer_cases[] = {
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
    {"300 proposals of which the last can be used", "3.3", three_hundred_bad_and_a_good_one, ANSWERED,
     NO_COUNTER},
    {"a proposal that cannot be used before one that can", "3.3.6", one_bad_and_a_good_one, ANSWERED,
     NO_COUNTER},
    {"255 transforms", "3.3.1", two_hundred_and_fifty_five_transforms, ANSWERED, NO_COUNTER},
    {"reserved octets that are not zero", "3.3.1", reserved_octets, ANSWERED, NO_COUNTER},
    {"a last proposal that says that another follows", "3.3.1", more_proposals_than_there_are, SILENCE,
     IKE_COUNT_MALFORMED},
    {"a proposal that says by a wrong number that another follows", "3.3.1", more_proposals_by_another_number,
     SILENCE, IKE_COUNT_MALFORMED},
    {"a proposal that says that it is the last, and is not", "3.3.1",
     two_proposals_of_which_the_first_says_it_is_last, SILENCE, IKE_COUNT_MALFORMED},
    {"a transform that says that it is the last, and is not", "3.3.2", fewer_transforms_than_there_are,
     SILENCE, IKE_COUNT_MALFORMED},
    {"a transform of length 7", "3.3.2", transform_of_length_7, SILENCE, IKE_COUNT_MALFORMED},
    {"an SPI longer than its proposal", "3.3.1", spi_that_overruns, SILENCE, IKE_COUNT_MALFORMED},
    {"an SPI in the first exchange", "3.3.1", spi_of_8, NOTIFY_NO_PROPOSAL_CHOSEN, NO_COUNTER},
    {"an attribute that nobody knows", "3.3.6", another_attribute, NOTIFY_NO_PROPOSAL_CHOSEN, NO_COUNTER},
    {"a key length twice", "3.3.5", key_length_twice, NOTIFY_NO_PROPOSAL_CHOSEN, NO_COUNTER},
    {"a key length of a PRF that has none", "3.3.5", key_length_of_a_prf, NOTIFY_NO_PROPOSAL_CHOSEN,
     NO_COUNTER},
    {"a key length in the form of variable length", "3.3.5", key_length_of_variable_length, SILENCE,
     IKE_COUNT_MALFORMED},
};

static void S9_unusual_proposals_in_first_messages_get_the_right_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof offer_cases / sizeof *offer_cases; i++)
        check_init_case(&offer_cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S9_unusual_proposals_in_first_messages_get_the_right_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
