/* The stand's packets and events: putting in, waiting for what comes out. */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "path/counters.h"
#include "path/segment.h"
#include "stand.h"

static size_t header_size(const uint8_t *packet)
{
    return packet[0] >> 4 == 4 ? 28 : 48;
}

size_t packet_make(uint8_t *packet, enum ip_family family, size_t length, uint32_t number)
{
    memset(packet, (int)number, length);
    memset(packet, 0, family == IP_V4 ? 28 : 48);
    uint8_t *udp = packet + (family == IP_V4 ? 20 : 40);
    if (family == IP_V4) {
        packet[0] = 0x45;
        store_u16be(packet + 2, (uint16_t)length);
        packet[8] = 64;
        packet[9] = IPPROTO_UDP;
        memcpy(packet + 12, (const uint8_t[]){10, 0, 1, 1, 10, 0, 2, 2}, 8);
    } else {
        packet[0] = 0x60;
        store_u16be(packet + 4, (uint16_t)(length - 40));
        packet[6] = IPPROTO_UDP;
        packet[7] = 64;
        packet[8] = packet[24] = 0xfd;
        packet[23] = 1;
        packet[39] = 2;
    }
    store_u16be(udp, 1000);
    store_u16be(udp + 2, 2000);
    store_u16be(udp + 4, (uint16_t)(packet + length - udp));
    store_u32be(udp + 8, number);
    return length;
}

uint32_t packet_number(const uint8_t *packet)
{
    return load_u32be(packet + header_size(packet));
}

void end_put(struct end *end, const uint8_t *packet, size_t length)
{
    const struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(packet[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP),
        .sll_ifindex = end->devices[end->tunnel].ifindex,
    };
    ssize_t sent;
    do
        sent = sendto(end->devices[end->tunnel].packets, packet, length, 0, (const struct sockaddr *)&address,
                      sizeof address);
    while (sent < 0 && errno == ENOBUFS);
    assert_int_equal(sent, (ssize_t)length);
}

static int super_socket_open(void)
{
    const int one = 1, size = 8 << 20;
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* the other type takes no such header */
    assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size), 0);
    return fd;
}

/* False if this kernel does not know the form. */
static bool super_send(const struct end *end, const struct virtio_net_hdr *form, const uint8_t *packet,
                       size_t length)
{
    static uint8_t both[sizeof *form + STAND_PACKET_MAX];
    const struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(packet[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP),
        .sll_ifindex = end->devices[end->tunnel].ifindex,
    };
    static int fd = -1; /* kept, since Linux takes its time to close one */
    if (fd < 0)
        fd = super_socket_open();
    memcpy(both, form, sizeof *form);
    memcpy(both + sizeof *form, packet, length);
    ssize_t sent =
        sendto(fd, both, sizeof *form + length, 0, (const struct sockaddr *)&address, sizeof address);
    if (sent < 0 && errno == EINVAL && form->gso_type == VIRTIO_NET_HDR_GSO_UDP_L4)
        return false;
    assert_int_equal(sent, (ssize_t)(sizeof *form + length));
    return true;
}

/* Before 6.2, TUN devices yield no UDP super-packets: Linux hands over their segments. */
static void put_segments(const struct end *end, const struct virtio_net_hdr *form, const uint8_t *packet,
                         size_t length)
{
    static uint8_t whole[STAND_PACKET_MAX], segment[STAND_PACKET_MAX];
    const struct virtio_net_hdr plain = {0};
    struct segmenter segmenter;
    struct octets body;
    memcpy(whole, packet, length);
    assert_true(segmenter_begin(&segmenter, form, whole, length));
    while (segmenter_next(&segmenter, segment, &body)) {
        memcpy(segment + segmenter.head, body.at, body.length);
        assert_true(super_send(end, &plain, segment, segmenter.head + body.length));
    }
}

void end_put_super(struct end *end, const struct virtio_net_hdr *form, const uint8_t *packet, size_t length)
{
    if (!super_send(end, form, packet, length))
        put_segments(end, form, packet, length);
}

static bool descriptor_await(int fd, int patience)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, patience) == 1;
}

size_t end_take(struct end *end, uint8_t packet[STAND_PACKET_MAX], int patience)
{
    if (!descriptor_await(end->devices[end->tunnel].packets, patience))
        return 0;
    ssize_t length = recv(end->devices[end->tunnel].packets, packet, STAND_PACKET_MAX, 0);
    assert_true(length > 0);
    return (size_t)length;
}

void end_put_number(struct end *end, enum ip_family family, size_t length, uint32_t number)
{
    static uint8_t packet[STAND_PACKET_MAX];
    end_put(end, packet, packet_make(packet, family, length, number));
}

void end_expect_number(struct end *end, uint32_t number)
{
    static uint8_t packet[STAND_PACKET_MAX], expected[STAND_PACKET_MAX];
    size_t length = end_take(end, packet, STAND_PATIENCE);
    if (length == 0)
        fail_msg("packet %u did not come", number);
    assert_int_equal(packet_number(packet), number);
    enum ip_family family = packet[0] >> 4 == 4 ? IP_V4 : IP_V6;
    assert_int_equal(packet_make(expected, family, length, number), length);
    assert_memory_equal(packet, expected, length);
}

void end_expect_silence(struct end *end)
{
    static uint8_t packet[STAND_PACKET_MAX];
    size_t length = end_take(end, packet, STAND_QUIET);
    if (length != 0)
        fail_msg("a packet of %zu octets came, number %u", length, packet_number(packet));
}

static bool end_await_event(struct end *end, enum path_event_kind kind, int patience,
                            struct path_event *event)
{
    int64_t until = stand_clock() + patience;
    for (;;) {
        while (path_next_event(end->path, event)) {
            if (event->kind == kind)
                return true;
            if (event->kind == PATH_DONE)
                assert_int_equal(event->result, PATH_OK);
        }
        int64_t left = until - stand_clock();
        if (left <= 0)
            return false;
        (void)descriptor_await(path_event_fd(end->path), (int)left);
    }
}

bool end_await_events(const struct end *end)
{
    return descriptor_await(path_event_fd(end->path), STAND_PATIENCE);
}

struct path_event end_expect_event(struct end *end, enum path_event_kind kind)
{
    struct path_event event = {0};
    if (!end_await_event(end, kind, STAND_PATIENCE, &event))
        fail_msg("event %d did not come", (int)kind);
    return event;
}

bool end_has_event(struct end *end, enum path_event_kind kind)
{
    struct path_event event;
    return end_await_event(end, kind, STAND_QUIET, &event);
}

uint64_t end_total(const struct end *end, enum esp_counter counter)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < end->workers; i++)
        sum += counter_read(&end->totals[i * STAND_TUNNELS_MAX + end->tunnel].counters[counter]);
    return sum;
}

uint64_t end_fragmented(const struct end *end)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < end->workers; i++)
        sum += counter_read(&end->totals[i * STAND_TUNNELS_MAX + end->tunnel].fragmented);
    return sum;
}

uint64_t end_worker_total(const struct end *end, unsigned worker, enum esp_counter counter)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < end->tunnels; i++)
        sum += counter_read(&end->totals[worker * STAND_TUNNELS_MAX + i].counters[counter]);
    return sum;
}

void end_expect_total(const struct end *end, enum esp_counter counter, uint64_t value)
{
    int64_t until = stand_clock() + STAND_PATIENCE;
    while (end_total(end, counter) != value && stand_clock() < until)
        (void)usleep(1000);
    assert_int_equal(end_total(end, counter), value);
}

static uint64_t end_worker_counter(const struct end *end, enum path_counter counter)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < end->workers; i++)
        sum += counter_read(&end->counters[i].counters[counter]);
    return sum;
}

void end_expect_worker_counter(const struct end *end, enum path_counter counter, uint64_t value)
{
    int64_t until = stand_clock() + STAND_PATIENCE;
    while (end_worker_counter(end, counter) != value && stand_clock() < until)
        (void)usleep(1000);
    assert_int_equal(end_worker_counter(end, counter), value);
}

struct ip_endpoint middle_endpoint(uint8_t host)
{
    return (struct ip_endpoint){ip_address_of(IP_V4, (const uint8_t[]){127, 0, 0, host}), 4500};
}

int middle_open(uint8_t host)
{
    struct sockaddr_storage address;
    struct ip_endpoint endpoint = middle_endpoint(host);
    socklen_t length = ip_endpoint_to_sockaddr(&endpoint, &address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int size = 8 << 20;
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size), 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, length), 0);
    return fd;
}

size_t middle_take(int fd, uint8_t *datagram, size_t size, int patience)
{
    if (!descriptor_await(fd, patience))
        return 0;
    ssize_t length = recv(fd, datagram, size, 0);
    assert_true(length > 0);
    return (size_t)length;
}

void middle_put(int fd, const struct end *to, const uint8_t *datagram, size_t length)
{
    struct sockaddr_storage address;
    struct ip_endpoint endpoint = {end_address(to->index, IP_V4), 4500};
    socklen_t size = ip_endpoint_to_sockaddr(&endpoint, &address);
    assert_int_equal(sendto(fd, datagram, length, 0, (const struct sockaddr *)&address, size),
                     (ssize_t)length);
}

void middle_put_merged(int fd, const struct end *to, const uint8_t *datagrams, size_t length,
                       uint16_t segment)
{
    const int size = segment, none = 0;
    assert_int_equal(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size), 0);
    middle_put(fd, to, datagrams, length);
    assert_int_equal(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &none, sizeof none), 0);
}
