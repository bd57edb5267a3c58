#include "ike/sa/refused_packets.h"

#include <stdlib.h>

enum { REFUSED_PACKETS_MAX = 16 };

/* A packet whose Child SA was refused, until when none is asked for, and how often it was refused. */
struct refused_packet {
    struct packet_flow flow;
    msec_t until; /* 0: unused */
    unsigned refusals;
};

struct refused_packets {
    struct refused_packet list[REFUSED_PACKETS_MAX];
    unsigned next; /* index of the oldest one */
};

enum { ASK_AGAIN_FIRST = 60 * 1000, ASK_AGAIN_LATEST = 3600 * 1000 }; /* milliseconds */

msec_t refusal_delay(unsigned refusals)
{
    enum { DOUBLINGS_MAX = 6 };
    msec_t delay = (msec_t)ASK_AGAIN_FIRST << (refusals < DOUBLINGS_MAX ? refusals : DOUBLINGS_MAX);
    return delay < ASK_AGAIN_LATEST ? delay : ASK_AGAIN_LATEST;
}

static bool are_alike(const struct packet_flow *a, const struct packet_flow *b, enum child_scope scope)
{
    if (!ip_address_equal(&a->source, &b->source) || !ip_address_equal(&a->destination, &b->destination))
        return false;
    if (scope == SCOPE_PAIR)
        return true;
    if (a->protocol != b->protocol || a->ports != b->ports)
        return false;
    bool same_source = a->source_port == b->source_port;
    bool same_destination = a->destination_port == b->destination_port;
    return scope == SCOPE_FLOW ? same_source && same_destination : same_source || same_destination;
}

/* The packet that is like this one; NULL if there is none. */
static struct refused_packet *find(const struct additional_children *f, const struct packet_flow *flow)
{
    for (unsigned i = 0; f->refused_packets != NULL && i < REFUSED_PACKETS_MAX; i++) {
        struct refused_packet *refused = &f->refused_packets->list[i];
        if (refused->until != 0 && are_alike(&refused->flow, flow, f->scope))
            return refused;
    }
    return NULL;
}

/* Takes the place of the oldest one; NULL without memory. */
static struct refused_packet *add(struct additional_children *f, const struct packet_flow *flow)
{
    if (f->refused_packets == NULL)
        f->refused_packets = calloc(1, sizeof *f->refused_packets);
    struct refused_packets *all = f->refused_packets;
    if (all == NULL)
        return NULL;
    struct refused_packet *refused = &all->list[all->next];
    all->next = (all->next + 1) % REFUSED_PACKETS_MAX;
    *refused = (struct refused_packet){.flow = *flow};
    return refused;
}

bool refused_packets_hold(const struct additional_children *f, const struct packet_flow *flow, msec_t now)
{
    const struct refused_packet *refused = find(f, flow);
    return refused != NULL && now < refused->until;
}

void refused_packets_add(struct additional_children *f, const struct packet_flow *flow, msec_t now)
{
    struct refused_packet *refused = find(f, flow);
    if (refused == NULL)
        refused = add(f, flow);
    if (refused != NULL)
        refused->until = now + refusal_delay(refused->refusals++);
}

void refused_packets_forget(struct additional_children *f, const struct packet_flow *flow)
{
    struct refused_packet *refused = find(f, flow);
    if (refused != NULL)
        refused->until = 0;
}

void refused_packets_clear(struct additional_children *f)
{
    free(f->refused_packets);
    f->refused_packets = NULL;
}
