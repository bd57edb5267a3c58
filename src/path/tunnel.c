#include "path/tunnel.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <unistd.h>

enum {
    ASK_INTERVAL = 1000,  /* milliseconds */
    TELL_INTERVAL = 1000, /* likewise */
    ASKS_MAX = 16,        /* in that time, if packets are refused one after the other */
};

void tunnel_count(struct worker *worker, const struct tunnel *tunnel, enum esp_counter counter, uint64_t n)
{
    worker_count_total(worker, tunnel->slot, counter, n);
}

void tunnel_count_drop(struct worker *worker, const struct tunnel *tunnel, enum path_drop drop, uint64_t n)
{
    worker_count_drop(worker, tunnel->slot, drop, n);
}

size_t tunnel_read(struct worker *worker, const struct tunnel *tunnel, uint8_t *at)
{
    ssize_t length;
    do {
        length = read(tunnel->source.fd, at, tunnel->vnet_header ? TUNNEL_READ_MAX : ESP_INNER_MAX);
    } while (length < 0 && errno == EINTR);
    /* EBADFD: the device was removed, as the tunnel is soon. */
    if (length < 0 && errno != EAGAIN && errno != EBADFD)
        worker_count(worker, PATH_READ_ERRORS, 1);
    return length > 0 ? (size_t)length : 0;
}

/* The newest active SA; NULL if packets have none to leave by. */
static struct outbound_sa *tunnel_active_sa(const struct tunnel *tunnel)
{
    struct outbound_sa *sa;
    TAILQ_FOREACH(sa, &tunnel->sas, link)
    {
        if (sa->active)
            return sa;
    }
    return NULL;
}

/* By the version field alone. */
static enum ip_family packet_family(struct octets packet)
{
    uint8_t version = packet.length == 0 ? 0 : packet.at[0] >> 4;
    return version == 4 ? IP_V4 : version == 6 ? IP_V6 : IP_NONE;
}

/* An ICMP error that no selectors hold leaves with the answers to the packet that it quotes (RFC 4301 6.2).
 */
static struct outbound_sa *tunnel_choose_for_error(const struct tunnel *tunnel, struct octets packet)
{
    struct outbound_sa *sa;
    TAILQ_FOREACH(sa, &tunnel->sas, link)
    {
        if (sa->active && esp_sa_holds_error(sa->sa, packet))
            return sa;
    }
    return NULL;
}

struct outbound_sa *tunnel_choose(const struct tunnel *tunnel, struct octets packet, struct packet_flow *flow)
{
    enum ip_family family = packet_family(packet);
    bool read = false;
    struct outbound_sa *sa;
    TAILQ_FOREACH(sa, &tunnel->sas, link)
    {
        if (!sa->active)
            continue;
        if (esp_sa_holds_all(sa->sa, family))
            return sa;
        if (!read && !packet_flow_read(packet.at, packet.length, flow))
            break;
        read = true;
        if (esp_sa_holds(sa->sa, flow))
            return sa;
    }
    if (!read && !packet_flow_read(packet.at, packet.length, flow)) {
        flow->source.family = IP_NONE;
        return NULL;
    }
    return tunnel_choose_for_error(tunnel, packet);
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

bool tunnel_packet_is_of_the_link(struct octets packet)
{
    enum { PROTOCOL_V4 = 9, NEXT_HEADER_V6 = 6 };
    enum ip_family family = inner_family(packet);
    struct packet_flow flow;
    if (family == IP_V4)
        return packet.at[PROTOCOL_V4] == IPPROTO_IGMP;
    if (family != IP_V6)
        return false;
    uint8_t next = packet.at[NEXT_HEADER_V6];
    return (next == IPPROTO_ICMPV6 || next == IPPROTO_HOPOPTS) &&
           packet_flow_read(packet.at, packet.length, &flow) && flow_is_of_the_link(&flow);
}

static void tunnel_ask(struct worker *worker, struct tunnel *tunnel)
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
    const struct outbound_sa *sa;
    TAILQ_FOREACH(sa, &tunnel->sas, link)
    {
        if (sa->active && sa->more_to_come)
            return true;
    }
    return false;
}

/* Drops a packet that the SAs do not hold. */
static void tunnel_drop(struct worker *worker, struct tunnel *tunnel, struct outbound_sa *active,
                        const struct packet_flow *flow)
{
    if (flow_is_of_the_link(flow)) {
        outbound_sa_count(worker, active, ESP_OUT_TS_UNACCEPTABLE, 1);
        tunnel_count_drop(worker, tunnel, DROP_OF_LINK, 1);
        return;
    }
    outbound_sa_count_drop(worker, active, DROP_OUT_SELECTORS, 1);
    if (tunnel->outside_told != 0 && worker->now - tunnel->outside_told < TELL_INTERVAL)
        return;
    const struct path_event event = {.kind = PATH_PACKET_OUTSIDE, .tunnel = tunnel->number, .flow = *flow};
    if (worker_raise(worker, &event))
        tunnel->outside_told = worker->now;
}

void tunnel_hold(struct worker *worker, struct tunnel *tunnel, struct octets packet,
                 const struct packet_flow *flow)
{
    if (flow->source.family == IP_NONE) {
        tunnel_count_drop(worker, tunnel, DROP_OUT_MALFORMED, 1);
        return;
    }
    struct outbound_sa *active = tunnel_active_sa(tunnel);
    if (active != NULL && !tunnel_expects_more(tunnel)) {
        tunnel_drop(worker, tunnel, active, flow);
        return;
    }
    if (flow_is_of_the_link(flow)) {
        tunnel_count_drop(worker, tunnel, DROP_OF_LINK, 1);
        return;
    }

    bool first = tunnel->waiting.first == NULL;
    switch (waiting_put(&tunnel->waiting, packet, &worker->waiting_octets)) {
    case WAITING_KEPT:
        if (first)
            tunnel_ask(worker, tunnel);
        return;
    case WAITING_FULL:
        tunnel_count_drop(worker, tunnel, DROP_QUEUE_FULL, 1);
        return;
    case WAITING_NO_MEMORY:
        tunnel_count_drop(worker, tunnel, DROP_OUT_NO_MEMORY, 1);
        return;
    }
}

void tunnel_drop_waiting(struct worker *worker, struct tunnel *tunnel, const struct packet_pair *pair)
{
    size_t dropped = waiting_drop(&tunnel->waiting, pair, &worker->waiting_octets);
    struct outbound_sa *active = tunnel_active_sa(tunnel);
    if (active != NULL)
        outbound_sa_count_drop(worker, active, DROP_OUT_SELECTORS, dropped);
    else
        tunnel_count_drop(worker, tunnel, DROP_NO_SA, dropped);
    if (tunnel->waiting.first == NULL) {
        worker_timer_set(worker, &tunnel->ask_timer, MSEC_NEVER);
        return;
    }
    if (dropped == 0 || ++tunnel->asks >= ASKS_MAX)
        return;
    tunnel->asked = 0; /* what waits behind a packet that gets no SA may get one */
    tunnel_ask(worker, tunnel);
}

void tunnel_flush(struct worker *worker, struct tunnel *tunnel)
{
    if (tunnel->waiting.first == NULL)
        return;
    tunnel->flush = tunnel->waiting.packets;
    worker_source_ready(worker, &tunnel->source);
}

static void tunnel_ask_due(struct worker *worker, struct timer *timer)
{
    struct tunnel *tunnel = (struct tunnel *)((char *)timer - __builtin_offsetof(struct tunnel, ask_timer));
    tunnel->asks = 0;
    if (tunnel->waiting.first != NULL)
        tunnel_ask(worker, tunnel);
}

void tunnel_prepare(struct tunnel *tunnel, int tun)
{
    tunnel->source = (struct source){.fd = tun, .outbound = true, .run = outbound_run};
    tunnel->ask_timer.due = tunnel_ask_due;
    TAILQ_INIT(&tunnel->sas);
}

enum path_result tunnel_open(struct worker *worker, struct tunnel *tunnel)
{
    return worker_source_watch(worker, &tunnel->source) ? PATH_OK : PATH_NO_MEMORY;
}

void tunnel_close(struct worker *worker, struct tunnel *tunnel)
{
    tunnel_drop_waiting(worker, tunnel, &packet_pair_any);
    worker_source_forget(worker, &tunnel->source);
    outbound_drop_read(worker, tunnel);
    struct outbound_sa *sa;
    while ((sa = TAILQ_FIRST(&tunnel->sas)) != NULL)
        outbound_sa_remove(worker, sa);
}
