/*
 * Sends UDP packets at a rate, and counts those that arrive.
 *
 *     udp_rate receive ADDRESS PORT
 *     udp_rate send FROM TO PORT KIND OCTETS RATE SECONDS
 *
 * KIND is `one` (one flow, a packet a message), `segmented` (one flow, the kernel segments: UDP_SEGMENT) or
 * `many` (64 flows in turn, so that no two neighbours can be merged). The sender prints how many packets it
 * sent and how many seconds it took. The receiver prints `ready`, and when nothing has come for a while, how
 * many it got.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    TICK = 500000, /* nanoseconds between two looks at what is due */
    FIRST_PATIENCE = 5000,
    PATIENCE = 400, /* milliseconds without a packet */
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

/* ---- Receiving --------------------------------------------------------------------------------------- */

static void receive(char **argv)
{
    static uint8_t places[BATCH][2048];
    static struct mmsghdr messages[BATCH];
    static struct iovec parts[BATCH];
    const struct sockaddr_in at = address_of(argv[2], argv[3]);
    int fd = open_socket(&at, SO_RCVBUFFORCE);
    uint64_t count = 0;
    for (size_t i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){places[i], sizeof(places[i])};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    (void)puts("ready");
    (void)fflush(stdout);
    struct pollfd poll_fd = {fd, POLLIN, 0};
    while (poll(&poll_fd, 1, count == 0 ? FIRST_PATIENCE : PATIENCE) > 0) {
        int got = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
        count += got > 0 ? (uint64_t)got : 0;
    }
    printf("%lu\n", (unsigned long)count);
}

/* ---- Sending ----------------------------------------------------------------------------------------- */

struct sender {
    int fds[FLOWS];
    size_t flows, octets;
    bool segmented;
    uint8_t payload[BATCH * OCTETS_MAX];
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
};

static void send_setup(struct sender *s, char **argv)
{
    const struct sockaddr_in to = address_of(argv[3], argv[4]);
    struct sockaddr_in from = address_of(argv[2], "0");
    s->flows = strcmp(argv[5], "many") == 0 ? FLOWS : 1;
    s->segmented = strcmp(argv[5], "segmented") == 0;
    s->octets = strtoul(argv[6], NULL, 10);
    if (s->octets < 1 || s->octets > OCTETS_MAX)
        fail("octets");
    for (size_t i = 0; i < s->flows; i++) {
        s->fds[i] = open_socket(&from, SO_SNDBUFFORCE);
        if (connect(s->fds[i], (const struct sockaddr *)&to, sizeof(to)) != 0)
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
    int left = sendmmsg(s->fds[0], s->messages, count < BATCH ? (unsigned)count : BATCH, 0);
    return left > 0 ? (size_t)left : 0;
}

static void send_all(struct sender *s, double rate, double seconds)
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
    printf("%lu %.6f\n", (unsigned long)sent, passed);
}

int main(int argc, char **argv)
{
    static struct sender sender;
    if (argc == 4 && strcmp(argv[1], "receive") == 0) {
        receive(argv);
        return EXIT_SUCCESS;
    }
    if (argc != 9 || strcmp(argv[1], "send") != 0) {
        (void)fputs("usage: udp_rate receive ADDRESS PORT | send FROM TO PORT KIND OCTETS RATE SECONDS\n",
                    stderr);
        return 2;
    }
    send_setup(&sender, argv);
    send_all(&sender, strtod(argv[7], NULL), strtod(argv[8], NULL));
    return EXIT_SUCCESS;
}
