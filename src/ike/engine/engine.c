#include "ike/services/engine.h"

#include "base/secret.h"
#include "ike/reasons/failure.h"
#include "ike/sa/ike_sa.h"
#include "ike/sa/record.h"

#include <stdarg.h>
#include <stdlib.h>

enum { LOG_LINE_SIZE = 2048 };

/* ---- Services ---------------------------------------------------------------------------------------- */

void engine_random(struct ike_engine *engine, void *out, size_t length)
{
    engine->options.random(engine->options.random_context, out, length);
}

uint64_t engine_random_spi(struct ike_engine *engine)
{
    uint64_t spi = 0;
    while (spi == 0)
        engine_random(engine, &spi, sizeof spi);
    return spi;
}

void engine_set_timer(struct ike_engine *engine, struct ike_timer *timer, msec_t delay)
{
    msec_t due = delay == MSEC_NEVER ? MSEC_NEVER : engine->now + delay;
    if (!deadline_set(&engine->deadlines, &timer->deadline, due))
        engine_log(engine, LOG_LEVEL_ERROR, LOG_IKEV2, NULL, "out of memory: a timer could not be set");
}

void engine_set_timer_at(struct ike_engine *engine, struct ike_timer *timer, msec_t due)
{
    msec_t past_or_now = due < engine->now ? engine->now : due;
    engine_set_timer(engine, timer, due == MSEC_NEVER ? MSEC_NEVER : past_or_now - engine->now);
}

void engine_cancel_timer(struct ike_engine *engine, struct ike_timer *timer)
{
    deadline_cancel(&engine->deadlines, &timer->deadline);
}

uint32_t engine_take_slot(struct ike_engine *engine)
{
    if (engine->free_slot_count > 0)
        return engine->free_slots[--engine->free_slot_count];
    return engine->next_slot++;
}

void engine_give_back_slot(struct ike_engine *engine, uint32_t slot)
{
    if (engine->free_slot_count == engine->free_slot_capacity) {
        size_t capacity = engine->free_slot_capacity == 0 ? 64 : 2 * engine->free_slot_capacity;
        uint32_t *larger = reallocarray(engine->free_slots, capacity, sizeof *larger);
        if (larger == NULL)
            return; /* the slot is lost; there are more than enough of them */
        engine->free_slots = larger;
        engine->free_slot_capacity = capacity;
    }
    engine->free_slots[engine->free_slot_count++] = slot;
}

void engine_count(struct ike_engine *engine, enum ike_counter counter)
{
    engine->counters[counter]++;
}

struct ike_tunnel *engine_tunnel(const struct ike_engine *engine, uint32_t number)
{
    return map_find(&engine->tunnels, number);
}

bool engine_logs(const struct ike_engine *engine, enum log_level level)
{
    return (int)level <= engine->options.log_level;
}

void engine_log(struct ike_engine *engine, enum log_level level, enum log_function function,
                const struct ike_tunnel *tunnel, const char *format, ...)
{
    if (!engine_logs(engine, level))
        return;
    char line[LOG_LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    size_t kept = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    struct octets text = effects_copy(&engine->effects, (struct octets){(const uint8_t *)line, kept + 1});
    secret_wipe(line, kept); /* at level debug it may hold keys (R102) */
    if (text.at == NULL)
        return;
    struct ike_action action = {.kind = IKE_ACTION_LOG};
    action.log.level = level;
    action.log.function = function;
    action.log.has_tunnel = tunnel != NULL;
    action.log.tunnel = tunnel != NULL ? tunnel->policy.tunnel : 0;
    action.log.text = (const char *)text.at;
    effects_add_action(&engine->effects, &action);
}

void engine_send(struct ike_engine *engine, const struct ike_tunnel *tunnel, const struct ip_endpoint *local,
                 const struct ip_endpoint *remote, uint32_t ifindex, uint32_t mark, struct octets message)
{
    struct octets copy = effects_copy(&engine->effects, message);
    if (copy.at == NULL)
        return;
    struct ike_action action = {.kind = IKE_ACTION_DATAGRAM};
    action.datagram.tunnel = tunnel != NULL ? tunnel->policy.tunnel : 0;
    action.datagram.local = *local;
    action.datagram.remote = *remote;
    action.datagram.ifindex = ifindex;
    action.datagram.mark = mark;
    action.datagram.message = copy;
    effects_add_action(&engine->effects, &action);
    engine_count(engine, IKE_COUNT_SENT);
}

void engine_start_job(struct ike_engine *engine, struct ike_sa *sa, const struct ike_job *job)
{
    struct ike_job *copy = effects_alloc(&engine->effects, sizeof *copy);
    uint32_t number = ++engine->next_job;
    if (number == 0)
        number = ++engine->next_job;
    if (copy == NULL || !map_put(&engine->jobs, number, sa)) {
        failure_end(sa, "out of memory");
        return;
    }
    *copy = *job;
    copy->job = number;
    if (job->kind == IKE_JOB_PSK_AUTH)
        copy->psk.signed_octets = effects_copy(&engine->effects, job->psk.signed_octets);
    sa->job = number;
    effects_add_action(&engine->effects, &(struct ike_action){.kind = IKE_ACTION_JOB, .job = copy});
}

/* ---- Life -------------------------------------------------------------------------------------------- */

struct ike_engine *ike_engine_new(const struct ike_options *options)
{
    struct ike_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return NULL;
    engine->options = *options;
    uint8_t **const scratches[] = {&engine->received_scratch, &engine->joined_scratch, &engine->inner_scratch,
                                   &engine->message_scratch};
    for (size_t i = 0; i < sizeof scratches / sizeof *scratches; i++) {
        *scratches[i] = malloc(SCRATCH_SIZE);
        if (*scratches[i] == NULL) {
            ike_engine_free(engine);
            return NULL;
        }
    }
    uint64_t seed = engine_random_spi(engine);
    engine->tunnels = map_with_seed(seed);
    engine->sas = map_with_seed(seed);
    engine->half_open = map_with_seed(seed);
    engine->jobs = map_with_seed(seed);
    engine->child_spis = map_with_seed(seed);
    return engine;
}

static void free_destroyed(struct ike_engine *engine)
{
    struct ike_sa *sa;
    while ((sa = LIST_FIRST(&engine->destroyed)) != NULL) {
        LIST_REMOVE(sa, dirty_link);
        ike_sa_free(sa);
    }
}

void ike_engine_free(struct ike_engine *engine)
{
    if (engine == NULL)
        return;
    struct ike_sa *sa;
    while ((sa = LIST_FIRST(&engine->all_sas)) != NULL)
        ike_sa_destroy(sa, "engine stops");
    free_destroyed(engine);
    struct ike_tunnel *tunnel;
    while ((tunnel = LIST_FIRST(&engine->tunnel_list)) != NULL)
        tunnel_free(engine, tunnel);
    map_free(&engine->tunnels);
    map_free(&engine->sas);
    map_free(&engine->half_open);
    map_free(&engine->jobs);
    map_free(&engine->child_spis);
    deadline_heap_free(&engine->deadlines);
    effects_free(&engine->effects);
    secret_free(engine->received_scratch, SCRATCH_SIZE);
    secret_free(engine->joined_scratch, SCRATCH_SIZE);
    secret_free(engine->inner_scratch, SCRATCH_SIZE);
    secret_free(engine->message_scratch, SCRATCH_SIZE);
    free(engine->free_slots);
    secret_free(engine, sizeof *engine);
}

/* ---- Events ------------------------------------------------------------------------------------------ */

static void handle_timers(struct ike_engine *engine)
{
    struct deadline *due;
    while ((due = deadline_take_due(&engine->deadlines, engine->now)) != NULL) {
        struct ike_timer *timer = (struct ike_timer *)due;
        timer->fire(engine, timer->owner);
    }
}

static void handle_job_done(struct ike_engine *engine, const struct ike_event *event)
{
    struct ike_sa *sa = map_remove(&engine->jobs, event->job.job);
    if (sa == NULL)
        return; /* the SA went while the job was out */
    ike_sa_job_done(sa, event->job.ok, event->job.output);
}

static void handle_clear(struct ike_engine *engine, const struct ike_event *event)
{
    struct ike_tunnel *tunnel;
    LIST_FOREACH(tunnel, &engine->tunnel_list, link)
    {
        if (event->clear.all || tunnel->policy.tunnel == event->clear.tunnel)
            tunnel_clear(tunnel,
                         event->clear.by_path ? "Child SA can't be installed" : "Delete IKE SA by command");
    }
}

static void handle_stop(struct ike_engine *engine)
{
    engine->stopping = true;
    struct ike_sa *next;
    for (struct ike_sa *sa = LIST_FIRST(&engine->all_sas); sa != NULL; sa = next) {
        next = LIST_NEXT(sa, all_link);
        ike_sa_delete(sa, "stopped");
    }
}

static void dispatch(struct ike_engine *engine, const struct ike_event *event)
{
    switch (event->kind) {
    case IKE_EVENT_TIMER:
        handle_timers(engine);
        break;
    case IKE_EVENT_DATAGRAM:
        engine_receive(engine, &event->datagram.local, &event->datagram.remote, event->datagram.ifindex,
                       event->datagram.message);
        break;
    case IKE_EVENT_PACKET_WAITS:
        tunnel_packet_waits(engine, event->packet.tunnel, &event->packet.flow);
        break;
    case IKE_EVENT_JOB_DONE:
        handle_job_done(engine, event);
        break;
    case IKE_EVENT_CHILD_USED:
        engine_child_used(engine, event->esp.spi);
        break;
    case IKE_EVENT_SEQUENCE_LOW:
        engine_sequence_low(engine, event->esp.spi);
        break;
    case IKE_EVENT_PEER_MOVED:
        engine_peer_moved(engine, event->esp.spi, &event->esp.remote);
        break;
    case IKE_EVENT_SPI_UNKNOWN:
        engine_spi_unknown(engine, event->esp.spi, &event->esp.remote.address);
        break;
    case IKE_EVENT_POLICY:
        tunnel_set_policy(engine, event->policy);
        break;
    case IKE_EVENT_TUNNEL_GONE:
        tunnel_remove(engine, event->tunnel_gone);
        break;
    case IKE_EVENT_PEER_ROUTE:
        tunnel_set_route(engine, event->way.tunnel, &event->way.way);
        break;
    case IKE_EVENT_PEER_ADDRESSES:
        tunnel_set_peer_addresses(engine, event->peer.tunnel, event->peer.addresses, event->peer.count);
        break;
    case IKE_EVENT_CLEAR:
        handle_clear(engine, event);
        break;
    case IKE_EVENT_LOG_LEVEL:
        engine->options.log_level = event->log_level;
        break;
    case IKE_EVENT_STOP:
        handle_stop(engine);
        break;
    case IKE_EVENT_SAVED:
        engine_restore(engine, event->saved);
        break;
    case IKE_EVENT_SAVED_END:
        engine_restore_end(engine);
        break;
    case IKE_EVENT_PATH_NEW:
        engine_hand_over_children(engine);
        break;
    }
}

/*
 * Adds the records of all IKE SAs that the event changed. An IKE SA whose state can't be recorded loses the
 * record that it had: whoever went on from that would use message IDs and IVs a second time.
 */
static void write_records(struct ike_engine *engine)
{
    struct ike_sa *sa;
    while ((sa = LIST_FIRST(&engine->dirty)) != NULL) {
        LIST_REMOVE(sa, dirty_link);
        sa->dirty = false;
        struct writer w = writer_to(engine->message_scratch, SCRATCH_SIZE);
        ike_record_write(sa, &w);
        struct octets state = effects_copy(&engine->effects, writer_octets(&w));
        if (w.failed)
            engine_log(engine, LOG_LEVEL_ERROR, LOG_IKEV2, sa->tunnel,
                       "IKE SA, serial %u: its state is too large to be recorded", sa->serial);
        effects_add_record(&engine->effects, sa->serial, w.failed ? (struct octets){NULL, 0} : state);
    }
}

const struct ike_effects *ike_engine_handle(struct ike_engine *engine, msec_t now,
                                            const struct ike_event *event)
{
    effects_reset(&engine->effects);
    engine->now = now;
    engine->event_number++;
    dispatch(engine, event);
    write_records(engine);
    free_destroyed(engine);
    if (engine->effects.out_of_memory)
        engine_log(engine, LOG_LEVEL_ERROR, LOG_IKEV2, NULL, "out of memory: a part of the answer was lost");
    return effects_view(&engine->effects);
}

msec_t ike_engine_deadline(const struct ike_engine *engine)
{
    return deadline_next(&engine->deadlines);
}

bool ike_engine_is_idle(const struct ike_engine *engine)
{
    return engine->stopping && LIST_EMPTY(&engine->all_sas);
}

const uint64_t *ike_engine_counters(const struct ike_engine *engine)
{
    return engine->counters;
}
