/* crypto/prf.h, by the vectors of RFC 4231, RFC 2202, RFC 4868, FIPS 180, Wycheproof */
#include "crypto/prf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <threads.h>

#include <cmocka.h>

#include "hex.h"
#include "wycheproof.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(a)[0])

/* RFC 4231, test cases 1 to 4, 6, 7. */
static const struct {
    const char *key, *message;
    const char *sha256, *sha384, *sha512;
} rfc4231[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
     "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
     "faea9ea9076ede7f4af152e8b2fa9cb6",
     "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
     "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
    {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
     "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
     "8e2240ca5e69e2c78b3239ecfab21649",
     "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
     "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddd",
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
     "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b"
     "2a5ab39dc13814b94e3ab6e101a34f27",
     "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39"
     "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb"},
    {"0102030405060708090a0b0c0d0e0f10111213141516171819",
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
     "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e"
     "6801dd23c4a7d679ccf8a386c674cffb",
     "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db"
     "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579"
     "204669727374",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
     "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
     "0c2ef6ab4030fe8296248df163f44952",
     "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
     "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a65206b65"
     "7920616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565"
     "647320746f20626520686173686564206265666f7265206265696e6720757365642062792074686520484d414320616c"
     "676f726974686d2e",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
     "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5"
     "a678cc31e799176d3860e6110c46523e",
     "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
     "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"},
};

static void expect_prf(uint16_t id, const char *key, const char *message, const char *expected)
{
    struct hex k = hex(key), m = hex(message), e = hex(expected);
    const struct prf_algorithm *a = prf_by_id(id);
    uint8_t out[PRF_SIZE_MAX];
    struct octets parts[] = {hex_octets(&m)};

    assert_int_equal(a->size, e.length);
    assert_true(prf_compute(a, hex_octets(&k), parts, 1, out));
    assert_memory_equal(out, e.at, e.length);
}

static void R6_prf_agrees_with_rfc_4231(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rfc4231); i++) {
        expect_prf(PRF_HMAC_SHA2_256, rfc4231[i].key, rfc4231[i].message, rfc4231[i].sha256);
        expect_prf(PRF_HMAC_SHA2_384, rfc4231[i].key, rfc4231[i].message, rfc4231[i].sha384);
        expect_prf(PRF_HMAC_SHA2_512, rfc4231[i].key, rfc4231[i].message, rfc4231[i].sha512);
    }
}

#define RFC2202_LARGE_KEY                                                                                    \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"       \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void R6_prf_agrees_with_rfc_2202(void **state)
{
    (void)state;
    expect_prf(PRF_HMAC_SHA1, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
               "b617318655057264e28bc0b6fb378c8ef146be00");
    expect_prf(PRF_HMAC_SHA1, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
               "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    expect_prf(PRF_HMAC_SHA1, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
               "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
               "dddddddddddddddddddddddddddddddd",
               "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
    expect_prf(PRF_HMAC_SHA1, "0102030405060708090a0b0c0d0e0f10111213141516171819",
               "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
               "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
               "4c9007f4026250c6bc8414f9bf50c86c2d7235da");
    /* Cases 6 and 7: a key larger than a block. */
    expect_prf(PRF_HMAC_SHA1, RFC2202_LARGE_KEY,
               "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d20"
               "48617368204b6579204669727374",
               "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    expect_prf(PRF_HMAC_SHA1, RFC2202_LARGE_KEY,
               "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b657920616e"
               "64204c6172676572205468616e204f6e6520426c6f636b2d53697a652044617461",
               "e8e99d0f45237d786d6bbaa7965c7808bbff1a91");
}

static void R5_R6_hmac_agrees_with_wycheproof(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wycheproof_hmac); i++) {
        const struct wycheproof_hmac *v = &wycheproof_hmac[i];
        const struct hex key = hex(v->key), message = hex(v->message), mac = hex(v->mac);
        const struct octets parts[] = {hex_octets(&message)};
        const struct integrity_algorithm *integrity = integrity_by_id(v->algorithm);
        uint8_t out[PRF_SIZE_MAX];
        if (v->is_prf) {
            expect_prf(v->algorithm, v->key, v->message, v->mac);
            continue;
        }
        assert_int_equal(key.length, integrity->key_size);
        assert_int_equal(mac.length, integrity->icv_size);
        assert_true(integrity_compute(integrity, key.at, parts, 1, out));
        if (memcmp(out, mac.at, mac.length) != 0)
            fail_msg("vector %u of %s", v->id, integrity->name);
    }
}

static void prf_takes_an_empty_key_and_no_parts(void **state)
{
    (void)state;
    expect_prf(PRF_HMAC_SHA2_256, "", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    struct hex expected = hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    uint8_t out[32];

    assert_true(prf_compute(prf_by_id(PRF_HMAC_SHA2_256), (struct octets){NULL, 0}, NULL, 0, out));
    assert_memory_equal(out, expected.at, 32);
}

static void prf_joins_its_parts(void **state)
{
    (void)state;
    const struct prf_algorithm *a = prf_by_id(PRF_HMAC_SHA2_256);
    const uint8_t message[] = "what do ya want for nothing?";
    struct octets key = {(const uint8_t *)"Jefe", 4};
    struct octets whole = {message, 28};
    struct octets parts[] = {{message, 5}, {NULL, 0}, {message + 5, 20}, {message + 25, 3}};
    uint8_t one[32], many[32];

    assert_true(prf_compute(a, key, &whole, 1, one));
    assert_true(prf_compute(a, key, parts, ARRAY_SIZE(parts), many));
    assert_memory_equal(one, many, 32);
}

/* T1 = prf(K, S | 1), T2 = prf(K, T1 | S | 2), …, computed step by step. */
static void RFC7296_2_13_prf_plus_chains_its_blocks(void **state)
{
    (void)state;
    for (size_t row = 0; row < PRF_COUNT; row++) {
        const struct prf_algorithm *a = &prf_algorithms[row];
        struct octets key = {(const uint8_t *)"0123456789abcdef", 16};
        struct octets seed = {(const uint8_t *)"Ni | Nr | SPIi | SPIr", 21};
        uint8_t expected[3 * PRF_SIZE_MAX];
        for (size_t i = 0; i < 3; i++) {
            uint8_t number = (uint8_t)(i + 1);
            struct octets parts[] = {
                {expected + (i > 0 ? (i - 1) * a->size : 0), i > 0 ? a->size : 0}, seed, {&number, 1}};
            assert_true(prf_compute(a, key, parts, 3, expected + i * a->size));
        }
        for (size_t length = 0; length <= 3 * a->size; length++) {
            uint8_t out[3 * PRF_SIZE_MAX + 1];
            out[length] = 0x5a;
            assert_true(prf_plus(a, key, seed, out, length));
            assert_memory_equal(out, expected, length);
            assert_int_equal(out[length], 0x5a);
        }
    }
}

static void RFC7296_2_13_prf_plus_ends_at_255_blocks(void **state)
{
    (void)state;
    const struct prf_algorithm *a = prf_by_id(PRF_HMAC_SHA1);
    struct octets key = {(const uint8_t *)"key", 3};
    enum { LONGEST = 255 * 20 };
    static uint8_t out[LONGEST + 1];

    assert_true(prf_plus(a, key, key, out, LONGEST));
    assert_false(prf_plus(a, key, key, out, LONGEST + 1));
}

/* RFC 4868 2.7.2.1: test cases AUTH256-2, AUTH384-2, AUTH512-2; RFC 2202 case 1 cut to 96 bits. */
static void R5_integrity_truncates_as_rfc_4868_and_2404_say(void **state)
{
    (void)state;
    static const struct {
        uint16_t id;
        const char *key, *message, *icv;
    } vectors[] = {
        {AUTH_HMAC_SHA2_256_128, "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
         "7768617420646f2079612077616e7420666f72206e6f7468696e673f", "167f928588c5cc2eef8e3093caa0e87c"},
        {AUTH_HMAC_SHA2_384_192,
         "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
         "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
         "2c7353974f1842fd66d53c452ca42122b28c0b594cfb184d"},
        {AUTH_HMAC_SHA2_512_256,
         "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665"
         "4a6566654a6566654a6566654a6566654a6566654a6566654a6566654a656665",
         "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
         "cb370917ae8a7ce28cfd1d8f4705d6141c173b2a9362c15df235dfb251b15454"},
        {AUTH_HMAC_SHA1_96, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
         "b617318655057264e28bc0b6"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        const struct integrity_algorithm *a = integrity_by_id(vectors[i].id);
        struct hex key = hex(vectors[i].key), message = hex(vectors[i].message), icv = hex(vectors[i].icv);
        struct octets parts[] = {hex_octets(&message)};
        uint8_t out[INTEGRITY_ICV_MAX + 1];
        out[a->icv_size] = 0x5a;

        assert_int_equal(key.length, a->key_size);
        assert_true(integrity_compute(a, key.at, parts, 1, out));
        assert_memory_equal(out, icv.at, a->icv_size);
        assert_int_equal(out[a->icv_size], 0x5a);
    }
}

static void sha1_agrees_with_fips_180(void **state)
{
    (void)state;
    struct hex expected = hex("a9993e364706816aba3e25717850c26c9cd0d89d");
    struct octets parts[] = {{(const uint8_t *)"a", 1}, {NULL, 0}, {(const uint8_t *)"bc", 2}};
    uint8_t out[20];

    assert_true(sha1_compute(parts, 3, out));
    assert_memory_equal(out, expected.at, 20);
}

static int compute_often(void *unused)
{
    (void)unused;
    for (int i = 0; i < 200; i++)
        expect_prf(PRF_HMAC_SHA2_256, rfc4231[1].key, rfc4231[1].message, rfc4231[1].sha256);
    return 0;
}

static void prf_serves_several_threads_at_once(void **state)
{
    (void)state;
    thrd_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(thrd_create(&threads[i], compute_often, NULL), thrd_success);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(thrd_join(threads[i], NULL), thrd_success);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prf_serves_several_threads_at_once),
        cmocka_unit_test(R6_prf_agrees_with_rfc_4231),
        cmocka_unit_test(R6_prf_agrees_with_rfc_2202),
        cmocka_unit_test(R5_R6_hmac_agrees_with_wycheproof),
        cmocka_unit_test(prf_takes_an_empty_key_and_no_parts),
        cmocka_unit_test(prf_joins_its_parts),
        cmocka_unit_test(RFC7296_2_13_prf_plus_chains_its_blocks),
        cmocka_unit_test(RFC7296_2_13_prf_plus_ends_at_255_blocks),
        cmocka_unit_test(R5_integrity_truncates_as_rfc_4868_and_2404_say),
        cmocka_unit_test(sha1_agrees_with_fips_180),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
