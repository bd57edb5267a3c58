/* path/outbound_sa.h: when packets that only leave are told, and which packets count (S47, S34). */
#include "../esp/fixture.h"

#include "path/outbound_sa.h"
#include "path/tunnel.h"

enum { START = 5000000, SECOND = 1000 };

static struct path_worker_counters counters;
static struct path_totals totals;
static struct worker worker;
static struct tunnel tunnel;
static struct sa_pair pair;
static struct outbound_sa sa;
static struct esp_worker *esp;

static int start(void **state)
{
    (void)state;
    static struct path_options options;
    options =
        (struct path_options){.worker_count = 1, .totals = &totals, .totals_count = 1, .by_turns = true};
    options.workers[0] = (struct path_worker){-1, -1, -1, -1, -1, -1, -1, -1, -1, {0}, 1, &counters};
    worker = (struct worker){0};
    worker_prepare(&worker);
    assert_true(worker_open(&worker, 0, &options, -1, ESP_ARITHMETIC_OPENSSL));
    tunnel = (struct tunnel){.number = 1};
    esp = new_worker(ESP_ARITHMETIC_OPENSSL);
    pair_make(&pair, 0, esp, esp);
    sa = (struct outbound_sa){.tunnel = &tunnel, .child_spi = 0x1000, .sa = pair.out};
    return 0;
}

static int stop(void **state)
{
    (void)state;
    pair_free(&pair);
    esp_worker_free(esp);
    worker_close(&worker);
    return 0;
}

/* A packet leaves at that time; true if the controller is told. */
static bool leaves_at(msec_t at, bool may_be_answered)
{
    struct path_event event;
    worker.now = at;
    sa.may_be_answered |= may_be_answered;
    outbound_sa_watch_answers(&worker, &sa);
    return ring_take(&worker.events, &event);
}

static void comes_at(msec_t at)
{
    esp_sa_live(sa.sa)->last_inbound = at;
}

static uint64_t silent_since(void)
{
    return esp_live_silent_since(esp_sa_live(sa.sa));
}

static void S47_silence_is_told_after_20_seconds_and_ends_with_a_packet(void **state)
{
    (void)state;
    assert_false(leaves_at(START, true));
    assert_false(leaves_at(START + 19 * SECOND, true));
    assert_int_equal(silent_since(), 0);

    assert_true(leaves_at(START + 21 * SECOND, true));
    assert_int_equal(silent_since(), START);
    assert_false(leaves_at(START + 30 * SECOND, true));
    assert_true(leaves_at(START + 42 * SECOND, true));
    assert_int_equal(silent_since(), START); /* it is the same silence */

    comes_at(START + 50 * SECOND);
    assert_int_equal(silent_since(), 0);
    assert_false(leaves_at(START + 80 * SECOND, true));
    assert_false(leaves_at(START + 90 * SECOND, true));
    assert_true(leaves_at(START + 101 * SECOND, true));
    assert_int_equal(silent_since(), START + 80 * SECOND);
}

/* The last packet of a conversation has no answer: that alone is no silence. */
static void S47_packets_have_to_go_on_leaving(void **state)
{
    (void)state;
    assert_false(leaves_at(START, true));
    worker.now = START + 3600 * SECOND;

    assert_int_equal(silent_since(), 0);
}

static void S34_what_linux_sends_by_itself_does_not_count(void **state)
{
    (void)state;
    for (msec_t at = START; at < START + 100 * SECOND; at += 5 * SECOND)
        assert_false(leaves_at(at, false));
    assert_int_equal(silent_since(), 0);
}

static bool is_of_the_link(const uint8_t *packet, size_t length)
{
    return tunnel_packet_is_of_the_link((struct octets){packet, length});
}

static void S34_mld_router_discovery_and_igmp_are_of_the_link(void **state)
{
    (void)state;
    uint8_t rs[48] = {0x60, [5] = 8, [6] = 58, [7] = 255, [8] = 0xfe, 0x80, [24] = 0xff, 2, [39] = 2, 133};
    uint8_t mld[76] = {0x60, [5] = 36, [7] = 1, [8] = 0xfe, 0x80, [24] = 0xff, 2, [39] = 22, 58,
                       0,    5,        2,       0,          0,    1,           0, 143};
    uint8_t igmp[40] = {0x46, [3] = 40, [8] = 1, [9] = 2, [16] = 224, 0, 0, 22, [24] = 0x22};
    uint8_t echo[48] = {0x60, [5] = 8, [6] = 58, [7] = 64, [8] = 0x20, 1, [24] = 0x20, 1, [39] = 2, 128};
    uint8_t ping[28] = {0x45, [3] = 28, [8] = 64, [9] = 1, [12] = 10, [16] = 10, [20] = 8};
    uint8_t udp[48] = {0x60, [5] = 8, [6] = 17, [7] = 64, [8] = 0x20, 1, [24] = 0x20, 1};

    assert_true(is_of_the_link(rs, sizeof rs));
    assert_true(is_of_the_link(mld, sizeof mld));
    assert_true(is_of_the_link(igmp, sizeof igmp));
    assert_false(is_of_the_link(echo, sizeof echo));
    assert_false(is_of_the_link(ping, sizeof ping));
    assert_false(is_of_the_link(udp, sizeof udp));
    assert_false(is_of_the_link(rs, 0));
    assert_false(is_of_the_link(mld, 41)); /* cut */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(S47_silence_is_told_after_20_seconds_and_ends_with_a_packet, start,
                                        stop),
        cmocka_unit_test_setup_teardown(S47_packets_have_to_go_on_leaving, start, stop),
        cmocka_unit_test_setup_teardown(S34_what_linux_sends_by_itself_does_not_count, start, stop),
        cmocka_unit_test(S34_mld_router_discovery_and_igmp_are_of_the_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
