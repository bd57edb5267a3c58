/*
 * Measures how fast esp/ seals and opens batches, in packets and bits of inner packets a second on one core,
 * and how fast the library alone is with the same octets. Not a test: it prints figures and always succeeds.
 *
 *     esp_batch [SECONDS-PER-FIGURE]
 *
 * Each figure is the median of several turns, in which esp/ and the library alternate.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef MUSUBI_HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

#include "esp/open.h"
#include "esp/seal.h"

enum {
    BATCH = 64,
    SLOT = 2048,
    TURNS = 5,
    IMIX = 0, /* in place of a size */
};

/* The usual mix of packets: seven small ones, four of the middle, a large one. */
static const size_t imix[] = {64, 570, 64, 64, 570, 64, 1408, 64, 570, 64, 64, 570};
enum { IMIX_COUNT = sizeof imix / sizeof *imix };

/* One suite at one size. */
struct bench {
    struct esp_worker *worker;
    const struct encryption_algorithm *encryption;
    const struct integrity_algorithm *integrity;
    struct esp_live out_live, in_live;
    struct esp_sa *out, *in;
    size_t inner[BATCH], sealed[BATCH];
    uint8_t (*source)[SLOT];
    uint8_t (*packets)[SLOT];
    struct esp_outbound outbound[BATCH];
    struct esp_inbound inbound[BATCH];
#ifdef MUSUBI_HAVE_IPSEC_MB
    IMB_MGR *manager;
    struct gcm_key_data gcm_key;
    _Alignas(16) uint8_t enc_schedule[240], dec_schedule[240], inner_state[64], outer_state[64];
    IMB_JOB jobs[BATCH];
    uint8_t icvs[BATCH][64];
#endif
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void make_sas(struct bench *b)
{
    static const uint8_t key[64] = {1, 2, 3};
    static struct traffic_selector all[2];
    for (size_t i = 0; i < 2; i++) {
        all[i].first.family = all[i].last.family = i == 0 ? IP_V4 : IP_V6;
        memset(all[i].last.octets, 0xff, i == 0 ? 4 : 16);
        all[i].last_port = UINT16_MAX;
    }
    struct esp_sa_settings settings = {
        .direction = PACKET_OUTBOUND,
        .spi = 0x12345678,
        .encryption = b->encryption,
        .integrity = b->integrity,
        .encryption_key = {key, b->encryption->key_size + b->encryption->salt_size},
        .integrity_key = {key, b->integrity != NULL ? b->integrity->key_size : 0},
        .anti_replay = true,
        .selectors = {all, all, 2, 2},
        .live = &b->out_live,
    };
    b->out = esp_sa_new(b->worker, &settings);
    settings.direction = PACKET_INBOUND;
    settings.live = &b->in_live;
    b->in = esp_sa_new(b->worker, &settings);
    if (b->out == NULL || b->in == NULL)
        abort();
    for (size_t i = 0; i < BATCH; i++)
        b->sealed[i] = esp_sa_sealed_size(b->out, b->inner[i]);
}

/* Seals a batch, from a source buffer or in place; returns the seconds it took. */
static double seal_batch(struct bench *b, bool in_place)
{
    for (size_t i = 0; i < BATCH; i++) {
        uint8_t *place = b->packets[i] + esp_sa_front_size(b->out);
        b->outbound[i] = (struct esp_outbound){.sa = b->out, .to = b->packets[i], .capacity = SLOT};
        b->outbound[i].body = (struct octets){in_place ? place : b->source[i], b->inner[i]};
        if (in_place)
            memcpy(place, b->source[i], 40);
    }
    double start = now();
    size_t sealed = esp_seal(b->worker, b->outbound, BATCH);
    double end = now();
    if (sealed != BATCH)
        abort();
    return end - start;
}

static double time_seal(struct bench *b)
{
    return seal_batch(b, false);
}

static double time_seal_in_place(struct bench *b)
{
    return seal_batch(b, true);
}

static double time_open(struct bench *b)
{
    (void)seal_batch(b, false);
    for (size_t i = 0; i < BATCH; i++)
        b->inbound[i] = (struct esp_inbound){.sa = b->in, .packet = b->packets[i], .length = b->sealed[i]};
    double start = now();
    size_t opened = esp_open(b->worker, b->inbound, BATCH, 1);
    double end = now();
    if (opened != BATCH)
        abort();
    return end - start;
}

#ifdef MUSUBI_HAVE_IPSEC_MB
static void bare_prepare(struct bench *b)
{
    static const uint8_t block[128] = {1};
    static const IMB_HASH_ALG hashes[] = {IMB_AUTH_HMAC_SHA_512, IMB_AUTH_HMAC_SHA_384, IMB_AUTH_HMAC_SHA_256,
                                          IMB_AUTH_HMAC_SHA_1};
    if (b->integrity == NULL) {
        if (b->encryption->key_size == 16)
            IMB_AES128_GCM_PRE(b->manager, block, &b->gcm_key);
        else
            IMB_AES256_GCM_PRE(b->manager, block, &b->gcm_key);
        return;
    }
    IMB_AES_KEYEXP_256(b->manager, block, b->enc_schedule, b->dec_schedule);
    for (size_t i = 0; i < BATCH; i++) {
        IMB_JOB *j = &b->jobs[i];
        size_t text = b->sealed[i] - esp_sa_front_size(b->out) - b->integrity->icv_size;
        j->cipher_mode = IMB_CIPHER_CBC;
        j->hash_alg = hashes[b->integrity - integrity_algorithms];
        j->src = b->packets[i];
        j->dst = b->packets[i] + 24;
        j->cipher_start_src_offset_in_bytes = 24;
        j->msg_len_to_cipher_in_bytes = text;
        j->hash_start_src_offset_in_bytes = 0;
        j->msg_len_to_hash_in_bytes = text + 24;
        j->iv = b->packets[i] + 8;
        j->iv_len_in_bytes = 16;
        j->enc_keys = b->enc_schedule;
        j->dec_keys = b->dec_schedule;
        j->key_len_in_bytes = b->encryption->key_size;
        j->auth_tag_output = b->icvs[i];
        j->auth_tag_output_len_in_bytes = b->integrity->icv_size;
        j->u.HMAC._hashed_auth_key_xor_ipad = b->inner_state;
        j->u.HMAC._hashed_auth_key_xor_opad = b->outer_state;
    }
}

static void bare_gcm(struct bench *b, aes_gcm_enc_dec_t call)
{
    struct gcm_context_data context;
    for (size_t i = 0; i < BATCH; i++) {
        uint8_t *p = b->packets[i];
        call(&b->gcm_key, &context, p + 16, p + 16, b->sealed[i] - 32, p + 4, p, 8, b->icvs[i], 16);
    }
}

static double bare_seal(struct bench *b)
{
    bool short_key = b->encryption->key_size == 16;
    double start = now();
    if (b->integrity == NULL) {
        bare_gcm(b, short_key ? b->manager->gcm128_enc : b->manager->gcm256_enc);
    } else {
        IMB_SUBMIT_CIPHER_BURST_NOCHECK(b->manager, b->jobs, BATCH, IMB_CIPHER_CBC, IMB_DIR_ENCRYPT,
                                        (IMB_KEY_SIZE_BYTES)b->encryption->key_size);
        IMB_SUBMIT_HASH_BURST_NOCHECK(b->manager, b->jobs, BATCH, b->jobs[0].hash_alg);
    }
    return now() - start;
}

static double bare_open(struct bench *b)
{
    bool short_key = b->encryption->key_size == 16;
    double start = now();
    if (b->integrity == NULL) {
        bare_gcm(b, short_key ? b->manager->gcm128_dec : b->manager->gcm256_dec);
    } else {
        IMB_SUBMIT_HASH_BURST_NOCHECK(b->manager, b->jobs, BATCH, b->jobs[0].hash_alg);
        IMB_SUBMIT_CIPHER_BURST_NOCHECK(b->manager, b->jobs, BATCH, IMB_CIPHER_CBC, IMB_DIR_DECRYPT,
                                        (IMB_KEY_SIZE_BYTES)b->encryption->key_size);
    }
    return now() - start;
}
#else
static void bare_prepare(struct bench *b)
{
    (void)b;
}
static double bare_seal(struct bench *b)
{
    (void)b;
    return 0;
}
#define bare_open bare_seal
#endif

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Packets a second of one method: by the median batch, since the machine may do other work in some of them.
 */
static double rate_of(struct bench *b, double (*method)(struct bench *), double seconds)
{
    enum { BATCHES_MAX = 20000 };
    static double batches[BATCHES_MAX];
    double until = now() + seconds;
    size_t count = 0;
    do {
        batches[count++] = method(b);
    } while (count < BATCHES_MAX && now() < until);
    qsort(batches, count, sizeof(double), compare);
    return batches[count / 2] > 0 ? BATCH / batches[count / 2] : 0;
}

/* Packets a second of each of the five methods, medians of TURNS. */
static void measure(struct bench *b, double seconds, double rates[5])
{
    static double (*const methods[5])(struct bench *) = {bare_seal, time_seal, time_seal_in_place, bare_open,
                                                         time_open};
    double turns[5][TURNS];
    for (size_t turn = 0; turn < TURNS; turn++) {
        for (size_t i = 0; i < 5; i++)
            turns[i][turn] = rate_of(b, methods[i], seconds / TURNS);
    }
    for (size_t i = 0; i < 5; i++) {
        qsort(turns[i], TURNS, sizeof(double), compare);
        rates[i] = turns[i][TURNS / 2];
    }
}

/* Sets the batch's sizes, and returns their mean. */
static double set_sizes(struct bench *b, size_t size)
{
    size_t sum = 0;
    for (size_t i = 0; i < BATCH; i++) {
        size_t inner = b->inner[i] = size == IMIX ? imix[i % IMIX_COUNT] : size;
        b->source[i][0] = 0x45;
        b->source[i][2] = (uint8_t)(inner >> 8);
        b->source[i][3] = (uint8_t)inner;
        sum += inner;
    }
    return (double)sum / BATCH;
}

static void bench_suite(struct bench *b, size_t size, double seconds)
{
    double mean = set_sizes(b, size);
    memset(&b->out_live, 0, sizeof b->out_live);
    memset(&b->in_live, 0, sizeof b->in_live);
    make_sas(b);
    bare_prepare(b);
    double r[5];
    measure(b, seconds, r);
    char name[64];
    char size_text[24] = "IMIX";
    (void)snprintf(name, sizeof name, "%s%s%s", b->encryption->name, b->integrity != NULL ? " " : "",
                   b->integrity != NULL ? b->integrity->name : "");
    if (size != IMIX)
        (void)snprintf(size_text, sizeof size_text, "%zu", size);
    double gigabits = mean * 8 / 1e9, million = 1e-6;
    printf("%-30s %5s  seal %6.2f Mpps %6.2f Gb/s %4.2f  in place %6.2f Mpps %4.2f  (bare %6.2f)"
           "  open %6.2f Mpps %6.2f Gb/s %4.2f  (bare %6.2f)\n",
           name, size_text, r[1] * million, r[1] * gigabits, r[1] / r[0], r[2] * million, r[2] / r[0],
           r[0] * million, r[4] * million, r[4] * gigabits, r[4] / r[3], r[3] * million);
    fflush(stdout);
    esp_sa_free(b->out);
    esp_sa_free(b->in);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {1408, 64, IMIX};
    static const uint8_t seed[ESP_SEED_SIZE] = {1};
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 0.5;
    struct bench *b = aligned_alloc(64, (sizeof *b + 63) / 64 * 64);
    if (b == NULL)
        return EXIT_FAILURE;
    memset(b, 0, sizeof *b);
    b->worker = esp_worker_new(seed, ESP_ARITHMETIC_BEST);
    b->source = calloc(BATCH, SLOT);
    b->packets = calloc(BATCH, SLOT);
    if (b->worker == NULL || b->source == NULL || b->packets == NULL)
        return EXIT_FAILURE;
#ifdef MUSUBI_HAVE_IPSEC_MB
    b->manager = alloc_mb_mgr(0);
    if (b->manager == NULL)
        return EXIT_FAILURE;
    init_mb_mgr_auto(b->manager, NULL);
#endif
    printf("%s, batches of %d; a number without unit is the ratio to the bare library\n",
           esp_worker_arithmetic(b->worker), BATCH);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        for (size_t e = 0; e < ENCRYPTION_COUNT; e++) {
            b->encryption = &encryption_algorithms[e];
            b->integrity = NULL;
            if (encryption_is_aead(b->encryption)) {
                bench_suite(b, sizes[s], seconds);
                continue;
            }
            if (b->encryption->id == ENCR_3DES)
                continue; /* done by OpenSSL, and slow in any case */
            for (size_t i = 0; i < INTEGRITY_COUNT; i++) {
                b->integrity = &integrity_algorithms[i];
                bench_suite(b, sizes[s], seconds);
            }
        }
    }
    return EXIT_SUCCESS;
}
