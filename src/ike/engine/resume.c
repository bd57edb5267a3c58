#include "ike/engine/resume.h"

#include "ike/exchanges/additional_child.h"
#include "ike/exchanges/ask_child.h"
#include "ike/exchanges/childless.h"
#include "ike/exchanges/liveness.h"
#include "ike/exchanges/own_address.h"
#include "ike/exchanges/rekey_child.h"
#include "ike/exchanges/rekey_ike_sa.h"
#include "ike/sa/negotiation.h"
#include "ike/sa/rekey_schedule.h"

#include <stdlib.h>

/* The Child SAs of all IKE SAs, oldest first: the newest is the one that sends packets. */
struct child_list {
    size_t count;
    struct child_sa **children;
};

static size_t count_children(const struct ike_engine *engine)
{
    size_t count = 0;
    const struct ike_sa *sa;
    LIST_FOREACH(sa, &engine->objects->all_sas, all_link)
    {
        const struct child_sa *child;
        LIST_FOREACH(child, &sa->children, link)
        {
            count++;
        }
    }
    return count;
}

/* By serial. Child SAs of another machine have none yet: they are older than those made here. */
static int compare_ages(const void *a, const void *b)
{
    const struct child_sa *x = *(struct child_sa *const *)a;
    const struct child_sa *y = *(struct child_sa *const *)b;
    if (x->inbound.serial != y->inbound.serial)
        return x->inbound.serial < y->inbound.serial ? -1 : 1;
    return (x->created > y->created) - (x->created < y->created);
}

/* The list is valid until the event is done. It is empty if there is no memory. */
static struct child_list list_children(struct ike_engine *engine)
{
    size_t count = count_children(engine);
    struct child_list list = {.children = effects_alloc(&engine->effects, count * sizeof(struct child_sa *))};
    const struct ike_sa *sa;
    if (count == 0 || list.children == NULL)
        return list;
    LIST_FOREACH(sa, &engine->objects->all_sas, all_link)
    {
        struct child_sa *child;
        LIST_FOREACH(child, &sa->children, link)
        {
            list.children[list.count++] = child;
        }
    }
    qsort(list.children, list.count, sizeof *list.children, compare_ages);
    return list;
}

/* ---- Slots ------------------------------------------------------------------------------------------- */

static uint32_t slots_needed(const struct child_list *list)
{
    uint32_t needed = 0;
    for (size_t i = 0; i < list->count; i++) {
        uint32_t slot = list->children[i]->live_slot;
        if (slot != LIVE_SLOT_NONE && slot >= needed)
            needed = slot + 1;
    }
    return needed;
}

/* If two Child SAs have the same slot, nobody knows whose sequence numbers are in it: neither keeps it. */
static void mark_slots(const struct child_list *list, struct child_sa **owners)
{
    for (size_t i = 0; i < list->count; i++) {
        struct child_sa *child = list->children[i];
        if (child->live_slot == LIVE_SLOT_NONE)
            continue;
        struct child_sa **owner = &owners[child->live_slot];
        if (*owner == NULL) {
            *owner = child;
            continue;
        }
        (*owner)->live_slot = LIVE_SLOT_NONE;
        child->live_slot = LIVE_SLOT_NONE;
    }
}

/* Gives back all slots below the last one in use that no Child SA has. False if there is no memory. */
static bool restore_slots(struct ike_engine *engine, const struct child_list *list)
{
    struct live_slots *slots = &engine->objects->slots;
    slots->next = slots_needed(list);
    struct child_sa **owners = effects_alloc(&engine->effects, slots->next * sizeof *owners);
    if (owners == NULL)
        return slots->next == 0;
    mark_slots(list, owners);
    for (uint32_t slot = 0; slot < slots->next; slot++) {
        if (owners[slot] == NULL)
            live_slots_give_back(slots, slot);
    }
    return true;
}

/*
 * Gives a Child SA what it needs on this machine. Without the slot that it had, its sequence numbers are
 * unknown; since none may be used twice, it sends nothing any more.
 */
static void give_place(struct ike_engine *engine, struct child_sa *child)
{
    struct ike_objects *objects = engine->objects;
    if (child->inbound.serial == 0) {
        child->inbound.serial = ++objects->next_esp_serial;
        child->outbound.serial = ++objects->next_esp_serial;
    }
    if (child->live_slot != LIVE_SLOT_NONE)
        return;
    child->live_slot = live_slots_take(&objects->slots);
    child->numbers_unknown = true;
    child->stopped = true;
    child->waits_for_use = false;
}

/* Replaces a Child SA that may not send by one that may. */
static void replace_child(struct child_sa *child)
{
    struct ike_sa *sa = child->ike_sa;
    child->numbers_unknown = false;
    if (!child_sa_is_current(child) || sa->state != IKE_SA_ESTABLISHED || sa->replaced)
        return;
    if (rekey_is_allowed(sa->tunnel)) {
        ike_sa_log(sa, LOG_LEVEL_NOTICE, LOG_IPSEC,
                   "Child SA, SPI 0x%08x, was saved without its sequence numbers, and is rekeyed",
                   child->inbound.spi);
        rekey_child_fire(sa->engine, child);
        return;
    }
    ike_sa_log(
        sa, LOG_LEVEL_WARN, LOG_IPSEC,
        "Child SA deleted, SPI 0x%08x: it was saved without its sequence numbers, and no rekey is started "
        "towards this peer (peer any, suppress send-rekey or shutdown)",
        child->inbound.spi);
    child_sa_delete(child);
    additional_children_lost(sa, "the Child SA was saved without its sequence numbers");
}

static struct child_sa *child_without_numbers(const struct ike_sa *sa)
{
    struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (child->numbers_unknown)
            return child;
    }
    return NULL;
}

static void replace_children(struct ike_sa *sa)
{
    struct child_sa *child;
    while (!sa->destroyed && (child = child_without_numbers(sa)) != NULL)
        replace_child(child);
}

static void hand_over(const struct child_sa *child)
{
    child_sa_hand_over(child);
    if (child->stopped)
        child_sa_hand_over_stop(child);
}

void engine_hand_over_children(struct ike_engine *engine)
{
    const struct child_list list = list_children(engine);
    for (size_t i = 0; i < list.count; i++)
        hand_over(list.children[i]);
}

/* ---- References -------------------------------------------------------------------------------------- */

/* True if an IKE SA with that SPI is of another tunnel than `sa`: a proper record names none of those. */
static bool is_of_other_tunnel(const struct ike_sa *sa, uint64_t own_spi)
{
    const struct ike_sa *other = map_find(&sa->engine->objects->sas, own_spi);
    return other != NULL && other->tunnel != sa->tunnel;
}

static void drop_wrong_references(struct ike_sa *sa)
{
    if (is_of_other_tunnel(sa, sa->superfluous))
        sa->superfluous = 0;
    if (is_of_other_tunnel(sa, sa->predecessor))
        sa->predecessor = 0;
    if (sa->own != NULL && is_of_other_tunnel(sa, sa->own->rival_ike_sa))
        sa->own->has_rival = false;
}

/* ---- All of them ------------------------------------------------------------------------------------- */

static void resume(struct ike_sa *sa)
{
    if (sa->request_out)
        ike_sa_resume_request(sa);
    else if (sa->own != NULL && sa->own->phase == NEGOTIATION_FINISHES)
        (sa->own->new_spi != 0 ? rekey_ike_sa_resume : ask_child_resume)(sa);
    else
        ike_sa_start_task(sa);
    if (!sa->destroyed && sa->state == IKE_SA_ESTABLISHED && !sa->replaced && LIST_EMPTY(&sa->children) &&
        sa->own == NULL && !additional_children_come_with_packets(sa))
        childless_begin(sa, "Delete Child SA by peer");
    additional_children_resume(sa);
}

static void resume_all(struct ike_engine *engine)
{
    struct ike_sa *next;
    for (struct ike_sa *sa = LIST_FIRST(&engine->objects->all_sas); sa != NULL; sa = next) {
        next = LIST_NEXT(sa, all_link);
        drop_wrong_references(sa);
        ike_sa_log(sa, LOG_LEVEL_NOTICE, LOG_IKEV2, "IKE SA, serial %u, goes on", sa->serial);
        ike_sa_changed(sa); /* it is recorded again, in the form of this version */
        own_address_resume(sa);
        liveness_start(sa); /* only now, since it depends on the other IKE SAs */
        resume(sa);
        replace_children(sa);
    }
}

/* Why a tunnel has no SA, if it has none: its last one was being deleted, or none was kept. */
static const char *reason_of_end(const struct ike_tunnel *tunnel)
{
    const struct ike_sa *sa;
    LIST_FOREACH(sa, &tunnel->sas, tunnel_link)
    {
        if (sa->state == IKE_SA_DELETING)
            return ike_sa_delete_reason(sa);
    }
    return "no SA of it was kept";
}

void engine_restore_end(struct ike_engine *engine)
{
    struct child_list list = list_children(engine);
    bool whole = list.count == count_children(engine) && restore_slots(engine, &list);
    for (size_t i = 0; i < list.count && whole; i++) {
        give_place(engine, list.children[i]);
        hand_over(list.children[i]);
    }
    struct ike_tunnel *tunnel;
    LIST_FOREACH(tunnel, &engine->objects->tunnel_list, link)
    {
        tunnel_tell_state(engine, tunnel, reason_of_end(tunnel));
    }
    resume_all(engine);
}
