#include "stand.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/udp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "esp/owner.h"
#include "host/tun.h"
#include "path/counters.h"

/* Linux 4.20 and later; not in every header. */
#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

enum { UDP_ENCAPSULATION_PORT = 4500, BUFFER = 8 << 20, INNER_MTU = 65535, OUTER_MTU = 1500 };

const struct stand_sa stand_gcm_udp = {IP_V4, true, ENCR_AES_GCM_16, 256, AUTH_NONE};

static bool offload[2]; /* the TUN devices of that end have IFF_VNET_HDR */
static const struct wire_io *wire_io;
static bool with_ring;

int64_t stand_clock(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void file_write(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static struct ifreq link_request(const char *name)
{
    struct ifreq request = {0};
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    return request;
}

static void link_raise(const char *name, int mtu)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = link_request(name);
    request.ifr_mtu = mtu;
    assert_int_equal(ioctl(fd, SIOCSIFMTU, &request), 0);
    request = link_request(name);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    (void)close(fd);
}

struct ip_address end_address(unsigned index, enum ip_family family)
{
    struct ip_address address;
    const char *const texts[2][2] = {{"127.0.0.1", "127.0.0.2"}, {"fd00::1", "fd00::2"}};
    assert_true(ip_address_parse(texts[family == IP_V6][index], &address));
    return address;
}

static void loopback_add_address(const struct ip_address *address)
{
    struct {
        struct in6_addr address;
        uint32_t prefix;
        int ifindex;
    } request = {.prefix = 128, .ifindex = 1};
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    memcpy(&request.address, address->octets, 16);
    assert_int_equal(ioctl(fd, SIOCSIFADDR, &request), 0);

    /* The kernel takes its time to find that no other has it. */
    struct sockaddr_storage own;
    socklen_t length = ip_endpoint_to_sockaddr(&(struct ip_endpoint){*address, 0}, &own);
    int64_t until = stand_clock() + STAND_PATIENCE;
    while (bind(fd, (const struct sockaddr *)&own, length) != 0) {
        if (stand_clock() > until)
            fail_msg("no IPv6 address on lo: %s", strerror(errno));
        (void)usleep(1000);
    }
    (void)close(fd);
}

bool stand_enter_namespace(void)
{
    if (unshare(CLONE_NEWNET) != 0) {
        (void)printf("1..0 # SKIP no network namespace: %s\n", strerror(errno));
        return false;
    }
    link_raise("lo", OUTER_MTU);
    /* What a ring sends comes without a route, and its addresses are those of this host. */
    file_write("/proc/sys/net/ipv4/conf/lo/route_localnet", "1");
    file_write("/proc/sys/net/ipv4/conf/lo/accept_local", "1");
    for (unsigned i = 0; i < 2; i++) {
        struct ip_address address = end_address(i, IP_V6);
        loopback_add_address(&address);
    }
    return true;
}

static void socket_bind(int fd, struct ip_endpoint endpoint)
{
    struct sockaddr_storage address;
    const int size = BUFFER;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    socklen_t length = ip_endpoint_to_sockaddr(&endpoint, &address);
    char text[IP_TEXT_SIZE];
    if (bind(fd, (const struct sockaddr *)&address, length) != 0)
        fail_msg("bind to %s: %s", ip_endpoint_format(&endpoint, text), strerror(errno));
}

static int socket_open(unsigned index, enum ip_family family, bool udp)
{
    int fd = socket(ip_address_af(family), (udp ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC,
                    udp ? IPPROTO_UDP : IPPROTO_ESP);
    assert_true(fd >= 0);
    int v4 = IP_PMTUDISC_DONT;
    int v6 = IPV6_PMTUDISC_DONT;
    int one = 1;
    if (family == IP_V4)
        assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof v4), 0);
    else
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof v6), 0);
    if (family == IP_V4)
        assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one), 0);
    else
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof one), 0);
    if (udp)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one), 0);
    socket_bind(fd, (struct ip_endpoint){end_address(index, family), udp ? UDP_ENCAPSULATION_PORT : 0});
    return fd;
}

/* One that sets DF and sends alone. It is bound aside, or is one of a group of which it is never chosen. */
static int socket_open_df(unsigned index, bool udp)
{
    int fd = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC, udp ? IPPROTO_UDP : IPPROTO_ESP);
    const int probe = IP_PMTUDISC_PROBE;
    const int one = 1;
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe), 0);
    if (udp)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one), 0);
    struct ip_endpoint own = {end_address(index, IP_V4), udp ? UDP_ENCAPSULATION_PORT : 0};
    if (!udp)
        own.address.octets[2] = 99;
    socket_bind(fd, own);
    return fd;
}

static void stand_find_route(void *context, const struct child_destination *destination,
                             struct path_route *route)
{
    (void)context;
    route->mtu = OUTER_MTU;
    if (!with_ring || destination->encapsulated || destination->remote.address.family != IP_V4)
        return;
    route->next_hop = (struct path_next_hop){
        .link = 1,
        .header = {[ETH_ALEN] = STAND_RING_ADDRESS, [2 * ETH_ALEN] = ETH_P_IP >> 8, ETH_P_IP & 0xff},
        .ttl = IPDEFTTL,
    };
}

/* Datagrams on port 4500 go to the owner of the SPI that they begin with. */
static void socket_steer(int fd, unsigned workers)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, workers),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    const struct sock_fprog program = {.len = 3, .filter = code};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program), 0);
}

static int ring_socket_open(void)
{
    const int size = BUFFER;
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    return fd;
}

static void end_start(struct end *end)
{
    struct path_options options = {
        .worker_count = end->workers,
        .live = end->live,
        .live_count = STAND_SLOTS,
        .totals = end->totals,
        .totals_count = STAND_TUNNELS_MAX,
        .find_route = stand_find_route,
        .io = wire_io,
    };
    for (unsigned i = 0; i < end->workers; i++) {
        struct path_worker *worker = &options.workers[i];
        worker->esp_v4 = socket_open(end->index, IP_V4, false);
        worker->esp_v6 = socket_open(end->index, IP_V6, false);
        worker->udp_v4 = socket_open(end->index, IP_V4, true);
        worker->udp_v6 = socket_open(end->index, IP_V6, true);
        worker->icmp_v4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
        worker->icmp_v6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
        assert_true(worker->icmp_v4 >= 0 && worker->icmp_v6 >= 0);
        worker->counters = &end->counters[i];
        end->udp_v4[i] = worker->udp_v4;
        const int merged = offload[end->index];
        assert_int_equal(setsockopt(worker->udp_v4, IPPROTO_UDP, UDP_GRO, &merged, sizeof merged), 0);
        assert_int_equal(setsockopt(worker->udp_v6, IPPROTO_UDP, UDP_GRO, &merged, sizeof merged), 0);
        memset(worker->seed, (int)(1 + end->index * PATH_WORKERS_MAX + i), sizeof worker->seed);
    }
    for (unsigned i = 0; i < end->workers; i++) {
        options.workers[i].packet = with_ring ? ring_socket_open() : -1;
        options.workers[i].esp_v4_df = socket_open_df(end->index, false);
        options.workers[i].udp_v4_df = socket_open_df(end->index, true);
    }
    socket_steer(options.workers[0].udp_v4, end->workers);
    socket_steer(options.workers[0].udp_v6, end->workers);
    end->path = path_new(&options);
    assert_non_null(end->path);
}

/* The TUN device goes with the path that it is given to. */
static int end_open_tun(struct end *end, unsigned tunnel)
{
    char name[IFNAMSIZ];
    (void)snprintf(name, sizeof name, "end%u-Tunnel%u.0", end->index, tunnel);
    struct ifreq request = link_request(name);
    request.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | (offload[end->index] ? IFF_VNET_HDR : 0));
    int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    assert_true(tun >= 0);
    assert_int_equal(ioctl(tun, TUNSETIFF, &request), 0);
    const struct tun_offload leaves = tun_set_offload(tun);
    assert_int_equal(leaves.vnet_header, offload[end->index]);
    end->udp_segmentation = leaves.udp;

    char knob[64];
    (void)snprintf(knob, sizeof knob, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
    file_write(knob, "1");
    link_raise(name, INNER_MTU);
    end->devices[tunnel].ifindex = (int)if_nametoindex(name);
    return tun;
}

uint32_t stand_tunnel(unsigned tunnel)
{
    return tunnel << 16 | STAND_TUNNEL;
}

static void end_add_tunnel(struct end *end, unsigned tunnel)
{
    int tun = end_open_tun(end, tunnel);
    int packets = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = end->devices[tunnel].ifindex,
    };
    const int one = 1;
    const int size = BUFFER;
    assert_int_equal(setsockopt(packets, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one), 0);
    assert_int_equal(setsockopt(packets, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size), 0);
    assert_int_equal(bind(packets, (const struct sockaddr *)&address, sizeof address), 0);

    end->devices[tunnel].packets = packets;

    const struct path_tunnel settings = {.number = stand_tunnel(tunnel),
                                         .slot = tunnel,
                                         .mtu = INNER_MTU,
                                         .vnet_header = offload[end->index],
                                         .udp_segmentation = end->udp_segmentation};
    assert_int_equal(path_tunnel_add(end->path, ++end->requests, &settings, tun), PATH_OK);
    path_settle(end->path);
}

static void end_add_tunnels(struct end *end)
{
    for (unsigned i = 0; i < end->tunnels; i++)
        end_add_tunnel(end, i);
}

static void *shared_memory(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(at != MAP_FAILED);
    return at;
}

void stand_set_offload(bool first, bool second)
{
    offload[0] = first;
    offload[1] = second;
}

void stand_set_ring(bool ring)
{
    with_ring = ring;
}

void stand_set_io(const struct wire_io *io)
{
    wire_io = io;
}

unsigned stand_workers(int argc, char **argv)
{
    bool with = argc > 2 && strcmp(argv[2], "offload") == 0;
    stand_set_offload(with, with);
    return argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
}

static size_t totals_size(const struct end *end)
{
    return (size_t)end->workers * STAND_TUNNELS_MAX * sizeof *end->totals;
}

void stand_start_tunnels(struct stand *stand, unsigned workers, unsigned tunnels)
{
    for (unsigned i = 0; i < 2; i++) {
        struct end *end = &stand->ends[i];
        *end = (struct end){.index = i, .workers = workers, .tunnels = tunnels};
        end->live = shared_memory(STAND_SLOTS * sizeof *end->live);
        end->totals = shared_memory(totals_size(end));
        end->counters = shared_memory(PATH_WORKERS_MAX * sizeof *end->counters);
        end_start(end);
        end_add_tunnels(end);
    }
}

void stand_start(struct stand *stand, unsigned workers)
{
    stand_start_tunnels(stand, workers, 1);
}

static void end_stop(struct end *end)
{
    path_free(end->path);
    for (unsigned i = 0; i < end->tunnels; i++)
        (void)close(end->devices[i].packets);
}

void end_restart(struct end *end)
{
    end_stop(end);
    end_start(end);
    end_add_tunnels(end);
}

void stand_stop(struct stand *stand)
{
    for (unsigned i = 0; i < 2; i++) {
        struct end *end = &stand->ends[i];
        end_stop(end);
        (void)munmap(end->live, STAND_SLOTS * sizeof *end->live);
        (void)munmap(end->totals, totals_size(end));
        (void)munmap(end->counters, PATH_WORKERS_MAX * sizeof *end->counters);
    }
}

uint32_t end_spi(const struct end *end, uint32_t number)
{
    uint32_t owner = esp_owner_inbound(end->tunnel, end->workers);
    return esp_spi_of_owner(0x10000 * (end->index + 1) + ESP_OWNERS_MAX * number, owner);
}

/* Keys that are the same at both ends and different in both directions. */
static struct child_direction direction_of(uint32_t spi)
{
    struct child_direction direction = {.spi = spi};
    memset(direction.encryption_key, (int)(spi & 0xff), sizeof direction.encryption_key);
    memset(direction.integrity_key, (int)(spi >> 8), sizeof direction.integrity_key);
    /* Three keys that differ, for 3DES. */
    direction.encryption_key[0] ^= 0x10;
    direction.encryption_key[8] ^= 0x20;
    return direction;
}

static struct traffic_selector selector_any(enum ip_family family)
{
    struct traffic_selector any = {
        .last_port = 65535,
        .first = {.family = family},
        .last = {.family = family},
    };
    memset(any.last.octets, 0xff, ip_address_size(family));
    return any;
}

struct child_settings end_child(const struct end *end, const struct stand_sa *sa, uint32_t number)
{
    const struct end other = {.index = 1 - end->index, .workers = end->workers, .tunnel = end->tunnel};
    struct child_settings child = {
        .tunnel = stand_tunnel(end->tunnel),
        .live_slot = number,
        .encryption = sa->encryption,
        .key_bits = sa->bits,
        .integrity = sa->integrity,
        .anti_replay = true,
        .active = true,
        .destination =
            {
                .local = {end_address(end->index, sa->outer), UDP_ENCAPSULATION_PORT},
                .remote = {end_address(other.index, sa->outer), UDP_ENCAPSULATION_PORT},
                .encapsulated = sa->encapsulated,
            },
        .inbound = direction_of(end_spi(end, number)),
        .outbound = direction_of(end_spi(&other, number)),
        .local_ts_count = 2,
        .remote_ts_count = 2,
        .local_ts = {selector_any(IP_V4), selector_any(IP_V6)},
        .remote_ts = {selector_any(IP_V4), selector_any(IP_V6)},
    };
    return child;
}

enum path_result child_install(struct path *path, uint64_t request, const struct child_settings *child)
{
    const struct child_command command = {CHILD_INSTALL, *child};
    return path_child_change(path, request, &command);
}

enum path_result child_change(struct path *path, uint64_t request, enum child_change change, uint32_t spi)
{
    const struct child_command command = {change, {.inbound = {.spi = spi}}};
    return path_child_change(path, request, &command);
}

enum path_result child_redirect(struct path *path, uint64_t request, uint32_t spi,
                                const struct child_destination *destination)
{
    const struct child_command command = {CHILD_REDIRECT,
                                          {.inbound = {.spi = spi}, .destination = *destination}};
    return path_child_change(path, request, &command);
}

void end_configure(struct end *end, struct path_tunnel settings)
{
    settings.number = stand_tunnel(end->tunnel);
    settings.slot = end->tunnel;
    if (settings.mtu == 0)
        settings.mtu = INNER_MTU;
    assert_int_equal(path_tunnel_update(end->path, ++end->requests, &settings), PATH_OK);
    path_settle(end->path);
}

void end_install(struct end *end, const struct child_settings *child)
{
    assert_int_equal(child_install(end->path, ++end->requests, child), PATH_OK);
    path_settle(end->path);
}

void stand_install(struct stand *stand, const struct stand_sa *sa, uint32_t number)
{
    /* The second end first: what waits at the first is sent at once. */
    for (unsigned i = 2; i-- > 0;) {
        struct child_settings child = end_child(&stand->ends[i], sa, number);
        end_install(&stand->ends[i], &child);
    }
}

void end_remove(struct end *end, uint32_t number)
{
    assert_int_equal(child_change(end->path, ++end->requests, CHILD_REMOVE, end_spi(end, number)), PATH_OK);
    path_settle(end->path);
}
