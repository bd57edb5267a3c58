#include "sim/inside.h"
#include "sim/real_path.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Chance ------------------------------------------------------------------------------------------ */

/* splitmix64: small and good enough, since a simulation has no real secrets. */
uint64_t world_random(struct world *w)
{
    uint64_t z = w->random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

bool world_chance(struct world *w, unsigned percent)
{
    return percent > 0 && world_random(w) % 100 < percent;
}

uint64_t world_chance_below(struct world *w, uint64_t bound)
{
    return world_random(w) % bound;
}

void world_fill_random(void *context, uint8_t *out, size_t length)
{
    struct world *w = context;
    for (size_t i = 0; i < length; i++)
        out[i] = (uint8_t)world_random(w);
}

/* ---- What will happen -------------------------------------------------------------------------------- */

struct coming *coming_new(struct gateway *g, struct octets octets)
{
    struct coming *c = calloc(1, sizeof *c + octets.length);
    assert(c != NULL);
    c->gateway = g;
    c->length = octets.length;
    if (octets.length > 0)
        memcpy(c->octets, octets.at, octets.length);
    return c;
}

void world_schedule(struct world *w, struct coming *c, msec_t delay)
{
    c->time = w->now + delay;
    c->order = w->next_order++;
    struct coming **at = &w->coming;
    while (*at != NULL && ((*at)->time < c->time || ((*at)->time == c->time && (*at)->order < c->order)))
        at = &(*at)->next;
    c->next = *at;
    *at = c;
}

/* ---- The world --------------------------------------------------------------------------------------- */

struct world *world_new(uint64_t seed, const struct world_observer *observer)
{
    struct world *w = calloc(1, sizeof *w);
    assert(w != NULL);
    w->random_state = seed;
    w->seen = map_with_seed(seed);
    w->now = 1000000;
    w->conditions = (struct network_conditions){.delay_min = 10, .delay_max = 10};
    w->trace = getenv("MUSUBI_SIM_TRACE") != NULL ? stderr : NULL;
    static const struct world_observer nobody;
    w->observer = observer != NULL ? observer : &nobody;
    w->checks_records = true;
    w->log_level = LOG_LEVEL_DEBUG;
    return w;
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
    map_free(&w->seen);
    free(w);
}

void world_broken(struct gateway *g, const char *what)
{
    if (g->world->fault[0] == '\0')
        (void)snprintf(g->world->fault, sizeof g->world->fault, "at %lu ms, %s: %s",
                       (unsigned long)g->world->now, g->name, what);
}

const char *world_fault(const struct world *w)
{
    return w->fault[0] != '\0' ? w->fault : NULL;
}

struct network_conditions *world_conditions(struct world *w)
{
    return &w->conditions;
}

void world_set_trace(struct world *w, FILE *trace)
{
    w->trace = trace;
    w->log_level = trace != NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN;
}

void world_use_real_paths(struct world *w)
{
    assert(w->gateways == NULL);
    w->real_paths = true;
}

/* FNV-1a. */
bool world_remember(struct world *w, const void *octets, size_t length)
{
    static char remembered;
    const uint8_t *at = octets;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    bool before = map_find(&w->seen, hash) != NULL;
    (void)map_put(&w->seen, hash, &remembered);
    return before;
}

void world_check_records(struct world *w, bool wanted)
{
    w->checks_records = wanted;
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
        if (deadline != MSEC_NEVER)
            deadline = (int64_t)deadline > g->clock_ahead ? deadline - (msec_t)g->clock_ahead : 0;
        msec_t of_path = g->real_path != NULL ? real_path_deadline(g) : MSEC_NEVER;
        if (of_path != MSEC_NEVER)
            of_path = (int64_t)of_path > g->clock_ahead ? of_path - (msec_t)g->clock_ahead : 0;
        if (of_path < deadline)
            deadline = of_path;
        if (deadline < *due) {
            *due = deadline;
            first = g;
        }
    }
    return first;
}

static void deliver(const struct coming *c)
{
    struct ike_event event = {.kind = c->kind == COMING_JOB ? IKE_EVENT_JOB_DONE : IKE_EVENT_DATAGRAM};
    struct ike_job_result result;
    struct octets octets = {c->octets, c->length};
    if (c->kind == COMING_PACKET) {
        gateway_take_packet(c->gateway, c);
        return;
    }
    if (c->kind == COMING_ESP || c->kind == COMING_REPORT) {
        (c->kind == COMING_ESP ? real_path_receive : real_path_report)(c->gateway, c);
        return;
    }
    if (c->kind == COMING_NOT_SENT) {
        gateway_take_not_sent(c->gateway, c);
        return;
    }
    if (c->kind == COMING_LOOK_UP) {
        names_finish_job(c->gateway, c);
        return;
    }
    if (c->kind == COMING_JOB) {
        result = gateway_job_result(c);
        event.job.job = c->job;
        event.job.result = &result;
    } else {
        if (c->gateway->world->observer->arrival != NULL)
            c->gateway->world->observer->arrival(c->gateway, octets);
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
            if (timer->real_path != NULL)
                real_path_run(timer);
            gateway_handle(timer, &(struct ike_event){.kind = IKE_EVENT_TIMER});
            continue;
        }
        struct coming *c = w->coming;
        w->coming = c->next;
        if (c->kind == COMING_TRAFFIC)
            world_traffic_due(w);
        else
            deliver(c);
        free(c);
    }
    w->now = end;
}
