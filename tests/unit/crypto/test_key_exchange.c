/* crypto/key_exchange.h */
#include "crypto/key_exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>

#include "hex.h"
#include "modp.h"

/* The rows of the MODP groups are those that are negotiated. */
enum { MODP_COUNT = KEY_EXCHANGE_COUNT };

/* ---- The operations ---------------------------------------------------------------------------------- */

static bool generate(const struct key_exchange_method *m, const uint8_t *random,
                     struct key_exchange_result *out)
{
    struct key_exchange_job job = {.method = m->id, .operation = KEY_EXCHANGE_GENERATE};
    memcpy(job.random, random, m->random_size);
    return key_exchange_perform(m, &job, out);
}

static bool answer(const struct key_exchange_method *m, const uint8_t *random, const uint8_t *peer_share,
                   struct key_exchange_result *out)
{
    struct key_exchange_job job = {.method = m->id, .operation = KEY_EXCHANGE_ANSWER};
    memcpy(job.random, random, m->random_size);
    memcpy(job.peer_share, peer_share, m->initiator_share_size);
    return key_exchange_perform(m, &job, out);
}

static bool finish(const struct key_exchange_method *m, const uint8_t *private_state,
                   const uint8_t *peer_share, struct key_exchange_result *out)
{
    struct key_exchange_job job = {.method = m->id, .operation = KEY_EXCHANGE_FINISH};
    memcpy(job.private_state, private_state, m->private_size);
    memcpy(job.peer_share, peer_share, m->responder_share_size);
    return key_exchange_perform(m, &job, out);
}

static bool fits(const struct key_exchange_method *m, const uint8_t *share)
{
    bool fits_answer =
        key_exchange_share_fits(m, KEY_EXCHANGE_ANSWER, (struct octets){share, m->initiator_share_size});
    assert_int_equal(fits_answer, key_exchange_share_fits(m, KEY_EXCHANGE_FINISH,
                                                          (struct octets){share, m->responder_share_size}));
    return fits_answer;
}

/* Random octets that differ with `seed`, with all of them in use. */
static void random_octets(const struct key_exchange_method *m, unsigned seed,
                          uint8_t out[KEY_EXCHANGE_RANDOM_MAX])
{
    for (size_t i = 0; i < m->random_size; i++)
        out[i] = (uint8_t)(0xa7 + 31 * i + seed * (i + 1));
    out[0] = (uint8_t)(seed >> 8);
    out[1] = (uint8_t)seed;
}

/* ---- All methods ------------------------------------------------------------------------------------- */

static void R7_both_sides_share_one_secret_by_every_method(void **state)
{
    (void)state;
    for (size_t row = 0; row < KEY_EXCHANGE_METHOD_COUNT; row++) {
        const struct key_exchange_method *m = &key_exchange_methods[row];
        uint8_t a[KEY_EXCHANGE_RANDOM_MAX], b[KEY_EXCHANGE_RANDOM_MAX];
        struct key_exchange_result initiator, responder, finished;
        random_octets(m, 1, a);
        random_octets(m, 2, b);

        assert_true(generate(m, a, &initiator));
        assert_true(fits(m, initiator.share));
        assert_true(answer(m, b, initiator.share, &responder));
        assert_true(fits(m, responder.share));
        assert_true(finish(m, initiator.private_state, responder.share, &finished));

        assert_memory_equal(responder.secret, finished.secret, m->secret_size);
        assert_memory_not_equal(responder.secret, responder.share, m->secret_size);
        assert_memory_not_equal(initiator.share, responder.share, m->initiator_share_size);
    }
}

/* So that a simulation can be played again. */
static void an_operation_follows_from_its_input_alone(void **state)
{
    (void)state;
    for (size_t row = 0; row < KEY_EXCHANGE_METHOD_COUNT; row++) {
        const struct key_exchange_method *m = &key_exchange_methods[row];
        uint8_t a[KEY_EXCHANGE_RANDOM_MAX];
        struct key_exchange_result once, again;
        random_octets(m, 1, a);

        assert_true(generate(m, a, &once));
        assert_true(generate(m, a, &again));
        assert_memory_equal(once.share, again.share, m->initiator_share_size);
        assert_memory_equal(once.private_state, again.private_state, m->private_size);
        assert_true(answer(m, a, once.share, &again));
        assert_true(answer(m, a, once.share, &once));
        assert_memory_equal(once.share, again.share, m->responder_share_size);
        assert_memory_equal(once.secret, again.secret, m->secret_size);
    }
}

static void shares_of_another_size_do_not_fit(void **state)
{
    (void)state;
    static const enum key_exchange_operation operations[] = {KEY_EXCHANGE_ANSWER, KEY_EXCHANGE_FINISH};
    for (size_t row = 0; row < KEY_EXCHANGE_METHOD_COUNT; row++) {
        const struct key_exchange_method *m = &key_exchange_methods[row];
        uint8_t a[KEY_EXCHANGE_RANDOM_MAX], share[KEY_EXCHANGE_SHARE_MAX + 1] = {0};
        struct key_exchange_result initiator;
        random_octets(m, 1, a);
        assert_true(generate(m, a, &initiator));
        memcpy(share, initiator.share, m->initiator_share_size);
        for (size_t i = 0; i < 2; i++) {
            for (size_t length = 0; length <= m->initiator_share_size + 1; length++)
                assert_int_equal(key_exchange_share_fits(m, operations[i], (struct octets){share, length}),
                                 length == m->initiator_share_size);
        }
    }
}

static void no_method_is_larger_than_the_buffers(void **state)
{
    (void)state;
    for (size_t row = 0; row < KEY_EXCHANGE_METHOD_COUNT; row++) {
        const struct key_exchange_method *m = &key_exchange_methods[row];
        assert_true(m->random_size <= KEY_EXCHANGE_RANDOM_MAX && m->private_size <= KEY_EXCHANGE_PRIVATE_MAX);
        assert_true(m->initiator_share_size <= KEY_EXCHANGE_SHARE_MAX &&
                    m->responder_share_size <= KEY_EXCHANGE_SHARE_MAX);
        assert_true(m->secret_size <= KEY_EXCHANGE_SECRET_MAX);
    }
}

static void R7_the_modp_groups_alone_are_negotiated(void **state)
{
    (void)state;
    static const uint16_t ids[] = {15, 14, 5, 2, 1};
    assert_int_equal(KEY_EXCHANGE_COUNT, sizeof ids / sizeof *ids);
    for (size_t i = 0; i < KEY_EXCHANGE_COUNT; i++) {
        assert_ptr_equal(key_exchange_by_id(ids[i]), &key_exchange_methods[i]);
        assert_ptr_equal(key_exchange_by_word(key_exchange_methods[i].word), &key_exchange_methods[i]);
    }
    assert_null(key_exchange_by_id(KE_NONE));
    assert_null(key_exchange_by_id(KE_ECP_256));
    assert_null(key_exchange_by_id(KE_X25519));
    assert_null(key_exchange_by_word("x25519"));
}

/* ---- MODP -------------------------------------------------------------------------------------------- */

/* g^private, by `generate`: a private state is the random octets. */
static bool public_value(const struct key_exchange_method *m, const uint8_t *private, uint8_t *out)
{
    struct key_exchange_result result;
    if (!generate(m, private, &result))
        return false;
    assert_memory_equal(result.private_state, private, m->private_size);
    memcpy(out, result.share, m->initiator_share_size);
    return true;
}

/* g^ir, as both sides have it; they write as much as they should. */
static bool shared_secret(const struct key_exchange_method *m, const uint8_t *private, const uint8_t *peer,
                          uint8_t *out)
{
    struct key_exchange_result finished, answered;
    memset(&finished, 0x5a, sizeof finished);
    bool done = finish(m, private, peer, &finished);
    assert_int_equal(answer(m, private, peer, &answered), done);
    if (!done)
        return false;
    assert_memory_equal(answered.secret, finished.secret, m->secret_size);
    for (size_t i = m->secret_size; i < KEY_EXCHANGE_SECRET_MAX; i++)
        assert_int_equal(finished.secret[i], 0x5a);
    memcpy(out, finished.secret, m->secret_size);
    return true;
}

/* The modulus of each row, plus `difference`. */
static void modulus_plus(size_t row, int difference, uint8_t out[KEY_EXCHANGE_SHARE_MAX])
{
    static BIGNUM *(*const primes[MODP_COUNT])(BIGNUM *) = {
        BN_get_rfc3526_prime_3072, BN_get_rfc3526_prime_2048, BN_get_rfc3526_prime_1536,
        BN_get_rfc2409_prime_1024, BN_get_rfc2409_prime_768,
    };
    BIGNUM *p = primes[row](NULL);
    assert_non_null(p);
    if (difference < 0)
        assert_true(BN_sub_word(p, (BN_ULONG)-difference));
    else
        assert_true(BN_add_word(p, (BN_ULONG)difference));
    assert_int_equal(BN_bn2binpad(p, out, (int)key_exchange_methods[row].secret_size),
                     key_exchange_methods[row].secret_size);
    BN_free(p);
}

static void small_number(const struct key_exchange_method *m, uint8_t value,
                         uint8_t out[KEY_EXCHANGE_SHARE_MAX])
{
    memset(out, 0, m->secret_size);
    out[m->secret_size - 1] = value;
}

/* The octets `first`, `first` + 1, … */
static void counted_private_value(const struct key_exchange_method *m, uint8_t first,
                                  uint8_t out[KEY_EXCHANGE_PRIVATE_MAX])
{
    for (size_t i = 0; i < m->private_size; i++)
        out[i] = (uint8_t)(first + i);
}

static void R7_every_group_agrees_with_an_independent_computation(void **state)
{
    (void)state;
    assert_int_equal(sizeof modp_answers / sizeof *modp_answers, MODP_COUNT);
    for (size_t i = 0; i < MODP_COUNT; i++) {
        const struct key_exchange_method *m = key_exchange_by_id(modp_answers[i].group);
        const struct hex public_a = hex(modp_answers[i].public_a), public_b = hex(modp_answers[i].public_b);
        const struct hex shared = hex(modp_answers[i].shared);
        uint8_t a[KEY_EXCHANGE_PRIVATE_MAX], b[KEY_EXCHANGE_PRIVATE_MAX], out[KEY_EXCHANGE_SHARE_MAX];
        counted_private_value(m, 0x01, a);
        counted_private_value(m, 0xa0, b);
        assert_int_equal(public_a.length, m->secret_size);

        assert_true(public_value(m, a, out));
        assert_memory_equal(out, public_a.at, m->secret_size);
        assert_true(public_value(m, b, out));
        assert_memory_equal(out, public_b.at, m->secret_size);
        assert_true(shared_secret(m, a, public_b.at, out));
        assert_memory_equal(out, shared.at, m->secret_size);
        assert_true(shared_secret(m, b, public_a.at, out));
        assert_memory_equal(out, shared.at, m->secret_size);
    }
}

/* A share is made by a table of powers of the generator. The same by OpenSSL's own exponentiation. */
static void assert_share_is_the_power(size_t row, const uint8_t *private)
{
    const struct key_exchange_method *m = &key_exchange_methods[row];
    uint8_t share[KEY_EXCHANGE_SHARE_MAX], expected[KEY_EXCHANGE_SHARE_MAX];
    BN_CTX *context = BN_CTX_new();
    modulus_plus(row, 0, expected);
    BIGNUM *p = BN_bin2bn(expected, (int)m->secret_size, NULL);
    BIGNUM *exponent = BN_bin2bn(private, (int)m->private_size, NULL);
    BIGNUM *power = BN_new();
    assert_true(BN_set_word(power, 2));
    assert_true(BN_mod_exp(power, power, exponent, p, context));
    assert_int_equal(BN_bn2binpad(power, expected, (int)m->secret_size), m->secret_size);
    BN_free(power);
    BN_free(exponent);
    BN_free(p);
    BN_CTX_free(context);

    assert_true(public_value(m, private, share));
    assert_memory_equal(share, expected, m->secret_size);
}

static void R7_a_share_is_the_power_of_the_generator(void **state)
{
    (void)state;
    enum { RANDOM_EXPONENTS = 50 };
    for (size_t row = 0; row < MODP_COUNT; row++) {
        const struct key_exchange_method *m = &key_exchange_methods[row];
        uint8_t private[KEY_EXCHANGE_PRIVATE_MAX] = {0};
        assert_share_is_the_power(row, private);
        for (size_t bit = 0; bit < 8 * m->private_size; bit++) {
            memset(private, 0, sizeof private);
            private[m->private_size - 1 - bit / 8] = (uint8_t)(1 << bit % 8);
            assert_share_is_the_power(row, private);
        }
        memset(private, 0xff, sizeof private);
        assert_share_is_the_power(row, private);
        for (unsigned seed = 0; seed < RANDOM_EXPONENTS; seed++) {
            random_octets(m, seed * 1009, private);
            assert_share_is_the_power(row, private);
        }
    }
}

static void RFC7296_2_14_a_shared_secret_is_padded_on_the_left(void **state)
{
    (void)state;
    const struct key_exchange_method *m = key_exchange_by_id(KE_MODP_2048);
    const struct hex expected = hex(MODP_LEADING_ZERO_SHARED);
    uint8_t a[KEY_EXCHANGE_PRIVATE_MAX], b[KEY_EXCHANGE_PRIVATE_MAX], public_b[KEY_EXCHANGE_SHARE_MAX],
        shared[KEY_EXCHANGE_SHARE_MAX];
    counted_private_value(m, 0x01, a);
    counted_private_value(m, 0xa0, b);
    store_u16be(b + m->private_size - 2, MODP_LEADING_ZERO);
    assert_int_equal(expected.at[0], 0);

    assert_true(public_value(m, b, public_b));
    assert_true(shared_secret(m, a, public_b, shared));

    assert_memory_equal(shared, expected.at, m->secret_size);
}

/* 2^100 and 4^100 are smaller than each modulus, so they need no reduction. */
static void RFC7296_2_14_small_powers_are_padded_to_the_size_of_the_modulus(void **state)
{
    (void)state;
    for (size_t row = 0; row < MODP_COUNT; row++) {
        const struct key_exchange_method *m = &key_exchange_methods[row];
        uint8_t private[KEY_EXCHANGE_PRIVATE_MAX] = {0}, four[KEY_EXCHANGE_SHARE_MAX],
                out[KEY_EXCHANGE_SHARE_MAX + 1];
        uint8_t expected[KEY_EXCHANGE_SHARE_MAX] = {0};
        private[m->private_size - 1] = 100;
        small_number(m, 4, four);
        out[m->secret_size] = 0x5a;

        assert_true(public_value(m, private, out));
        expected[m->secret_size - 1 - 100 / 8] = 1 << 100 % 8;
        assert_memory_equal(out, expected, m->secret_size);

        assert_true(shared_secret(m, private, four, out));
        memset(expected, 0, sizeof expected);
        expected[m->secret_size - 1 - 200 / 8] = 1 << 200 % 8;
        assert_memory_equal(out, expected, m->secret_size);
        assert_int_equal(out[m->secret_size], 0x5a);
    }
}

static void RFC7296_2_14_a_shared_secret_keeps_its_leading_zero_on_both_sides(void **state)
{
    (void)state;
    const struct key_exchange_method *m = key_exchange_by_id(KE_MODP_768);
    uint8_t a[KEY_EXCHANGE_PRIVATE_MAX], b[KEY_EXCHANGE_PRIVATE_MAX], public_a[KEY_EXCHANGE_SHARE_MAX],
        public_b[KEY_EXCHANGE_SHARE_MAX];
    uint8_t shared_a[KEY_EXCHANGE_SHARE_MAX], shared_b[KEY_EXCHANGE_SHARE_MAX] = {0xff};
    random_octets(m, 0, a);
    assert_true(public_value(m, a, public_a));
    unsigned seed = 1;
    do {
        random_octets(m, seed, b);
        assert_true(shared_secret(m, b, public_a, shared_b));
    } while (shared_b[0] != 0 && ++seed < 10000);
    assert_int_equal(shared_b[0], 0);

    assert_true(public_value(m, b, public_b));
    assert_true(shared_secret(m, a, public_b, shared_a));
    assert_memory_equal(shared_a, shared_b, m->secret_size);
}

static void RFC6989_2_1_only_values_between_1_and_p_minus_1_are_valid(void **state)
{
    (void)state;
    for (size_t row = 0; row < MODP_COUNT; row++) {
        const struct key_exchange_method *m = &key_exchange_methods[row];
        uint8_t value[KEY_EXCHANGE_SHARE_MAX], private[KEY_EXCHANGE_PRIVATE_MAX],
            shared[KEY_EXCHANGE_SHARE_MAX];
        random_octets(m, 3, private);

        for (uint8_t small = 0; small <= 3; small++) {
            small_number(m, small, value);
            assert_int_equal(fits(m, value), small > 1);
            assert_int_equal(shared_secret(m, private, value, shared), small > 1);
        }
        for (int difference = -3; difference <= 2; difference++) {
            modulus_plus(row, difference, value);
            assert_int_equal(fits(m, value), difference < -1);
            assert_int_equal(shared_secret(m, private, value, shared), difference < -1);
        }
        memset(value, 0xff, sizeof value);
        assert_false(fits(m, value));
    }
}

/* (p-2)^1 is p-2, and (-2)^2 is 4. */
static void large_peer_values_are_used_in_full(void **state)
{
    (void)state;
    for (size_t row = 0; row < MODP_COUNT; row++) {
        const struct key_exchange_method *m = &key_exchange_methods[row];
        uint8_t private[KEY_EXCHANGE_PRIVATE_MAX] = {0}, peer[KEY_EXCHANGE_SHARE_MAX],
                shared[KEY_EXCHANGE_SHARE_MAX], four[KEY_EXCHANGE_SHARE_MAX];
        modulus_plus(row, -2, peer);

        private[m->private_size - 1] = 1;
        assert_true(shared_secret(m, private, peer, shared));
        assert_memory_equal(shared, peer, m->secret_size);

        private[m->private_size - 1] = 2;
        small_number(m, 4, four);
        assert_true(shared_secret(m, private, peer, shared));
        assert_memory_equal(shared, four, m->secret_size);
    }
}

/* ---- Elliptic curves --------------------------------------------------------------------------------- */

static const struct key_exchange_method *method_of(uint16_t id)
{
    const struct key_exchange_method *m = key_exchange_methods;
    while (m->id != id)
        m++;
    return m;
}

static void RFC7748_6_1_x25519_gives_the_published_answers(void **state)
{
    (void)state;
    const struct key_exchange_method *m = method_of(KE_X25519);
    const struct hex a = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    const struct hex b = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    const struct hex public_a = hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    const struct hex public_b = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    const struct hex shared = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    struct key_exchange_result initiator, responder, finished;

    assert_true(generate(m, a.at, &initiator));
    assert_memory_equal(initiator.share, public_a.at, public_a.length);
    assert_true(answer(m, b.at, initiator.share, &responder));
    assert_memory_equal(responder.share, public_b.at, public_b.length);
    assert_memory_equal(responder.secret, shared.at, shared.length);
    assert_true(finish(m, initiator.private_state, responder.share, &finished));
    assert_memory_equal(finished.secret, shared.at, shared.length);
}

/* Points of small order lead to zeros. */
static void RFC8031_3_2_x25519_refuses_a_secret_of_zeros(void **state)
{
    (void)state;
    const struct key_exchange_method *m = method_of(KE_X25519);
    uint8_t a[KEY_EXCHANGE_RANDOM_MAX], small[32] = {0};
    struct key_exchange_result result;
    random_octets(m, 1, a);

    for (uint8_t first = 0; first <= 1; first++) {
        small[0] = first;
        assert_false(answer(m, a, small, &result));
        assert_false(finish(m, a, small, &result));
    }
}

static void RFC5903_8_1_ecp_256_gives_the_published_answers(void **state)
{
    (void)state;
    const struct key_exchange_method *m = method_of(KE_ECP_256);
    const struct hex i = hex("C88F01F5 10D9AC3F 70A292DA A2316DE5 44E9AAB8 AFE84049 C62A9C57 862D1433");
    const struct hex r = hex("C6EF9C5D 78AE012A 011164AC B397CE20 88685D8F 06BF9BE0 B283AB46 476BEE53");
    const struct hex share_i = hex("DAD0B653 94221CF9 B051E1FE CA5787D0 98DFE637 FC90B9EF 945D0C37 72581180"
                                   "5271A046 1CDB8252 D61F1C45 6FA3E59A B1F45B33 ACCF5F58 389E0577 B8990BB3");
    const struct hex share_r = hex("D12DFB52 89C8D4F8 1208B702 70398C34 2296970A 0BCCB74C 736FC755 4494BF63"
                                   "56FBF3CA 366CC23E 8157854C 13C58D6A AC23F046 ADA30F83 53E74F33 039872AB");
    const struct hex shared = hex("D6840F6B 42F6EDAF D13116E0 E1256520 2FEF8E9E CE7DCE03 812464D0 4B9442DE");
    uint8_t random_i[KEY_EXCHANGE_RANDOM_MAX] = {0}, random_r[KEY_EXCHANGE_RANDOM_MAX] = {0};
    struct key_exchange_result initiator, responder, finished;
    /* Random octets that are small enough are the private number less 1. */
    memcpy(random_i + m->random_size - i.length, i.at, i.length);
    memcpy(random_r + m->random_size - r.length, r.at, r.length);
    random_i[m->random_size - 1]--;
    random_r[m->random_size - 1]--;

    assert_true(generate(m, random_i, &initiator));
    assert_memory_equal(initiator.private_state, i.at, i.length);
    assert_memory_equal(initiator.share, share_i.at, share_i.length);
    assert_true(answer(m, random_r, initiator.share, &responder));
    assert_memory_equal(responder.share, share_r.at, share_r.length);
    assert_memory_equal(responder.secret, shared.at, shared.length);
    assert_true(finish(m, initiator.private_state, responder.share, &finished));
    assert_memory_equal(finished.secret, shared.at, shared.length);
}

/* The private number is from 1 to the order of the group - 1. */
static void FIPS186_4_B_4_1_random_octets_of_ecp_256_are_reduced(void **state)
{
    (void)state;
    const struct key_exchange_method *m = method_of(KE_ECP_256);
    const struct hex below_order =
        hex("0000000000000000 ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550");
    uint8_t random[KEY_EXCHANGE_RANDOM_MAX] = {0}, one[32] = {0};
    struct key_exchange_result of_zeros, of_bound, of_ones;
    one[31] = 1;

    assert_true(generate(m, random, &of_zeros));
    assert_memory_equal(of_zeros.private_state, one, sizeof one);
    assert_true(generate(m, below_order.at, &of_bound));
    assert_memory_equal(of_bound.private_state, one, sizeof one);
    memset(random, 0xff, sizeof random);
    assert_true(generate(m, random, &of_ones));
    assert_true(memcmp(of_ones.private_state, below_order.at + 8, sizeof one) <= 0);
}

static void RFC6989_2_3_points_that_are_not_on_the_curve_are_refused(void **state)
{
    (void)state;
    const struct key_exchange_method *m = method_of(KE_ECP_256);
    uint8_t a[KEY_EXCHANGE_RANDOM_MAX], share[64] = {0};
    struct key_exchange_result initiator, result;
    random_octets(m, 1, a);
    assert_true(generate(m, a, &initiator));

    assert_false(fits(m, share));
    assert_false(answer(m, a, share, &result));
    for (size_t i = 0; i < sizeof share; i++) {
        memcpy(share, initiator.share, sizeof share);
        share[i] ^= 1;
        assert_false(fits(m, share));
        assert_false(answer(m, a, share, &result));
        assert_false(finish(m, initiator.private_state, share, &result));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R7_both_sides_share_one_secret_by_every_method),
        cmocka_unit_test(an_operation_follows_from_its_input_alone),
        cmocka_unit_test(shares_of_another_size_do_not_fit),
        cmocka_unit_test(no_method_is_larger_than_the_buffers),
        cmocka_unit_test(R7_the_modp_groups_alone_are_negotiated),
        cmocka_unit_test(R7_every_group_agrees_with_an_independent_computation),
        cmocka_unit_test(R7_a_share_is_the_power_of_the_generator),
        cmocka_unit_test(RFC7296_2_14_a_shared_secret_is_padded_on_the_left),
        cmocka_unit_test(RFC7296_2_14_small_powers_are_padded_to_the_size_of_the_modulus),
        cmocka_unit_test(RFC7296_2_14_a_shared_secret_keeps_its_leading_zero_on_both_sides),
        cmocka_unit_test(RFC6989_2_1_only_values_between_1_and_p_minus_1_are_valid),
        cmocka_unit_test(large_peer_values_are_used_in_full),
        cmocka_unit_test(RFC7748_6_1_x25519_gives_the_published_answers),
        cmocka_unit_test(RFC8031_3_2_x25519_refuses_a_secret_of_zeros),
        cmocka_unit_test(RFC5903_8_1_ecp_256_gives_the_published_answers),
        cmocka_unit_test(FIPS186_4_B_4_1_random_octets_of_ecp_256_are_reduced),
        cmocka_unit_test(RFC6989_2_3_points_that_are_not_on_the_curve_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
