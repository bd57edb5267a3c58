/* esp/backend.h: libIPSec_MB against OpenSSL, and both against published packets */
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <sys/mman.h>

#include "../crypto/hex.h"
#include "fixture.h"

enum {
    BIG = 65535,
    SLOT = BIG + ESP_OVERHEAD_MAX,
    ROUNDS = 6,
    BATCH_MAX = 70,
};

struct workers {
    struct esp_worker *best, *openssl;
};

static int make_workers(void **state)
{
    struct workers *workers = calloc(1, sizeof *workers);
    assert_non_null(workers);
    workers->best = new_worker(ESP_ARITHMETIC_BEST);
    workers->openssl = new_worker(ESP_ARITHMETIC_OPENSSL);
    *state = workers;
    return 0;
}

static int free_workers(void **state)
{
    struct workers *workers = *state;
    esp_worker_free(workers->best);
    esp_worker_free(workers->openssl);
    free(workers);
    return 0;
}

static bool processor_has_sha_ni(void)
{
#ifdef __x86_64__
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) == 1 && (b & bit_SHA) != 0;
#else
    return false;
#endif
}

static void self_test_passes_with_either_library(void **state)
{
    struct workers *w = *state;
    char failure[128] = "";
    bool best = esp_worker_self_test(w->best, failure, sizeof failure);
    assert_string_equal(failure, "");
    assert_true(best);
    bool openssl = esp_worker_self_test(w->openssl, failure, sizeof failure);
    assert_string_equal(failure, "");
    assert_true(openssl);
}

/* Test cases of draft-mcgrew-gcm-test-01 with 32-bit sequence numbers. */
static const struct {
    uint16_t key_bits;
    const char *key, *salt, *text, *packet;
} mcgrew[] = {
    {128, "feffe9928665731c6d6a8f9467308308", "cafebabe",
     "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d00100"
     "00010000000000000373697009637962 65726369747902646b00000100010001",
     "0000a5f80000000afacedbaddecaf888"
     "deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c"
     "3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd1"
     "83b70d3aa8bc6ee4c309e9d85a41ad4a"},
    {256, "abbccddef00112233445566778899aababbccddef00112233445566778899aab", "11223344",
     "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee000000000"
     "7002400020bf0000020405b40101040201020201",
     "4a2cbfe3000000020102030405060708"
     "ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763"
     "748a637985771d347f0545659f14e99def842d8eb335f4eecfdbf831824b4c49"
     "15956c96"},
    {128, "7d773d00c144c525ac619d18c84a3f47", "d9664267", "01020201",
     "335467aeffffffff43457e9182443bc6437f866bcb3f699fe9b0822bac961c4504bef270"},
};

static void R4_gcm_agrees_with_mcgrews_esp_packets(void **state)
{
    struct workers *w = *state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(mcgrew); i++) {
        struct esp_worker *worker = i % 2 == 0 ? w->best : w->openssl;
        struct hex key = hex(mcgrew[i / 2].key), salt = hex(mcgrew[i / 2].salt);
        struct hex text = hex(mcgrew[i / 2].text), packet = hex(mcgrew[i / 2].packet);
        memcpy(key.at + key.length, salt.at, 4);
        struct esp_live live = {0};
        const struct traffic_selector *all = selectors_of_everything();
        const struct esp_sa_settings settings = {
            .spi = load_u32be(packet.at),
            .encryption = encryption_by_id(ENCR_AES_GCM_16, mcgrew[i / 2].key_bits),
            .encryption_key = {key.at, key.length + 4},
            .selectors = {all, all, 2, 2},
            .live = &live,
        };
        struct esp_sa *sa = esp_sa_new(worker, &settings);
        assert_non_null(sa);
        uint8_t work[128];
        memcpy(work, packet.at, 16);
        memcpy(work + 16, text.at, text.length);
        struct esp_job job = {.sa = sa, .esp = work, .text = (uint32_t)text.length};

        esp_worker_seal_jobs(worker, &job, 1);
        assert_int_equal(job.outcome, ESP_JOB_DONE);
        assert_memory_equal(work, packet.at, packet.length);
        esp_worker_open_jobs(worker, &job, 1);
        assert_int_equal(job.outcome, ESP_JOB_DONE);
        assert_memory_equal(work + 16, text.at, text.length);
        esp_sa_free(sa);
    }
}

/* A length that is often near something: the smallest, a block, a frame, the lanes' limit, the largest. */
static size_t random_length(uint64_t *random)
{
    static const size_t near[] = {40, 64, 128, 576, 1408, 1500, 9000, 64984, 65000, 65016, BIG};
    size_t length;
    if (random_below(random, 4) == 0)
        length = 40 + random_below(random, BIG - 39);
    else
        length = near[random_below(random, ARRAY_SIZE(near))] + random_below(random, 33) - 16;
    return length < 40 ? 40 : length > BIG ? BIG : length;
}

struct buffers {
    uint8_t (*inner)[SLOT];
    uint8_t (*one)[SLOT];
    uint8_t (*two)[SLOT];
    struct esp_outbound out[2][BATCH_MAX];
    struct esp_inbound in[BATCH_MAX];
};

static struct buffers *new_buffers(void)
{
    struct buffers *b = calloc(1, sizeof *b);
    if (b == NULL)
        abort();
    b->inner = calloc(BATCH_MAX, SLOT);
    b->one = calloc(BATCH_MAX, SLOT);
    b->two = calloc(BATCH_MAX, SLOT);
    if (b->inner == NULL || b->one == NULL || b->two == NULL)
        abort();
    return b;
}

static void free_buffers(struct buffers *b)
{
    free(b->inner);
    free(b->one);
    free(b->two);
    free(b);
}

/* Random inner packets, to be sealed to `one` by the SA `first` and to `two` by the SA `second`: from where
 * they are, or in place, or with their heads apart. */
static void lay_out_batch(struct buffers *b, uint64_t *random, size_t i, struct esp_sa *first,
                          struct esp_sa *second)
{
    size_t length = random_length(random);
    inner_packet(random, random_below(random, 2) == 0 ? IP_V4 : IP_V6, b->inner[i], length);
    size_t head = random_below(random, 2) == 0 ? 0 : random_below(random, 60 < length ? 60 : length);
    b->out[0][i] = (struct esp_outbound){.sa = first, .to = b->one[i], .capacity = SLOT};
    b->out[0][i].head = (struct octets){b->inner[i], head};
    b->out[0][i].body = (struct octets){b->inner[i] + head, length - head};
    b->out[1][i] = b->out[0][i];
    b->out[1][i].sa = second;
    b->out[1][i].to = b->two[i];
    if (random_below(random, 2) == 0) {
        uint8_t *place = b->two[i] + esp_sa_front_size(second);
        memcpy(place, b->inner[i], length);
        b->out[1][i].head = (struct octets){NULL, 0};
        b->out[1][i].body = (struct octets){place, length};
    }
}

static void expect_same_packets(const struct buffers *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(b->out[0][i].result, ESP_SEALED);
        assert_int_equal(b->out[1][i].result, ESP_SEALED);
        assert_int_equal(b->out[0][i].sequence, b->out[1][i].sequence);
        assert_int_equal(b->out[0][i].length, b->out[1][i].length);
        assert_memory_equal(b->one[i], b->two[i], b->out[0][i].length);
    }
}

static void expect_opened(struct esp_worker *worker, struct buffers *b, struct esp_sa *const *sas,
                          uint8_t (*packets)[SLOT], size_t count)
{
    for (size_t i = 0; i < count; i++)
        b->in[i] = (struct esp_inbound){.sa = sas[i], .packet = packets[i], .length = b->out[0][i].length};
    assert_int_equal(esp_open(worker, b->in, count, 1), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(b->in[i].result, ESP_OPENED);
        assert_int_equal(b->in[i].inner_length, b->out[0][i].head.length + b->out[0][i].body.length);
        assert_memory_equal(b->in[i].inner, b->inner[i], b->in[i].inner_length);
    }
}

/* Both workers have the same seed, and so the same IVs. */
static void both_libraries_give_the_same_octets_and_open_each_others(void **state)
{
    struct workers *w = *state;
    struct buffers *b = new_buffers();
    uint64_t random = 1;
    for (size_t suite = 0; suite < SUITE_COUNT; suite++) {
        struct sa_pair one, two; /* sealed by one library, opened by the other */
        pair_make(&one, suite, w->best, w->openssl);
        pair_make(&two, suite, w->openssl, w->best);
        for (size_t round = 0; round < ROUNDS; round++) {
            size_t count = 1 + random_below(&random, BATCH_MAX);
            struct esp_sa *one_in[BATCH_MAX], *two_in[BATCH_MAX];
            for (size_t i = 0; i < count; i++) {
                lay_out_batch(b, &random, i, one.out, two.out);
                one_in[i] = one.in;
                two_in[i] = two.in;
            }
            assert_int_equal(esp_seal(w->best, b->out[0], count), count);
            assert_int_equal(esp_seal(w->openssl, b->out[1], count), count);
            expect_same_packets(b, count);
            expect_opened(w->openssl, b, one_in, b->one, count);
            expect_opened(w->best, b, two_in, b->two, count);
        }
        pair_free(&one);
        pair_free(&two);
    }
    free_buffers(b);
}

static void a_batch_of_mixed_suites_is_as_if_sealed_one_by_one(void **state)
{
    struct workers *w = *state;
    struct buffers *b = new_buffers();
    struct sa_pair one[SUITE_COUNT], two[SUITE_COUNT];
    for (size_t suite = 0; suite < SUITE_COUNT; suite++) {
        pair_make(&one[suite], suite, w->best, w->best);
        pair_make(&two[suite], suite, w->openssl, w->best);
    }
    uint64_t random = 2;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct esp_sa *in[BATCH_MAX];
        for (size_t i = 0; i < BATCH_MAX; i++) {
            size_t suite = random_below(&random, SUITE_COUNT);
            lay_out_batch(b, &random, i, one[suite].out, two[suite].out);
            in[i] = one[suite].in;
        }
        assert_int_equal(esp_seal(w->best, b->out[0], BATCH_MAX), BATCH_MAX);
        for (size_t i = 0; i < BATCH_MAX; i++)
            assert_int_equal(esp_seal(w->openssl, &b->out[1][i], 1), 1);
        expect_same_packets(b, BATCH_MAX);
        expect_opened(w->best, b, in, b->one, BATCH_MAX);
    }
    for (size_t suite = 0; suite < SUITE_COUNT; suite++) {
        pair_free(&one[suite]);
        pair_free(&two[suite]);
    }
    free_buffers(b);
}

/* One of four packets has a changed octet. The others of the batch come out whole, whichever burst they are
 * in. */
static void a_changed_packet_spoils_no_other_of_its_batch(void **state)
{
    struct workers *w = *state;
    struct buffers *b = new_buffers();
    uint64_t random = 4;
    for (size_t suite = 0; suite < SUITE_COUNT; suite++) {
        struct sa_pair pair;
        pair_make(&pair, suite, w->best, w->best);
        bool changed[BATCH_MAX];
        for (size_t i = 0; i < BATCH_MAX; i++)
            lay_out_batch(b, &random, i, pair.out, pair.out);
        assert_int_equal(esp_seal(w->best, b->out[0], BATCH_MAX), BATCH_MAX);
        size_t whole = 0;
        for (size_t i = 0; i < BATCH_MAX; i++) {
            size_t length = b->out[0][i].length;
            b->in[i] = (struct esp_inbound){.sa = pair.in, .packet = b->one[i], .length = length};
            changed[i] = random_below(&random, 4) == 0;
            whole += !changed[i];
            if (changed[i])
                b->one[i][ESP_HEADER_SIZE + random_below(&random, length - ESP_HEADER_SIZE)] ^= 1;
        }
        assert_in_range(whole, 1, BATCH_MAX - 1);
        assert_int_equal(esp_open(w->best, b->in, BATCH_MAX, 1), whole);
        for (size_t i = 0; i < BATCH_MAX; i++) {
            assert_int_equal(b->in[i].result, changed[i] ? ESP_OPEN_INTEGRITY_FAILURE : ESP_OPENED);
            if (!changed[i])
                assert_memory_equal(b->in[i].inner, b->inner[i], b->in[i].inner_length);
        }
        pair_free(&pair);
    }
    free_buffers(b);
}

/* The library chooses AVX2 for all, though SHA-NI is faster. */
static void hashes_are_done_by_sha_ni_where_the_processor_has_no_wider_lanes_than_avx2(void **state)
{
    struct workers *w = *state;
    const char *name = esp_worker_arithmetic(w->best);
    bool by_sha_ni = strstr(name, "SHA-NI") != NULL;
    assert_int_equal(by_sha_ni, strstr(name, "AVX2") != NULL && processor_has_sha_ni());
}

static void every_changed_octet_is_detected_in_every_suite(void **state)
{
    struct workers *w = *state;
    for (size_t round = 0; round < (size_t)2 * SUITE_COUNT; round++) {
        struct esp_worker *worker = round % 2 == 0 ? w->best : w->openssl;
        struct sa_pair pair;
        pair_make(&pair, round / 2, worker, worker);
        uint64_t random = 3;
        uint8_t inner[77], sealed[200], work[200];
        inner_packet(&random, IP_V4, inner, sizeof inner);
        struct esp_outbound out = {
            .sa = pair.out, .body = {inner, sizeof inner}, .to = sealed, .capacity = sizeof sealed};
        /* The third, since a changed bit of numbers 1 and 2 can yield 0, which is refused sooner. */
        for (size_t number = 1; number <= 3; number++)
            assert_int_equal(esp_seal(worker, &out, 1), 1);

        for (size_t bit = 0; bit < 8 * out.length; bit++) {
            memcpy(work, sealed, out.length);
            work[bit / 8] ^= (uint8_t)(1 << bit % 8);
            struct esp_inbound in = open_one(worker, pair.in, work, out.length);
            assert_int_equal(in.result, bit < 32 ? ESP_OPEN_INVALID_SA : ESP_OPEN_INTEGRITY_FAILURE);
            assert_null(in.inner);
        }
        assert_int_equal(pair.in_live.replay_top, 0);
        assert_int_equal(pair.in_live.last_inbound, 0);
        memcpy(work, sealed, out.length);
        assert_int_equal(open_one(worker, pair.in, work, out.length).result, ESP_OPENED);
        pair_free(&pair);
    }
}

/* Neither library reads or writes beyond a packet: it ends, or begins, where memory does. */
static void nothing_outside_of_the_packet_is_touched(void **state)
{
    struct workers *w = *state;
    const size_t page = 4096;
    uint8_t *pages = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages, page, PROT_NONE), 0);
    assert_int_equal(mprotect(pages + 3 * page, page, PROT_NONE), 0);
    uint64_t random = 13;
    for (size_t round = 0; round < (size_t)2 * SUITE_COUNT; round++) {
        struct esp_worker *worker = round % 2 == 0 ? w->best : w->openssl;
        struct sa_pair pair;
        pair_make(&pair, round / 2, worker, worker);
        for (size_t length = 20; length < 1600; length += 1 + random_below(&random, 20)) {
            uint8_t inner[1600];
            inner_packet(&random, IP_V4, inner, length);
            size_t size = esp_sa_sealed_size(pair.out, length);
            uint8_t *at = random_below(&random, 2) == 0 ? pages + page : pages + 3 * page - size;
            struct esp_outbound out = {.sa = pair.out, .body = {inner, length}, .to = at, .capacity = size};
            assert_int_equal(esp_seal(worker, &out, 1), 1);
            struct esp_inbound in = open_one(worker, pair.in, at, size);
            assert_int_equal(in.result, ESP_OPENED);
            assert_memory_equal(in.inner, inner, length);
        }
        pair_free(&pair);
    }
    assert_int_equal(munmap(pages, 4 * page), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(self_test_passes_with_either_library),
        cmocka_unit_test(R4_gcm_agrees_with_mcgrews_esp_packets),
        cmocka_unit_test_setup_teardown(both_libraries_give_the_same_octets_and_open_each_others,
                                        make_workers, free_workers),
        cmocka_unit_test_setup_teardown(a_batch_of_mixed_suites_is_as_if_sealed_one_by_one, make_workers,
                                        free_workers),
        cmocka_unit_test(a_changed_packet_spoils_no_other_of_its_batch),
        cmocka_unit_test(hashes_are_done_by_sha_ni_where_the_processor_has_no_wider_lanes_than_avx2),
        cmocka_unit_test(every_changed_octet_is_detected_in_every_suite),
        cmocka_unit_test(nothing_outside_of_the_packet_is_touched),
    };
    return cmocka_run_group_tests(tests, make_workers, free_workers);
}
