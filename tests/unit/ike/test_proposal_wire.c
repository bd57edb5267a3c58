/* What is proposed, octet by octet (RFC 7296 3.3), and what log texts say of it. */
#include "ike/wire/proposal.h"
#include "payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct octets no_spi = {NULL, 0};
static const uint8_t some_spi[8] = {0xc0, 1, 2, 3, 4, 5, 6, 7};

static struct octets content_of(struct parsed_payload *p, const struct message_writer *m)
{
    const struct ike_payload *sa = payload_parse(p, m);
    assert_non_null(sa);
    assert_int_equal(sa->type, PAYLOAD_SA);
    return sa->content;
}

#define assert_octets(content, expected)                                                                     \
    do {                                                                                                     \
        assert_int_equal((content).length, sizeof(expected));                                                \
        assert_memory_equal((content).at, expected, sizeof(expected));                                       \
    } while (0)

static void S10_an_ike_sa_is_proposed_as_aead_and_others_strongest_first(void **state)
{
    (void)state;
    const struct ike_algorithms some = {1U << 0 | 1U << 2 | 1U << 5, 1U << 0 | 1U << 3, 1U << 2,
                                        1U << 0 | 1U << 4};
    const struct proposal_policy policy = proposal_policy_of_ike(&some);
    static struct parsed_payload p;
    struct message_writer m = payload_begin(&p);
    proposal_put_all(&m, &policy, no_spi);

    static const uint8_t expected[] = {
        2, 0, 0, 44, 1, 1, 0, 4,                               /* proposal 1, IKE, no SPI, 4 transforms */
        3, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 1, 0,              /* AES-GCM-16, 256 bits */
        3, 0, 0, 8,  2, 0, 0, 5,                               /* PRF-HMAC-SHA2-256 */
        3, 0, 0, 8,  4, 0, 0, 15,                              /* MODP-3072 */
        0, 0, 0, 8,  4, 0, 0, 1,                               /* MODP-768 */
        0, 0, 0, 68, 2, 1, 0, 7,                               /* proposal 2, the last */
        3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 1, 0,              /* AES-CBC, 256 bits */
        3, 0, 0, 8,  1, 0, 0, 3,                               /* 3DES, without a key length */
        3, 0, 0, 8,  2, 0, 0, 5,  3,    0,  0, 8, 3, 0, 0, 14, /* PRF; HMAC-SHA2-512-256 */
        3, 0, 0, 8,  3, 0, 0, 2,                               /* HMAC-SHA1-96 */
        3, 0, 0, 8,  4, 0, 0, 15, 0,    0,  0, 8, 4, 0, 0, 1,
    };
    struct octets content = content_of(&p, &m);
    assert_octets(content, expected);
}

static void S11_a_child_sa_in_ike_auth_is_proposed_without_dh(void **state)
{
    (void)state;
    const struct child_algorithms some = {1U << 4, 1U << 2, 1U << 1, true};
    const struct proposal_policy policy = proposal_policy_of_child(&some, true);
    static struct parsed_payload p;
    struct message_writer m = payload_begin(&p);
    proposal_put_all(&m, &policy, (struct octets){some_spi, 4});

    static const uint8_t expected[] = {0,    0,  0, 40,  1, 3, 4, 3, 0xc0, 1, 2, 3,  3, 0, 0, 12, 1, 0, 0, 12,
                                       0x80, 14, 0, 128, 3, 0, 0, 8, 3,    0, 0, 12, 0, 0, 0, 8,  5, 0, 0, 0};
    struct octets content = content_of(&p, &m);
    assert_octets(content, expected);
}

static void S11_a_rekey_proposes_all_groups_and_last_none(void **state)
{
    (void)state;
    const struct child_algorithms some = {1U << 4, 1U << 2, 1U << 0 | 1U << 1, true};
    const struct proposal_policy policy = proposal_policy_of_child(&some, false);
    static struct parsed_payload p;
    struct message_writer m = payload_begin(&p);
    proposal_put_all(&m, &policy, (struct octets){some_spi, 4});

    static const uint8_t expected[] = {0, 0, 0, 64, 1,    3,  4, 6,   0xc0, 1, 2, 3, 3, 0, 0, 12,
                                       1, 0, 0, 12, 0x80, 14, 0, 128, 3,    0, 0, 8, 3, 0, 0, 12,
                                       3, 0, 0, 8,  4,    0,  0, 15,  3,    0, 0, 8, 4, 0, 0, 14,
                                       3, 0, 0, 8,  4,    0,  0, 0,   0,    0, 0, 8, 5, 0, 0, 0};
    struct octets content = content_of(&p, &m);
    assert_octets(content, expected);
}

static void S11_pfs_off_proposes_no_dh_at_all(void **state)
{
    (void)state;
    const struct child_algorithms off = {1U << 4, 1U << 2, 0, true};
    const struct child_algorithms auth = {1U << 4, 1U << 2, 1U << 1, true};
    const struct proposal_policy a = proposal_policy_of_child(&off, false);
    const struct proposal_policy b = proposal_policy_of_child(&auth, true);
    static struct parsed_payload p;
    static struct parsed_payload q;
    struct message_writer m = payload_begin(&p);
    struct message_writer n = payload_begin(&q);
    proposal_put_all(&m, &a, (struct octets){some_spi, 4});
    proposal_put_all(&n, &b, (struct octets){some_spi, 4});

    assert_true(octets_equal(content_of(&p, &m), content_of(&q, &n)));
}

static void S10_an_aead_alone_makes_one_proposal_with_number_1(void **state)
{
    (void)state;
    const struct child_algorithms some = {1U << 1, ALGORITHM_SET_ALL(INTEGRITY_COUNT), 0, true};
    const struct proposal_policy policy = proposal_policy_of_child(&some, false);
    static struct parsed_payload p;
    struct message_writer m = payload_begin(&p);
    proposal_put_all(&m, &policy, (struct octets){some_spi, 4});

    static const uint8_t expected[] = {0, 0, 0, 32, 1,    3,  4, 2,   0xc0, 1, 2, 3, 3, 0, 0, 12,
                                       1, 0, 0, 20, 0x80, 14, 0, 128, 0,    0, 0, 8, 5, 0, 0, 0};
    struct octets content = content_of(&p, &m);
    assert_octets(content, expected);
}

static void RFC7296_3_3_1_an_ike_rekey_is_proposed_with_an_spi_of_8_octets(void **state)
{
    (void)state;
    const struct ike_suite suite = {&encryption_algorithms[0], NULL, &prf_algorithms[0],
                                    &key_exchange_methods[1]};
    static struct parsed_payload p;
    struct message_writer m = payload_begin(&p);
    proposal_put_choice(&m, PROTOCOL_IKE, 7, (struct octets){some_spi, 8}, &suite);

    static const uint8_t expected[] = {0, 0, 0, 44, 7,  1, 8, 3, 0xc0, 1,    2,  3, 4, 5, 6,
                                       7, 3, 0, 0,  12, 1, 0, 0, 20,   0x80, 14, 1, 0, 3, 0,
                                       0, 8, 2, 0,  0,  7, 0, 0, 0,    8,    4,  0, 0, 14};
    struct octets content = content_of(&p, &m);
    assert_octets(content, expected);
    assert_int_equal(proposal_protocol(&p.message.payloads[0]), PROTOCOL_IKE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S10_an_ike_sa_is_proposed_as_aead_and_others_strongest_first),
        cmocka_unit_test(S11_a_child_sa_in_ike_auth_is_proposed_without_dh),
        cmocka_unit_test(S11_a_rekey_proposes_all_groups_and_last_none),
        cmocka_unit_test(S11_pfs_off_proposes_no_dh_at_all),
        cmocka_unit_test(S10_an_aead_alone_makes_one_proposal_with_number_1),
        cmocka_unit_test(RFC7296_3_3_1_an_ike_rekey_is_proposed_with_an_spi_of_8_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
