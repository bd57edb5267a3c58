#include "daemon/keeper/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/short_text.h"
#include "daemon/ipc/clock.h"
#include "daemon/keeper/auth_jobs.h"
#include "daemon/keeper/certificate_watch.h"
#include "daemon/keeper/commands.h"
#include "daemon/keeper/dead_next_hop.h"
#include "daemon/keeper/memory.h"
#include "daemon/keeper/run_directory.h"
#include "daemon/keeper/startup.h"
#include "host/sockets.h"

enum {
    WORKERS_MAX = 16,
    STOP_PATIENCE = 2000,   /* milliseconds for the DELETEs */
    END_PATIENCE = 1000,    /* for engine and path to end by themselves */
    START_PATIENCE = 10000, /* for them to set themselves up */
};

struct keeper {
    const struct arguments *arguments;
    int told; /* the starting process waits here for the word that all is well; -1: nobody does */
    uv_loop_t loop;
    uint32_t workers;
    struct event_log *log;
    struct run_directory directory;
    struct host_sockets sockets;
    bool sockets_are_open;

    struct keeper_memory memory;
    struct keeper_host host;
    struct processes processes;
    struct tunnels tunnels;
    struct pki_store *certificates;
    struct certificate_watch certificate_watch;
    struct running_config running;
    struct auth_jobs auth_jobs;
    struct statistics statistics;
    struct commands commands;
    struct control *control;

    uv_signal_t terminate, interrupt;
    uv_timer_t stop_timer;
    msec_t began;
    bool applied; /* the config, or it could not be */
    bool started; /* ready was told */
    bool stopping;
    enum exit_status status;
};

/* ---- Stopping -------------------------------------------------------------------------------------- */

static void stop_now(uv_timer_t *timer)
{
    struct keeper *keeper = timer->data;
    uv_stop(&keeper->loop);
}

/* Begins to stop, in order; the exit status will be `status` (the first one that is not 0). */
static void keeper_stop(struct keeper *keeper, enum exit_status status)
{
    if (keeper->status == STATUS_DONE)
        keeper->status = status;
    if (keeper->stopping)
        return;
    keeper->stopping = true;
    interface_watch_stop(&keeper->tunnels.watch);
    run_directory_end(&keeper->directory);
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

static void authenticate(struct keeper *keeper, const struct channel_message *message)
{
    const struct message_auth_job *m = message->body;
    const struct ike_auth_job job = message_auth_job(message);
    const struct own_keys keys = {keeper->running.configuration.keys, keeper->certificates};
    struct tunnel *tunnel = tunnel_table_find(&keeper->tunnels.table, job.tunnel);
    auth_jobs_do(&keeper->auth_jobs, &keys, tunnel != NULL ? &tunnel->policy : NULL,
                 tunnel != NULL ? &tunnel->used_keys : NULL, m->job, &job);
}

static void authenticated(void *context, const struct message_job_done *done, struct octets certificates)
{
    struct keeper *keeper = context;
    processes_send_more(&keeper->processes.engine, MESSAGE_JOB_DONE, done, sizeof(*done), certificates, NULL,
                        0);
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
    char text[MESSAGE_TEXT_MAX + DEAD_NEXT_HOP_SIZE + 3];
    const struct tunnel_policy *policy =
        log->has_tunnel != 0 ? tunnels_policy(&keeper->tunnels, log->tunnel) : NULL;
    tail_text(message, sizeof(*log), text);
    const struct tunnel *tunnel =
        log->has_tunnel != 0 ? tunnel_table_find(&keeper->tunnels.table, log->tunnel) : NULL;
    struct short_text whole = {text, sizeof(text), strlen(text), false};
    if (tunnel != NULL && keeper->host.host != NULL)
        dead_next_hop_append(host_netlink(keeper->host.host), &keeper->running.configuration.settings, tunnel,
                             (enum ike_step)log->failed, &whole);
    if (log->unlogged == 0)
        event_log_add(keeper->log, (enum event_function)log->function, (enum log_level)log->level,
                      policy != NULL ? policy->name : NULL, text);
    if (log->failed != IKE_STEP_NONE)
        tunnels_negotiation_failed(&keeper->tunnels, log->tunnel, (enum ike_step)log->failed, text);
}

/* All tunnels of the config are made, or are known not to be: peers may begin, and operators too. */
static void tell_ready(struct keeper *keeper)
{
    if (keeper->started || keeper->control == NULL || !tunnels_are_settled(&keeper->tunnels))
        return;
    keeper->started = true;
    tunnels_withdraw_policies(&keeper->tunnels);
    processes_send(&keeper->processes.engine, MESSAGE_TUNNELS_TOLD, NULL, 0);
    if (keeper->arguments->foreground) {
        (void)puts("ready");
        (void)fflush(stdout);
    } else {
        startup_done(keeper->told);
    }
}

static void policies_are_known(struct keeper *keeper);

static void message_received(void *context, enum process from, struct channel *channel)
{
    struct keeper *keeper = context;
    const struct channel_message *message = &channel->message;
    const struct message_tunnel_state *state = message->body;
    char reason[MESSAGE_TEXT_MAX + 1];
    (void)from; /* message_is_sound has seen to it */
    switch (message->type) {
    case MESSAGE_AUTH_JOB:
        authenticate(keeper, message);
        break;
    case MESSAGE_LOOK_UP:
        tunnels_look_up(&keeper->tunnels, message->body);
        break;
    case MESSAGE_LOG:
        add_log(keeper, message);
        break;
    case MESSAGE_TUNNEL_STATE:
        tail_text(message, sizeof(*state), reason);
        tunnels_state_changed(&keeper->tunnels, state, reason);
        break;
    case MESSAGE_TUNNEL_DONE:
        tunnels_path_answered(&keeper->tunnels, message->body);
        tell_ready(keeper);
        break;
    case MESSAGE_POLICIES_KNOWN:
        policies_are_known(keeper);
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
    event_log_print(keeper->log, EVENT_SYSTEM, LOG_LEVEL_ERROR, NULL, "the %s process %s: musubid stops%s",
                    name, how,
                    keeper->started ? ", and its Tunnels drop packets until it is started again" : "");
    tunnels_leave(&keeper->tunnels);
    if (!keeper->started && !keeper->arguments->foreground)
        (void)startup_failed("the %s process %s", name, how);
    keeper_stop(keeper, STATUS_FAILED);
}

static void start_took_too_long(uv_timer_t *timer)
{
    (void)startup_failed("engine and path don't answer");
    keeper_stop(timer->data, STATUS_FAILED);
}

static void host_changed(void *context, const struct host_event *event)
{
    struct keeper *keeper = context;
    tunnels_host_changed(&keeper->tunnels, event);
}

/* Engine and path are set up. The engine gets the config before Linux does: it has it soon. */
static void processes_are_ready(void *context)
{
    struct keeper *keeper = context;
    running_config_tell_engine(&keeper->running);
}

/* Now the config can be applied. */
static void policies_are_known(struct keeper *keeper)
{
    if (keeper->applied || keeper->stopping)
        return;
    keeper->applied = true;
    (void)uv_timer_stop(&keeper->stop_timer);
    event_log_print(keeper->log, EVENT_IKEV2, LOG_LEVEL_INFO, NULL,
                    "the engine knows the %zu tunnels of the config, %llu ms after the start",
                    keeper->tunnels.table.count, (unsigned long long)(clock_now() - keeper->began));
    const struct control_handler handler = commands_handler(&keeper->commands);
    struct host_error reason;
    bool done = running_config_apply(&keeper->running, &reason);
    if (!done)
        (void)startup_failed("%s", reason.text);
    if (done) {
        keeper->control = control_open(&keeper->loop, keeper->directory.fd, &handler);
        done = keeper->control != NULL;
        if (!done)
            (void)startup_failed("no control socket in %s: %s", keeper->directory.path, strerror(errno));
    }
    if (done)
        tell_ready(keeper);
    else
        keeper_stop(keeper, STATUS_FAILED);
}

/* ---- Starting -------------------------------------------------------------------------------------- */

static bool make_memory(struct keeper *keeper)
{
    return keeper_memory_open(&keeper->memory, keeper->workers) ||
           startup_failed("no shared memory: %s", strerror(errno));
}

static bool open_tunnels(struct keeper *keeper)
{
    const struct tunnels_surroundings with = {
        .host = &keeper->host,
        .processes = &keeper->processes,
        .log = keeper->log,
        .configuration = &keeper->running.configuration,
        .ports = &keeper->running.ports,
        .live = &keeper->memory.live,
    };
    return tunnels_open(&keeper->tunnels, &keeper->loop, &with) ||
           startup_failed("no tunnels: out of memory");
}

static void set_up_commands(struct keeper *keeper)
{
    statistics_open(&keeper->statistics, keeper->memory.statistics, &keeper->memory.live);
    keeper->commands = (struct commands){
        .running = &keeper->running,
        .log = keeper->log,
        .host = &keeper->host,
        .processes = &keeper->processes,
        .tunnels = &keeper->tunnels,
        .records = keeper->memory.records,
        .statistics = &keeper->statistics,
        .pki = {keeper->certificates, &keeper->running, &keeper->auth_jobs, keeper->log},
    };
}

static bool start_loop(struct keeper *keeper)
{
    if (uv_loop_init(&keeper->loop) != 0)
        return startup_failed("no event loop: %s", strerror(errno));
    auth_jobs_init(&keeper->auth_jobs, &keeper->loop, authenticated, keeper);
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
        .state = keeper->memory.state_fd,
        .statistics = keeper->memory.statistics_fd,
        .live = keeper->memory.live_fd,
        .sockets = &keeper->sockets,
        .lock = keeper->directory.lock,
        .keep_errors = keeper->arguments->foreground,
    };
    if (!processes_start(&keeper->processes, &keeper->loop, &listener, &setup))
        return startup_failed("engine and path can't be started: %s", strerror(errno));
    return uv_timer_start(&keeper->stop_timer, start_took_too_long, START_PATIENCE, 0) == 0;
}

static void certificate_trouble(void *context, const char *text)
{
    struct keeper *keeper = context;
    event_log_add(keeper->log, EVENT_SYSTEM, LOG_LEVEL_WARN, NULL, text);
    (void)fprintf(stderr, "musubid: %s\n", text);
}

static bool open_certificates(struct keeper *keeper)
{
    keeper->certificates = pki_store_open(keeper->arguments->state_directory, certificate_trouble, keeper);
    return keeper->certificates != NULL || startup_failed("no certificates: out of memory");
}

/* Takes all that can be refused, in an order in which nothing is changed before the last of it. */
static bool start(struct keeper *keeper)
{
    struct host_error reason;
    if (!open_certificates(keeper))
        return false;
    keeper->running = (struct running_config){
        .log = keeper->log,
        .host = &keeper->host,
        .processes = &keeper->processes,
        .tunnels = &keeper->tunnels,
        .certificates = keeper->certificates,
    };
    keeper->status = running_config_load(&keeper->running, keeper->arguments);
    if (keeper->status != STATUS_DONE ||
        !run_directory_take(&keeper->directory, keeper->arguments->run_directory))
        return false;
    if (!keeper_host_open(&keeper->host, keeper->arguments->run_directory, keeper->log, host_changed, keeper,
                          &reason))
        return startup_failed("%s", reason.text);
    host_remember(keeper->host.host, keeper->directory.fd);
    keeper->sockets_are_open = host_sockets_open(&keeper->sockets, keeper->workers, &reason);
    if (!keeper->sockets_are_open)
        return startup_failed("%s", reason.text);
    if (!make_memory(keeper) || !open_tunnels(keeper))
        return false;
    set_up_commands(keeper);
    return keeper_host_watch(&keeper->host, &keeper->loop) && start_processes(keeper);
}

/* ---- The whole ------------------------------------------------------------------------------------- */

/* S48: only an orderly stop ends what the config sends into a Tunnel. So a start that fails leaves those of
 * an earlier musubid alone. */
static bool leaves_tunnels(const struct keeper *keeper)
{
    return keeper->status != STATUS_DONE &&
           (keeper->started || (keeper->host.host != NULL && host_found_tunnels(keeper->host.host)));
}

static void take_down(struct keeper *keeper)
{
    control_close(keeper->control);
    processes_stop(&keeper->processes, END_PATIENCE);
    auth_jobs_stop(&keeper->auth_jobs);
    tunnels_close(&keeper->tunnels);
    keeper_host_close(&keeper->host, leaves_tunnels(keeper));
    if (keeper->sockets_are_open)
        host_sockets_close(&keeper->sockets);
    keeper_memory_close(&keeper->memory);
    certificate_watch_stop(&keeper->certificate_watch);
    uv_close((uv_handle_t *)&keeper->stop_timer, NULL);
    uv_close((uv_handle_t *)&keeper->terminate, NULL);
    uv_close((uv_handle_t *)&keeper->interrupt, NULL);
    (void)uv_run(&keeper->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&keeper->loop);
    run_directory_leave(&keeper->directory);
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

/* As many threads for signatures as there are cores. */
static void set_thread_count(void)
{
    char threads[16];
    (void)snprintf(threads, sizeof(threads), "%ld", sysconf(_SC_NPROCESSORS_ONLN));
    (void)setenv("UV_THREADPOOL_SIZE", threads, 1);
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
    keeper.began = clock_now();
    keeper.directory.fd = keeper.told = -1;
    keeper_memory_init(&keeper.memory);
    processes_init(&keeper.processes);
    keeper.workers = worker_count();
    enum exit_status status;
    if (!arguments->foreground && !startup_detach(&keeper.told, &status))
        return status;
    startup_lose_unread_output();
    raise_descriptor_limit();
    set_thread_count();
    keeper.log = event_log_new();
    bool locked = secret_lock_process();
    if (keeper.log == NULL || !start_loop(&keeper))
        return STATUS_FAILED;
    if (start(&keeper)) {
        event_log_set_terminal(keeper.log, arguments->foreground);
        if (!locked)
            event_log_add(keeper.log, EVENT_SYSTEM, LOG_LEVEL_NOTICE, NULL,
                          "the keeper's memory can't be kept from swap");
        keeper.certificate_watch = (struct certificate_watch){
            .store = keeper.certificates,
            .policies = &keeper.running.configuration.policies,
            .log = keeper.log,
        };
        certificate_watch_start(&keeper.certificate_watch, &keeper.loop);
        (void)uv_run(&keeper.loop, UV_RUN_DEFAULT);
    } else if (keeper.status == STATUS_DONE) {
        keeper.status = STATUS_FAILED;
    }
    take_down(&keeper);
    running_config_free(&keeper.running);
    pki_store_close(keeper.certificates);
    event_log_free(keeper.log);
    return keeper.status;
}
