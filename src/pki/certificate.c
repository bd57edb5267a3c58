#include "pki/certificate.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "pki/openssl.h"

struct certificate {
    atomic_uint holders;
    X509 *x509;
    uint8_t *der; /* from OpenSSL */
    size_t length;
    uint8_t *subject; /* from OpenSSL */
    size_t subject_length;
    struct certificate_facts facts;
};

X509 *certificate_x509(const struct certificate *certificate)
{
    return certificate->x509;
}

/* SHA-1 of the whole SubjectPublicKeyInfo; X509_pubkey_digest takes the key's bits alone. */
static bool hash_public_key(X509 *x509, uint8_t out[KEY_HASH_SIZE])
{
    unsigned char *der = NULL;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
    bool done = length > 0 && EVP_Digest(der, (size_t)length, out, NULL, EVP_sha1(), NULL) == 1;
    OPENSSL_free(der);
    return done;
}

static bool read_facts(X509 *x509, struct certificate_facts *facts)
{
    EVP_PKEY *key = X509_get0_pubkey(x509);
    openssl_name_text(X509_get_subject_name(x509), facts->subject);
    openssl_name_text(X509_get_issuer_name(x509), facts->issuer);
    openssl_integer_text(X509_get0_serialNumber(x509), facts->serial, sizeof(facts->serial));
    facts->not_before = openssl_time(X509_get0_notBefore(x509));
    facts->not_after = openssl_time(X509_get0_notAfter(x509));
    facts->key = openssl_key_kind(key);
    facts->key_bits = openssl_key_bits(key);
    openssl_key_text(key, facts->key_text, sizeof(facts->key_text));
    const char *signature = OBJ_nid2sn(X509_get_signature_nid(x509));
    (void)snprintf(facts->signature_text, sizeof(facts->signature_text), "%s",
                   signature != NULL ? signature : "unknown");
    int ca = X509_check_ca(x509);
    facts->is_ca = ca == 1 || ca == 3;
    facts->self_signed = (X509_get_extension_flags(x509) & EXFLAG_SS) != 0;
    return hash_public_key(x509, facts->key_hash) &&
           X509_digest(x509, EVP_sha256(), facts->fingerprint, NULL) == 1 &&
           X509_digest(x509, EVP_sha1(), facts->fingerprint_sha1, NULL) == 1;
}

/* Fills it from the octets. */
static bool read_certificate(struct octets der, struct certificate *certificate)
{
    const unsigned char *at = der.at;
    certificate->x509 = d2i_X509(NULL, &at, (long)der.length);
    if (certificate->x509 == NULL || at != der.at + der.length)
        return false;
    int length = i2d_X509(certificate->x509, &certificate->der);
    int subject_length = i2d_X509_NAME(X509_get_subject_name(certificate->x509), &certificate->subject);
    certificate->length = length > 0 ? (size_t)length : 0;
    certificate->subject_length = subject_length > 0 ? (size_t)subject_length : 0;
    return length > 0 && subject_length > 0 && read_facts(certificate->x509, &certificate->facts);
}

struct certificate *certificate_parse(struct octets der, struct pki_reason *reason)
{
    struct certificate *certificate = calloc(1, sizeof(*certificate));
    if (certificate == NULL) {
        (void)pki_refuse(reason, "out of memory");
        return NULL;
    }
    atomic_init(&certificate->holders, 1);
    if (der.length <= CERTIFICATE_MAX && read_certificate(der, certificate))
        return certificate;
    if (der.length > CERTIFICATE_MAX)
        (void)pki_refuse(reason, "the certificate has %zu octets, and %d are possible", der.length,
                         CERTIFICATE_MAX);
    else
        (void)pki_refuse(reason, "this is no X.509 certificate in DER");
    openssl_forget_errors();
    certificate_release(certificate);
    return NULL;
}

struct certificate *certificate_hold(struct certificate *certificate)
{
    atomic_fetch_add(&certificate->holders, 1);
    return certificate;
}

void certificate_release(struct certificate *certificate)
{
    if (certificate == NULL || atomic_fetch_sub(&certificate->holders, 1) > 1)
        return;
    X509_free(certificate->x509);
    OPENSSL_free(certificate->der);
    OPENSSL_free(certificate->subject);
    free(certificate);
}

struct octets certificate_der(const struct certificate *certificate)
{
    return (struct octets){certificate->der, certificate->length};
}

struct octets certificate_subject_der(const struct certificate *certificate)
{
    return (struct octets){certificate->subject, certificate->subject_length};
}

const struct certificate_facts *certificate_facts(const struct certificate *certificate)
{
    return &certificate->facts;
}

bool certificate_equal(const struct certificate *a, const struct certificate *b)
{
    return octets_equal(certificate_der(a), certificate_der(b));
}

bool certificate_is_issued_by(const struct certificate *certificate, const struct certificate *issuer)
{
    int result = X509_check_issued(issuer->x509, certificate->x509);
    openssl_forget_errors();
    return result == X509_V_OK || result == X509_V_ERR_KEYUSAGE_NO_CERTSIGN;
}
