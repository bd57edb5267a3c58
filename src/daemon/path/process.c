#include "daemon/path/process.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/secret.h"
#include "daemon/ipc/clock.h"
#include "daemon/ipc/messages.h"
#include "daemon/ipc/spawn.h"
#include "daemon/path/engine_link.h"
#include "daemon/path/surroundings.h"
#include "daemon/state/shared.h"

struct path_process {
    struct channel keeper;
    struct channel engine;
    struct path *path; /* NULL until all workers are known */
    struct path_options *options;
    struct live_area area;
    struct surroundings *surroundings; /* NULL if Linux can't be asked */
    uint32_t workers_known;
    bool failed;
};

__attribute__((format(printf, 3, 4))) static void process_log(struct path_process *process,
                                                              enum log_level level, const char *format, ...)
{
    char text[MESSAGE_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    const struct message_log log = {.level = level, .function = LOG_IPSEC};
    message_send_log(&process->keeper, &log, text);
}

/* ---- Setting up ------------------------------------------------------------------------------------ */

static void set_up(struct path_process *process)
{
    const struct message_path_setup *m = process->keeper.message.body;
    int fd = channel_take_fd(&process->keeper, 0);
    process->options = calloc(1, sizeof(*process->options));
    bool mapped = process->options != NULL && fd >= 0 && live_area_map(fd, true, &process->area);
    if (fd >= 0)
        close(fd);
    if (!mapped || m->workers > process->area.size.workers) {
        process_log(process, LOG_LEVEL_ERROR, "the path can't use its shared memory: %s", strerror(errno));
        process->failed = true;
        return;
    }
    process->options->worker_count = m->workers;
    process->options->live = process->area.children;
    process->options->live_count = process->area.size.children;
    process->options->totals = process->area.totals;
    process->options->totals_count = process->area.size.tunnels;
    process->options->sizes = process->area.sizes;
}

static void start_workers(struct path_process *process)
{
    struct host_error reason;
    process->surroundings = surroundings_open(&reason);
    if (process->surroundings == NULL)
        process_log(process, LOG_LEVEL_WARN, "the path can't see links and addresses: %s", reason.text);
    process->options->find_route = surroundings_find_route;
    process->options->find_context = process->surroundings;
    process->path = path_new(process->options);
    if (process->path == NULL) {
        process_log(process, LOG_LEVEL_ERROR, "the packet workers can't be started: %s", strerror(errno));
        process->failed = true;
    } else {
        surroundings_tell(process->surroundings, process->path);
        (void)message_send(&process->keeper, MESSAGE_READY, NULL, 0);
    }
    secret_free(process->options, sizeof(*process->options));
    process->options = NULL;
}

static void set_up_worker(struct path_process *process)
{
    const struct message_path_worker *m = process->keeper.message.body;
    if (process->options == NULL || m->worker >= process->options->worker_count) {
        process->failed = true;
        return;
    }
    int fds[PATH_SOCKET_COUNT];
    size_t next = 0;
    for (size_t i = 0; i < PATH_SOCKET_COUNT; i++)
        fds[i] = (m->present >> i & 1) != 0 ? channel_take_fd(&process->keeper, next++) : -1;
    struct path_worker *worker = &process->options->workers[m->worker];
    *worker = (struct path_worker){
        .esp_v4 = fds[PATH_SOCKET_ESP_V4],
        .esp_v6 = fds[PATH_SOCKET_ESP_V6],
        .udp_v4 = fds[PATH_SOCKET_UDP_V4],
        .udp_v6 = fds[PATH_SOCKET_UDP_V6],
        .esp_v4_df = fds[PATH_SOCKET_ESP_V4_DF],
        .udp_v4_df = fds[PATH_SOCKET_UDP_V4_DF],
        .packet = fds[PATH_SOCKET_PACKET],
        .icmp_v4 = fds[PATH_SOCKET_ICMP_V4],
        .icmp_v6 = fds[PATH_SOCKET_ICMP_V6],
        .counters = &process->area.workers[m->worker],
    };
    /* Up to 256 octets come whole once the kernel has any. */
    if (getrandom(worker->seed, sizeof(worker->seed), 0) != (ssize_t)sizeof(worker->seed) ||
        getrandom(&worker->hash_seed, sizeof(worker->hash_seed), 0) != (ssize_t)sizeof(worker->hash_seed)) {
        process->failed = true;
        return;
    }
    if (++process->workers_known == process->options->worker_count)
        start_workers(process);
}

/* ---- Messages of the keeper ------------------------------------------------------------------------ */

static void tunnel_done(struct path_process *process, uint32_t tunnel, uint32_t operation,
                        enum path_result result)
{
    const struct message_tunnel_done done = {tunnel, operation, result};
    (void)message_send(&process->keeper, MESSAGE_TUNNEL_DONE, &done, sizeof(done));
}

/* The operation and the tunnel's number come back with the event. */
static uint64_t keeper_request(uint32_t tunnel, uint32_t operation)
{
    return PATH_KEEPER_REQUEST | (uint64_t)operation << 32 | tunnel;
}

/* Carries out what the keeper wants of a tunnel; the answer comes with PATH_DONE unless it is refused. */
static void change_tunnel(struct path_process *process, uint32_t operation)
{
    const struct path_tunnel *tunnel = process->keeper.message.body;
    uint32_t number = tunnel->number; /* struct message_tunnel has it in the same place */
    uint64_t request = keeper_request(number, operation);
    enum path_result result = PATH_INVALID;
    if (operation == MESSAGE_TUNNEL_REMOVE) {
        result = path_tunnel_remove(process->path, request, number);
    } else if (operation == MESSAGE_TUNNEL_UPDATE) {
        result = path_tunnel_update(process->path, request, tunnel);
    } else if (process->keeper.message.fd_count == 1) {
        int tun = channel_take_fd(&process->keeper, 0);
        result = path_tunnel_add(process->path, request, tunnel, tun);
        if (result != PATH_OK)
            close(tun);
    }
    if (result != PATH_OK)
        tunnel_done(process, number, operation, result);
}

static void keeper_message(struct path_process *process)
{
    const struct channel_message *message = &process->keeper.message;
    if (!message_is_sound(PROCESS_KEEPER, PROCESS_PATH, message)) {
        process_log(process, LOG_LEVEL_ERROR, "the keeper sent the path something malformed (%s)",
                    message_name(message->type));
        process->failed = true;
        return;
    }
    switch (message->type) {
    case MESSAGE_PATH_SETUP:
        set_up(process);
        break;
    case MESSAGE_PATH_WORKER:
        set_up_worker(process);
        break;
    default:
        if (process->path != NULL)
            change_tunnel(process, message->type);
        break;
    }
}

/* ---- Messages of the engine ------------------------------------------------------------------------ */

static void engine_message(struct path_process *process)
{
    const struct channel_message *message = &process->engine.message;
    if (!message_is_sound(PROCESS_ENGINE, PROCESS_PATH, message))
        process_log(process, LOG_LEVEL_ERROR, "the engine sent the path something malformed (%s)",
                    message_name(message->type));
    else if (process->path != NULL)
        engine_link_take(process->path, &process->engine);
}

/* ---- Events of the workers ------------------------------------------------------------------------- */

static void path_events(struct path_process *process)
{
    struct path_event event;
    while (path_next_event(process->path, &event)) {
        if (event.kind == PATH_DONE && (event.request & PATH_KEEPER_REQUEST) != 0)
            tunnel_done(process, (uint32_t)event.request, (uint32_t)(event.request >> 32) & INT32_MAX,
                        event.result);
        else
            engine_link_tell(&process->engine, &event);
    }
    struct path_stray *stray;
    while ((stray = path_next_stray(process->path)) != NULL) {
        engine_link_pass(&process->engine, stray);
        free(stray);
    }
}

/* ---- The loop -------------------------------------------------------------------------------------- */

/* Takes all messages of a channel. False if the other side is gone. */
static bool drain(struct path_process *process, struct channel *channel,
                  void (*take)(struct path_process *process))
{
    enum channel_result result;
    while (!process->failed && (result = channel_receive(channel)) != CHANNEL_EMPTY) {
        if (result == CHANNEL_CLOSED)
            return false;
        take(process);
    }
    return true;
}

static short events_wanted(const struct channel *channel)
{
    return (short)(POLLIN | (channel_is_waiting(channel) ? POLLOUT : 0));
}

/* Milliseconds that poll may sleep. */
static int timeout(const struct path_process *process)
{
    msec_t due = surroundings_deadline(process->surroundings);
    if (due == MSEC_NEVER || process->path == NULL)
        return -1;
    msec_t now = clock_now();
    if (due <= now)
        return 0;
    return due - now < INT_MAX ? (int)(due - now) : INT_MAX;
}

static void run(struct path_process *process)
{
    while (!process->failed) {
        (void)channel_flush(&process->keeper);
        (void)channel_flush(&process->engine);
        struct pollfd polled[] = {
            {.fd = process->keeper.fd, .events = events_wanted(&process->keeper)},
            {.fd = process->engine.fd, .events = events_wanted(&process->engine)},
            {.fd = process->path != NULL ? path_event_fd(process->path) : -1, .events = POLLIN},
            {.fd = surroundings_fd(process->surroundings), .events = POLLIN},
        };
        if (poll(polled, sizeof(polled) / sizeof(polled[0]), timeout(process)) < 0) {
            if (errno != EINTR)
                return;
            continue;
        }
        if (process->path != NULL)
            surroundings_follow(process->surroundings, process->path, polled[3].revents != 0);
        bool has_message = (polled[0].revents | polled[1].revents) != 0;
        /* The keeper first: a tunnel is known before its SAs. */
        if (has_message && !drain(process, &process->keeper, keeper_message))
            return;
        /* Without an engine packets go on, by the SAs that are there. */
        if (has_message && !drain(process, &process->engine, engine_message))
            channel_close(&process->engine);
        if (process->path != NULL)
            path_events(process);
    }
}

int path_process_run(void)
{
    static struct path_process process; /* its channels are too large for a stack */
    if (!spawn_enter("musubid-path"))
        return EXIT_FAILURE;
    channel_open(&process.keeper, SPAWN_KEEPER_FD);
    channel_open(&process.engine, SPAWN_PEER_FD);
    channel_gather(&process.keeper);
    channel_gather(&process.engine);
    if (!secret_lock_process())
        process_log(&process, LOG_LEVEL_NOTICE, "the path's memory can't be kept from swap: %s",
                    strerror(errno));
    run(&process);
    path_free(process.path);
    surroundings_close(process.surroundings);
    live_area_unmap(&process.area);
    (void)channel_flush(&process.keeper);
    channel_close(&process.engine);
    channel_close(&process.keeper);
    return process.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
