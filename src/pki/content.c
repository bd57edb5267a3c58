#include "pki/content.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

#include "base/secret.h"
#include "pki/file_kind.h"
#include "pki/openssl.h"
#include "pki/password_cost.h"

/* Certificates of one file. */
enum { FILE_CERTIFICATES_MAX = 256 };

struct certificate_list {
    struct certificate *at[FILE_CERTIFICATES_MAX];
    size_t count;
};

static void list_free(struct certificate_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        certificate_release(list->at[i]);
    list->count = 0;
}

void pki_content_free(struct pki_content *content)
{
    for (size_t i = 0; i < content->chain_length; i++)
        certificate_release(content->chain[i]);
    private_key_release(content->key);
    crl_release(content->crl);
    *content = (struct pki_content){0};
}

/* ---- Chains ---------------------------------------------------------------------------------------- */

/* Moves a certificate of the list to the end of the chain. */
static void chain_take(struct pki_content *content, struct certificate_list *list, size_t index)
{
    content->chain[content->chain_length++] = list->at[index];
    list->at[index] = list->at[--list->count];
}

/* Finds the issuer of the last one of the chain; false if it is not there, or the chain is at its end. */
static bool find_issuer(const struct pki_content *content, const struct certificate_list *list, size_t *index)
{
    const struct certificate *last = content->chain[content->chain_length - 1];
    if (certificate_facts(last)->self_signed || content->chain_length == CERTIFICATE_CHAIN_MAX)
        return false;
    for (*index = 0; *index < list->count; (*index)++) {
        if (certificate_is_issued_by(last, list->at[*index]) && !certificate_equal(last, list->at[*index]))
            return true;
    }
    return false;
}

/* Puts the certificate with that index, and those above it, into the chain; frees the rest. */
static void chain_build(struct pki_content *content, struct certificate_list *list, size_t first)
{
    chain_take(content, list, first);
    size_t index;
    while (find_issuer(content, list, &index))
        chain_take(content, list, index);
    content->left_out = list->count;
    list_free(list);
}

/* ---- PEM and DER ----------------------------------------------------------------------------------- */

static const char *const certificate_labels[] = {PEM_STRING_X509, PEM_STRING_X509_OLD, NULL};
static const char *const crl_labels[] = {PEM_STRING_X509_CRL, NULL};

static bool is_one_of(const char *label, const char *const *labels)
{
    while (*labels != NULL && strcmp(label, *labels) != 0)
        labels++;
    return *labels != NULL;
}

/* Takes in the octets of a block. False with the reason. */
typedef bool take_block(void *context, struct octets der, struct pki_reason *reason);

/* Hands all blocks with one of the labels to `take`. False if that fails. */
static bool read_blocks(struct octets pem, const char *const *labels, take_block *take, void *context,
                        struct pki_reason *reason)
{
    BIO *memory = BIO_new_mem_buf(pem.at, (int)pem.length);
    char *label = NULL;
    char *header = NULL;
    unsigned char *der = NULL;
    long length = 0;
    bool good = memory != NULL || pki_refuse(reason, "out of memory");
    openssl_forget_errors();
    while (good && PEM_read_bio(memory, &label, &header, &der, &length) == 1) {
        if (is_one_of(label, labels))
            good = take(context, (struct octets){der, (size_t)length}, reason);
        OPENSSL_free(label);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)length);
    }
    (void)BIO_free(memory);
    if (good && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        good = pki_refuse(reason, "there is a damaged block of PEM in it");
    openssl_forget_errors();
    return good;
}

static bool take_certificate(void *context, struct octets der, struct pki_reason *reason)
{
    struct certificate_list *list = context;
    if (list->count == FILE_CERTIFICATES_MAX)
        return pki_refuse(reason, "there are more than %d certificates in it", FILE_CERTIFICATES_MAX);
    list->at[list->count] = certificate_parse(der, reason);
    if (list->at[list->count] == NULL)
        return false;
    list->count++;
    return true;
}

static bool take_crl(void *context, struct octets der, struct pki_reason *reason)
{
    struct pki_content *content = context;
    if (content->crl != NULL)
        return pki_refuse(reason, "there is more than one CRL in it: import each under a name of its own");
    content->crl = crl_parse(der, reason);
    return content->crl != NULL;
}

/* A sequence of ASN.1, and no text. */
static bool looks_like_der(struct octets file)
{
    return file.length > 2 && file.at[0] == 0x30 && (file.at[1] & 0x80) != 0;
}

/* True if the file may be DER of that kind, perhaps a damaged one. */
static bool may_be_der(struct octets file, enum file_kind wanted)
{
    const enum file_kind kind = file_kind_of(file);
    return looks_like_der(file) && (kind == wanted || kind == FILE_UNKNOWN);
}

static bool refuse_without(const char *what, struct octets file, enum pki_form form,
                           struct pki_reason *reason)
{
    if (file.length == 0)
        return pki_refuse(reason, "the file is empty");
    return pki_refuse(reason, "there is no %s in %s in it%s", what, form == PKI_PEM ? "PEM" : "DER",
                      file_kind_hint(file_kind_of(file)));
}

bool pki_content_read_certificate(struct octets file, enum pki_form form, struct pki_content *out,
                                  struct pki_reason *reason)
{
    struct certificate_list list = {.count = 0};
    *out = (struct pki_content){0};
    if (form == PKI_DER && !may_be_der(file, FILE_DER_CERTIFICATE))
        return refuse_without("certificate", file, form, reason);
    bool good = form == PKI_DER ? take_certificate(&list, file, reason)
                                : read_blocks(file, certificate_labels, take_certificate, &list, reason);
    if (good && list.count > 0)
        chain_build(out, &list, 0);
    else if (good)
        good = refuse_without("certificate", file, form, reason);
    list_free(&list);
    return good;
}

bool pki_content_read_crl(struct octets file, enum pki_form form, struct pki_content *out,
                          struct pki_reason *reason)
{
    *out = (struct pki_content){0};
    if (form == PKI_DER && !may_be_der(file, FILE_DER_CRL))
        return refuse_without("CRL", file, form, reason);
    bool good =
        form == PKI_DER ? take_crl(out, file, reason) : read_blocks(file, crl_labels, take_crl, out, reason);
    good = good && (out->crl != NULL || refuse_without("CRL", file, form, reason));
    if (!good)
        pki_content_free(out);
    return good;
}

/* ---- PKCS#12 --------------------------------------------------------------------------------------- */

static bool list_add(struct certificate_list *list, X509 *x509, struct pki_reason *reason)
{
    unsigned char *der = NULL;
    int length = i2d_X509(x509, &der);
    bool good = length > 0 ? take_certificate(list, (struct octets){der, (size_t)length}, reason)
                           : pki_refuse(reason, "out of memory");
    OPENSSL_free(der);
    return good;
}

/* What OpenSSL has found in a PKCS#12 file. */
static bool take_pkcs12(EVP_PKEY *key, X509 *own, STACK_OF(X509) * others, struct pki_content *out,
                        struct pki_reason *reason)
{
    struct certificate_list list = {.count = 0};
    bool good = own == NULL || list_add(&list, own, reason);
    for (int i = 0; i < sk_X509_num(others) && good; i++)
        good = list_add(&list, sk_X509_value(others, i), reason);
    if (good && list.count == 0)
        good = pki_refuse(reason, "there is no certificate in it");
    if (good && key != NULL && own == NULL)
        good = pki_refuse(reason, "there is no certificate in it that belongs to its private key");
    if (good && key != NULL) {
        out->key = private_key_of(key, reason);
        good = out->key != NULL;
    }
    if (good)
        chain_build(out, &list, 0);
    list_free(&list);
    return good;
}

static bool parse_pkcs12(PKCS12 *file, const char *password, struct pki_content *out,
                         struct pki_reason *reason)
{
    EVP_PKEY *key = NULL;
    X509 *own = NULL;
    STACK_OF(X509) *others = NULL;
    if (PKCS12_mac_present(file) != 1)
        return pki_refuse(reason, "it has no MAC, so nothing shows that it is whole");
    if (!password_cost_of_pkcs12(file, password, reason))
        return false;
    if (PKCS12_verify_mac(file, password, -1) != 1)
        return pki_refuse(reason, "the password is wrong, or the file is damaged");
    if (PKCS12_parse(file, password, &key, &own, &others) != 1)
        return pki_refuse(reason, "its encryption is not supported here, or its parts have other passwords");
    bool good = take_pkcs12(key, own, others, out, reason);
    EVP_PKEY_free(key);
    X509_free(own);
    sk_X509_pop_free(others, X509_free);
    return good;
}

bool pki_content_read_pkcs12(struct octets file, const char *password, struct pki_content *out,
                             struct pki_reason *reason)
{
    *out = (struct pki_content){0};
    const unsigned char *at = file.at;
    PKCS12 *parsed = looks_like_der(file) ? d2i_PKCS12(NULL, &at, (long)file.length) : NULL;
    if (parsed == NULL) {
        openssl_forget_errors();
        return file.length == 0
                   ? pki_refuse(reason, "the file is empty")
                   : pki_refuse(reason, "it is no PKCS#12 file%s", file_kind_hint(file_kind_of(file)));
    }
    /* Older files are encrypted with RC2, which OpenSSL has in a provider of its own. */
    OSSL_PROVIDER *legacy = OSSL_PROVIDER_try_load(NULL, "legacy", 1);
    bool good = parse_pkcs12(parsed, password, out, reason);
    if (legacy != NULL)
        (void)OSSL_PROVIDER_unload(legacy);
    PKCS12_free(parsed);
    openssl_forget_errors();
    if (!good)
        pki_content_free(out);
    return good;
}

/* ---- The stored form ------------------------------------------------------------------------------- */

bool pki_content_read_stored(struct octets file, struct pki_content *out, struct pki_reason *reason)
{
    struct certificate_list list = {.count = 0};
    *out = (struct pki_content){0};
    bool good = read_blocks(file, certificate_labels, take_certificate, &list, reason) &&
                read_blocks(file, crl_labels, take_crl, out, reason);
    if (good && list.count > 0)
        chain_build(out, &list, 0);
    if (good && memmem(file.at, file.length, "PRIVATE KEY-----", 16) != NULL) {
        out->key = private_key_parse_pem(file, NULL, reason);
        good = out->key != NULL;
    }
    if (good && out->chain_length == 0 && out->key == NULL && out->crl == NULL)
        good = pki_refuse(reason, "there is neither a certificate nor a key nor a CRL in it");
    list_free(&list);
    if (!good)
        pki_content_free(out);
    return good;
}

static bool put_block(BIO *out, const char *label, struct octets der)
{
    return PEM_write_bio(out, label, "", der.at, (long)der.length) > 0;
}

static bool put_key(BIO *out, const struct private_key *key)
{
    size_t length;
    uint8_t *der = private_key_write(key, &length);
    bool done = der != NULL && put_block(out, PEM_STRING_PKCS8INF, (struct octets){der, length});
    secret_free(der, length);
    return done;
}

static bool put_content(BIO *out, const struct pki_content *content)
{
    for (size_t i = 0; i < content->chain_length; i++) {
        if (!put_block(out, PEM_STRING_X509, certificate_der(content->chain[i])))
            return false;
    }
    return (content->key == NULL || put_key(out, content->key)) &&
           (content->crl == NULL || put_block(out, PEM_STRING_X509_CRL, crl_der(content->crl)));
}

char *pki_content_write(const struct pki_content *content, size_t *length)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *out = NULL;
    char *text;
    *length = 0;
    if (memory != NULL && put_content(memory, content)) {
        *length = (size_t)BIO_get_mem_data(memory, &text);
        out = malloc(*length);
        if (out != NULL)
            memcpy(out, text, *length);
    }
    (void)BIO_free(memory); /* OpenSSL wipes it */
    openssl_forget_errors();
    return out;
}
