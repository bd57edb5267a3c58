#include "ike/sa/refused_packets.h"

#include <string.h>

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

/* The index of the packet that is like this one; REFUSED_PACKETS_MAX if there is none. */
static unsigned find(const struct additional_children *f, const struct packet_flow *flow)
{
    unsigned i = 0;
    while (i < REFUSED_PACKETS_MAX &&
           (f->refused_packets[i].until == 0 || !are_alike(&f->refused_packets[i].flow, flow, f->scope)))
        i++;
    return i;
}

bool refused_packets_hold(const struct additional_children *f, const struct packet_flow *flow, msec_t now)
{
    unsigned i = find(f, flow);
    return i < REFUSED_PACKETS_MAX && now < f->refused_packets[i].until;
}

void refused_packets_add(struct additional_children *f, const struct packet_flow *flow, msec_t now)
{
    unsigned i = find(f, flow);
    if (i == REFUSED_PACKETS_MAX) {
        i = f->next_refused;
        f->next_refused = (i + 1) % REFUSED_PACKETS_MAX;
        f->refused_packets[i] = (struct refused_packet){.flow = *flow};
    }
    struct refused_packet *r = &f->refused_packets[i];
    r->until = now + refusal_delay(r->refusals++);
}

void refused_packets_forget(struct additional_children *f, const struct packet_flow *flow)
{
    unsigned i = find(f, flow);
    if (i < REFUSED_PACKETS_MAX)
        f->refused_packets[i].until = 0;
}

void refused_packets_clear(struct additional_children *f)
{
    memset(f->refused_packets, 0, sizeof f->refused_packets);
}
