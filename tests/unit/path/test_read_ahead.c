/* path/read_ahead.h, with a socket that keeps the bounds of what is written to it in place of a TUN device.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "path/counters.h"
#include "path/read_ahead.h"
#include "path/tunnel.h"

enum {
    NUMBER = 28, /* where a packet has its number, behind the ports and the rest of the UDP header */
    SHORT = 100,
    LONG = 30000,
    BUFFER = 8 << 20,
};

static struct worker worker;
static struct path_worker_counters counters;
static struct tunnel tunnel;
static struct read_ahead *ahead;
static int writer;

static int start(void **state)
{
    (void)state;
    const int size = BUFFER;
    int ends[2];
    counters = (struct path_worker_counters){0};
    worker = (struct worker){.counters = &counters};
    assert_true(read_ahead_allocate(&worker.read_ahead, 0x123456789abcdef));
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    (void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    writer = ends[1];
    tunnel = (struct tunnel){.number = 1};
    tunnel.source.fd = ends[0];
    ahead = read_ahead_begin(&worker.read_ahead, &tunnel);
    assert_non_null(ahead);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    (void)close(tunnel.source.fd);
    (void)close(writer);
    read_ahead_free(&worker.read_ahead);
    return 0;
}

/* An IPv4 packet of flow `flow` with `number`; UDP, with its ports, unless it is a fragment. */
static void put(uint8_t flow, uint32_t number, size_t length, uint16_t fragment)
{
    static uint8_t packet[LONG];
    memset(packet, 0, NUMBER + 4);
    packet[0] = 0x45;
    packet[6] = (uint8_t)(fragment >> 8);
    packet[7] = (uint8_t)fragment;
    packet[9] = 17;
    packet[15] = 1;
    packet[19] = 2;
    packet[21] = fragment != 0 ? (uint8_t)number : flow;
    memcpy(packet + NUMBER, &number, sizeof number);
    assert_int_equal(write(writer, packet, length), length);
}

static uint32_t number_of(const struct ahead_packet *packet)
{
    uint32_t number;
    memcpy(&number, packet->at + NUMBER, sizeof number);
    return number;
}

static void expect(uint32_t number)
{
    struct ahead_packet *packet = read_ahead_take(&worker.read_ahead, ahead);
    assert_non_null(packet);
    assert_int_equal(number_of(packet), number);
}

static void expect_no_more(void)
{
    assert_null(read_ahead_take(&worker.read_ahead, ahead));
}

static void a_flow_with_nothing_there_goes_before_a_bulky_one(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        put(1, i, LONG, 0);
    assert_false(read_ahead_fill(&worker, ahead));
    expect(0);
    put(2, 100, SHORT, 0);
    assert_false(read_ahead_fill(&worker, ahead));
    expect(100);
    for (uint32_t i = 1; i < 5; i++)
        expect(i);
    expect_no_more();
}

/* Both have as much to send; one in long packets, the other in short ones. */
static void bulky_flows_share_octets(void **state)
{
    (void)state;
    enum { MANY = 200 };
    uint32_t octets[2] = {0};
    for (uint32_t i = 0; i < 10; i++)
        put(1, i, LONG, 0);
    for (uint32_t i = 0; i < MANY; i++)
        put(2, 1000 + i, 1500, 0);
    assert_false(read_ahead_fill(&worker, ahead));
    for (uint32_t left = 5; left > 0;) {
        struct ahead_packet *packet = read_ahead_take(&worker.read_ahead, ahead);
        assert_non_null(packet);
        bool first = number_of(packet) < 1000;
        octets[first ? 0 : 1] += (uint32_t)packet->length;
        left -= first;
    }
    assert_true(octets[1] + LONG + 2 * READ_AHEAD_QUANTUM >= octets[0]);
    assert_true(octets[1] <= octets[0] + LONG + 2 * READ_AHEAD_QUANTUM);
}

/* Linux removes the device of a tunnel, whose descriptor the worker may still have: it then belongs to no
 * device, like one that was just opened. */
static void a_device_that_was_removed_has_no_more_and_is_no_error(void **state)
{
    (void)state;
    (void)close(tunnel.source.fd);
    tunnel.source.fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    assert_true(tunnel.source.fd >= 0);

    assert_false(read_ahead_fill(&worker, ahead));

    expect_no_more();
    assert_int_equal(counter_read(&counters.counters[PATH_READ_ERRORS]), 0);
}

static void a_device_that_cannot_be_read_counts_an_error(void **state)
{
    (void)state;
    (void)close(tunnel.source.fd);
    tunnel.source.fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(tunnel.source.fd >= 0);

    assert_false(read_ahead_fill(&worker, ahead));

    expect_no_more();
    assert_int_equal(counter_read(&counters.counters[PATH_READ_ERRORS]), 1);
}

/* A flow whose packets come one by one, each after the last one has left, must not keep others waiting. */
static void a_flow_that_comes_again_and_again_does_not_starve_others(void **state)
{
    (void)state;
    put(1, 0, LONG, 0);
    put(1, 1, SHORT, 0);
    assert_false(read_ahead_fill(&worker, ahead));
    expect(0);
    for (uint32_t i = 0; i < LONG; i++) {
        put(2, 100 + i, SHORT, 0);
        assert_false(read_ahead_fill(&worker, ahead));
        struct ahead_packet *packet = read_ahead_take(&worker.read_ahead, ahead);
        assert_non_null(packet);
        if (number_of(packet) == 1)
            return;
        read_ahead_recycle(&worker.read_ahead);
    }
    fail_msg("the other flow never got its turn");
}

static void a_flow_stays_in_order_and_all_packets_leave(void **state)
{
    (void)state;
    enum { FLOWS = 200, ROUNDS = 3000 };
    static uint32_t put_so_far[FLOWS], taken[FLOWS];
    uint64_t random = 1, left = 0;
    memset(put_so_far, 0, sizeof put_so_far);
    memset(taken, 0, sizeof taken);
    for (unsigned round = 0; round < ROUNDS || left > 0; round++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        unsigned flow = (unsigned)(random >> 33) % FLOWS;
        if (round < ROUNDS && left < 100) {
            put((uint8_t)flow, flow << 16 | put_so_far[flow]++, (random >> 50) % 8 == 0 ? LONG : SHORT, 0);
            left++;
        }
        (void)read_ahead_fill(&worker, ahead);
        if (round < ROUNDS && (random >> 60) % 4 == 0)
            continue;
        struct ahead_packet *packet = read_ahead_take(&worker.read_ahead, ahead);
        if (packet == NULL)
            continue;
        left--;
        uint32_t number = number_of(packet);
        assert_int_equal(number & 0xffff, taken[number >> 16]++);
        read_ahead_recycle(&worker.read_ahead);
    }
    assert_memory_equal(put_so_far, taken, sizeof taken);
}

/* Only the first one shows ports. */
static void fragments_of_a_packet_stay_in_order(void **state)
{
    (void)state;
    const uint16_t more = 0x2000;
    put(1, 1000, LONG, 0);
    put(1, 1001, LONG, 0);
    put(0, 7, 1500, more);
    put(0, 8, 1500, more | 185);
    put(0, 9, SHORT, 370);
    assert_false(read_ahead_fill(&worker, ahead));
    uint32_t next = 7;
    for (unsigned i = 0; i < 5; i++) {
        struct ahead_packet *packet = read_ahead_take(&worker.read_ahead, ahead);
        assert_non_null(packet);
        if (number_of(packet) < 1000)
            assert_int_equal(number_of(packet), next++);
    }
    expect_no_more();
}

/* A long packet, and then a short one of the same flow with an extension header. */
static void ipv6_extension_headers_make_no_other_flow(void **state)
{
    (void)state;
    static uint8_t whole[LONG] = {0x60, [6] = 17, [8] = 0xfd, [24] = 0xfd, [41] = 7, [43] = 9};
    const uint8_t with_options[SHORT] = {0x60, [8] = 0xfd, [24] = 0xfd, [40] = 17, [49] = 7, [51] = 9};
    for (int i = 0; i < 2; i++)
        assert_int_equal(write(writer, whole, sizeof whole), sizeof whole);
    assert_false(read_ahead_fill(&worker, ahead));
    assert_int_equal(read_ahead_take(&worker.read_ahead, ahead)->length, LONG);
    assert_int_equal(write(writer, with_options, sizeof with_options), sizeof with_options);
    assert_false(read_ahead_fill(&worker, ahead));
    assert_int_equal(read_ahead_take(&worker.read_ahead, ahead)->length, LONG);
    assert_int_equal(read_ahead_take(&worker.read_ahead, ahead)->length, SHORT);
    expect_no_more();
}

static void what_finds_no_room_stays_in_the_device_until_there_is(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < READ_AHEAD_LARGE + 1; i++)
        put(1, i, LONG, 0);
    assert_true(read_ahead_fill(&worker, ahead));
    expect(0);
    assert_true(read_ahead_fill(&worker, ahead)); /* the batch still refers to the one that was taken */
    for (uint32_t i = 1; i < READ_AHEAD_LARGE; i++)
        expect(i);
    expect_no_more();
    read_ahead_recycle(&worker.read_ahead);
    assert_false(read_ahead_fill(&worker, ahead));
    expect(READ_AHEAD_LARGE);
    expect_no_more();
}

static void short_packets_leave_room_for_long_ones(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < READ_AHEAD_SMALL; i++)
        put(1, i, SHORT, 0);
    assert_false(read_ahead_fill(&worker, ahead));
    for (uint32_t i = 0; i < READ_AHEAD_LARGE; i++)
        put(2, 10000 + i, LONG, 0);
    (void)read_ahead_fill(&worker, ahead);
    unsigned taken = 0;
    while (read_ahead_take(&worker.read_ahead, ahead) != NULL)
        taken++;
    assert_int_equal(taken, READ_AHEAD_SMALL + READ_AHEAD_LARGE);
}

static void what_is_no_ip_packet_leaves_too(void **state)
{
    (void)state;
    const uint8_t octets[3] = {0x45, 1, 2};
    tunnel.vnet_header = true;
    assert_int_equal(write(writer, octets, sizeof octets), sizeof octets);
    assert_false(read_ahead_fill(&worker, ahead));
    struct ahead_packet *packet = read_ahead_take(&worker.read_ahead, ahead);
    assert_non_null(packet);
    assert_int_equal(packet->length, sizeof octets);
    expect_no_more();
}

static void there_are_queues_for_a_few_tunnels(void **state)
{
    (void)state;
    struct tunnel others[READ_AHEAD_QUEUES] = {{.number = 2}};
    for (size_t i = 1; i < READ_AHEAD_QUEUES; i++)
        assert_non_null(read_ahead_begin(&worker.read_ahead, &others[i]));
    assert_null(read_ahead_begin(&worker.read_ahead, &others[0]));
    read_ahead_end(ahead);
    assert_ptr_equal(read_ahead_begin(&worker.read_ahead, &others[0]), ahead);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_flow_with_nothing_there_goes_before_a_bulky_one),
        TEST(bulky_flows_share_octets),
        TEST(a_device_that_was_removed_has_no_more_and_is_no_error),
        TEST(a_device_that_cannot_be_read_counts_an_error),
        TEST(a_flow_that_comes_again_and_again_does_not_starve_others),
        TEST(a_flow_stays_in_order_and_all_packets_leave),
        TEST(fragments_of_a_packet_stay_in_order),
        TEST(ipv6_extension_headers_make_no_other_flow),
        TEST(what_finds_no_room_stays_in_the_device_until_there_is),
        TEST(short_packets_leave_room_for_long_ones),
        TEST(what_is_no_ip_packet_leaves_too),
        TEST(there_are_queues_for_a_few_tunnels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
