/*
 * The state of gateways, for tests to look at.
 */
#include "sim/inside.h"

#include <string.h>

void gateway_check_end(struct gateway *g)
{
    if (g->world->observer->end != NULL)
        g->world->observer->end(g);
}

bool gateway_tunnel_is_up(const struct gateway *g, uint32_t tunnel)
{
    const struct sim_tunnel *t = gateway_tunnel(g, tunnel);
    return t != NULL && t->up;
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

size_t gateway_auth_jobs(const struct gateway *g, uint32_t tunnel)
{
    const struct sim_tunnel *t = gateway_tunnel(g, tunnel);
    return t != NULL ? t->auth_jobs : 0;
}

size_t gateway_failures(const struct gateway *g, uint32_t tunnel)
{
    const struct sim_tunnel *t = gateway_tunnel(g, tunnel);
    return t != NULL ? t->failures : 0;
}

size_t gateway_noted_failures(const struct gateway *g, uint32_t tunnel)
{
    const struct sim_tunnel *t = gateway_tunnel(g, tunnel);
    return t != NULL ? t->noted_failures : 0;
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
    return g->log.at != NULL && strstr(g->log.at, text) != NULL;
}

const char *gateway_warnings(const struct gateway *g)
{
    return g->warnings.at != NULL ? g->warnings.at : "";
}

bool warning_is_of_life(const char *line, size_t length)
{
    static const char *const texts[] = {"IKE SA created,", "IKE SA deleted,", "Child SA created,",
                                        "Child SA deleted,"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (memmem(line, length, texts[i], strlen(texts[i])) != NULL)
            return true;
    }
    return false;
}

size_t gateway_log_count(const struct gateway *g, const char *text)
{
    size_t count = 0;
    for (const char *at = g->log.at; at != NULL && (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

const char *gateway_last_down_reason(const struct gateway *g)
{
    return g->down_reason;
}

struct ike_engine *gateway_engine(const struct gateway *g)
{
    return g->engine;
}

struct ip_address gateway_address(const struct gateway *g)
{
    return g->address;
}

size_t gateway_packets_received(const struct gateway *g)
{
    return g->packets_received;
}

size_t gateway_packets_lost(const struct gateway *g)
{
    return g->packets_lost;
}

uint64_t gateway_tunnel_received(const struct gateway *g, uint32_t tunnel)
{
    return gateway_tunnel(g, tunnel)->packets_received;
}

uint64_t gateway_tunnel_sent(const struct gateway *g, uint32_t tunnel)
{
    return gateway_tunnel(g, tunnel)->packets_sent;
}

size_t gateway_sent(const struct gateway *g)
{
    return g->sent;
}

/* The only Child SA of a tunnel, with or without stopped ones; NULL if there are several, or none. */
static const struct child_settings *only_child(const struct gateway *g, uint32_t tunnel, bool stopped_too)
{
    const struct child_settings *found = NULL;
    for (const struct installed_child *c = g->children; c != NULL; c = c->next) {
        if (c->sa.tunnel != tunnel || (c->stopped && !stopped_too))
            continue;
        if (found != NULL)
            return NULL;
        found = &c->sa;
    }
    return found;
}

static bool directions_fit(const struct child_direction *out, const struct child_direction *in)
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

/* True if packets of the first end, perhaps through its NAT, come from the address that the other end sends
 * to. */
static bool reaches(const struct gateway *g, const struct child_settings *first,
                    const struct child_settings *other)
{
    struct ip_endpoint outside = network_outside(g, &first->destination.local);
    return ip_endpoint_equal(&outside, &other->destination.remote);
}

static bool tunnel_carries(const struct gateway *a, uint32_t tunnel_a, const struct gateway *b,
                           uint32_t tunnel_b, bool stopped_too)
{
    const struct child_settings *x = only_child(a, tunnel_a, stopped_too);
    const struct child_settings *y = only_child(b, tunnel_b, stopped_too);
    return x != NULL && y != NULL && gateway_tunnel_is_up(a, tunnel_a) && gateway_tunnel_is_up(b, tunnel_b) &&
           x->encryption == y->encryption && x->key_bits == y->key_bits && x->integrity == y->integrity &&
           x->destination.encapsulated == y->destination.encapsulated &&
           directions_fit(&x->outbound, &y->inbound) && directions_fit(&y->outbound, &x->inbound) &&
           selectors_fit(x->local_ts, x->local_ts_count, y->remote_ts, y->remote_ts_count) &&
           selectors_fit(x->remote_ts, x->remote_ts_count, y->local_ts, y->local_ts_count) &&
           reaches(a, x, y) && reaches(b, y, x);
}

bool world_tunnel_carries(const struct gateway *a, uint32_t tunnel_a, const struct gateway *b,
                          uint32_t tunnel_b)
{
    return tunnel_carries(a, tunnel_a, b, tunnel_b, true);
}

bool world_tunnel_carries_by_one(const struct gateway *a, uint32_t tunnel_a, const struct gateway *b,
                                 uint32_t tunnel_b)
{
    return tunnel_carries(a, tunnel_a, b, tunnel_b, false);
}
