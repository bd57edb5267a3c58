/*
 * Signatures of AUTH payloads by each row of the table, and the AlgorithmIdentifiers of RFC 7427 and 8420.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "material.h"
#include "pki/signature.h"

static const uint8_t message[] = "octets that an end signs";
static const struct octets signed_octets = {message, sizeof(message)};

/* A certificate with its key, for each kind of key. */
static const struct {
    enum key_kind kind;
    uint32_t bits;
    const char *name;
} ends[] = {{KEY_RSA, 2048, "rsa2048"},
            {KEY_ECDSA, 384, "p384"},
            {KEY_ECDSA, 256, "site1"},
            {KEY_ECDSA, 521, "p521"},
            {KEY_ED25519, 256, "ed25519"}};

static const char *end_for(const struct signature_scheme *scheme)
{
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (ends[i].kind == scheme->key && (scheme->bits == 0 || scheme->bits == ends[i].bits))
            return ends[i].name;
    }
    fail();
    return NULL;
}

struct end {
    struct certificate *certificate;
    struct private_key *key;
};

static struct end end_open(const char *name)
{
    return (struct end){material_certificate(name), material_key(name)};
}

static void end_close(struct end *end)
{
    certificate_release(end->certificate);
    private_key_release(end->key);
}

static void S32_each_row_signs_what_it_verifies(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIGNATURE_SCHEME_COUNT; i++) {
        const struct signature_scheme *scheme = &signature_schemes[i];
        struct end end = end_open(end_for(scheme));
        uint8_t value[SIGNATURE_AUTH_MAX];
        struct octets made = {value, signature_auth_make(end.key, scheme, signed_octets, value)};
        const struct signature_scheme *found;
        struct pki_reason reason;
        assert_true(made.length > 0);
        assert_int_equal(signature_auth_verify(end.certificate, signature_scheme_method(scheme),
                                               signed_octets, made, &found, &reason),
                         SIGNATURE_OK);
        assert_ptr_equal(found, scheme);
        value[made.length - 1] ^= 1;
        assert_int_equal(signature_auth_verify(end.certificate, signature_scheme_method(scheme),
                                               signed_octets, made, &found, &reason),
                         SIGNATURE_WRONG);
        end_close(&end);
    }
}

static void S32_method_1_names_its_hash_in_the_signature(void **state)
{
    (void)state;
    struct end end = end_open("rsa2048");
    for (size_t i = 0; i < SIGNATURE_SCHEME_COUNT; i++) {
        const struct signature_scheme *scheme = &signature_schemes[i];
        const struct signature_scheme *found;
        uint8_t value[SIGNATURE_MAX];
        if (scheme->key != KEY_RSA)
            continue;
        struct octets made = {value, signature_sign(end.key, scheme, signed_octets, value)};
        enum signature_fault fault =
            signature_auth_verify(end.certificate, SIGNATURE_METHOD_RSA, signed_octets, made, &found, NULL);
        assert_int_equal(fault, scheme->pss ? SIGNATURE_WRONG : SIGNATURE_OK);
        assert_ptr_equal(found, scheme->pss ? NULL : scheme);
    }
    end_close(&end);
}

static void S32_algorithm_identifiers_are_known_in_both_directions(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIGNATURE_SCHEME_COUNT; i++) {
        const struct signature_scheme *scheme = &signature_schemes[i];
        struct octets algorithm = signature_scheme_algorithm(scheme);
        if (scheme->method != 0)
            assert_int_equal(algorithm.length, 0);
        else
            assert_ptr_equal(signature_scheme_by_algorithm(algorithm), scheme);
    }
}

static void S32_algorithm_identifiers_of_others_are_understood(void **state)
{
    /* RFC 7427 A.4.3: with the trailer field, though it is the default. */
    static const uint8_t pss[] = {0x30, 0x46, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
                                  0x0a, 0x30, 0x39, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
                                  0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a,
                                  0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30,
                                  0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
                                  0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, 0x20, 0xa3, 0x03, 0x02, 0x01, 0x01};
    /* Without the NULL that sha256WithRSAEncryption should have. */
    static const uint8_t without_null[] = {0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48,
                                           0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b};
    (void)state;
    const struct signature_scheme *scheme = signature_scheme_by_algorithm((struct octets){pss, sizeof(pss)});
    assert_non_null(scheme);
    assert_string_equal(scheme->name, "RSA PSS with SHA2-256");
    scheme = signature_scheme_by_algorithm((struct octets){without_null, sizeof(without_null)});
    assert_non_null(scheme);
    assert_string_equal(scheme->name, "RSA PKCS#1 v1.5 with SHA2-256");
}

static void S32_unknown_algorithms_are_refused_by_name(void **state)
{
    static const struct {
        uint8_t octets[24];
        size_t length;
        enum signature_fault fault;
        const char *text;
    } cases[] = {
        /* sha1WithRSAEncryption: RFC 8247 3.2 */
        {{15, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0x00, 7},
         17,
         SIGNATURE_UNKNOWN_ALGORITHM,
         "the signature algorithm is not supported here: sha1WithRSAEncryption (RFC 7427)"},
        /* RSASSA-PSS with default parameters, which are SHA-1 */
        {{15, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x00, 7},
         17,
         SIGNATURE_UNKNOWN_ALGORITHM,
         "the signature algorithm is not supported here: rsassaPss (RFC 7427)"},
        /* rsassaPss without parameters */
        {{13, 0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 7},
         15,
         SIGNATURE_UNKNOWN_ALGORITHM,
         "the signature algorithm is not supported here: rsassaPss (RFC 7427)"},
        /* Ed448 */
        {{7, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71, 7},
         9,
         SIGNATURE_UNKNOWN_ALGORITHM,
         "the signature algorithm is not supported here: ED448 (RFC 7427)"},
        {{4, 1, 2, 3, 4, 5},
         6,
         SIGNATURE_UNKNOWN_ALGORITHM,
         "the signature algorithm is not supported here: unknown (RFC 7427)"},
        /* ecdsa-with-SHA256 */
        {{12, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, 7},
         14,
         SIGNATURE_OTHER_KEY,
         "the signature algorithm is ECDSA with SHA2-256, and the key of C=JP, O=Example, CN=rsa2048 is RSA "
         "2048 bits"},
        {{0, 7},
         2,
         SIGNATURE_MALFORMED,
         "the AUTH payload is malformed: no AlgorithmIdentifier with a signature behind it (RFC 7427 3)"},
        {{2, 0x30, 0x00},
         3,
         SIGNATURE_MALFORMED,
         "the AUTH payload is malformed: no AlgorithmIdentifier with a signature behind it (RFC 7427 3)"},
        {{200, 0x30, 0x00},
         3,
         SIGNATURE_MALFORMED,
         "the AUTH payload is malformed: no AlgorithmIdentifier with a signature behind it (RFC 7427 3)"},
        {{0},
         0,
         SIGNATURE_MALFORMED,
         "the AUTH payload is malformed: no AlgorithmIdentifier with a signature behind it (RFC 7427 3)"},
    };
    (void)state;
    struct certificate *certificate = material_certificate("rsa2048");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct octets value = {cases[i].octets, cases[i].length};
        const struct signature_scheme *scheme;
        struct pki_reason reason;
        enum signature_fault fault = signature_auth_verify(certificate, SIGNATURE_METHOD_DIGITAL,
                                                           signed_octets, value, &scheme, &reason);
        assert_string_equal(reason.text, cases[i].text);
        assert_int_equal(fault, cases[i].fault);
    }
    certificate_release(certificate);
}

static void S32_the_key_of_another_is_told(void **state)
{
    (void)state;
    struct end rsa = end_open("rsa2048");
    struct certificate *ec = material_certificate("p384");
    const struct signature_scheme *scheme = &signature_schemes[0];
    uint8_t value[SIGNATURE_AUTH_MAX];
    struct pki_reason reason;
    struct octets made = {value, signature_auth_make(rsa.key, scheme, signed_octets, value)};
    struct certificate *other = material_certificate("pss");
    assert_int_equal(signature_auth_verify(ec, SIGNATURE_METHOD_RSA, signed_octets, made, &scheme, &reason),
                     SIGNATURE_OTHER_KEY);
    assert_string_equal(reason.text,
                        "AUTH method 1 is for RSA, and the key of C=JP, O=Example, CN=p384 is ECDSA P-384");
    assert_int_equal(
        signature_auth_verify(rsa.certificate, SIGNATURE_METHOD_RSA, signed_octets, made, &scheme, &reason),
        SIGNATURE_WRONG);
    char text[PKI_REASON_SIZE];
    assert_string_equal(
        reason.text, material_text("the signature is not by the key of C=JP, O=Example, CN=rsa2048, serial #",
                                   rsa.certificate, text));
    assert_int_equal(signature_auth_verify(ec, 3, signed_octets, made, &scheme, &reason),
                     SIGNATURE_UNKNOWN_ALGORITHM);
    assert_string_equal(reason.text, "AUTH method 3 is not supported");
    assert_int_equal(signature_auth_verify(ec, 9, signed_octets, made, &scheme, &reason),
                     SIGNATURE_OTHER_KEY);
    assert_string_equal(reason.text, "AUTH method 9 is for ECDSA P-256 with SHA2-256, and the key of C=JP, "
                                     "O=Example, CN=p384 is ECDSA P-384");
    value[made.length - 1] ^= 1;
    assert_int_equal(signature_auth_verify(rsa.certificate, SIGNATURE_METHOD_DIGITAL, signed_octets, made,
                                           &scheme, &reason),
                     SIGNATURE_WRONG);
    assert_string_equal(reason.text,
                        material_text("the signature (RSA PSS with SHA2-256) is not by the key of "
                                      "C=JP, O=Example, CN=rsa2048, serial #",
                                      rsa.certificate, text));
    certificate_release(other);
    certificate_release(ec);
    end_close(&rsa);
}

/* RFC 4754 7, 8: two numbers, each as long as the curve's order. */
static void S32_methods_9_to_11_have_numbers_of_fixed_length(void **state)
{
    static const struct {
        uint8_t method;
        const char *name;
        size_t length;
    } cases[] = {{9, "site1", 64}, {10, "p384", 96}, {11, "p521", 132}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct end end = end_open(cases[i].name);
        const struct signature_scheme *scheme =
            signature_scheme_choose(KEY_ECDSA, certificate_facts(end.certificate)->key_bits, 0, true);
        const struct signature_scheme *found;
        uint8_t value[SIGNATURE_AUTH_MAX];
        assert_int_equal(signature_scheme_method(scheme), cases[i].method);
        for (int again = 0; again < 300; again++) { /* some numbers begin with zeros */
            size_t length = signature_auth_make(end.key, scheme, signed_octets, value);
            assert_int_equal(length, cases[i].length);
            assert_int_equal(signature_auth_verify(end.certificate, cases[i].method, signed_octets,
                                                   (struct octets){value, length}, &found, NULL),
                             SIGNATURE_OK);
        }
        assert_ptr_equal(found, scheme);
        for (size_t length = 0; length < cases[i].length; length++)
            assert_int_equal(signature_auth_verify(end.certificate, cases[i].method, signed_octets,
                                                   (struct octets){value, length}, &found, NULL),
                             SIGNATURE_WRONG);
        end_close(&end);
    }
}

static signature_hash_set set_of(const char *hashes)
{
    signature_hash_set set = 0;
    for (; *hashes != '\0'; hashes++)
        set |= UINT32_C(1) << (*hashes - '0');
    return set;
}

static void S32_the_row_suits_key_and_peer(void **state)
{
    const struct {
        enum key_kind key;
        uint32_t bits;
        const char *hashes;
        bool pss;
        const char *name;
    } cases[] = {
        {KEY_RSA, 2048, "2345", true, "RSA PSS with SHA2-256"},
        {KEY_RSA, 2048, "1234", false, "RSA PKCS#1 v1.5 with SHA2-256"},
        {KEY_RSA, 4096, "34", true, "RSA PSS with SHA2-384"},
        {KEY_RSA, 4096, "4", false, "RSA PKCS#1 v1.5 with SHA2-512"},
        {KEY_RSA, 2048, "", true, "RSA PKCS#1 v1.5 with SHA1"},
        {KEY_RSA, 2048, "1", true, NULL},
        {KEY_ECDSA, 256, "234", true, "ECDSA with SHA2-256"},
        {KEY_ECDSA, 384, "234", false, "ECDSA with SHA2-384"},
        {KEY_ECDSA, 521, "234", true, "ECDSA with SHA2-512"},
        {KEY_ECDSA, 521, "2", true, "ECDSA with SHA2-256"},
        {KEY_ECDSA, 256, "", true, "ECDSA P-256 with SHA2-256"},
        {KEY_ECDSA, 384, "", true, "ECDSA P-384 with SHA2-384"},
        {KEY_ECDSA, 521, "", true, "ECDSA P-521 with SHA2-512"},
        {KEY_ECDSA, 224, "", true, NULL},
        {KEY_ED25519, 253, "", true, NULL},
        {KEY_ED25519, 253, "25", true, "Ed25519"},
        {KEY_ED25519, 253, "2", true, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct signature_scheme *scheme =
            signature_scheme_choose(cases[i].key, cases[i].bits, set_of(cases[i].hashes), cases[i].pss);
        assert_string_equal(scheme == NULL ? "none" : scheme->name,
                            cases[i].name == NULL ? "none" : cases[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S32_each_row_signs_what_it_verifies),
        cmocka_unit_test(S32_method_1_names_its_hash_in_the_signature),
        cmocka_unit_test(S32_algorithm_identifiers_are_known_in_both_directions),
        cmocka_unit_test(S32_algorithm_identifiers_of_others_are_understood),
        cmocka_unit_test(S32_unknown_algorithms_are_refused_by_name),
        cmocka_unit_test(S32_the_key_of_another_is_told),
        cmocka_unit_test(S32_methods_9_to_11_have_numbers_of_fixed_length),
        cmocka_unit_test(S32_the_row_suits_key_and_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
