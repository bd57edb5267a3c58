/* ike/proposal_text.h: S34, what a peer offers and what is accepted, as the log has it. */
#include "ike/wire/proposal_text.h"

#include "payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void assert_policy(const struct proposal_policy *policy, const char *expected)
{
    char text[POLICY_TEXT_SIZE];
    assert_string_equal(proposal_policy_format(policy, text), expected);
}

static void S34_a_policy_is_told_in_words_of_the_command_language(void **state)
{
    (void)state;
    const struct ike_algorithms some = {1U << 0 | 1U << 5, 1U << 3, 1U << 2, 1U << 0 | 1U << 4};
    const struct ike_algorithms aead = {1U << 0 | 1U << 1, 1U << 3, 1U << 2, 1U << 1};
    struct proposal_policy policy = proposal_policy_of_ike(&some);
    assert_policy(&policy, "enc aes-gcm-256 3des, integrity sha1, prf sha2-256, dh 3072-bit 768-bit");
    policy = proposal_policy_of_ike(&aead); /* which ask for no integrity algorithm */
    assert_policy(&policy, "enc aes-gcm-256 aes-gcm-128, prf sha2-256, dh 2048-bit");
}

static void S34_a_policy_of_all_there_is_fits(void **state)
{
    (void)state;
    const struct ike_algorithms all = {ALGORITHM_SET_ALL(ENCRYPTION_COUNT),
                                       ALGORITHM_SET_ALL(INTEGRITY_COUNT), ALGORITHM_SET_ALL(PRF_COUNT),
                                       ALGORITHM_SET_ALL(KEY_EXCHANGE_COUNT)};
    const struct proposal_policy policy = proposal_policy_of_ike(&all);
    assert_policy(
        &policy, "enc aes-gcm-256 aes-gcm-128 aes-cbc-256 aes-cbc-192 aes-cbc-128 3des, integrity sha2-512 "
                 "sha2-384 sha2-256 sha1, prf sha2-512 sha2-384 sha2-256 sha1, dh 3072-bit 2048-bit 1536-bit "
                 "1024-bit 768-bit");
}

static void S11_pfs_is_told_as_child_pfs_has_it(void **state)
{
    (void)state;
    struct child_algorithms some = {1U << 4, 1U << 2, 1U << 1 | 1U << 2, true};
    struct proposal_policy policy = proposal_policy_of_child(&some, false);
    assert_policy(&policy, "enc aes-cbc-128, integrity sha2-256, pfs 2048-bit 1536-bit off");
    some.pfs_none = false;
    policy = proposal_policy_of_child(&some, false);
    assert_policy(&policy, "enc aes-cbc-128, integrity sha2-256, pfs 2048-bit 1536-bit");
    some.pfs = 0;
    policy = proposal_policy_of_child(&some, false);
    assert_policy(&policy, "enc aes-cbc-128, integrity sha2-256, pfs off");
    policy = proposal_policy_of_child(&some, true);
    assert_policy(&policy, "enc aes-cbc-128, integrity sha2-256");
}

/* ---- Offers ------------------------------------------------------------------------------------------ */

/* What an SA payload offers to somebody who accepts all algorithms, for IKE or for a Child SA. */
static void assert_offer(const uint8_t *sa, size_t length, bool child, const char *expected)
{
    static struct parsed_payload p;
    static const struct ike_algorithms ike = {0x3f, 0xf, 0xf, 0x1f};
    static const struct child_algorithms esp = {0x3f, 0xf, 0x1f, true};
    const struct proposal_policy accepted =
        child ? proposal_policy_of_child(&esp, false) : proposal_policy_of_ike(&ike);
    char text[OFFER_TEXT_SIZE];
    const struct ike_payload *payload = payload_of(&p, PAYLOAD_SA, sa, length);
    assert_string_equal(proposal_offer_format(payload, &accepted, child ? 4 : 0, text), expected);
}

#define ASSERT_IKE_OFFER(sa, expected)   assert_offer(sa, sizeof(sa), false, expected)
#define ASSERT_CHILD_OFFER(sa, expected) assert_offer(sa, sizeof(sa), true, expected)

static void S34_each_proposal_is_told(void **state)
{
    (void)state;
    static struct parsed_payload p;
    const struct ike_algorithms some = {1U << 0 | 1U << 2 | 1U << 5, 1U << 0, 1U << 2, 1U << 1};
    const struct proposal_policy policy = proposal_policy_of_ike(&some);
    char text[OFFER_TEXT_SIZE];
    struct message_writer m = payload_begin(&p);
    proposal_put_all(&m, &policy, (struct octets){NULL, 0});

    assert_string_equal(
        proposal_offer_format(payload_parse(&p, &m), &policy, 0, text),
        "enc aes-gcm-256, prf sha2-256, dh 2048-bit or enc aes-cbc-256 3des, integrity sha2-512, prf "
        "sha2-256, dh 2048-bit");
}

static void S34_what_is_not_known_here_is_told_by_number_and_name(void **state)
{
    (void)state;
    static const uint8_t mixed[] = {0, 0, 0, 48, 1, 1, 0, 5,  3, 0, 0, 8, 1, 0, 0, 3,
                                    3, 0, 0, 8,  1, 0, 0, 28, 3, 0, 0, 8, 4, 0, 0, 2,
                                    3, 0, 0, 8,  4, 0, 0, 19, 0, 0, 0, 8, 4, 0, 3, 0xe8};
    ASSERT_IKE_OFFER(mixed,
                     "enc 3des, dh 1024-bit and (not supported here) enc 28 (ChaCha20-Poly1305), dh 19 "
                     "(ECP-256) 1000");
    static const uint8_t unknown_alone[] = {0, 0, 0, 16, 1, 1, 0, 1, 0, 0, 0, 8, 3, 0, 0, 5};
    ASSERT_IKE_OFFER(unknown_alone, "(not supported here) integrity 5 (AES-XCBC-96)");
    static const uint8_t key_lengths[] = {0,  0,    0,  44, 1, 1,  0, 3, 3,  0,  0,    12, 1, 0,    0,
                                          23, 0x80, 14, 1,  0, 3,  0, 0, 12, 1,  0,    4,  0, 0x80, 14,
                                          0,  64,   0,  0,  0, 12, 1, 0, 0,  12, 0x80, 14, 2, 0};
    ASSERT_IKE_OFFER(key_lengths,
                     "(not supported here) enc 23 (Camellia-CBC, 256-bit) 1024 (64-bit) 12 (AES-CBC, "
                     "512-bit)");
    static const uint8_t no_key_length[] = {0, 0, 0, 16, 1, 1, 0, 1, 0, 0, 0, 8, 1, 0, 0, 20};
    ASSERT_IKE_OFFER(no_key_length, "(not supported here) enc 20 (AES-GCM-16, no key length)");
    static const uint8_t other_types[] = {0, 0, 0, 24, 1, 1, 0, 2, 3,   0, 0, 8,
                                          6, 0, 0, 36, 0, 0, 0, 8, 240, 0, 0, 1};
    ASSERT_IKE_OFFER(other_types,
                     "(not supported here) additional dh 36 (ML-KEM-768), transform type 240: 1");
    static const uint8_t nothing[] = {0, 0, 0, 8, 1, 1, 0, 0};
    ASSERT_IKE_OFFER(nothing, "nothing");
}

static void R17_extended_sequence_numbers_are_told_where_there_is_no_choice(void **state)
{
    (void)state;
    static const uint8_t alone[] = {0, 0, 0, 28, 1, 3, 4, 2, 0xc0, 0, 0, 2, 3, 0,
                                    0, 8, 1, 0,  0, 3, 0, 0, 0,    8, 5, 0, 0, 1};
    static const uint8_t or_not[] = {0, 0, 0, 36, 1, 3, 4, 3, 0xc0, 0, 0, 2, 3, 0, 0, 8, 1, 0,
                                     0, 3, 3, 0,  0, 8, 5, 0, 0,    1, 0, 0, 0, 8, 5, 0, 0, 0};
    ASSERT_CHILD_OFFER(alone, "enc 3des, pfs off and (not supported here) esn 1 (extended sequence numbers)");
    ASSERT_CHILD_OFFER(or_not, "enc 3des, pfs off");
}

static void S34_another_protocol_and_another_spi_are_told(void **state)
{
    (void)state;
    static const uint8_t ah[] = {0, 0, 0, 20, 1, 2, 4, 1, 0xc0, 0, 0, 2, 0, 0, 0, 8, 3, 0, 0, 2};
    ASSERT_CHILD_OFFER(ah, "AH (not supported here) integrity sha1");
    static const uint8_t other[] = {0, 0, 0, 20, 1, 9, 4, 1, 0xc0, 0, 0, 2, 0, 0, 0, 8, 3, 0, 0, 2};
    ASSERT_CHILD_OFFER(other, "protocol 9 integrity sha1");
    static const uint8_t spi_of_2[] = {0, 0, 0, 18, 1, 3, 2, 1, 0xc0, 0, 0, 0, 0, 8, 1, 0, 0, 3};
    ASSERT_CHILD_OFFER(spi_of_2, "enc 3des, pfs off with an SPI of 2 octets");
}

/* A peer may offer what it likes; the text stays within its size, and the number of proposals is told. */
static void S34_offers_without_end_are_cut_off(void **state)
{
    (void)state;
    static uint8_t many[300 * 16];
    for (size_t i = 0; i < 300; i++) {
        const uint8_t proposal[16] = {i < 299 ? 2 : 0, 0, 0, 16, 1, 1, 0, 1, 0, 0, 0, 8, 1, 0, 0, 3};
        memcpy(many + i * sizeof proposal, proposal, sizeof proposal);
    }
    ASSERT_IKE_OFFER(
        many, "enc 3des or enc 3des or enc 3des or enc 3des or enc 3des or enc 3des or enc 3des or enc "
              "3des or 292 more");

    static uint8_t wide[8 + 255 * 8] = {0, 0, 0x08, 0x00, 1, 1, 0, 255};
    char text[OFFER_TEXT_SIZE + 64];
    for (size_t i = 0; i < 255; i++) {
        const uint8_t transform[8] = {i < 254 ? 3 : 0, 0, 0, 8, 1, 0, 0x10, (uint8_t)i};
        memcpy(wide + 8 + i * sizeof transform, transform, sizeof transform);
    }
    size_t length = (size_t)sprintf(text, "(not supported here) enc");
    for (unsigned i = 0; i < 16; i++)
        length += (size_t)sprintf(text + length, " %u", 0x1000 + i);
    (void)sprintf(text + length, " and more");
    ASSERT_IKE_OFFER(wide, text);
}

static void S34_a_suite_is_told_by_its_names(void **state)
{
    (void)state;
    const struct ike_suite suite = {&encryption_algorithms[2], &integrity_algorithms[3], &prf_algorithms[3],
                                    &key_exchange_methods[1]};
    const struct ike_suite of_child = {&encryption_algorithms[0], NULL, NULL, NULL};
    char text[SUITE_TEXT_SIZE];
    assert_string_equal(ike_suite_format(&suite, text), "AES-CBC-256/HMAC-SHA1-96/PRF-HMAC-SHA1/MODP-2048");
    assert_string_equal(ike_suite_format(&of_child, text), "AES-GCM-256");
}

/* ---- What is in the way ------------------------------------------------------------------------------ */

static void S34_the_types_that_have_nothing_in_common_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        struct ike_algorithms theirs, ours;
        unsigned gaps;
    } cases[] = {
        {{1, 1, 1, 1}, {2, 1, 1, 1}, 1U << TRANSFORM_ENCR},
        {{4, 1, 1, 1}, {4, 2, 1, 1}, 1U << TRANSFORM_INTEG},
        {{1, 1, 1, 1}, {1, 2, 1, 1}, 0}, /* AES-GCM needs no integrity algorithm: that is no gap */
        {{4, 1, 1, 1}, {4, 1, 6, 1}, 1U << TRANSFORM_PRF},
        {{4, 1, 1, 8}, {4, 1, 2, 7}, 1U << TRANSFORM_PRF | 1U << TRANSFORM_KE},
        {{4, 1, 1, 1}, {7, 3, 3, 3}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct parsed_payload p;
        const struct proposal_policy theirs = proposal_policy_of_ike(&cases[i].theirs);
        const struct proposal_policy ours = proposal_policy_of_ike(&cases[i].ours);
        struct message_writer m = payload_begin(&p);
        proposal_put_all(&m, &theirs, (struct octets){NULL, 0});
        unsigned gaps = proposal_gaps(payload_parse(&p, &m), &ours);
        if (gaps != cases[i].gaps)
            fail_msg("case %zu: gaps 0x%x, not 0x%x", i, gaps, cases[i].gaps);
    }
}

static void S11_a_gap_in_pfs_is_one_only_where_neither_end_does_without(void **state)
{
    (void)state;
    static const struct {
        algorithm_set theirs, ours;
        bool they_do_without, we_do_without;
        unsigned gaps;
    } cases[] = {
        {1, 2, false, false, 1U << TRANSFORM_KE},
        {0, 2, true, false, 1U << TRANSFORM_KE},
        {1, 0, false, true, 1U << TRANSFORM_KE},
        {1, 2, true, true, 0},
        {3, 2, false, false, 0},
        {0, 0, true, true, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct parsed_payload p;
        static const uint8_t spi[4] = {1};
        const struct child_algorithms theirs = {1, 1, cases[i].theirs, cases[i].they_do_without};
        const struct child_algorithms ours = {1, 1, cases[i].ours, cases[i].we_do_without};
        const struct proposal_policy offer = proposal_policy_of_child(&theirs, false);
        const struct proposal_policy accepted = proposal_policy_of_child(&ours, false);
        struct message_writer m = payload_begin(&p);
        proposal_put_all(&m, &offer, (struct octets){spi, sizeof spi});
        unsigned gaps = proposal_gaps(payload_parse(&p, &m), &accepted);
        if (gaps != cases[i].gaps)
            fail_msg("case %zu: gaps 0x%x, not 0x%x", i, gaps, cases[i].gaps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S34_a_policy_is_told_in_words_of_the_command_language),
        cmocka_unit_test(S34_a_policy_of_all_there_is_fits),
        cmocka_unit_test(S11_pfs_is_told_as_child_pfs_has_it),
        cmocka_unit_test(S34_each_proposal_is_told),
        cmocka_unit_test(S34_what_is_not_known_here_is_told_by_number_and_name),
        cmocka_unit_test(R17_extended_sequence_numbers_are_told_where_there_is_no_choice),
        cmocka_unit_test(S34_another_protocol_and_another_spi_are_told),
        cmocka_unit_test(S34_offers_without_end_are_cut_off),
        cmocka_unit_test(S34_a_suite_is_told_by_its_names),
        cmocka_unit_test(S34_the_types_that_have_nothing_in_common_are_told_apart),
        cmocka_unit_test(S11_a_gap_in_pfs_is_one_only_where_neither_end_does_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
