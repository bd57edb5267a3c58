#include "shell/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "config/prompt.h"
#include "shell/key_files.h"
#include "shell/pcapng.h"
#include "shell/udp_merged.h"

enum {
    SECONDS = 60, /* if the line names none */
    /* Milliseconds: how soon keys are asked for again after an IKE message, since an SA may be short-lived.
     * Then each pause is twice as long, up to this: */
    KEYS_SOON = 5,
    KEYS_EVERY = 1000,
    PATH_SIZE = 4096,
    PACKET_SIZE = 1 << 17, /* Linux may have merged several */
    INTERFACES_MAX = 64,
    BATCH = 256, /* packets that are read before keys are asked for again */
};

/* One capture. */
struct capture {
    struct client *client;
    const char *tunnel;
    char path[PATH_SIZE];
    char keys_path[PATH_SIZE + 8];
    uint64_t seconds;
    FILE *file; /* NULL: not open */
    struct key_files keys;
    int socket;
    int signals;                    /* signalfd */
    int interfaces[INTERFACES_MAX]; /* those in the file: their indices in Linux */
    size_t interface_count;
    uint64_t packets;
    uint64_t keys_due;   /* milliseconds of the clock; when keys are asked for next */
    uint64_t keys_pause; /* and how long after that again */
    uint8_t packet[PACKET_SIZE];
    uint8_t part[PACKET_SIZE]; /* one that was merged into it */
};

static uint64_t clock_milliseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool complain(FILE *errors, const char *path)
{
    if (errno == EEXIST)
        (void)fprintf(errors, "%% %s is there already, and is not overwritten\n", path);
    else
        (void)fprintf(errors, "%% Can't write %s: %s\n", path, strerror(errno));
    return false;
}

/* ---- Files ------------------------------------------------------------------------------------------- */

/* Makes both files, which must not exist. On failure none is left. */
static bool open_files(struct capture *c, FILE *errors)
{
    int fd = open(c->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return complain(errors, c->path);
    c->file = fdopen(fd, "w");
    if (c->file == NULL)
        close(fd);
    if (c->file != NULL && key_files_create(&c->keys, c->keys_path)) {
        pcapng_put_header(c->file);
        return true;
    }
    (void)complain(errors, c->keys_path);
    (void)unlink(c->path);
    return false;
}

/* The command has failed: the files hold nothing. */
static void remove_files(struct capture *c)
{
    static const char *const names[] = {"preferences", "ikev2_decryption_table", "esp_sa"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlinkat(c->keys.directory, names[i], 0);
    (void)rmdir(c->keys_path);
    (void)unlink(c->path);
}

/* ---- Packets ----------------------------------------------------------------------------------------- */

/* The number of an interface in the file, where it is named first. */
static uint32_t interface_number(struct capture *c, int index)
{
    struct ifreq request = {.ifr_ifindex = index};
    for (size_t i = 0; i < c->interface_count; i++) {
        if (c->interfaces[i] == index)
            return (uint32_t)i;
    }
    if (c->interface_count == INTERFACES_MAX)
        return INTERFACES_MAX - 1;
    /* By the socket: it may be of another network namespace. */
    if (ioctl(c->socket, SIOCGIFNAME, &request) != 0)
        (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "if%d", index);
    pcapng_put_interface(c->file, request.ifr_name);
    c->interfaces[c->interface_count++] = index;
    return (uint32_t)c->interface_count - 1;
}

/* Nanoseconds of Unix time. */
static uint64_t time_of(struct msghdr *message)
{
    struct timespec at = {0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
            memcpy(&at, CMSG_DATA(c), sizeof(at));
    }
    return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

/* Writes a packet, or those that Linux has merged into it. */
static void put_packets(struct capture *c, struct pcapng_packet *packet)
{
    const struct octets whole = packet->octets;
    size_t size = udp_merged_size(whole);
    if (size == 0) {
        pcapng_put_packet(c->file, packet);
        c->packets++;
        return;
    }
    for (size_t i = 0; (packet->octets.length = udp_merged_part(whole, size, i, c->part)) > 0; i++) {
        packet->octets.at = c->part;
        pcapng_put_packet(c->file, packet);
        c->packets++;
    }
}

/* Takes one packet from the socket. False if there is none. */
static bool take_packet(struct capture *c)
{
    union {
        char octets[256];
        struct cmsghdr aligned;
    } control;
    struct sockaddr_ll from = {0};
    struct iovec part = {c->packet, sizeof(c->packet)};
    struct msghdr message = {&from, sizeof(from), &part, 1, &control, sizeof(control), 0};
    ssize_t got = recvmsg(c->socket, &message, MSG_DONTWAIT);
    if (got < 0)
        return false;
    struct pcapng_packet packet = {
        .interface = interface_number(c, from.sll_ifindex),
        .time = time_of(&message),
        .outbound = from.sll_pkttype == PACKET_OUTGOING,
        .octets = {c->packet, (size_t)got},
    };
    if (packet_is_ike(packet.octets)) {
        c->keys_due = 0;
        c->keys_pause = KEYS_SOON;
    }
    put_packets(c, &packet);
    return true;
}

/* How many packets were lost since they were not read in time. */
static unsigned packets_lost(const struct capture *c)
{
    struct tpacket_stats statistics = {0};
    socklen_t size = sizeof(statistics);
    (void)getsockopt(c->socket, SOL_PACKET, PACKET_STATISTICS, &statistics, &size);
    return statistics.tp_drops;
}

/* ---- Keys -------------------------------------------------------------------------------------------- */

/* Runs a command in the session. Its output is from malloc, and wiped by secret_free of `*length`; NULL if
 * the command failed. */
static char *ask(struct capture *c, const char *command, size_t *length, FILE *errors, bool *lost)
{
    char *text = NULL;
    *length = 0;
    FILE *stream = open_memstream(&text, length);
    if (stream == NULL)
        return NULL;
    enum control_status status = client_run(c->client, command, strlen(command), NULL, stream, errors, lost);
    if (fclose(stream) == 0 && status == CONTROL_OK)
        return text;
    secret_free(text, *length);
    return NULL;
}

/* Asks for the keys that there are now, and writes those that are new. */
static bool take_keys(struct capture *c, FILE *errors, bool *lost)
{
    char command[INTERFACE_NAME_SIZE + 16];
    size_t length;
    (void)snprintf(command, sizeof(command), "debug keys %s", c->tunnel);
    char *text = ask(c, command, &length, errors, lost);
    bool done = text != NULL && key_files_add(&c->keys, text);
    if (text != NULL && !done)
        (void)complain(errors, c->keys_path);
    secret_free(text, length);
    c->keys_due = clock_milliseconds() + c->keys_pause;
    c->keys_pause = c->keys_pause < KEYS_EVERY / 2 ? 2 * c->keys_pause : KEYS_EVERY;
    return done;
}

/* ---- The whole --------------------------------------------------------------------------------------- */

/* Reads what waits, at most a batch: keys have their turn in between. */
static void take_packets(struct capture *c)
{
    for (int i = 0; i < BATCH && take_packet(c); i++) {
    }
}

/* Captures until the time is over or a signal comes. False if musubid or a file fails. */
static bool capture(struct capture *c, FILE *errors, bool *lost)
{
    uint64_t end = clock_milliseconds() + c->seconds * 1000;
    for (bool running = true; running;) {
        uint64_t now = clock_milliseconds();
        if (now >= c->keys_due && !take_keys(c, errors, lost))
            return false;
        (void)fflush(c->file);
        uint64_t until = c->keys_due < end ? c->keys_due : end;
        now = clock_milliseconds();
        struct pollfd sources[] = {{c->socket, POLLIN, 0}, {c->signals, POLLIN, 0}};
        int ready = poll(sources, 2, until > now ? (int)(until - now) : 0);
        take_packets(c);
        running = clock_milliseconds() < end && !(ready > 0 && sources[1].revents != 0);
    }
    take_packets(c);
    return take_keys(c, errors, lost);
}

/* Has signals end the capture instead of the shell. */
static bool catch_signals(struct capture *c, sigset_t *before)
{
    sigset_t caught;
    (void)sigemptyset(&caught);
    (void)sigaddset(&caught, SIGINT);
    (void)sigaddset(&caught, SIGTERM);
    (void)sigaddset(&caught, SIGHUP);
    c->signals = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
    return c->signals >= 0 && sigprocmask(SIG_BLOCK, &caught, before) == 0;
}

/* Forgets the signals that have come, and lets others through as before. */
static void release_signals(struct capture *c, const sigset_t *before)
{
    struct signalfd_siginfo come;
    while (read(c->signals, &come, sizeof(come)) > 0) {
    }
    close(c->signals);
    (void)sigprocmask(SIG_SETMASK, before, NULL);
}

static enum control_status capture_with_socket(struct capture *c, FILE *out, FILE *errors, bool *lost)
{
    sigset_t before;
    if (!catch_signals(c, &before)) {
        (void)fprintf(errors, "%% Can't catch signals: %s\n", strerror(errno));
        return CONTROL_FAILED;
    }
    (void)fprintf(out, "Capturing %s for %llu second%s, or until Ctrl-C\n", c->tunnel,
                  (unsigned long long)c->seconds, c->seconds == 1 ? "" : "s");
    (void)fflush(out);
    bool done = capture(c, errors, lost);
    release_signals(c, &before);
    if (fflush(c->file) != 0 || ferror(c->file) != 0)
        done = complain(errors, c->path);
    (void)fprintf(out, "%llu packets in %s, %u lost\nWIRESHARK_CONFIG_DIR=%s wireshark %s\n",
                  (unsigned long long)c->packets, c->path, packets_lost(c), c->keys_path, c->path);
    return done ? CONTROL_OK : CONTROL_FAILED;
}

/* Captures as the line says. */
static enum control_status run(struct capture *c, const char *line, size_t length, FILE *out, FILE *errors,
                               bool *lost)
{
    if (!open_files(c, errors))
        return CONTROL_FAILED;
    enum control_status status = client_run(c->client, line, length, NULL, out, errors, lost);
    c->socket = client_take_descriptor(c->client);
    if (status == CONTROL_OK && c->socket >= 0)
        return capture_with_socket(c, out, errors, lost);
    if (status == CONTROL_OK)
        (void)fprintf(errors, "%% The daemon has handed over no socket\n");
    remove_files(c);
    return CONTROL_FAILED;
}

static void capture_free(struct capture *c)
{
    if (c->file != NULL)
        (void)fclose(c->file);
    if (c->socket >= 0)
        close(c->socket);
    key_files_close(&c->keys);
    secret_free(c, sizeof(*c));
}

/* Reads the line's arguments. */
static enum control_status run_parsed(struct client *client, const struct exec_command *command,
                                      const char *line, size_t length, FILE *out, FILE *errors, bool *lost)
{
    const char *path = line_argument(&command->line, "file");
    const char *seconds = line_argument(&command->line, "seconds");
    struct capture *c = calloc(1, sizeof(*c));
    if (c == NULL || strlen(path) >= sizeof(c->path)) {
        (void)fprintf(errors, c == NULL ? "%% Out of memory\n" : "%% The name of the file is too long\n");
        free(c);
        return CONTROL_FAILED;
    }
    c->client = client;
    c->tunnel = line_argument(&command->line, "interface");
    c->seconds = seconds != NULL ? strtoul(seconds, NULL, 10) : SECONDS;
    c->keys_pause = KEYS_SOON;
    c->socket = -1;
    c->keys.directory = -1;
    (void)snprintf(c->path, sizeof(c->path), "%s", path);
    (void)snprintf(c->keys_path, sizeof(c->keys_path), "%s.keys", path);
    enum control_status status = run(c, line, length, out, errors, lost);
    capture_free(c);
    return status;
}

bool capture_run(struct client *client, const char *line, size_t length, FILE *out, FILE *errors,
                 enum control_status *status, bool *lost)
{
    char copy[CONTROL_LINE_MAX + 1];
    char ignored[EXEC_ERROR_SIZE];
    struct exec_command command;
    if (length > CONTROL_LINE_MAX)
        return false;
    memcpy(copy, line, length);
    copy[length] = '\0';
    bool parsed = exec_parse(copy, &command, ignored);
    secret_wipe(copy, length);
    if (!parsed)
        return false;
    bool is_capture = command.id == COMMAND_DEBUG_CAPTURE;
    *lost = false;
    if (is_capture)
        *status = run_parsed(client, &command, line, length, out, errors, lost);
    exec_free(&command);
    return is_capture;
}
