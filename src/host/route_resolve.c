#include "host/route_resolve.h"

#include <errno.h>

/* True if the gateway may be behind the link. It may be behind a Tunnel only if an address of the Tunnel says
 * so: else a default route through a Tunnel would become the route to its own peer when that route is gone.
 */
static bool may_be_behind(const struct inventory *inventory, int link, const struct ip_address *gateway)
{
    const struct inventory_link *known = inventory_find(inventory, link);
    return known == NULL || !known->is.ours || inventory_is_on_network(known, gateway);
}

/* Finds the link by which a gateway is reached, or else the Tunnel that has it on its network: while a Tunnel
 * has no carrier, a lookup passes it over (S20), and so it will the route. */
static bool find_link(const struct host_kernel *kernel, const struct route_surroundings *around,
                      const struct ip_address *gateway, int *link, struct host_error *err)
{
    const struct host_route_question question = {.destination = *gateway};
    struct host_route_answer answer;
    struct host_error reason;
    bool answered = host_route_lookup(kernel->netlink, &question, &answer, &reason);
    bool beside = answered && answer.kind == HOST_ROUTE_UNICAST && answer.gateway.family == IP_NONE &&
                  may_be_behind(&kernel->inventory, answer.link, gateway);
    *link = beside ? answer.link : host_tunnels_find_network(around->tunnels, &kernel->inventory, gateway);
    char text[IP_TEXT_SIZE];
    if (*link != 0)
        return true;
    if (!answered)
        return host_fail_because(err, &reason, "next hop");
    return host_fail(err, ENETUNREACH, "next hop %s is not on a network of this host",
                     ip_address_format(gateway, text));
}

/* The address that the host's own packets take. */
static struct ip_address source_of(const struct plan_route *plan, const struct host_kernel *kernel,
                                   const struct route_surroundings *around)
{
    const struct inventory_link *link =
        plan->source_link[0] != '\0' ? inventory_find_name(&kernel->inventory, plan->source_link) : NULL;
    const struct host_ifaddr *source =
        link != NULL ? host_addresses_primary(around->addresses, link, plan->destination.address.family)
                     : NULL;
    return source != NULL ? source->prefix.address : (struct ip_address){.family = IP_NONE};
}

/*
 * True if packets can leave by the link. Linux would keep routes out of a link that has lost its carrier and
 * drop their packets, but a route of less preference has to take over, as on the router. Of a Tunnel that is
 * down the routes stay, and host_use_tunnel says what becomes of their packets.
 */
static bool is_serving(const struct inventory_link *link)
{
    return link != NULL && link->is.up && (link->is.carrier || link->is.ours);
}

enum route_resolved host_route_resolve(const struct plan_route *plan, const struct host_kernel *kernel,
                                       const struct route_surroundings *around, struct host_route *out,
                                       struct host_error *err)
{
    *out = (struct host_route){
        .destination = plan->destination,
        .kind = plan->kind,
        .gateway = plan->gateway,
        .metric = plan->metric,
        .table = plan->table,
        .onlink = plan->onlink,
    };
    if (plan->kind == HOST_ROUTE_UNICAST && plan->link[0] != '\0') {
        const struct inventory_link *link = inventory_find_name(&kernel->inventory, plan->link);
        if (!is_serving(link))
            return ROUTE_WAITS;
        out->link = link->is.index;
    } else if (plan->kind == HOST_ROUTE_UNICAST) {
        struct host_error reason;
        char text[HOST_ROUTE_TEXT_SIZE];
        if (!find_link(kernel, around, &plan->gateway, &out->link, &reason)) {
            (void)host_fail_because(err, &reason, "route %s cannot be used", host_route_format(out, text));
            return ROUTE_UNUSABLE;
        }
        if (!is_serving(inventory_find(&kernel->inventory, out->link)))
            return ROUTE_WAITS;
    }
    out->source = source_of(plan, kernel, around);
    return ROUTE_RESOLVED;
}
