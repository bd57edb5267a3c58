/* esp/open.h */
#include "esp/open.h"

#include "fixture.h"

enum { ROOM = 4096 };

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

/* Writes an inner packet of 40 octets at `text`, `tfc` octets of 0xee, `padding` right octets, their number
 * and the next header; returns the length, which the caller makes a multiple of 16. */
static size_t write_text(uint8_t *text, enum ip_family family, size_t tfc, size_t padding,
                         uint8_t next_header)
{
    uint64_t random = 8;
    inner_packet(&random, family, text, 40);
    memset(text + 40, 0xee, tfc);
    for (size_t i = 0; i < padding; i++)
        text[40 + tfc + i] = (uint8_t)(i + 1);
    text[40 + tfc + padding] = (uint8_t)padding;
    text[40 + tfc + padding + 1] = next_header;
    return 42 + tfc + padding;
}

/* Opens a packet of that text, with the next number. */
static struct esp_inbound open_text(struct esp_worker *worker, struct sa_pair *pair, const uint8_t *text,
                                    size_t length, uint8_t packet[ROOM])
{
    craft(worker, pair->out, (uint32_t)pair->in_live.replay_top + 1, text, length, packet);
    return open_one(worker, pair->in, packet, crafted_size(pair->in, length));
}

static void the_inner_packet_is_found_in_place(void **state)
{
    struct esp_worker *worker = *state;
    for (size_t suite = 0; suite < SUITE_COUNT; suite++) {
        struct sa_pair pair;
        pair_make(&pair, suite, worker, worker);
        uint8_t text[ROOM], packet[ROOM];
        size_t length = write_text(text, IP_V4, 0, 6, 4);
        struct esp_inbound p = open_text(worker, &pair, text, length, packet);
        assert_int_equal(p.result, ESP_OPENED);
        assert_int_equal(p.family, IP_V4);
        assert_ptr_equal(p.inner, packet + esp_sa_front_size(pair.in));
        assert_int_equal(p.inner_length, 40);
        assert_int_equal(p.sequence, 1);
        assert_memory_equal(p.inner, text, 40);
        assert_int_equal(pair.in_live.last_inbound, 77);
        assert_true(esp_open_is_authentic(p.result));
        pair_free(&pair);
    }
}

static void padding_of_any_length_is_accepted_when_it_counts_up(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);
    uint8_t text[ROOM], packet[ROOM];
    for (size_t padding = 2; padding <= 255; padding += 4) {
        size_t length = write_text(text, IP_V6, 0, padding, 41);
        assert_int_equal(open_text(worker, &pair, text, length, packet).result, ESP_OPENED);
    }
    pair_free(&pair);
}

static void S9_wrong_padding_is_refused_after_the_number_is_taken(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 5, worker, worker);
    uint8_t text[ROOM], packet[ROOM];
    size_t length = write_text(text, IP_V4, 0, 6, 4);
    size_t refused = 0;
    for (size_t at = 40; at < 46; at++) {
        text[at] ^= 0x40;
        struct esp_inbound p = open_text(worker, &pair, text, length, packet);
        assert_int_equal(p.result, ESP_OPEN_INVALID_PADDING);
        assert_null(p.inner);
        assert_int_equal(pair.in_live.replay_top, ++refused);
        text[at] ^= 0x40;
    }
    text[46] = 47; /* more than there is */
    assert_int_equal(open_text(worker, &pair, text, length, packet).result, ESP_OPEN_INVALID_PADDING);
    text[46] = 255;
    assert_int_equal(open_text(worker, &pair, text, length, packet).result, ESP_OPEN_INVALID_PADDING);
    assert_int_equal(esp_live_counter(&pair.in_live, ESP_IN_INVALID_PADDING), 8);
    assert_int_equal(pair.in_live.last_inbound, 77);
    pair_free(&pair);
}

/* RFC 4303 2.4: each octet of it is looked at, however long it is. */
static void S9_one_wrong_octet_in_long_padding_is_refused(void **state)
{
    struct esp_worker *worker = *state;
    static const size_t lengths[] = {15, 16, 17, 31, 64, 128, 254, 255};
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);
    uint8_t text[ROOM], packet[ROOM];
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        size_t padding = lengths[i];
        size_t tfc = (8 - (42 + padding) % 4) % 4; /* the suite's text is a multiple of 4 */
        for (size_t at = 0; at < padding; at++) {
            size_t length = write_text(text, IP_V4, tfc, padding, 4);
            text[40 + tfc + at] ^= (uint8_t)(1U << at % 8);
            struct esp_inbound p = open_text(worker, &pair, text, length, packet);
            if (p.result != ESP_OPEN_INVALID_PADDING)
                fail_msg("octet %zu of %zu is wrong, and the result is %d", at, padding, (int)p.result);
        }
        size_t length = write_text(text, IP_V4, tfc, padding, 4);
        assert_int_equal(open_text(worker, &pair, text, length, packet).result, ESP_OPENED);
    }
    pair_free(&pair);
}

static void S9_next_header_59_is_dropped_silently_and_others_are_unknown(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);
    uint8_t text[ROOM], packet[ROOM];
    for (unsigned next_header = 0; next_header <= 255; next_header++) {
        size_t length = write_text(text, next_header == 41 ? IP_V6 : IP_V4, 0, 6, (uint8_t)next_header);
        struct esp_inbound p = open_text(worker, &pair, text, length, packet);
        enum esp_open_result expected = next_header == 4 || next_header == 41 ? ESP_OPENED
                                        : next_header == 59                   ? ESP_OPEN_DUMMY
                                                                              : ESP_OPEN_UNKNOWN_PROTOCOL;
        assert_int_equal(p.result, expected);
        assert_true((p.inner != NULL) == (expected == ESP_OPENED));
    }
    assert_int_equal(esp_live_counter(&pair.in_live, ESP_IN_PACKETS), 3);
    assert_int_equal(esp_live_counter(&pair.in_live, ESP_IN_OCTETS), 80);
    assert_int_equal(esp_live_counter(&pair.in_live, ESP_IN_UNKNOWN_PROTOCOL), 253);
    pair_free(&pair);
}

/* RFC 4303 2.7; a dummy may have any content. */
static void S9_tfc_padding_and_dummies_of_any_content_are_accepted(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);
    uint8_t text[ROOM], packet[ROOM];
    for (size_t tfc = 0; tfc <= 1200; tfc += 100) {
        for (int v6 = 0; v6 <= 1; v6++) {
            size_t length = write_text(text, v6 ? IP_V6 : IP_V4, tfc, 2, v6 ? 41 : 4);
            struct esp_inbound p = open_text(worker, &pair, text, length, packet);
            assert_int_equal(p.result, ESP_OPENED);
            assert_int_equal(p.inner_length, 40);
        }
    }
    const uint8_t dummy[] = {0xaa, 0xbb, 0, 59};
    assert_int_equal(open_text(worker, &pair, dummy, sizeof dummy, packet).result, ESP_OPEN_DUMMY);
    pair_free(&pair);
}

static void an_inner_header_that_lies_is_refused(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);
    uint8_t text[ROOM], packet[ROOM];
    static const struct {
        uint8_t next_header, first;
        uint16_t length;
    } wrong[] = {
        {4, 0x65, 40},    /* IPv6 said to be IPv4 */
        {4, 0x45, 41},    /* longer than there is */
        {4, 0x45, 65535}, /* much longer */
        {4, 0x45, 19},    /* shorter than a header */
        {4, 0x44, 40},    /* header length below 20 */
        {4, 0x4f, 40},    /* header longer than the packet */
        {41, 0x45, 0},    /* IPv4 said to be IPv6 */
        {41, 0x60, 1},    /* longer than there is */
        {41, 0x60, 65535},
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        size_t length =
            write_text(text, wrong[i].next_header == 4 ? IP_V4 : IP_V6, 0, 6, wrong[i].next_header);
        text[0] = wrong[i].first;
        store_u16be(text + (wrong[i].next_header == 4 ? 2 : 4), wrong[i].length);
        struct esp_inbound p = open_text(worker, &pair, text, length, packet);
        assert_int_equal(p.result, ESP_OPEN_NOT_IP);
        assert_null(p.inner);
    }
    const uint8_t empty[] = {0, 0, 0, 4}; /* two octets of packet, no padding */
    assert_int_equal(open_text(worker, &pair, empty, sizeof empty, packet).result, ESP_OPEN_NOT_IP);
    assert_int_equal(esp_live_counter(&pair.in_live, ESP_IN_MISC_ERROR), ARRAY_SIZE(wrong) + 1);
    pair_free(&pair);
}

/* Each cut-off packet lies in memory of its own, so that a sanitizer sees every octet read beyond it. */
static void a_truncated_packet_is_never_opened(void **state)
{
    struct esp_worker *worker = *state;
    for (size_t suite = 0; suite < SUITE_COUNT; suite++) {
        struct sa_pair pair;
        pair_make(&pair, suite, worker, worker);
        uint8_t text[ROOM], packet[ROOM];
        size_t length = write_text(text, IP_V4, 0, 6, 4);
        craft(worker, pair.out, 1, text, length, packet);
        size_t whole = crafted_size(pair.in, length);
        for (size_t cut = 0; cut < whole; cut++) {
            uint8_t *part = malloc(cut + 1);
            assert_non_null(part);
            memcpy(part, packet, cut);
            uint8_t *exact = realloc(part, cut > 0 ? cut : 1);
            assert_non_null(exact);
            struct esp_inbound p = open_one(worker, pair.in, exact, cut);
            assert_true(p.result == ESP_OPEN_TRUNCATED || p.result == ESP_OPEN_INTEGRITY_FAILURE);
            if (cut < esp_sa_front_size(pair.in) + 4 + pair.in->suite.icv_size)
                assert_int_equal(p.result, ESP_OPEN_TRUNCATED);
            free(exact);
        }
        assert_int_equal(pair.in_live.replay_top, 0);
        pair_free(&pair);
    }
}

static void a_packet_longer_than_any_is_refused(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);
    uint8_t *packet = calloc(1, 70000);
    assert_non_null(packet);
    store_u32be(packet, TEST_SPI);
    assert_int_equal(open_one(worker, pair.in, packet, 70000).result, ESP_OPEN_TRUNCATED);
    assert_int_equal(open_one(worker, pair.in, packet, SIZE_MAX - 3).result, ESP_OPEN_TRUNCATED);
    free(packet);
    pair_free(&pair);
}

static void R70_a_packet_is_opened_once_within_and_across_batches(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 5, worker, worker);
    uint8_t text[ROOM], sealed[ROOM], copies[3][ROOM];
    size_t length = write_text(text, IP_V4, 0, 6, 4);
    size_t size = crafted_size(pair.in, length);
    craft(worker, pair.out, 9, text, length, sealed);
    struct esp_inbound batch[3];
    for (size_t i = 0; i < 3; i++) {
        memcpy(copies[i], sealed, size);
        batch[i] = (struct esp_inbound){.sa = pair.in, .packet = copies[i], .length = size};
    }
    assert_int_equal(esp_open(worker, batch, 3, 1), 1);
    assert_int_equal(batch[0].result, ESP_OPENED);
    assert_int_equal(batch[1].result, ESP_OPEN_REPLAY);
    assert_int_equal(batch[2].result, ESP_OPEN_REPLAY);
    assert_null(batch[1].inner);
    assert_false(esp_open_is_authentic(ESP_OPEN_REPLAY));
    assert_int_equal(open_one(worker, pair.in, sealed, size).result, ESP_OPEN_REPLAY);
    assert_int_equal(esp_live_counter(&pair.in_live, ESP_IN_REPLAY), 3);
    pair_free(&pair);
}

static void R70_a_forged_number_does_not_move_the_window(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);
    uint8_t text[ROOM], packet[ROOM];
    size_t length = write_text(text, IP_V4, 0, 6, 4);
    size_t size = crafted_size(pair.in, length);
    craft(worker, pair.out, 1, text, length, packet);
    store_u32be(packet + 4, UINT32_MAX);
    assert_int_equal(open_one(worker, pair.in, packet, size).result, ESP_OPEN_INTEGRITY_FAILURE);
    assert_int_equal(pair.in_live.replay_top, 0);
    craft(worker, pair.out, 1, text, length, packet);
    assert_int_equal(open_one(worker, pair.in, packet, size).result, ESP_OPENED);
    pair_free(&pair);
}

static void S26_the_window_takes_reordered_packets_and_survives_a_restart(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);
    uint8_t text[ROOM], packet[ROOM];
    size_t length = write_text(text, IP_V4, 0, 6, 4);
    size_t size = crafted_size(pair.in, length);
    static const struct {
        uint32_t number;
        enum esp_open_result result;
    } steps[] = {
        {0, ESP_OPEN_REPLAY},    {5000, ESP_OPENED},      {5000, ESP_OPEN_REPLAY}, {3977, ESP_OPENED},
        {3976, ESP_OPEN_REPLAY}, {3977, ESP_OPEN_REPLAY}, {4999, ESP_OPENED},      {6000, ESP_OPENED},
        {4999, ESP_OPEN_REPLAY}, {5001, ESP_OPENED},      {4976, ESP_OPEN_REPLAY}, {4977, ESP_OPENED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        craft(worker, pair.out, steps[i].number, text, length, packet);
        assert_int_equal(open_one(worker, pair.in, packet, size).result, steps[i].result);
        pair_remake_inbound(&pair, worker); /* as after a crash, over the same live state */
    }
    pair_free(&pair);
}

static void R70_without_anti_replay_everything_authentic_is_opened(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);
    pair.settings.anti_replay = false;
    pair_remake_inbound(&pair, worker);
    uint8_t text[ROOM], packet[ROOM];
    size_t length = write_text(text, IP_V4, 0, 6, 4);
    static const uint32_t numbers[] = {7, 7, 100000, 0, 7, 1};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        craft(worker, pair.out, numbers[i], text, length, packet);
        struct esp_inbound p = open_one(worker, pair.in, packet, crafted_size(pair.in, length));
        assert_int_equal(p.result, ESP_OPENED);
    }
    assert_int_equal(pair.in_live.replay_top, 100000);
    assert_int_equal(esp_live_counter(&pair.in_live, ESP_IN_REPLAY), 0);
    pair_free(&pair);
}

/* R71: what comes in has the remote selector as its source. */
static void R71_packets_outside_of_the_selectors_are_dropped_and_counted(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);
    struct traffic_selector local = {.last_port = UINT16_MAX}, remote = {.last_port = UINT16_MAX};
    assert_true(ip_address_parse("10.1.0.0", &local.first) && ip_address_parse("10.1.0.255", &local.last));
    assert_true(ip_address_parse("10.2.0.0", &remote.first) && ip_address_parse("10.2.0.255", &remote.last));
    pair.settings.selectors = (struct traffic_selectors){&local, &remote, 1, 1};
    pair_remake_inbound(&pair, worker);
    uint8_t text[ROOM], packet[ROOM];
    size_t length = write_text(text, IP_V4, 0, 6, 4);
    static const struct {
        uint32_t source, destination;
        enum esp_open_result result;
    } cases[] = {
        {0x0a020001, 0x0a010001, ESP_OPENED},
        {0x0a0200ff, 0x0a0100ff, ESP_OPENED},
        {0x0a010001, 0x0a020001, ESP_OPEN_TS_UNACCEPTABLE},
        {0x0a020100, 0x0a010001, ESP_OPEN_TS_UNACCEPTABLE},
        {0x0a020001, 0x0a00ffff, ESP_OPEN_TS_UNACCEPTABLE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        store_u32be(text + 12, cases[i].source);
        store_u32be(text + 16, cases[i].destination);
        struct esp_inbound p = open_text(worker, &pair, text, length, packet);
        assert_int_equal(p.result, cases[i].result);
        assert_true((p.inner != NULL) == (cases[i].result == ESP_OPENED));
    }
    length = write_text(text, IP_V6, 0, 6, 41);
    assert_int_equal(open_text(worker, &pair, text, length, packet).result, ESP_OPEN_TS_UNACCEPTABLE);
    assert_int_equal(esp_live_counter(&pair.in_live, ESP_IN_TS_UNACCEPTABLE), 4);
    pair_free(&pair);
}

static void each_sa_of_a_mixed_batch_counts_its_own(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair one, two;
    pair_make(&one, 0, worker, worker);
    pair_make(&two, 9, worker, worker);
    uint8_t text[ROOM], packets[40][256];
    size_t length = write_text(text, IP_V4, 0, 6, 4);
    struct esp_inbound batch[40];
    for (uint32_t i = 0; i < 40; i++) {
        struct sa_pair *pair = i % 2 == 0 ? &one : &two;
        craft(worker, pair->out, i / 2 + 1, text, length, packets[i]);
        batch[i] = (struct esp_inbound){
            .sa = pair->in, .packet = packets[i], .length = crafted_size(pair->in, length)};
    }
    packets[4][60] ^= 1;
    batch[5].length = 7;
    assert_int_equal(esp_open(worker, batch, 40, 5), 38);
    assert_int_equal(esp_live_counter(&one.in_live, ESP_IN_PACKETS), 19);
    assert_int_equal(esp_live_counter(&one.in_live, ESP_IN_OCTETS), 19 * 40);
    assert_int_equal(esp_live_counter(&one.in_live, ESP_IN_INTEGRITY_FAILURE), 1);
    assert_int_equal(esp_live_counter(&two.in_live, ESP_IN_PACKETS), 19);
    assert_int_equal(esp_live_counter(&two.in_live, ESP_IN_TRUNCATED), 1);
    pair_free(&one);
    pair_free(&two);
}

/* Whatever comes from the network: octets of any length, some with the right SPI. */
static void random_octets_are_never_opened(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pairs[SUITE_COUNT];
    for (size_t suite = 0; suite < SUITE_COUNT; suite++)
        pair_make(&pairs[suite], suite, worker, worker);
    uint64_t random = 10;
    for (size_t round = 0; round < 20000; round++) {
        size_t length = random_below(&random, 200);
        uint8_t *packet = malloc(length + 1);
        assert_non_null(packet);
        random_octets(&random, packet, length);
        uint8_t *exact = realloc(packet, length > 0 ? length : 1);
        assert_non_null(exact);
        if (length >= 4 && random_below(&random, 8) != 0)
            store_u32be(exact, TEST_SPI);
        struct esp_inbound p = open_one(worker, pairs[random_below(&random, SUITE_COUNT)].in, exact, length);
        assert_true(p.result != ESP_OPENED && p.result != ESP_OPEN_DUMMY);
        assert_false(esp_open_is_authentic(p.result));
        free(exact);
    }
    for (size_t suite = 0; suite < SUITE_COUNT; suite++)
        pair_free(&pairs[suite]);
}

/* Whatever a peer with the key sends: any text, with trailers and headers that are right more often than not.
 */
static void random_text_under_the_right_key_yields_packets_within_bounds(void **state)
{
    struct esp_worker *worker = *state;
    struct sa_pair pairs[SUITE_COUNT];
    for (size_t suite = 0; suite < SUITE_COUNT; suite++)
        pair_make(&pairs[suite], suite, worker, worker);
    static const uint8_t protocols[] = {0, 6, 17, 1, 58, 43, 44, 60, 50, 135};
    struct traffic_selector tcp[2] = {selectors_of_everything()[0], selectors_of_everything()[1]};
    tcp[0].protocol = tcp[1].protocol = 6; /* so that every packet is looked into */
    for (size_t suite = 0; suite < SUITE_COUNT; suite++) {
        pairs[suite].settings.selectors = (struct traffic_selectors){tcp, tcp, 2, 2};
        pair_remake_inbound(&pairs[suite], worker);
    }
    uint64_t random = 11;
    size_t results[ESP_OPEN_RESULT_COUNT] = {0};
    for (size_t round = 0; round < 20000; round++) {
        struct sa_pair *pair = &pairs[random_below(&random, SUITE_COUNT)];
        size_t length = 16 * (1 + random_below(&random, 8));
        uint8_t text[128], *packet = malloc(crafted_size(pair->in, length));
        assert_non_null(packet);
        random_octets(&random, text, length);
        bool v6 = random_below(&random, 2) == 0;
        text[0] = (uint8_t)(v6 ? 0x60 : 0x45 + random_below(&random, 3));
        store_u16be(text + (v6 ? 4 : 2), (uint16_t)random_below(&random, length + 4));
        text[v6 ? 6 : 9] = protocols[random_below(&random, sizeof protocols)];
        if (random_below(&random, 8) != 0)
            text[length - 2] = 0;
        if (random_below(&random, 8) != 0)
            text[length - 1] = v6 ? 41 : 4;
        struct esp_inbound p = open_text(worker, pair, text, length, packet);
        assert_true(esp_open_is_authentic(p.result));
        if (p.result == ESP_OPENED) {
            assert_true(p.inner >= packet);
            assert_true(p.inner + p.inner_length <= packet + esp_sa_front_size(pair->in) + length - 2);
            assert_true(p.inner_length >= (p.family == IP_V4 ? 20 : 40));
        }
        results[p.result]++;
        free(packet);
    }
    assert_true(results[ESP_OPENED] > 100);
    assert_true(results[ESP_OPEN_TS_UNACCEPTABLE] > 100);
    assert_true(results[ESP_OPEN_NOT_IP] > 100);
    assert_true(results[ESP_OPEN_INVALID_PADDING] > 100);
    assert_true(results[ESP_OPEN_UNKNOWN_PROTOCOL] > 100);
    for (size_t suite = 0; suite < SUITE_COUNT; suite++)
        pair_free(&pairs[suite]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_inner_packet_is_found_in_place),
        cmocka_unit_test(padding_of_any_length_is_accepted_when_it_counts_up),
        cmocka_unit_test(S9_wrong_padding_is_refused_after_the_number_is_taken),
        cmocka_unit_test(S9_one_wrong_octet_in_long_padding_is_refused),
        cmocka_unit_test(S9_next_header_59_is_dropped_silently_and_others_are_unknown),
        cmocka_unit_test(S9_tfc_padding_and_dummies_of_any_content_are_accepted),
        cmocka_unit_test(an_inner_header_that_lies_is_refused),
        cmocka_unit_test(a_truncated_packet_is_never_opened),
        cmocka_unit_test(a_packet_longer_than_any_is_refused),
        cmocka_unit_test(R70_a_packet_is_opened_once_within_and_across_batches),
        cmocka_unit_test(R70_a_forged_number_does_not_move_the_window),
        cmocka_unit_test(S26_the_window_takes_reordered_packets_and_survives_a_restart),
        cmocka_unit_test(R70_without_anti_replay_everything_authentic_is_opened),
        cmocka_unit_test(R71_packets_outside_of_the_selectors_are_dropped_and_counted),
        cmocka_unit_test(each_sa_of_a_mixed_batch_counts_its_own),
        cmocka_unit_test(random_octets_are_never_opened),
        cmocka_unit_test(random_text_under_the_right_key_yields_packets_within_bounds),
    };
    return cmocka_run_group_tests(tests, make_worker, free_worker);
}
