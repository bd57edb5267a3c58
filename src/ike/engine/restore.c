#include "ike/engine/restore.h"

#include "base/secret.h"
#include "ike/exchanges/additional_child.h"
#include "ike/exchanges/rekey_child.h"
#include "ike/sa/record_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- One IKE SA -------------------------------------------------------------------------------------- */

static bool restore_tasks(struct ike_sa *sa, const struct ike_record *record)
{
    for (size_t i = 0; i < record->task_count; i++) {
        if (!ike_sa_restore_task(sa, record->tasks[i].number, record->tasks[i].spi))
            return false;
    }
    sa->request_out = record->request.length > 0 && !STAILQ_EMPTY(&sa->tasks);
    return !sa->request_out || ike_buffer_set(&sa->request, record->request);
}

static bool restore_own(struct ike_sa *sa, const struct ike_record *record)
{
    if (!record->has_own)
        return true;
    struct negotiation *n = malloc(sizeof *n);
    if (n == NULL)
        return false;
    *n = record->own.negotiation;
    n->nonce_i = n->nonce_r = (struct ike_buffer){0};
    n->purpose = n->old_spi != 0 ? &child_purpose_rekey : &child_purpose_additional;
    sa->own = n;
    return ike_buffer_set(&n->nonce_i, record->own.nonce_i) &&
           ike_buffer_set(&n->nonce_r, record->own.nonce_r);
}

static void raise(uint32_t *number, uint32_t to)
{
    if (*number < to)
        *number = to;
}

static bool restore_child(struct ike_sa *sa, const struct ike_child_record *record, bool of_this_machine)
{
    struct ike_engine *engine = sa->engine;
    struct child_sa *child = child_sa_with_spi(sa, record->inbound.spi);
    if (child == NULL || !child_sa_set_selectors(child, &record->local_ts, &record->remote_ts))
        return false;
    child->suite = record->suite;
    child->initiator = record->initiator;
    child->installed = record->installed;
    child->replaced = record->replaced;
    child->deleting = record->deleting;
    child->lingering = record->lingering;
    child->stopped = record->stopped;
    child->waits_for_use = record->waits_for_use;
    child->live_slot = of_this_machine ? record->live_slot : LIVE_SLOT_NONE;
    child->created = record->created;
    child->expires = record->expires;
    child->inbound = record->inbound;
    child->outbound = record->outbound;
    engine_set_timer_at(engine, &child->lifetime, record->lifetime_due);
    engine_set_timer_at(engine, &child->rekey, record->rekey_due);
    raise(&engine->objects->next_esp_serial, record->inbound.serial);
    raise(&engine->objects->next_esp_serial, record->outbound.serial);
    return true;
}

static bool restore_children(struct ike_sa *sa, const struct ike_record *record)
{
    for (size_t i = record->child_count; i-- > 0;) { /* the newest is to be the first again */
        if (!restore_child(sa, &record->children[i], record->of_this_machine))
            return false;
    }
    return true;
}

static void restore_fields(struct ike_sa *sa, const struct ike_record *record)
{
    sa->state = record->state;
    sa->initial_contact = record->initial_contact;
    sa->replaced = record->replaced;
    sa->source_moved = record->source_moved;
    sa->address_lost = record->address_lost;
    sa->nat_local = record->nat_local;
    sa->nat_remote = record->nat_remote;
    sa->encapsulate = record->encapsulate;
    sa->fragmentation = record->fragmentation;
    sa->superfluous = record->superfluous;
    sa->predecessor = record->predecessor;
    sa->spi_i = record->spi_i;
    sa->spi_r = record->spi_r;
    sa->local = record->local;
    sa->remote = record->remote;
    sa->peer_address = record->peer_address;
    sa->suite = record->suite;
    sa->keys = record->keys;
    sa->request_id = record->request_id;
    sa->expected_id = record->expected_id;
    sa->gcm_iv = record->gcm_iv;
    sa->created = record->created;
    sa->expires = record->expires;
    sa->begun_here = record->begun_here;
    sa->additional.scope = record->child_scope;
    sa->additional.ours = record->first_child_is_ours;
    sa->additional.refused = record->families_refused;
    sa->delete_notify = record->delete_notify;
}

static bool restore_delete_reason(struct ike_sa *sa, struct octets reason)
{
    if (reason.length > 0)
        sa->delete_reason = strndup((const char *)reason.at, reason.length);
    return reason.length == 0 || sa->delete_reason != NULL;
}

/* Events are compared by their numbers: those to come must be higher than those of the record. */
static void raise_event_number(struct ike_engine *engine, uint64_t to)
{
    if (engine->event_number < to)
        engine->event_number = to;
}

/* What another machine knew of itself has no meaning here: the route is that of the tunnel. */
static void restore_place(struct ike_sa *sa, const struct ike_record *record)
{
    struct ike_engine *engine = sa->engine;
    sa->route_unknown = !record->of_this_machine || record->route_unknown;
    if (!record->of_this_machine) {
        sa->started_event = sa->established_event = engine->event_number;
        return;
    }
    engine->objects->next_ike_serial--;
    raise(&engine->objects->next_ike_serial, record->serial);
    sa->serial = record->serial;
    sa->ifindex = record->ifindex;
    sa->mark = record->mark;
    sa->arrival_ifindex = record->arrival_ifindex;
    sa->started_event = record->started_event;
    sa->established_event = record->established_event;
    raise_event_number(engine, record->started_event);
    raise_event_number(engine, record->established_event);
}

/* The packet path may not have its Child SAs: it is told nothing of them. */
static void drop_unfinished(struct ike_sa *sa)
{
    struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        child->installed = false;
    }
    ike_sa_destroy(sa, "its saved state could not be restored");
}

static struct ike_sa *restore_sa(struct ike_engine *engine, struct ike_tunnel *tunnel,
                                 const struct ike_record *record)
{
    uint64_t own_spi = record->initiator ? record->spi_i : record->spi_r;
    if (map_find(&engine->objects->sas, own_spi) != NULL)
        return NULL;
    struct ike_sa *sa = ike_sa_new(engine, record->initiator, own_spi);
    if (sa == NULL)
        return NULL;
    restore_fields(sa, record);
    restore_place(sa, record);
    ike_sa_set_tunnel(sa, tunnel);
    bool whole =
        identity_keep(&sa->local_id, &record->local_id) &&
        identity_keep(&sa->remote_id, &record->remote_id) &&
        restore_delete_reason(sa, record->delete_reason) && ike_buffer_set(&sa->nonce_i, record->nonce_i) &&
        ike_buffer_set(&sa->nonce_r, record->nonce_r) && ike_buffer_set(&sa->response, record->response) &&
        restore_tasks(sa, record) && restore_own(sa, record) && restore_children(sa, record);
    if (!whole) {
        drop_unfinished(sa);
        return NULL;
    }
    engine_set_timer_at(engine, &sa->lifetime, record->lifetime_due);
    engine_set_timer_at(engine, &sa->rekey, record->rekey_due);
    sa->last_message = engine->now;
    return sa;
}

/* Why a record is of no use; NULL if it is. */
static const char *why_not_restore(const struct ike_record *record, const struct ike_tunnel *tunnel)
{
    if (record->state != IKE_SA_ESTABLISHED && record->state != IKE_SA_DELETING)
        return "its negotiation was not over";
    return tunnel == NULL ? "its tunnel is not there any more" : NULL;
}

/*
 * What is wrong with a record, whatever IKE SA it is of; NULL if nothing is. `out` has room for
 * RECORD_FAULT_SIZE.
 */
enum { RECORD_FAULT_SIZE = 120 };
static const char *record_fault(enum ike_record_result result, uint32_t serial,
                                const struct ike_record *record, char *out)
{
    const char *fault = NULL;
    if (result == IKE_RECORD_TOO_NEW || result == IKE_RECORD_TOO_OLD)
        (void)snprintf(out, RECORD_FAULT_SIZE,
                       "it is of version %u, and this program reads versions %d to %d", record->version,
                       IKE_RECORD_OLDEST_VERSION, IKE_RECORD_VERSION);
    else if (result == IKE_RECORD_DAMAGED)
        fault = "lengths or numbers in it are wrong";
    else if (record->of_this_machine && record->serial != serial)
        fault = "it is of another IKE SA";
    else if (record->state >= IKE_SA_ESTABLISHED)
        fault = ike_record_fault(record);
    else
        return NULL;
    if (fault != NULL)
        (void)snprintf(out, RECORD_FAULT_SIZE, "%s", fault);
    return result == IKE_RECORD_READ && fault == NULL ? NULL : out;
}

/* The IKE SA of a record; NULL, with the reason logged, if it cannot go on. */
static struct ike_sa *restore(struct ike_engine *engine, uint32_t serial, enum ike_record_result result,
                              const struct ike_record *record)
{
    char text[RECORD_FAULT_SIZE];
    const char *fault = record_fault(result, serial, record, text);
    if (fault != NULL) {
        engine_log(engine, LOG_LEVEL_WARN, LOG_IKEV2,
                   "saved IKE SA, serial %u, is left out: its record cannot be used: %s", serial, fault);
        return NULL;
    }
    struct ike_tunnel *tunnel = record->has_tunnel ? engine_tunnel(engine, record->tunnel) : NULL;
    const char *reason = why_not_restore(record, tunnel);
    if (reason == NULL)
        return restore_sa(engine, tunnel, record);
    tunnel_log(engine, tunnel, LOG_LEVEL_NOTICE, LOG_IKEV2, "saved IKE SA, serial %u, is forgotten: %s",
               serial, reason);
    return NULL;
}

void engine_restore(struct ike_engine *engine, uint32_t serial, struct octets state)
{
    struct ike_record record;
    enum ike_record_result result = ike_record_read(state, engine->epoch, &record);
    const struct ike_sa *sa = restore(engine, serial, result, &record);
    if (serial != 0 && (sa == NULL || sa->serial != serial))
        effects_add_record(&engine->effects, serial, 0, (struct octets){NULL, 0});
    secret_wipe(&record, sizeof record);
}
