/*
 * Finds the highest rate of UDP packets of which next to nothing is lost.
 *
 *     udp_rate receive PORT FILE
 *     udp_rate most DEVICE GATEWAY FROM TO PORT KIND OCTETS SECONDS LIMIT FILE
 *
 * KIND is `one` (one flow), `segmented` (one flow, the kernel segments: UDP_SEGMENT), `many` (64 flows in
 * turn, so that no two neighbours can be merged), or a number of addresses, from TO on, to which packets go
 * in turn. The receiver counts into FILE, where the sender, on the same machine, sees at once what arrived.
 * The sender sends at a rate for some SECONDS: twice as fast as before until packets are lost or LIMIT is
 * reached, then between the two. It prints the highest rate at which it really sent without loss.
 *
 * Both shall leave the cores to what is measured. So the sender writes its packets into a ring, from which
 * they leave by DEVICE, an Ethernet, to the link-layer address GATEWAY (like 02:00:00:00:00:01); they are
 * what a connected socket would send (DF, identifications that count up, checksums). The receiver takes what
 * has come only each millisecond, and as Linux has it, which may be merged (UDP_GRO).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    BATCH = 64, /* packets or messages in one system call, segments in one message */
    FLOWS = 64,
    FIRST_PORT = 20000, /* of the flows; a flow for an address begins with the first again */
    OCTETS_MAX = 1400,
    BUFFER = 64 << 20,
    TICK = 500000,      /* nanoseconds between two looks at what is due */
    LOOK = 1000000,     /* nanoseconds between two looks at what has come */
    FIRST_RATE = 20000, /* packets a second */
    HALVINGS = 4,       /* looks between the highest rate that passed and the lowest that did not */
    TRIES = 2,          /* at a rate; one of them has to pass */
    QUIET = 60,         /* milliseconds without a packet, after which none is on its way any more */
    RING_FRAME = 2048,  /* octets */
    RING_FRAMES = 2 * BATCH,
};

/* Seconds. A sender that comes late, since it had no core, leaves out what is due for longer: no network
 * gives to a gateway at once what came in many milliseconds. */
static const double late_max = 0.001;
static const double loss_max = 0.001;

/* What arrived, in the file that both see. */
struct shared {
    uint64_t received;
};

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sockaddr_in address_of(const char *text, const char *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    if (inet_pton(AF_INET, text, &a.sin_addr) != 1)
        fail(text);
    return a;
}

static struct shared *open_shared(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(struct shared)) != 0)
        fail(path);
    void *at = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        fail("mmap");
    (void)close(fd);
    return at;
}

/* ---- Receiving --------------------------------------------------------------------------------------- */

/* How many packets a message is. */
static uint64_t count_of(struct mmsghdr *message)
{
    unsigned length = message->msg_len;
    int size = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message->msg_hdr); c != NULL;
         c = CMSG_NXTHDR(&message->msg_hdr, c)) {
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO)
            memcpy(&size, CMSG_DATA(c), sizeof(size));
    }
    return size > 0 ? (length + (unsigned)size - 1) / (unsigned)size : 1;
}

static int open_receiver(const char *port)
{
    static const int buffer = BUFFER, on = 1;
    const struct sockaddr_in at = address_of("0.0.0.0", port);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) != 0 ||
        setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) != 0)
        fail("socket");
    return fd;
}

static _Noreturn void receive(char **argv)
{
    static const struct timespec pause = {0, LOOK};
    static struct mmsghdr messages[BATCH];
    static _Alignas(struct cmsghdr) uint8_t controls[BATCH][CMSG_SPACE(sizeof(int))];
    struct shared *shared = open_shared(argv[3]);
    int fd = open_receiver(argv[2]);
    (void)puts("ready");
    (void)fflush(stdout);
    for (;;) {
        for (size_t i = 0; i < BATCH; i++)
            messages[i].msg_hdr =
                (struct msghdr){.msg_control = controls[i], .msg_controllen = sizeof(controls[i])};
        /* Nobody wants what is in the packets, but Linux looks at their checksums all the same. */
        int got = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
        uint64_t count = 0;
        for (int i = 0; i < got; i++)
            count += count_of(&messages[i]);
        if (got > 0)
            __atomic_fetch_add(&shared->received, count, __ATOMIC_RELEASE);
        if (got < BATCH)
            nanosleep(&pause, NULL);
    }
}

/* ---- Sending ----------------------------------------------------------------------------------------- */

/* The headers of a packet, in network order. */
struct head {
    struct ether_header link;
    struct iphdr ip;
    struct udphdr udp;
} __attribute__((packed));

struct sender {
    struct sockaddr_in from, to;     /* to: the first address */
    size_t flows, addresses, octets; /* addresses: at least 1 */
    struct shared *shared;

    int ring; /* -1: the kernel segments what is sent by `socket` */
    int socket;
    struct sockaddr_ll device;
    uint8_t *frames;
    size_t next; /* frame */
    struct head head;
    size_t skipped;           /* octets of it that DEVICE does not have */
    uint32_t ip_sum, udp_sum; /* of a packet, without what differs */
    uint16_t *ids;            /* of each flow, or each address: the next identification */
    uint8_t payload[BATCH * OCTETS_MAX];
};

static uint32_t sum_of(const void *at, size_t length)
{
    uint32_t sum = 0;
    uint16_t word;
    for (size_t i = 0; i + 1 < length; i += 2) {
        memcpy(&word, (const uint8_t *)at + i, sizeof(word));
        sum += word;
    }
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static void open_ring(struct sender *s)
{
    enum { BYPASS = 1, WITH_FORM = 1, VERSION = TPACKET_V2 };
    static const int version = VERSION, bypass = BYPASS, with_form = WITH_FORM;
    static const struct tpacket_req wanted = {.tp_block_size = RING_FRAMES * RING_FRAME,
                                              .tp_block_nr = 1,
                                              .tp_frame_size = RING_FRAME,
                                              .tp_frame_nr = RING_FRAMES};
    s->ring = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (s->ring < 0 || setsockopt(s->ring, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) != 0 ||
        setsockopt(s->ring, SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof(bypass)) != 0 ||
        setsockopt(s->ring, SOL_PACKET, PACKET_VNET_HDR, &with_form, sizeof(with_form)) != 0 ||
        setsockopt(s->ring, SOL_PACKET, PACKET_TX_RING, &wanted, sizeof(wanted)) != 0)
        fail("ring");
    s->frames = mmap(NULL, RING_FRAMES * RING_FRAME, PROT_READ | PROT_WRITE, MAP_SHARED, s->ring, 0);
    if (s->frames == MAP_FAILED)
        fail("mmap");
}

/* Fills in what all packets have in their headers. */
static void make_head(struct sender *s, const char *gateway)
{
    struct head *head = &s->head;
    unsigned octets[ETHER_ADDR_LEN];
    if (strcmp(gateway, "-") == 0)
        s->skipped = sizeof(head->link);
    else if (sscanf(gateway, "%2x:%2x:%2x:%2x:%2x:%2x", &octets[0], &octets[1], &octets[2], &octets[3],
                    &octets[4], &octets[5]) != ETHER_ADDR_LEN)
        fail("gateway");
    for (size_t i = 0; i < ETHER_ADDR_LEN && s->skipped == 0; i++)
        head->link.ether_dhost[i] = (uint8_t)octets[i];
    head->link.ether_type = htons(ETHERTYPE_IP);
    head->ip = (struct iphdr){.version = 4,
                              .ihl = 5,
                              .tot_len = htons((uint16_t)(sizeof(head->ip) + sizeof(head->udp) + s->octets)),
                              .frag_off = htons(IP_DF),
                              .ttl = IPDEFTTL,
                              .protocol = IPPROTO_UDP,
                              .saddr = s->from.sin_addr.s_addr};
    head->udp.uh_dport = s->to.sin_port;
    head->udp.uh_ulen = htons((uint16_t)(sizeof(head->udp) + s->octets));
    s->ip_sum = sum_of(&head->ip, sizeof(head->ip));
    s->udp_sum = sum_of(&head->udp, sizeof(head->udp)) + sum_of(&head->ip.saddr, sizeof(head->ip.saddr)) +
                 htons(IPPROTO_UDP) + head->udp.uh_ulen + sum_of(s->payload, s->octets + s->octets % 2);
}

static void send_setup_ring(struct sender *s, char **argv)
{
    struct ifreq device = {0};
    open_ring(s);
    (void)snprintf(device.ifr_name, sizeof(device.ifr_name), "%s", argv[2]);
    make_head(s, argv[3]);
    if (ioctl(s->ring, SIOCGIFHWADDR, &device) != 0)
        fail(argv[2]);
    memcpy(s->head.link.ether_shost, device.ifr_hwaddr.sa_data, ETHER_ADDR_LEN);
    s->device = (struct sockaddr_ll){.sll_family = AF_PACKET,
                                     .sll_protocol = htons(ETHERTYPE_IP),
                                     .sll_ifindex = (int)if_nametoindex(argv[2])};
    s->ids = calloc(s->flows * s->addresses, sizeof(*s->ids));
    if (s->ids == NULL)
        fail("memory");
}

static void send_setup_socket(struct sender *s)
{
    static const int buffer = BUFFER;
    int size = (int)s->octets;
    s->ring = -1;
    s->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s->socket < 0 || bind(s->socket, (const struct sockaddr *)&s->from, sizeof(s->from)) != 0 ||
        setsockopt(s->socket, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) != 0 ||
        connect(s->socket, (const struct sockaddr *)&s->to, sizeof(s->to)) != 0 ||
        setsockopt(s->socket, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) != 0)
        fail("socket");
}

static void send_setup(struct sender *s, char **argv)
{
    s->from = address_of(argv[4], "0");
    s->to = address_of(argv[5], argv[6]);
    size_t addresses = strtoul(argv[7], NULL, 10);
    s->addresses = addresses > 0 ? addresses : 1;
    s->shared = open_shared(argv[11]);
    s->flows = strcmp(argv[7], "many") == 0 ? FLOWS : 1;
    s->octets = strtoul(argv[8], NULL, 10);
    if (s->octets < 1 || s->octets > OCTETS_MAX)
        fail("octets");
    if (strcmp(argv[7], "segmented") == 0)
        send_setup_socket(s);
    else
        send_setup_ring(s, argv);
}

static struct tpacket2_hdr *frame_at(const struct sender *s, size_t n)
{
    return (void *)(s->frames + (s->next + n) % RING_FRAMES * RING_FRAME);
}

/* Writes the next packet into a frame: packet number `n` of all. */
static void put_packet(struct sender *s, struct tpacket2_hdr *frame, uint64_t n)
{
    uint8_t *at = (uint8_t *)frame + sizeof(*frame);
    size_t flow = n % (s->flows * s->addresses);
    size_t heads = sizeof(s->head) - s->skipped;
    size_t length = heads + s->octets;
    /* Linux is to copy all of it, as if all were headers. */
    const struct virtio_net_hdr form = {.hdr_len = (uint16_t)length};
    struct head *head = &s->head;
    head->ip.id = htons(s->ids[flow]++);
    head->ip.daddr = htonl(ntohl(s->to.sin_addr.s_addr) + (uint32_t)(flow % s->addresses));
    head->udp.uh_sport = htons((uint16_t)(FIRST_PORT + flow % s->flows));
    uint32_t to = sum_of(&head->ip.daddr, sizeof(head->ip.daddr));
    head->ip.check = fold(s->ip_sum + head->ip.id + to);
    uint16_t sum = fold(s->udp_sum + head->udp.uh_sport + to);
    head->udp.uh_sum = sum != 0 ? sum : 0xffff;
    memcpy(at, &form, sizeof(form));
    memcpy(at + sizeof(form), (const uint8_t *)head + s->skipped, heads);
    memcpy(at + sizeof(form) + heads, s->payload, s->octets);
    frame->tp_len = (uint32_t)(sizeof(form) + length);
    __atomic_store_n(&frame->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
}

/* How many of the frames that were put Linux has taken. It stops at one for which DEVICE has no room: that
 * packet is lost. Those behind it are taken back. */
static size_t settle(struct sender *s, size_t put)
{
    size_t taken = 0;
    while (taken < put && frame_at(s, taken)->tp_status != TP_STATUS_SEND_REQUEST)
        taken++;
    for (size_t i = taken; i < put; i++)
        frame_at(s, i)->tp_status = TP_STATUS_AVAILABLE;
    s->next += taken;
    return taken < put ? taken + 1 : put;
}

/* Sends `count` packets or fewer by the ring; returns how many left, or were lost at once. */
static size_t send_by_ring(struct sender *s, uint64_t sent, size_t count)
{
    size_t put = 0;
    while (put < count && put < BATCH && frame_at(s, put)->tp_status == TP_STATUS_AVAILABLE) {
        put_packet(s, frame_at(s, put), sent + put);
        put++;
    }
    if (sendto(s->ring, NULL, 0, 0, (const struct sockaddr *)&s->device, sizeof(s->device)) < 0 &&
        errno != ENOBUFS)
        fail("sendto");
    return settle(s, put);
}

/* Sends `count` packets or fewer by one system call; returns how many left. */
static size_t send_some(struct sender *s, uint64_t sent, size_t count)
{
    if (s->ring >= 0)
        return send_by_ring(s, sent, count);
    size_t fit = 65507 / s->octets; /* the kernel takes 64 segments and 65,507 octets at most */
    size_t most = fit < BATCH ? fit : BATCH;
    size_t segments = count < most ? count : most;
    return send(s->socket, s->payload, segments * s->octets, 0) >= 0 ? segments : 0;
}

/* Sends at a rate; returns how many packets, and the rate that it really was. */
static uint64_t send_all(struct sender *s, double rate, double seconds, double *real)
{
    static const struct timespec pause = {0, TICK};
    uint64_t sent = 0;
    double start = now(), passed, left_out = 0;
    while ((passed = now() - start) < seconds) {
        double due = rate * passed - left_out;
        if (due - (double)sent > rate * late_max)
            left_out += due - (double)sent - rate * late_max;
        if ((double)sent + 1 > due) {
            nanosleep(&pause, NULL);
            continue;
        }
        size_t left = send_some(s, sent, (size_t)(due - (double)sent));
        if (left == 0 && errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED)
            fail("send");
        sent += left;
    }
    *real = (double)sent / passed;
    return sent;
}

static uint64_t received(const struct sender *s)
{
    return __atomic_load_n(&s->shared->received, __ATOMIC_ACQUIRE);
}

/* Waits until no packet is on its way any more, or all have come. */
static void await_quiet(const struct sender *s, uint64_t all)
{
    static const struct timespec pause = {0, QUIET * 1000000};
    uint64_t seen;
    do {
        seen = received(s);
        if (seen < all)
            nanosleep(&pause, NULL);
    } while (received(s) != seen);
}

/* True if next to nothing is lost at that rate. */
static bool passes(struct sender *s, double rate, double seconds, double *real)
{
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t before = received(s);
        uint64_t sent = send_all(s, rate, seconds, real);
        await_quiet(s, before + sent);
        double lost = 1 - (double)(received(s) - before) / (double)sent;
        if (lost < loss_max)
            return true;
    }
    return false;
}

static double find_most(struct sender *s, double seconds, double limit)
{
    double rate = FIRST_RATE, best = 0, real;
    while (passes(s, rate, seconds, &real)) {
        double before = best;
        best = real > best ? real : best;
        if (best < 1.1 * before || rate >= limit)
            return best; /* the generator can do no more */
        rate *= 2;
    }
    double low = best > 0 ? best : FIRST_RATE / 8, high = rate;
    for (unsigned i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2;
        if (!passes(s, middle, seconds, &real)) {
            high = middle;
            continue;
        }
        low = middle;
        best = real > best ? real : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    static struct sender sender;
    if (argc == 4 && strcmp(argv[1], "receive") == 0)
        receive(argv);
    if (argc != 12 || strcmp(argv[1], "most") != 0) {
        (void)fputs("usage: udp_rate receive PORT FILE |"
                    " most DEVICE GATEWAY FROM TO PORT KIND OCTETS SECONDS LIMIT FILE\n",
                    stderr);
        return 2;
    }
    send_setup(&sender, argv);
    printf("%.0f\n", find_most(&sender, strtod(argv[9], NULL), strtod(argv[10], NULL)));
    return EXIT_SUCCESS;
}
