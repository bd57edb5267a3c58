#include "host/plan.h"

#include <stdlib.h>
#include <string.h>

/* Appends the `size` octets at `entry` to the array `*entries`. */
static bool append(void **entries, size_t *count, size_t *room, const void *entry, size_t size)
{
    if (*count == *room) {
        size_t more = *room == 0 ? 8 : 2 * *room;
        void *grown = reallocarray(*entries, more, size);
        if (grown == NULL)
            return false;
        *entries = grown;
        *room = more;
    }
    memcpy((char *)*entries + *count * size, entry, size);
    (*count)++;
    return true;
}

bool host_plan_add_tunnel(struct host_plan *plan, const struct plan_tunnel *tunnel)
{
    void *entries = plan->tunnels;
    bool added = append(&entries, &plan->tunnel_count, &plan->tunnel_room, tunnel, sizeof *tunnel);
    plan->tunnels = entries;
    return added;
}

bool host_plan_add_port(struct host_plan *plan, const struct plan_port *port)
{
    void *entries = plan->ports;
    bool added = append(&entries, &plan->port_count, &plan->port_room, port, sizeof *port);
    plan->ports = entries;
    return added;
}

bool host_plan_add_address(struct host_plan *plan, const struct plan_address *address)
{
    void *entries = plan->addresses;
    bool added = append(&entries, &plan->address_count, &plan->address_room, address, sizeof *address);
    plan->addresses = entries;
    return added;
}

bool host_plan_add_route(struct host_plan *plan, const struct plan_route *route)
{
    struct plan_route whole = *route;
    whole.destination.address = ip_prefix_first(&route->destination);
    if (whole.table == 0)
        whole.table = HOST_TABLE_MAIN;
    void *entries = plan->routes;
    bool added = append(&entries, &plan->route_count, &plan->route_room, &whole, sizeof whole);
    plan->routes = entries;
    return added;
}

bool host_plan_add_packet_link(struct host_plan *plan, const struct plan_packet_link *link)
{
    void *entries = plan->packets.links;
    bool added = append(&entries, &plan->packets.link_count, &plan->packets.link_room, link, sizeof *link);
    plan->packets.links = entries;
    return added;
}

void host_plan_clear(struct host_plan *plan)
{
    free(plan->tunnels);
    free(plan->ports);
    free(plan->addresses);
    free(plan->routes);
    free(plan->packets.links);
    *plan = (struct host_plan){0};
}
