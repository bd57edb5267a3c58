/*
 * The network between the gateways of a world: who reaches whom, through which NAT, and what happens to
 * datagrams.
 */
#include "sim/inside.h"

/* ---- NATs and partitions ----------------------------------------------------------------------------- */

void gateway_set_nat(struct gateway *g, const char *address)
{
    g->nat.present = ip_address_parse(address, &g->nat.address);
    gateway_rebind_nat(g);
}

void gateway_set_forwarding_nat(struct gateway *g, const char *address)
{
    g->nat.present = ip_address_parse(address, &g->nat.address);
    g->nat.ike.port = IKE_PORT;
    g->nat.esp.port = IKE_NAT_PORT;
}

void gateway_set_nat_lifetime(struct gateway *g, msec_t lifetime)
{
    g->nat.lifetime = lifetime;
    g->nat.ike.used = g->nat.esp.used = g->world->now;
}

/* A public port that no gateway behind the same address has. */
static uint16_t free_port(struct gateway *g)
{
    enum { FIRST_PORT = 10000, PORTS = 50000 };
    struct ip_endpoint public;
    do
    public
    = (struct ip_endpoint){g->nat.address, (uint16_t)(FIRST_PORT + world_chance_below(g->world, PORTS))};
    while (network_find(g->world, &public) != NULL)
        ;
    return public.port;
}

void gateway_rebind_nat(struct gateway *g)
{
    uint16_t ike_port = free_port(g);
    g->nat.esp.port = free_port(g);
    g->nat.ike.port = ike_port;
}

/*
 * Whether a packet path without packets of its own, which sends no keepalives on the world's network, would
 * send them often enough. A real one sends them.
 */
static bool sends_keepalives(const struct gateway *g)
{
    for (const struct installed_child *child = g->children; child != NULL; child = child->next) {
        const struct child_settings *sa = &child->sa;
        if (g->real_path == NULL && sa->destination.encapsulated && sa->nat_keepalive != 0 &&
            (msec_t)sa->nat_keepalive * 1000 < g->nat.lifetime &&
            gateway_send_error(g, &sa->destination.local.address) == 0)
            return true;
    }
    return false;
}

static bool is_mapped(const struct gateway *g, const struct nat_mapping *mapping)
{
    return g->nat.lifetime == 0 || g->world->now - mapping->used <= g->nat.lifetime ||
           (mapping == &g->nat.esp && sends_keepalives(g));
}

static bool is_behind(const struct gateway *g, const struct ip_endpoint *to, struct ip_endpoint *inside)
{
    if (!g->nat.present || g->address.family == IP_NONE || !ip_address_equal(&g->nat.address, &to->address))
        return false;
    const struct nat_mapping *mapping = to->port == g->nat.ike.port ? &g->nat.ike : &g->nat.esp;
    *inside = (struct ip_endpoint){g->address, mapping == &g->nat.ike ? IKE_PORT : IKE_NAT_PORT};
    return to->port == mapping->port && is_mapped(g, mapping);
}

struct gateway *network_find(struct world *w, struct ip_endpoint *to)
{
    struct ip_endpoint inside;
    for (struct gateway *g = w->gateways; g != NULL; g = g->next) {
        if (!g->nat.present && gateway_has_address(g, &to->address))
            return g;
        if (!is_behind(g, to, &inside))
            continue;
        *to = inside;
        return g;
    }
    return NULL;
}

struct ip_endpoint network_outside(const struct gateway *g, const struct ip_endpoint *from)
{
    if (!g->nat.present)
        return *from;
    return (struct ip_endpoint){g->nat.address, from->port == IKE_PORT ? g->nat.ike.port : g->nat.esp.port};
}

struct ip_endpoint network_leave(struct gateway *g, const struct ip_endpoint *from)
{
    struct nat_mapping *mapping = from->port == IKE_PORT ? &g->nat.ike : &g->nat.esp;
    if (g->nat.present && !is_mapped(g, mapping))
        mapping->port = free_port(g);
    mapping->used = g->world->now;
    return network_outside(g, from);
}

static bool is_cut(const struct world *w, const struct gateway *x, const struct gateway *y)
{
    for (size_t i = 0; i < w->partition_count; i++) {
        if ((w->partitions[i].a == x && w->partitions[i].b == y) ||
            (w->partitions[i].a == y && w->partitions[i].b == x))
            return true;
    }
    return false;
}

void world_set_partition(struct world *w, const struct gateway *a, const struct gateway *b, bool cut)
{
    if (cut) {
        if (w->partition_count < PARTITIONS_MAX && !is_cut(w, a, b)) {
            w->partitions[w->partition_count].a = a;
            w->partitions[w->partition_count++].b = b;
        }
        return;
    }
    for (size_t i = 0; i < w->partition_count; i++) {
        if ((w->partitions[i].a == a && w->partitions[i].b == b) ||
            (w->partitions[i].a == b && w->partitions[i].b == a))
            w->partitions[i--] = w->partitions[--w->partition_count];
    }
}

/* ---- Datagrams --------------------------------------------------------------------------------------- */

msec_t network_delay(struct world *w)
{
    msec_t spread = w->conditions.delay_max - w->conditions.delay_min;
    return w->conditions.delay_min + (spread > 0 ? world_random(w) % (spread + 1) : 0);
}

/* What becomes of one copy of a datagram; NULL if it does not arrive. */
static struct coming *send_once(struct gateway *g, const struct ip_endpoint *from,
                                const struct ip_endpoint *to, struct octets message)
{
    struct world *w = g->world;
    struct ip_endpoint arrives = *to;
    if (gateway_send_error(g, &from->address) != 0)
        return NULL;
    const struct ip_endpoint outside = network_leave(g, from);
    struct gateway *target = network_find(w, &arrives);
    if (target == NULL || is_cut(w, g, target) || world_chance(w, w->conditions.loss_percent))
        return NULL;
    struct coming *c = coming_new(target, message);
    c->from = outside;
    c->to = arrives;
    c->is_first = true;
    if (world_chance(w, w->conditions.corrupt_percent)) {
        c->octets[world_random(w) % c->length] ^= (uint8_t)(1 + world_random(w) % 255);
        c->is_first = false;
    }
    world_schedule(w, c, network_delay(w));
    return c;
}

void network_send(struct gateway *g, const struct ip_endpoint *from, const struct ip_endpoint *to,
                  struct octets message)
{
    struct world *w = g->world;
    const struct flying_datagram d = {*from, *to, message};
    if (w->hook != NULL && !w->hook(w->hook_context, &d))
        return;
    (void)send_once(g, from, to, message);
    if (world_chance(w, w->conditions.duplicate_percent))
        (void)send_once(g, from, to, message);
}

void network_send_esp(struct gateway *g, const struct ip_endpoint *from, const struct ip_endpoint *to,
                      bool encapsulated, struct octets datagram)
{
    unsigned copies = world_chance(g->world, g->world->conditions.duplicate_percent) ? 2 : 1;
    for (unsigned i = 0; i < copies; i++) {
        struct coming *c = send_once(g, from, to, datagram);
        if (c == NULL)
            continue;
        c->kind = COMING_ESP;
        c->encapsulated = encapsulated;
        c->is_first &= copies == 1;
    }
}
