/*
 * Packets through the tunnels of a world. The newest active Child SA seals a packet; a gateway with its keys
 * opens it.
 */
#include "sim/inside.h"
#include "sim/real_path.h"

#include <stdio.h>
#include <string.h>

/* Reports an unknown SPI to the engine as often as the packet path does. */
static void report_unknown_spi(struct gateway *g, const struct coming *c, uint32_t spi)
{
    if (unknown_spi_may_report(&g->unknown_spis, &c->from.address, g->world->now))
        gateway_report_esp(g, IKE_EVENT_SPI_UNKNOWN, spi, &c->from);
}

/* After an authenticated packet: the peer uses the SA, and may have another address now. */
static void note_use(struct gateway *g, struct installed_child *child, const struct coming *c)
{
    bool first = !child->active;
    bool moved =
        child->sa.destination.encapsulated && !ip_endpoint_equal(&child->sa.destination.remote, &c->from);
    uint32_t spi = child->sa.inbound.spi;
    child->active = true;
    child->heard = g->world->now;
    if (first)
        gateway_report_esp(g, IKE_EVENT_CHILD_USED, spi, NULL);
    if (moved)
        gateway_report_esp(g, IKE_EVENT_PEER_MOVED, spi, &c->from);
}

/* Tells the engine that packets only go out, as the packet path does (S47). Each packet here is one that may
 * be answered. */
static void watch_answers(struct gateway *g, struct installed_child *child)
{
    msec_t now = g->world->now;
    uint32_t spi = child->sa.inbound.spi;
    if (child->unanswered_since == 0 || child->heard >= child->unanswered_since) {
        child->unanswered_since = now;
    } else if (now - child->unanswered_since >= ESP_SILENCE) {
        child->unanswered_since = now;
        gateway_report_unanswered(g, spi, child->heard == 0);
    }
}

/* Sends a packet. Its octets are the outbound direction that sealed it. */
static void send_packet(struct gateway *g, const struct child_settings *sa)
{
    struct ip_endpoint to = sa->destination.remote;
    if (gateway_send_error(g, &sa->destination.local.address) != 0)
        return;
    const struct ip_endpoint outside = network_leave(g, &sa->destination.local);
    struct gateway *target = network_find(g->world, &to);
    if (target == NULL)
        return;
    struct coming *c =
        coming_new(target, (struct octets){(const uint8_t *)&sa->outbound, sizeof sa->outbound});
    c->kind = COMING_PACKET;
    c->from = outside;
    if (!sa->destination.encapsulated)
        c->from.port = 0;
    world_schedule(g->world, c, network_delay(g->world));
}

/* The newest active Child SA of a tunnel; NULL if there is none. */
static struct installed_child *outbound_child(const struct gateway *g, uint32_t tunnel)
{
    struct installed_child *child = g->children;
    while (child != NULL && (child->sa.tunnel != tunnel || !child->active || child->stopped))
        child = child->next;
    return child;
}

void world_traffic_due(struct world *w)
{
    for (struct gateway *g = w->gateways; g != NULL; g = g->next) {
        for (struct sim_tunnel *t = g->tunnels; t != NULL; t = t->next) {
            struct installed_child *child = outbound_child(g, t->policy.tunnel);
            if (child == NULL || t->policy.shut_down)
                continue;
            if (g->real_path != NULL) {
                real_path_send_packet(g, t);
                continue;
            }
            send_packet(g, &child->sa);
            watch_answers(g, child);
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
        world_traffic_due(w);
}

void gateway_take_packet(struct gateway *g, const struct coming *c)
{
    struct child_direction sealed;
    memcpy(&sealed, c->octets, sizeof sealed);
    for (struct installed_child *child = g->children; child != NULL; child = child->next) {
        if (child->sa.inbound.spi != sealed.spi)
            continue;
        bool opens = memcmp(child->sa.inbound.encryption_key, sealed.encryption_key,
                            sizeof sealed.encryption_key) == 0;
        if (!opens)
            break;
        g->packets_received++;
        note_use(g, child, c);
        return;
    }
    g->packets_lost++;
    if (g->world->trace != NULL)
        fprintf(g->world->trace, "%8lu %s: packet lost on SPI 0x%08x\n", (unsigned long)g->world->now,
                g->name, sealed.spi);
    report_unknown_spi(g, c, sealed.spi);
}

void gateway_put_packet(struct gateway *g, uint32_t tunnel)
{
    real_path_send_packet(g, gateway_tunnel(g, tunnel));
}
