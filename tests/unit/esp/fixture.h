/*
 * What the tests of esp/ share: random octets by a seed, all suites, pairs of SAs, inner packets.
 */
#ifndef MUSUBI_TESTS_ESP_FIXTURE_H
#define MUSUBI_TESTS_ESP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "esp/open.h"
#include "esp/seal.h"
#include "esp/worker_state.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(a)[0])

enum { TEST_SPI = 0xc0ffee01, SUITE_COUNT = 18 };

/* xorshift64*: good enough to scatter, and the same everywhere. */
static inline uint64_t random_u64(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline size_t random_below(uint64_t *state, size_t bound)
{
    return (size_t)(random_u64(state) >> 32) % bound;
}

static inline void random_octets(uint64_t *state, uint8_t *to, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = (uint8_t)(random_u64(state) >> 56);
}

struct test_suite {
    const struct encryption_algorithm *encryption;
    const struct integrity_algorithm *integrity;
};

/* Suite 0 to 17: AES-GCM alone, the others with each integrity algorithm. */
static inline struct test_suite suite_at(size_t index)
{
    if (index < 2)
        return (struct test_suite){&encryption_algorithms[index], NULL};
    return (struct test_suite){&encryption_algorithms[2 + (index - 2) / INTEGRITY_COUNT],
                               &integrity_algorithms[(index - 2) % INTEGRITY_COUNT]};
}

static inline struct esp_worker *new_worker(enum esp_arithmetic arithmetic)
{
    uint8_t seed[ESP_SEED_SIZE];
    memset(seed, 0x5e, sizeof seed);
    struct esp_worker *worker = esp_worker_new(seed, arithmetic);
    assert_non_null(worker);
    return worker;
}

/* 0.0.0.0/0 and ::/0. */
static inline const struct traffic_selector *selectors_of_everything(void)
{
    static struct traffic_selector all[2] = {
        {.last_port = UINT16_MAX, .first = {.family = IP_V4}, .last = {.family = IP_V4}},
        {.last_port = UINT16_MAX, .first = {.family = IP_V6}, .last = {.family = IP_V6}},
    };
    memset(all[0].last.octets, 0xff, 4);
    memset(all[1].last.octets, 0xff, 16);
    return all;
}

/* Two ends of one SA; keys are determined by the suite. */
struct sa_pair {
    struct esp_live out_live, in_live;
    struct esp_sa *out, *in;
    uint8_t encryption_key[ENCRYPTION_KEY_MAX];
    uint8_t integrity_key[INTEGRITY_KEY_MAX];
    struct esp_sa_settings settings; /* of the inbound end */
};

static inline void pair_make(struct sa_pair *pair, size_t suite, struct esp_worker *sealer,
                             struct esp_worker *opener)
{
    const struct test_suite s = suite_at(suite);
    uint64_t keys = 0x1234567 + suite;
    random_octets(&keys, pair->encryption_key, sizeof pair->encryption_key);
    random_octets(&keys, pair->integrity_key, sizeof pair->integrity_key);
    memset(&pair->out_live, 0, sizeof pair->out_live);
    memset(&pair->in_live, 0, sizeof pair->in_live);
    const struct traffic_selector *all = selectors_of_everything();
    struct esp_sa_settings settings = {
        .direction = PACKET_OUTBOUND,
        .spi = TEST_SPI,
        .encryption = s.encryption,
        .integrity = s.integrity,
        .encryption_key = {pair->encryption_key, s.encryption->key_size + s.encryption->salt_size},
        .integrity_key = {pair->integrity_key, s.integrity != NULL ? s.integrity->key_size : 0},
        .anti_replay = true,
        .selectors = {.local = all, .remote = all, .local_count = 2, .remote_count = 2},
        .live = &pair->out_live,
    };
    pair->out = esp_sa_new(sealer, &settings);
    settings.direction = PACKET_INBOUND;
    settings.live = &pair->in_live;
    pair->in = esp_sa_new(opener, &settings);
    pair->settings = settings;
    assert_non_null(pair->out);
    assert_non_null(pair->in);
}

/* Replaces the inbound end by one of changed settings. */
static inline void pair_remake_inbound(struct sa_pair *pair, struct esp_worker *opener)
{
    esp_sa_free(pair->in);
    pair->in = esp_sa_new(opener, &pair->settings);
    assert_non_null(pair->in);
}

static inline void pair_free(struct sa_pair *pair)
{
    esp_sa_free(pair->out);
    esp_sa_free(pair->in);
}

/* Fills `length` octets (20, or 40 for IPv6, at least) with an IP packet of random content. */
static inline void inner_packet(uint64_t *random, enum ip_family family, uint8_t *at, size_t length)
{
    random_octets(random, at, length);
    if (family == IP_V4) {
        at[0] = 0x45;
        store_u16be(at + 2, (uint16_t)length);
    } else {
        at[0] = 0x60;
        store_u16be(at + 4, (uint16_t)(length - 40));
    }
}

/* The octets of an ESP packet around `text` octets of text. */
static inline size_t crafted_size(const struct esp_sa *sa, size_t text)
{
    return esp_sa_front_size(sa) + text + sa->suite.icv_size;
}

/* Seals `text` octets (whole blocks) as they are, trailer and all, with a number of the caller's choosing. */
static inline void craft(struct esp_worker *worker, const struct esp_sa *sa, uint32_t sequence,
                         const uint8_t *text, size_t length, uint8_t *to)
{
    store_u32be(to, sa->spi);
    store_u32be(to + 4, sequence);
    memset(to + ESP_HEADER_SIZE, (int)(sequence & 0xff), sa->suite.iv_size);
    memcpy(to + esp_sa_front_size(sa), text, length);
    struct esp_job job = {.sa = sa, .esp = to, .text = (uint32_t)length};
    esp_worker_seal_jobs(worker, &job, 1);
    assert_int_equal(job.outcome, ESP_JOB_DONE);
}

/* Opens one packet. */
static inline struct esp_inbound open_one(struct esp_worker *worker, struct esp_sa *sa, uint8_t *packet,
                                          size_t length)
{
    struct esp_inbound p = {.sa = sa, .packet = packet, .length = length};
    size_t opened = esp_open(worker, &p, 1, 77);
    assert_int_equal(opened, p.result == ESP_OPENED);
    return p;
}

#endif
