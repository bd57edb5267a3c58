#include "pki/crl.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "pki/openssl.h"

struct crl {
    atomic_uint holders;
    X509_CRL *x509;
    uint8_t *der; /* from OpenSSL */
    size_t length;
    struct crl_facts facts;
};

X509_CRL *crl_x509(const struct crl *crl)
{
    return crl->x509;
}

static void read_facts(X509_CRL *x509, struct crl_facts *facts)
{
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(x509, NID_crl_number, NULL, NULL);
    openssl_name_text(X509_CRL_get_issuer(x509), facts->issuer);
    openssl_integer_text(number, facts->number, sizeof(facts->number));
    facts->this_update = openssl_time(X509_CRL_get0_lastUpdate(x509));
    facts->next_update = openssl_time(X509_CRL_get0_nextUpdate(x509));
    int revoked = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(x509));
    facts->revoked = revoked > 0 ? (uint32_t)revoked : 0;
    ASN1_INTEGER_free(number);
    openssl_forget_errors();
}

static bool read_crl(struct octets der, struct crl *crl)
{
    const unsigned char *at = der.at;
    crl->x509 = d2i_X509_CRL(NULL, &at, (long)der.length);
    if (crl->x509 == NULL || at != der.at + der.length)
        return false;
    int length = i2d_X509_CRL(crl->x509, &crl->der);
    crl->length = length > 0 ? (size_t)length : 0;
    read_facts(crl->x509, &crl->facts);
    return length > 0;
}

/* False if it tells less than which certificates of its issuer are revoked, or also of other issuers. */
static bool is_complete(X509_CRL *x509, struct pki_reason *reason)
{
    ISSUING_DIST_POINT *point = X509_CRL_get_ext_d2i(x509, NID_issuing_distribution_point, NULL, NULL);
    bool indirect = point != NULL && point->indirectCRL > 0;
    ISSUING_DIST_POINT_free(point);
    openssl_forget_errors();
    if (X509_CRL_get_ext_by_NID(x509, NID_delta_crl, -1) >= 0)
        return pki_refuse(reason,
                          "this is a delta CRL, and only complete ones can be used here (RFC 5280 5.2.4)");
    if (indirect)
        return pki_refuse(reason,
                          "this is an indirect CRL, and only those that a CA signs for its own certificates "
                          "can be used here (RFC 5280 5.2.5)");
    return true;
}

struct crl *crl_parse(struct octets der, struct pki_reason *reason)
{
    struct crl *crl = calloc(1, sizeof(*crl));
    if (crl == NULL) {
        (void)pki_refuse(reason, "out of memory");
        return NULL;
    }
    atomic_init(&crl->holders, 1);
    if (der.length > CRL_MAX)
        (void)pki_refuse(reason, "the CRL has %zu octets, and %d are possible", der.length, CRL_MAX);
    else if (!read_crl(der, crl))
        (void)pki_refuse(reason, "this is no certificate revocation list in DER");
    else if (is_complete(crl->x509, reason))
        return crl;
    openssl_forget_errors();
    crl_release(crl);
    return NULL;
}

struct crl *crl_hold(struct crl *crl)
{
    atomic_fetch_add(&crl->holders, 1);
    return crl;
}

void crl_release(struct crl *crl)
{
    if (crl == NULL || atomic_fetch_sub(&crl->holders, 1) > 1)
        return;
    X509_CRL_free(crl->x509);
    OPENSSL_free(crl->der);
    free(crl);
}

struct octets crl_der(const struct crl *crl)
{
    return (struct octets){crl->der, crl->length};
}

const struct crl_facts *crl_facts(const struct crl *crl)
{
    return &crl->facts;
}

const char *crl_revoked_serial(const struct crl *crl, uint32_t at, char out[CRL_SERIAL_SIZE], int64_t *since)
{
    const X509_REVOKED *entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl->x509), (int)at);
    openssl_integer_text(X509_REVOKED_get0_serialNumber(entry), out, CRL_SERIAL_SIZE);
    *since = openssl_time(X509_REVOKED_get0_revocationDate(entry));
    openssl_forget_errors();
    return out;
}

/* Numbers in hexadecimal, without more zeros in front than make whole octets. */
static int compare_numbers(const char *a, const char *b)
{
    size_t length_of_a = strlen(a), length_of_b = strlen(b);
    return length_of_a != length_of_b ? (length_of_a > length_of_b) - (length_of_a < length_of_b)
                                      : strcmp(a, b);
}

int crl_compare_ages(const struct crl *a, const struct crl *b)
{
    const struct crl_facts *x = &a->facts, *y = &b->facts;
    if (x->this_update != y->this_update)
        return x->this_update > y->this_update ? -1 : 1;
    int numbers = compare_numbers(x->number, y->number);
    if (numbers != 0)
        return -numbers;
    return (x->revoked < y->revoked) - (x->revoked > y->revoked);
}

bool crl_is_signed_by(const struct crl *crl, const struct certificate *ca)
{
    X509 *issuer = certificate_x509(ca);
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    bool right = key != NULL &&
                 X509_NAME_cmp(X509_CRL_get_issuer(crl->x509), X509_get_subject_name(issuer)) == 0 &&
                 X509_CRL_verify(crl->x509, key) == 1;
    openssl_forget_errors();
    return right;
}
