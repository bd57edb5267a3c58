/* Super-packets through a pair of paths come out as the packets that Linux makes of them by itself. */
#include "stand.h"
#include "super_packet.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

enum { SENTINEL = 0x5e471e1, SUPER_PACKETS = 40, RESULTS_SIZE = 8 << 20, OUTER_RATE = 400000 };

static struct stand stand;
static unsigned workers;
static struct end *const here = &stand.ends[0];
static struct end *const there = &stand.ends[1];
static uint8_t packet[SUPER_PACKET_MAX + 512];

/* What came out at the far end: each packet with its length in front. */
struct results {
    uint8_t octets[RESULTS_SIZE];
    size_t used;
    size_t packets;
    uint64_t counters[ESP_COUNTER_COUNT];
};

static struct results by_linux, by_path;

/* Takes what came until the sentinel does. */
static void take_until_sentinel(struct results *results)
{
    static uint8_t taken[STAND_PACKET_MAX];
    end_put_number(here, IP_V4, 100, SENTINEL);
    for (;;) {
        size_t length = end_take(there, taken, STAND_PATIENCE);
        assert_true(length > 0);
        if (length == 100 && packet_number(taken) == SENTINEL)
            return;
        assert_true(results->used + 4 + length <= RESULTS_SIZE);
        store_u32be(results->octets + results->used, (uint32_t)length);
        memcpy(results->octets + results->used + 4, taken, length);
        results->used += 4 + length;
        results->packets++;
    }
}

/* A shape that Linux takes for a super-packet and that the queue of a TUN device holds in segments. */
static struct super_shape shape_next(uint64_t *random)
{
    struct super_shape shape;
    do
        shape = super_shape_random(random);
    while (shape.payload <= shape.size + 40 || shape.payload / shape.size > 300);
    return shape;
}

/* One that is no super-packet, but has its checksum left to the device. */
static void put_single(uint64_t *random)
{
    struct super_shape shape = shape_next(random);
    shape.payload = 1 + shape.payload % 1300;
    struct virtio_net_hdr form = super_packet_make(&shape, random, packet);
    form.gso_type = VIRTIO_NET_HDR_GSO_NONE;
    form.gso_size = 0;
    end_put_super(here, &form, packet, shape.ip + shape.upper + shape.payload);
}

static void carry_all(const struct stand_sa *sa, const struct path_tunnel *settings, struct results *results)
{
    uint64_t random = 4711;
    results->used = results->packets = 0;
    stand_start(&stand, workers);
    stand_install(&stand, sa, 1);
    end_configure(here, *settings);
    for (unsigned i = 0; i < SUPER_PACKETS; i++) {
        const struct super_shape shape = shape_next(&random);
        const struct virtio_net_hdr form = super_packet_make(&shape, &random, packet);
        end_put_super(here, &form, packet, shape.ip + shape.upper + shape.payload);
        put_single(&random);
        take_until_sentinel(results);
    }
    for (enum esp_counter i = 0; i < ESP_COUNTER_COUNT; i++)
        results->counters[i] = end_total(i < ESP_IN_PACKETS ? here : there, i);
    stand_stop(&stand);
}

static void expect_the_same(const struct stand_sa *sa, const struct path_tunnel *settings, bool second)
{
    stand_set_offload(false, false);
    carry_all(sa, settings, &by_linux);
    stand_set_offload(true, second);
    carry_all(sa, settings, &by_path);
    assert_true(by_linux.packets > SUPER_PACKETS);
    assert_int_equal(by_path.packets, by_linux.packets);
    assert_int_equal(by_path.used, by_linux.used);
    assert_memory_equal(by_path.octets, by_linux.octets, by_linux.used);
    for (enum esp_counter i = 0; i < ESP_COUNTER_COUNT; i++)
        assert_int_equal(by_path.counters[i], by_linux.counters[i]);
}

static const struct stand_sa sas[] = {
    {IP_V4, true, ENCR_AES_GCM_16, 256, AUTH_NONE},
    {IP_V4, false, ENCR_AES_CBC, 256, AUTH_HMAC_SHA1_96},
    {IP_V6, true, ENCR_AES_CBC, 128, AUTH_HMAC_SHA2_256_128},
    {IP_V6, false, ENCR_AES_GCM_16, 128, AUTH_NONE},
};

static void segments_come_out_as_linux_makes_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sas); i++)
        expect_the_same(&sas[i], &(struct path_tunnel){0}, false);
}

static void R72_R73_segments_larger_than_fits_are_treated_like_packets(void **state)
{
    (void)state;
    expect_the_same(&sas[0], &(struct path_tunnel){.mtu_ignore = true}, false);
    expect_the_same(&sas[1], &(struct path_tunnel){.mtu_ignore = true, .pre_fragment = true}, false);
    expect_the_same(&sas[2], &(struct path_tunnel){.pre_fragment = true}, false);
}

static void R75_the_mss_of_a_super_packet_is_lowered(void **state)
{
    (void)state;
    const struct path_tunnel clamped = {.mss_v4 = {.octets = 500}, .mss_v6 = {.automatic = true}};
    expect_the_same(&sas[0], &clamped, false);
}

/* ---- Segments one by one ----------------------------------------------------------------------------- */

/* A super-packet of that many segments of 100 octets; returns its length. */
static size_t put_segments(unsigned count)
{
    uint64_t random = 11;
    const struct super_shape shape = {IP_V4, IPPROTO_TCP, 20, 20, 100, 100 * (size_t)count};
    const struct virtio_net_hdr form = super_packet_make(&shape, &random, packet);
    end_put_super(here, &form, packet, 40 + shape.payload);
    return 40 + shape.payload;
}

/* Takes segments of put_segments from number `first` on until none comes; returns how many. */
static unsigned take_segments(unsigned first, int patience)
{
    static uint8_t taken[STAND_PACKET_MAX];
    unsigned number = first;
    size_t length;
    while ((length = end_take(there, taken, patience)) != 0) {
        assert_int_equal(length, 140);
        assert_int_equal(load_u16be(taken + 4), (uint16_t)(load_u16be(packet + 4) + number));
        assert_memory_equal(taken + 40, packet + 40 + 100 * (size_t)number, 100);
        number++;
    }
    return number - first;
}

static int start(void **state)
{
    (void)state;
    stand_set_offload(true, false);
    stand_start(&stand, workers);
    return 0;
}

static int start_slow(void **state)
{
    return stand_slow_down(OUTER_RATE) ? start(state) : -1;
}

static int stop(void **state)
{
    (void)state;
    stand_stop(&stand);
    stand_drain();
    return 0;
}

static void S6_segments_wait_for_an_sa_as_packets_do(void **state)
{
    (void)state;
    (void)put_segments(100);
    (void)end_expect_event(here, PATH_PACKET_WAITS);
    end_expect_total(here, ESP_OUT_MISC_ERROR, 100 - PATH_WAITING_PACKETS);

    stand_install(&stand, &stand_gcm_udp, 1);

    assert_int_equal(take_segments(0, 5 * STAND_QUIET), PATH_WAITING_PACKETS);
    end_expect_total(here, ESP_OUT_PACKETS, PATH_WAITING_PACKETS);
}

static void R71_segments_outside_of_the_selectors_are_counted_each(void **state)
{
    (void)state;
    struct child_settings child = end_child(here, &stand_gcm_udp, 1);
    child.local_ts_count = child.remote_ts_count = 1;
    child.local_ts[0] = child.local_ts[1]; /* IPv6 alone */
    child.remote_ts[0] = child.remote_ts[1];
    end_install(here, &child);

    (void)put_segments(300);

    end_expect_total(here, ESP_OUT_TS_UNACCEPTABLE, 300);
    end_expect_total(here, ESP_OUT_PACKETS, 0);
}

static void S37_segments_that_the_sa_has_sealed_itself_are_counted_each(void **state)
{
    (void)state;
    uint64_t random = 3;
    const struct super_shape shape = {IP_V4, IPPROTO_UDP, 20, 8, 1000, 20000};
    const struct virtio_net_hdr form = super_packet_make(&shape, &random, packet);
    struct ip_address own = end_address(0, IP_V4), peer = end_address(1, IP_V4);
    assert_true(path_set_own_addresses(here->path, &own, 1));
    stand_install(&stand, &stand_gcm_udp, 1);
    memcpy(packet + 12, own.octets, 4);
    memcpy(packet + 16, peer.octets, 4);
    store_u16be(packet + 20, 4500);

    end_put_super(here, &form, packet, 28 + 20000);

    end_expect_total(here, ESP_OUT_MISC_ERROR, 20);
    end_expect_total(here, ESP_OUT_PACKETS, 0);
}

static void super_packet_of_more_segments_than_a_batch_passes_whole(void **state)
{
    (void)state;
    stand_install(&stand, &stand_gcm_udp, 1);
    (void)put_segments(600);
    assert_int_equal(take_segments(0, 5 * STAND_QUIET), 600);
    end_expect_total(here, ESP_OUT_PACKETS, 600);
}

static void set_send_buffers(int size)
{
    for (unsigned i = 0; i < workers; i++)
        assert_int_equal(setsockopt(here->udp_v4[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
}

static void segments_wait_for_a_full_socket_and_none_is_lost(void **state)
{
    (void)state;
    set_send_buffers(1);
    stand_install(&stand, &stand_gcm_udp, 1);
    (void)put_segments(600);
    assert_int_equal(take_segments(0, 10 * STAND_QUIET), 600);
    end_expect_total(here, ESP_OUT_PACKETS, 600);
}

static void segments_are_counted_when_their_tunnel_goes(void **state)
{
    (void)state;
    set_send_buffers(1);
    stand_install(&stand, &stand_gcm_udp, 1);
    (void)put_segments(600);
    /* Stuck when the first datagrams fill the socket, with what did not fit the batch still to come. */
    assert_true(end_take(there, (uint8_t[STAND_PACKET_MAX]){0}, STAND_PATIENCE) == 140);

    assert_int_equal(path_tunnel_remove(here->path, 0, STAND_TUNNEL), PATH_OK);
    path_settle(here->path);

    uint64_t sealed = end_total(here, ESP_OUT_PACKETS);
    assert_int_equal(take_segments(1, 10 * STAND_QUIET), sealed - 1);
    assert_int_equal(sealed + end_total(here, ESP_OUT_MISC_ERROR), 600);
}

#define STAND_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

#define SLOW_TEST(name) cmocka_unit_test_setup_teardown(name, start_slow, stop)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_come_out_as_linux_makes_them),
        cmocka_unit_test(R72_R73_segments_larger_than_fits_are_treated_like_packets),
        cmocka_unit_test(R75_the_mss_of_a_super_packet_is_lowered),
        STAND_TEST(S6_segments_wait_for_an_sa_as_packets_do),
        STAND_TEST(R71_segments_outside_of_the_selectors_are_counted_each),
        STAND_TEST(S37_segments_that_the_sa_has_sealed_itself_are_counted_each),
        STAND_TEST(super_packet_of_more_segments_than_a_batch_passes_whole),
        /* From here on the network is slow. */
        SLOW_TEST(segments_wait_for_a_full_socket_and_none_is_lost),
        SLOW_TEST(segments_are_counted_when_their_tunnel_goes),
    };
    workers = stand_workers(argc, argv);
    if (!stand_enter_namespace())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
