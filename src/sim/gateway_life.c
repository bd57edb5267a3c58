/*
 * The life of a gateway: its start, its tunnels, and how a new engine replaces one that ended.
 */
#include "base/secret.h"
#include "sim/inside.h"
#include "sim/real_path.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

msec_t gateway_now(const struct gateway *g)
{
    return g->world->now + (msec_t)g->clock_ahead;
}

void gateway_jump_clock(struct gateway *g, msec_t by)
{
    g->clock_ahead += (int64_t)by;
}

/* ---- Beginning and end ------------------------------------------------------------------------------- */

void gateway_forget_children(struct gateway *g)
{
    while (g->children != NULL) {
        struct installed_child *child = g->children;
        g->children = child->next;
        free(child);
    }
    if (g->real_path != NULL)
        real_path_restart(g);
}

/* Removes the state of a gateway: engine, packet path, records. */
static void gateway_forget(struct gateway *g)
{
    ike_engine_free(g->engine);
    g->engine = NULL;
    gateway_forget_children(g);
    if (g->real_path != NULL)
        real_path_forget_live(g);
    for (size_t i = 0; i < g->record_count; i++)
        free(g->records[i].octets);
    free(g->records);
    g->records = NULL;
    g->record_count = g->record_capacity = 0;
}

void gateway_free(struct gateway *g)
{
    if (g->real_path != NULL)
        real_path_free(g);
    gateway_forget(g);
    while (g->tunnels != NULL) {
        struct sim_tunnel *t = g->tunnels;
        g->tunnels = t->next;
        secret_free(t->local_key.at, t->local_key.length);
        secret_free(t->remote_key.at, t->remote_key.length);
        free(t);
    }
    map_free(&g->tunnels_by_number);
    free(g->log.at);
    free(g->warnings.at);
    free(g);
}

static void gateway_start_engine(struct gateway *g)
{
    const struct ike_options options = {.random = world_fill_random,
                                        .random_context = g->world,
                                        .esp_owners = 2,
                                        .log_level = g->world->log_level};
    g->engine = ike_engine_new(&options);
    assert(g->engine != NULL);
    ike_engine_set_epoch(g->engine, g->epoch);
}

static const struct ike_event tunnels_told = {.kind = IKE_EVENT_TUNNELS_TOLD};

struct gateway *world_add_gateway(struct world *w, const char *name, const char *address)
{
    struct gateway *g = calloc(1, sizeof *g);
    assert(g != NULL);
    g->world = w;
    g->epoch = SIM_EPOCH;
    g->unknown_spis = unknown_spi_table_of(0, 1);
    g->tunnels_end = &g->tunnels;
    (void)snprintf(g->name, sizeof g->name, "%s", name);
    bool parsed = ip_address_parse(address, &g->address);
    assert(parsed);
    (void)parsed;
    g->own_addresses[g->own_address_count++] = (struct own_address){g->address, true};
    gateway_start_engine(g);
    gateway_handle(g, &tunnels_told); /* it has none yet */
    if (w->real_paths)
        real_path_start(g);
    g->next = w->gateways;
    w->gateways = g;
    return g;
}

static struct identity key_id(const char *text)
{
    struct identity id = {.type = ID_KEY_ID, .length = (uint16_t)strlen(text)};
    memcpy(id.value, text, id.length);
    return id;
}

struct tunnel_policy world_default_policy(uint32_t tunnel, const char *peer, const char *local_keyid,
                                          const char *remote_keyid)
{
    struct tunnel_policy p = {
        .tunnel = tunnel,
        .defined = true,
        .complete = true,
        .local_id = key_id(local_keyid),
        .remote_id = key_id(remote_keyid),
        .ike = {ALGORITHM_SET_ALL(ENCRYPTION_COUNT), ALGORITHM_SET_ALL(INTEGRITY_COUNT),
                ALGORITHM_SET_ALL(PRF_COUNT), ALGORITHM_SET_ALL(KEY_EXCHANGE_COUNT)},
        .child = {ALGORITHM_SET_ALL(ENCRYPTION_COUNT), ALGORITHM_SET_ALL(INTEGRITY_COUNT),
                  ALGORITHM_SET_ALL(KEY_EXCHANGE_COUNT), true},
        .sa_lifetime = 86400,
        .child_lifetime = 28800,
        .anti_replay = true,
    };
    (void)snprintf(p.name, sizeof p.name, "Tunnel%u.0", tunnel);
    p.peer_kind = PEER_FQDN;
    if (ip_address_parse(peer, &p.peer_address))
        p.peer_kind = PEER_ADDRESS;
    else if (strcmp(peer, "any") == 0)
        p.peer_kind = PEER_ANY;
    else
        (void)snprintf(p.peer_fqdn, sizeof p.peer_fqdn, "%s", peer);
    return p;
}

static void tell_policy(struct gateway *g, const struct sim_tunnel *t)
{
    struct ike_event event = {.kind = IKE_EVENT_POLICY};
    event.policy = &t->policy;
    event.slot = t->slot;
    gateway_handle(g, &event);
}

static void tell_policies(struct gateway *g)
{
    for (const struct sim_tunnel *t = g->tunnels; t != NULL; t = t->next) {
        if (t->present)
            tell_policy(g, t);
    }
}

void gateway_set_route(struct gateway *g, uint32_t tunnel, const struct peer_route *route)
{
    struct ike_event event = {.kind = IKE_EVENT_PEER_ROUTE};
    event.route.tunnel = tunnel;
    event.route.route = *route;
    gateway_handle(g, &event);
}

void gateway_tell_route(struct gateway *g, const struct sim_tunnel *t)
{
    bool by_name = t->policy.peer_kind == PEER_FQDN;
    const struct ip_address *remote = by_name ? &t->chosen : &t->policy.peer_address;
    const struct peer_route route = {
        .usable = remote->family != IP_NONE && g->address.family != IP_NONE,
        .local = t->source.family != IP_NONE ? t->source : g->address,
        .remote = *remote,
        .ifindex = t->ifindex,
    };
    gateway_set_route(g, t->policy.tunnel, &route);
    if (!by_name)
        return;
    struct ike_event peer = {.kind = IKE_EVENT_PEER_ADDRESSES};
    peer.peer.tunnel = t->policy.tunnel;
    peer.peer.addresses = t->heard.at;
    peer.peer.count = t->heard.count;
    gateway_handle(g, &peer);
}

static struct sim_tunnel *add_tunnel(struct gateway *g, uint32_t number)
{
    struct sim_tunnel *t = calloc(1, sizeof *t);
    bool kept = t != NULL && map_put(&g->tunnels_by_number, number, t);
    assert(kept);
    (void)kept;
    t->slot = (uint32_t)g->tunnels_by_number.count - 1;
    *g->tunnels_end = t;
    g->tunnels_end = &t->next;
    return t;
}

static void keep_key(struct sim_key *key, struct octets octets)
{
    uint8_t *at = malloc(octets.length + 1);
    assert(at != NULL);
    if (octets.length > 0)
        memcpy(at, octets.at, octets.length);
    secret_free(key->at, key->length);
    *key = (struct sim_key){at, octets.length};
}

void gateway_set_tunnel(struct gateway *g, const struct tunnel_policy *policy, const char *local_key,
                        const char *remote_key)
{
    const struct octets local = {(const uint8_t *)local_key, strlen(local_key)};
    const struct octets remote = {(const uint8_t *)remote_key, strlen(remote_key)};
    gateway_set_tunnel_with_keys(g, policy, local, remote);
}

void gateway_set_tunnel_with_keys(struct gateway *g, const struct tunnel_policy *policy,
                                  struct octets local_key, struct octets remote_key)
{
    struct sim_tunnel *t = gateway_tunnel(g, policy->tunnel);
    bool is_new = t == NULL;
    if (is_new)
        t = add_tunnel(g, policy->tunnel);
    t->present = true;
    t->policy = *policy;
    certificates_complete_policy(g, &t->policy);
    if (is_new && g->real_path != NULL)
        real_path_add_tunnel(g, t);
    keep_key(&t->local_key, local_key);
    keep_key(&t->remote_key, remote_key);
    tell_policy(g, t);
    gateway_tell_route(g, t);
}

void gateway_set_own_key(struct gateway *g, uint32_t tunnel, uint32_t line, bool is_peers)
{
    struct sim_tunnel *t = gateway_tunnel(g, tunnel);
    t->own_key_line = line;
    t->peers_key_is_own = is_peers;
}

void gateway_set_tunnel_route(struct gateway *g, uint32_t tunnel, const struct ip_address *source,
                              uint32_t ifindex)
{
    struct sim_tunnel *t = gateway_tunnel(g, tunnel);
    t->source = *source;
    t->ifindex = ifindex;
    gateway_tell_route(g, t);
}

void gateway_drop_tunnel(struct gateway *g, uint32_t tunnel)
{
    gateway_tunnel(g, tunnel)->present = false;
}

void gateway_tell_routes(struct gateway *g)
{
    for (const struct sim_tunnel *t = g->tunnels; t != NULL; t = t->next) {
        if (t->present)
            gateway_tell_route(g, t);
    }
}

/* Drops the results of the old engine's jobs, which mean nothing to a new one. */
static void drop_jobs(struct gateway *g)
{
    struct coming **at = &g->world->coming;
    while (*at != NULL) {
        struct coming *c = *at;
        if (c->gateway != g || (c->kind != COMING_JOB && c->kind != COMING_LOOK_UP)) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        free(c);
    }
}

void gateway_begin_again(struct gateway *g)
{
    gateway_add_log_line(g, "RESTART");
    gateway_forget(g);
    drop_jobs(g);
    g->ends = false;
    gateway_start_engine(g);
    for (struct sim_tunnel *t = g->tunnels; t != NULL; t = t->next)
        t->up = false;
}

void gateway_restart(struct gateway *g)
{
    gateway_begin_again(g);
    tell_policies(g);
    gateway_tell_routes(g);
    gateway_handle(g, &tunnels_told);
}

/* Shuffles records, since an engine may get them in any order. */
static void shuffle(struct world *w, struct kept_record *records, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = world_chance_below(w, i);
        struct kept_record record = records[i - 1];
        records[i - 1] = records[other];
        records[other] = record;
    }
}

/* Hands the records to the engine. Works on copies, since the engine's effects change the records. */
static void tell_saved(struct gateway *g)
{
    size_t count = g->record_count;
    struct kept_record *saved = calloc(count > 0 ? count : 1, sizeof *saved);
    assert(saved != NULL);
    for (size_t i = 0; i < count; i++) {
        saved[i] = g->records[i];
        saved[i].octets = malloc(saved[i].length);
        assert(saved[i].octets != NULL);
        memcpy(saved[i].octets, g->records[i].octets, saved[i].length);
    }
    shuffle(g->world, saved, count);
    for (size_t i = 0; i < count; i++) {
        struct ike_event event = {.kind = IKE_EVENT_SAVED};
        event.saved.serial = saved[i].serial;
        event.saved.state = (struct octets){saved[i].octets, saved[i].length};
        gateway_handle(g, &event);
        free(saved[i].octets);
    }
    free(saved);
}

/* The packet path drops what the new engine did not name. */
static void drop_unnamed_children(struct gateway *g)
{
    for (struct installed_child **at = &g->children; *at != NULL;) {
        struct installed_child *child = *at;
        if (child->named) {
            at = &child->next;
            continue;
        }
        *at = child->next;
        free(child);
    }
}

void gateway_resume(struct gateway *g)
{
    gateway_add_log_line(g, "THE ENGINE ENDS, AND ANOTHER ONE GOES ON");
    g->ends = false;
    ike_engine_free(g->engine);
    drop_jobs(g);
    if (g->path_ends)
        gateway_forget_children(g);
    for (struct installed_child *child = g->children; child != NULL; child = child->next)
        child->named = false;
    gateway_start_engine(g);
    g->restoring = true;
    tell_policies(g);
    tell_saved(g);
    gateway_handle(g, &(struct ike_event){.kind = IKE_EVENT_SAVED_END});
    drop_unnamed_children(g);
    g->restoring = false;
    gateway_tell_gone_addresses(g);
    gateway_tell_routes(g);
    gateway_handle(g, &tunnels_told);
    if (g->stopped)
        gateway_stop(g);
}

void gateway_renew_path(struct gateway *g)
{
    gateway_add_log_line(g, "THE PATH ENDS, AND ANOTHER ONE BEGINS");
    gateway_forget_children(g);
    g->restoring = true;
    gateway_handle(g, &(struct ike_event){.kind = IKE_EVENT_PATH_NEW});
    g->restoring = false;
}

void gateway_renew_path_with_few_numbers(struct gateway *g, uint32_t left)
{
    real_path_spend_sequences(g, left);
    gateway_renew_path(g);
}

void gateway_cancel_resume(struct gateway *g)
{
    g->ends = false;
}

void gateway_resume_after(struct gateway *g, unsigned actions, bool path_too)
{
    g->ends = true;
    g->actions_left = actions;
    g->path_ends = path_too;
    if (actions == 0)
        gateway_resume(g);
}
