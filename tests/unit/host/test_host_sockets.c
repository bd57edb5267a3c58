/* host/sockets.h, host/steer.h: each datagram comes to its owner, ports in use are told */
#include "host/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "host/spi_owner.h"
#include "netns.h"

enum { WORKERS = 3, WAIT = 1000 /* ms */ };

static struct host_sockets sockets;

static void open_all(uint32_t workers)
{
    struct host_error err;
    if (!host_sockets_open(&sockets, workers, &err))
        fail_msg("%s", err.text);
}

static const struct host_family_sockets *family_sockets(enum ip_family family)
{
    return family == IP_V4 ? &sockets.v4 : &sockets.v6;
}

static const char *loopback(enum ip_family family)
{
    return family == IP_V4 ? "127.0.0.1" : "::1";
}

static int bound_udp(enum ip_family family, uint16_t port)
{
    struct ip_endpoint any = {.address = {.family = family}, .port = port};
    struct sockaddr_storage address;
    socklen_t length = ip_endpoint_to_sockaddr(&any, &address);
    int fd = socket(ip_address_af(family), SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
    assert_true(fd >= 0);
    if (family == IP_V6)
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    return fd;
}

static void send_to(int fd, const char *address, uint16_t port, const void *octets, size_t length)
{
    struct ip_endpoint to = {.port = port};
    struct sockaddr_storage wire;
    assert_true(ip_address_parse(address, &to.address));
    socklen_t size = ip_endpoint_to_sockaddr(&to, &wire);
    assert_int_equal(sendto(fd, octets, length, 0, (struct sockaddr *)&wire, size), length);
}

static void wait_for(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, WAIT), 1);
}

/* The number of octets that wait at a socket within `wait` ms; -1 if none do. They are taken out. */
static ssize_t taken_from(int fd, int wait)
{
    char octets[70000];
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (poll(&ready, 1, wait) != 1)
        return -1;
    return recv(fd, octets, sizeof octets, 0);
}

static void assert_nothing_else_waits(void)
{
    for (int v = 4; v <= 6; v += 2) {
        const struct host_family_sockets *s = family_sockets((enum ip_family)v);
        assert_int_equal(taken_from(s->ike, 0), -1);
        assert_int_equal(taken_from(s->natt, 0), -1);
        for (int i = 0; i < WORKERS; i++) {
            assert_int_equal(taken_from(s->natt_worker[i], 0), -1);
            assert_int_equal(taken_from(s->esp_worker[i], 0), -1);
        }
    }
}

static void udp_is_steered(enum ip_family family)
{
    const struct host_family_sockets *s = family_sockets(family);
    static const uint32_t spis[] = {1, 2, 3, 256, 257, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    uint8_t datagram[100] = {0};
    /* many source ports: the hash of the addresses must not matter */
    for (uint16_t port = 30000; port < 30008; port++) {
        int from = bound_udp(family, port);
        for (size_t i = 0; i < sizeof spis / sizeof spis[0]; i++) {
            store_u32be(datagram, spis[i]);
            send_to(from, loopback(family), HOST_PORT_NATT, datagram, sizeof datagram);
            assert_int_equal(taken_from(s->natt_worker[spi_owner(spis[i], WORKERS)], WAIT), sizeof datagram);
        }
        store_u32be(datagram, 0); /* the zero marker: IKE */
        send_to(from, loopback(family), HOST_PORT_NATT, datagram, sizeof datagram);
        assert_int_equal(taken_from(s->natt, WAIT), sizeof datagram);
        datagram[0] = 0xff; /* a keepalive */
        send_to(from, loopback(family), HOST_PORT_NATT, datagram, 1);
        assert_int_equal(taken_from(s->natt, WAIT), 1);
        send_to(from, loopback(family), HOST_PORT_NATT, datagram, 3);
        assert_int_equal(taken_from(s->natt, WAIT), 3);
        send_to(from, loopback(family), HOST_PORT_NATT, datagram, 0);
        assert_int_equal(taken_from(s->natt, WAIT), 0);
        send_to(from, loopback(family), HOST_PORT_IKE, datagram, sizeof datagram);
        assert_int_equal(taken_from(s->ike, WAIT), sizeof datagram);
        (void)close(from);
    }
    assert_nothing_else_waits();
}

static void udp_datagrams_come_to_the_owner_of_their_spi(void **state)
{
    (void)state;
    open_all(WORKERS);
    udp_is_steered(IP_V4);
    udp_is_steered(IP_V6);
    host_sockets_close(&sockets);
}

static void esp_is_steered(enum ip_family family, const char *to)
{
    const struct host_family_sockets *s = family_sockets(family);
    size_t header = family == IP_V4 ? 20 : 0; /* what a raw socket of IPv4 sees besides */
    uint8_t packet[200] = {0};
    for (uint32_t spi = 250; spi < 280; spi++) {
        store_u32be(packet, spi);
        send_to(s->esp_worker[0], to, 0, packet, sizeof packet);
        assert_int_equal(taken_from(s->esp_worker[spi_owner(spi, WORKERS)], WAIT), header + sizeof packet);
    }
    send_to(s->esp_worker[0], to, 0, packet, 3); /* too short to have an SPI: nobody's */
    assert_nothing_else_waits();
}

static void esp_packets_come_to_the_owner_of_their_spi(void **state)
{
    (void)state;
    open_all(WORKERS);
    esp_is_steered(IP_V4, loopback(IP_V4));
    esp_is_steered(IP_V6, loopback(IP_V6));
    host_sockets_close(&sockets);
}

static void esp_with_ip_options_comes_to_its_owner_too(void **state)
{
    (void)state;
    open_all(WORKERS);
    uint8_t packet[64] = {0}, options[8] = {IPOPT_NOP, IPOPT_NOP, IPOPT_NOP, IPOPT_NOP, 1, 1, 1, 0};
    int from = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ESP);
    assert_int_equal(setsockopt(from, IPPROTO_IP, IP_OPTIONS, options, sizeof options), 0);
    store_u32be(packet, 1001);
    send_to(from, loopback(IP_V4), 0, packet, sizeof packet);
    assert_int_equal(taken_from(sockets.v4.esp_worker[1001 % WORKERS], WAIT), 28 + sizeof packet);
    (void)close(from);
    assert_nothing_else_waits();
    host_sockets_close(&sockets);
}

static void fragmented_packets_come_whole_to_their_owner(void **state)
{
    (void)state;
    run("ip link set lo mtu 1500");
    open_all(WORKERS);
    static uint8_t packet[40000];
    store_u32be(packet, 500);
    for (int v = 4; v <= 6; v += 2) {
        const struct host_family_sockets *s = family_sockets((enum ip_family)v);
        send_to(s->esp_worker[1], loopback((enum ip_family)v), 0, packet, sizeof packet);
        assert_int_equal(taken_from(s->esp_worker[500 % WORKERS], WAIT), sizeof packet + (v == 4 ? 20 : 0));
        send_to(s->ike, loopback((enum ip_family)v), HOST_PORT_NATT, packet, sizeof packet);
        assert_int_equal(taken_from(s->natt_worker[500 % WORKERS], WAIT), sizeof packet);
    }
    assert_nothing_else_waits();
    host_sockets_close(&sockets);
}

static void datagrams_tell_their_destination(void **state)
{
    (void)state;
    run("ip addr add 10.5.0.1/32 dev lo && ip addr add 2001:db8::5/128 dev lo nodad");
    open_all(WORKERS);
    char octets[16], control[128];
    struct iovec vector = {octets, sizeof octets};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control};

    send_to(sockets.v4.natt, "10.5.0.1", HOST_PORT_IKE, octets, sizeof octets);
    message.msg_controllen = sizeof control;
    wait_for(sockets.v4.ike);
    assert_int_equal(recvmsg(sockets.v4.ike, &message, 0), sizeof octets);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    assert_non_null(c);
    assert_int_equal(c->cmsg_type, IP_PKTINFO);
    struct in_pktinfo four;
    memcpy(&four, CMSG_DATA(c), sizeof four);
    assert_int_equal(four.ipi_addr.s_addr, inet_addr("10.5.0.1"));
    assert_int_equal(four.ipi_ifindex, 1);

    send_to(sockets.v6.natt, "2001:db8::5", HOST_PORT_IKE, octets, sizeof octets);
    message.msg_controllen = sizeof control;
    wait_for(sockets.v6.ike);
    assert_int_equal(recvmsg(sockets.v6.ike, &message, 0), sizeof octets);
    c = CMSG_FIRSTHDR(&message);
    assert_non_null(c);
    assert_int_equal(c->cmsg_type, IPV6_PKTINFO);
    struct in6_pktinfo six;
    memcpy(&six, CMSG_DATA(c), sizeof six);
    char text[IP_TEXT_SIZE];
    assert_string_equal(inet_ntop(AF_INET6, &six.ipi6_addr, text, sizeof text), "2001:db8::5");
    host_sockets_close(&sockets);
}

static void assert_refused(const char *reason)
{
    struct host_error err;
    struct host_sockets second;
    assert_false(host_sockets_open(&second, WORKERS, &err));
    if (strstr(err.text, reason) == NULL)
        fail_msg("\"%s\" is missing in: %s", reason, err.text);
    assert_int_equal(second.v4.ike, -1);
    assert_int_equal(second.v4.natt_worker[0], -1);
}

static void ports_in_use_are_told_with_their_holder(void **state)
{
    (void)state;
    static const uint16_t ports[] = {HOST_PORT_IKE, HOST_PORT_NATT};
    char reason[128];
    for (size_t i = 0; i < 2; i++) {
        for (int v = 4; v <= 6; v += 2) {
            int holder = bound_udp((enum ip_family)v, ports[i]);
            (void)snprintf(reason, sizeof reason,
                           "UDP port %u (IPv%d) is in use by test_host_socke (process %d)", ports[i], v,
                           (int)getpid());
            assert_refused(reason);
            (void)close(holder);
        }
    }
    open_all(WORKERS); /* and then it works, since nothing stayed open */
    host_sockets_close(&sockets);
}

static void second_opening_fails_though_ports_can_be_shared(void **state)
{
    (void)state;
    open_all(WORKERS);
    assert_refused("UDP port 500 (IPv4) is in use by");
    udp_is_steered(IP_V4); /* the first is undisturbed */
    host_sockets_close(&sockets);
    open_all(1);
    host_sockets_close(&sockets);
}

static void sender_with_a_mark_receives_nothing(void **state)
{
    (void)state;
    open_all(WORKERS);
    struct host_error err;
    int ike = host_socket_for_sending(IP_V4, HOST_PORT_IKE, 77, &err);
    int natt = host_socket_for_sending(IP_V6, HOST_PORT_NATT, 78, &err);
    assert_true(ike >= 0 && natt >= 0);
    udp_is_steered(IP_V4);
    udp_is_steered(IP_V6);
    assert_int_equal(taken_from(ike, 0), -1);
    assert_int_equal(taken_from(natt, 0), -1);

    /* it sends from port 500, by the table of its mark */
    run("ip rule add fwmark 77 table 77 && ip route add unreachable default table 77 && "
        "ip addr add 10.5.0.1/32 dev lo && ip route add 203.0.113.0/24 dev lo");
    struct ip_endpoint to = {.port = HOST_PORT_IKE, .address = ip_address_of(IP_V4, "\313\0\161\1")};
    struct sockaddr_storage wire;
    socklen_t size = ip_endpoint_to_sockaddr(&to, &wire);
    assert_int_equal(sendto(ike, "x", 1, 0, (struct sockaddr *)&wire, size), -1);
    assert_int_equal(errno, EHOSTUNREACH);
    assert_int_equal(sendto(sockets.v4.ike, "x", 1, 0, (struct sockaddr *)&wire, size), 1);
    (void)close(ike);
    (void)close(natt);
    host_sockets_close(&sockets);
}

int main(void)
{
#define IN_NAMESPACE(test) cmocka_unit_test_setup(test, netns_setup)
    const struct CMUnitTest tests[] = {
        IN_NAMESPACE(udp_datagrams_come_to_the_owner_of_their_spi),
        IN_NAMESPACE(esp_packets_come_to_the_owner_of_their_spi),
        IN_NAMESPACE(esp_with_ip_options_comes_to_its_owner_too),
        IN_NAMESPACE(fragmented_packets_come_whole_to_their_owner),
        IN_NAMESPACE(datagrams_tell_their_destination),
        IN_NAMESPACE(ports_in_use_are_told_with_their_holder),
        IN_NAMESPACE(second_opening_fails_though_ports_can_be_shared),
        IN_NAMESPACE(sender_with_a_mark_receives_nothing),
    };
    if (!netns_is_possible())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
