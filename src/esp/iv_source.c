#include "esp/iv_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/openssl.h"

enum {
    KEY_SIZE = 32,
    SEED_SIZE = KEY_SIZE + 16,
    STREAM_SIZE = 4096 + SEED_SIZE, /* IVs of 256 packets and the next seed */
};

struct iv_source {
    EVP_CIPHER_CTX *cipher;
    size_t used; /* octets of the stream */
    uint8_t stream[STREAM_SIZE];
};

/* Fills the stream anew under the seed at its start, which the next seed then overwrites. */
static bool refill(struct iv_source *source)
{
    uint8_t seed[SEED_SIZE];
    int written = 0;
    memcpy(seed, source->stream, SEED_SIZE);
    memset(source->stream, 0, STREAM_SIZE);
    bool done = EVP_EncryptInit_ex2(source->cipher, NULL, seed, seed + KEY_SIZE, NULL) == 1 &&
                EVP_EncryptUpdate(source->cipher, source->stream, &written, source->stream, STREAM_SIZE) == 1;
    source->used = done ? SEED_SIZE : STREAM_SIZE;
    if (!done)
        memcpy(source->stream, seed, SEED_SIZE);
    secret_wipe(seed, sizeof seed);
    return done;
}

struct iv_source *iv_source_new(const uint8_t seed[48])
{
    struct iv_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return NULL;
    memcpy(source->stream, seed, SEED_SIZE);
    source->used = STREAM_SIZE;
    source->cipher = EVP_CIPHER_CTX_new();
    if (source->cipher == NULL ||
        EVP_EncryptInit_ex2(source->cipher, openssl_aes_256_ctr(), NULL, NULL, NULL) != 1) {
        iv_source_free(source);
        return NULL;
    }
    return source;
}

void iv_source_free(struct iv_source *source)
{
    if (source == NULL)
        return;
    EVP_CIPHER_CTX_free(source->cipher);
    secret_free(source, sizeof *source);
}

bool iv_source_draw(struct iv_source *source, uint8_t *to, size_t length)
{
    if (STREAM_SIZE - source->used < length && !refill(source))
        return false;
    memcpy(to, source->stream + source->used, length);
    source->used += length;
    return true;
}
