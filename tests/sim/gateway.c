/*
 * One gateway of the world: performs what its engine answers, and is told what happens.
 */
#include "arithmetic.h"
#include "crypto/prf.h"
#include "world_inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Performing effects ------------------------------------------------------------------------------ */

static void keep_record(struct gateway *g, const struct ike_record_effect *effect)
{
    size_t i = 0;
    while (i < g->record_count && g->records[i].serial != effect->serial)
        i++;
    if (effect->state.length == 0) {
        if (i < g->record_count) {
            free(g->records[i].octets);
            g->records[i] = g->records[--g->record_count];
        }
        return;
    }
    if (i == g->record_count) {
        assert(g->record_count < RECORDS_MAX);
        g->records[g->record_count++] = (struct kept_record){.serial = effect->serial};
    }
    free(g->records[i].octets);
    g->records[i].octets = malloc(effect->state.length);
    assert(g->records[i].octets != NULL);
    memcpy(g->records[i].octets, effect->state.at, effect->state.length);
    g->records[i].length = effect->state.length;
}

/* Notes the first fault of a run. */
static void note_fault(struct gateway *g, const char *what)
{
    if (g->world->fault[0] == '\0')
        (void)snprintf(g->world->fault, sizeof g->world->fault, "at %lu ms, %s: %s",
                       (unsigned long)g->world->now, g->name, what);
}

/* Keys are random: that the same come again at one gateway means that they were derived from the same again.
 */
static void check_keys_are_new(struct gateway *g, const struct ike_child_install *install)
{
    uint64_t key;
    memcpy(&key, install->outbound.encryption_key, sizeof key);
    key ^= (uint64_t)(uintptr_t)g * 31;
    if (map_find(&g->world->keys_seen, key) != NULL)
        note_fault(g, "a Child SA got keys that were used before");
    (void)map_put(&g->world->keys_seen, key, g);
}

static void check_child_count(struct gateway *g, uint32_t tunnel)
{
    if (gateway_child_count(g, tunnel) > CHILDREN_OF_TUNNEL_MAX)
        note_fault(g, "Child SAs pile up");
}

static void install_child(struct gateway *g, const struct ike_child_install *install)
{
    check_keys_are_new(g, install);
    check_child_count(g, install->tunnel);
    struct installed_child *child = calloc(1, sizeof *child);
    assert(child != NULL);
    child->sa = *install;
    child->active = !install->active_when_used;
    child->next = g->children;
    g->children = child;
}

static struct installed_child *find_child(struct gateway *g, uint32_t inbound_spi)
{
    struct installed_child *child = g->children;
    while (child->sa.inbound.spi != inbound_spi)
        child = child->next;
    return child;
}

static void remove_child(struct gateway *g, uint32_t inbound_spi)
{
    for (struct installed_child **at = &g->children; *at != NULL; at = &(*at)->next) {
        if ((*at)->sa.inbound.spi != inbound_spi)
            continue;
        struct installed_child *gone = *at;
        *at = gone->next;
        free(gone);
        return;
    }
    assert(!"a Child SA was removed that was not installed");
}

static bool answer_psk(struct gateway *g, const struct ike_job *job, uint8_t *out, size_t *length)
{
    const struct prf_algorithm *prf = prf_by_id(job->psk.prf);
    const struct sim_tunnel *t = &g->tunnels[job->psk.tunnel];
    const char *key = job->psk.side == IKE_KEY_LOCAL ? t->local_key : t->remote_key;
    static const char pad[] = "Key Pad for IKEv2";
    const struct octets pad_octets = {(const uint8_t *)pad, sizeof pad - 1};
    uint8_t inner[PRF_SIZE_MAX];
    *length = prf->size;
    return key[0] != '\0' &&
           prf_compute(prf, (struct octets){(const uint8_t *)key, strlen(key)}, &pad_octets, 1, inner) &&
           prf_compute(prf, (struct octets){inner, prf->size}, &job->psk.signed_octets, 1, out);
}

static void answer_job(struct gateway *g, const struct ike_job *job)
{
    uint8_t output[IKE_JOB_OUTPUT_MAX];
    size_t length = 0;
    bool ok = job->kind == IKE_JOB_PSK_AUTH
                  ? answer_psk(g, job, output, &length)
                  : arithmetic_answer(job, g->world->weather.real_arithmetic, output, &length);
    struct coming *c = coming_new(g, (struct octets){output, ok ? length : 0});
    c->kind = COMING_JOB;
    c->job = job->job;
    c->job_ok = ok;
    world_schedule(g->world, c, 1);
}

void gateway_add_log_line(struct gateway *g, const char *text)
{
    size_t length = strlen(text);
    g->log = realloc(g->log, g->log_length + length + 2);
    assert(g->log != NULL);
    memcpy(g->log + g->log_length, text, length);
    g->log_length += length;
    g->log[g->log_length++] = '\n';
    g->log[g->log_length] = '\0';
    if (getenv("MUSUBI_SIM_TRACE") != NULL)
        fprintf(stderr, "%8lu %s: %s\n", (unsigned long)g->world->now, g->name, text);
}

static void perform(struct gateway *g, const struct ike_action *action)
{
    switch (action->kind) {
    case IKE_ACTION_DATAGRAM:
        g->sent++;
        world_send(g->world, &action->datagram.local, &action->datagram.remote, action->datagram.message);
        break;
    case IKE_ACTION_CHILD_INSTALL:
        install_child(g, action->install);
        break;
    case IKE_ACTION_CHILD_ACTIVATE:
        find_child(g, action->child.inbound_spi)->active = true;
        break;
    case IKE_ACTION_CHILD_STOP:
        find_child(g, action->child.inbound_spi)->stopped = true;
        break;
    case IKE_ACTION_CHILD_COMPLETE:
        find_child(g, action->child.inbound_spi)->sa.more_to_come = false;
        break;
    case IKE_ACTION_CHILD_REMOVE:
        remove_child(g, action->child.inbound_spi);
        break;
    case IKE_ACTION_TUNNEL_UP:
        g->tunnels[action->state.tunnel].up = true;
        break;
    case IKE_ACTION_TUNNEL_DOWN:
        g->tunnels[action->state.tunnel].up = false;
        (void)snprintf(g->down_reason, sizeof g->down_reason, "%s", action->state.reason);
        break;
    case IKE_ACTION_TUNNEL_FAILED:
        g->tunnels[action->failed.tunnel].failures++;
        break;
    case IKE_ACTION_JOB:
        answer_job(g, action->job);
        break;
    case IKE_ACTION_LOG:
        gateway_add_log_line(g, action->log.text);
        break;
    }
}

void gateway_handle(struct gateway *g, const struct ike_event *event)
{
    const struct ike_effects *effects = ike_engine_handle(g->engine, g->world->now, event);
    for (size_t i = 0; i < effects->record_count; i++)
        keep_record(g, &effects->records[i]);
    for (size_t i = 0; i < effects->action_count; i++)
        perform(g, &effects->actions[i]);
}

/* ---- Life and events --------------------------------------------------------------------------------- */

/* Forgets the SAs of a gateway: engine, packet path, records. */
static void gateway_forget(struct gateway *g)
{
    ike_engine_free(g->engine);
    g->engine = NULL;
    while (g->children != NULL) {
        struct installed_child *child = g->children;
        g->children = child->next;
        free(child);
    }
    for (size_t i = 0; i < g->record_count; i++)
        free(g->records[i].octets);
    g->record_count = 0;
}

void gateway_free(struct gateway *g)
{
    gateway_forget(g);
    free(g->log);
    free(g);
}

static void gateway_start_engine(struct gateway *g)
{
    const struct ike_options options = {.random = world_fill_random,
                                        .random_context = g->world,
                                        .esp_owners = 2,
                                        .log_level = LOG_LEVEL_DEBUG};
    g->engine = ike_engine_new(&options);
    assert(g->engine != NULL);
}

struct gateway *world_add_gateway(struct world *w, const char *name, const char *address)
{
    struct gateway *g = calloc(1, sizeof *g);
    assert(g != NULL);
    g->world = w;
    (void)snprintf(g->name, sizeof g->name, "%s", name);
    bool parsed = ip_address_parse(address, &g->address);
    assert(parsed);
    (void)parsed;
    gateway_start_engine(g);
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
        .complete = true,
        .local_id = key_id(local_keyid),
        .remote_id = key_id(remote_keyid),
        .ike = {ALGORITHM_SET_ALL(ENCRYPTION_COUNT), ALGORITHM_SET_ALL(INTEGRITY_COUNT),
                ALGORITHM_SET_ALL(PRF_COUNT), ALGORITHM_SET_ALL(DH_COUNT)},
        .child = {ALGORITHM_SET_ALL(ENCRYPTION_COUNT), ALGORITHM_SET_ALL(INTEGRITY_COUNT),
                  ALGORITHM_SET_ALL(DH_COUNT), true},
        .sa_lifetime = 86400,
        .child_lifetime = 28800,
        .anti_replay = true,
    };
    (void)snprintf(p.name, sizeof p.name, "Tunnel%u.0", tunnel);
    p.peer_kind = ip_address_parse(peer, &p.peer_address) ? PEER_ADDRESS : PEER_ANY;
    return p;
}

/* Tells the engine of a tunnel: its policy, and the way to its peer. */
static void gateway_tell_tunnel(struct gateway *g, const struct tunnel_policy *policy)
{
    gateway_handle(g, &(struct ike_event){.kind = IKE_EVENT_POLICY, .policy = policy});
    struct ike_event way = {.kind = IKE_EVENT_WAY};
    way.way.tunnel = policy->tunnel;
    way.way.way = (struct ike_way){
        .usable = policy->peer_kind == PEER_ADDRESS, .local = g->address, .remote = policy->peer_address};
    gateway_handle(g, &way);
}

void gateway_set_tunnel(struct gateway *g, const struct tunnel_policy *policy, const char *local_key,
                        const char *remote_key)
{
    assert(policy->tunnel < TUNNELS_MAX);
    struct sim_tunnel *t = &g->tunnels[policy->tunnel];
    t->present = true;
    t->policy = *policy;
    (void)snprintf(t->local_key, sizeof t->local_key, "%s", local_key);
    (void)snprintf(t->remote_key, sizeof t->remote_key, "%s", remote_key);
    gateway_tell_tunnel(g, policy);
}

/* Answers to jobs of the engine that is gone mean nothing to the next one. */
static void drop_jobs(struct gateway *g)
{
    struct coming **at = &g->world->coming;
    while (*at != NULL) {
        struct coming *c = *at;
        if (c->gateway != g || c->kind != COMING_JOB) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        free(c);
    }
}

void gateway_restart(struct gateway *g)
{
    gateway_add_log_line(g, "RESTART");
    gateway_forget(g);
    drop_jobs(g);
    gateway_start_engine(g);
    for (uint32_t i = 0; i < TUNNELS_MAX; i++) {
        struct sim_tunnel *t = &g->tunnels[i];
        t->up = false;
        if (t->present)
            gateway_tell_tunnel(g, &t->policy);
    }
}

void gateway_packet_waits(struct gateway *g, uint32_t tunnel)
{
    gateway_packet_of_flow_waits(g, tunnel, &(struct packet_flow){.source.family = IP_NONE});
}

void gateway_packet_of_flow_waits(struct gateway *g, uint32_t tunnel, const struct packet_flow *flow)
{
    struct ike_event event = {.kind = IKE_EVENT_PACKET_WAITS};
    event.packet.tunnel = tunnel;
    event.packet.flow = *flow;
    gateway_handle(g, &event);
}

void gateway_clear(struct gateway *g, uint32_t tunnel)
{
    struct ike_event event = {.kind = IKE_EVENT_CLEAR};
    event.clear.tunnel = tunnel;
    gateway_handle(g, &event);
}

void gateway_stop(struct gateway *g)
{
    gateway_handle(g, &(struct ike_event){.kind = IKE_EVENT_STOP});
}

void gateway_receive(struct gateway *g, const struct ip_endpoint *from, struct octets message)
{
    struct ike_event event = {.kind = IKE_EVENT_DATAGRAM};
    event.datagram.local = (struct ip_endpoint){g->address, IKE_PORT};
    event.datagram.remote = *from;
    event.datagram.ifindex = 1;
    event.datagram.message = message;
    gateway_handle(g, &event);
}
