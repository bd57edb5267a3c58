/* crypto/dh.h */
#include "crypto/dh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>

#include "hex.h"
#include "modp.h"

/* The modulus of each row, plus `difference`. */
static void modulus_plus(size_t row, int difference, uint8_t out[DH_PUBLIC_MAX])
{
    static BIGNUM *(*const primes[DH_COUNT])(BIGNUM *) = {
        BN_get_rfc3526_prime_3072, BN_get_rfc3526_prime_2048, BN_get_rfc3526_prime_1536,
        BN_get_rfc2409_prime_1024, BN_get_rfc2409_prime_768,
    };
    BIGNUM *p = primes[row](NULL);
    assert_non_null(p);
    if (difference < 0)
        assert_true(BN_sub_word(p, (BN_ULONG)-difference));
    else
        assert_true(BN_add_word(p, (BN_ULONG)difference));
    assert_int_equal(BN_bn2binpad(p, out, (int)dh_groups[row].public_size), dh_groups[row].public_size);
    BN_free(p);
}

static void small_number(const struct dh_group *g, uint8_t value, uint8_t out[DH_PUBLIC_MAX])
{
    memset(out, 0, g->public_size);
    out[g->public_size - 1] = value;
}

/* A private value that differs with `seed`, with all of its octets in use. */
static void private_value(const struct dh_group *g, unsigned seed, uint8_t out[DH_PRIVATE_MAX])
{
    for (size_t i = 0; i < g->private_size; i++)
        out[i] = (uint8_t)(0xa7 + 31 * i + seed * (i + 1));
    out[0] = (uint8_t)(seed >> 8);
    out[1] = (uint8_t)seed;
}

/* The octets `first`, `first` + 1, … */
static void counted_private_value(const struct dh_group *g, uint8_t first, uint8_t out[DH_PRIVATE_MAX])
{
    for (size_t i = 0; i < g->private_size; i++)
        out[i] = (uint8_t)(first + i);
}

static void R7_every_group_agrees_with_an_independent_computation(void **state)
{
    (void)state;
    assert_int_equal(sizeof modp_answers / sizeof *modp_answers, DH_COUNT);
    for (size_t i = 0; i < DH_COUNT; i++) {
        const struct dh_group *g = dh_by_id(modp_answers[i].group);
        const struct hex public_a = hex(modp_answers[i].public_a), public_b = hex(modp_answers[i].public_b);
        const struct hex shared = hex(modp_answers[i].shared);
        uint8_t a[DH_PRIVATE_MAX], b[DH_PRIVATE_MAX], out[DH_PUBLIC_MAX];
        counted_private_value(g, 0x01, a);
        counted_private_value(g, 0xa0, b);
        assert_int_equal(public_a.length, g->public_size);

        assert_true(dh_public(g, a, out));
        assert_memory_equal(out, public_a.at, g->public_size);
        assert_true(dh_public(g, b, out));
        assert_memory_equal(out, public_b.at, g->public_size);
        assert_true(dh_shared(g, a, public_b.at, out));
        assert_memory_equal(out, shared.at, g->public_size);
        assert_true(dh_shared(g, b, public_a.at, out));
        assert_memory_equal(out, shared.at, g->public_size);
    }
}

static void RFC7296_2_14_a_shared_secret_is_padded_on_the_left(void **state)
{
    (void)state;
    const struct dh_group *g = dh_by_id(DH_MODP_2048);
    const struct hex expected = hex(MODP_LEADING_ZERO_SHARED);
    uint8_t a[DH_PRIVATE_MAX], b[DH_PRIVATE_MAX], public_b[DH_PUBLIC_MAX], shared[DH_PUBLIC_MAX];
    counted_private_value(g, 0x01, a);
    counted_private_value(g, 0xa0, b);
    store_u16be(b + g->private_size - 2, MODP_LEADING_ZERO);
    assert_int_equal(expected.at[0], 0);

    assert_true(dh_public(g, b, public_b));
    assert_true(dh_shared(g, a, public_b, shared));

    assert_memory_equal(shared, expected.at, g->public_size);
}

static void R7_both_sides_share_one_secret_in_every_group(void **state)
{
    (void)state;
    for (size_t row = 0; row < DH_COUNT; row++) {
        const struct dh_group *g = &dh_groups[row];
        uint8_t a[DH_PRIVATE_MAX], b[DH_PRIVATE_MAX];
        uint8_t public_a[DH_PUBLIC_MAX], public_b[DH_PUBLIC_MAX];
        uint8_t shared_a[DH_PUBLIC_MAX], shared_b[DH_PUBLIC_MAX];
        private_value(g, 1, a);
        private_value(g, 2, b);

        assert_true(dh_public(g, a, public_a));
        assert_true(dh_public(g, b, public_b));
        assert_true(dh_public_is_valid(g, public_a));
        assert_true(dh_shared(g, a, public_b, shared_a));
        assert_true(dh_shared(g, b, public_a, shared_b));
        assert_memory_equal(shared_a, shared_b, g->public_size);
        assert_memory_not_equal(shared_a, public_a, g->public_size);
    }
}

/* 2^100 and 4^100 are smaller than each modulus, so they need no reduction. */
static void RFC7296_2_14_small_powers_are_padded_to_the_size_of_the_modulus(void **state)
{
    (void)state;
    for (size_t row = 0; row < DH_COUNT; row++) {
        const struct dh_group *g = &dh_groups[row];
        uint8_t private[DH_PRIVATE_MAX] = {0}, four[DH_PUBLIC_MAX], out[DH_PUBLIC_MAX + 1];
        uint8_t expected[DH_PUBLIC_MAX] = {0};
        private[g->private_size - 1] = 100;
        small_number(g, 4, four);
        out[g->public_size] = 0x5a;

        assert_true(dh_public(g, private, out));
        expected[g->public_size - 1 - 100 / 8] = 1 << 100 % 8;
        assert_memory_equal(out, expected, g->public_size);

        assert_true(dh_shared(g, private, four, out));
        memset(expected, 0, sizeof expected);
        expected[g->public_size - 1 - 200 / 8] = 1 << 200 % 8;
        assert_memory_equal(out, expected, g->public_size);
        assert_int_equal(out[g->public_size], 0x5a);
    }
}

static void RFC7296_2_14_a_shared_secret_keeps_its_leading_zero_on_both_sides(void **state)
{
    (void)state;
    const struct dh_group *g = dh_by_id(DH_MODP_768);
    uint8_t a[DH_PRIVATE_MAX], b[DH_PRIVATE_MAX], public_a[DH_PUBLIC_MAX], public_b[DH_PUBLIC_MAX];
    uint8_t shared_a[DH_PUBLIC_MAX], shared_b[DH_PUBLIC_MAX] = {0xff};
    private_value(g, 0, a);
    assert_true(dh_public(g, a, public_a));
    unsigned seed = 1;
    do {
        private_value(g, seed, b);
        assert_true(dh_shared(g, b, public_a, shared_b));
    } while (shared_b[0] != 0 && ++seed < 10000);
    assert_int_equal(shared_b[0], 0);

    assert_true(dh_public(g, b, public_b));
    assert_true(dh_shared(g, a, public_b, shared_a));
    assert_memory_equal(shared_a, shared_b, g->public_size);
}

static void RFC6989_2_1_only_values_between_1_and_p_minus_1_are_valid(void **state)
{
    (void)state;
    for (size_t row = 0; row < DH_COUNT; row++) {
        const struct dh_group *g = &dh_groups[row];
        uint8_t value[DH_PUBLIC_MAX], private[DH_PRIVATE_MAX], shared[DH_PUBLIC_MAX];
        private_value(g, 3, private);

        for (uint8_t small = 0; small <= 3; small++) {
            small_number(g, small, value);
            assert_int_equal(dh_public_is_valid(g, value), small > 1);
            assert_int_equal(dh_shared(g, private, value, shared), small > 1);
        }
        for (int difference = -3; difference <= 2; difference++) {
            modulus_plus(row, difference, value);
            assert_int_equal(dh_public_is_valid(g, value), difference < -1);
            assert_int_equal(dh_shared(g, private, value, shared), difference < -1);
        }
        memset(value, 0xff, sizeof value);
        assert_false(dh_public_is_valid(g, value));
    }
}

/* (p-2)^1 is p-2, and (-2)^2 is 4. */
static void large_peer_values_are_used_in_full(void **state)
{
    (void)state;
    for (size_t row = 0; row < DH_COUNT; row++) {
        const struct dh_group *g = &dh_groups[row];
        uint8_t private[DH_PRIVATE_MAX] = {0}, peer[DH_PUBLIC_MAX], shared[DH_PUBLIC_MAX],
                four[DH_PUBLIC_MAX];
        modulus_plus(row, -2, peer);

        private[g->private_size - 1] = 1;
        assert_true(dh_shared(g, private, peer, shared));
        assert_memory_equal(shared, peer, g->public_size);

        private[g->private_size - 1] = 2;
        small_number(g, 4, four);
        assert_true(dh_shared(g, private, peer, shared));
        assert_memory_equal(shared, four, g->public_size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R7_every_group_agrees_with_an_independent_computation),
        cmocka_unit_test(RFC7296_2_14_a_shared_secret_is_padded_on_the_left),
        cmocka_unit_test(R7_both_sides_share_one_secret_in_every_group),
        cmocka_unit_test(RFC7296_2_14_small_powers_are_padded_to_the_size_of_the_modulus),
        cmocka_unit_test(RFC7296_2_14_a_shared_secret_keeps_its_leading_zero_on_both_sides),
        cmocka_unit_test(RFC6989_2_1_only_values_between_1_and_p_minus_1_are_valid),
        cmocka_unit_test(large_peer_values_are_used_in_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
