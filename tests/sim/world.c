#include "world.h"

#include "arithmetic.h"
#include "base/map.h"
#include "crypto/prf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TUNNELS_MAX = 16, RECORDS_MAX = 4096, KEY_MAX = 64, PARTITIONS_MAX = 64, CHILDREN_OF_TUNNEL_MAX = 16 };

struct kept_record {
    uint32_t serial;
    uint8_t *octets;
    size_t length;
};

struct sim_tunnel {
    bool present, up;
    struct tunnel_policy policy;
    char local_key[KEY_MAX], remote_key[KEY_MAX];
    size_t failures;
};

struct gateway {
    struct gateway *next;
    struct world *world;
    char name[16];
    struct ip_address address;
    struct ike_engine *engine;
    struct sim_tunnel tunnels[TUNNELS_MAX];
    struct installed_child *children;
    struct kept_record records[RECORDS_MAX];
    size_t record_count;
    char *log;
    size_t log_length;
    char down_reason[128];
    size_t sent;
    size_t packets_received, packets_lost;
};

enum coming_kind { COMING_DATAGRAM, COMING_JOB, COMING_PACKET, COMING_TRAFFIC };

/* Something that happens later: a datagram or a packet arrives, a job is done, traffic is due. */
struct coming {
    struct coming *next;
    msec_t time;
    uint64_t order; /* of two at the same time the one that was sent first comes first */
    struct gateway *gateway;
    enum coming_kind kind;
    uint32_t job;
    bool job_ok;
    struct ip_endpoint from, to;
    size_t length;
    uint8_t octets[];
};

struct world {
    uint64_t random_state;
    msec_t now;
    uint64_t next_order;
    struct weather weather;
    msec_t traffic_interval;
    bool (*hook)(void *context, const struct flying_datagram *d);
    void *hook_context;
    struct {
        struct ip_address a, b;
    } partitions[PARTITIONS_MAX];
    size_t partition_count;
    struct map keys_seen; /* outbound keys of all Child SAs ever installed, hashed: none may come twice */
    char fault[256];
    struct gateway *gateways;
    struct coming *coming; /* in order of time */
};

/* ---- Chance ------------------------------------------------------------------------------------------ */

/* splitmix64: small, and good enough for chance; secrets of a simulation are none. */
static uint64_t world_random(struct world *w)
{
    uint64_t z = w->random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool world_chance(struct world *w, unsigned percent)
{
    return percent > 0 && world_random(w) % 100 < percent;
}

uint64_t world_chance_below(struct world *w, uint64_t bound)
{
    return world_random(w) % bound;
}

static void fill_random(void *context, uint8_t *out, size_t length)
{
    struct world *w = context;
    for (size_t i = 0; i < length; i++)
        out[i] = (uint8_t)world_random(w);
}

/* ---- What comes -------------------------------------------------------------------------------------- */

static struct coming *coming_new(struct gateway *g, struct octets octets)
{
    struct coming *c = calloc(1, sizeof *c + octets.length);
    assert(c != NULL);
    c->gateway = g;
    c->length = octets.length;
    if (octets.length > 0)
        memcpy(c->octets, octets.at, octets.length);
    return c;
}

static void world_schedule(struct world *w, struct coming *c, msec_t delay)
{
    c->time = w->now + delay;
    c->order = w->next_order++;
    struct coming **at = &w->coming;
    while (*at != NULL && ((*at)->time < c->time || ((*at)->time == c->time && (*at)->order < c->order)))
        at = &(*at)->next;
    c->next = *at;
    *at = c;
}

static struct gateway *world_gateway_at(struct world *w, const struct ip_address *address)
{
    for (struct gateway *g = w->gateways; g != NULL; g = g->next) {
        if (ip_address_equal(&g->address, address))
            return g;
    }
    return NULL;
}

static bool is_cut(const struct world *w, const struct ip_address *x, const struct ip_address *y)
{
    for (size_t i = 0; i < w->partition_count; i++) {
        const struct ip_address *a = &w->partitions[i].a;
        const struct ip_address *b = &w->partitions[i].b;
        if ((ip_address_equal(a, x) && ip_address_equal(b, y)) ||
            (ip_address_equal(a, y) && ip_address_equal(b, x)))
            return true;
    }
    return false;
}

void world_set_partition(struct world *w, const struct gateway *a, const struct gateway *b, bool cut)
{
    bool was_cut = is_cut(w, &a->address, &b->address);
    if (cut && !was_cut && w->partition_count < PARTITIONS_MAX) {
        w->partitions[w->partition_count].a = a->address;
        w->partitions[w->partition_count++].b = b->address;
    }
    for (size_t i = 0; !cut && i < w->partition_count; i++) {
        if (is_cut(w, &a->address, &b->address) && ((ip_address_equal(&w->partitions[i].a, &a->address) &&
                                                     ip_address_equal(&w->partitions[i].b, &b->address)) ||
                                                    (ip_address_equal(&w->partitions[i].a, &b->address) &&
                                                     ip_address_equal(&w->partitions[i].b, &a->address))))
            w->partitions[i--] = w->partitions[--w->partition_count];
    }
}

static void send_once(struct world *w, const struct ip_endpoint *from, const struct ip_endpoint *to,
                      struct octets message)
{
    struct gateway *target = world_gateway_at(w, &to->address);
    if (target == NULL || is_cut(w, &from->address, &to->address) || world_chance(w, w->weather.loss_percent))
        return;
    struct coming *c = coming_new(target, message);
    c->from = *from;
    c->to = *to;
    if (world_chance(w, w->weather.corrupt_percent))
        c->octets[world_random(w) % c->length] ^= (uint8_t)(1 + world_random(w) % 255);
    msec_t spread = w->weather.delay_max - w->weather.delay_min;
    world_schedule(w, c, w->weather.delay_min + (spread > 0 ? world_random(w) % (spread + 1) : 0));
}

static void world_send(struct world *w, const struct ip_endpoint *from, const struct ip_endpoint *to,
                       struct octets message)
{
    const struct flying_datagram d = {*from, *to, message};
    if (w->hook != NULL && !w->hook(w->hook_context, &d))
        return;
    send_once(w, from, to, message);
    if (world_chance(w, w->weather.duplicate_percent))
        send_once(w, from, to, message);
}

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

static void add_log_line(struct gateway *g, const char *text)
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
        g->tunnels[action->state.tunnel].failures++;
        break;
    case IKE_ACTION_JOB:
        answer_job(g, action->job);
        break;
    case IKE_ACTION_LOG:
        add_log_line(g, action->log.text);
        break;
    }
}

static void gateway_handle(struct gateway *g, const struct ike_event *event)
{
    const struct ike_effects *effects = ike_engine_handle(g->engine, g->world->now, event);
    for (size_t i = 0; i < effects->record_count; i++)
        keep_record(g, &effects->records[i]);
    for (size_t i = 0; i < effects->action_count; i++)
        perform(g, &effects->actions[i]);
}

/* ---- The world --------------------------------------------------------------------------------------- */

struct world *world_new(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    assert(w != NULL);
    w->random_state = seed;
    w->keys_seen = map_with_seed(seed);
    w->now = 1000000;
    w->weather = (struct weather){.delay_min = 10, .delay_max = 10};
    return w;
}

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

static void gateway_free(struct gateway *g)
{
    gateway_forget(g);
    free(g->log);
    free(g);
}

void world_free(struct world *w)
{
    while (w->gateways != NULL) {
        struct gateway *g = w->gateways;
        w->gateways = g->next;
        gateway_free(g);
    }
    while (w->coming != NULL) {
        struct coming *c = w->coming;
        w->coming = c->next;
        free(c);
    }
    map_free(&w->keys_seen);
    free(w);
}

const char *world_fault(const struct world *w)
{
    return w->fault[0] != '\0' ? w->fault : NULL;
}

struct weather *world_weather(struct world *w)
{
    return &w->weather;
}

msec_t world_now(const struct world *w)
{
    return w->now;
}

void world_set_hook(struct world *w, bool (*hook)(void *context, const struct flying_datagram *d),
                    void *context)
{
    w->hook = hook;
    w->hook_context = context;
}

/* The gateway whose timer is due first; NULL if none is. */
static struct gateway *next_timer(const struct world *w, msec_t *due)
{
    struct gateway *first = NULL;
    *due = MSEC_NEVER;
    for (struct gateway *g = w->gateways; g != NULL; g = g->next) {
        msec_t deadline = ike_engine_deadline(g->engine);
        if (deadline < *due) {
            *due = deadline;
            first = g;
        }
    }
    return first;
}

/* ---- Traffic ----------------------------------------------------------------------------------------- */

/* The octets of a packet of a simulation: the outbound direction that sealed it. */
static void send_packet(struct gateway *g, const struct ike_child_install *sa)
{
    struct gateway *target = world_gateway_at(g->world, &sa->remote.address);
    if (target == NULL)
        return;
    struct coming *c =
        coming_new(target, (struct octets){(const uint8_t *)&sa->outbound, sizeof sa->outbound});
    const struct weather *weather = &g->world->weather;
    msec_t spread = weather->delay_max - weather->delay_min;
    c->kind = COMING_PACKET;
    world_schedule(g->world, c,
                   weather->delay_min + (spread > 0 ? world_random(g->world) % (spread + 1) : 0));
}

/* The newest active Child SA of a tunnel; NULL if there is none. */
static const struct installed_child *outbound_child(const struct gateway *g, uint32_t tunnel)
{
    const struct installed_child *child = g->children;
    while (child != NULL && (child->sa.tunnel != tunnel || !child->active || child->stopped))
        child = child->next;
    return child;
}

static void traffic_due(struct world *w)
{
    for (struct gateway *g = w->gateways; g != NULL; g = g->next) {
        for (uint32_t tunnel = 0; tunnel < TUNNELS_MAX; tunnel++) {
            const struct installed_child *child = outbound_child(g, tunnel);
            if (child != NULL)
                send_packet(g, &child->sa);
        }
    }
    if (w->traffic_interval != 0) {
        struct coming *c = coming_new(NULL, (struct octets){NULL, 0});
        c->kind = COMING_TRAFFIC;
        world_schedule(w, c, w->traffic_interval);
    }
}

void world_set_traffic(struct world *w, msec_t interval)
{
    bool running = w->traffic_interval != 0;
    w->traffic_interval = interval;
    if (!running && interval != 0)
        traffic_due(w);
}

static void packet_arrives(struct gateway *g, const struct coming *c)
{
    struct ike_child_direction sealed;
    memcpy(&sealed, c->octets, sizeof sealed);
    for (struct installed_child *child = g->children; child != NULL; child = child->next) {
        if (child->sa.inbound.spi != sealed.spi)
            continue;
        bool opens = memcmp(child->sa.inbound.encryption_key, sealed.encryption_key,
                            sizeof sealed.encryption_key) == 0;
        if (!opens)
            break;
        child->active = true;
        g->packets_received++;
        return;
    }
    g->packets_lost++;
    if (getenv("MUSUBI_SIM_TRACE") != NULL)
        fprintf(stderr, "%8lu %s: packet lost on SPI 0x%08x\n", (unsigned long)g->world->now, g->name,
                sealed.spi);
}

static void deliver(const struct coming *c)
{
    struct ike_event event = {.kind = c->kind == COMING_JOB ? IKE_EVENT_JOB_DONE : IKE_EVENT_DATAGRAM};
    struct octets octets = {c->octets, c->length};
    if (c->kind == COMING_PACKET) {
        packet_arrives(c->gateway, c);
        return;
    }
    if (c->kind == COMING_JOB) {
        event.job.job = c->job;
        event.job.ok = c->job_ok;
        event.job.output = octets;
    } else {
        event.datagram.local = c->to;
        event.datagram.remote = c->from;
        event.datagram.ifindex = 1;
        event.datagram.message = octets;
    }
    gateway_handle(c->gateway, &event);
}

void world_run(struct world *w, msec_t duration)
{
    msec_t end = w->now + duration;
    for (;;) {
        msec_t due;
        struct gateway *timer = next_timer(w, &due);
        msec_t arrival = w->coming != NULL ? w->coming->time : MSEC_NEVER;
        msec_t next = due < arrival ? due : arrival;
        if (next > end)
            break;
        if (next > w->now)
            w->now = next;
        if (due < arrival) {
            gateway_handle(timer, &(struct ike_event){.kind = IKE_EVENT_TIMER});
            continue;
        }
        struct coming *c = w->coming;
        w->coming = c->next;
        if (c->kind == COMING_TRAFFIC)
            traffic_due(w);
        else
            deliver(c);
        free(c);
    }
    w->now = end;
}

/* ---- Gateways ---------------------------------------------------------------------------------------- */

static void gateway_start_engine(struct gateway *g)
{
    const struct ike_options options = {
        .random = fill_random, .random_context = g->world, .esp_owners = 2, .log_level = LOG_LEVEL_DEBUG};
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
    add_log_line(g, "RESTART");
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
    struct ike_event event = {.kind = IKE_EVENT_PACKET_WAITS};
    event.packet.tunnel = tunnel;
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

bool gateway_tunnel_is_up(const struct gateway *g, uint32_t tunnel)
{
    return g->tunnels[tunnel].up;
}

size_t gateway_child_count(const struct gateway *g, uint32_t tunnel)
{
    size_t count = 0;
    for (const struct installed_child *c = g->children; c != NULL; c = c->next)
        count += c->sa.tunnel == tunnel;
    return count;
}

const struct installed_child *gateway_children(const struct gateway *g)
{
    return g->children;
}

size_t gateway_failures(const struct gateway *g, uint32_t tunnel)
{
    return g->tunnels[tunnel].failures;
}

size_t gateway_record_count(const struct gateway *g)
{
    return g->record_count;
}

struct octets gateway_record(const struct gateway *g, size_t index)
{
    return (struct octets){g->records[index].octets, g->records[index].length};
}

bool gateway_log_has(const struct gateway *g, const char *text)
{
    return g->log != NULL && strstr(g->log, text) != NULL;
}

const char *gateway_last_down_reason(const struct gateway *g)
{
    return g->down_reason;
}

struct ike_engine *gateway_engine(const struct gateway *g)
{
    return g->engine;
}

size_t gateway_packets_received(const struct gateway *g)
{
    return g->packets_received;
}

size_t gateway_packets_lost(const struct gateway *g)
{
    return g->packets_lost;
}

size_t gateway_sent(const struct gateway *g)
{
    return g->sent;
}

static const struct ike_child_install *only_child(const struct gateway *g, uint32_t tunnel)
{
    const struct ike_child_install *found = NULL;
    for (const struct installed_child *c = g->children; c != NULL; c = c->next) {
        if (c->sa.tunnel != tunnel)
            continue;
        if (found != NULL)
            return NULL;
        found = &c->sa;
    }
    return found;
}

static bool directions_fit(const struct ike_child_direction *out, const struct ike_child_direction *in)
{
    return out->spi == in->spi &&
           memcmp(out->encryption_key, in->encryption_key, sizeof out->encryption_key) == 0 &&
           memcmp(out->integrity_key, in->integrity_key, sizeof out->integrity_key) == 0;
}

static bool selectors_fit(const struct traffic_selector *a, uint8_t count_a, const struct traffic_selector *b,
                          uint8_t count_b)
{
    if (count_a != count_b)
        return false;
    for (uint8_t i = 0; i < count_a; i++) {
        if (a[i].protocol != b[i].protocol || a[i].first_port != b[i].first_port ||
            a[i].last_port != b[i].last_port || !ip_address_equal(&a[i].first, &b[i].first) ||
            !ip_address_equal(&a[i].last, &b[i].last))
            return false;
    }
    return true;
}

bool world_tunnel_carries(const struct gateway *a, uint32_t tunnel_a, const struct gateway *b,
                          uint32_t tunnel_b)
{
    const struct ike_child_install *x = only_child(a, tunnel_a);
    const struct ike_child_install *y = only_child(b, tunnel_b);
    return x != NULL && y != NULL && gateway_tunnel_is_up(a, tunnel_a) && gateway_tunnel_is_up(b, tunnel_b) &&
           x->encryption == y->encryption && x->key_bits == y->key_bits && x->integrity == y->integrity &&
           x->encapsulate == y->encapsulate && directions_fit(&x->outbound, &y->inbound) &&
           directions_fit(&y->outbound, &x->inbound) &&
           selectors_fit(x->local_ts, x->local_ts_count, y->remote_ts, y->remote_ts_count) &&
           selectors_fit(x->remote_ts, x->remote_ts_count, y->local_ts, y->local_ts_count) &&
           ip_endpoint_equal(&x->local, &y->remote) && ip_endpoint_equal(&x->remote, &y->local);
}
