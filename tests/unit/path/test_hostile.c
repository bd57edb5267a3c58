/* What a network may do to a path: replay, invent, cut, move. */
#include "stand.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"

enum { LENGTH = 300, DATAGRAM = 2000 };

static struct stand stand;
static unsigned workers;
static struct end *const here = &stand.ends[0];
static struct end *const there = &stand.ends[1];
static int middle;

/* The first end sends to the middle, which passes on to the second what it likes. */
static int start(void **state)
{
    (void)state;
    stand_start(&stand, workers);
    middle = middle_open(3);
    struct child_settings child = end_child(here, &stand_gcm_udp, 1);
    child.destination.remote = middle_endpoint(3);
    end_install(here, &child);
    child = end_child(there, &stand_gcm_udp, 1);
    child.destination.remote = middle_endpoint(3);
    end_install(there, &child);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    stand_stop(&stand);
    (void)close(middle);
    return 0;
}

/* The ESP packet that the first end makes of inner packet `number`. */
static size_t intercept(uint8_t datagram[DATAGRAM], uint32_t number)
{
    end_put_number(here, IP_V4, LENGTH, number);
    size_t length = middle_take(middle, datagram, DATAGRAM, STAND_PATIENCE);
    assert_int_not_equal(length, 0);
    return length;
}

static void R70_replayed_packet_is_dropped_and_counted(void **state)
{
    (void)state;
    uint8_t datagram[DATAGRAM];
    size_t length = intercept(datagram, 1);
    uint8_t copy[DATAGRAM];
    memcpy(copy, datagram, length);

    middle_put(middle, there, datagram, length);
    end_expect_number(there, 1);
    middle_put(middle, there, copy, length);

    end_expect_total(there, ESP_IN_REPLAY, 1);
    end_expect_silence(there);
    assert_int_equal(esp_live_counter(&there->live[1], ESP_IN_REPLAY), 1);
}

static void replay_within_one_batch_is_dropped(void **state)
{
    (void)state;
    uint8_t datagram[DATAGRAM];
    size_t length = intercept(datagram, 1);

    for (int i = 0; i < 30; i++)
        middle_put(middle, there, datagram, length);

    end_expect_number(there, 1);
    end_expect_total(there, ESP_IN_REPLAY, 29);
    end_expect_silence(there);
}

static void R70_reordered_packets_pass(void **state)
{
    (void)state;
    enum { COUNT = 50 };
    static uint8_t datagrams[COUNT][DATAGRAM];
    size_t lengths[COUNT];
    for (uint32_t i = 0; i < COUNT; i++)
        lengths[i] = intercept(datagrams[i], i);

    for (uint32_t i = COUNT; i-- > 0;) {
        middle_put(middle, there, datagrams[i], lengths[i]);
        end_expect_number(there, i);
    }

    end_expect_total(there, ESP_IN_PACKETS, COUNT);
}

static void corrupted_packets_are_counted_each(void **state)
{
    (void)state;
    uint8_t datagram[DATAGRAM], copy[DATAGRAM];
    size_t length = intercept(datagram, 1);

    for (size_t at = 4; at < length; at++) {
        memcpy(copy, datagram, length);
        copy[at] ^= 0x80;
        middle_put(middle, there, copy, length);
    }
    end_expect_total(there, ESP_IN_INTEGRITY_FAILURE, length - 4);
    for (size_t cut = 8; cut < length; cut++)
        middle_put(middle, there, datagram, cut);
    middle_put(middle, there, datagram, length);

    end_expect_number(there, 1);
    end_expect_silence(there);
    assert_int_equal(end_total(there, ESP_IN_INTEGRITY_FAILURE) + end_total(there, ESP_IN_TRUNCATED),
                     (length - 4) + (length - 8));
}

static void random_datagrams_do_no_harm(void **state)
{
    (void)state;
    uint8_t datagram[DATAGRAM];
    srandom(1);
    for (unsigned i = 0; i < 20000; i++) {
        size_t length = 1 + (size_t)random() % 200;
        for (size_t at = 0; at < length; at++)
            datagram[at] = (uint8_t)random();
        if (length >= 4 && i % 2 == 0)
            store_u32be(datagram, end_spi(there, 1));
        middle_put(middle, there, datagram, length);
    }

    assert_int_equal(end_total(there, ESP_IN_PACKETS), 0);
    size_t length = intercept(datagram, 1);
    middle_put(middle, there, datagram, length);
    end_expect_number(there, 1);
}

static void S9_keepalive_short_and_ike_datagrams_are_counted_and_not_answered(void **state)
{
    (void)state;
    uint8_t datagram[DATAGRAM];
    const uint8_t ike[40] = {0};

    middle_put(middle, there, (const uint8_t[]){0xff}, 1);
    middle_put(middle, there, (const uint8_t[]){0xfe}, 1);
    middle_put(middle, there, (const uint8_t[]){1, 2, 3, 4, 5, 6, 7}, 7);
    middle_put(middle, there, ike, sizeof ike);

    end_expect_worker_counter(there, PATH_KEEPALIVES, 1);
    end_expect_worker_counter(there, PATH_TRUNCATED, 2);
    end_expect_worker_counter(there, PATH_IKE_DATAGRAMS, 1);
    assert_int_equal(middle_take(middle, datagram, sizeof datagram, STAND_QUIET), 0);
}

static void empty_datagram_is_counted(void **state)
{
    (void)state;

    middle_put(middle, there, (const uint8_t *)"", 0);

    end_expect_worker_counter(there, PATH_TRUNCATED, 1);
}

static void S9_unknown_spi_is_told_once_for_each_address(void **state)
{
    (void)state;
    const uint8_t esp[40] = {0x12, 0x34, 0x56, 0x78};
    int other = middle_open(4);

    for (int i = 0; i < 100; i++)
        middle_put(middle, there, esp, sizeof esp);
    end_expect_worker_counter(there, PATH_UNKNOWN_SPI, 100);
    struct path_event first = end_expect_event(there, PATH_SPI_UNKNOWN);
    middle_put(other, there, esp, sizeof esp);
    struct path_event second = end_expect_event(there, PATH_SPI_UNKNOWN);

    assert_int_equal(first.spi, 0x12345678);
    assert_true(first.encapsulated);
    struct ip_address at = end_address(1, IP_V4);
    assert_true(ip_address_equal(&first.local, &at));
    struct ip_endpoint from = middle_endpoint(3);
    assert_true(ip_endpoint_equal(&first.remote, &from));
    from = middle_endpoint(4);
    assert_true(ip_endpoint_equal(&second.remote, &from));
    assert_false(end_has_event(there, PATH_SPI_UNKNOWN));
    (void)close(other);
}

static void S9_authenticated_packet_from_elsewhere_tells_of_the_move(void **state)
{
    (void)state;
    uint8_t datagram[DATAGRAM];
    int other = middle_open(4);
    size_t length = intercept(datagram, 1);
    middle_put(middle, there, datagram, length);
    end_expect_number(there, 1);
    assert_false(end_has_event(there, PATH_PEER_MOVED));

    length = intercept(datagram, 2);
    middle_put(other, there, datagram, length);

    end_expect_number(there, 2);
    struct path_event event = end_expect_event(there, PATH_PEER_MOVED);
    struct ip_endpoint from = middle_endpoint(4);
    assert_true(ip_endpoint_equal(&event.remote, &from));
    assert_int_equal(event.spi, end_spi(there, 1));
    assert_int_equal(event.tunnel, STAND_TUNNEL);
    (void)close(other);
}

/* An attacker who holds packets back and sends them on from elsewhere moves nobody with old ones. */
static void S9_old_replayed_and_forged_packets_from_elsewhere_move_nothing(void **state)
{
    (void)state;
    uint8_t old[DATAGRAM], newest[DATAGRAM];
    int other = middle_open(4);
    size_t old_length = intercept(old, 1);
    size_t length = intercept(newest, 2);
    uint8_t copy[DATAGRAM];
    memcpy(copy, newest, length);
    middle_put(middle, there, newest, length);
    end_expect_number(there, 2);

    middle_put(other, there, old, old_length);
    end_expect_number(there, 1);
    middle_put(other, there, copy, length);
    copy[7]++;
    middle_put(other, there, copy, length);

    end_expect_total(there, ESP_IN_INTEGRITY_FAILURE, 1);
    assert_false(end_has_event(there, PATH_PEER_MOVED));
    (void)close(other);
}

/* ESP is taken raw and in UDP on any SA (S9). */
static void S9_raw_esp_is_taken_on_an_encapsulated_sa(void **state)
{
    (void)state;
    uint8_t datagram[DATAGRAM];
    int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ESP);
    assert_true(raw >= 0);
    struct sockaddr_storage address;
    socklen_t size = ip_endpoint_to_sockaddr(&(struct ip_endpoint){end_address(1, IP_V4), 0}, &address);
    size_t length = intercept(datagram, 1);

    assert_int_equal(sendto(raw, datagram, length, 0, (const struct sockaddr *)&address, size),
                     (ssize_t)length);

    end_expect_number(there, 1);
    assert_false(end_has_event(there, PATH_PEER_MOVED));
    (void)close(raw);
}

static void R71_packet_outside_of_the_receivers_selectors_is_dropped_and_counted(void **state)
{
    (void)state;
    uint8_t datagram[DATAGRAM];
    struct child_settings child = end_child(there, &stand_gcm_udp, 1);
    child.local_ts_count = 1;
    child.local_ts[0].first = child.local_ts[0].last = ip_address_of(IP_V4, (const uint8_t[]){10, 0, 2, 3});
    end_remove(there, 1);
    end_install(there, &child);

    size_t length = intercept(datagram, 1);
    middle_put(middle, there, datagram, length);

    end_expect_total(there, ESP_IN_TS_UNACCEPTABLE, 1);
    end_expect_silence(there);
}

/* Without a window a copy of the newest packet is as good as the packet itself: it moves nobody, and neither
 * does a packet that may be one (RFC 7296 2.23). */
static void S9_without_anti_replay_no_packet_moves_the_peer(void **state)
{
    (void)state;
    uint8_t datagram[DATAGRAM], copy[DATAGRAM];
    struct child_settings child = end_child(there, &stand_gcm_udp, 1);
    child.destination.remote = middle_endpoint(3);
    child.anti_replay = false;
    end_install(there, &child);
    int other = middle_open(4);
    size_t length = intercept(datagram, 1);
    memcpy(copy, datagram, length);
    middle_put(middle, there, datagram, length);
    end_expect_number(there, 1);

    middle_put(other, there, copy, length);
    end_expect_number(there, 1);
    length = intercept(datagram, 2);
    middle_put(other, there, datagram, length);
    end_expect_number(there, 2);

    assert_false(end_has_event(there, PATH_PEER_MOVED));
    (void)close(other);
}

static void R70_window_can_be_off(void **state)
{
    (void)state;
    uint8_t datagram[DATAGRAM], copy[DATAGRAM];
    struct child_settings child = end_child(there, &stand_gcm_udp, 1);
    child.anti_replay = false;
    end_remove(there, 1);
    end_install(there, &child);
    size_t length = intercept(datagram, 1);
    memcpy(copy, datagram, length);

    middle_put(middle, there, datagram, length);
    end_expect_number(there, 1);
    middle_put(middle, there, copy, length);

    end_expect_number(there, 1);
    end_expect_total(there, ESP_IN_REPLAY, 0);
}

static void R70_window_can_be_turned_on_by_adoption(void **state)
{
    (void)state;
    uint8_t datagram[DATAGRAM], copy[DATAGRAM];
    struct child_settings child = end_child(there, &stand_gcm_udp, 1);
    child.destination.remote = middle_endpoint(3);
    child.anti_replay = false;
    end_install(there, &child);
    size_t length = intercept(datagram, 1);
    memcpy(copy, datagram, length);
    middle_put(middle, there, datagram, length);
    middle_put(middle, there, copy, length);
    end_expect_number(there, 1);
    end_expect_number(there, 1);

    child.anti_replay = true;
    end_install(there, &child);
    length = intercept(datagram, 2);
    memcpy(copy, datagram, length);
    middle_put(middle, there, datagram, length);
    middle_put(middle, there, copy, length);

    end_expect_number(there, 2);
    end_expect_total(there, ESP_IN_REPLAY, 1);
    end_expect_silence(there);
}

static void last_numbers_are_told_of_and_never_wrap(void **state)
{
    (void)state;
    uint8_t datagram[DATAGRAM];
    const uint64_t last_block = (UINT64_C(1) << 32) - 2;
    struct child_settings child = end_child(here, &stand_gcm_udp, 2);
    child.destination.remote = middle_endpoint(3);
    here->live[2] = (struct esp_live){
        .version = ESP_LIVE_VERSION,
        .inbound_spi = child.inbound.spi,
        .sequence_mark = last_block,
    };
    end_install(here, &child);

    (void)intercept(datagram, 1);
    assert_int_equal(load_u32be(datagram + 4), UINT32_MAX - 1);
    (void)intercept(datagram, 2);
    assert_int_equal(load_u32be(datagram + 4), UINT32_MAX);
    end_put_number(here, IP_V4, LENGTH, 3);

    end_expect_total(here, ESP_OUT_MISC_ERROR, 1);
    struct path_event event = end_expect_event(here, PATH_SEQUENCE_LOW);
    assert_int_equal(event.spi, child.inbound.spi);
    assert_false(end_has_event(here, PATH_SEQUENCE_LOW));
    assert_int_equal(middle_take(middle, datagram, sizeof datagram, STAND_QUIET), 0);
}

static void flood_of_events_loses_no_answer(void **state)
{
    (void)state;
    uint8_t datagram[DATAGRAM];
    const uint8_t esp[40] = {0x12, 0x34, 0x56, 0x78};
    for (uint8_t host = 10; host < 250; host++) {
        int other = middle_open(host);
        middle_put(other, there, esp, sizeof esp);
        (void)close(other);
    }
    for (uint64_t i = 0; i < 2000; i++)
        assert_int_equal(path_tunnel_fail(there->path, i, STAND_TUNNEL, &packet_pair_any), PATH_OK);
    path_settle(there->path);

    struct path_event event;
    uint64_t answers = 0;
    while (path_next_event(there->path, &event))
        answers += event.kind == PATH_DONE;

    assert_true(answers >= 2000);
    size_t length = intercept(datagram, 1);
    middle_put(middle, there, datagram, length);
    end_expect_number(there, 1);
}

#define STAND_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        STAND_TEST(R70_replayed_packet_is_dropped_and_counted),
        STAND_TEST(replay_within_one_batch_is_dropped),
        STAND_TEST(R70_reordered_packets_pass),
        STAND_TEST(corrupted_packets_are_counted_each),
        STAND_TEST(random_datagrams_do_no_harm),
        STAND_TEST(S9_keepalive_short_and_ike_datagrams_are_counted_and_not_answered),
        STAND_TEST(empty_datagram_is_counted),
        STAND_TEST(S9_unknown_spi_is_told_once_for_each_address),
        STAND_TEST(S9_authenticated_packet_from_elsewhere_tells_of_the_move),
        STAND_TEST(S9_old_replayed_and_forged_packets_from_elsewhere_move_nothing),
        STAND_TEST(S9_without_anti_replay_no_packet_moves_the_peer),
        STAND_TEST(S9_raw_esp_is_taken_on_an_encapsulated_sa),
        STAND_TEST(R71_packet_outside_of_the_receivers_selectors_is_dropped_and_counted),
        STAND_TEST(R70_window_can_be_off),
        STAND_TEST(R70_window_can_be_turned_on_by_adoption),
        STAND_TEST(last_numbers_are_told_of_and_never_wrap),
        STAND_TEST(flood_of_events_loses_no_answer),
    };
    workers = stand_workers(argc, argv);
    if (!stand_enter_namespace())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
