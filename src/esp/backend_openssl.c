/*
 * The arithmetic by OpenSSL: one packet after the other, with one context for each algorithm, keyed anew when
 * the SA changes.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/secret.h"
#include "crypto/openssl.h"
#include "esp/backend.h"

struct openssl_state {
    EVP_CIPHER_CTX *ciphers[ENCRYPTION_COUNT]; /* rows as in `encryption_algorithms` */
    EVP_MAC_CTX *hmacs[INTEGRITY_COUNT];       /* rows as in `integrity_algorithms` */
};

static void openssl_free(void *opaque)
{
    struct openssl_state *state = opaque;
    if (state == NULL)
        return;
    for (size_t i = 0; i < ENCRYPTION_COUNT; i++)
        EVP_CIPHER_CTX_free(state->ciphers[i]);
    for (size_t i = 0; i < INTEGRITY_COUNT; i++)
        EVP_MAC_CTX_free(state->hmacs[i]);
    free(state);
}

void *esp_backend_openssl_new(void)
{
    struct openssl_state *state = calloc(1, sizeof *state);
    bool done = state != NULL;
    for (size_t i = 0; done && i < ENCRYPTION_COUNT; i++) {
        const EVP_CIPHER *cipher = openssl_cipher(&encryption_algorithms[i]);
        state->ciphers[i] = EVP_CIPHER_CTX_new();
        done = cipher != NULL && state->ciphers[i] != NULL &&
               EVP_CipherInit_ex2(state->ciphers[i], cipher, NULL, NULL, 1, NULL) == 1 &&
               EVP_CIPHER_CTX_set_padding(state->ciphers[i], 0) == 1;
    }
    for (size_t i = 0; done && i < INTEGRITY_COUNT; i++) {
        state->hmacs[i] = openssl_hmac_new(integrity_algorithms[i].hash);
        done = state->hmacs[i] != NULL;
    }
    if (done)
        return state;
    openssl_free(state);
    return NULL;
}

static size_t openssl_expanded_size(const struct esp_suite *suite)
{
    (void)suite;
    return 0;
}

static bool openssl_can_do(const struct esp_suite *suite, size_t text)
{
    (void)suite;
    return text <= INT_MAX;
}

static bool openssl_expand(void *state, struct esp_sa *sa)
{
    (void)state;
    (void)sa;
    return true;
}

static uint8_t *job_text(const struct esp_job *job)
{
    return job->esp + ESP_HEADER_SIZE + job->sa->suite.iv_size;
}

/* Keys the context for one packet; `key` is NULL where the context has it already. */
static bool cipher_start(EVP_CIPHER_CTX *context, const struct esp_job *job, const uint8_t *key, bool encrypt)
{
    const struct encryption_algorithm *a = job->sa->suite.encryption;
    uint8_t iv[16];
    memcpy(iv, job->sa->encryption_key + a->key_size, a->salt_size);
    memcpy(iv + a->salt_size, job->esp + ESP_HEADER_SIZE, a->iv_size);
    return EVP_CipherInit_ex2(context, NULL, key, iv, encrypt, NULL) == 1;
}

static bool cbc(EVP_CIPHER_CTX *context, const struct esp_job *job, const uint8_t *key, bool encrypt)
{
    uint8_t *text = job_text(job);
    int written = 0;
    return cipher_start(context, job, key, encrypt) &&
           EVP_CipherUpdate(context, text, &written, text, (int)job->text) == 1 &&
           (uint32_t)written == job->text;
}

/* GCM up to its last step, with the ESP header as associated octets (RFC 4106 5). */
static bool gcm_text(EVP_CIPHER_CTX *context, const struct esp_job *job, const uint8_t *key, bool encrypt)
{
    uint8_t *text = job_text(job);
    int written = 0;
    return cipher_start(context, job, key, encrypt) &&
           EVP_CipherUpdate(context, NULL, &written, job->esp, ESP_HEADER_SIZE) == 1 &&
           EVP_CipherUpdate(context, text, &written, text, (int)job->text) == 1;
}

static enum esp_job_outcome gcm_seal(EVP_CIPHER_CTX *context, const struct esp_job *job, const uint8_t *key)
{
    uint8_t rest[16];
    int written = 0;
    bool done =
        gcm_text(context, job, key, true) && EVP_CipherFinal_ex(context, rest, &written) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, ESP_GCM_ICV_SIZE, job_text(job) + job->text) == 1;
    return done ? ESP_JOB_DONE : ESP_JOB_FAILED;
}

static enum esp_job_outcome gcm_open(EVP_CIPHER_CTX *context, const struct esp_job *job, const uint8_t *key)
{
    uint8_t rest[16];
    int written = 0;
    if (!gcm_text(context, job, key, false) ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, ESP_GCM_ICV_SIZE, job_text(job) + job->text) != 1)
        return ESP_JOB_FAILED;
    /* OpenSSL does not tell the ICV that it computed: it compares, in constant time, itself. */
    if (EVP_CipherFinal_ex(context, rest, &written) == 1)
        return ESP_JOB_DONE;
    ERR_clear_error();
    return ESP_JOB_NOT_AUTHENTIC;
}

/* The ICV over header, IV and text (RFC 4303 2.8), whole: INTEGRITY_KEY_MAX octets at most. */
static bool hmac(EVP_MAC_CTX *context, const struct esp_job *job, uint8_t *digest)
{
    const struct esp_suite *suite = &job->sa->suite;
    size_t length = 0;
    return EVP_MAC_init(context, job->sa->integrity_key, suite->integrity->key_size, NULL) == 1 &&
           EVP_MAC_update(context, job->esp, (size_t)(job_text(job) - job->esp) + job->text) == 1 &&
           EVP_MAC_final(context, digest, &length, INTEGRITY_KEY_MAX) == 1 && length >= suite->icv_size;
}

static enum esp_job_outcome cbc_seal(EVP_CIPHER_CTX *context, EVP_MAC_CTX *mac, const struct esp_job *job,
                                     const uint8_t *key)
{
    uint8_t digest[INTEGRITY_KEY_MAX];
    if (!cbc(context, job, key, true) || !hmac(mac, job, digest))
        return ESP_JOB_FAILED;
    memcpy(job_text(job) + job->text, digest, job->sa->suite.icv_size);
    return ESP_JOB_DONE;
}

static enum esp_job_outcome cbc_open(EVP_CIPHER_CTX *context, EVP_MAC_CTX *mac, const struct esp_job *job,
                                     const uint8_t *key)
{
    uint8_t digest[INTEGRITY_KEY_MAX];
    if (!hmac(mac, job, digest))
        return ESP_JOB_FAILED;
    if (!esp_icv_equal(digest, job_text(job) + job->text, job->sa->suite.icv_size))
        return ESP_JOB_NOT_AUTHENTIC;
    return cbc(context, job, key, false) ? ESP_JOB_DONE : ESP_JOB_FAILED;
}

/* The key of a job's SA where the context does not have it; `keyed` is the SA that it has the key of. */
static const uint8_t *next_key(const struct esp_job *job, const struct esp_sa **keyed)
{
    const uint8_t *key = *keyed != job->sa ? job->sa->encryption_key : NULL;
    *keyed = job->sa;
    return key;
}

static void openssl_seal(void *opaque, const struct esp_suite *suite, struct esp_job *jobs, size_t count)
{
    struct openssl_state *state = opaque;
    EVP_CIPHER_CTX *context = state->ciphers[suite->encryption - encryption_algorithms];
    EVP_MAC_CTX *mac =
        suite->integrity != NULL ? state->hmacs[suite->integrity - integrity_algorithms] : NULL;
    const struct esp_sa *keyed = NULL;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *key = next_key(&jobs[i], &keyed);
        jobs[i].outcome =
            mac != NULL ? cbc_seal(context, mac, &jobs[i], key) : gcm_seal(context, &jobs[i], key);
        if (jobs[i].outcome == ESP_JOB_FAILED)
            keyed = NULL;
    }
}

static void openssl_open(void *opaque, const struct esp_suite *suite, struct esp_job *jobs, size_t count)
{
    struct openssl_state *state = opaque;
    EVP_CIPHER_CTX *context = state->ciphers[suite->encryption - encryption_algorithms];
    EVP_MAC_CTX *mac =
        suite->integrity != NULL ? state->hmacs[suite->integrity - integrity_algorithms] : NULL;
    const struct esp_sa *keyed = NULL;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *key = next_key(&jobs[i], &keyed);
        jobs[i].outcome =
            mac != NULL ? cbc_open(context, mac, &jobs[i], key) : gcm_open(context, &jobs[i], key);
        /* A packet refused before it was deciphered has not keyed the context. */
        if (jobs[i].outcome != ESP_JOB_DONE)
            keyed = NULL;
    }
}

const struct esp_backend esp_backend_openssl = {
    .name = "OpenSSL",
    .expanded_size = openssl_expanded_size,
    .can_do = openssl_can_do,
    .expand = openssl_expand,
    .seal = openssl_seal,
    .open = openssl_open,
    .free = openssl_free,
};
