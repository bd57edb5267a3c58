#include "daemon/keeper/processes.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { END_PATIENCE = 200 }; /* milliseconds */

/* ---- Watching -------------------------------------------------------------------------------------- */

static void stop_watching(struct worker_process *process)
{
    channel_watch_stop(&process->watch);
    if (process->watched_end)
        uv_close((uv_handle_t *)&process->end_poll, NULL);
    process->watched_end = false;
}

/* Waits up to `patience` milliseconds for a process to end by itself. */
static bool has_ended(const struct worker_process *process, int patience)
{
    struct pollfd ended = {.fd = process->spawned.pidfd, .events = POLLIN};
    return poll(&ended, 1, patience) == 1;
}

/* Tells once that a process has ended, by itself, or by our hand because of what `why` says. */
static void tell_end(struct worker_process *process, const char *why)
{
    char end[SPAWN_END_SIZE];
    if (process->spawned.pid == 0)
        return;
    stop_watching(process);
    if (has_ended(process, END_PATIENCE))
        why = spawn_reap(&process->spawned, end);
    else
        spawn_kill(&process->spawned);
    process->owner->listener.ended(process->owner->listener.context, process->which, why);
}

static void process_ended(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    tell_end(poll->data, "");
}

/* A process whose channel closes is about to end. */
static void channel_gone(void *context)
{
    tell_end(context, "closed its channel");
}

static void message_taken(void *context)
{
    struct worker_process *process = context;
    struct processes *processes = process->owner;
    const struct channel_message *message = &process->channel.message;
    if (!message_is_sound(process->which, PROCESS_KEEPER, message)) {
        tell_end(process, "sent something malformed");
        return;
    }
    if (message->type != MESSAGE_READY) {
        processes->listener.message(processes->listener.context, process->which, &process->channel);
        return;
    }
    process->ready = true;
    if (processes->engine.ready && processes->path.ready)
        processes->listener.ready(processes->listener.context);
}

/* ---- Starting -------------------------------------------------------------------------------------- */

static void process_init(struct processes *processes, struct worker_process *process, enum process which)
{
    process->owner = processes;
    process->which = which;
    process->spawned = (struct spawned){.pidfd = -1};
    process->channel.fd = -1;
}

void processes_init(struct processes *processes)
{
    process_init(processes, &processes->engine, PROCESS_ENGINE);
    process_init(processes, &processes->path, PROCESS_PATH);
}

/* Starts one, whose ends of the channels are in `theirs`; `keeper_end` is ours. */
static bool process_start(struct worker_process *process, const char *argument, int keeper_end,
                          const struct spawn_descriptors *theirs, bool keep_errors)
{
    channel_open(&process->channel, keeper_end);
    if (!spawn_process(argument, theirs, keep_errors, &process->spawned))
        return false;
    if (!channel_watch_start(&process->watch, process->owner->loop, &process->channel, message_taken,
                             channel_gone, process) ||
        uv_poll_init(process->owner->loop, &process->end_poll, process->spawned.pidfd) != 0) {
        errno = ENOMEM;
        return false;
    }
    process->watched_end = true;
    process->end_poll.data = process;
    return uv_poll_start(&process->end_poll, UV_READABLE, process_ended) == 0;
}

static void close_pair(const int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

/* The channels: each is a pair of descriptors, of which the first is for the keeper, or for the engine. */
struct channel_pairs {
    int engine[2], path[2], between[2];
};

static bool pairs_open(struct channel_pairs *pairs)
{
    if (!channel_pair(pairs->engine))
        return false;
    if (!channel_pair(pairs->path)) {
        close_pair(pairs->engine);
        return false;
    }
    if (!channel_pair(pairs->between)) {
        close_pair(pairs->engine);
        close_pair(pairs->path);
        return false;
    }
    return true;
}

static bool start_both(struct processes *processes, int lock, bool keep_errors)
{
    struct channel_pairs pairs;
    if (!pairs_open(&pairs))
        return false;
    const struct spawn_descriptors engines = {pairs.engine[1], pairs.between[0], lock};
    const struct spawn_descriptors paths = {pairs.path[1], pairs.between[1], lock};
    /* Each takes over its first descriptor, also when it fails. */
    bool engine =
        process_start(&processes->engine, SPAWN_ENGINE_ARGUMENT, pairs.engine[0], &engines, keep_errors);
    bool path = process_start(&processes->path, SPAWN_PATH_ARGUMENT, pairs.path[0], &paths, keep_errors);
    int why = errno;
    close(pairs.engine[1]);
    close(pairs.path[1]);
    close_pair(pairs.between);
    errno = why;
    return engine && path;
}

/* Collects the descriptors that are there; returns how many, and which by a bit each. */
static size_t collect(const int *all, size_t count, int *present_fds, uint32_t *present)
{
    size_t found = 0;
    *present = 0;
    for (size_t i = 0; i < count; i++) {
        if (all[i] < 0)
            continue;
        present_fds[found++] = all[i];
        *present |= UINT32_C(1) << i;
    }
    return found;
}

static void set_up_engine(struct processes *processes, const struct process_setup *setup)
{
    const struct message_engine_setup m = {.esp_owners = setup->workers, .log_level = setup->log_level};
    const int memory[] = {setup->state, setup->statistics};
    processes_send_more(&processes->engine, MESSAGE_ENGINE_SETUP, &m, sizeof(m), (struct octets){0}, memory,
                        2);
    const int all[ENGINE_SOCKET_COUNT] = {
        [ENGINE_SOCKET_IKE_V4] = setup->sockets->v4.ike,
        [ENGINE_SOCKET_IKE_V6] = setup->sockets->v6.ike,
        [ENGINE_SOCKET_NAT_V4] = setup->sockets->v4.natt,
        [ENGINE_SOCKET_NAT_V6] = setup->sockets->v6.natt,
    };
    int fds[ENGINE_SOCKET_COUNT];
    struct message_engine_sockets sockets = {.mark = 0};
    size_t count = collect(all, ENGINE_SOCKET_COUNT, fds, &sockets.present);
    processes_send_more(&processes->engine, MESSAGE_ENGINE_SOCKETS, &sockets, sizeof(sockets),
                        (struct octets){0}, fds, count);
}

static void set_up_path(struct processes *processes, const struct process_setup *setup)
{
    const struct message_path_setup m = {.workers = setup->workers};
    processes_send_more(&processes->path, MESSAGE_PATH_SETUP, &m, sizeof(m), (struct octets){0}, &setup->live,
                        1);
    for (uint32_t i = 0; i < setup->workers; i++) {
        const int all[PATH_SOCKET_COUNT] = {
            [PATH_SOCKET_ESP_V4] = setup->sockets->v4.esp_worker[i],
            [PATH_SOCKET_ESP_V6] = setup->sockets->v6.esp_worker[i],
            [PATH_SOCKET_UDP_V4] = setup->sockets->v4.natt_worker[i],
            [PATH_SOCKET_UDP_V6] = setup->sockets->v6.natt_worker[i],
            [PATH_SOCKET_ESP_V4_DF] = setup->sockets->v4.esp_df_worker[i],
            [PATH_SOCKET_UDP_V4_DF] = setup->sockets->v4.natt_df_worker[i],
            [PATH_SOCKET_PACKET] = setup->sockets->v4.packet_worker[i],
            [PATH_SOCKET_ICMP_V4] = setup->sockets->v4.icmp_worker[i],
            [PATH_SOCKET_ICMP_V6] = setup->sockets->v6.icmp_worker[i],
        };
        int fds[PATH_SOCKET_COUNT];
        struct message_path_worker worker = {.worker = i};
        size_t count = collect(all, PATH_SOCKET_COUNT, fds, &worker.present);
        processes_send_more(&processes->path, MESSAGE_PATH_WORKER, &worker, sizeof(worker),
                            (struct octets){0}, fds, count);
    }
}

bool processes_start(struct processes *processes, uv_loop_t *loop, const struct process_listener *listener,
                     const struct process_setup *setup)
{
    processes->loop = loop;
    processes->listener = *listener;
    if (!start_both(processes, setup->lock, setup->keep_errors))
        return false;
    set_up_engine(processes, setup);
    set_up_path(processes, setup);
    return true;
}

/* ---- Sending --------------------------------------------------------------------------------------- */

void processes_send(struct worker_process *to, enum message_type type, const void *body, size_t size)
{
    processes_send_more(to, type, body, size, (struct octets){0}, NULL, 0);
}

void processes_send_more(struct worker_process *to, enum message_type type, const void *body, size_t size,
                         struct octets more, const int *fds, size_t fd_count)
{
    if (to->channel.fd < 0)
        return;
    /* What is lost here is lost with the process, whose end is told. */
    (void)channel_send(&to->channel, type, body, size, more.at, more.length, fds, fd_count);
}

/* ---- Ending ---------------------------------------------------------------------------------------- */

static void process_stop(struct worker_process *process, int patience)
{
    char end[SPAWN_END_SIZE];
    stop_watching(process);
    channel_close(&process->channel);
    if (process->spawned.pid == 0)
        return;
    if (has_ended(process, patience))
        (void)spawn_reap(&process->spawned, end);
    else
        spawn_kill(&process->spawned);
}

void processes_stop(struct processes *processes, int patience)
{
    /* Both are told before either is waited for. */
    stop_watching(&processes->engine);
    stop_watching(&processes->path);
    process_stop(&processes->engine, patience);
    process_stop(&processes->path, patience);
}
