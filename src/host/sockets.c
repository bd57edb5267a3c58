#include "host/sockets.h"

#include <errno.h>
#include <linux/icmp.h>
#include <linux/udp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/port_holder.h"
#include "host/steer.h"

struct option {
    int level, name, value;
};

static bool set_options(int fd, const struct option *options, size_t count, struct host_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int)) < 0)
            return host_fail(err, errno, "cannot set a socket's option");
    }
    return true;
}

/* Path MTUs learnt by the kernel do not count: how large packets may be is decided above (R72). */
static bool set_common_options(int fd, enum ip_family family, struct host_error *err)
{
    static const struct option v4[] = {
        {SOL_SOCKET, SO_RCVBUFFORCE, HOST_SOCKET_BUFFER},
        {SOL_SOCKET, SO_SNDBUFFORCE, HOST_SOCKET_BUFFER},
        {IPPROTO_IP, IP_PKTINFO, 1},
        {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT},
    };
    static const struct option v6[] = {
        {SOL_SOCKET, SO_RCVBUFFORCE, HOST_SOCKET_BUFFER},
        {SOL_SOCKET, SO_SNDBUFFORCE, HOST_SOCKET_BUFFER},
        {IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},
        {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT},
        {IPPROTO_IPV6, IPV6_DONTFRAG, 0},
    };
    if (family == IP_V4)
        return set_options(fd, v4, sizeof v4 / sizeof v4[0], err);
    return set_options(fd, v6, sizeof v6 / sizeof v6[0], err);
}

/* The ECN field of what arrives counts (RFC 6040). A raw IPv4 socket shows the IP header itself. */
static bool set_traffic_class_shown(int fd, enum ip_family family, struct host_error *err)
{
    static const struct option v4 = {IPPROTO_IP, IP_RECVTOS, 1};
    static const struct option v6 = {IPPROTO_IPV6, IPV6_RECVTCLASS, 1};
    return set_options(fd, family == IP_V4 ? &v4 : &v6, 1, err);
}

static int open_socket(enum ip_family family, int type, int protocol, struct host_error *err)
{
    int fd = socket(ip_address_af(family), type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd < 0) {
        (void)host_fail(err, errno, "cannot open a socket");
        return -1;
    }
    int only = 1;
    if (family == IP_V6 && type == SOCK_DGRAM && /* a raw one is so anyway */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) < 0) {
        (void)host_fail(err, errno, "cannot keep an IPv6 socket to IPv6");
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* A process that was killed has a port a little longer than it can be found by it: then it is tried again. */
static bool bind_port(int fd, enum ip_family family, uint16_t port, struct host_error *err)
{
    enum { TRIES = 100, PAUSE = 20 /* milliseconds */ };
    struct sockaddr_storage address;
    const struct ip_endpoint any = {.address = {.family = family}, .port = port};
    socklen_t length = ip_endpoint_to_sockaddr(&any, &address);
    char holder[PORT_HOLDER_SIZE] = "";
    int failure = EADDRINUSE;
    for (int i = 0; i < TRIES; i++) {
        if (bind(fd, (const struct sockaddr *)&address, length) == 0)
            return true;
        failure = errno;
        if (failure != EADDRINUSE || port_holder(family, port, holder))
            break;
        (void)poll(NULL, 0, PAUSE);
    }
    if (failure != EADDRINUSE)
        return host_fail(err, failure, "cannot use UDP port %u", port);
    (void)host_fail(err, 0, "UDP port %u (IPv%d) is in use by %s", port, family, holder);
    if (err != NULL)
        err->number = failure;
    return false;
}

/* Fails if anybody has the port, also one who would share it. */
static bool check_port_is_free(enum ip_family family, uint16_t port, struct host_error *err)
{
    int fd = open_socket(family, SOCK_DGRAM, 0, err);
    if (fd < 0)
        return false;
    bool free_port = bind_port(fd, family, port, err);
    (void)close(fd);
    return free_port;
}

/* Datagrams of one size come merged. Linux merges those of a flow only if the socket that a hash finds in the
 * group has this; the steering, which it asks later, may then give them to another. */
static const struct option merged = {IPPROTO_UDP, UDP_GRO, 1};

/* A socket of the group of a port. The kernel numbers them in the order in which they are bound. */
static int open_udp(enum ip_family family, uint16_t port, struct host_error *err)
{
    /* RFC 3948 wants zero checksums accepted; for IPv6, Linux has to be told. */
    static const struct option options[] = {
        {SOL_SOCKET, SO_REUSEPORT, 1},
        {IPPROTO_UDP, UDP_NO_CHECK6_RX, 1},
    };
    size_t count = family == IP_V4 ? 1 : 2;
    int fd = open_socket(family, SOCK_DGRAM, 0, err);
    if (fd < 0)
        return -1;
    if (set_common_options(fd, family, err) && set_options(fd, options, count, err) &&
        bind_port(fd, family, port, err))
        return fd;
    (void)close(fd);
    return -1;
}

/* No path MTU counts that the kernel has learnt by itself: the worker says for each packet how it is to be
 * fragmented (IPV6_MTU), by what it has learnt with RFC 4301's cautions (S39). Routers fragment IPv4. */
static bool set_path_mtu_ours(int fd, enum ip_family family, struct host_error *err)
{
    static const struct option omit = {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT};
    return family == IP_V4 || set_options(fd, &omit, 1, err);
}

static int open_esp(enum ip_family family, uint32_t worker, uint32_t workers, struct host_error *err)
{
    int fd = open_socket(family, SOCK_RAW, IPPROTO_ESP, err);
    if (fd < 0)
        return -1;
    if (set_common_options(fd, family, err) && steer_esp_by_spi(fd, family, worker, workers, err) &&
        set_path_mtu_ours(fd, family, err) && (family == IP_V4 || set_traffic_class_shown(fd, family, err)))
        return fd;
    (void)close(fd);
    return -1;
}

/* A worker's share of UDP 4500. Datagrams of one size come merged. */
static int open_natt_worker(enum ip_family family, struct host_error *err)
{
    int fd = open_udp(family, HOST_PORT_NATT, err);
    if (fd < 0 || (set_traffic_class_shown(fd, family, err) && set_path_mtu_ours(fd, family, err) &&
                   set_options(fd, &merged, 1, err)))
        return fd;
    (void)close(fd);
    return -1;
}

/* Receives only what tells of packets that were too large. Errors to hosts have the precedence that RFC 1812
 * 4.3.2.5 wants. */
static int open_icmp(enum ip_family family, struct host_error *err)
{
    static const struct option precedence = {IPPROTO_IP, IP_TOS, IPTOS_PREC_INTERNETCONTROL};
    struct icmp_filter v4 = {.data = ~(UINT32_C(1) << ICMP_DEST_UNREACH)};
    struct icmp6_filter v6;
    ICMP6_FILTER_SETBLOCKALL(&v6);
    ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &v6);
    int fd = open_socket(family, SOCK_RAW, family == IP_V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, err);
    if (fd < 0)
        return -1;
    int failed = family == IP_V4 ? setsockopt(fd, SOL_RAW, ICMP_FILTER, &v4, sizeof v4)
                                 : setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &v6, sizeof v6);
    if (failed != 0)
        (void)host_fail(err, errno, "cannot set a socket's filter");
    if (failed == 0 && (family == IP_V6 || set_options(fd, &precedence, 1, err)))
        return fd;
    (void)close(fd);
    return -1;
}

/* The sockets that set DF. They are the last of their group, so that no datagram is steered to them. */
static bool open_df_workers(struct host_family_sockets *s, uint32_t workers, struct host_error *err)
{
    static const struct host_sender natt = {HOST_SENDER_NATT, IP_V4, 0, true};
    static const struct host_sender esp = {HOST_SENDER_ESP, IP_V4, 0, true};
    for (uint32_t i = 0; i < workers; i++) {
        s->natt_df_worker[i] = host_sender_open(&natt, err);
        s->esp_df_worker[i] = host_sender_open(&esp, err);
        if (s->natt_df_worker[i] < 0 || s->esp_df_worker[i] < 0)
            return false;
    }
    return true;
}

/* Protocol 0: nothing arrives. Not all kernels have such sockets, and the workers can do without. */
static int open_packet(void)
{
    const int size = HOST_SOCKET_BUFFER;
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    return fd;
}

static bool open_family(struct host_family_sockets *s, enum ip_family family, uint32_t workers,
                        struct host_error *err)
{
    if (!check_port_is_free(family, HOST_PORT_IKE, err) || !check_port_is_free(family, HOST_PORT_NATT, err))
        return false;
    s->ike = open_udp(family, HOST_PORT_IKE, err);
    if (s->ike < 0 || !steer_udp_to_first(s->ike, err))
        return false;
    /* The engine's is the first of its group, as the filter wants it. */
    s->natt = open_udp(family, HOST_PORT_NATT, err);
    if (s->natt < 0 || !steer_udp_by_spi(s->natt, workers, err))
        return false;
    for (uint32_t i = 0; i < workers; i++) {
        s->natt_worker[i] = open_natt_worker(family, err);
        s->esp_worker[i] = open_esp(family, i, workers, err);
        s->icmp_worker[i] = open_icmp(family, err);
        s->packet_worker[i] = family == IP_V4 ? open_packet() : -1;
        if (s->natt_worker[i] < 0 || s->esp_worker[i] < 0 || s->icmp_worker[i] < 0)
            return false;
    }
    return family == IP_V6 || open_df_workers(s, workers, err);
}

static void set_closed(struct host_family_sockets *s)
{
    s->ike = s->natt = -1;
    for (size_t i = 0; i < HOST_WORKERS_MAX; i++)
        s->natt_worker[i] = s->esp_worker[i] = s->natt_df_worker[i] = s->esp_df_worker[i] =
            s->packet_worker[i] = s->icmp_worker[i] = -1;
}

static bool has_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    (void)close(fd);
    return true;
}

bool host_sockets_open(struct host_sockets *sockets, uint32_t workers, struct host_error *err)
{
    set_closed(&sockets->v4);
    set_closed(&sockets->v6);
    sockets->workers = workers;
    if (workers == 0 || workers > HOST_WORKERS_MAX)
        return host_fail(err, 0, "the number of workers must be 1 to %d", HOST_WORKERS_MAX);
    if (open_family(&sockets->v4, IP_V4, workers, err) &&
        (!has_ipv6() || open_family(&sockets->v6, IP_V6, workers, err)))
        return true;
    host_sockets_close(sockets);
    return false;
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void close_family(struct host_family_sockets *s)
{
    close_one(&s->ike);
    close_one(&s->natt);
    for (size_t i = 0; i < HOST_WORKERS_MAX; i++) {
        close_one(&s->natt_worker[i]);
        close_one(&s->esp_worker[i]);
        close_one(&s->natt_df_worker[i]);
        close_one(&s->esp_df_worker[i]);
        close_one(&s->packet_worker[i]);
        close_one(&s->icmp_worker[i]);
    }
}

void host_sockets_close(struct host_sockets *sockets)
{
    close_family(&sockets->v4);
    close_family(&sockets->v6);
}

/* Binds a raw socket to loopback, so that the kernel makes no copies for it of packets to other addresses.
 * What it sends has the source address that its control message says. */
static bool bind_aside(int fd, enum ip_family family, struct host_error *err)
{
    struct sockaddr_storage address;
    struct ip_endpoint loopback = {.address = {.family = family}};
    if (family == IP_V4)
        loopback.address.octets[0] = 127;
    loopback.address.octets[family == IP_V4 ? 3 : 15] = 1;
    socklen_t length = ip_endpoint_to_sockaddr(&loopback, &address);
    return bind(fd, (const struct sockaddr *)&address, length) == 0 ||
           host_fail(err, errno, "cannot bind a socket");
}

static bool set_sender_options(int fd, const struct host_sender *sender, struct host_error *err)
{
    const struct option marked = {SOL_SOCKET, SO_MARK, (int)sender->mark};
    static const struct option whole_v4 = {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE};
    static const struct option whole_v6[] = {
        {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE},
        {IPPROTO_IPV6, IPV6_DONTFRAG, 1},
    };
    if (!steer_nothing(fd, err) || !set_options(fd, &marked, 1, err))
        return false;
    if (sender->kind == HOST_SENDER_ESP && !bind_aside(fd, sender->family, err))
        return false;
    if (sender->kind == HOST_SENDER_NATT && !set_options(fd, &merged, 1, err))
        return false;
    if (!sender->dont_fragment)
        return true;
    return sender->family == IP_V4 ? set_options(fd, &whole_v4, 1, err) : set_options(fd, whole_v6, 2, err);
}

int host_sender_open(const struct host_sender *sender, struct host_error *err)
{
    int fd = -1;
    switch (sender->kind) {
    case HOST_SENDER_IKE:
        fd = open_udp(sender->family, HOST_PORT_IKE, err);
        break;
    case HOST_SENDER_NATT:
        fd = open_udp(sender->family, HOST_PORT_NATT, err);
        break;
    case HOST_SENDER_ESP:
        fd = open_esp(sender->family, 0, 1, err);
        break;
    }
    if (fd < 0 || set_sender_options(fd, sender, err))
        return fd;
    (void)close(fd);
    return -1;
}
