/* esp/seal.h and the outbound half of esp/sa.h */
#include "esp/seal.h"

#include "crypto/cipher.h"
#include "crypto/prf.h"
#include "fixture.h"

enum { ROOM = 2048 };

static int make_worker(void **state)
{
    *state = new_worker(ESP_ARITHMETIC_BEST);
    return 0;
}

static int free_worker(void **state)
{
    esp_worker_free(*state);
    return 0;
}

static struct esp_outbound seal_one(struct esp_worker *worker, struct esp_sa *sa, const uint8_t *inner,
                                    size_t length, uint8_t *to, size_t capacity)
{
    struct esp_outbound p = {.sa = sa, .body = {inner, length}, .to = to, .capacity = capacity};
    size_t sealed = esp_seal(worker, &p, 1);
    assert_int_equal(sealed, p.result == ESP_SEALED);
    return p;
}

/* Opens a sealed packet with crypto/ alone, step by step as RFC 4303 says; returns the text. */
static uint8_t *open_by_hand(const struct sa_pair *pair, uint8_t *packet, size_t length, size_t *text_size)
{
    const struct encryption_algorithm *e = pair->settings.encryption;
    const struct integrity_algorithm *i = pair->settings.integrity;
    size_t icv_size = i != NULL ? i->icv_size : e->icv_size;
    uint8_t *iv = packet + 8, *text = iv + e->iv_size, *icv = packet + length - icv_size;
    *text_size = (size_t)(icv - text);
    if (i == NULL) {
        assert_true(
            aead_open(e, pair->encryption_key, iv, (struct octets){packet, 8}, text, *text_size, icv));
        return text;
    }
    uint8_t expected[INTEGRITY_ICV_MAX];
    struct octets covered = {packet, length - icv_size};
    assert_true(integrity_compute(i, pair->integrity_key, &covered, 1, expected));
    assert_memory_equal(expected, icv, icv_size);
    assert_true(cipher_decrypt(e, pair->encryption_key, iv, text, *text_size));
    return text;
}

static void RFC4303_2_the_packet_is_laid_out_as_it_says_in_every_suite(void **state)
{
    struct esp_worker *worker = *state;
    uint64_t random = 5;
    for (size_t suite = 0; suite < SUITE_COUNT; suite++) {
        struct sa_pair pair;
        pair_make(&pair, suite, worker, worker);
        size_t block = pair.settings.encryption->block_size > 4 ? pair.settings.encryption->block_size : 4;
        for (size_t length = 40; length < 140; length++) {
            enum ip_family family = length % 2 == 0 ? IP_V4 : IP_V6;
            uint8_t inner[140], sealed[ROOM];
            inner_packet(&random, family, inner, length);
            struct esp_outbound p = seal_one(worker, pair.out, inner, length, sealed, ROOM);
            assert_int_equal(p.result, ESP_SEALED);
            assert_int_equal(p.length, esp_sa_sealed_size(pair.out, length));
            assert_int_equal(load_u32be(sealed), TEST_SPI);
            assert_int_equal(load_u32be(sealed + 4), length - 39);

            size_t text_size;
            const uint8_t *text = open_by_hand(&pair, sealed, p.length, &text_size);
            assert_int_equal(text_size % block, 0);
            assert_true(text_size - length - 2 < block);
            assert_memory_equal(text, inner, length);
            assert_int_equal(text[text_size - 2], text_size - length - 2);
            assert_int_equal(text[text_size - 1], family == IP_V4 ? 4 : 41);
            for (size_t i = 0; i < text[text_size - 2]; i++)
                assert_int_equal(text[length + i], i + 1);
        }
        pair_free(&pair);
    }
}

static void a_packet_is_the_same_in_place_overlapping_and_in_two_parts(void **state)
{
    struct esp_worker *worker = *state;
    uint64_t random = 6;
    uint8_t inner[1000], expected[ROOM];
    inner_packet(&random, IP_V4, inner, sizeof inner);
    for (size_t shift = 0; shift <= 200; shift++) {
        struct sa_pair one, two;
        pair_make(&one, 0, worker, worker);
        pair_make(&two, 0, worker, worker);
        struct esp_outbound p = seal_one(worker, one.out, inner, sizeof inner, expected, ROOM);
        assert_int_equal(p.result, ESP_SEALED);

        /* The body stands up to 100 octets before or after its place, of which 40 are a head from elsewhere.
         */
        uint8_t buffer[ROOM + 400];
        uint8_t *to = buffer + 200;
        size_t head = shift % 2 == 0 ? 0 : 40;
        uint8_t *body = to + esp_sa_front_size(two.out) + head + shift - 100;
        memcpy(body, inner + head, sizeof inner - head);
        struct esp_outbound q = {.sa = two.out,
                                 .head = {inner, head},
                                 .body = {body, sizeof inner - head},
                                 .to = to,
                                 .capacity = ROOM};
        assert_int_equal(esp_seal(worker, &q, 1), 1);
        assert_int_equal(q.length, p.length);
        assert_memory_equal(to, expected, p.length);
        pair_free(&one);
        pair_free(&two);
    }
}

static void it_needs_exactly_the_room_that_it_says(void **state)
{
    struct esp_worker *worker = *state;
    uint64_t random = 7;
    for (size_t suite = 0; suite < SUITE_COUNT; suite++) {
        struct sa_pair pair;
        pair_make(&pair, suite, worker, worker);
        uint8_t inner[100];
        inner_packet(&random, IP_V4, inner, sizeof inner);
        size_t size = esp_sa_sealed_size(pair.out, sizeof inner);
        uint8_t *exact = malloc(size);
        assert_non_null(exact);
        struct esp_outbound p = seal_one(worker, pair.out, inner, sizeof inner, exact, size - 1);
        assert_int_equal(p.result, ESP_SEAL_NO_ROOM);
        assert_int_equal(p.length, 0);
        p = seal_one(worker, pair.out, inner, sizeof inner, exact, size);
        assert_int_equal(p.result, ESP_SEALED);
        assert_int_equal(p.sequence, 1);
        free(exact);
        pair_free(&pair);
    }
}

static void the_largest_inner_size_is_the_largest_that_fits(void **state)
{
    struct esp_worker *worker = *state;
    for (size_t suite = 0; suite < SUITE_COUNT; suite++) {
        struct sa_pair pair;
        pair_make(&pair, suite, worker, worker);
        const struct esp_framing framing = esp_sa_framing(pair.out);
        for (size_t sealed = 0; sealed < 1600; sealed++) {
            size_t inner = esp_framing_largest_inner(&framing, sealed);
            if (inner > 0)
                assert_true(esp_sa_sealed_size(pair.out, inner) <= sealed);
            assert_true(esp_sa_sealed_size(pair.out, inner + 1) > sealed);
        }
        for (size_t inner = 1; inner < 300; inner++)
            assert_true(esp_sa_sealed_size(pair.out, inner) <= inner + ESP_OVERHEAD_MAX);
        pair_free(&pair);
    }
}

static void what_is_no_ip_packet_is_refused_and_takes_no_number(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);
    uint8_t inner[40] = {0x45}, to[ROOM];
    static const struct {
        uint8_t first;
        size_t length;
    } wrong[] = {{0x45, 0}, {0x45, 19}, {0x60, 39}, {0x00, 40}, {0x50, 40}, {0xf0, 40}};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        inner[0] = wrong[i].first;
        assert_int_equal(seal_one(worker, pair.out, inner, wrong[i].length, to, ROOM).result,
                         ESP_SEAL_NOT_IP);
    }
    uint8_t *huge = calloc(1, 65536);
    assert_non_null(huge);
    huge[0] = 0x45;
    assert_int_equal(seal_one(worker, pair.out, huge, 65536, to, ROOM).result, ESP_SEAL_NOT_IP);
    assert_int_equal(seal_one(worker, pair.out, huge, SIZE_MAX, to, ROOM).result, ESP_SEAL_NOT_IP);
    free(huge);
    inner[0] = 0x45;
    assert_int_equal(seal_one(worker, pair.out, inner, 20, to, ROOM).sequence, 1);
    assert_int_equal(esp_live_counter(&pair.out_live, ESP_OUT_MISC_ERROR), ARRAY_SIZE(wrong) + 2);
    pair_free(&pair);
}

static void R101_results_are_counted_with_inner_octets(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair one, two;
    pair_make(&one, 0, worker, worker);
    pair_make(&two, 5, worker, worker);
    uint8_t inner[84] = {0x45}, to[6][256];
    struct esp_outbound batch[6];
    for (size_t i = 0; i < 6; i++)
        batch[i] = (struct esp_outbound){
            .sa = i < 4 ? one.out : two.out, .body = {inner, 84}, .to = to[i], .capacity = 256};
    batch[1].capacity = 10;
    batch[2].body.length = 3;

    assert_int_equal(esp_seal(worker, batch, 6), 4);

    assert_int_equal(esp_live_counter(&one.out_live, ESP_OUT_PACKETS), 2);
    assert_int_equal(esp_live_counter(&one.out_live, ESP_OUT_OCTETS), 168);
    assert_int_equal(esp_live_counter(&one.out_live, ESP_OUT_NO_MEMORY), 1);
    assert_int_equal(esp_live_counter(&one.out_live, ESP_OUT_MISC_ERROR), 1);
    assert_int_equal(esp_live_counter(&two.out_live, ESP_OUT_PACKETS), 2);
    assert_int_equal(esp_live_counter(&two.out_live, ESP_OUT_OCTETS), 168);
    assert_int_equal(batch[3].sequence, 2);
    pair_free(&one);
    pair_free(&two);
}

static void S9_gcm_takes_the_sequence_number_as_iv(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);
    uint8_t inner[40] = {0x45}, to[ROOM];
    for (uint32_t n = 1; n < 200; n++) {
        assert_int_equal(seal_one(worker, pair.out, inner, 40, to, ROOM).sequence, n);
        assert_int_equal(load_u64be(to + 8), n);
    }
    pair_free(&pair);
}

/* RFC 3602 3: not a counter, and not the last block of the packet before. */
static void S9_cbc_takes_ivs_that_do_not_repeat_nor_follow_from_the_packet_before(void **state)
{
    struct esp_worker *worker = *state;
    enum { PACKETS = 2000 };
    struct sa_pair pair;
    pair_make(&pair, 2, worker, worker);
    uint8_t inner[44] = {0x45}, to[ROOM], last_block[16] = {0};
    uint8_t(*ivs)[16] = calloc(PACKETS, 16);
    assert_non_null(ivs);
    size_t ones = 0;
    for (size_t n = 0; n < PACKETS; n++) {
        struct esp_outbound p = seal_one(worker, pair.out, inner, sizeof inner, to, ROOM);
        memcpy(ivs[n], to + 8, 16);
        assert_memory_not_equal(ivs[n], last_block, 16);
        memcpy(last_block, to + p.length - 32 - 16, 16);
        for (size_t i = 0; i < n; i++)
            assert_memory_not_equal(ivs[n], ivs[i], 8);
        for (size_t i = 0; i < 16; i++)
            ones += (size_t)__builtin_popcount(ivs[n][i]);
    }
    /* Half of 256,000 bits, with a standard deviation of 253. */
    assert_in_range(ones, 128000 - 1500, 128000 + 1500);
    free(ivs);
    pair_free(&pair);
}

static void workers_of_different_seeds_take_different_ivs(void **state)
{
    (void)state;
    uint8_t inner[40] = {0x45}, one[ROOM], two[ROOM], seed[ESP_SEED_SIZE] = {0};
    for (size_t i = 0; i < ESP_SEED_SIZE; i++) {
        seed[i] = 1;
        struct esp_worker *a = new_worker(ESP_ARITHMETIC_BEST),
                          *b = esp_worker_new(seed, ESP_ARITHMETIC_BEST);
        assert_non_null(b);
        struct sa_pair pair_a, pair_b;
        pair_make(&pair_a, 5, a, a);
        pair_make(&pair_b, 5, b, b);
        seal_one(a, pair_a.out, inner, 40, one, ROOM);
        seal_one(b, pair_b.out, inner, 40, two, ROOM);
        assert_memory_not_equal(one + 8, two + 8, 16);
        pair_free(&pair_a);
        pair_free(&pair_b);
        esp_worker_free(a);
        esp_worker_free(b);
    }
}

static void numbers_are_reserved_in_blocks_before_they_are_used(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);
    uint8_t inner[40] = {0x45}, to[ROOM];
    assert_int_equal(pair.out_live.sequence_mark, 0);
    for (uint64_t n = 1; n <= UINT64_C(2) * ESP_SEQUENCE_BLOCK; n++) {
        struct esp_outbound p = seal_one(worker, pair.out, inner, 40, to, ROOM);
        assert_int_equal(p.sequence, n);
        assert_true(pair.out_live.sequence_mark > n);
        assert_true(pair.out_live.sequence_mark <= n + ESP_SEQUENCE_BLOCK);
    }
    pair_free(&pair);
}

static void who_takes_over_goes_on_beyond_the_mark(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);
    uint8_t inner[40] = {0x45}, to[ROOM];
    uint32_t last = 0;
    for (size_t restart = 0; restart < 5; restart++) {
        for (size_t n = 0; n < 100; n++) {
            struct esp_outbound p = seal_one(worker, pair.out, inner, 40, to, ROOM);
            assert_true(p.sequence > last);
            assert_true(pair.out_live.sequence_mark > p.sequence);
            last = p.sequence;
        }
        /* The process dies; the next finds the live state as it is. */
        esp_sa_free(pair.out);
        struct esp_sa_settings settings = pair.settings;
        settings.direction = PACKET_OUTBOUND;
        settings.live = &pair.out_live;
        pair.out = esp_sa_new(worker, &settings);
        assert_non_null(pair.out);
    }
    pair_free(&pair);
}

static void S9_sequence_numbers_end_without_wrapping(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);
    uint8_t inner[40] = {0x45}, to[20][256];
    esp_sa_free(pair.out);
    struct esp_sa_settings settings = pair.settings;
    settings.direction = PACKET_OUTBOUND;
    settings.live = &pair.out_live;
    pair.out_live.sequence_mark = (UINT64_C(1) << 32) - 10;
    pair.out = esp_sa_new(worker, &settings);
    assert_non_null(pair.out);
    assert_int_equal(esp_sa_sequences_left(pair.out), 10);

    struct esp_outbound batch[20];
    for (size_t i = 0; i < 20; i++)
        batch[i] = (struct esp_outbound){.sa = pair.out, .body = {inner, 40}, .to = to[i], .capacity = 256};
    assert_int_equal(esp_seal(worker, batch, 20), 10);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(batch[i].result, i < 10 ? ESP_SEALED : ESP_SEAL_EXHAUSTED);
        assert_int_equal(batch[i].sequence, i < 10 ? UINT32_MAX - 9 + i : 0);
    }
    assert_int_equal(esp_sa_sequences_left(pair.out), 0);
    assert_true(pair.out_live.sequence_mark == UINT64_C(1) << 32);
    assert_int_equal(esp_live_counter(&pair.out_live, ESP_OUT_MISC_ERROR), 10);

    /* Nor does a restart begin anew. */
    esp_sa_free(pair.out);
    pair.out = esp_sa_new(worker, &settings);
    assert_non_null(pair.out);
    assert_int_equal(seal_one(worker, pair.out, inner, 40, to[0], 256).result, ESP_SEAL_EXHAUSTED);
    pair_free(&pair);
}

static void settings_that_contradict_themselves_are_refused(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair gcm, cbc;
    pair_make(&gcm, 0, worker, worker);
    pair_make(&cbc, 5, worker, worker);
    struct esp_sa_settings wrong[9];
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        wrong[i] = cbc.settings;
    wrong[0].spi = 255;
    wrong[1].integrity = NULL;
    wrong[2].encryption_key.length--;
    wrong[3].integrity_key.length++;
    wrong[4].live = NULL;
    wrong[5].selectors.local_count = 0;
    wrong[6].selectors.remote_count = ESP_SELECTORS_MAX + 1;
    wrong[7] = gcm.settings;
    wrong[7].integrity = &integrity_algorithms[0];
    wrong[8] = gcm.settings;
    wrong[8].encryption_key.length -= 4; /* without the salt */
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_null(esp_sa_new(worker, &wrong[i]));
    esp_sa_free(NULL);
    pair_free(&gcm);
    pair_free(&cbc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(RFC4303_2_the_packet_is_laid_out_as_it_says_in_every_suite),
        cmocka_unit_test(a_packet_is_the_same_in_place_overlapping_and_in_two_parts),
        cmocka_unit_test(it_needs_exactly_the_room_that_it_says),
        cmocka_unit_test(the_largest_inner_size_is_the_largest_that_fits),
        cmocka_unit_test(what_is_no_ip_packet_is_refused_and_takes_no_number),
        cmocka_unit_test(R101_results_are_counted_with_inner_octets),
        cmocka_unit_test(S9_gcm_takes_the_sequence_number_as_iv),
        cmocka_unit_test(S9_cbc_takes_ivs_that_do_not_repeat_nor_follow_from_the_packet_before),
        cmocka_unit_test(workers_of_different_seeds_take_different_ivs),
        cmocka_unit_test(numbers_are_reserved_in_blocks_before_they_are_used),
        cmocka_unit_test(who_takes_over_goes_on_beyond_the_mark),
        cmocka_unit_test(S9_sequence_numbers_end_without_wrapping),
        cmocka_unit_test(settings_that_contradict_themselves_are_refused),
    };
    return cmocka_run_group_tests(tests, make_worker, free_worker);
}
