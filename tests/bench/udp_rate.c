/*
 * Finds the highest rate of UDP packets of which next to nothing is lost.
 *
 *     udp_rate receive ADDRESS PORT FILE
 *     udp_rate most FROM TO PORT KIND OCTETS SECONDS LIMIT FILE
 *
 * KIND is `one` (one flow, a packet a message), `segmented` (one flow, the kernel segments: UDP_SEGMENT),
 * `many` (64 flows in turn, so that no two neighbours can be merged), or a number of addresses, from TO on,
 * to which packets go in turn. The receiver counts into FILE, where the sender, on the same machine, sees at
 * once what arrived. It sends at a rate for some SECONDS: twice as fast as before until packets are lost or
 * LIMIT is reached, then between the two. It prints the highest rate at which it really sent without loss.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
    BATCH = 64, /* messages in one system call, segments in one message */
    FLOWS = 64,
    OCTETS_MAX = 1400,
    BUFFER = 16 << 20,
    TICK = 500000,      /* nanoseconds between two looks at what is due */
    FIRST_RATE = 20000, /* packets a second */
    HALVINGS = 4,       /* looks between the highest rate that passed and the lowest that did not */
    TRIES = 2,          /* at a rate; one of them has to pass */
    QUIET = 60,         /* milliseconds without a packet, after which none is on its way any more */
};

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

static int open_socket(const struct sockaddr_in *at, int option)
{
    static const int buffer = BUFFER;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)at, sizeof(*at)) != 0)
        fail("socket");
    if (setsockopt(fd, SOL_SOCKET, option, &buffer, sizeof(buffer)) != 0)
        fail("setsockopt");
    return fd;
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

static _Noreturn void receive(char **argv)
{
    static uint8_t places[BATCH][2048];
    static struct mmsghdr messages[BATCH];
    static struct iovec parts[BATCH];
    const struct sockaddr_in at = address_of(argv[2], argv[3]);
    struct shared *shared = open_shared(argv[4]);
    int fd = open_socket(&at, SO_RCVBUFFORCE);
    for (size_t i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){places[i], sizeof(places[i])};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    (void)puts("ready");
    (void)fflush(stdout);
    for (;;) {
        int got = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        if (got > 0)
            __atomic_fetch_add(&shared->received, (uint64_t)got, __ATOMIC_RELEASE);
    }
}

/* ---- Sending ----------------------------------------------------------------------------------------- */

struct sender {
    int fds[FLOWS];
    size_t flows, octets;
    bool segmented;
    uint8_t payload[BATCH * OCTETS_MAX];
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    struct sockaddr_in to; /* the first address */
    size_t addresses;      /* 0: the sockets are connected to the one */
    struct sockaddr_in names[BATCH];
    struct shared *shared;
};

static void send_setup(struct sender *s, char **argv)
{
    struct sockaddr_in from = address_of(argv[2], "0");
    s->to = address_of(argv[3], argv[4]);
    s->addresses = strtoul(argv[5], NULL, 10);
    s->shared = open_shared(argv[9]);
    s->flows = strcmp(argv[5], "many") == 0 ? FLOWS : 1;
    s->segmented = strcmp(argv[5], "segmented") == 0;
    s->octets = strtoul(argv[6], NULL, 10);
    if (s->octets < 1 || s->octets > OCTETS_MAX)
        fail("octets");
    for (size_t i = 0; i < s->flows; i++) {
        s->fds[i] = open_socket(&from, SO_SNDBUFFORCE);
        if (s->addresses == 0 && connect(s->fds[i], (const struct sockaddr *)&s->to, sizeof(s->to)) != 0)
            fail("connect");
    }
    int size = (int)s->octets;
    if (s->segmented && setsockopt(s->fds[0], IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) != 0)
        fail("UDP_SEGMENT");
    for (size_t i = 0; i < BATCH; i++) {
        s->parts[i] = (struct iovec){s->payload, s->octets};
        s->messages[i].msg_hdr = (struct msghdr){.msg_iov = &s->parts[i], .msg_iovlen = 1};
    }
}

/* How many packets one message may have: the kernel takes 64 segments and 65,507 octets at most. */
static size_t segments_max(const struct sender *s)
{
    size_t fit = 65507 / s->octets;
    return fit < BATCH ? fit : BATCH;
}

/* Has the messages of a batch go to the next addresses. */
static void put_names(struct sender *s, uint64_t sent)
{
    for (size_t i = 0; i < BATCH; i++) {
        s->names[i] = s->to;
        s->names[i].sin_addr.s_addr =
            htonl(ntohl(s->to.sin_addr.s_addr) + (uint32_t)((sent + i) % s->addresses));
        s->messages[i].msg_hdr.msg_name = &s->names[i];
        s->messages[i].msg_hdr.msg_namelen = sizeof(s->names[i]);
    }
}

/* Sends `count` packets or fewer, by one system call; returns how many left. */
static size_t send_some(struct sender *s, uint64_t sent, size_t count)
{
    if (s->flows > 1) /* one at a time, so that the flows really take turns */
        return send(s->fds[sent % s->flows], s->payload, s->octets, 0) >= 0;
    if (s->segmented) {
        size_t most = segments_max(s);
        size_t segments = count < most ? count : most;
        return send(s->fds[0], s->payload, segments * s->octets, 0) >= 0 ? segments : 0;
    }
    if (s->addresses > 0)
        put_names(s, sent);
    int left = sendmmsg(s->fds[0], s->messages, count < BATCH ? (unsigned)count : BATCH, 0);
    return left > 0 ? (size_t)left : 0;
}

/* Sends at a rate; returns how many packets, and the rate that it really was. */
static uint64_t send_all(struct sender *s, double rate, double seconds, double *real)
{
    static const struct timespec pause = {0, TICK};
    uint64_t sent = 0;
    double start = now(), passed;
    while ((passed = now() - start) < seconds) {
        uint64_t due = (uint64_t)(rate * passed);
        if (sent >= due) {
            nanosleep(&pause, NULL);
            continue;
        }
        size_t left = send_some(s, sent, (size_t)(due - sent));
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
        best = real > best ? real : best;
        if (real < 0.9 * rate || rate >= limit)
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
    if (argc == 5 && strcmp(argv[1], "receive") == 0)
        receive(argv);
    if (argc != 10 || strcmp(argv[1], "most") != 0) {
        (void)fputs("usage: udp_rate receive ADDRESS PORT FILE |"
                    " most FROM TO PORT KIND OCTETS SECONDS LIMIT FILE\n",
                    stderr);
        return 2;
    }
    send_setup(&sender, argv);
    printf("%.0f\n", find_most(&sender, strtod(argv[7], NULL), strtod(argv[8], NULL)));
    return EXIT_SUCCESS;
}
