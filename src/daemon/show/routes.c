#include "daemon/show/routes.h"

#include <inttypes.h>
#include <stdio.h>

#include "host/mark.h"

struct showing {
    const struct host *host;
    const struct port_table *ports;
    struct text *out;
};

static char code_of(const struct host_route *route)
{
    if (route->protocol == HOST_PROTOCOL)
        return 'S';
    return route->protocol == RTPROT_KERNEL ? 'C' : 'L';
}

/* The interface that a route leaves by, in the router's words where it has one. */
static void show_interface_of(const struct showing *showing, const struct host_route *route)
{
    char name[PORT_NAME_SIZE];
    const struct inventory_link *link = inventory_find(host_inventory(showing->host), route->link);
    if (link == NULL)
        return;
    if (port_table_find_link(showing->ports, link->is.name, name))
        text_print(showing->out, ", %s", name);
    text_print(showing->out, " (%s)", link->is.name);
    if (!link->is.up || !link->is.carrier)
        text_print(showing->out, ", down");
}

static bool show_route(void *context, const struct host_route *route)
{
    const struct showing *showing = context;
    char text[IP_TEXT_SIZE];
    if (route->kind == HOST_ROUTE_LOCAL || route->kind == HOST_ROUTE_OTHER)
        return true;
    text_print(showing->out, "%c  %s", code_of(route), ip_prefix_format(&route->destination, text));
    if (route->metric != 0)
        text_print(showing->out, " [%" PRIu32 "]", route->metric);
    if (route->kind == HOST_ROUTE_BLACKHOLE)
        text_print(showing->out, ", Null0.0");
    else if (route->gateway.family != IP_NONE)
        text_print(showing->out, " via %s", ip_address_format(&route->gateway, text));
    else
        text_print(showing->out, " is on the link");
    show_interface_of(showing, route);
    text_print(showing->out, "\n");
    return true;
}

bool show_routes(struct host *host, const struct port_table *ports, enum ip_family family, struct text *out,
                 struct host_error *err)
{
    struct showing showing = {host, ports, out};
    const struct host_route_filter filter = {.family = family, .table = HOST_TABLE_MAIN};
    text_print(out, "C - connected, S - of this config, L - of Linux; [distance]\n");
    return host_route_list(host_netlink(host), &filter, show_route, &showing, err);
}
