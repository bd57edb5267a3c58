/*
 * Domain names of peers: the addresses at the name servers, and lookups, as the daemon does them.
 */
#include "sim/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool has(const struct name_addresses *list, const struct ip_address *address)
{
    for (size_t i = 0; i < list->count; i++) {
        if (ip_address_equal(&list->at[i], address))
            return true;
    }
    return false;
}

void gateway_set_name(struct gateway *g, uint32_t tunnel, const char *addresses)
{
    struct name_addresses *said = &gateway_tunnel(g, tunnel)->said;
    char *copy = strdup(addresses);
    assert(copy != NULL);
    said->count = 0;
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        bool parsed = said->count < NAME_ADDRESSES_MAX && ip_address_parse(word, &said->at[said->count++]);
        assert(parsed);
        (void)parsed;
    }
    free(copy);
}

/* The route stays, or leads to where the peer was seen, if the name has that address. */
static void hear(struct gateway *g, struct sim_tunnel *t, const struct ip_address *seen)
{
    t->heard = t->said;
    if (seen != NULL && has(&t->heard, seen))
        t->chosen = *seen;
    else if (!has(&t->heard, &t->chosen))
        t->chosen = t->heard.count > 0 ? t->heard.at[0] : (struct ip_address){.family = IP_NONE};
    gateway_tell_route(g, t);
}

void gateway_look_up(struct gateway *g, uint32_t tunnel)
{
    hear(g, gateway_tunnel(g, tunnel), NULL);
}

void gateway_set_look_up_delay(struct gateway *g, msec_t delay)
{
    g->look_up_delay = delay;
}

size_t gateway_look_ups(const struct gateway *g, uint32_t tunnel)
{
    return gateway_tunnel(g, tunnel)->look_ups;
}

/* What is kept for the lookup of a job. */
struct look_up {
    uint32_t tunnel;
    struct ip_address seen;
};

void names_start_job(struct gateway *g, const struct ike_job *job)
{
    const struct look_up kept = {job->look_up.tunnel, job->look_up.seen};
    struct coming *c = coming_new(g, (struct octets){(const uint8_t *)&kept, sizeof kept});
    c->kind = COMING_LOOK_UP;
    c->job = job->job;
    gateway_tunnel(g, kept.tunnel)->look_ups++;
    world_schedule(g->world, c, g->look_up_delay);
}

void names_finish_job(struct gateway *g, const struct coming *c)
{
    struct look_up kept;
    memcpy(&kept, c->octets, sizeof kept);
    hear(g, gateway_tunnel(g, kept.tunnel), &kept.seen);
    const struct ike_job_result result = {.kind = IKE_JOB_LOOK_UP, .ok = true};
    struct ike_event done = {.kind = IKE_EVENT_JOB_DONE};
    done.job.job = c->job;
    done.job.result = &result;
    gateway_handle(g, &done);
}
