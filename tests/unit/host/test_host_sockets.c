/* host/sockets.h, host/steer.h: each datagram comes to its owner, ports in use are told */
#include "host/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "esp/owner.h"
#include "netns.h"

enum { WORKERS = 3, WAIT = 10000 /* ms: much longer than it ever takes */ };

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

/* Sends a datagram until one has come: on a busy machine Linux drops some, on loopback too, since all
 * namespaces share a queue of each processor. */
static void deliver(int from, const char *address, uint16_t port, struct octets datagram, int to)
{
    enum { PATIENCE = 500 };
    struct pollfd ready = {.fd = to, .events = POLLIN};
    for (int tries = 0; tries < WAIT / PATIENCE && ready.revents == 0; tries++) {
        send_to(from, address, port, datagram.at, datagram.length);
        assert_true(poll(&ready, 1, PATIENCE) >= 0);
    }
    assert_int_equal(ready.revents, POLLIN);
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
            assert_int_equal(taken_from(s->natt_worker[esp_owner_of_spi(spis[i], WORKERS)], WAIT),
                             sizeof datagram);
            send_to(from, loopback(family), HOST_PORT_NATT, datagram, sizeof spis[i]); /* an SPI alone */
            assert_int_equal(taken_from(s->natt_worker[esp_owner_of_spi(spis[i], WORKERS)], WAIT),
                             sizeof spis[i]);
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
        assert_int_equal(taken_from(s->esp_worker[esp_owner_of_spi(spi, WORKERS)], WAIT),
                         header + sizeof packet);
    }
    send_to(s->esp_worker[0], to, 0, packet, 3); /* too short to have an SPI: the first one counts it */
    assert_int_equal(taken_from(s->esp_worker[0], WAIT), header + 3);
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
    assert_int_equal(taken_from(sockets.v4.esp_worker[esp_owner_of_spi(1001, WORKERS)], WAIT),
                     28 + sizeof packet);
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
        assert_int_equal(taken_from(s->esp_worker[esp_owner_of_spi(500, WORKERS)], WAIT),
                         sizeof packet + (v == 4 ? 20 : 0));
        send_to(s->ike, loopback((enum ip_family)v), HOST_PORT_NATT, packet, sizeof packet);
        assert_int_equal(taken_from(s->natt_worker[esp_owner_of_spi(500, WORKERS)], WAIT), sizeof packet);
    }
    assert_nothing_else_waits();
    host_sockets_close(&sockets);
}

static void datagrams_tell_their_destination(void **state)
{
    (void)state;
    run("ip addr add 10.5.0.1/32 dev lo && ip addr add 2001:db8::5/128 dev lo nodad");
    open_all(WORKERS);
    uint8_t octets[16] = {0};
    char control[128];
    struct iovec vector = {octets, sizeof octets};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control};
    const struct octets datagram = {octets, sizeof octets};

    deliver(sockets.v4.natt, "10.5.0.1", HOST_PORT_IKE, datagram, sockets.v4.ike);
    message.msg_controllen = sizeof control;
    assert_int_equal(recvmsg(sockets.v4.ike, &message, 0), sizeof octets);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    assert_non_null(c);
    assert_int_equal(c->cmsg_type, IP_PKTINFO);
    struct in_pktinfo four;
    memcpy(&four, CMSG_DATA(c), sizeof four);
    assert_int_equal(four.ipi_addr.s_addr, inet_addr("10.5.0.1"));
    assert_int_equal(four.ipi_ifindex, 1);

    deliver(sockets.v6.natt, "2001:db8::5", HOST_PORT_IKE, datagram, sockets.v6.ike);
    message.msg_controllen = sizeof control;
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

/* Lets go of a socket that is under way from one end of a socket pair to the other. */
static void *let_go(void *context)
{
    const int *pair = context;
    (void)poll(NULL, 0, 100);
    (void)close(pair[0]);
    (void)close(pair[1]);
    return NULL;
}

static void port_that_no_process_is_found_to_have_is_waited_for(void **state)
{
    (void)state;
    int pair[2];
    int holder = bound_udp(IP_V4, HOST_PORT_NATT);
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof holder)] = {0};
    char nothing = 0;
    struct iovec octet = {.iov_base = &nothing, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &octet, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){CMSG_LEN(sizeof holder), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &holder, sizeof holder);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    assert_int_equal(sendmsg(pair[0], &message, 0), 1);
    (void)close(holder);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, let_go, pair), 0);

    open_all(WORKERS);

    assert_int_equal(pthread_join(thread, NULL), 0);
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

static int open_sender(enum host_sender_kind kind, enum ip_family family, uint32_t mark, bool dont_fragment)
{
    const struct host_sender sender = {kind, family, mark, dont_fragment};
    struct host_error err;
    int fd = host_sender_open(&sender, &err);
    if (fd < 0)
        fail_msg("%s", err.text);
    return fd;
}

static void senders_receive_nothing(void **state)
{
    (void)state;
    open_all(WORKERS);
    int senders[6], count = 0;
    for (int kind = HOST_SENDER_IKE; kind <= HOST_SENDER_ESP; kind++) {
        senders[count++] = open_sender((enum host_sender_kind)kind, IP_V4, 77, true);
        senders[count++] = open_sender((enum host_sender_kind)kind, IP_V6, 0, false);
    }
    udp_is_steered(IP_V4);
    udp_is_steered(IP_V6);
    esp_is_steered(IP_V4, loopback(IP_V4));
    esp_is_steered(IP_V6, loopback(IP_V6));
    for (int i = 0; i < count; i++) {
        assert_int_equal(taken_from(senders[i], 0), -1);
        (void)close(senders[i]);
    }
    host_sockets_close(&sockets);
}

/* Linux looks at any socket of the port to know whether it may merge datagrams of a flow. */
static void senders_let_linux_merge_datagrams_for_the_workers(void **state)
{
    (void)state;
    const enum ip_family families[] = {IP_V4, IP_V6};
    for (size_t i = 0; i < 2; i++) {
        int sender = open_sender(HOST_SENDER_NATT, families[i], 0, i == 0);
        int merged = 0;
        socklen_t size = sizeof merged;
        assert_int_equal(getsockopt(sender, IPPROTO_UDP, UDP_GRO, &merged, &size), 0);
        assert_int_equal(merged, 1);
        (void)close(sender);
    }
}

static void R44_sender_with_a_mark_follows_its_own_table(void **state)
{
    (void)state;
    open_all(WORKERS);
    int marked = open_sender(HOST_SENDER_IKE, IP_V4, 77, false);
    int plain = open_sender(HOST_SENDER_IKE, IP_V4, 0, false);
    run("ip rule add fwmark 77 table 77 && ip route add unreachable default table 77 && "
        "ip addr add 10.5.0.1/32 dev lo && ip route add 203.0.113.0/24 dev lo");
    struct ip_endpoint to = {.port = HOST_PORT_IKE, .address = ip_address_of(IP_V4, "\313\0\161\1")};
    struct sockaddr_storage wire;
    socklen_t size = ip_endpoint_to_sockaddr(&to, &wire);
    assert_int_equal(sendto(marked, "x", 1, 0, (struct sockaddr *)&wire, size), -1);
    assert_int_equal(errno, EHOSTUNREACH);
    assert_int_equal(sendto(plain, "x", 1, 0, (struct sockaddr *)&wire, size), 1);
    (void)close(marked);
    (void)close(plain);
    host_sockets_close(&sockets);
}

static void S39_sender_that_does_not_fragment_sets_df(void **state)
{
    (void)state;
    run("ip link set lo mtu 1500");
    open_all(WORKERS);
    int whole = open_sender(HOST_SENDER_ESP, IP_V4, 0, true),
        any = open_sender(HOST_SENDER_ESP, IP_V4, 0, false);
    uint8_t packet[2000] = {0}, received[2100];
    const int owner = sockets.v4.esp_worker[esp_owner_of_spi(300, WORKERS)];
    store_u32be(packet, 300);
    for (int df = 0; df <= 1; df++) {
        send_to(df ? whole : any, loopback(IP_V4), 0, packet, 1000);
        wait_for(owner);
        assert_int_equal(recv(owner, received, sizeof received, 0), 1020);
        assert_int_equal(received[6] & 0x40, df ? 0x40 : 0);
    }
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(sendto(whole, packet, sizeof packet, 0, (struct sockaddr *)&to, sizeof to), -1);
    assert_int_equal(errno, EMSGSIZE);
    assert_int_equal(sendto(any, packet, sizeof packet, 0, (struct sockaddr *)&to, sizeof to), sizeof packet);
    (void)close(whole);
    (void)close(any);
    host_sockets_close(&sockets);
}

static void S9_zero_udp_checksums_are_accepted(void **state)
{
    (void)state;
    open_all(WORKERS);
    uint8_t datagram[40] = {0, 0, 0, 9};
    int on = 1, six = bound_udp(IP_V6, 30000), four = bound_udp(IP_V4, 30000);
    assert_int_equal(setsockopt(six, IPPROTO_UDP, UDP_NO_CHECK6_TX, &on, sizeof on), 0);
    assert_int_equal(setsockopt(four, SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
    send_to(six, loopback(IP_V6), HOST_PORT_NATT, datagram, sizeof datagram);
    send_to(four, loopback(IP_V4), HOST_PORT_NATT, datagram, sizeof datagram);
    assert_int_equal(taken_from(sockets.v6.natt_worker[esp_owner_of_spi(9, WORKERS)], WAIT), sizeof datagram);
    assert_int_equal(taken_from(sockets.v4.natt_worker[esp_owner_of_spi(9, WORKERS)], WAIT), sizeof datagram);
    (void)close(six);
    (void)close(four);
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
        IN_NAMESPACE(port_that_no_process_is_found_to_have_is_waited_for),
        IN_NAMESPACE(second_opening_fails_though_ports_can_be_shared),
        IN_NAMESPACE(senders_receive_nothing),
        IN_NAMESPACE(senders_let_linux_merge_datagrams_for_the_workers),
        IN_NAMESPACE(R44_sender_with_a_mark_follows_its_own_table),
        IN_NAMESPACE(S39_sender_that_does_not_fragment_sets_df),
        IN_NAMESPACE(S9_zero_udp_checksums_are_accepted),
    };
    if (!netns_is_possible())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
