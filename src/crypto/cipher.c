#include "crypto/cipher.h"

#include <limits.h>
#include <string.h>

#include <openssl/err.h>

#include "base/secret.h"
#include "crypto/openssl.h"

enum { NONCE_SIZE = 12 };

static bool cbc_in_place(const struct encryption_algorithm *a, const uint8_t *key, const uint8_t *iv,
                         uint8_t *at, size_t length, bool encrypt)
{
    const EVP_CIPHER *cipher = openssl_cipher(a);
    if (cipher == NULL || length % a->block_size != 0 || length > INT_MAX)
        return false;
    if (length == 0)
        return true;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int written = 0;
    bool done = context != NULL && EVP_CipherInit_ex2(context, cipher, key, iv, encrypt, NULL) == 1 &&
                EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
                EVP_CipherUpdate(context, at, &written, at, (int)length) == 1 && (size_t)written == length;
    EVP_CIPHER_CTX_free(context);
    return done;
}

bool cipher_encrypt(const struct encryption_algorithm *a, const uint8_t *key, const uint8_t *iv, uint8_t *at,
                    size_t length)
{
    return cbc_in_place(a, key, iv, at, length, true);
}

bool cipher_decrypt(const struct encryption_algorithm *a, const uint8_t *key, const uint8_t *iv, uint8_t *at,
                    size_t length)
{
    return cbc_in_place(a, key, iv, at, length, false);
}

/* A context with the key of one AEAD message, after its associated data; NULL on failure. */
static EVP_CIPHER_CTX *aead_start(const struct encryption_algorithm *a, const uint8_t *key, const uint8_t *iv,
                                  struct octets associated, bool encrypt)
{
    const EVP_CIPHER *cipher = openssl_cipher(a);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t nonce[NONCE_SIZE];
    memcpy(nonce, key + a->key_size, a->salt_size);
    memcpy(nonce + a->salt_size, iv, a->iv_size);
    int taken = 0;
    bool done = cipher != NULL && context != NULL && associated.length <= INT_MAX &&
                EVP_CipherInit_ex2(context, cipher, key, nonce, encrypt, NULL) == 1;
    if (done && associated.length > 0)
        done = EVP_CipherUpdate(context, NULL, &taken, associated.at, (int)associated.length) == 1;
    secret_wipe(nonce, sizeof nonce);
    if (done)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

/* True if `a` is an AEAD with a nonce of the usual size, and OpenSSL can take the length. */
static bool aead_fits(const struct encryption_algorithm *a, size_t length)
{
    return encryption_is_aead(a) && a->salt_size + a->iv_size == NONCE_SIZE && length <= INT_MAX;
}

bool aead_seal(const struct encryption_algorithm *a, const uint8_t *key, const uint8_t *iv,
               struct octets associated, uint8_t *at, size_t length, uint8_t *icv)
{
    if (!aead_fits(a, length))
        return false;
    EVP_CIPHER_CTX *context = aead_start(a, key, iv, associated, true);
    if (context == NULL)
        return false;
    uint8_t rest[16];
    int written = 0;
    bool done = length == 0 || EVP_CipherUpdate(context, at, &written, at, (int)length) == 1;
    done = done && EVP_CipherFinal_ex(context, rest, &written) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, (int)a->icv_size, icv) == 1;
    EVP_CIPHER_CTX_free(context);
    return done;
}

bool aead_open(const struct encryption_algorithm *a, const uint8_t *key, const uint8_t *iv,
               struct octets associated, uint8_t *at, size_t length, const uint8_t *icv)
{
    if (!aead_fits(a, length))
        return false;
    EVP_CIPHER_CTX *context = aead_start(a, key, iv, associated, false);
    uint8_t rest[16];
    uint8_t expected[INTEGRITY_ICV_MAX];
    int written = 0;
    memcpy(expected, icv, a->icv_size);
    bool done = context != NULL &&
                (length == 0 || EVP_CipherUpdate(context, at, &written, at, (int)length) == 1) &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, (int)a->icv_size, expected) == 1 &&
                EVP_CipherFinal_ex(context, rest, &written) == 1;
    EVP_CIPHER_CTX_free(context);
    if (done)
        return true;
    /* A wrong ICV is the peer's error, not ours: keep it out of OpenSSL's error queue. */
    ERR_clear_error();
    secret_wipe(at, length);
    return false;
}
