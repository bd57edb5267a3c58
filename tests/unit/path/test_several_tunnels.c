/*
 * What leaves at once if several tunnels have packets: by one system call in any case, and by one message if
 * the tunnels are sparse and go to one peer. The path runs by turns; pipes that keep the bounds of what is
 * written to them (O_DIRECT) stand in for TUN devices, and a list of what was sent for the network.
 */
#include "stand.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "esp/owner.h"
#include "path/counters.h"
#include "path/wire.h"

enum {
    TUNNELS = 6,
    WORKERS = 2,
    LENGTH = 100,
    MANY = 20,
    PACKETS_MAX = 32,
    SENT_MAX = 1000,
    PEER = 2,
    OTHER_PEER = 9
};

/* A datagram as it was sent. */
struct sent {
    unsigned call, message; /* by which one */
    uint8_t to;             /* last octet of the destination */
    uint32_t spi, sequence;
};

static struct path *path;
static struct end end; /* for stand's functions; nothing of it is started */
static struct esp_live live[STAND_SLOTS];
static struct path_totals totals[WORKERS * STAND_TUNNELS_MAX];
static struct path_worker_counters counters[WORKERS];
static int devices[TUNNELS];  /* where packets are put into the tunnels */
static int sockets[WORKERS];  /* the near ends of socket pairs, of which only the room matters */
static int far_ends[WORKERS]; /* the others */
static msec_t now;
static struct sent sent[SENT_MAX];
static unsigned sent_count, calls, messages_sent;
static int refuse_all, refuse_segments; /* with which error; 0: not */

/* ---- In the place of the network --------------------------------------------------------------------- */

static int receive_nothing(int fd, enum wire_kind kind, struct wire_inbox *inbox, struct datagram *datagrams)
{
    (void)fd, (void)kind, (void)inbox, (void)datagrams;
    return 0;
}

static size_t segment_of(struct msghdr *message)
{
    uint16_t segment = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_SEGMENT)
            memcpy(&segment, CMSG_DATA(c), sizeof segment);
    }
    return segment;
}

static void note(struct msghdr *message, size_t segment)
{
    const uint8_t *at = message->msg_iov->iov_base;
    size_t length = message->msg_iov->iov_len;
    struct sockaddr_in to;
    memcpy(&to, message->msg_name, sizeof to);
    for (size_t i = 0; i < length; i += segment != 0 ? segment : length) {
        assert_true(sent_count < SENT_MAX);
        sent[sent_count++] = (struct sent){calls, messages_sent, (uint8_t)ntohl(to.sin_addr.s_addr),
                                           load_u32be(at + i), load_u32be(at + i + 4)};
    }
    messages_sent++;
}

static int note_sent(int fd, struct mmsghdr *messages, unsigned count)
{
    const uint8_t probe = 0;
    if (send(fd, &probe, sizeof probe, MSG_DONTWAIT) < 0)
        return -1;
    calls++;
    for (unsigned i = 0; i < count; i++) {
        size_t segment = segment_of(&messages[i].msg_hdr);
        errno = refuse_all != 0 ? refuse_all : segment != 0 ? refuse_segments : 0;
        if (errno != 0)
            return i > 0 ? (int)i : -1;
        note(&messages[i].msg_hdr, segment);
    }
    return (int)count;
}

static const struct wire_io with_segments = {receive_nothing, note_sent, true};
static const struct wire_io one_by_one = {receive_nothing, note_sent, false};

/* ---- Setting up -------------------------------------------------------------------------------------- */

static void open_socket(struct path_worker *worker, unsigned i)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    sockets[i] = ends[0];
    far_ends[i] = ends[1];
    *worker = (struct path_worker){.esp_v4 = -1,
                                   .esp_v6 = -1,
                                   .udp_v4 = ends[0],
                                   .udp_v6 = -1,
                                   .esp_v4_df = -1,
                                   .udp_v4_df = -1,
                                   .packet = -1,
                                   .icmp_v4 = -1,
                                   .icmp_v6 = -1,
                                   .counters = &counters[i]};
}

static void add_tunnel(unsigned tunnel)
{
    int ends[2];
    const struct path_tunnel settings = {.number = stand_tunnel(tunnel), .slot = tunnel, .mtu = 1400};
    assert_int_equal(pipe2(ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, PACKETS_MAX * getpagesize()) > 0);
    devices[tunnel] = ends[1];
    assert_int_equal(path_tunnel_add(path, 1, &settings, ends[0]), PATH_OK);
}

static struct child_settings child_of(unsigned tunnel)
{
    end.tunnel = tunnel;
    return end_child(&end, &stand_gcm_udp, 1 + tunnel);
}

static void install(const struct child_settings *child)
{
    assert_int_equal(child_install(path, 1, child), PATH_OK);
    path_settle(path);
}

static void start_path(const struct wire_io *io, unsigned workers)
{
    static struct path_options options;
    options = (struct path_options){.worker_count = workers,
                                    .live = live,
                                    .live_count = STAND_SLOTS,
                                    .totals = totals,
                                    .totals_count = STAND_TUNNELS_MAX,
                                    .by_turns = true,
                                    .io = io};
    memset(live, 0, sizeof live);
    memset(totals, 0, sizeof totals);
    for (unsigned i = 0; i < workers; i++)
        open_socket(&options.workers[i], i);
    sent_count = calls = messages_sent = 0;
    refuse_all = refuse_segments = 0;
    end = (struct end){.workers = workers};
    path = path_new(&options);
    assert_non_null(path);
    for (unsigned tunnel = 0; tunnel < TUNNELS; tunnel++) {
        add_tunnel(tunnel);
        const struct child_settings child = child_of(tunnel);
        install(&child);
    }
}

static int start(void **state)
{
    (void)state;
    start_path(&with_segments, 1);
    return 0;
}

static int start_one_by_one(void **state)
{
    (void)state;
    start_path(&one_by_one, 1);
    return 0;
}

static int start_two_workers(void **state)
{
    (void)state;
    start_path(&with_segments, WORKERS);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    path_free(path);
    for (unsigned tunnel = 0; tunnel < TUNNELS; tunnel++)
        (void)close(devices[tunnel]);
    for (unsigned i = 0; i < end.workers; i++)
        (void)close(far_ends[i]);
    return 0;
}

/* ---- Steps ------------------------------------------------------------------------------------------- */

static void put(unsigned tunnel, unsigned count)
{
    uint8_t packet[LENGTH];
    size_t length = packet_make(packet, IP_V4, LENGTH, tunnel);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(write(devices[tunnel], packet, length), (ssize_t)length);
}

static void put_all(unsigned count)
{
    for (unsigned tunnel = 0; tunnel < TUNNELS; tunnel++)
        put(tunnel, count);
}

static void turn(void)
{
    path_turn(path, ++now);
}

static void set_room(bool room)
{
    static uint8_t octets[4096];
    while (!room && send(sockets[0], octets, sizeof octets, MSG_DONTWAIT) > 0)
        continue;
    while (room && recv(far_ends[0], octets, sizeof octets, MSG_DONTWAIT) > 0)
        continue;
}

static uint64_t total(unsigned tunnel, enum esp_counter counter)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < end.workers; i++)
        sum += counter_read(&totals[i * STAND_TUNNELS_MAX + tunnel].counters[counter]);
    return sum;
}

static uint32_t spi_of(unsigned tunnel)
{
    return child_of(tunnel).outbound.spi;
}

/* So many datagrams of the SA were sent, in the order of their sequence numbers. */
static void expect_in_order(uint32_t spi, unsigned count)
{
    uint32_t sequence = 0;
    for (unsigned i = 0; i < sent_count; i++) {
        if (sent[i].spi == spi)
            assert_int_equal(sent[i].sequence, ++sequence);
    }
    assert_int_equal(sequence, count);
}

static void expect_all_in_order(unsigned count)
{
    for (unsigned tunnel = 0; tunnel < TUNNELS; tunnel++) {
        expect_in_order(spi_of(tunnel), count);
        assert_int_equal(total(tunnel, ESP_OUT_PACKETS), count);
        assert_int_equal(total(tunnel, ESP_OUT_OCTETS), (uint64_t)count * LENGTH);
        assert_int_equal(total(tunnel, ESP_OUT_MISC_ERROR), 0);
    }
    assert_int_equal(sent_count, TUNNELS * count);
}

/* True if datagrams of both SAs went by one message. */
static bool went_together(uint32_t a, uint32_t b)
{
    for (unsigned i = 0; i < sent_count; i++) {
        for (unsigned j = 0; j < sent_count && sent[i].spi == a; j++) {
            if (sent[j].spi == b && sent[j].message == sent[i].message)
                return true;
        }
    }
    return false;
}

/* ---- Tests ------------------------------------------------------------------------------------------- */

static void packets_of_several_tunnels_leave_by_one_message(void **state)
{
    (void)state;
    put_all(2);

    turn();

    expect_all_in_order(2);
    assert_int_equal(messages_sent, 1);
}

static void packets_of_several_tunnels_leave_by_one_call_where_messages_have_one_datagram(void **state)
{
    (void)state;
    put_all(2);

    turn();

    expect_all_in_order(2);
    assert_int_equal(messages_sent, 2 * TUNNELS);
    assert_int_equal(calls, 1);
}

static void each_of_two_peers_gets_its_packets_by_one_message(void **state)
{
    (void)state;
    for (unsigned tunnel = 1; tunnel < TUNNELS; tunnel += 2) {
        struct child_destination other = child_of(tunnel).destination;
        other.remote.address.octets[3] = OTHER_PEER;
        assert_int_equal(child_redirect(path, 1, child_of(tunnel).inbound.spi, &other), PATH_OK);
    }
    put_all(2);

    turn();

    expect_all_in_order(2);
    assert_int_equal(messages_sent, 2);
    assert_int_equal(calls, 1);
    for (unsigned i = 0; i < sent_count; i++)
        assert_int_equal(sent[i].to, (sent[i].spi - spi_of(0)) / ESP_OWNERS_MAX % 2 == 0 ? PEER : OTHER_PEER);
}

/* As a firewall mark that only one of them has. */
static void destinations_that_differ_in_a_mark_share_no_message(void **state)
{
    (void)state;
    struct child_destination marked = child_of(0).destination;
    marked.mark = 7;
    assert_int_equal(child_redirect(path, 1, child_of(0).inbound.spi, &marked), PATH_OK);
    put_all(2);

    turn();

    expect_all_in_order(2);
    for (unsigned tunnel = 1; tunnel < TUNNELS; tunnel++)
        assert_false(went_together(spi_of(0), spi_of(tunnel)));
}

static void a_tunnel_with_many_packets_shares_no_message(void **state)
{
    (void)state;
    put_all(2);
    put(3, MANY);

    turn();

    expect_in_order(spi_of(3), MANY + 2);
    for (unsigned tunnel = 0; tunnel < TUNNELS; tunnel++) {
        if (tunnel != 3)
            assert_false(went_together(spi_of(3), spi_of(tunnel)));
    }
}

/* Each would have to pass on what is the other one's. How many workers the peer has does not matter. */
static void sas_that_may_be_of_two_workers_of_the_peer_share_no_message(void **state)
{
    (void)state;
    struct child_settings odd = child_of(2);
    assert_int_equal(child_change(path, 1, CHILD_REMOVE, odd.inbound.spi), PATH_OK);
    path_settle(path);
    odd.live_slot = 1 + TUNNELS;
    odd.outbound.spi ^= 1;
    install(&odd);
    put_all(2);

    turn();

    expect_in_order(odd.outbound.spi, 2);
    assert_true(went_together(spi_of(0), spi_of(4)));
    assert_false(went_together(spi_of(0), odd.outbound.spi));
}

static void what_the_kernel_does_not_take_together_leaves_singly(void **state)
{
    (void)state;
    refuse_segments = EIO;
    put_all(2);

    turn();

    expect_all_in_order(2);
    assert_int_equal(messages_sent, 2 * TUNNELS);
    put_all(2);
    unsigned before = calls;
    turn();
    expect_all_in_order(4);
    assert_int_equal(calls, before + 1); /* it is known now */
}

static void what_is_refused_is_counted_in_its_tunnel(void **state)
{
    (void)state;
    refuse_all = ENETUNREACH;
    put_all(2);
    put(3, 1);

    turn();

    for (unsigned tunnel = 0; tunnel < TUNNELS; tunnel++) {
        assert_int_equal(total(tunnel, ESP_OUT_PACKETS), 0);
        assert_int_equal(total(tunnel, ESP_OUT_OCTETS), 0);
        assert_int_equal(total(tunnel, ESP_OUT_MISC_ERROR), tunnel == 3 ? 3 : 2);
    }
}

/* The message refers to the first SA's destination. */
static void what_was_sealed_goes_where_it_was_to_go_without_its_sas(void **state)
{
    (void)state;
    set_room(false);
    put_all(2);
    turn();
    assert_int_equal(sent_count, 0);

    for (unsigned tunnel = 0; tunnel < 3; tunnel++) {
        assert_int_equal(child_change(path, 1, CHILD_REMOVE, child_of(tunnel).inbound.spi), PATH_OK);
        path_settle(path);
    }
    struct child_destination other = child_of(3).destination;
    other.remote.address.octets[3] = OTHER_PEER;
    assert_int_equal(child_redirect(path, 1, child_of(3).inbound.spi, &other), PATH_OK);
    path_settle(path);
    set_room(true);
    turn();

    expect_all_in_order(2);
    for (unsigned i = 0; i < sent_count; i++)
        assert_int_equal(sent[i].to, PEER);
}

/* More tunnels' packets than a batch takes, and all that a turn reads of each. */
static void no_packet_is_lost_between_two_batches(void **state)
{
    (void)state;
    put_all(3 * MANY / 2);

    turn();

    expect_all_in_order(3 * MANY / 2);
}

#define TEST(name, start) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(packets_of_several_tunnels_leave_by_one_message, start),
        TEST(packets_of_several_tunnels_leave_by_one_call_where_messages_have_one_datagram, start_one_by_one),
        TEST(each_of_two_peers_gets_its_packets_by_one_message, start),
        TEST(destinations_that_differ_in_a_mark_share_no_message, start),
        TEST(a_tunnel_with_many_packets_shares_no_message, start),
        TEST(sas_that_may_be_of_two_workers_of_the_peer_share_no_message, start),
        TEST(sas_that_may_be_of_two_workers_of_the_peer_share_no_message, start_two_workers),
        TEST(what_the_kernel_does_not_take_together_leaves_singly, start),
        TEST(what_is_refused_is_counted_in_its_tunnel, start),
        TEST(what_was_sealed_goes_where_it_was_to_go_without_its_sas, start),
        TEST(no_packet_is_lost_between_two_batches, start),
        TEST(no_packet_is_lost_between_two_batches, start_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
