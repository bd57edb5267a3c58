/* RFC 6040: ECN through a tunnel (S29). */
#include "fixture.h"

#include "esp/ecn.h"

enum { DROPPED = -1 };

/* Figure 4 of the RFC, by the inner field, then the outer one: Not-ECT, ECT(1), ECT(0), CE. */
static const int expected[4][4] = {
    {0, 0, 0, DROPPED},
    {1, 1, 1, 3},
    {2, 1, 2, 3},
    {3, 3, 3, 3},
};

static uint16_t header_sum(const uint8_t *header)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < 20; i += 2)
        sum += load_u16be(header + i);
    while (sum > UINT16_MAX)
        sum = (sum & UINT16_MAX) + (sum >> 16);
    return (uint16_t)sum;
}

static void S29_outer_and_inner_ecn_are_combined_as_rfc_6040_has_it(void **state)
{
    (void)state;
    uint64_t random = 11;
    for (unsigned i = 0; i < 16 * 500; i++) {
        uint8_t inner = i % 4, outer = (uint8_t)(i / 4 % 4);
        uint8_t dscp = (uint8_t)(random_below(&random, 64) << 2);
        uint8_t v4[20], v6[40], before[40];
        inner_packet(&random, IP_V4, v4, sizeof v4);
        v4[1] = dscp | inner;
        store_u16be(v4 + 10, 0);
        store_u16be(v4 + 10, (uint16_t)~header_sum(v4));
        inner_packet(&random, IP_V6, v6, sizeof v6);
        store_u16be(v6, (uint16_t)(0x6000 | (dscp | inner) << 4 | (v6[1] & 0x0f)));
        memcpy(before, v6, sizeof v6);

        bool passes = expected[inner][outer] != DROPPED;
        assert_int_equal(ecn_combine(v4, IP_V4, 0xfc | outer), passes);
        assert_int_equal(ecn_combine(v6, IP_V6, outer), passes);
        if (!passes)
            continue;

        assert_int_equal(v4[1], dscp | expected[inner][outer]);
        assert_int_equal(header_sum(v4), 0xffff);
        assert_int_equal(load_u16be(v6) >> 4 & 0xff, dscp | expected[inner][outer]);
        assert_int_equal(v6[1] & 0x0f, before[1] & 0x0f);
        assert_memory_equal(v6 + 2, before + 2, 38);
    }
}

/* A packet of the SA that came with this outer field. */
static struct esp_inbound open_with(struct esp_worker *worker, struct sa_pair *pair, uint8_t inner_tos,
                                    uint8_t outer)
{
    static uint8_t sealed[200];
    uint64_t random = 3;
    uint8_t inner[60];
    inner_packet(&random, IP_V4, inner, sizeof inner);
    inner[1] = inner_tos;
    struct esp_outbound out = {
        .sa = pair->out, .body = {inner, sizeof inner}, .to = sealed, .capacity = sizeof sealed};
    assert_int_equal(esp_seal(worker, &out, 1), 1);
    struct esp_inbound in = {.sa = pair->in, .packet = sealed, .length = out.length, .outer_tos = outer};
    (void)esp_open(worker, &in, 1, 1);
    return in;
}

static void S29_R101_a_congested_packet_that_cannot_say_so_is_dropped_and_counted(void **state)
{
    (void)state;
    struct esp_worker *worker = new_worker(ESP_ARITHMETIC_OPENSSL);
    struct sa_pair pair;
    pair_make(&pair, 0, worker, worker);

    struct esp_inbound dropped = open_with(worker, &pair, 0xb8, 3);
    assert_int_equal(dropped.result, ESP_OPEN_CONGESTED);
    assert_null(dropped.inner);
    assert_true(esp_open_is_authentic(dropped.result));
    assert_int_equal(esp_live_counter(&pair.in_live, ESP_IN_MISC_ERROR), 1);
    assert_int_equal(esp_live_counter(&pair.in_live, ESP_IN_PACKETS), 0);

    struct esp_inbound marked = open_with(worker, &pair, 0xba, 3);
    assert_int_equal(marked.result, ESP_OPENED);
    assert_int_equal(marked.inner[1], 0xbb);
    assert_int_equal(esp_live_counter(&pair.in_live, ESP_IN_PACKETS), 1);

    pair_free(&pair);
    esp_worker_free(worker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(S29_outer_and_inner_ecn_are_combined_as_rfc_6040_has_it),
        cmocka_unit_test(S29_R101_a_congested_packet_that_cannot_say_so_is_dropped_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
