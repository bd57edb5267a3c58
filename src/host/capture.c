#include "host/capture.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "host/sockets.h"

enum {
    ACCEPT_ALL = 0xffffffff,
    BUFFER = 8 << 20,  /* octets that may wait for the reader */
    ADDRESS_CODE = 24, /* instructions for one address, at most */
    FIXED_CODE = 64,   /* and for all else */
};

/* A program of classic BPF as it is written. */
struct program {
    struct sock_filter code[FIXED_CODE + HOST_CAPTURE_PEERS_MAX * ADDRESS_CODE];
    size_t length;
};

static void add(struct program *p, uint16_t code, uint32_t k, uint8_t if_true, uint8_t if_false)
{
    p->code[p->length++] = (struct sock_filter){code, if_true, if_false, k};
}

static void load(struct program *p, uint16_t size, uint32_t offset)
{
    add(p, (uint16_t)(BPF_LD | size | BPF_ABS), offset, 0, 0);
}

static void skip_if_equal(struct program *p, uint32_t value, uint8_t count)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, value, count, 0);
}

static void skip_unless_equal(struct program *p, uint32_t value, uint8_t count)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, count);
}

static void answer(struct program *p, uint32_t octets)
{
    add(p, BPF_RET | BPF_K, octets, 0, 0);
}

/* Accepts a packet with an address at that offset in its IP header. */
static void accept_address(struct program *p, const struct ip_address *address, uint32_t offset)
{
    uint32_t words = address->family == IP_V6 ? 4 : 1;
    for (uint32_t i = 0; i < words; i++) {
        uint32_t left = words - 1 - i; /* words behind this one, of two instructions each */
        load(p, BPF_W, offset + 4 * i);
        skip_unless_equal(p, load_u32be(address->octets + 4 * i), (uint8_t)(2 * left + 1));
    }
    answer(p, ACCEPT_ALL);
}

/* Accepts packets of that family from and to the peers, and drops others. */
static void accept_peers(struct program *p, enum ip_family family, const struct ip_address *peers,
                         size_t count)
{
    enum { V4_SOURCE = 12, V4_DESTINATION = 16, V6_SOURCE = 8, V6_DESTINATION = 24 };
    for (size_t i = 0; i < count; i++) {
        if (peers[i].family != family)
            continue;
        accept_address(p, &peers[i], family == IP_V6 ? V6_SOURCE : V4_SOURCE);
        accept_address(p, &peers[i], family == IP_V6 ? V6_DESTINATION : V4_DESTINATION);
    }
    answer(p, count == 0 ? ACCEPT_ALL : 0);
}

/* Drops a UDP datagram whose ports are neither 500 nor 4500; X is the length of the IP header. */
static void want_ports(struct program *p)
{
    enum { SOURCE = 0, DESTINATION = 2 };
    add(p, BPF_LD | BPF_H | BPF_IND, SOURCE, 0, 0);
    skip_if_equal(p, HOST_PORT_IKE, 5);
    skip_if_equal(p, HOST_PORT_NATT, 4);
    add(p, BPF_LD | BPF_H | BPF_IND, DESTINATION, 0, 0);
    skip_if_equal(p, HOST_PORT_IKE, 2);
    skip_if_equal(p, HOST_PORT_NATT, 1);
    answer(p, 0);
}

static void filter_v4(struct program *p, const struct ip_address *peers, size_t count)
{
    enum { FRAGMENT = 6, PROTOCOL = 9, OFFSET_BITS = 0x1fff, PORTS_CODE = 7 };
    load(p, BPF_B, PROTOCOL);
    skip_if_equal(p, IPPROTO_ESP, 5 + PORTS_CODE);
    skip_if_equal(p, IPPROTO_UDP, 1);
    answer(p, 0);
    load(p, BPF_H, FRAGMENT);
    add(p, BPF_JMP | BPF_JSET | BPF_K, OFFSET_BITS, 1 + PORTS_CODE, 0);
    add(p, BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0);
    want_ports(p);
    accept_peers(p, IP_V4, peers, count);
}

static void filter_v6(struct program *p, const struct ip_address *peers, size_t count)
{
    enum { NEXT_HEADER = 6, HEADER_SIZE = 40, PORTS_CODE = 7 };
    load(p, BPF_B, NEXT_HEADER);
    skip_if_equal(p, IPPROTO_ESP, 4 + PORTS_CODE);
    skip_if_equal(p, IPPROTO_FRAGMENT, 3 + PORTS_CODE);
    skip_if_equal(p, IPPROTO_UDP, 1);
    answer(p, 0);
    add(p, BPF_LDX | BPF_W | BPF_IMM, HEADER_SIZE, 0, 0);
    want_ports(p);
    accept_peers(p, IP_V6, peers, count);
}

/* Goes on at the place where the program is now from the jump at `from`. */
static void land(struct program *p, size_t from)
{
    p->code[from].k = (uint32_t)(p->length - from - 1);
}

static bool attach(int fd, struct program *p, struct host_error *err)
{
    const struct sock_fprog program = {.len = (unsigned short)p->length, .filter = p->code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0 ||
           host_fail(err, errno, "cannot attach a socket filter");
}

bool host_capture_filter(int fd, const struct ip_address *peers, size_t count, struct host_error *err)
{
    struct program p = {.length = 0};
    /* Linux shows a packet of a VLAN twice: the second time with its tag, at the link below. */
    load(&p, BPF_W, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT));
    skip_if_equal(&p, 0, 1);
    answer(&p, 0);
    load(&p, BPF_W, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL));
    skip_if_equal(&p, ETH_P_IP, 1);
    size_t to_v6 = p.length;
    add(&p, BPF_JMP | BPF_JA, 0, 0, 0);
    filter_v4(&p, peers, count);
    land(&p, to_v6);
    skip_if_equal(&p, ETH_P_IPV6, 1);
    answer(&p, 0);
    filter_v6(&p, peers, count);
    return attach(fd, &p, err);
}

static bool set_up(int fd, struct host_error *err)
{
    struct program nothing = {.length = 0};
    const struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    const int buffer = BUFFER;
    const int on = 1;
    answer(&nothing, 0);
    if (!attach(fd, &nothing, err))
        return false;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0 ||
        bind(fd, (const struct sockaddr *)&all, sizeof(all)) != 0)
        return host_fail(err, errno, "cannot set up a packet socket");
    return true;
}

int host_capture_open(struct host_error *err)
{
    int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        (void)host_fail(err, errno, "cannot open a packet socket");
        return -1;
    }
    if (set_up(fd, err))
        return fd;
    close(fd);
    return -1;
}
