/* Datagrams of one SA, size and traffic class leave together, by UDP_SEGMENT, where the kernel takes them so.
 */
#include "stand.h"
#include "super_packet.h"

#include <linux/udp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "path/wire.h"

enum { SIZE = 1000, HEAD = 40, ESP_AROUND = 8 + 8 + 2 + 2 + 16 /* AES-GCM, with padding to four octets */ };

static struct stand stand;
static unsigned workers;
static struct end *const here = &stand.ends[0];
static uint8_t packet[SUPER_PACKET_MAX + 512], datagrams[SUPER_PACKET_MAX];
static int middle;

static int start(void **state)
{
    (void)state;
    const int one = 1;
    stand_set_offload(true, false);
    stand_start(&stand, workers);
    middle = middle_open(3);
    assert_int_equal(setsockopt(middle, IPPROTO_UDP, UDP_GRO, &one, sizeof one), 0);
    struct child_settings child = end_child(here, &stand_gcm_udp, 1);
    child.destination.remote = middle_endpoint(3);
    end_install(here, &child);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    (void)close(middle);
    stand_stop(&stand);
    return 0;
}

/* Puts a super-packet with so many octets of payload, in segments of `size`. */
static void put(size_t size, size_t payload, uint8_t traffic_class)
{
    uint64_t random = 5;
    const struct super_shape shape = {IP_V4, IPPROTO_TCP, 20, 20, size, payload};
    struct virtio_net_hdr form = super_packet_make(&shape, &random, packet);
    packet[1] = traffic_class;
    packet[6] = packet[7] = 0; /* no DF, so that the socket without it sends */
    end_put_super(here, &form, packet, HEAD + payload);
}

/* What came to the middle at once: octets, and the size of each datagram but the last. */
struct together {
    size_t length;
    int segment;
};

static struct together take(void)
{
    struct iovec vector = {datagrams, sizeof datagrams};
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))];
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct pollfd ready = {.fd = middle, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, STAND_PATIENCE), 1);
    ssize_t length = recvmsg(middle, &message, 0);
    assert_true(length > 0);
    struct together together = {(size_t)length, 0};
    const struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (c != NULL && c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO)
        memcpy(&together.segment, CMSG_DATA(c), sizeof together.segment);
    return together;
}

static size_t sealed(size_t payload)
{
    return (ESP_AROUND - 2 + HEAD + payload + 3) / 4 * 4;
}

/* So many datagrams with SIZE octets of payload come together, with sequence numbers from `first` on. */
static void expect(size_t count, uint32_t first)
{
    struct together together = take();
    assert_int_equal(together.length, count * sealed(SIZE));
    assert_int_equal(together.segment, count > 1 ? (int)sealed(SIZE) : 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(load_u32be(datagrams + i * sealed(SIZE) + 4), first + i);
}

static void segments_of_a_super_packet_leave_together(void **state)
{
    (void)state;
    put(SIZE, 20 * SIZE, 0);
    expect(20, 1);
    end_expect_total(here, ESP_OUT_PACKETS, 20);
    end_expect_total(here, ESP_OUT_OCTETS, 20 * (HEAD + SIZE));
}

static void the_last_one_may_be_shorter(void **state)
{
    (void)state;
    put(SIZE, 3 * SIZE + 10, 0);
    struct together together = take();
    assert_int_equal(together.length, 3 * sealed(SIZE) + sealed(10));
    assert_int_equal(together.segment, sealed(SIZE));
}

static void they_are_no_more_than_a_message_takes(void **state)
{
    (void)state;
    put(SIZE, 62 * SIZE, 0);
    expect(WIRE_SEGMENTED_MAX / sealed(SIZE), 1);
    expect(62 - WIRE_SEGMENTED_MAX / sealed(SIZE), 1 + WIRE_SEGMENTED_MAX / (uint32_t)sealed(SIZE));

    put(100, 150 * 100, 0);
    for (size_t left = 150; left > 0;) {
        size_t count = left < WIRE_SEGMENTS_MAX ? left : WIRE_SEGMENTS_MAX;
        assert_int_equal(take().length, count * sealed(100));
        left -= count;
    }
}

static void S29_only_those_of_one_traffic_class_leave_together(void **state)
{
    (void)state;
    put(SIZE, 4 * SIZE, 0xb8);
    put(SIZE, 4 * SIZE, 0);
    expect(4, 1);
    expect(4, 5);
}

static void datagrams_that_the_kernel_does_not_take_together_leave_singly(void **state)
{
    (void)state;
    const int one = 1;
    /* Linux refuses UDP_SEGMENT where it makes no checksums: EINVAL. */
    for (unsigned i = 0; i < workers; i++)
        assert_int_equal(setsockopt(here->udp_v4[i], SOL_SOCKET, SO_NO_CHECK, &one, sizeof one), 0);

    for (uint32_t round = 0; round < 2; round++) {
        put(SIZE, 20 * SIZE, 0);
        for (uint32_t i = 0; i < 20; i++)
            expect(1, 20 * round + i + 1);
    }

    end_expect_total(here, ESP_OUT_PACKETS, 40);
    end_expect_total(here, ESP_OUT_OCTETS, 40 * (HEAD + SIZE));
    end_expect_total(here, ESP_OUT_MISC_ERROR, 0);
}

static void each_datagram_that_is_refused_is_counted(void **state)
{
    (void)state;
    struct child_destination nowhere = end_child(here, &stand_gcm_udp, 1).destination;
    nowhere.remote.address = ip_address_of(IP_V4, (const uint8_t[]){192, 0, 2, 1});
    assert_int_equal(child_redirect(here->path, 0, end_spi(here, 1), &nowhere), PATH_OK);
    path_settle(here->path);

    put(SIZE, 20 * SIZE, 0);

    end_expect_total(here, ESP_OUT_MISC_ERROR, 20);
    end_expect_total(here, ESP_OUT_PACKETS, 0);
    end_expect_total(here, ESP_OUT_OCTETS, 0);
}

#define STAND_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        STAND_TEST(segments_of_a_super_packet_leave_together),
        STAND_TEST(the_last_one_may_be_shorter),
        STAND_TEST(they_are_no_more_than_a_message_takes),
        STAND_TEST(S29_only_those_of_one_traffic_class_leave_together),
        STAND_TEST(datagrams_that_the_kernel_does_not_take_together_leave_singly),
        STAND_TEST(each_datagram_that_is_refused_is_counted),
    };
    workers = stand_workers(argc, argv);
    if (!stand_enter_namespace())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
