/*
 * A stream of numbered UDP packets that come back, which counts lost and duplicated ones:
 *
 *   stream echo PORT ADDRESS...
 *   stream send SOURCE DESTINATION PORT RATE [COUNT]
 *
 * `echo` sends every packet back. `send` sends RATE packets a second, each with the next number. Only few are
 * in flight at a time, so a busy machine slows the stream down but fills no queue. After COUNT packets, or at
 * SIGTERM, it stops sending, waits for the packets in flight, and prints one line of counts and one for each
 * run of packets that did not come back.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    PACKET_SIZE = 64,
    PACKETS_MAX = 1 << 22,
    RECEIVE_BUFFER = 8 << 20,
    WINDOW = 20,      /* packets in flight at most: those of six streams half fill a packet socket */
    PATIENCE = 15000, /* milliseconds without an answer until packets in flight count as lost */
    RUNS_PRINTED = 20,
    ECHOES_MAX = 64,
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Microseconds on a clock that never goes back. */
static uint64_t clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static struct sockaddr_storage address_of(const char *text, const char *port, socklen_t *length)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    in_port_t number = htons((uint16_t)strtoul(port, NULL, 10));
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = number;
        *length = sizeof *v4;
    } else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = number;
        *length = sizeof *v6;
    } else {
        fprintf(stderr, "stream: no address: %s\n", text);
        exit(2);
    }
    return address;
}

static int bound_socket(const char *text, const char *port)
{
    socklen_t length;
    const struct sockaddr_storage address = address_of(text, port, &length);
    int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int size = RECEIVE_BUFFER;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
        fail("socket");
    if (bind(fd, (const struct sockaddr *)&address, length) != 0)
        fail("bind");
    return fd;
}

static void send_back(int fd)
{
    uint8_t packet[PACKET_SIZE];
    struct sockaddr_storage from;
    socklen_t length = sizeof from;
    ssize_t got = recvfrom(fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &length);
    if (got > 0)
        (void)sendto(fd, packet, (size_t)got, 0, (const struct sockaddr *)&from, length);
}

/* A socket for each address, so that an answer comes from the address that the packet went to. */
static int echo(const char *port, char **addresses)
{
    struct pollfd polled[ECHOES_MAX];
    nfds_t count = 0;
    while (addresses[count] != NULL && count < ECHOES_MAX) {
        polled[count] = (struct pollfd){.fd = bound_socket(addresses[count], port), .events = POLLIN};
        count++;
    }
    printf("ready\n");
    fflush(stdout);
    while (poll(polled, count, -1) >= 0) {
        for (nfds_t i = 0; i < count; i++) {
            if (polled[i].revents != 0)
                send_back(polled[i].fd);
        }
    }
    return 1;
}

struct stream {
    int fd;
    uint64_t interval; /* microseconds */
    size_t count;      /* packets to be sent */
    size_t sent, answered, duplicates, errors;
    size_t settled;         /* packets no longer in flight: answered, or given up */
    uint64_t last_progress; /* time of the last answer, or when no packet was in flight */
    uint32_t *sent_at;      /* milliseconds since the start, by number */
    uint8_t *answers;       /* how often each packet came back */
};

static void take_answers(struct stream *s)
{
    uint32_t number;
    uint8_t packet[PACKET_SIZE];
    ssize_t got;
    while ((got = recv(s->fd, packet, sizeof packet, MSG_DONTWAIT)) > 0) {
        memcpy(&number, packet, sizeof number);
        if (got != PACKET_SIZE || number >= s->sent)
            continue;
        s->last_progress = clock_now();
        if (s->answers[number]++ > 0) {
            s->duplicates++;
            continue;
        }
        s->answered++;
        if (s->settled < s->sent)
            s->settled++;
    }
}

static void send_next(struct stream *s, uint64_t since_start)
{
    uint8_t packet[PACKET_SIZE] = {0};
    const uint32_t number = (uint32_t)s->sent;
    memcpy(packet, &number, sizeof number);
    s->sent_at[s->sent++] = (uint32_t)(since_start / 1000);
    if (send(s->fd, packet, sizeof packet, 0) != PACKET_SIZE)
        s->errors++;
}

static void wait_for_answers(const struct stream *s, uint64_t until)
{
    struct pollfd wanted = {.fd = s->fd, .events = POLLIN};
    uint64_t now = clock_now();
    const uint64_t left = until > now ? until - now : 0;
    const struct timespec timeout = {.tv_sec = (time_t)(left / 1000000),
                                     .tv_nsec = (long)(left % 1000000) * 1000};
    (void)ppoll(&wanted, 1, &timeout, NULL);
}

/* Sends the packets, then waits for those in flight. */
static void run(struct stream *s)
{
    const uint64_t start = clock_now();
    uint64_t due = start;
    s->last_progress = start;
    while (!stopped || s->settled < s->sent) {
        if (s->sent == s->count)
            stopped = 1;
        take_answers(s);
        uint64_t now = clock_now();
        if (s->settled == s->sent)
            s->last_progress = now;
        if (now - s->last_progress > (uint64_t)PATIENCE * 1000)
            s->settled = s->sent;
        bool may_send = !stopped && s->sent - s->settled < WINDOW;
        if (may_send && now >= due) {
            send_next(s, now - start);
            due = due + s->interval > now ? due + s->interval
                                          : now; /* packets that were due meanwhile are not sent */
            continue;
        }
        wait_for_answers(s, may_send ? due : now + 10000);
    }
}

static void report(const struct stream *s)
{
    printf("sent %zu answered %zu lost %zu duplicated %zu errors %zu\n", s->sent, s->answered,
           s->sent - s->answered, s->duplicates, s->errors);
    size_t runs = 0;
    for (size_t i = 0; i < s->sent; i++) {
        if (s->answers[i] != 0)
            continue;
        size_t first = i;
        while (i + 1 < s->sent && s->answers[i + 1] == 0)
            i++;
        if (++runs <= RUNS_PRINTED)
            printf("lost %zu to %zu, sent %.3f to %.3f s after the start\n", first, i,
                   s->sent_at[first] / 1e3, s->sent_at[i] / 1e3);
    }
}

static int send_stream(char **arguments)
{
    signal(SIGTERM, stop);
    size_t count = arguments[4] != NULL ? strtoul(arguments[4], NULL, 10) : PACKETS_MAX;
    struct stream s = {.fd = bound_socket(arguments[0], "0"),
                       .interval = 1000000 / strtoul(arguments[3], NULL, 10),
                       .count = count < PACKETS_MAX ? count : PACKETS_MAX,
                       .sent_at = calloc(PACKETS_MAX, sizeof *s.sent_at),
                       .answers = calloc(PACKETS_MAX, sizeof *s.answers)};
    socklen_t length;
    const struct sockaddr_storage destination = address_of(arguments[1], arguments[2], &length);
    if (s.sent_at == NULL || s.answers == NULL ||
        connect(s.fd, (const struct sockaddr *)&destination, length) != 0)
        fail("stream");
    run(&s);
    report(&s);
    free(s.sent_at);
    free(s.answers);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "echo") == 0)
        return echo(argv[2], argv + 3);
    if ((argc == 6 || argc == 7) && strcmp(argv[1], "send") == 0)
        return send_stream(argv + 2);
    fprintf(stderr, "usage: stream echo PORT ADDRESS...\n"
                    "       stream send SOURCE DESTINATION PORT RATE [COUNT]\n");
    return 2;
}
