#include "pki/private_key.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/secret.h"
#include "pki/file_kind.h"
#include "pki/openssl.h"
#include "pki/password_cost.h"

struct private_key {
    atomic_uint holders;
    EVP_PKEY *evp; /* OpenSSL wipes what it frees of it */
    char text[40];
};

EVP_PKEY *private_key_evp(const struct private_key *key)
{
    return key->evp;
}

struct private_key *private_key_of(EVP_PKEY *evp, struct pki_reason *reason)
{
    struct private_key *key = NULL;
    if (openssl_key_kind(evp) == KEY_UNKNOWN)
        (void)pki_refuse(reason,
                         "a private key of this kind is not supported: it must be RSA, ECDSA or Ed25519");
    else if (openssl_key_trouble(evp) != NULL)
        (void)pki_refuse(reason, "peers would refuse the private key: it is %s", openssl_key_trouble(evp));
    else if ((key = calloc(1, sizeof(*key))) == NULL || EVP_PKEY_up_ref(evp) != 1)
        (void)pki_refuse(reason, "out of memory");
    else {
        atomic_init(&key->holders, 1);
        key->evp = evp;
        openssl_key_text(evp, key->text, sizeof(key->text));
        return key;
    }
    free(key);
    return NULL;
}

struct private_key *private_key_hold(struct private_key *key)
{
    atomic_fetch_add(&key->holders, 1);
    return key;
}

void private_key_release(struct private_key *key)
{
    if (key == NULL || atomic_fetch_sub(&key->holders, 1) > 1)
        return;
    EVP_PKEY_free(key->evp);
    free(key);
}

/* What the reader of a PEM asks when it meets an encrypted key. */
struct password_request {
    const char *password; /* NULL: none is given */
    bool asked;
};

static int give_password(char *out, int size, int writing, void *context)
{
    struct password_request *request = context;
    (void)writing;
    request->asked = true;
    size_t length = request->password == NULL ? 0 : strlen(request->password);
    if (length == 0 || length > (size_t)size)
        return -1;
    memcpy(out, request->password, length);
    return (int)length;
}

struct private_key *private_key_parse_pem(struct octets pem, const char *password, struct pki_reason *reason)
{
    struct password_request request = {.password = password};
    if (!password_cost_of_pem(pem, reason))
        return NULL;
    BIO *memory = BIO_new_mem_buf(pem.at, (int)pem.length);
    EVP_PKEY *evp = memory == NULL ? NULL : PEM_read_bio_PrivateKey(memory, NULL, give_password, &request);
    struct private_key *key = NULL;
    if (evp != NULL)
        key = private_key_of(evp, reason);
    else if (request.asked && password == NULL)
        (void)pki_refuse(reason, "the private key is encrypted: give its password by `crypto PASSWORD`");
    else if (request.asked)
        (void)pki_refuse(reason, "the password is wrong, or the private key is damaged");
    else
        (void)pki_refuse(reason, "there is no private key in PEM in it%s", file_kind_hint(file_kind_of(pem)));
    EVP_PKEY_free(evp);
    (void)BIO_free(memory);
    openssl_forget_errors();
    return key;
}

struct private_key *private_key_parse_der(struct octets der, struct pki_reason *reason)
{
    const unsigned char *at = der.at;
    EVP_PKEY *evp = der.length <= INT16_MAX ? d2i_AutoPrivateKey(NULL, &at, (long)der.length) : NULL;
    struct private_key *key = evp != NULL ? private_key_of(evp, reason) : NULL;
    if (evp == NULL)
        (void)pki_refuse(reason, "this is no private key in DER");
    EVP_PKEY_free(evp);
    openssl_forget_errors();
    return key;
}

uint8_t *private_key_write(const struct private_key *key, size_t *length)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->evp);
    int size = info == NULL ? 0 : i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
    uint8_t *out = size > 0 ? malloc((size_t)size) : NULL;
    unsigned char *at = out;
    *length = 0;
    if (out != NULL)
        *length = (size_t)i2d_PKCS8_PRIV_KEY_INFO(info, &at);
    PKCS8_PRIV_KEY_INFO_free(info);
    openssl_forget_errors();
    return out;
}

enum key_kind private_key_kind(const struct private_key *key)
{
    return openssl_key_kind(key->evp);
}

uint32_t private_key_bits(const struct private_key *key)
{
    return openssl_key_bits(key->evp);
}

const char *private_key_text(const struct private_key *key)
{
    return key->text;
}

bool private_key_fits(const struct private_key *key, const struct certificate *certificate)
{
    const EVP_PKEY *public_key = X509_get0_pubkey(certificate_x509(certificate));
    bool fits = public_key != NULL && EVP_PKEY_eq(public_key, key->evp) == 1;
    openssl_forget_errors();
    return fits;
}
