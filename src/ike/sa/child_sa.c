#include "ike/sa/child_sa.h"

#include "base/secret.h"
#include "esp/owner.h"
#include "ike/sa/debug_log.h"
#include "ike/sa/ike_sa.h"
#include "ike/sa/record.h"
#include "ike/sa/rekey_schedule.h"
#include "ike/sa/upper.h"

#include <stdlib.h>
#include <string.h>

enum { LINGER_TIME = 5000 }; /* milliseconds (S24) */

uint32_t child_sa_new_spi(struct ike_engine *engine, const struct ike_tunnel *tunnel)
{
    uint32_t owner = esp_owner_inbound(tunnel->slot, engine->options.esp_owners);
    for (;;) {
        uint32_t random;
        engine_random(engine, &random, sizeof random);
        uint32_t spi = esp_spi_of_owner(random, owner);
        if (spi >= ESP_SPI_MIN && map_find(&engine->objects->child_spis, spi) == NULL)
            return spi;
    }
}

/* child-lifetime, or the time to linger, has ended. */
static void lifetime_fire(struct ike_engine *engine, void *owner)
{
    struct child_sa *child = owner;
    struct ike_sa *sa = child->ike_sa;
    ike_sa_changed(sa);
    if (child->lingering) {
        child_sa_destroy(child);
        return;
    }
    if (sa->state != IKE_SA_ESTABLISHED)
        return; /* it goes with its IKE SA */
    ike_sa_log(sa, LOG_LEVEL_WARN, LOG_IPSEC, "Child SA deleted, SPI 0x%08x: lifetime expired",
               child->inbound.spi);
    child_sa_delete(child);
    engine->objects->exchanges->child_lost(sa, "Child SA lifetime expired");
}

struct child_sa *child_sa_with_spi(struct ike_sa *sa, uint32_t inbound_spi)
{
    struct ike_engine *engine = sa->engine;
    bool taken = map_find(&engine->objects->child_spis, inbound_spi) != NULL;
    struct child_sa *child = taken ? NULL : calloc(1, sizeof *child);
    if (child == NULL || !map_put(&engine->objects->child_spis, inbound_spi, child)) {
        free(child);
        return NULL;
    }
    child->ike_sa = sa;
    child->live_slot = LIVE_SLOT_NONE;
    child->inbound.spi = inbound_spi;
    child->lifetime = (struct ike_timer){.fire = lifetime_fire, .owner = child};
    child->rekey = (struct ike_timer){.fire = engine->objects->exchanges->rekey_child_fire, .owner = child};
    LIST_INSERT_HEAD(&sa->children, child, link);
    return child;
}

bool child_sa_set_selectors(struct child_sa *child, const struct selector_list *local,
                            const struct selector_list *remote)
{
    struct traffic_selector *both = calloc((size_t)local->count + remote->count, sizeof *both);
    if (both == NULL)
        return false;
    memcpy(both, local->ts, local->count * sizeof *both);
    memcpy(both + local->count, remote->ts, remote->count * sizeof *both);
    child->selectors = both;
    child->local_count = local->count;
    child->remote_count = remote->count;
    return true;
}

struct child_selectors child_sa_selectors(const struct child_sa *child)
{
    struct child_selectors out = {.local.count = child->local_count, .remote.count = child->remote_count};
    const struct traffic_selector *both = child->selectors;
    memcpy(out.local.ts, both, child->local_count * sizeof *both);
    memcpy(out.remote.ts, both + child->local_count, child->remote_count * sizeof *both);
    return out;
}

bool child_sa_is_within(const struct child_sa *child, const struct child_sa *other)
{
    const struct child_selectors ts = child_sa_selectors(child);
    const struct child_selectors wide = child_sa_selectors(other);
    return selectors_within(&ts.local, &wide.local) && selectors_within(&ts.remote, &wide.remote);
}

uint8_t child_sa_families(const struct child_sa *child)
{
    const struct child_selectors ts = child_sa_selectors(child);
    return selectors_families(&ts.local, &ts.remote);
}

struct child_sa *child_sa_new(struct ike_sa *sa, const struct child_agreement *agreement,
                              uint32_t inbound_spi, bool initiator)
{
    struct ike_engine *engine = sa->engine;
    struct child_sa *child = child_sa_with_spi(sa, inbound_spi);
    if (child == NULL)
        return NULL;
    if (!child_sa_set_selectors(child, &agreement->local_ts, &agreement->remote_ts)) {
        child_sa_destroy(child);
        return NULL;
    }
    child->suite = agreement->suite;
    child->initiator = initiator;
    child->inbound.serial = ++engine->objects->next_esp_serial;
    child->outbound.spi = agreement->outbound_spi;
    child->outbound.serial = ++engine->objects->next_esp_serial;
    child->live_slot = live_slots_take(&engine->objects->slots);
    child->created = engine->now;
    return child;
}

/* Adds a change to the answer, to be filled in; NULL if there is no memory. */
static struct child_command *new_command(const struct child_sa *child, enum child_change change)
{
    const struct ike_sa *sa = child->ike_sa;
    struct effects *effects = &sa->engine->effects;
    struct child_command *command = effects_alloc(effects, sizeof *command);
    if (command == NULL)
        return NULL;
    command->change = change;
    command->child.tunnel = sa->tunnel->policy.tunnel;
    command->child.inbound.spi = child->inbound.spi;
    effects_add_action(effects, &(struct ike_action){.kind = IKE_ACTION_CHILD, .child = command});
    return command;
}

/* Where the IKE SA says that the peer is. */
static struct child_destination destination_of(const struct ike_sa *sa)
{
    return (struct child_destination){
        .local = sa->local,
        .remote = sa->remote,
        .ifindex = sa->ifindex,
        .mark = sa->mark,
        .encapsulated = sa->encapsulate,
    };
}

static void hand_over(const struct child_sa *child, bool unknown_to_peer)
{
    const struct ike_sa *sa = child->ike_sa;
    const struct tunnel_policy *policy = &sa->tunnel->policy;
    const struct child_selectors ts = child_sa_selectors(child);
    struct child_command *command = new_command(child, CHILD_INSTALL);
    if (command == NULL)
        return;
    uint32_t keepalive = sa->nat_local ? policy->nat_keepalive : 0;
    struct child_settings *install = &command->child;
    *install = (struct child_settings){
        .tunnel = policy->tunnel,
        .live_slot = child->live_slot,
        .encryption = child->suite.encryption->id,
        .key_bits = child->suite.encryption->key_bits,
        .integrity = child->suite.integrity != NULL ? child->suite.integrity->id : (uint16_t)AUTH_NONE,
        .nat_keepalive = keepalive < UINT16_MAX ? (uint16_t)keepalive : UINT16_MAX,
        .anti_replay = policy->anti_replay,
        .active = !child->waits_for_use && !child->stopped,
        .unknown_to_peer = unknown_to_peer,
        .active_when_used = child->waits_for_use && !child->stopped,
        .more_to_come = additional_children_tell_due(child->ike_sa),
        .destination = destination_of(sa),
        .inbound = child->inbound,
        .outbound = child->outbound,
        .local_ts_count = ts.local.count,
        .remote_ts_count = ts.remote.count,
    };
    memcpy(install->local_ts, ts.local.ts, sizeof install->local_ts);
    memcpy(install->remote_ts, ts.remote.ts, sizeof install->remote_ts);
}

void child_sa_hand_over(const struct child_sa *child)
{
    hand_over(child, false);
}

bool child_sa_install(struct child_sa *child, enum child_activation activation, struct octets shared_secret,
                      struct octets nonce_i, struct octets nonce_r)
{
    struct ike_sa *sa = child->ike_sa;
    struct ike_engine *engine = sa->engine;
    struct child_direction *to_responder = child->initiator ? &child->outbound : &child->inbound;
    struct child_direction *to_initiator = child->initiator ? &child->inbound : &child->outbound;
    if (!child_keys_derive(sa->suite.prf, &sa->keys, &child->suite, shared_secret, nonce_i, nonce_r,
                           to_responder, to_initiator))
        return false;
    msec_t lifetime = (msec_t)sa->tunnel->policy.child_lifetime * 1000;
    child->installed = true;
    child->waits_for_use = activation == CHILD_ACTIVE_WHEN_USED;
    child->expires = engine->now + lifetime;
    engine_set_timer(engine, &child->lifetime, lifetime);
    engine_set_timer(engine, &child->rekey,
                     rekey_delay(engine, lifetime, REKEY_MARGIN_CHILD, child->initiator));
    hand_over(child, !child->initiator); /* a response waits until the path has the Child SA */
    ike_sa_log(sa, life_log_level(sa), LOG_IPSEC, "Child SA created, SPI in 0x%08x out 0x%08x, %s%s%s",
               child->inbound.spi, child->outbound.spi, child->suite.encryption->name,
               child->suite.integrity != NULL ? "/" : "",
               child->suite.integrity != NULL ? child->suite.integrity->name : "");
    key_log_child_sa(child);
    ike_sa_changed(sa);
    tunnel_update_state(engine, sa->tunnel, "");
    return true;
}

void child_sa_hand_over_stop(const struct child_sa *child)
{
    (void)new_command(child, CHILD_STOP);
}

void child_sa_redirect(const struct child_sa *child)
{
    struct child_command *command = new_command(child, CHILD_REDIRECT);
    if (command != NULL)
        command->child.destination = destination_of(child->ike_sa);
}

void child_sa_destroy(struct child_sa *child)
{
    struct ike_sa *sa = child->ike_sa;
    struct ike_engine *engine = sa->engine;
    engine_cancel_timer(engine, &child->lifetime);
    engine_cancel_timer(engine, &child->rekey);
    if (child->installed)
        (void)new_command(child, CHILD_REMOVE);
    live_slots_give_back(&engine->objects->slots, child->live_slot);
    (void)map_remove(&engine->objects->child_spis, child->inbound.spi);
    LIST_REMOVE(child, link);
    free(child->selectors);
    secret_free(child, sizeof *child);
    ike_sa_changed(sa);
}

bool child_sa_is_current(const struct child_sa *child)
{
    return child->installed && !child->replaced && !child->deleting && !child->lingering;
}

bool child_sa_is_gone(const struct child_sa *child)
{
    return child == NULL || child->lingering;
}

void child_sa_activate(struct child_sa *child)
{
    if (!child->waits_for_use)
        return;
    child->waits_for_use = false;
    (void)new_command(child, CHILD_ACTIVATE);
}

void child_sa_expect_more(struct child_sa *child)
{
    if (child->installed)
        (void)new_command(child, CHILD_EXPECT_MORE);
}

void child_sa_complete(struct child_sa *child)
{
    if (child->installed)
        (void)new_command(child, CHILD_COMPLETE);
}

void child_sa_stop(struct child_sa *child)
{
    if (child->stopped)
        return;
    child->stopped = true;
    child->replaced = true;
    ike_sa_changed(child->ike_sa);
    child_sa_hand_over_stop(child);
}

void child_sa_linger(struct child_sa *child)
{
    struct ike_engine *engine = child->ike_sa->engine;
    child_sa_stop(child);
    child->lingering = true;
    engine_cancel_timer(engine, &child->rekey);
    engine_set_timer(engine, &child->lifetime, LINGER_TIME);
    ike_sa_changed(child->ike_sa);
}

/* True if another one carries the packets now: some of this one may still be under way. */
static bool has_successor(const struct child_sa *child)
{
    const struct child_sa *other;
    LIST_FOREACH(other, &child->ike_sa->children, link)
    {
        if (other != child && child_sa_is_current(other))
            return true;
    }
    return child->replaced;
}

void child_sa_delete(struct child_sa *child)
{
    struct ike_sa *sa = child->ike_sa;
    child->deleting = true;
    ike_sa_changed(sa);
    if (sa->tunnel->policy.suppress_delete)
        child_sa_retire(child);
    else
        ike_sa_add_task(sa, TASK_DELETE_CHILD_SA, child->inbound.spi);
}

void child_sa_retire(struct child_sa *child)
{
    if (has_successor(child))
        child_sa_linger(child);
    else
        child_sa_destroy(child);
}

struct child_sa *child_sa_by_inbound(const struct ike_sa *sa, uint32_t spi)
{
    struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (child->inbound.spi == spi)
            return child;
    }
    return NULL;
}

struct child_sa *child_sa_by_outbound(const struct ike_sa *sa, uint32_t spi)
{
    struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (child->outbound.spi == spi)
            return child;
    }
    return NULL;
}

bool child_sa_has_place(const struct ike_sa *sa)
{
    size_t count = 0;
    const struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        count++;
    }
    return count + 1 < IKE_RECORD_CHILDREN_MAX;
}
