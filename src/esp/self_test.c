/*
 * The known-answer test of a worker's arithmetic. It works below packets, on jobs, since it has to choose
 * IVs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "esp/worker_state.h"

enum {
    TEXT_MAX = 9008, /* of a trial packet */
    ROOM = TEXT_MAX + ESP_OVERHEAD_MAX,
    KNOWN_TEXT = 64,
    KNOWN_ICV = 12,
    KNOWN_SPI = 0x00010203,
};

/*
 * The first octets of the ICV of one packet under each suite; it covers the whole ciphertext. SPI 00010203,
 * sequence number 1, IV a0 a1 a2 …, text 00 01 02 … 3f, encryption key (and salt) 00 01 02 …, integrity key
 * 80 81 82 …. Computed with a third implementation, Nettle 3.8.
 */
static const struct {
    uint8_t encryption; /* row */
    int integrity;      /* row, or -1 */
    uint8_t icv[KNOWN_ICV];
} known_answers[] = {
    {0, -1, {0x2f, 0xc1, 0x4c, 0xe3, 0xff, 0xf1, 0xac, 0x37, 0x1a, 0x0d, 0x6a, 0x88}},
    {1, -1, {0x7d, 0xe6, 0xb9, 0x2f, 0xb9, 0x59, 0xa2, 0xbf, 0x53, 0x31, 0xc0, 0x60}},
    {2, 0, {0x13, 0x20, 0xfe, 0x38, 0xcd, 0xe1, 0x06, 0xcd, 0x13, 0xd7, 0x04, 0x42}},
    {2, 1, {0x12, 0x63, 0x84, 0x6b, 0x31, 0xb1, 0x14, 0xed, 0x8e, 0x30, 0x8a, 0xd9}},
    {2, 2, {0x57, 0xe4, 0x62, 0x1a, 0x52, 0x8b, 0x38, 0x7d, 0xf0, 0x65, 0x00, 0xd6}},
    {2, 3, {0x17, 0x76, 0xdf, 0x65, 0xf7, 0x7b, 0x2f, 0x64, 0x85, 0x73, 0x0c, 0xce}},
    {3, 0, {0x26, 0x87, 0x13, 0x5b, 0x42, 0xa2, 0x62, 0x88, 0x69, 0x8c, 0x2c, 0xaa}},
    {3, 1, {0xe1, 0x69, 0x0b, 0x3a, 0xe7, 0x51, 0xfc, 0x35, 0x05, 0x0f, 0x30, 0x52}},
    {3, 2, {0x4a, 0x9d, 0xc2, 0xfe, 0x23, 0x10, 0x05, 0xf1, 0xc4, 0x76, 0x74, 0xd3}},
    {3, 3, {0x8c, 0x86, 0xeb, 0x0a, 0x88, 0x0e, 0xc9, 0x37, 0xfd, 0xd5, 0x9b, 0x62}},
    {4, 0, {0x46, 0x5d, 0xdb, 0x15, 0xb5, 0xfa, 0xf6, 0xda, 0xb5, 0x18, 0x35, 0x77}},
    {4, 1, {0x3e, 0x97, 0x20, 0x17, 0x28, 0x70, 0x1f, 0x30, 0xaf, 0xd0, 0x48, 0xb4}},
    {4, 2, {0x81, 0x4a, 0x9f, 0x9e, 0x48, 0x5c, 0x85, 0xe1, 0xec, 0xcd, 0xe3, 0xc2}},
    {4, 3, {0x89, 0x51, 0x14, 0x1a, 0xeb, 0x49, 0xdb, 0xa3, 0xf7, 0x15, 0x07, 0xd2}},
    {5, 0, {0x3d, 0x62, 0x3d, 0x8b, 0x93, 0x53, 0xc8, 0x7e, 0x38, 0x21, 0x02, 0x1f}},
    {5, 1, {0xf8, 0x6a, 0x92, 0x62, 0x13, 0xbd, 0x9a, 0xd7, 0x4c, 0x9f, 0xec, 0xe8}},
    {5, 2, {0xdc, 0x28, 0x41, 0x28, 0xfd, 0x92, 0xc0, 0xc4, 0x68, 0xcc, 0xa3, 0x02}},
    {5, 3, {0x35, 0xb7, 0x81, 0xef, 0x8a, 0x70, 0xa4, 0xba, 0x4e, 0xca, 0xcc, 0xf1}},
};

/* Lengths of text; all fit blocks of 16 octets or, first, only those of 4. The long one is more than a frame.
 */
static const uint32_t gcm_texts[] = {4, 20, 60, 100, 1412};
static const uint32_t texts[] = {16, 32, 48, 64, 112, 128, 240, 256, 272, 512, 1024, 1424, TEXT_MAX};

/* One suite, set up in the worker under test and in the one that is believed. */
struct trial {
    struct esp_worker *tested, *believed;
    struct esp_sa *tested_out, *tested_in, *believed_out, *believed_in;
    struct esp_live live;
    uint8_t (*plain)[ROOM]; /* ESP_CHUNK packets each */
    uint8_t (*mine)[ROOM];
    uint8_t (*theirs)[ROOM];
    struct esp_job jobs[ESP_CHUNK];
    size_t count;
};

static struct esp_sa *make_sa(struct esp_worker *worker, size_t answer, enum packet_direction direction,
                              struct esp_live *live)
{
    static const struct traffic_selector any = {.last_port = UINT16_MAX};
    const struct encryption_algorithm *e = &encryption_algorithms[known_answers[answer].encryption];
    const struct integrity_algorithm *i =
        known_answers[answer].integrity < 0 ? NULL : &integrity_algorithms[known_answers[answer].integrity];
    uint8_t encryption_key[ENCRYPTION_KEY_MAX], integrity_key[INTEGRITY_KEY_MAX];
    for (size_t n = 0; n < sizeof encryption_key; n++)
        encryption_key[n] = (uint8_t)n;
    for (size_t n = 0; n < sizeof integrity_key; n++)
        integrity_key[n] = (uint8_t)(0x80 + n);
    const struct esp_sa_settings settings = {
        .direction = direction,
        .spi = KNOWN_SPI,
        .encryption = e,
        .integrity = i,
        .encryption_key = {encryption_key, e->key_size + e->salt_size},
        .integrity_key = {integrity_key, i != NULL ? i->key_size : 0},
        .selectors = {.local = &any, .remote = &any, .local_count = 1, .remote_count = 1},
        .live = live,
    };
    return esp_sa_new(worker, &settings);
}

static uint8_t *job_icv(const struct esp_job *job)
{
    return job->esp + ESP_HEADER_SIZE + job->sa->suite.iv_size + job->text;
}

static size_t job_size(const struct esp_job *job)
{
    return (size_t)(job_icv(job) - job->esp) + job->sa->suite.icv_size;
}

/* Lays out the packet of the known answer, with `text` octets of text. */
static void lay_out(const struct esp_sa *sa, uint8_t *at, uint32_t text)
{
    store_u32be(at, KNOWN_SPI);
    store_u32be(at + 4, 1);
    for (size_t i = 0; i < sa->suite.iv_size; i++)
        at[ESP_HEADER_SIZE + i] = (uint8_t)(0xa0 + i);
    for (size_t i = 0; i < text; i++)
        at[(size_t)ESP_HEADER_SIZE + sa->suite.iv_size + i] = (uint8_t)i;
}

/* Points the jobs at copies of `from` in `to`. */
static void load_jobs(struct trial *t, const struct esp_sa *sa, uint8_t (*to)[ROOM], uint8_t (*from)[ROOM])
{
    for (size_t i = 0; i < t->count; i++) {
        memmove(to[i], from[i], ROOM);
        t->jobs[i].sa = sa;
        t->jobs[i].esp = to[i];
        t->jobs[i].outcome = ESP_JOB_FAILED;
    }
}

static bool outcomes_are(const struct trial *t, enum esp_job_outcome outcome)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->jobs[i].outcome != outcome)
            return false;
    }
    return true;
}

static bool packets_equal(struct trial *t, uint8_t (*a)[ROOM], uint8_t (*b)[ROOM], bool with_icv)
{
    for (size_t i = 0; i < t->count; i++) {
        size_t size = job_size(&t->jobs[i]) - (with_icv ? 0 : t->jobs[i].sa->suite.icv_size);
        if (memcmp(a[i], b[i], size) != 0)
            return false;
    }
    return true;
}

/* What is wrong, NULL if nothing. */
static const char *compare_sealing(struct trial *t, size_t answer)
{
    load_jobs(t, t->believed_out, t->theirs, t->plain);
    esp_worker_seal_jobs(t->believed, t->jobs, t->count);
    if (!outcomes_are(t, ESP_JOB_DONE))
        return "OpenSSL does not seal";
    load_jobs(t, t->tested_out, t->mine, t->plain);
    esp_worker_seal_jobs(t->tested, t->jobs, t->count);
    if (!outcomes_are(t, ESP_JOB_DONE))
        return "does not seal";
    if (memcmp(job_icv(&t->jobs[0]), known_answers[answer].icv, KNOWN_ICV) != 0)
        return "does not give the known answer";
    if (!packets_equal(t, t->mine, t->theirs, true))
        return "does not seal as OpenSSL does";
    return NULL;
}

static const char *compare_opening(struct trial *t)
{
    load_jobs(t, t->tested_in, t->theirs, t->mine);
    esp_worker_open_jobs(t->tested, t->jobs, t->count);
    if (!outcomes_are(t, ESP_JOB_DONE) || !packets_equal(t, t->theirs, t->plain, false))
        return "does not open what was sealed";

    load_jobs(t, t->believed_in, t->theirs, t->mine);
    esp_worker_open_jobs(t->believed, t->jobs, t->count);
    if (!outcomes_are(t, ESP_JOB_DONE) || !packets_equal(t, t->theirs, t->plain, false))
        return "OpenSSL does not open what was sealed";

    /* Another octet of each packet is wrong: of SPI, text, ICV. */
    load_jobs(t, t->tested_in, t->theirs, t->mine);
    for (size_t i = 0; i < t->count; i++)
        t->theirs[i][i * 131 % job_size(&t->jobs[i])] ^= 1;
    esp_worker_open_jobs(t->tested, t->jobs, t->count);
    return outcomes_are(t, ESP_JOB_NOT_AUTHENTIC) ? NULL : "opens what was changed";
}

static const char *run_trial(struct trial *t, size_t answer)
{
    t->tested_out = make_sa(t->tested, answer, PACKET_OUTBOUND, &t->live);
    t->tested_in = make_sa(t->tested, answer, PACKET_INBOUND, &t->live);
    t->believed_out = make_sa(t->believed, answer, PACKET_OUTBOUND, &t->live);
    t->believed_in = make_sa(t->believed, answer, PACKET_INBOUND, &t->live);
    const char *wrong = "cannot be set up";
    if (t->tested_out == NULL || t->tested_in == NULL || t->believed_out == NULL || t->believed_in == NULL)
        goto out;
    t->count = 0;
    t->jobs[t->count++].text = KNOWN_TEXT; /* the known answer's comes first */
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        t->jobs[t->count++].text = texts[i];
    for (size_t i = 0; t->tested_out->suite.integrity == NULL && i < sizeof gcm_texts / sizeof gcm_texts[0];
         i++)
        t->jobs[t->count++].text = gcm_texts[i];
    for (size_t i = 0; i < t->count; i++)
        lay_out(t->tested_out, t->plain[i], t->jobs[i].text);

    wrong = compare_sealing(t, answer);
    if (wrong == NULL)
        wrong = compare_opening(t);
out:
    esp_sa_free(t->tested_out);
    esp_sa_free(t->tested_in);
    esp_sa_free(t->believed_out);
    esp_sa_free(t->believed_in);
    return wrong;
}

/* "AES-CBC-256 with HMAC-SHA1-96: does not seal" */
static void write_failure(size_t answer, const char *wrong, char *failure, size_t size)
{
    int integrity = known_answers[answer].integrity;
    (void)snprintf(failure, size, "%s%s%s: %s", encryption_algorithms[known_answers[answer].encryption].name,
                   integrity < 0 ? "" : " with ", integrity < 0 ? "" : integrity_algorithms[integrity].name,
                   wrong);
}

bool esp_worker_self_test(struct esp_worker *worker, char *failure, size_t size)
{
    static const uint8_t seed[ESP_SEED_SIZE]; /* no IV is drawn */
    bool passed = false;
    struct trial *t = calloc(1, sizeof *t);
    uint8_t(*rooms)[ROOM] = calloc((size_t)3 * ESP_CHUNK, ROOM);
    struct esp_worker *believed = esp_worker_new(seed, ESP_ARITHMETIC_OPENSSL);
    if (t == NULL || rooms == NULL || believed == NULL) {
        (void)snprintf(failure, size, "no memory");
        goto out;
    }
    t->tested = worker;
    t->believed = believed;
    t->plain = rooms;
    t->mine = rooms + ESP_CHUNK;
    t->theirs = rooms + (size_t)2 * ESP_CHUNK;
    passed = true;
    for (size_t answer = 0; passed && answer < sizeof known_answers / sizeof known_answers[0]; answer++) {
        const char *wrong = run_trial(t, answer);
        passed = wrong == NULL;
        if (!passed)
            write_failure(answer, wrong, failure, size);
    }
out:
    esp_worker_free(believed);
    free(rooms);
    free(t);
    return passed;
}
