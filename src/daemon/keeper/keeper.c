#include "daemon/keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "daemon/keeper/detach.h"
#include "daemon/keeper/inside.h"
#include "daemon/keeper/keys.h"

enum {
    WORKERS_MAX = 16,
    STOP_PATIENCE = 2000,   /* milliseconds for the DELETEs */
    END_PATIENCE = 1000,    /* for engine and path to end by themselves */
    START_PATIENCE = 10000, /* for them to set themselves up */

    RECORDS_MAX = 1 << 17,  /* IKE SAs */
    BLOCKS_MAX = 1 << 21,   /* of their state: 1 GiB */
    CHILDREN_MAX = 1 << 18, /* Child SAs */
    TUNNELS_MAX = 1 << 16,
};

msec_t keeper_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (msec_t)now.tv_sec * 1000 + (msec_t)now.tv_nsec / 1000000;
}

/* Says why the start failed. Returns false. */
__attribute__((format(printf, 1, 2))) static bool cannot(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("musubid: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    return false;
}

/* ---- Stopping -------------------------------------------------------------------------------------- */

static void stop_now(uv_timer_t *timer)
{
    struct keeper *keeper = timer->data;
    uv_stop(&keeper->loop);
}

void keeper_stop(struct keeper *keeper, enum exit_status status)
{
    if (keeper->status == STATUS_DONE)
        keeper->status = status;
    if (keeper->stopping)
        return;
    keeper->stopping = true;
    control_close(keeper->control);
    keeper->control = NULL;
    bool can_delete = keeper->started && keeper->processes.engine.channel.fd >= 0;
    if (can_delete)
        processes_send(&keeper->processes.engine, MESSAGE_STOP, NULL, 0);
    (void)uv_timer_start(&keeper->stop_timer, stop_now, can_delete ? STOP_PATIENCE : 0, 0);
}

static void signalled(uv_signal_t *handle, int number)
{
    (void)number;
    keeper_stop(handle->data, STATUS_DONE);
}

/* ---- What engine and path say ---------------------------------------------------------------------- */

static void secret_job(struct keeper *keeper, const struct channel_message *message)
{
    const struct message_secret_job *job = message->body;
    const struct tunnel *tunnel = keeper_tunnel(keeper, job->tunnel);
    struct message_job_done done = {.job = job->job, .kind = job->kind};
    if (tunnel != NULL)
        done.length = (uint32_t)keys_psk_auth(keeper->configuration.keys, &tunnel->policy, job,
                                              message_tail(message, sizeof(*job)), done.auth);
    done.ok = done.length > 0;
    processes_send(&keeper->processes.engine, MESSAGE_JOB_DONE, &done, sizeof(done));
    secret_wipe(&done, sizeof(done));
}

/* Copies a message's tail as text. */
static void tail_text(const struct channel_message *message, size_t size, char text[MESSAGE_TEXT_MAX + 1])
{
    struct octets tail = message_tail(message, size);
    if (tail.length > 0)
        memcpy(text, tail.at, tail.length);
    text[tail.length] = '\0';
}

static void add_log(struct keeper *keeper, const struct channel_message *message)
{
    const struct message_log *log = message->body;
    char text[MESSAGE_TEXT_MAX + 1];
    const struct tunnel *tunnel = log->has_tunnel != 0 ? keeper_tunnel(keeper, log->tunnel) : NULL;
    tail_text(message, sizeof(*log), text);
    event_log_add(keeper->log, (enum event_function)log->function, (enum log_level)log->level,
                  tunnel != NULL ? tunnel->policy.name : NULL, text);
}

static void tell_ready(struct keeper *keeper)
{
    for (size_t i = 0; i < keeper->tunnel_count; i++) {
        if (keeper->tunnels[i]->stage == TUNNEL_ADDING)
            return;
    }
    if (keeper->started || keeper->control == NULL)
        return;
    keeper->started = true;
    if (keeper->arguments->foreground) {
        (void)puts("ready");
        (void)fflush(stdout);
    } else {
        detach_finish(keeper->told);
    }
}

static void message_received(void *context, enum process from, struct channel *channel)
{
    struct keeper *keeper = context;
    const struct channel_message *message = &channel->message;
    const struct message_tunnel_state *state = message->body;
    char reason[MESSAGE_TEXT_MAX + 1];
    (void)from; /* message_is_sound has seen to it */
    switch (message->type) {
    case MESSAGE_SECRET_JOB:
        secret_job(keeper, message);
        break;
    case MESSAGE_LOOK_UP:
        keeper_look_up(keeper, message->body);
        break;
    case MESSAGE_LOG:
        add_log(keeper, message);
        break;
    case MESSAGE_TUNNEL_STATE:
        tail_text(message, sizeof(*state), reason);
        keeper_tunnel_state(keeper, state, reason);
        break;
    case MESSAGE_TUNNEL_DONE:
        keeper_tunnel_done(keeper, message->body);
        tell_ready(keeper);
        break;
    case MESSAGE_IDLE:
        if (keeper->stopping)
            uv_stop(&keeper->loop);
        break;
    default:
        break;
    }
}

static void process_ended(void *context, enum process which, const char *how)
{
    struct keeper *keeper = context;
    const char *name = which == PROCESS_ENGINE ? "engine" : "path";
    bool expected = keeper->stopping;
    if (expected && which == PROCESS_ENGINE)
        uv_stop(&keeper->loop); /* nobody is left to wait for */
    if (expected)
        return;
    event_log_print(keeper->log, EVENT_SYSTEM, LOG_LEVEL_ERROR, NULL, "the %s process %s: musubid stops",
                    name, how);
    if (!keeper->started && !keeper->arguments->foreground)
        (void)cannot("the %s process %s", name, how);
    keeper_stop(keeper, STATUS_FAILED);
}

static void start_took_too_long(uv_timer_t *timer)
{
    (void)cannot("engine and path don't answer");
    keeper_stop(timer->data, STATUS_FAILED);
}

/* Engine and path are set up: now the config can be applied. */
static void processes_are_ready(void *context)
{
    struct keeper *keeper = context;
    (void)uv_timer_stop(&keeper->stop_timer);
    const struct control_handler handler = keeper_control_handler(keeper);
    struct host_error reason;
    bool done = keeper_apply(keeper, &reason);
    if (!done)
        (void)cannot("%s", reason.text);
    if (done) {
        keeper->control = control_open(&keeper->loop, keeper->directory.fd, &handler);
        done = keeper->control != NULL;
        if (!done)
            (void)cannot("no control socket in %s: %s", keeper->directory.path, strerror(errno));
    }
    if (done)
        tell_ready(keeper);
    else
        keeper_stop(keeper, STATUS_FAILED);
}

/* ---- Starting -------------------------------------------------------------------------------------- */

/* Reads the config and says what there is to say about it. */
static bool load_config(struct keeper *keeper)
{
    struct diagnostics diagnostics = {0};
    const char *path = keeper->arguments->config;
    size_t length;
    char *text = configuration_read_file(path, &length);
    if (text == NULL)
        return cannot("can't read %s: %s", path, strerror(errno));
    keeper->config_path = realpath(path, NULL);
    bool read = keeper->config_path != NULL &&
                configuration_read(&keeper->configuration, text, length, &keeper->ports, &diagnostics);
    secret_free(text, length);
    diagnostics_print(&diagnostics, path, stderr);
    if (read) {
        const struct event_log_settings settings = configuration_log_settings(&keeper->configuration);
        event_log_set(keeper->log, &settings);
    } else if (diagnostics.errors == 0) {
        (void)cannot("can't read %s: out of memory", path);
    }
    for (size_t i = 0; i < diagnostics.count && read; i++)
        event_log_print(keeper->log, EVENT_SYSTEM, LOG_LEVEL_WARN, NULL, "config line %u: %s",
                        diagnostics.items[i].line, diagnostics.items[i].message);
    diagnostics_free(&diagnostics);
    return read;
}

static bool load_ports(struct keeper *keeper)
{
    struct host_error reason;
    for (size_t i = 0; i < keeper->arguments->port_count; i++) {
        if (port_table_set_option(&keeper->ports, keeper->arguments->ports[i], &reason))
            continue;
        keeper->status = STATUS_USAGE;
        return cannot("--port %s: %s", keeper->arguments->ports[i], reason.text);
    }
    return true;
}

static bool make_memory(struct keeper *keeper)
{
    const struct state_map_size state = {.places = RECORDS_MAX, .blocks = BLOCKS_MAX};
    const struct live_area_size live = {
        .children = CHILDREN_MAX, .tunnels = TUNNELS_MAX, .workers = keeper->workers};
    keeper->state_fd = state_map_create(&state);
    keeper->statistics_fd = engine_statistics_create();
    keeper->live_fd = live_area_create(&live);
    if (keeper->state_fd < 0 || keeper->statistics_fd < 0 || keeper->live_fd < 0)
        return cannot("no shared memory: %s", strerror(errno));
    keeper->records = state_map_open(keeper->state_fd, STATE_MAP_READ);
    keeper->statistics = engine_statistics_map(keeper->statistics_fd, false);
    keeper->slot_taken = calloc(TUNNELS_MAX, sizeof(*keeper->slot_taken));
    if (keeper->records == NULL || keeper->statistics == NULL || keeper->slot_taken == NULL ||
        !live_area_map(keeper->live_fd, false, &keeper->live))
        return cannot("shared memory can't be used: %s", strerror(errno));
    return true;
}

static bool start_loop(struct keeper *keeper)
{
    if (uv_loop_init(&keeper->loop) != 0)
        return cannot("no event loop: %s", strerror(errno));
    (void)uv_timer_init(&keeper->loop, &keeper->stop_timer);
    (void)uv_signal_init(&keeper->loop, &keeper->terminate);
    (void)uv_signal_init(&keeper->loop, &keeper->interrupt);
    keeper->stop_timer.data = keeper;
    keeper->terminate.data = keeper;
    keeper->interrupt.data = keeper;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    return uv_signal_start(&keeper->terminate, signalled, SIGTERM) == 0 &&
           uv_signal_start(&keeper->interrupt, signalled, SIGINT) == 0;
}

static bool start_processes(struct keeper *keeper)
{
    const struct process_listener listener = {message_received, processes_are_ready, process_ended, keeper};
    const struct process_setup setup = {
        .workers = keeper->workers,
        .log_level = event_log_level(keeper->log),
        .state = keeper->state_fd,
        .statistics = keeper->statistics_fd,
        .live = keeper->live_fd,
        .sockets = &keeper->sockets,
        .keep_errors = keeper->arguments->foreground,
    };
    if (!processes_start(&keeper->processes, &keeper->loop, &listener, &setup))
        return cannot("engine and path can't be started: %s", strerror(errno));
    return uv_timer_start(&keeper->stop_timer, start_took_too_long, START_PATIENCE, 0) == 0;
}

/* Takes all that can be refused, in an order in which nothing is changed before the last of it. */
static bool start(struct keeper *keeper)
{
    struct host_error reason;
    if (!load_ports(keeper) || !load_config(keeper) ||
        !run_directory_take(&keeper->directory, keeper->arguments->run_directory))
        return false;
    if (!keeper_open_host(keeper, &reason))
        return cannot("%s", reason.text);
    keeper->sockets_are_open = host_sockets_open(&keeper->sockets, keeper->workers, &reason);
    if (!keeper->sockets_are_open)
        return cannot("%s", reason.text);
    if (!keeper_open_names(keeper))
        return cannot("no resolver: out of memory");
    return make_memory(keeper) && keeper_watch_host(keeper) && start_processes(keeper);
}

/* ---- The whole ------------------------------------------------------------------------------------- */

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void take_down(struct keeper *keeper)
{
    control_close(keeper->control);
    processes_stop(&keeper->processes, END_PATIENCE);
    keeper_close_names(keeper);
    keeper_close_host(keeper);
    if (keeper->sockets_are_open)
        host_sockets_close(&keeper->sockets);
    state_map_close(keeper->records);
    engine_statistics_unmap(keeper->statistics);
    live_area_unmap(&keeper->live);
    close_fd(keeper->state_fd);
    close_fd(keeper->statistics_fd);
    close_fd(keeper->live_fd);
    uv_close((uv_handle_t *)&keeper->stop_timer, NULL);
    uv_close((uv_handle_t *)&keeper->terminate, NULL);
    uv_close((uv_handle_t *)&keeper->interrupt, NULL);
    (void)uv_run(&keeper->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&keeper->loop);
    run_directory_leave(&keeper->directory);
}

static void keeper_free(struct keeper *keeper)
{
    configuration_free(&keeper->configuration);
    text_free(&keeper->left_out);
    port_table_clear(&keeper->ports);
    event_log_free(keeper->log);
    free(keeper->config_path);
    free(keeper->slot_taken);
    free(keeper->marks);
}

/* Each tunnel takes a descriptor here and one in the path, which inherits the limit. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static uint32_t worker_count(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores < 1)
        return 1;
    return cores < WORKERS_MAX ? (uint32_t)cores : WORKERS_MAX;
}

enum exit_status keeper_run(const struct arguments *arguments)
{
    static struct keeper keeper; /* its channels are too large for a stack */
    keeper.arguments = arguments;
    keeper.state_fd = keeper.statistics_fd = keeper.live_fd = keeper.directory.fd = keeper.told = -1;
    processes_init(&keeper.processes);
    keeper.workers = worker_count();
    enum exit_status status;
    if (!arguments->foreground && !detach_begin(&keeper.told, &status))
        return status;
    raise_descriptor_limit();
    keeper.log = event_log_new();
    bool locked = secret_lock_process();
    if (keeper.log == NULL || !start_loop(&keeper))
        return STATUS_FAILED;
    if (start(&keeper)) {
        event_log_set_terminal(keeper.log, arguments->foreground);
        if (!locked)
            event_log_add(keeper.log, EVENT_SYSTEM, LOG_LEVEL_NOTICE, NULL,
                          "the keeper's memory can't be kept from swap");
        (void)uv_run(&keeper.loop, UV_RUN_DEFAULT);
    } else if (keeper.status == STATUS_DONE) {
        keeper.status = STATUS_FAILED;
    }
    take_down(&keeper);
    keeper_free_tunnels(&keeper);
    keeper_free(&keeper);
    return keeper.status;
}
