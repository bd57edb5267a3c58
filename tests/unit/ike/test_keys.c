/*
 * Key derivation against NIST's vectors for IKEv2 (CAVP, SP 800-135: SKEYSEED, DKM, DKM of a Child SA without
 * and with Diffie-Hellman, SKEYSEED of a rekey), and the order of keys (RFC 7296 2.14, 2.17, 2.18).
 */
#include "../crypto/hex.h"
#include "crypto/prf.h"
#include "ike/sa/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct vector {
    const char *prf; /* and integrity; encryption is AES-CBC-128 */
    const char *nonce_i, *nonce_r, *spi_i, *spi_r, *shared, *shared_new;
    const char *dkm; /* its beginning */
    const char *rekey_skeyseed;
};

static const struct vector vectors[] = {
    {"sha1", "32b50d5f4a3763f3", "9206a04b26564cb1", "34c9e7c188868785", "3ff77d760d2b2199",
     "4b2c1f971981a8ad8d0abeafabf38cf75fc8349c148142465ed9c8b516b8be52",
     "863f3c9d06efd39d2b907b97f8699e5dd5251ef64a2a176f36ee40c87d4f9330",
     "a14293677cc80ff8f9cc0eee30d895da9d8f405666e30ef0dfcb63c634a46002a2a63080e514a062768b76606f9fa5e992204fc"
     "5a670bde3"
     "f10d6b027113936a5c55b648a194ae587b0088d52204b702c979fa280870d2ed41efa9c549fd11198af1670b143d384bd275c5f"
     "594cf266b"
     "05ebadca855e4249520a441a81157435a7a56cc4",
     "63e81194946ebd05df7df5ebf5d8750056bf1f1d"},
    {"sha2-256", "3f302be1abcb28e1", "8c332ee006064c9b", "40dac39e1e1a8640", "8619a1cf9a6e4c07",
     "0f4d257d7a58fc4545c7d7a88119eee5d5c9690c5b4c989171d3abbfd99d1d29",
     "25f3b12d6f282739256e39bf54eda53b60ffcf379bb7bcc90c27b4c4c578616c",
     "0b137d669b0947d7d026d593f0305ad401ff0c471357d695778a9c7f4b4869ece98aca531188d16041b3bb936d2dbb3b4993a6e"
     "768a80916"
     "0de45d0283f273a6cdf6854379e31be72b8d3d1fa990cf9c5b015ca9f918a7df6253c958114a09d4e1c19bdcd4db14b29d98db1"
     "a74ad405c"
     "588662c14a04d0d36aa4ab55e90f8986d12d4aad",
     "2d63f6debc92048b4fef3889c4c99ca67d6496e0fac14a2bca9a2d6566ff2398"},
    {"sha2-384", "fd1b572a8e735591", "6013b0ef88dacd3d", "2116ad07ce61f749", "24880e55f11a65b7",
     "d3288cd87565101e88fe3bad918f31939d8dd26ff1071f8b2d7f447524e58d7c",
     "3358f620539473aee8d07e779764c4c6a9aabddc79a28e136b3bac021dbde44a",
     "4f904c2025c90c817ea5ff9b662a6fdb445a73b57cdf09eacd379b95e1f03cacb04cd6deeda4f952191dd9bc1f7a9502471a648"
     "d74dc06d3"
     "8112de48a42501f6b1a3ad55c2099cd9a648e5f17e5bf3e34bf9b5953decb768a34f875fe2b78dca0c2fcca81ec1a412006dfae"
     "d38fa0688"
     "2e61f4c148105fb8e231fdb33c4d484c001721d4",
     "e0548c1682e13bce454026b3b1bdf42985b24e4e7408095a7c529de38c3d1fcb04c9fe6868042a34c9614c6c99e3fcea"},
};

static struct ike_suite suite_of(const struct vector *v)
{
    return (struct ike_suite){.encryption = encryption_by_word("aes-cbc-128"),
                              .integrity = integrity_by_word(v->prf),
                              .prf = prf_by_word(v->prf)};
}

/* All keys one after the other, as the key material has them. */
static struct octets key_material(const struct ike_suite *suite, const struct ike_keys *keys, uint8_t *out,
                                  size_t size)
{
    size_t prf = suite->prf->size;
    size_t integrity = suite->integrity != NULL ? suite->integrity->key_size : 0;
    size_t encryption = encryption_key_octets(suite->encryption);
    struct writer w = writer_to(out, size);
    writer_put(&w, keys->d, prf);
    writer_put(&w, keys->ai, integrity);
    writer_put(&w, keys->ar, integrity);
    writer_put(&w, keys->ei, encryption);
    writer_put(&w, keys->er, encryption);
    writer_put(&w, keys->pi, prf);
    writer_put(&w, keys->pr, prf);
    assert_false(w.failed);
    return writer_octets(&w);
}

static bool derive(const struct vector *v, const struct ike_suite *suite, struct ike_keys *keys)
{
    const struct hex nonce_i = hex(v->nonce_i);
    const struct hex nonce_r = hex(v->nonce_r);
    const struct hex spi_i = hex(v->spi_i);
    const struct hex spi_r = hex(v->spi_r);
    const struct hex shared = hex(v->shared);
    return ike_keys_derive(suite, hex_octets(&shared), hex_octets(&nonce_i), hex_octets(&nonce_r),
                           load_u64be(spi_i.at), load_u64be(spi_r.at), keys);
}

static void RFC7296_2_14_keys_of_an_ike_sa_are_nists(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *v = &vectors[i];
        const struct ike_suite suite = suite_of(v);
        const struct hex dkm = hex(v->dkm);
        struct ike_keys keys;
        uint8_t octets[512];

        assert_true(derive(v, &suite, &keys));

        struct octets material = key_material(&suite, &keys, octets, sizeof octets);
        assert_true(material.length >= dkm.length);
        assert_memory_equal(material.at, dkm.at, dkm.length);
    }
}

static void RFC7296_2_18_keys_of_a_rekeyed_ike_sa_come_from_nists_skeyseed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *v = &vectors[i];
        const struct ike_suite suite = suite_of(v);
        const struct hex nonce_i = hex(v->nonce_i);
        const struct hex nonce_r = hex(v->nonce_r);
        const struct hex shared = hex(v->shared_new);
        const struct hex skeyseed = hex(v->rekey_skeyseed);
        struct ike_keys old;
        struct ike_keys keys;
        assert_true(derive(v, &suite, &old));
        /* The new SA may have another PRF: SKEYSEED comes of the old one's, the keys of the new one's. */
        struct ike_suite after = suite;
        after.prf = prf_by_word("sha2-512");

        assert_true(ike_keys_rekey(suite.prf, old.d, &after, hex_octets(&shared), hex_octets(&nonce_i),
                                   hex_octets(&nonce_r), 0x1111, 0x2222, &keys));

        uint8_t seed[32];
        struct writer w = writer_to(seed, sizeof seed);
        writer_put(&w, nonce_i.at, nonce_i.length);
        writer_put(&w, nonce_r.at, nonce_r.length);
        writer_put_u64be(&w, 0x1111);
        writer_put_u64be(&w, 0x2222);
        uint8_t octets[512];
        uint8_t expected[512];
        struct octets material = key_material(&after, &keys, octets, sizeof octets);
        assert_true(prf_plus(after.prf, hex_octets(&skeyseed), writer_octets(&w), expected, material.length));
        assert_memory_equal(material.at, expected, material.length);
    }
}

/* Both directions of a Child SA one after the other. */
static void check_child(const struct ike_suite *ike, const struct ike_keys *keys, struct octets shared,
                        const char *expected)
{
    const struct hex nonce_i = hex(vectors[0].nonce_i);
    const struct hex nonce_r = hex(vectors[0].nonce_r);
    const struct hex dkm = hex(expected);
    const struct ike_suite child = {.encryption = encryption_by_word("aes-cbc-256"),
                                    .integrity = integrity_by_word("sha2-256")};
    struct child_direction to_responder = {0};
    struct child_direction to_initiator = {0};

    assert_true(child_keys_derive(ike->prf, keys, &child, shared, hex_octets(&nonce_i), hex_octets(&nonce_r),
                                  &to_responder, &to_initiator));

    assert_memory_equal(to_responder.encryption_key, dkm.at, 32);
    assert_memory_equal(to_responder.integrity_key, dkm.at + 32, 32);
    assert_memory_equal(to_initiator.encryption_key, dkm.at + 64, 32);
    assert_memory_equal(to_initiator.integrity_key, dkm.at + 96, 32);
}

static void RFC7296_2_17_keys_of_a_child_sa_are_nists(void **state)
{
    (void)state;
    const struct ike_suite suite = suite_of(&vectors[0]);
    const struct hex shared = hex(vectors[0].shared_new);
    struct ike_keys keys;
    assert_true(derive(&vectors[0], &suite, &keys));

    check_child(
        &suite, &keys, (struct octets){NULL, 0},
        "8059e3ee8810e6c3a91bc8bcd2a7a41151b8d0e6ae239c7b38093ad85ef4c5811a8e7b5d1cdabd9560b2d5e092d1f24e"
        "2d4b85eccdf0ad0dc9abd94b51ee71814ca6dbc8bb51b6309f5b9545c7eb35cf5580b1e521a8fe20754a2d883ba0c2cf"
        "285f524aea6545b33106bc03e614296d319d41d4b50b3f510b1c0a22f3e664994d234cb4");
    check_child(
        &suite, &keys, hex_octets(&shared),
        "bb43244c1860ad65ee1e211ffe8bb3661750c8f89cb9f547df7f4fa61d37301628190e38c66232eab4b3ab14c400a519"
        "7dd3730ed4820a8a10394d51e1c0400052f63ebd36b0e7ef53aaed31eba4a5080d7d4b5666023a8bbb5ffb7857240f9a"
        "05884d1b7d2f933708450b7b3288f1fc863ab49fa901227cffc06e27899c7054d56fd74c");
}

static void RFC4106_8_1_gcm_takes_a_salt_and_no_integrity_key(void **state)
{
    (void)state;
    struct ike_suite suite = suite_of(&vectors[0]);
    suite.encryption = encryption_by_word("aes-gcm-256");
    suite.integrity = NULL;
    struct ike_keys keys = {0};
    static const uint8_t zeros[INTEGRITY_KEY_MAX];
    uint8_t octets[512];

    assert_true(derive(&vectors[0], &suite, &keys));

    assert_int_equal(encryption_key_octets(suite.encryption), 36);
    const struct hex dkm = hex(vectors[0].dkm);
    struct octets material = key_material(&suite, &keys, octets, sizeof octets);
    assert_int_equal(material.length, 20 + 36 + 36 + 20 + 20);
    assert_memory_equal(material.at, dkm.at, 132);
    assert_memory_equal(keys.ai, zeros, sizeof zeros);
}

static void nonces_of_the_largest_size_are_taken(void **state)
{
    (void)state;
    static const uint8_t nonce[NONCE_SIZE_MAX + 1];
    const struct ike_suite suite = suite_of(&vectors[1]);
    const struct octets largest = {nonce, NONCE_SIZE_MAX};
    struct ike_keys keys;
    assert_true(ike_keys_derive(&suite, largest, largest, largest, 1, 2, &keys));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(RFC7296_2_14_keys_of_an_ike_sa_are_nists),
        cmocka_unit_test(RFC7296_2_18_keys_of_a_rekeyed_ike_sa_come_from_nists_skeyseed),
        cmocka_unit_test(RFC7296_2_17_keys_of_a_child_sa_are_nists),
        cmocka_unit_test(RFC4106_8_1_gcm_takes_a_salt_and_no_integrity_key),
        cmocka_unit_test(nonces_of_the_largest_size_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
