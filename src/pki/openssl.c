#include "pki/openssl.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>

static const struct {
    int evp;
    enum key_kind kind;
    const char *name;
} kinds[] = {
    {EVP_PKEY_RSA, KEY_RSA, "RSA"},
    {EVP_PKEY_RSA_PSS, KEY_RSA, "RSA-PSS"},
    {EVP_PKEY_EC, KEY_ECDSA, "ECDSA"},
    {EVP_PKEY_ED25519, KEY_ED25519, "Ed25519"},
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]) };

enum key_kind openssl_key_kind(const EVP_PKEY *evp)
{
    for (size_t i = 0; evp != NULL && i < KIND_COUNT; i++) {
        if (EVP_PKEY_get_base_id(evp) == kinds[i].evp)
            return kinds[i].kind;
    }
    return KEY_UNKNOWN;
}

uint32_t openssl_key_bits(const EVP_PKEY *evp)
{
    int bits = evp == NULL ? 0 : EVP_PKEY_get_bits(evp);
    return bits > 0 ? (uint32_t)bits : 0;
}

/* "P-256", or what OpenSSL calls the curve. */
static void curve_text(const EVP_PKEY *evp, char *out, size_t size)
{
    char group[32] = "unknown curve";
    (void)EVP_PKEY_get_utf8_string_param(evp, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL);
    const char *nist = EC_curve_nid2nist(OBJ_txt2nid(group));
    (void)snprintf(out, size, "%s", nist != NULL ? nist : group);
}

void openssl_key_text(const EVP_PKEY *evp, char *out, size_t size)
{
    char curve[32];
    const char *name = "unknown kind of key";
    for (size_t i = 0; evp != NULL && i < KIND_COUNT; i++) {
        if (EVP_PKEY_get_base_id(evp) == kinds[i].evp)
            name = kinds[i].name;
    }
    switch (openssl_key_kind(evp)) {
    case KEY_RSA:
        (void)snprintf(out, size, "%s %u bits", name, openssl_key_bits(evp));
        break;
    case KEY_ECDSA:
        curve_text(evp, curve, sizeof(curve));
        (void)snprintf(out, size, "%s %s", name, curve);
        break;
    default:
        (void)snprintf(out, size, "%s", name);
    }
}

/* OpenSSL bounds the exponent itself, but only of keys with more than 3072 bits. */
enum { RSA_BITS_MAX = 8192, RSA_EXPONENT_BITS_MAX = 64 };

static const char *rsa_trouble(const EVP_PKEY *evp)
{
    BIGNUM *exponent = NULL;
    (void)EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_RSA_E, &exponent);
    bool short_exponent = exponent != NULL && BN_num_bits(exponent) <= RSA_EXPONENT_BITS_MAX;
    BN_free(exponent);
    if (openssl_key_bits(evp) > RSA_BITS_MAX)
        return "an RSA key of more than 8192 bits, which is not supported here";
    return short_exponent ? NULL
                          : "an RSA key with an exponent of more than 64 bits, which is not supported here";
}

/* A curve of a certificate has a name. */
static const char *curve_trouble(const EVP_PKEY *evp)
{
    int explicit_curve = 0;
    (void)EVP_PKEY_get_int_param(evp, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_curve);
    return explicit_curve != 0 ? "a key whose curve is written out, and not named (RFC 5480 2.1.1)" : NULL;
}

const char *openssl_key_trouble(const EVP_PKEY *evp)
{
    switch (openssl_key_kind(evp)) {
    case KEY_RSA:
        return rsa_trouble(evp);
    case KEY_ECDSA:
        return curve_trouble(evp);
    case KEY_ED25519:
        return NULL;
    default:
        return "a key that is not supported here";
    }
}

int64_t openssl_time(const ASN1_TIME *time)
{
    struct tm broken = {0};
    if (time == NULL || ASN1_TIME_to_tm(time, &broken) != 1)
        return 0;
    return timegm(&broken);
}

void openssl_integer_text(const ASN1_INTEGER *number, char *out, size_t size)
{
    BIGNUM *value = number == NULL ? NULL : ASN1_INTEGER_to_BN(number, NULL);
    char *digits = value == NULL ? NULL : BN_bn2hex(value);
    (void)snprintf(out, size, "%s", digits != NULL ? digits : "");
    OPENSSL_free(digits);
    BN_free(value);
}

void openssl_forget_errors(void)
{
    ERR_clear_error();
}
