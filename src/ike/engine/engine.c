#include "base/secret.h"
#include "ike/engine/receive.h"
#include "ike/engine/restore.h"
#include "ike/engine/resume.h"
#include "ike/engine/tunnels.h"
#include "ike/exchanges/connect.h"
#include "ike/exchanges/exchanges.h"
#include "ike/exchanges/invalid_spi.h"
#include "ike/exchanges/liveness.h"
#include "ike/exchanges/own_address.h"
#include "ike/exchanges/path_reports.h"
#include "ike/reasons/exchange_failure.h"
#include "ike/sa/ike_sa.h"
#include "ike/sa/job.h"
#include "ike/sa/record.h"

#include <stdlib.h>

/* ---- Life -------------------------------------------------------------------------------------------- */

struct ike_engine *ike_engine_new(const struct ike_options *options)
{
    struct ike_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return NULL;
    bool ready = engine_begin_services(engine, options);
    engine->objects = ready ? ike_objects_new(engine_random_spi(engine)) : NULL;
    if (engine->objects == NULL) {
        ike_engine_free(engine);
        return NULL;
    }
    engine->objects->exchanges = &ike_exchanges;
    engine->objects->reasons = &ike_reasons;
    return engine;
}

static void free_destroyed(struct ike_engine *engine)
{
    struct ike_sa *sa;
    while ((sa = LIST_FIRST(&engine->objects->destroyed)) != NULL) {
        LIST_REMOVE(sa, dirty_link);
        ike_sa_free(sa);
    }
}

static void free_objects(struct ike_engine *engine)
{
    struct ike_objects *objects = engine->objects;
    if (objects == NULL)
        return;
    struct ike_sa *sa;
    while ((sa = LIST_FIRST(&objects->all_sas)) != NULL)
        ike_sa_destroy(sa, "engine stops");
    free_destroyed(engine);
    struct ike_tunnel *tunnel;
    while ((tunnel = LIST_FIRST(&objects->tunnel_list)) != NULL)
        tunnel_free(engine, tunnel);
    ike_objects_free(objects);
}

void ike_engine_free(struct ike_engine *engine)
{
    if (engine == NULL)
        return;
    free_objects(engine);
    engine_end_services(engine);
    secret_free(engine, sizeof *engine);
}

/* ---- Events ------------------------------------------------------------------------------------------ */

static void clear_tunnel(struct ike_engine *engine, struct ike_tunnel *tunnel, bool by_path)
{
    if (!by_path) /* an operator wants it to begin anew at once */
        damping_reset(&tunnel->damping);
    tunnel_clear(engine, tunnel, by_path ? "Child SA can't be installed" : "Delete IKE SA by command");
}

static void handle_clear(struct ike_engine *engine, const struct ike_event *event)
{
    struct ike_tunnel *tunnel = engine_tunnel(engine, event->clear.tunnel);
    if (!event->clear.all) {
        if (tunnel != NULL)
            clear_tunnel(engine, tunnel, event->clear.by_path);
        return;
    }
    LIST_FOREACH(tunnel, &engine->objects->tunnel_list, link)
    {
        clear_tunnel(engine, tunnel, event->clear.by_path);
    }
}

static void handle_unknown_spi(struct ike_engine *engine, const struct ike_event *event)
{
    const struct ip_endpoint local = {.address = event->esp.local};
    const struct arrival arrival = {&local, &event->esp.remote, event->esp.ifindex};
    invalid_spi_seen(engine, event->esp.spi, &arrival);
}

static void handle_stop(struct ike_engine *engine)
{
    engine->stopping = true;
    struct ike_sa *next;
    for (struct ike_sa *sa = LIST_FIRST(&engine->objects->all_sas); sa != NULL; sa = next) {
        next = LIST_NEXT(sa, all_link);
        ike_sa_delete(sa, "stopped");
    }
}

static void dispatch(struct ike_engine *engine, const struct ike_event *event)
{
    switch (event->kind) {
    case IKE_EVENT_TIMER:
        engine_fire_timers(engine);
        break;
    case IKE_EVENT_DATAGRAM:
        engine_receive(engine, &event->datagram.local, &event->datagram.remote, event->datagram.ifindex,
                       event->datagram.message);
        break;
    case IKE_EVENT_PACKET_WAITS:
        tunnel_packet_waits(engine, event->packet.tunnel, &event->packet.flow);
        break;
    case IKE_EVENT_PACKET_OUTSIDE:
        tunnel_packet_outside(engine, event->packet.tunnel, &event->packet.flow);
        break;
    case IKE_EVENT_JOB_DONE:
        engine_job_done(engine, event->job.job, event->job.result);
        connect_waiting(engine);
        break;
    case IKE_EVENT_CHILD_USED:
        engine_child_used(engine, event->esp.spi);
        break;
    case IKE_EVENT_SEQUENCE_LOW:
        engine_sequence_low(engine, event->esp.spi);
        break;
    case IKE_EVENT_CHILD_UNANSWERED:
        liveness_unanswered(engine, event->esp.spi, event->esp.never_heard);
        break;
    case IKE_EVENT_PEER_MOVED:
        engine_peer_moved(engine, event->esp.spi, &event->esp.remote);
        break;
    case IKE_EVENT_SPI_UNKNOWN:
        handle_unknown_spi(engine, event);
        break;
    case IKE_EVENT_POLICY:
        tunnel_set_policy(engine, event->policy, event->slot);
        break;
    case IKE_EVENT_TUNNEL_GONE:
        tunnel_remove(engine, event->tunnel_gone);
        break;
    case IKE_EVENT_TUNNELS_TOLD:
        engine->tunnels_told = true;
        break;
    case IKE_EVENT_PEER_ROUTE:
        tunnel_set_route(engine, event->route.tunnel, &event->route.route);
        break;
    case IKE_EVENT_OWN_ADDRESS:
        own_address_changed(engine, &event->own.address, event->own.is_here);
        break;
    case IKE_EVENT_NOT_SENT:
        engine_not_sent(engine, &event->not_sent.remote, event->not_sent.message, event->not_sent.error);
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
        engine_restore(engine, event->saved.serial, event->saved.state);
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
 * Adds the records of all IKE SAs that the event changed. If the state of an IKE SA can't be recorded, its
 * old record is removed: an engine that continued from that would use message IDs and IVs a second time.
 */
static void write_records(struct ike_engine *engine)
{
    struct ike_sa *sa;
    while ((sa = LIST_FIRST(&engine->objects->dirty)) != NULL) {
        LIST_REMOVE(sa, dirty_link);
        sa->dirty = false;
        struct writer w = writer_to(engine->message_scratch, SCRATCH_SIZE);
        ike_record_write(sa, engine->epoch, &w);
        struct octets state = effects_copy(&engine->effects, writer_octets(&w));
        secret_wipe(engine->message_scratch, writer_length(&w));
        if (w.failed)
            ike_sa_log(sa, LOG_LEVEL_ERROR, LOG_IKEV2,
                       "IKE SA, serial %u: its state is too large to be recorded", sa->serial);
        effects_add_record(&engine->effects, sa->serial, sa->tunnel != NULL ? sa->tunnel->policy.tunnel : 0,
                           w.failed ? (struct octets){NULL, 0} : state);
    }
}

void ike_engine_set_epoch(struct ike_engine *engine, uint64_t epoch)
{
    engine->epoch = epoch;
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
        engine_log(engine, LOG_LEVEL_ERROR, LOG_IKEV2, "out of memory: a part of the answer was lost");
    return effects_view(&engine->effects);
}

msec_t ike_engine_deadline(const struct ike_engine *engine)
{
    return deadline_next(&engine->deadlines);
}

bool ike_engine_is_idle(const struct ike_engine *engine)
{
    return engine->stopping && LIST_EMPTY(&engine->objects->all_sas);
}

const uint64_t *ike_engine_counters(const struct ike_engine *engine)
{
    return engine->counters;
}
