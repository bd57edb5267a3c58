#include "path/tunnel.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>

enum { ASK_INTERVAL = 1000 /* milliseconds */ };

static void tunnel_ask_due(struct worker *worker, struct timer *timer)
{
    struct tunnel *tunnel = (struct tunnel *)((char *)timer - __builtin_offsetof(struct tunnel, ask_timer));
    if (tunnel->waiting.first != NULL)
        tunnel_ask(worker, tunnel);
}

void tunnel_prepare(struct tunnel *tunnel, int tun)
{
    tunnel->source = (struct source){.fd = tun, .outbound = true, .run = outbound_run};
    tunnel->ask_timer.due = tunnel_ask_due;
    TAILQ_INIT(&tunnel->children);
    TAILQ_INIT(&tunnel->known);
}

void tunnel_count(struct tunnel *tunnel, enum esp_counter counter, uint64_t n)
{
    counter_add(&tunnel->totals[counter], n);
}

void child_count(struct child *child, enum esp_counter counter, uint64_t n)
{
    esp_live_count(child->live, counter, n);
    tunnel_count(child->tunnel, counter, n);
}

struct child *tunnel_active_child(const struct tunnel *tunnel)
{
    struct child *child;
    TAILQ_FOREACH(child, &tunnel->children, link)
    {
        if (child->active)
            return child;
    }
    return NULL;
}

/* By the version field alone. */
static enum ip_family packet_family(struct octets packet)
{
    uint8_t version = packet.length == 0 ? 0 : packet.at[0] >> 4;
    return version == 4 ? IP_V4 : version == 6 ? IP_V6 : IP_NONE;
}

struct child *tunnel_choose(const struct tunnel *tunnel, struct octets packet, struct packet_flow *flow)
{
    enum ip_family family = packet_family(packet);
    bool read = false;
    struct child *child;
    TAILQ_FOREACH(child, &tunnel->children, link)
    {
        if (!child->active)
            continue;
        if (esp_sa_holds_all(child->outbound, family))
            return child;
        if (!read && !packet_flow_read(packet.at, packet.length, flow))
            break;
        read = true;
        if (esp_sa_holds(child->outbound, flow))
            return child;
    }
    if (!read && !packet_flow_read(packet.at, packet.length, flow))
        flow->source.family = IP_NONE;
    return NULL;
}

/*
 * What Linux sends out of any interface by itself: router and neighbour discovery, MLD, IGMP. It is no reason
 * to negotiate (S6).
 */
static bool flow_is_of_the_link(const struct packet_flow *flow)
{
    if (flow->protocol == IPPROTO_IGMP)
        return true;
    if (flow->protocol != IPPROTO_ICMPV6 || flow->ports != FLOW_PORTS_TYPE)
        return false;
    uint8_t type = (uint8_t)(flow->source_port >> 8);
    return (type >= MLD_LISTENER_QUERY && type <= ND_REDIRECT) || type == 143 /* MLDv2 report, RFC 3810 */;
}

void tunnel_ask(struct worker *worker, struct tunnel *tunnel)
{
    if (worker->now - tunnel->asked >= ASK_INTERVAL) {
        struct path_event event = {.kind = PATH_PACKET_WAITS, .tunnel = tunnel->number};
        const struct waiting_packet *oldest = tunnel->waiting.first;
        if (packet_flow_read(oldest->octets, oldest->length, &event.flow) && worker_raise(worker, &event))
            tunnel->asked = worker->now;
    }
    worker_timer_set(worker, &tunnel->ask_timer, worker->now + ASK_INTERVAL);
}

/* True while other Child SAs may come for what the active ones do not hold. */
static bool tunnel_expects_more(const struct tunnel *tunnel)
{
    const struct child *child;
    TAILQ_FOREACH(child, &tunnel->children, link)
    {
        if (child->active && child->more_to_come)
            return true;
    }
    return false;
}

void tunnel_hold(struct worker *worker, struct tunnel *tunnel, struct octets packet,
                 const struct packet_flow *flow)
{
    if (flow->source.family == IP_NONE) {
        tunnel_count(tunnel, ESP_OUT_MISC_ERROR, 1);
        return;
    }
    struct child *active = tunnel_active_child(tunnel);
    if (active != NULL && !tunnel_expects_more(tunnel)) {
        child_count(active, ESP_OUT_TS_UNACCEPTABLE, 1);
        return;
    }
    if (flow_is_of_the_link(flow))
        return;

    bool first = tunnel->waiting.first == NULL;
    switch (waiting_put(&tunnel->waiting, packet, &worker->waiting_octets)) {
    case WAITING_KEPT:
        if (first)
            tunnel_ask(worker, tunnel);
        return;
    case WAITING_FULL:
        tunnel_count(tunnel, ESP_OUT_MISC_ERROR, 1);
        return;
    case WAITING_NO_MEMORY:
        tunnel_count(tunnel, ESP_OUT_NO_MEMORY, 1);
        return;
    }
}

void tunnel_drop_waiting(struct worker *worker, struct tunnel *tunnel, const struct packet_pair *pair)
{
    size_t dropped = waiting_drop(&tunnel->waiting, pair, &worker->waiting_octets);
    struct child *active = tunnel_active_child(tunnel);
    if (active != NULL)
        child_count(active, ESP_OUT_TS_UNACCEPTABLE, dropped);
    else
        tunnel_count(tunnel, ESP_OUT_MISC_ERROR, dropped);
    if (tunnel->waiting.first == NULL)
        worker_timer_set(worker, &tunnel->ask_timer, MSEC_NEVER);
}

/* What waits is sent, or goes on waiting, at the next turn. */
static void tunnel_flush(struct worker *worker, struct tunnel *tunnel)
{
    if (tunnel->waiting.first == NULL)
        return;
    tunnel->flush = true;
    worker_source_ready(worker, &tunnel->source);
}

void child_activate(struct worker *worker, struct child *child)
{
    if (child->stopped)
        return;
    child->active = true;
    child->tunnel->asked = 0; /* that was answered; what still waits may ask for itself at once */
    tunnel_flush(worker, child->tunnel);
}

void child_stop(struct child *child)
{
    child->stopped = true;
    child->active = false;
}

void child_complete(struct worker *worker, struct child *child)
{
    child->more_to_come = false;
    tunnel_flush(worker, child->tunnel);
}
