#include "daemon/engine/process.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "daemon/ipc/clock.h"
#include "daemon/ipc/memory_file.h"
#include "daemon/ipc/spawn.h"

msec_t engine_process_now(void)
{
    return clock_now();
}

void engine_process_log(struct engine_process *process, enum log_level level, uint32_t tunnel,
                        const char *format, ...)
{
    char text[MESSAGE_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    const struct message_log log = {
        .level = level,
        .function = LOG_IKEV2,
        .has_tunnel = tunnel != 0,
        .tunnel = tunnel,
    };
    message_send_log(&process->keeper, &log, text);
}

/* Ends the process: the keeper sees it, and the reason is in the log. */
static void fail(struct engine_process *process, const char *what)
{
    engine_process_log(process, LOG_LEVEL_ERROR, 0, "the engine ends: %s: %s", what, strerror(errno));
    (void)channel_flush(&process->keeper);
    _exit(EXIT_FAILURE);
}

/* Unix time, in milliseconds, at which the engine's clock was 0. */
static uint64_t clock_epoch(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    msec_t unix_now = (msec_t)now.tv_sec * 1000 + (msec_t)now.tv_nsec / 1000000;
    msec_t clock_now = engine_process_now();
    return unix_now > clock_now ? unix_now - clock_now : 0;
}

static void random_draw(struct engine_process *process, uint8_t *out, size_t length)
{
    while (length > 0) {
        ssize_t got = getrandom(out, length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            fail(process, "no random numbers");
        out += got;
        length -= (size_t)got;
    }
}

/* A negotiation draws a few octets seven times: one call of getrandom serves several negotiations. */
static void random_fill(void *context, uint8_t *out, size_t length)
{
    struct engine_process *process = context;
    if (length > sizeof(process->random)) {
        random_draw(process, out, length);
        return;
    }
    if (length > process->random_left) {
        random_draw(process, process->random, sizeof(process->random));
        process->random_left = sizeof(process->random);
    }
    uint8_t *at = process->random + sizeof(process->random) - process->random_left;
    memcpy(out, at, length);
    secret_wipe(at, length);
    process->random_left -= length;
}

/* ---- Events and their effects ---------------------------------------------------------------------- */

/* Tells of records that cannot be read: what is left of them is dropped. */
static void tell_damaged_records(struct engine_process *process)
{
    size_t damaged = state_map_damaged(process->records.map);
    if (damaged == process->damaged_records)
        return;
    engine_process_log(process, LOG_LEVEL_ERROR, 0,
                       "%zu records in the memory of the SAs' state were damaged, and are left out",
                       damaged - process->damaged_records);
    process->damaged_records = damaged;
}

static void commit_records(struct engine_process *process, const struct ike_effects *effects)
{
    if (!engine_records_commit(&process->records, effects))
        engine_process_log(process, LOG_LEVEL_ERROR, 0,
                           "there is no room for the state of more SAs: they work, but are "
                           "not shown and won't survive a restart");
    tell_damaged_records(process);
}

/* Has the timer go off at the engine's deadline, or that of a request. */
static void set_timer(struct engine_process *process)
{
    msec_t due = ike_engine_deadline(process->engine);
    msec_t answers_due = engine_actions_deadline(process);
    if (answers_due < due)
        due = answers_due;
    if (due == process->timer_due)
        return;
    process->timer_due = due;
    struct itimerspec when = {0};
    if (due != MSEC_NEVER) {
        when.it_value.tv_sec = (time_t)(due / 1000);
        when.it_value.tv_nsec = (long)(due % 1000) * 1000000 + 1; /* 0 would unset it */
    }
    (void)timerfd_settime(process->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void tell_idle(struct engine_process *process)
{
    if (!process->stopping || process->told_idle || !ike_engine_is_idle(process->engine) ||
        !engine_actions_are_idle(process))
        return;
    process->told_idle = true;
    (void)message_send(&process->keeper, MESSAGE_IDLE, NULL, 0);
}

static void handle_event(struct engine_process *process, const struct ike_event *event)
{
    ike_engine_set_epoch(process->engine, clock_epoch());
    process->now = engine_process_now();
    const struct ike_effects *effects = ike_engine_handle(process->engine, process->now, event);
    commit_records(process, effects);
    engine_actions_perform(process, effects);
    memcpy(process->statistics->counters, ike_engine_counters(process->engine),
           sizeof(process->statistics->counters));
    tell_idle(process);
}

/* Does once what all events before it need: many of them may have come together. */
static void before_waiting(uv_prepare_t *prepare)
{
    struct engine_process *process = prepare->data;
    if (process->engine == NULL)
        return;
    set_timer(process);
    secret_wipe_stack(SECRET_STACK_SIZE); /* keys were derived, recorded and sent to the path */
}

void engine_process_tell_unsent(struct engine_process *process)
{
    for (size_t i = 0; i < process->unsent_count; i++) { /* their answers may add more */
        const struct unsent_datagram unsent = process->unsent[i];
        struct ike_event event = {.kind = IKE_EVENT_NOT_SENT};
        event.not_sent.remote = unsent.remote;
        event.not_sent.message = (struct octets){unsent.header, sizeof(unsent.header)};
        event.not_sent.error = unsent.error;
        handle_event(process, &event);
    }
    process->unsent_count = 0;
}

void engine_process_event(struct engine_process *process, const struct ike_event *event)
{
    handle_event(process, event);
    engine_process_tell_unsent(process);
}

static void timer_due(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct engine_process *process = poll->data;
    uint64_t times;
    if (read(process->timer, &times, sizeof(times)) < 0)
        return;
    process->timer_due = MSEC_NEVER;
    engine_actions_expire(process, engine_process_now());
    engine_process_tell_unsent(process);
    const struct ike_event event = {.kind = IKE_EVENT_TIMER};
    engine_process_event(process, &event);
}

static void datagram_received(void *context, const struct ip_endpoint *local,
                              const struct ip_endpoint *remote, uint32_t ifindex, struct octets message)
{
    const struct ike_event event = {
        .kind = IKE_EVENT_DATAGRAM,
        .datagram = {.local = *local, .remote = *remote, .ifindex = ifindex, .message = message},
    };
    engine_process_event(context, &event);
}

/* Linux merges datagrams of one size, IKE and ESP alike: what came behind IKE goes to the path. */
static void esp_received(void *context, const struct ip_endpoint *remote, struct octets esp)
{
    struct engine_process *process = context;
    const struct message_stray m = {.remote = *remote};
    (void)channel_offer(&process->path, MESSAGE_STRAY_ESP, &m, sizeof(m), esp.at, esp.length);
}

/* ---- Messages of the keeper ------------------------------------------------------------------------ */

static void set_up(struct engine_process *process)
{
    const struct message_engine_setup *m = process->keeper.message.body;
    int records = channel_take_fd(&process->keeper, 0);
    int statistics = channel_take_fd(&process->keeper, 1);
    process->records.map = state_map_open(records, STATE_MAP_WRITE);
    if (process->records.map == NULL)
        fail(process, "the memory of the SAs' state can't be used");
    tell_damaged_records(process);
    process->statistics = engine_statistics_map(statistics, true);
    if (process->statistics == NULL)
        fail(process, "the memory of the statistics can't be used");
    close(records);
    close(statistics);
    const struct ike_options options = {
        .random = random_fill,
        .random_context = process,
        .esp_owners = m->esp_owners,
        .log_level = (int)m->log_level,
    };
    process->engine = ike_engine_new(&options);
    if (process->engine == NULL)
        fail(process, "no memory");
}

static void set_sockets(struct engine_process *process)
{
    const struct message_engine_sockets *m = process->keeper.message.body;
    int fds[ENGINE_SOCKET_COUNT];
    size_t next = 0;
    for (size_t i = 0; i < ENGINE_SOCKET_COUNT; i++)
        fds[i] = (m->present >> i & 1) != 0 ? channel_take_fd(&process->keeper, next++) : -1;
    if (!engine_sockets_add(&process->sockets, m->mark, fds))
        fail(process, "a socket can't be used");
    if (m->mark == 0)
        (void)message_send(&process->keeper, MESSAGE_READY, NULL, 0);
}

/* The octets of a memory file, which the caller frees; NULL if it can't be read. */
static uint8_t *read_file(int fd, size_t length)
{
    size_t size;
    if (!memory_file_size(fd, &size) || length > size)
        return NULL;
    uint8_t *at = malloc(length + 1);
    size_t done = 0;
    while (at != NULL && done < length) {
        ssize_t more = pread(fd, at + done, length - done, (off_t)done);
        if (more == 0 || (more < 0 && errno != EINTR)) {
            free(at);
            return NULL;
        }
        done += more > 0 ? (size_t)more : 0;
    }
    return at;
}

/* What peers are verified by is new, or has changed. Verifications under way keep what there was. */
static void take_trust(struct engine_process *process)
{
    const struct message_trust *m = process->keeper.message.body;
    int fd = channel_take_fd(&process->keeper, 0);
    uint8_t *at = fd >= 0 ? read_file(fd, m->length) : NULL;
    struct trust *trust = at != NULL ? trust_read((struct octets){at, m->length}) : NULL;
    free(at);
    close(fd);
    trust_release(process->trust);
    process->trust = trust;
    if (trust == NULL)
        engine_process_log(process, LOG_LEVEL_ERROR, 0, "the CA certificates can't be read");
}

/* Turns a message into the event that it stands for; false if it is none. */
static bool event_of(const struct channel_message *message, struct ike_event *event)
{
    const struct message_peer_route *peer_route = message->body;
    const struct message_own_address *own_address = message->body;
    const struct message_peer_addresses *peer = message->body;
    const struct message_clear *clear = message->body;
    const struct message_log_level *log = message->body;
    switch (message->type) {
    case MESSAGE_POLICY:
        *event = (struct ike_event){.kind = IKE_EVENT_POLICY};
        event->policy = &((const struct message_policy *)message->body)->policy;
        event->slot = ((const struct message_policy *)message->body)->slot;
        return true;
    case MESSAGE_TUNNEL_GONE:
        *event = (struct ike_event){.kind = IKE_EVENT_TUNNEL_GONE,
                                    .tunnel_gone = ((const struct message_tunnel *)message->body)->tunnel};
        return true;
    case MESSAGE_TUNNELS_TOLD:
        *event = (struct ike_event){.kind = IKE_EVENT_TUNNELS_TOLD};
        return true;
    case MESSAGE_PEER_ROUTE:
        *event = (struct ike_event){.kind = IKE_EVENT_PEER_ROUTE,
                                    .route = {peer_route->tunnel, peer_route->route}};
        return true;
    case MESSAGE_OWN_ADDRESS:
        *event = (struct ike_event){.kind = IKE_EVENT_OWN_ADDRESS,
                                    .own = {own_address->address, own_address->is_here != 0}};
        return true;
    case MESSAGE_PEER_ADDRESSES:
        *event = (struct ike_event){.kind = IKE_EVENT_PEER_ADDRESSES,
                                    .peer = {peer->tunnel, peer->addresses, peer->count}};
        return true;
    case MESSAGE_CLEAR:
        *event = (struct ike_event){.kind = IKE_EVENT_CLEAR,
                                    .clear = {.all = clear->all != 0, .tunnel = clear->tunnel}};
        return true;
    case MESSAGE_LOG_LEVEL:
        *event = (struct ike_event){.kind = IKE_EVENT_LOG_LEVEL, .log_level = (int)log->level};
        return true;
    case MESSAGE_STOP:
        *event = (struct ike_event){.kind = IKE_EVENT_STOP};
        return true;
    default:
        return false;
    }
}

static void keeper_message(void *context)
{
    struct engine_process *process = context;
    const struct channel_message *message = &process->keeper.message;
    struct ike_event event;
    if (!message_is_sound(PROCESS_KEEPER, PROCESS_ENGINE, message)) {
        errno = EPROTO;
        fail(process, "a malformed message of the keeper");
    }
    if (message->type == MESSAGE_ENGINE_SETUP) {
        set_up(process);
    } else if (process->engine == NULL) {
        errno = EPROTO;
        fail(process, "a message before the setup");
    } else if (message->type == MESSAGE_ENGINE_SOCKETS) {
        set_sockets(process);
    } else if (message->type == MESSAGE_TUNNEL_STATE_DONE) {
        engine_actions_answered(process, ((const struct message_tunnel_state_done *)message->body)->request);
        engine_process_tell_unsent(process);
        tell_idle(process);
    } else if (message->type == MESSAGE_TRUST) {
        take_trust(process);
    } else if (message->type == MESSAGE_POLICIES_TOLD) {
        (void)message_send(&process->keeper, MESSAGE_POLICIES_KNOWN, NULL, 0);
    } else if (message->type == MESSAGE_JOB_DONE) {
        engine_job_answered(process, message);
    } else if (event_of(message, &event)) {
        process->stopping |= message->type == MESSAGE_STOP;
        engine_process_event(process, &event);
    }
}

/* ---- Messages of the path -------------------------------------------------------------------------- */

/* What the path tells of ESP, handed on to the engine. */
static void esp_event(struct engine_process *process, enum ike_event_kind kind,
                      const struct path_event *event)
{
    struct ike_event of_esp = {.kind = kind};
    of_esp.esp.spi = event->spi;
    of_esp.esp.remote = event->remote;
    of_esp.esp.local = event->local;
    of_esp.esp.ifindex = event->ifindex;
    of_esp.esp.never_heard = event->never_heard;
    engine_process_event(process, &of_esp);
}

/* What the path tells of a packet that has no Child SA. */
static void packet_event(struct engine_process *process, enum ike_event_kind kind,
                         const struct path_event *event)
{
    struct ike_event of_packet = {.kind = kind};
    of_packet.packet.tunnel = event->tunnel;
    of_packet.packet.flow = event->flow;
    engine_process_event(process, &of_packet);
}

static void path_event(struct engine_process *process, const struct path_event *event)
{
    switch (event->kind) {
    case PATH_DONE:
        engine_actions_done(process, event);
        engine_process_tell_unsent(process);
        tell_idle(process);
        break;
    case PATH_PACKET_WAITS:
        packet_event(process, IKE_EVENT_PACKET_WAITS, event);
        break;
    case PATH_PACKET_OUTSIDE:
        packet_event(process, IKE_EVENT_PACKET_OUTSIDE, event);
        break;
    case PATH_CHILD_USED:
        esp_event(process, IKE_EVENT_CHILD_USED, event);
        break;
    case PATH_SEQUENCE_LOW:
        esp_event(process, IKE_EVENT_SEQUENCE_LOW, event);
        break;
    case PATH_PEER_MOVED:
        esp_event(process, IKE_EVENT_PEER_MOVED, event);
        break;
    case PATH_UNANSWERED:
        esp_event(process, IKE_EVENT_CHILD_UNANSWERED, event);
        break;
    case PATH_SPI_UNKNOWN:
        esp_event(process, IKE_EVENT_SPI_UNKNOWN, event);
        break;
    }
}

static void path_message(void *context)
{
    struct engine_process *process = context;
    const struct channel_message *message = &process->path.message;
    const struct message_stray *stray = message->body;
    if (!message_is_sound(PROCESS_PATH, PROCESS_ENGINE, message))
        engine_process_log(process, LOG_LEVEL_ERROR, 0, "the path sent the engine something malformed (%s)",
                           message_name(message->type));
    else if (process->engine != NULL && message->type == MESSAGE_PATH_EVENT)
        path_event(process, message->body);
    else if (process->engine != NULL && message->type == MESSAGE_CHILDREN)
        engine_agreement_take(process, message);
    else if (process->engine != NULL && message->type == MESSAGE_STRAY_IKE)
        engine_sockets_take(&process->sockets, &stray->local, &stray->remote, stray->ifindex,
                            message_tail(message, sizeof(*stray)));
}

/* ---- The loop -------------------------------------------------------------------------------------- */

static void keeper_gone(void *context)
{
    struct engine_process *process = context;
    uv_stop(&process->loop);
}

/* DELETEs can still be sent, if the keeper wants it so. */
static void path_gone(void *context)
{
    engine_actions_release(context);
}

static bool start(struct engine_process *process)
{
    channel_open(&process->keeper, SPAWN_KEEPER_FD);
    channel_open(&process->path, SPAWN_PEER_FD);
    process->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (process->timer < 0 || uv_loop_init(&process->loop) != 0 ||
        !engine_sockets_init(&process->sockets, &process->loop, datagram_received, esp_received, process) ||
        uv_poll_init(&process->loop, &process->timer_poll, process->timer) != 0 ||
        uv_prepare_init(&process->loop, &process->before_waiting) != 0)
        return false;
    process->timer_due = MSEC_NEVER;
    process->timer_poll.data = process;
    process->before_waiting.data = process;
    return uv_prepare_start(&process->before_waiting, before_waiting) == 0 &&
           uv_poll_start(&process->timer_poll, UV_READABLE, timer_due) == 0 &&
           channel_watch_start(&process->keeper_watch, &process->loop, &process->keeper, keeper_message,
                               keeper_gone, process) &&
           channel_watch_start(&process->path_watch, &process->loop, &process->path, path_message, path_gone,
                               process);
}

int engine_process_run(void)
{
    static struct engine_process process; /* its channels are too large for a stack */
    char threads[16];
    if (!spawn_enter("musubid-engine"))
        return EXIT_FAILURE;
    /* As many threads for key exchanges as there are cores. */
    (void)snprintf(threads, sizeof(threads), "%ld", sysconf(_SC_NPROCESSORS_ONLN));
    (void)setenv("UV_THREADPOOL_SIZE", threads, 1);
    if (!start(&process))
        return EXIT_FAILURE;
    if (!secret_lock_process())
        engine_process_log(&process, LOG_LEVEL_NOTICE, 0, "the engine's memory can't be kept from swap: %s",
                           strerror(errno));
    (void)uv_run(&process.loop, UV_RUN_DEFAULT);
    /* The rest of its memory goes with the process. */
    ike_engine_free(process.engine);
    return EXIT_SUCCESS;
}
