/*
 * One turn of a worker without a thread: how much of a tunnel it takes at once. A pipe that keeps the bounds
 * of what is written to it (O_DIRECT) takes the place of the TUN device.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "path/outbound.h"
#include "path/tunnel.h"
#include "path/wire.h"

enum { LENGTH = 40, PACKETS = 3 * PATH_BATCH };

static struct path_worker_counters counters;
static struct path_totals totals;
static struct worker worker;
static struct tunnel tunnel;
static int writer;

static int start(void **state)
{
    (void)state;
    static struct path_options options;
    int ends[2];
    options = (struct path_options){.worker_count = 1, .totals = &totals, .totals_count = 1};
    options.workers[0] = (struct path_worker){.esp_v4 = -1,
                                              .esp_v6 = -1,
                                              .udp_v4 = -1,
                                              .udp_v6 = -1,
                                              .esp_v4_df = -1,
                                              .udp_v4_df = -1,
                                              .packet = -1,
                                              .icmp_v4 = -1,
                                              .icmp_v6 = -1,
                                              .counters = &counters};
    totals = (struct path_totals){0};
    worker = (struct worker){0};
    worker_prepare(&worker);
    assert_true(worker_open(&worker, 0, &options, -1, ESP_ARITHMETIC_OPENSSL));
    assert_int_equal(pipe2(ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, PACKETS * getpagesize()) > 0);
    writer = ends[1];
    tunnel = (struct tunnel){.number = 1};
    tunnel_prepare(&tunnel, ends[0]);
    assert_int_equal(tunnel_open(&worker, &tunnel), PATH_OK);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    tunnel_close(&worker, &tunnel);
    (void)close(tunnel.source.fd);
    (void)close(writer);
    worker_close(&worker);
    return 0;
}

static void fill(const uint8_t packet[LENGTH])
{
    for (int i = 0; i < PACKETS; i++)
        assert_int_equal(write(writer, packet, LENGTH), LENGTH);
}

static int packets_left(void)
{
    int octets = 0;
    assert_int_equal(ioctl(tunnel.source.fd, FIONREAD, &octets), 0);
    return octets / LENGTH;
}

/* The first 64 wait, the others are dropped; a turn ends after a batch all the same. */
static void a_turn_reads_one_batch_of_packets_without_an_sa(void **state)
{
    (void)state;
    const uint8_t packet[LENGTH] = {0x45, [3] = LENGTH, [8] = 64, [9] = 17, [12] = 10, [16] = 10};
    fill(packet);

    for (int turns = 1; turns <= 3; turns++) {
        assert_true(outbound_run(&worker, &tunnel.source));
        assert_int_equal(packets_left(), PACKETS - turns * PATH_BATCH);
    }

    assert_false(outbound_run(&worker, &tunnel.source));
    assert_int_equal(tunnel.waiting.packets, PATH_WAITING_PACKETS);
    assert_int_equal(counter_read(&totals.counters[ESP_OUT_MISC_ERROR]), PACKETS - PATH_WAITING_PACKETS);
}

static void a_turn_reads_one_batch_of_what_is_no_packet(void **state)
{
    (void)state;
    const uint8_t nonsense[LENGTH] = {0x70};
    fill(nonsense);

    assert_true(outbound_run(&worker, &tunnel.source));

    assert_int_equal(packets_left(), PACKETS - PATH_BATCH);
}

/* Has the tunnel yield full batches in a row until more than a batch of it is read ahead. */
static void let_a_queue_stand(const uint8_t packet[LENGTH])
{
    for (int i = 0; i < READ_AHEAD_AFTER; i++) {
        assert_null(tunnel.ahead);
        for (int room = PACKETS - packets_left(); room > 0; room--)
            assert_int_equal(write(writer, packet, LENGTH), LENGTH);
        assert_true(outbound_run(&worker, &tunnel.source));
        outbound_end_batch(&worker);
    }
    assert_true(outbound_run(&worker, &tunnel.source));
    outbound_end_batch(&worker);
    assert_non_null(tunnel.ahead);
    assert_int_equal(packets_left(), 0);
}

/* Of what a turn takes, 64 packets, all have room to wait for an SA. */
static void a_packet_of_a_sparse_flow_passes_a_queue_that_stands(void **state)
{
    (void)state;
    const uint8_t bulky[LENGTH] = {0x45, [3] = LENGTH, [8] = 64, [9] = 17, [12] = 10, [16] = 10};
    const uint8_t sparse[LENGTH] = {0x45, [3] = LENGTH, [8] = 64, [9] = 17, [12] = 11, [16] = 10};
    bool found = false;
    let_a_queue_stand(bulky);
    tunnel_drop_waiting(&worker, &tunnel, &packet_pair_any);
    fill(bulky);
    assert_true(outbound_run(&worker, &tunnel.source));
    assert_int_equal(packets_left(), 0);
    tunnel_drop_waiting(&worker, &tunnel, &packet_pair_any);
    assert_int_equal(write(writer, sparse, LENGTH), LENGTH);

    assert_true(outbound_run(&worker, &tunnel.source));

    for (const struct waiting_packet *p = tunnel.waiting.first; p != NULL; p = p->next)
        found = found || p->octets[12] == 11;
    assert_true(found);
}

static void a_queue_that_stood_ends_when_all_has_left(void **state)
{
    (void)state;
    const uint8_t packet[LENGTH] = {0x45, [3] = LENGTH, [8] = 64, [9] = 17, [12] = 10, [16] = 10};
    const uint64_t all = (READ_AHEAD_AFTER + 2) * PATH_BATCH;
    let_a_queue_stand(packet);

    unsigned turns = 1;
    while (outbound_run(&worker, &tunnel.source)) {
        outbound_end_batch(&worker);
        turns++;
    }

    assert_int_equal(turns, 2);
    assert_null(tunnel.ahead);
    assert_int_equal(counter_read(&totals.counters[ESP_OUT_MISC_ERROR]), all - PATH_WAITING_PACKETS);
}

static void what_was_read_ahead_is_counted_when_the_tunnel_ends(void **state)
{
    (void)state;
    const uint8_t packet[LENGTH] = {0x45, [3] = LENGTH, [8] = 64, [9] = 17, [12] = 10, [16] = 10};
    const uint64_t all = (READ_AHEAD_AFTER + 2) * PATH_BATCH;
    let_a_queue_stand(packet);

    tunnel_close(&worker, &tunnel);

    assert_null(tunnel.ahead);
    assert_int_equal(counter_read(&totals.drops[DROP_QUEUE_FULL]) + counter_read(&totals.drops[DROP_NO_SA]),
                     all);
    assert_int_equal(tunnel_open(&worker, &tunnel), PATH_OK);
}

/* Nothing to read is no error; a socket that is none is one. */
static void an_empty_socket_yields_an_empty_batch(void **state)
{
    (void)state;
    int fds[2];
    struct wire_inbox inbox = {0};
    struct datagram datagrams[PATH_BATCH];
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
    assert_true(wire_inbox_allocate(&inbox, false));

    assert_int_equal(wire_receive_batch(fds[0], &inbox, datagrams), 0);
    assert_int_equal(write(fds[1], "abc", 3), 3);
    assert_int_equal(wire_receive_batch(fds[0], &inbox, datagrams), 1);
    assert_int_equal(datagrams[0].length, 3);
    (void)close(fds[0]);
    assert_int_equal(wire_receive_batch(fds[0], &inbox, datagrams), -1);

    (void)close(fds[1]);
    wire_inbox_free(&inbox);
}

/* Until the inbox is cleared; the last batch is as large as there is room. */
static void a_batch_stays_where_it_is_while_the_next_ones_come(void **state)
{
    (void)state;
    int fds[2], size = 1 << 20;
    unsigned count = 0;
    struct wire_inbox inbox = {0};
    struct datagram datagrams[WIRE_INBOX_ROOM];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
    assert_int_equal(setsockopt(fds[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size), 0);
    assert_true(wire_inbox_allocate(&inbox, true));
    for (uint32_t i = 0; i <= WIRE_INBOX_ROOM; i++)
        assert_int_equal(write(fds[1], &i, sizeof i), sizeof i);

    while (wire_inbox_has_room(&inbox)) {
        unsigned limit = wire_inbox_limit(&inbox);
        assert_int_equal(wire_receive_batch(fds[0], &inbox, datagrams + count), limit);
        count += limit;
    }

    assert_int_equal(count, WIRE_INBOX_ROOM);
    for (uint32_t i = 0; i < count; i++)
        assert_memory_equal(datagrams[i].at, &i, sizeof i);
    wire_inbox_clear(&inbox);
    assert_int_equal(wire_inbox_limit(&inbox), PATH_BATCH);
    assert_int_equal(wire_receive_batch(fds[0], &inbox, datagrams), 1);
    (void)close(fds[0]);
    (void)close(fds[1]);
    wire_inbox_free(&inbox);
}

/* Datagrams that come merged are large. So a batch has few of them; but others may follow before the inbox is
 * cleared, since the next one may have the rest of a super-packet. */
static void small_batches_of_merged_datagrams_follow_one_another(void **state)
{
    (void)state;
    enum { IN_A_BATCH = 8, BATCHES = 3 };
    int fds[2];
    unsigned batches = 0;
    struct wire_inbox inbox = {0};
    struct datagram datagrams[WIRE_INBOX_ROOM];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
    assert_true(wire_inbox_allocate(&inbox, false));
    for (uint32_t i = 0; i <= IN_A_BATCH * BATCHES; i++)
        assert_int_equal(write(fds[1], &i, sizeof i), sizeof i);

    do {
        inbox.merged = true; /* as after a batch from a socket with UDP_GRO */
        assert_int_equal(wire_inbox_limit(&inbox), IN_A_BATCH);
        assert_int_equal(wire_receive_batch(fds[0], &inbox, datagrams + (size_t)batches * IN_A_BATCH),
                         IN_A_BATCH);
        batches++;
        inbox.merged = true;
    } while (wire_inbox_has_room(&inbox));

    assert_int_equal(batches, BATCHES);
    for (uint32_t i = 0; i < IN_A_BATCH * BATCHES; i++)
        assert_memory_equal(datagrams[i].at, &i, sizeof i);
    (void)close(fds[0]);
    (void)close(fds[1]);
    wire_inbox_free(&inbox);
}

/* With the traffic class before it, as a kernel may have it. */
static void the_arrival_is_found_behind_another_control_message(void **state)
{
    (void)state;
    union wire_control control = {0};
    struct msghdr message = {.msg_control = &control, .msg_controllen = sizeof control};
    const struct datagram datagram = {.message = &message};
    const struct in6_pktinfo info = {.ipi6_addr = {{{0xfe, 0x80, [15] = 1}}}, .ipi6_ifindex = 7};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    *c = (struct cmsghdr){CMSG_LEN(sizeof(int)), IPPROTO_IPV6, IPV6_TCLASS};
    c = CMSG_NXTHDR(&message, c);
    *c = (struct cmsghdr){CMSG_LEN(sizeof info), IPPROTO_IPV6, IPV6_PKTINFO};
    memcpy(CMSG_DATA(c), &info, sizeof info);
    struct ip_address local;
    uint32_t ifindex;

    wire_arrival(&datagram, &local, &ifindex);

    assert_int_equal(local.family, IP_V6);
    assert_memory_equal(local.octets, &info.ipi6_addr, sizeof info.ipi6_addr);
    assert_int_equal(ifindex, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_turn_reads_one_batch_of_packets_without_an_sa, start, stop),
        cmocka_unit_test_setup_teardown(a_turn_reads_one_batch_of_what_is_no_packet, start, stop),
        cmocka_unit_test_setup_teardown(a_packet_of_a_sparse_flow_passes_a_queue_that_stands, start, stop),
        cmocka_unit_test_setup_teardown(a_queue_that_stood_ends_when_all_has_left, start, stop),
        cmocka_unit_test_setup_teardown(what_was_read_ahead_is_counted_when_the_tunnel_ends, start, stop),
        cmocka_unit_test(an_empty_socket_yields_an_empty_batch),
        cmocka_unit_test(a_batch_stays_where_it_is_while_the_next_ones_come),
        cmocka_unit_test(small_batches_of_merged_datagrams_follow_one_another),
        cmocka_unit_test(the_arrival_is_found_behind_another_control_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
