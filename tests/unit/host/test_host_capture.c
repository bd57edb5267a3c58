/* host/capture.h: which packets the socket's filter lets through. All packets are sent over lo. */
#include "host/capture.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "netns.h"

static int setup(void **state)
{
    int failed = netns_setup(state);
    if (failed == 0)
        run("ip address add 10.9.0.1/32 dev lo && ip address add 10.9.0.2/32 dev lo && "
            "ip address add 10.9.0.3/32 dev lo && ip -6 address add 2001:db8::1/128 dev lo nodad && "
            "ip -6 address add 2001:db8::2/128 dev lo nodad && ip -6 address add 2001:db8::3/128 dev lo "
            "nodad");
    return failed;
}

static struct ip_address address(const char *text)
{
    struct ip_address a;
    assert_true(ip_address_parse(text, &a));
    return a;
}

static socklen_t socket_address(const char *text, uint16_t port, struct sockaddr_storage *out)
{
    const struct ip_address a = address(text);
    *out = (struct sockaddr_storage){.ss_family = a.family == IP_V4 ? AF_INET : AF_INET6};
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    v4->sin_port = htons(port); /* at the same place in both */
    if (a.family == IP_V4)
        memcpy(&v4->sin_addr, a.octets, 4);
    else
        memcpy(&v6->sin6_addr, a.octets, 16);
    return a.family == IP_V4 ? sizeof *v4 : sizeof *v6;
}

/* Sends octets from one address to the other. */
static void send_packet(int type, int protocol, const char *from, uint16_t from_port, const char *to,
                        uint16_t to_port, size_t length)
{
    static const uint8_t octets[4000];
    struct sockaddr_storage source, destination;
    socklen_t size = socket_address(from, from_port, &source);
    (void)socket_address(to, to_port, &destination);
    int fd = socket(source.ss_family, type | SOCK_CLOEXEC, protocol);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&source, size), 0);
    assert_int_equal(sendto(fd, octets, length, 0, (struct sockaddr *)&destination, size), length);
    close(fd);
}

static void send_udp(const char *from, uint16_t from_port, const char *to, uint16_t to_port)
{
    send_packet(SOCK_DGRAM, 0, from, from_port, to, to_port, 40);
}

static void send_esp(const char *from, const char *to)
{
    send_packet(SOCK_RAW, IPPROTO_ESP, from, 0, to, 0, 40);
}

/* How many packets the socket has seen; those on lo leave and come. */
static unsigned seen(int fd)
{
    uint8_t packet[4096];
    unsigned count = 0;
    while (recv(fd, packet, sizeof packet, MSG_DONTWAIT) > 0)
        count++;
    return count;
}

static void assert_seen(int fd, bool expected, const char *what)
{
    unsigned count = seen(fd);
    if ((count > 0) != expected)
        fail_msg("%s: %u packets seen", what, count);
}

static void set_filter(int fd, size_t count, const char *const *texts)
{
    struct ip_address peers[HOST_CAPTURE_PEERS_MAX] = {0};
    struct host_error err;
    for (size_t i = 0; i < count; i++)
        peers[i] = address(texts[i]);
    if (!host_capture_filter(fd, peers, count, &err))
        fail_msg("%s", err.text);
    (void)seen(fd);
}

static int open_capture(void)
{
    struct host_error err;
    int fd = host_capture_open(&err);
    if (fd < 0)
        fail_msg("%s", err.text);
    return fd;
}

/* Sends what the filter tells apart, from `from` to `to`; `of_peer`: one of them is a peer. */
static void try_pair(int fd, const char *from, const char *to, bool of_peer)
{
    send_udp(from, 500, to, 7);
    assert_seen(fd, of_peer, "from port 500");
    send_udp(from, 7, to, 500);
    assert_seen(fd, of_peer, "to port 500");
    send_udp(from, 4500, to, 4500);
    assert_seen(fd, of_peer, "port 4500");
    send_udp(from, 7, to, 501);
    assert_seen(fd, false, "other ports");
    send_esp(from, to);
    assert_seen(fd, of_peer, "ESP");
    send_packet(SOCK_RAW, IPPROTO_AH, from, 0, to, 0, 40);
    assert_seen(fd, false, "AH");
}

static void R100_a_capture_sees_nothing_before_it_has_a_filter(void **state)
{
    (void)state;
    int fd = open_capture();
    try_pair(fd, "10.9.0.1", "10.9.0.2", false);
    try_pair(fd, "2001:db8::1", "2001:db8::2", false);
    close(fd);
}

static void R100_a_capture_sees_ike_and_esp_of_its_peers_alone(void **state)
{
    (void)state;
    static const char *const peers[] = {"10.9.0.2", "2001:db8::2"};
    int fd = open_capture();
    set_filter(fd, 2, peers);
    try_pair(fd, "10.9.0.1", "10.9.0.2", true);
    try_pair(fd, "10.9.0.2", "10.9.0.1", true);
    try_pair(fd, "10.9.0.1", "10.9.0.3", false);
    try_pair(fd, "2001:db8::1", "2001:db8::2", true);
    try_pair(fd, "2001:db8::2", "2001:db8::1", true);
    try_pair(fd, "2001:db8::1", "2001:db8::3", false);

    set_filter(fd, 1, peers); /* it follows a peer */
    try_pair(fd, "10.9.0.1", "10.9.0.2", true);
    try_pair(fd, "2001:db8::1", "2001:db8::2", false);
    close(fd);
}

static void R100_a_capture_without_peers_sees_those_of_all(void **state)
{
    (void)state;
    int fd = open_capture();
    set_filter(fd, 0, NULL);
    try_pair(fd, "10.9.0.1", "10.9.0.3", true);
    try_pair(fd, "2001:db8::3", "2001:db8::1", true);
    close(fd);
}

static void R100_a_capture_has_room_for_as_many_peers_as_it_says(void **state)
{
    (void)state;
    struct ip_address peers[HOST_CAPTURE_PEERS_MAX];
    struct host_error err;
    int fd = open_capture();
    for (size_t i = 0; i < HOST_CAPTURE_PEERS_MAX; i++) {
        peers[i] = address("2001:db8:1::");
        peers[i].octets[15] = (uint8_t)i;
    }
    peers[HOST_CAPTURE_PEERS_MAX - 1] = address("2001:db8::2");
    assert_true(host_capture_filter(fd, peers, HOST_CAPTURE_PEERS_MAX, &err));
    try_pair(fd, "2001:db8::1", "2001:db8::2", true);
    try_pair(fd, "2001:db8::1", "2001:db8::3", false);
    close(fd);
}

/* The fragments behind the first one have no ports: they are seen if the peer fits. */
static void R100_a_capture_sees_all_fragments(void **state)
{
    (void)state;
    static const char *const peers[] = {"10.9.0.2", "2001:db8::2"};
    int fd = open_capture();
    run("ip link set lo mtu 1500");
    set_filter(fd, 2, peers);
    send_packet(SOCK_DGRAM, 0, "10.9.0.1", 500, "10.9.0.2", 500, 3000);
    assert_true(seen(fd) >= 3);
    send_packet(SOCK_DGRAM, 0, "2001:db8::1", 500, "2001:db8::2", 500, 3000);
    assert_true(seen(fd) >= 3);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(R100_a_capture_sees_nothing_before_it_has_a_filter, setup),
        cmocka_unit_test_setup(R100_a_capture_sees_ike_and_esp_of_its_peers_alone, setup),
        cmocka_unit_test_setup(R100_a_capture_without_peers_sees_those_of_all, setup),
        cmocka_unit_test_setup(R100_a_capture_has_room_for_as_many_peers_as_it_says, setup),
        cmocka_unit_test_setup(R100_a_capture_sees_all_fragments, setup),
    };
    return netns_is_possible() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
