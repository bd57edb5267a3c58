#include "pki/file_kind.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "pki/openssl.h"

const char *file_kind_hint(enum file_kind kind)
{
    static const char *const hints[] = {
        [FILE_UNKNOWN] = "",
        [FILE_PEM_CERTIFICATE] = ": it looks like a certificate in PEM, for `pki cert import pem`",
        [FILE_PEM_CRL] = ": it looks like a CRL in PEM, for `pki crl import pem`",
        [FILE_PEM_PRIVATE_KEY] = ": it looks like a private key in PEM, for `pki private-key import pem`",
        [FILE_PEM_OTHER] = ": it looks like PEM of another kind",
        [FILE_REQUEST] = ": it looks like a certificate request; a CA makes a certificate of it",
        [FILE_SSH_KEY] = ": it looks like a key of SSH; `ssh-keygen -p -m PEM` makes PEM of it",
        [FILE_PUBLIC_KEY] = ": it looks like a public key, which no command takes",
        [FILE_DER_CERTIFICATE] = ": it looks like a certificate in DER, for `pki cert import der`",
        [FILE_DER_CRL] = ": it looks like a CRL in DER, for `pki crl import der`",
        [FILE_DER_PRIVATE_KEY] =
            ": it looks like a private key in DER; `openssl pkey -inform DER` makes PEM of it",
        [FILE_PKCS12] = ": it looks like PKCS#12, for `pki pkcs12 import`",
    };
    return hints[kind];
}

/* ---- PEM ------------------------------------------------------------------------------------------- */

/* What stands behind "-----BEGIN " at the start of a block; the first one that fits. */
static const struct {
    const char *label;
    enum file_kind kind;
} labels[] = {
    {"CERTIFICATE REQUEST-----", FILE_REQUEST},
    {"NEW CERTIFICATE REQUEST-----", FILE_REQUEST},
    {"CERTIFICATE-----", FILE_PEM_CERTIFICATE},
    {"X509 CERTIFICATE-----", FILE_PEM_CERTIFICATE},
    {"X509 CRL-----", FILE_PEM_CRL},
    {"PRIVATE KEY-----", FILE_PEM_PRIVATE_KEY},
    {"ENCRYPTED PRIVATE KEY-----", FILE_PEM_PRIVATE_KEY},
    {"RSA PRIVATE KEY-----", FILE_PEM_PRIVATE_KEY},
    {"EC PRIVATE KEY-----", FILE_PEM_PRIVATE_KEY},
    {"OPENSSH PRIVATE KEY-----", FILE_SSH_KEY},
    {"PUBLIC KEY-----", FILE_PUBLIC_KEY},
    {"", FILE_PEM_OTHER},
};

static enum file_kind kind_of_pem(struct octets file)
{
    static const char begin[] = "-----BEGIN ";
    const char *at = memmem(file.at, file.length, begin, strlen(begin));
    if (at == NULL)
        return FILE_UNKNOWN;
    const char *label = at + strlen(begin);
    const size_t left = (size_t)((const char *)file.at + file.length - label);
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        const size_t length = strlen(labels[i].label);
        if (left >= length && memcmp(label, labels[i].label, length) == 0)
            return labels[i].kind;
    }
    return FILE_PEM_OTHER;
}

/* ---- DER ------------------------------------------------------------------------------------------- */

/* True if the octets are an object of that kind. */
typedef bool looks_like(const uint8_t *at, long length);

static bool looks_like_certificate(const uint8_t *at, long length)
{
    X509 *found = d2i_X509(NULL, &at, length);
    X509_free(found);
    return found != NULL;
}

static bool looks_like_crl(const uint8_t *at, long length)
{
    X509_CRL *found = d2i_X509_CRL(NULL, &at, length);
    X509_CRL_free(found);
    return found != NULL;
}

static bool looks_like_pkcs12(const uint8_t *at, long length)
{
    PKCS12 *found = d2i_PKCS12(NULL, &at, length);
    PKCS12_free(found);
    return found != NULL;
}

static bool looks_like_private_key(const uint8_t *at, long length)
{
    EVP_PKEY *found = d2i_AutoPrivateKey(NULL, &at, length);
    EVP_PKEY_free(found);
    return found != NULL;
}

static const struct {
    looks_like *test;
    enum file_kind kind;
} kinds[] = {
    {looks_like_certificate, FILE_DER_CERTIFICATE},
    {looks_like_crl, FILE_DER_CRL},
    {looks_like_pkcs12, FILE_PKCS12},
    {looks_like_private_key, FILE_DER_PRIVATE_KEY},
};

enum file_kind file_kind_of(struct octets file)
{
    enum file_kind kind = kind_of_pem(file);
    for (size_t i = 0; kind == FILE_UNKNOWN && i < sizeof kinds / sizeof *kinds; i++)
        kind = kinds[i].test(file.at, (long)file.length) ? kinds[i].kind : FILE_UNKNOWN;
    openssl_forget_errors();
    return kind;
}
