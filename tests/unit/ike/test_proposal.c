/* Choosing from proposals: the order of security (S10), and what is no choice or no offer (RFC 7296 3.3). */
#include "ike/wire/proposal.h"
#include "payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ALL_ENCRYPTION = (1 << ENCRYPTION_COUNT) - 1, GCM_ROWS = 3, CBC_ROWS = ALL_ENCRYPTION & ~GCM_ROWS };

static const struct octets no_spi = {NULL, 0};
static const uint8_t esp_spi[4] = {0xc0, 1, 2, 3};
static const struct octets spi4 = {esp_spi, sizeof esp_spi};

static struct proposal_policy all_of_ike(void)
{
    const struct ike_algorithms all = {ALL_ENCRYPTION, ALGORITHM_SET_ALL(INTEGRITY_COUNT),
                                       ALGORITHM_SET_ALL(PRF_COUNT), ALGORITHM_SET_ALL(KEY_EXCHANGE_COUNT)};
    return proposal_policy_of_ike(&all);
}

static struct proposal_policy all_of_child(void)
{
    const struct child_algorithms all = {ALL_ENCRYPTION, ALGORITHM_SET_ALL(INTEGRITY_COUNT),
                                         ALGORITHM_SET_ALL(KEY_EXCHANGE_COUNT), true};
    return proposal_policy_of_child(&all, false);
}

static const struct ike_payload *offer_of(struct parsed_payload *p, const struct proposal_policy *policy)
{
    struct message_writer m = payload_begin(p);
    proposal_put_all(&m, policy, policy->protocol == PROTOCOL_ESP ? spi4 : no_spi);
    const struct ike_payload *sa = payload_parse(p, &m);
    assert_non_null(sa);
    return sa;
}

static algorithm_set random_set(algorithm_set all)
{
    algorithm_set set = 0;
    while (set == 0)
        set = (algorithm_set)random() & all;
    return set;
}

static struct proposal_policy random_policy(const struct proposal_policy *all)
{
    struct proposal_policy p = *all;
    p.encryption = random_set(all->encryption);
    p.integrity = random_set(all->integrity);
    p.dh = random_set(all->dh);
    if (all->prf != 0)
        p.prf = random_set(all->prf);
    if (all->dh_none)
        p.dh_none = random() % 2;
    return p;
}

/* The best suite that both policies hold, found by trying all in the order of S10. False if there is none. */
static bool best_by_trying(const struct proposal_policy *a, const struct proposal_policy *b,
                           struct ike_suite *out)
{
    bool esp = a->protocol == PROTOCOL_ESP;
    for (size_t e = 0; e < ENCRYPTION_COUNT; e++) {
        bool aead = encryption_is_aead(&encryption_algorithms[e]);
        for (size_t d = 0; d <= KEY_EXCHANGE_COUNT; d++) {
            for (size_t i = 0; i < (aead ? 1 : INTEGRITY_COUNT); i++) {
                for (size_t p = 0; p < (esp ? 1 : PRF_COUNT); p++) {
                    bool has_dh =
                        d < KEY_EXCHANGE_COUNT ? (a->dh & b->dh) >> d & 1 : esp && a->dh_none && b->dh_none;
                    if (!((a->encryption & b->encryption) >> e & 1) || !has_dh ||
                        (!aead && !((a->integrity & b->integrity) >> i & 1)) ||
                        (!esp && !((a->prf & b->prf) >> p & 1)))
                        continue;
                    *out =
                        (struct ike_suite){&encryption_algorithms[e], aead ? NULL : &integrity_algorithms[i],
                                           esp ? NULL : &prf_algorithms[p],
                                           d < KEY_EXCHANGE_COUNT ? &key_exchange_methods[d] : NULL};
                    return true;
                }
            }
        }
    }
    return false;
}

static void check_against_trying(const struct proposal_policy *all)
{
    srandom(10);
    size_t chosen = 0;
    for (int round = 0; round < 20000; round++) {
        const struct proposal_policy theirs = random_policy(all);
        const struct proposal_policy ours = random_policy(all);
        static struct parsed_payload p;
        const struct ike_payload *sa = offer_of(&p, &theirs);
        struct ike_suite best;
        struct proposal_choice choice;
        bool any = best_by_trying(&theirs, &ours, &best);

        enum proposal_result result =
            proposal_choose(sa, &ours, all->protocol == PROTOCOL_ESP ? 4 : 0, &choice);

        assert_int_equal(result, any ? PROPOSAL_CHOSEN : PROPOSAL_NONE);
        if (!any)
            continue;
        chosen++;
        assert_ptr_equal(choice.suite.encryption, best.encryption);
        assert_ptr_equal(choice.suite.integrity, best.integrity);
        assert_ptr_equal(choice.suite.prf, best.prf);
        assert_ptr_equal(choice.suite.dh, best.dh);
        /* What was chosen and written as an answer is what the other end accepts. */
        struct message_writer m = payload_begin(&p);
        proposal_put_choice(&m, all->protocol, choice.number, all->protocol == PROTOCOL_ESP ? spi4 : no_spi,
                            &choice.suite);
        const struct ike_payload *answer = payload_parse(&p, &m);
        struct proposal_choice accepted;
        assert_int_equal(proposal_accept(answer, &theirs, all->protocol == PROTOCOL_ESP ? 4 : 0, &accepted),
                         PROPOSAL_CHOSEN);
        assert_memory_equal(&accepted.suite, &choice.suite, sizeof choice.suite);
    }
    assert_true(chosen > 5000);
}

static void S10_the_most_secure_common_suite_is_chosen_for_the_ike_sa(void **state)
{
    (void)state;
    const struct proposal_policy all = all_of_ike();
    check_against_trying(&all);
}

static void S10_the_most_secure_common_suite_is_chosen_for_a_child_sa(void **state)
{
    (void)state;
    const struct proposal_policy all = all_of_child();
    check_against_trying(&all);
}

static void S10_encryption_counts_before_dh_integrity_and_prf(void **state)
{
    (void)state;
    const struct ike_suite weak_but_gcm = {&encryption_algorithms[1], NULL, &prf_algorithms[3],
                                           &key_exchange_methods[4]};
    const struct ike_suite cbc = {&encryption_algorithms[2], &integrity_algorithms[0], &prf_algorithms[0],
                                  &key_exchange_methods[0]};
    assert_true(ike_suite_is_better(&weak_but_gcm, &cbc));
    struct ike_suite better = cbc;
    struct ike_suite worse = cbc;
    better.integrity = &integrity_algorithms[3];
    better.prf = &prf_algorithms[3];
    worse.dh = &key_exchange_methods[1];
    assert_true(ike_suite_is_better(&better, &worse)); /* DH before integrity and PRF */
    better = worse = cbc;
    better.prf = &prf_algorithms[3];
    worse.integrity = &integrity_algorithms[1];
    assert_true(ike_suite_is_better(&better, &worse)); /* integrity before PRF */
    assert_false(ike_suite_is_better(&cbc, &cbc));
}

static void S11_dh_is_ignored_in_ike_auth(void **state)
{
    (void)state;
    const struct child_algorithms pfs = {1U << 4, 1U << 2, 1U << 0, false};
    const struct proposal_policy in_auth = proposal_policy_of_child(&pfs, true);
    const struct proposal_policy all = all_of_child();
    static struct parsed_payload p;
    struct proposal_choice choice;

    assert_int_equal(proposal_choose(offer_of(&p, &all), &in_auth, 4, &choice), PROPOSAL_CHOSEN);

    assert_null(choice.suite.dh);
}

static void S11_a_group_is_taken_when_one_is_offered_beside_none(void **state)
{
    (void)state;
    const struct proposal_policy all = all_of_child();
    static struct parsed_payload p;
    struct proposal_choice choice;
    assert_int_equal(proposal_choose(offer_of(&p, &all), &all, 4, &choice), PROPOSAL_CHOSEN);
    assert_non_null(choice.suite.dh);

    struct proposal_policy off = all;
    off.dh = 0;
    assert_int_equal(proposal_choose(offer_of(&p, &all), &off, 4, &choice), PROPOSAL_CHOSEN);
    assert_null(choice.suite.dh);
    assert_int_equal(proposal_choose(offer_of(&p, &off), &all, 4, &choice), PROPOSAL_CHOSEN);
    assert_null(choice.suite.dh);
}

/* ---- Answers, octet by octet
 * ------------------------------------------------------------------------------- */

#define AES_CBC_128             0, 0, 12, 1, 0, 0, 12, 0x80, 14, 0, 128
#define T(type, id)             0, 0, 8, type, 0, 0, id
#define MORE                    3
#define LAST                    0
#define ESP_HEAD(length, count) 0, 0, 0, length, 1, 3, 4, count, 0xc0, 1, 2, 3

struct answer_case {
    const char *name;
    uint8_t octets[80];
    uint8_t length;
    enum proposal_result result;
};

static const struct answer_case answers[] = {
    {"a proper one",
     {ESP_HEAD(40, 3), MORE, AES_CBC_128, MORE, T(3, 12), LAST, T(5, 0)},
     40,
     PROPOSAL_CHOSEN},
    {"by the number of no proposal",
     {0, 0, 0, 40, 2, 3, 4, 3, 0xc0, 1, 2, 3, MORE, AES_CBC_128, MORE, T(3, 12), LAST, T(5, 0)},
     40,
     PROPOSAL_NONE},
    {"without ESN", {ESP_HEAD(32, 2), MORE, AES_CBC_128, LAST, T(3, 12)}, 32, PROPOSAL_CHOSEN},
    {"with DH NONE",
     {ESP_HEAD(48, 4), MORE, AES_CBC_128, MORE, T(3, 12), MORE, T(4, 0), LAST, T(5, 0)},
     48,
     PROPOSAL_CHOSEN},
    {"with a group and DH NONE",
     {ESP_HEAD(56, 5), MORE, AES_CBC_128, MORE, T(3, 12), MORE, T(4, 14), MORE, T(4, 0), LAST, T(5, 0)},
     56,
     PROPOSAL_NONE},
    {"with two integrity algorithms",
     {ESP_HEAD(48, 4), MORE, AES_CBC_128, MORE, T(3, 12), MORE, T(3, 14), LAST, T(5, 0)},
     48,
     PROPOSAL_NONE},
    {"with one of them twice",
     {ESP_HEAD(48, 4), MORE, AES_CBC_128, MORE, T(3, 12), MORE, T(3, 12), LAST, T(5, 0)},
     48,
     PROPOSAL_NONE},
    {"with one of them unknown",
     {ESP_HEAD(48, 4), MORE, AES_CBC_128, MORE, T(3, 12), MORE, T(3, 99), LAST, T(5, 0)},
     48,
     PROPOSAL_NONE},
    {"with extended sequence numbers",
     {ESP_HEAD(40, 3), MORE, AES_CBC_128, MORE, T(3, 12), LAST, T(5, 1)},
     40,
     PROPOSAL_NONE},
    {"with an integrity algorithm that was not offered",
     {ESP_HEAD(40, 3), MORE, AES_CBC_128, MORE, T(3, 2), LAST, T(5, 0)},
     40,
     PROPOSAL_NONE},
    {"without integrity", {ESP_HEAD(32, 2), MORE, AES_CBC_128, LAST, T(5, 0)}, 32, PROPOSAL_NONE},
    {"with a group that was not offered",
     {ESP_HEAD(48, 4), MORE, AES_CBC_128, MORE, T(3, 12), MORE, T(4, 1), LAST, T(5, 0)},
     48,
     PROPOSAL_NONE},
    {"with a PRF",
     {ESP_HEAD(48, 4), MORE, AES_CBC_128, MORE, T(3, 12), MORE, T(2, 5), LAST, T(5, 0)},
     48,
     PROPOSAL_NONE},
    {"for IKE",
     {0, 0, 0, 32, 1, 1, 4, 2, 0xc0, 1, 2, 3, MORE, AES_CBC_128, LAST, T(3, 12)},
     32,
     PROPOSAL_NONE},
    {"with an unknown attribute",
     {ESP_HEAD(44, 3), MORE, 0,      0, 16, 1, 0, 0, 12, 0x80, 14, 0, 128, 0x80, 99, 0, 1, MORE,
      T(3, 12),        LAST, T(5, 0)},
     44,
     PROPOSAL_NONE},
    {"with a key length on an integrity algorithm",
     {ESP_HEAD(44, 3), MORE, AES_CBC_128, MORE, 0, 0, 12, 3, 0, 0, 12, 0x80, 14, 0, 128, LAST, T(5, 0)},
     44,
     PROPOSAL_NONE},
    {"that says more proposals follow",
     {2, 0, 0, 40, 1, 3, 4, 3, 0xc0, 1, 2, 3, MORE, AES_CBC_128, MORE, T(3, 12), LAST, T(5, 0)},
     40,
     PROPOSAL_NONE},
    {"that counts too many transforms",
     {ESP_HEAD(40, 4), MORE, AES_CBC_128, MORE, T(3, 12), LAST, T(5, 0)},
     40,
     PROPOSAL_INVALID},
    {"that counts too few",
     {ESP_HEAD(40, 2), MORE, AES_CBC_128, MORE, T(3, 12), LAST, T(5, 0)},
     40,
     PROPOSAL_INVALID},
    {"with octets behind it",
     {ESP_HEAD(40, 3), MORE, AES_CBC_128, MORE, T(3, 12), LAST, T(5, 0), 0},
     41,
     PROPOSAL_INVALID},
    {"with an attribute that overruns",
     {ESP_HEAD(40, 3), MORE, 0, 0, 12, 1, 0, 0, 12, 0, 14, 0, 1, MORE, T(3, 12), LAST, T(5, 0)},
     40,
     PROPOSAL_INVALID},
};

static void RFC7296_3_3_an_answer_is_one_of_each_and_was_offered(void **state)
{
    (void)state;
    struct proposal_policy policy = all_of_child();
    policy.encryption &= ~encryption_aead_rows(); /* so the only proposal has the number 1 */
    policy.integrity = 1U << 2 | 1U << 0;         /* SHA2-256, SHA2-512 */
    policy.dh = 1U << 1;                          /* MODP-2048 */
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        static struct parsed_payload p;
        struct proposal_choice choice;
        const struct ike_payload *sa = payload_of(&p, PAYLOAD_SA, answers[i].octets, answers[i].length);
        enum proposal_result result = proposal_accept(sa, &policy, 4, &choice);
        if (result != answers[i].result)
            fail_msg("an answer %s: result %d, not %d", answers[i].name, result, answers[i].result);
    }
}

static void RFC7296_3_3_truncated_offers_are_invalid_or_none(void **state)
{
    (void)state;
    const struct proposal_policy all = all_of_ike();
    static struct parsed_payload whole;
    const struct ike_payload *sa = offer_of(&whole, &all);
    for (size_t length = 0; length < sa->content.length; length++) {
        static struct parsed_payload p;
        struct proposal_choice choice;
        const struct ike_payload *cut = payload_of(&p, PAYLOAD_SA, sa->content.at, length);
        assert_int_equal(proposal_choose(cut, &all, 0, &choice), PROPOSAL_INVALID);
    }
}

static void RFC7296_3_3_mutated_offers_never_yield_what_policy_forbids(void **state)
{
    (void)state;
    srandom(33);
    struct proposal_policy policy = all_of_child();
    policy.encryption = CBC_ROWS;
    const struct proposal_policy all = all_of_child();
    for (int i = 0; i < 50000; i++) {
        static struct parsed_payload p;
        const struct ike_payload *sa = offer_of(&p, &all);
        uint8_t *at = p.octets + (sa->content.at - p.octets);
        for (long n = random() % 4; n >= 0; n--)
            at[(size_t)random() % sa->content.length] = (uint8_t)random();
        struct proposal_choice choice;
        if (proposal_choose(sa, &policy, 4, &choice) != PROPOSAL_CHOSEN)
            continue;
        assert_false(encryption_is_aead(choice.suite.encryption));
        assert_non_null(choice.suite.integrity);
        assert_int_equal(choice.spi.length, 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S10_the_most_secure_common_suite_is_chosen_for_the_ike_sa),
        cmocka_unit_test(S10_the_most_secure_common_suite_is_chosen_for_a_child_sa),
        cmocka_unit_test(S10_encryption_counts_before_dh_integrity_and_prf),
        cmocka_unit_test(S11_dh_is_ignored_in_ike_auth),
        cmocka_unit_test(S11_a_group_is_taken_when_one_is_offered_beside_none),
        cmocka_unit_test(RFC7296_3_3_an_answer_is_one_of_each_and_was_offered),
        cmocka_unit_test(RFC7296_3_3_truncated_offers_are_invalid_or_none),
        cmocka_unit_test(RFC7296_3_3_mutated_offers_never_yield_what_policy_forbids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
