#include "ike/engine/restore.h"

#include "ike/exchanges/additional_child.h"
#include "ike/exchanges/liveness.h"
#include "ike/exchanges/rekey_child.h"
#include "ike/exchanges/rekey_ike_sa.h"
#include "ike/sa/record.h"

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

static bool restore_child(struct ike_sa *sa, const struct ike_child_record *record)
{
    struct ike_engine *engine = sa->engine;
    struct child_sa *child = child_sa_with_spi(sa, record->inbound.spi);
    if (child == NULL)
        return false;
    child->suite = record->suite;
    child->initiator = record->initiator;
    child->installed = record->installed;
    child->replaced = record->replaced;
    child->deleting = record->deleting;
    child->lingering = record->lingering;
    child->stopped = record->stopped;
    child->waits_for_use = record->waits_for_use;
    child->live_slot = record->live_slot;
    child->created = record->created;
    child->expires = record->expires;
    child->inbound = record->inbound;
    child->outbound = record->outbound;
    child->local_ts = record->local_ts;
    child->remote_ts = record->remote_ts;
    engine_set_timer_at(engine, &child->lifetime, record->lifetime_due);
    engine_set_timer_at(engine, &child->rekey, record->rekey_due);
    raise(&engine->objects->next_esp_serial, record->inbound.serial);
    raise(&engine->objects->next_esp_serial, record->outbound.serial);
    return true;
}

static bool restore_children(struct ike_sa *sa, const struct ike_record *record)
{
    for (size_t i = record->child_count; i-- > 0;) { /* the newest is to stand first again */
        if (!restore_child(sa, &record->children[i]))
            return false;
    }
    return true;
}

static void restore_fields(struct ike_sa *sa, const struct ike_record *record)
{
    sa->state = record->state;
    sa->initial_contact = record->initial_contact;
    sa->replaced = record->replaced;
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
    sa->ifindex = record->ifindex;
    sa->mark = record->mark;
    sa->arrival_ifindex = record->arrival_ifindex;
    sa->suite = record->suite;
    sa->keys = record->keys;
    sa->local_id = record->local_id;
    sa->remote_id = record->remote_id;
    sa->request_id = record->request_id;
    sa->expected_id = record->expected_id;
    sa->gcm_iv = record->gcm_iv;
    sa->created = record->created;
    sa->expires = record->expires;
    sa->started_event = record->started_event;
    sa->established_event = record->established_event;
    sa->begun_here = record->begun_here;
    sa->additional.scope = record->child_scope;
    sa->additional.ours = record->first_child_is_ours;
    sa->additional.refused = record->families_refused;
    size_t length = record->delete_reason.length;
    if (length > 0 && length < sizeof sa->delete_reason)
        memcpy(sa->delete_reason, record->delete_reason.at, length);
}

/* What later events are compared with must be in the past. */
static void raise_event_number(struct ike_engine *engine, const struct ike_record *record)
{
    if (engine->event_number < record->started_event)
        engine->event_number = record->started_event;
    if (engine->event_number < record->established_event)
        engine->event_number = record->established_event;
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
    engine->objects->next_ike_serial--;
    raise(&engine->objects->next_ike_serial, record->serial);
    sa->serial = record->serial;
    restore_fields(sa, record);
    ike_sa_set_tunnel(sa, tunnel);
    bool whole = ike_buffer_set(&sa->nonce_i, record->nonce_i) &&
                 ike_buffer_set(&sa->nonce_r, record->nonce_r) &&
                 ike_buffer_set(&sa->response, record->response) && restore_tasks(sa, record) &&
                 restore_own(sa, record) && restore_children(sa, record);
    if (!whole) {
        ike_sa_destroy(sa, "its saved state could not be restored");
        return NULL;
    }
    engine_set_timer_at(engine, &sa->lifetime, record->lifetime_due);
    engine_set_timer_at(engine, &sa->rekey, record->rekey_due);
    sa->last_message = engine->now;
    raise_event_number(engine, record);
    return sa;
}

/* Why a record is of no use; NULL if it is. */
static const char *why_not_restore(const struct ike_record *record, const struct ike_tunnel *tunnel)
{
    if (record->state != IKE_SA_ESTABLISHED && record->state != IKE_SA_DELETING)
        return "its negotiation was not over";
    if (tunnel == NULL)
        return "its tunnel is not there any more";
    return record->suite.encryption == NULL || record->suite.prf == NULL ? "it has no keys" : NULL;
}

void engine_restore(struct ike_engine *engine, struct octets state)
{
    struct ike_record record;
    if (!ike_record_read(state, &record)) {
        engine_log(engine, LOG_LEVEL_WARN, LOG_IKEV2,
                   "the saved state of an IKE SA is not one that this version can read");
        return;
    }
    struct ike_tunnel *tunnel = record.has_tunnel ? engine_tunnel(engine, record.tunnel) : NULL;
    const char *reason = why_not_restore(&record, tunnel);
    struct ike_sa *sa = reason == NULL ? restore_sa(engine, tunnel, &record) : NULL;
    if (reason != NULL)
        tunnel_log(engine, tunnel, LOG_LEVEL_NOTICE, LOG_IKEV2, "saved IKE SA, serial %u, is forgotten: %s",
                   record.serial, reason);
    if (sa == NULL)
        effects_add_record(&engine->effects, record.serial, 0, (struct octets){NULL, 0});
    explicit_bzero(&record, sizeof record);
}

/* ---- All of them ------------------------------------------------------------------------------------- */

/* Calls `visit` for each Child SA that the packet path had. */
static size_t each_installed_child(const struct ike_engine *engine,
                                   void (*visit)(void *context, struct child_sa *child), void *context)
{
    size_t count = 0;
    const struct ike_sa *sa;
    LIST_FOREACH(sa, &engine->objects->all_sas, all_link)
    {
        struct child_sa *child;
        LIST_FOREACH(child, &sa->children, link)
        {
            if (!child->installed)
                continue;
            if (visit != NULL)
                visit(context, child);
            count++;
        }
    }
    return count;
}

struct child_list {
    size_t count;
    struct child_sa **children;
};

static void child_list_add(void *context, struct child_sa *child)
{
    struct child_list *list = context;
    list->children[list->count++] = child;
}

static int compare_serials(const void *a, const void *b)
{
    uint32_t x = (*(struct child_sa *const *)a)->inbound.serial;
    uint32_t y = (*(struct child_sa *const *)b)->inbound.serial;
    return (x > y) - (x < y);
}

/* In the order in which they were made: packets leave by the newest. */
void engine_hand_over_children(struct ike_engine *engine)
{
    size_t count = each_installed_child(engine, NULL, NULL);
    struct child_list list = {.children = effects_alloc(&engine->effects, count * sizeof(struct child_sa *))};
    if (count == 0 || list.children == NULL)
        return;
    (void)each_installed_child(engine, child_list_add, &list);
    qsort(list.children, list.count, sizeof(struct child_sa *), compare_serials);
    for (size_t i = 0; i < list.count; i++) {
        child_sa_hand_over(list.children[i]);
        if (list.children[i]->stopped)
            child_sa_hand_over_stop(list.children[i]);
    }
}

static void mark_slot(void *context, struct child_sa *child)
{
    bool *used = context;
    used[child->live_slot] = true;
}

static void find_last_slot(void *context, struct child_sa *child)
{
    raise(context, child->live_slot + 1);
}

/* The slots below the last one in use that are free, are free again. */
static void restore_slots(struct ike_engine *engine)
{
    struct live_slots *slots = &engine->objects->slots;
    (void)each_installed_child(engine, find_last_slot, &slots->next);
    bool *used = effects_alloc(&engine->effects, slots->next);
    if (used == NULL)
        return;
    (void)each_installed_child(engine, mark_slot, used);
    for (uint32_t slot = 0; slot < slots->next; slot++) {
        if (!used[slot])
            live_slots_give_back(slots, slot);
    }
}

static void resume(struct ike_sa *sa)
{
    if (sa->request_out)
        ike_sa_resume_request(sa);
    else if (sa->own != NULL && sa->own->phase == NEGOTIATION_FINISHES)
        (sa->own->new_spi != 0 ? rekey_ike_sa_resume : ask_child_resume)(sa);
    else
        ike_sa_start_task(sa);
    additional_children_check(sa);
}

void engine_restore_end(struct ike_engine *engine)
{
    restore_slots(engine);
    engine_hand_over_children(engine);
    struct ike_tunnel *tunnel;
    LIST_FOREACH(tunnel, &engine->objects->tunnel_list, link)
    {
        tunnel_tell_state(engine, tunnel, "no SA of it was kept");
    }
    struct ike_sa *next;
    for (struct ike_sa *sa = LIST_FIRST(&engine->objects->all_sas); sa != NULL; sa = next) {
        next = LIST_NEXT(sa, all_link);
        ike_sa_log(sa, LOG_LEVEL_NOTICE, LOG_IKEV2, "IKE SA, serial %u, goes on", sa->serial);
        ike_sa_changed(sa); /* it is recorded anew, in this version's form */
        liveness_start(sa); /* now that all others are there, which matters for it */
        resume(sa);
    }
}
