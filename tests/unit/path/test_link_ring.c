/* path/link_ring.h, on a veth pair: what leaves by the ring, and what Linux does not take */
#include "path/link_ring.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../host/netns.h"

enum { PATIENCE = 20000, IP = LINK_RING_IP_HEADER, FIRST_ID = 0xfffe, TTL = 61, CLASS = 2, ROOM = 4096 };

static struct link_ring ring;
static int sender, watcher;
static struct path_next_hop hop;

static int start(void **state)
{
    const struct path_next_hop by_v0 = {.header = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, .ttl = TTL};
    const int large = 4 << 20;
    assert_int_equal(netns_setup(state), 0);
    run("ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02");
    run("sysctl -qw net.ipv6.conf.v0.disable_ipv6=1 net.ipv6.conf.v1.disable_ipv6=1");
    run("ip link set v0 up && ip link set v1 up");
    hop = by_v0;
    hop.link = if_nametoindex("v0");
    const struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = (int)if_nametoindex("v1")};
    watcher = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(watcher, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof large), 0);
    assert_int_equal(bind(watcher, (const struct sockaddr *)&at, sizeof at), 0);
    sender = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(link_ring_open(&ring, sender, FIRST_ID));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    link_ring_close(&ring);
    assert_false(link_ring_is_open(&ring));
    (void)close(sender);
    (void)close(watcher);
    return 0;
}

/* ESP of `length` octets that begins with a number. */
static bool put(unsigned n, uint32_t number, size_t length, bool whole)
{
    static uint8_t esp[ROOM];
    memcpy(esp, &number, sizeof number);
    struct link_packet packet = {.traffic_class = CLASS, .dont_fragment = whole, .esp = {esp, length}};
    assert_true(ip_address_parse("192.0.2.1", &packet.source));
    assert_true(ip_address_parse("192.0.2.2", &packet.destination));
    return link_ring_put(&ring, n, &hop, &packet);
}

static size_t take(uint8_t frame[ROOM])
{
    struct pollfd ready = {.fd = watcher, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, PATIENCE), 1);
    ssize_t length = recv(watcher, frame, ROOM, 0);
    assert_true(length >= ETH_HLEN + IP + 4);
    return (size_t)length;
}

static uint32_t take_number(void)
{
    uint8_t frame[ROOM];
    uint32_t number;
    (void)take(frame);
    memcpy(&number, frame + ETH_HLEN + IP, sizeof number);
    return number;
}

static uint16_t checksum(const uint8_t *header)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < IP; i += 2)
        sum += (uint32_t)(header[i] << 8 | header[i + 1]);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static void frames_have_sound_headers(void **state)
{
    (void)state;
    uint8_t frame[ROOM];
    const uint8_t *ip = frame + ETH_HLEN;
    const uint8_t addresses[] = {192, 0, 2, 1, 192, 0, 2, 2};
    const uint16_t ids[] = {FIRST_ID, 0, 0xffff, 0}; /* of those without DF they count up */
    for (unsigned i = 0; i < 4; i++)
        assert_true(put(i, i, 100 + i, i == 1));

    assert_int_equal(link_ring_send(&ring, 4, hop.link, 0), 4);

    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(take(frame), ETH_HLEN + IP + 100 + i);
        assert_memory_equal(frame, hop.header, ETH_HLEN);
        assert_int_equal(ip[0], 0x45);
        assert_int_equal(ip[1], CLASS);
        assert_int_equal(ip[2] << 8 | ip[3], IP + 100 + i);
        assert_int_equal(ip[4] << 8 | ip[5], ids[i]);
        assert_int_equal(ip[6] << 8 | ip[7], i == 1 ? 0x4000 : 0);
        assert_int_equal(ip[8], TTL);
        assert_int_equal(ip[9], IPPROTO_ESP);
        assert_int_equal(checksum(ip), 0xffff);
        assert_memory_equal(ip + 12, addresses, sizeof addresses);
    }
}

static void many_batches_leave_in_their_order(void **state)
{
    (void)state;
    enum { BATCHES = 10, COUNT = 100 };
    for (uint32_t batch = 0; batch < BATCHES; batch++) {
        for (unsigned i = 0; i < COUNT; i++)
            assert_true(put(i, batch * COUNT + i, LINK_RING_IP_MAX / 2, true));
        assert_int_equal(link_ring_send(&ring, COUNT, hop.link, batch), COUNT); /* marked, but the first */
        for (uint32_t i = 0; i < COUNT; i++)
            assert_int_equal(take_number(), batch * COUNT + i);
    }
}

static void no_more_is_put_than_fits(void **state)
{
    (void)state;
    assert_false(put(0, 1, LINK_RING_IP_MAX - IP + 1, false));
    for (unsigned i = 0; i < LINK_RING_FRAMES; i++)
        assert_true(put(i, i, 100, false));
    assert_false(put(LINK_RING_FRAMES, 1, 100, false));
    assert_int_equal(link_ring_send(&ring, LINK_RING_FRAMES, hop.link, 0), LINK_RING_FRAMES);
}

static void what_a_link_that_is_down_did_not_take_can_be_sent_later(void **state)
{
    (void)state;
    run("ip link set v0 down");
    assert_true(put(0, 1, 100, false) && put(1, 2, 100, false));
    assert_int_equal(link_ring_send(&ring, 2, hop.link, 0), 0);
    assert_true(put(0, 3, 100, false));
    assert_int_equal(link_ring_send(&ring, 1, hop.link + 1000, 0), 0); /* there is no such link */
    run("ip link set v0 up");

    assert_true(put(0, 4, 100, false));
    assert_int_equal(link_ring_send(&ring, 1, hop.link, 0), 1);

    assert_int_equal(take_number(), 4);
}

/* Linux stands at that frame then, and the batch goes on from it. */
static void frame_that_linux_refuses_stops_the_batch(void **state)
{
    (void)state;
    assert_true(put(0, 1, 500, true) && put(1, 2, 1000, true) && put(2, 3, 500, true));
    uint8_t *second = ring.frames + (size_t)((ring.next + 1) % LINK_RING_FRAMES) * LINK_RING_FRAME;
    ((struct tpacket2_hdr *)(void *)second)->tp_len = 2 * LINK_RING_FRAME;
    assert_int_equal(link_ring_send(&ring, 3, hop.link, 0), 1);
    assert_true(put(0, 4, 500, true));
    assert_int_equal(link_ring_send(&ring, 1, hop.link, 0), 1);

    assert_int_equal(take_number(), 1);
    assert_int_equal(take_number(), 4);
}

static void ring_begins_anew_on_a_socket_that_had_one(void **state)
{
    (void)state;
    assert_true(put(0, 1, 100, false) && put(1, 2, 100, false));
    assert_int_equal(link_ring_send(&ring, 1, hop.link, 0), 1); /* both frames had been given to Linux */
    link_ring_close(&ring);

    assert_true(link_ring_open(&ring, sender, FIRST_ID));
    assert_true(put(0, 3, 100, false));
    assert_int_equal(link_ring_send(&ring, 1, hop.link, 0), 1);

    assert_int_equal(take_number(), 1);
    assert_int_equal(take_number(), 2);
    assert_int_equal(take_number(), 3);
}

static void socket_of_another_kind_gets_no_ring(void **state)
{
    (void)state;
    struct link_ring none;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_false(link_ring_open(&none, fd, 0));
    assert_false(link_ring_is_open(&none));
    (void)close(fd);
}

int main(void)
{
    if (!netns_is_possible())
        return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_have_sound_headers, start, stop),
        cmocka_unit_test_setup_teardown(many_batches_leave_in_their_order, start, stop),
        cmocka_unit_test_setup_teardown(no_more_is_put_than_fits, start, stop),
        cmocka_unit_test_setup_teardown(what_a_link_that_is_down_did_not_take_can_be_sent_later, start, stop),
        cmocka_unit_test_setup_teardown(frame_that_linux_refuses_stops_the_batch, start, stop),
        cmocka_unit_test_setup_teardown(ring_begins_anew_on_a_socket_that_had_one, start, stop),
        cmocka_unit_test_setup_teardown(socket_of_another_kind_gets_no_ring, start, stop),
    };
    return cmocka_run_group_tests_name("link ring", tests, NULL, NULL);
}
