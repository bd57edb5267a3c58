/* crypto/cipher.h, by the vectors of RFC 3602, NIST SP 800-38A, McGrew and Viega's GCM specification,
 * Wycheproof */
#include "crypto/cipher.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "hex.h"
#include "wycheproof.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(a)[0])

static const struct {
    uint16_t id, key_bits;
    const char *key, *iv, *plain, *sealed;
} cbc_vectors[] = {
    /* RFC 3602, cases 1 and 2 */
    {ENCR_AES_CBC, 128, "06a9214036b8a15b512e03d534120006", "3dafba429d9eb430b422da802c9fac41",
     "53696e676c6520626c6f636b206d7367", "e353779c1079aeb82708942dbe77181a"},
    {ENCR_AES_CBC, 128, "c286696d887c9aa0611bbb3e2025a45a", "562e17996d093d28ddb3ba695a2e6f58",
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1"},
    /* SP 800-38A F.2.3 and F.2.5, first two blocks */
    {ENCR_AES_CBC, 192, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
     "000102030405060708090a0b0c0d0e0f", "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
     "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"},
    {ENCR_AES_CBC, 256, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
     "000102030405060708090a0b0c0d0e0f", "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
     "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"},
    /* "7654321 Now is the time for ", of the first free DES libraries */
    {ENCR_3DES, 0, "0123456789abcdeff1e0d3c2b5a49786fedcba9876543210", "fedcba9876543210",
     "37363534333231204e6f77206973207468652074696d6520666f722000000000",
     "3fe301c962ac01d02213763c1cbd4cdc799657c064ecf5d41c673812cfde9675"},
};

static void R4_cbc_agrees_with_published_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cbc_vectors); i++) {
        const struct encryption_algorithm *a = encryption_by_id(cbc_vectors[i].id, cbc_vectors[i].key_bits);
        struct hex key = hex(cbc_vectors[i].key), iv = hex(cbc_vectors[i].iv);
        struct hex plain = hex(cbc_vectors[i].plain), sealed = hex(cbc_vectors[i].sealed);
        struct hex work = plain;

        assert_int_equal(key.length, a->key_size);
        assert_int_equal(iv.length, a->iv_size);
        assert_true(cipher_encrypt(a, key.at, iv.at, work.at, work.length));
        assert_memory_equal(work.at, sealed.at, sealed.length);
        assert_true(cipher_decrypt(a, key.at, iv.at, work.at, work.length));
        assert_memory_equal(work.at, plain.at, plain.length);
    }
}

static void cbc_refuses_a_part_of_a_block(void **state)
{
    (void)state;
    for (size_t row = 0; row < ENCRYPTION_COUNT; row++) {
        const struct encryption_algorithm *a = &encryption_algorithms[row];
        if (encryption_is_aead(a))
            continue;
        const uint8_t key[32] = {1}, iv[16] = {2};
        uint8_t work[33] = {3};
        assert_false(cipher_encrypt(a, key, iv, work, 33));
        assert_false(cipher_decrypt(a, key, iv, work, a->block_size - 1));
        assert_true(cipher_encrypt(a, key, iv, work, 0));
    }
}

#define GCM_PLAIN                                                                                            \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                                       \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define GCM_ASSOCIATED "feedfacedeadbeeffeedfacedeadbeefabaddad2"

/* Test cases 1, 4, 13, 16; the first four octets of the nonce are the salt of RFC 4106. */
static const struct {
    uint16_t key_bits;
    const char *key, *nonce, *associated, *plain, *sealed, *icv;
} gcm_vectors[] = {
    {128, "00000000000000000000000000000000", "000000000000000000000000", "", "", "",
     "58e2fccefa7e3061367f1d57a4e7455a"},
    {128, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", GCM_ASSOCIATED, GCM_PLAIN,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {256, "0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
     "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {256, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     GCM_ASSOCIATED, GCM_PLAIN,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void R4_gcm_agrees_with_published_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(gcm_vectors); i++) {
        const struct encryption_algorithm *a = encryption_by_id(ENCR_AES_GCM_16, gcm_vectors[i].key_bits);
        struct hex key = hex(gcm_vectors[i].key), nonce = hex(gcm_vectors[i].nonce);
        struct hex associated = hex(gcm_vectors[i].associated), icv = hex(gcm_vectors[i].icv);
        struct hex plain = hex(gcm_vectors[i].plain), sealed = hex(gcm_vectors[i].sealed);
        struct hex work = plain;
        uint8_t out[16];
        memcpy(key.at + key.length, nonce.at, 4);

        assert_true(aead_seal(a, key.at, nonce.at + 4, hex_octets(&associated), work.at, work.length, out));
        assert_memory_equal(work.at, sealed.at, sealed.length);
        assert_memory_equal(out, icv.at, 16);
        assert_true(
            aead_open(a, key.at, nonce.at + 4, hex_octets(&associated), work.at, work.length, icv.at));
        assert_memory_equal(work.at, plain.at, plain.length);
    }
}

static void R4_gcm_agrees_with_wycheproof(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wycheproof_gcm); i++) {
        const struct wycheproof_gcm *v = &wycheproof_gcm[i];
        const struct encryption_algorithm *a = encryption_by_id(ENCR_AES_GCM_16, v->key_bits);
        struct hex key = hex(v->key), nonce = hex(v->nonce), associated = hex(v->associated),
                   icv = hex(v->icv);
        struct hex plain = hex(v->plain), work = hex(v->sealed);
        uint8_t out[16];
        memcpy(key.at + key.length, nonce.at, 4);

        bool opened =
            aead_open(a, key.at, nonce.at + 4, hex_octets(&associated), work.at, work.length, icv.at);

        if (opened != v->valid)
            fail_msg("vector %u is %s", v->id, opened ? "taken" : "refused");
        if (!v->valid)
            continue;
        assert_memory_equal(work.at, plain.at, plain.length);
        assert_true(aead_seal(a, key.at, nonce.at + 4, hex_octets(&associated), work.at, work.length, out));
        assert_memory_equal(work.at, hex(v->sealed).at, work.length);
        assert_memory_equal(out, icv.at, sizeof out);
    }
}

static void gcm_refuses_and_wipes_changed_messages(void **state)
{
    (void)state;
    const struct encryption_algorithm *a = encryption_by_id(ENCR_AES_GCM_16, 256);
    const uint8_t key[36] = {1}, iv[8] = {2}, nothing[40] = {0};
    uint8_t associated[8] = {3}, sealed[40] = {4}, icv[16];
    struct octets header = {associated, sizeof associated};
    assert_true(aead_seal(a, key, iv, header, sealed, sizeof sealed, icv));

    for (size_t bit = 0; bit < 8 * (sizeof associated + sizeof sealed + sizeof icv); bit++) {
        uint8_t work[40], wrong_icv[16];
        memcpy(work, sealed, sizeof work);
        memcpy(wrong_icv, icv, sizeof wrong_icv);
        size_t at = bit / 8;
        uint8_t mask = (uint8_t)(1 << bit % 8);
        if (at < 8)
            associated[at] ^= mask;
        else if (at < 48)
            work[at - 8] ^= mask;
        else
            wrong_icv[at - 48] ^= mask;
        assert_false(aead_open(a, key, iv, header, work, sizeof work, wrong_icv));
        assert_memory_equal(work, nothing, sizeof work);
        if (at < 8)
            associated[at] ^= mask;
    }
}

static void aead_refuses_a_cipher_without_an_icv_of_its_own(void **state)
{
    (void)state;
    const struct encryption_algorithm *a = encryption_by_id(ENCR_AES_CBC, 128);
    const uint8_t key[36] = {0};
    uint8_t work[16] = {0}, icv[16] = {0};

    assert_false(aead_seal(a, key, key, (struct octets){key, 0}, work, 16, icv));
    assert_false(aead_open(a, key, key, (struct octets){key, 0}, work, 16, icv));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R4_cbc_agrees_with_published_vectors),
        cmocka_unit_test(cbc_refuses_a_part_of_a_block),
        cmocka_unit_test(R4_gcm_agrees_with_published_vectors),
        cmocka_unit_test(R4_gcm_agrees_with_wycheproof),
        cmocka_unit_test(gcm_refuses_and_wipes_changed_messages),
        cmocka_unit_test(aead_refuses_a_cipher_without_an_icv_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
