#include "daemon/keeper/desired.h"

#include <stdio.h>
#include <string.h>

enum { IPV6_MTU_LEAST = 1280 };

struct making {
    const struct configuration *configuration;
    const struct port_table *ports;
    struct event_log *log;
    const struct text *left_out_before;
    struct text *left_out;
    struct host_plan *plan;
};

uint32_t desired_tunnel_mtu(const struct configured_interface *interface)
{
    uint32_t mtu = interface->ipv4_lines.mtu;
    if (interface->ipv6_lines.mtu > mtu)
        mtu = interface->ipv6_lines.mtu;
    if (mtu == 0)
        mtu = TUNNEL_MTU_DEFAULT;
    return interface->ipv6 && mtu < IPV6_MTU_LEAST ? IPV6_MTU_LEAST : mtu;
}

bool desired_is_up(const struct configuration *configuration, const char *name)
{
    const struct configured_interface *interface = host_settings_interface(&configuration->settings, name);
    return interface == NULL || interface->admin != ADMIN_DOWN;
}

static bool has_line(const struct text *text, const char *line)
{
    size_t length = strlen(line);
    for (const char *at = text_get(text); *at != '\0'; at = strchr(at, '\n') + 1) {
        if (strncmp(at, line, length) == 0 && at[length] == '\n')
            return true;
    }
    return false;
}

/* The interface has no link: that is told once, however often it is named and plans are made. */
static void leave_out(const struct making *making, const char *reason)
{
    if (has_line(making->left_out, reason))
        return;
    text_print(making->left_out, "%s\n", reason);
    if (!has_line(making->left_out_before, reason))
        event_log_print(making->log, EVENT_SYSTEM, LOG_LEVEL_WARN, NULL, "left out: %s", reason);
}

/* The Linux link of an interface; says so if there can't be one. */
static bool find_link(const struct making *making, const char *name, char link[HOST_LINK_NAME_SIZE])
{
    struct host_error reason;
    if (port_table_find(making->ports, name, link, &reason))
        return true;
    leave_out(making, reason.text);
    return false;
}

static bool add_addresses(const struct making *making, const char *link,
                          const struct interface_family *family)
{
    for (size_t i = 0; i < family->address_count; i++) {
        struct plan_address address = {.prefix = family->addresses[i]};
        (void)snprintf(address.link, sizeof(address.link), "%s", link);
        if (!host_plan_add_address(making->plan, &address))
            return false;
    }
    return true;
}

static bool add_tunnel(const struct making *making, const struct configured_interface *interface,
                       const char *link)
{
    struct plan_tunnel tunnel = {
        .mtu = desired_tunnel_mtu(interface),
        .up = interface->admin != ADMIN_DOWN,
        .ipv6 = interface->ipv6,
        .link_local = interface->ipv6_enable,
        .options = {.vnet_header = true},
    };
    (void)snprintf(tunnel.name, sizeof(tunnel.name), "%s", link);
    return host_plan_add_tunnel(making->plan, &tunnel);
}

static bool add_port(const struct making *making, const struct configured_interface *interface,
                     const char *link)
{
    struct plan_port port = {.up = true, .mtu = interface->ipv4_lines.mtu};
    (void)snprintf(port.name, sizeof(port.name), "%s", link);
    return host_plan_add_port(making->plan, &port);
}

/* Nothing is used of a port that is shut down; a Tunnel's device stays, but is set down. */
static bool add_interface(const struct making *making, const struct configured_interface *interface)
{
    char link[HOST_LINK_NAME_SIZE];
    bool tunnel = interface->parts.kind == INTERFACE_TUNNEL;
    if (!tunnel && interface->admin == ADMIN_DOWN)
        return true;
    if (!find_link(making, interface->name, link))
        return true;
    if (tunnel && !add_tunnel(making, interface, link))
        return false;
    if (interface->parts.kind == INTERFACE_GIGA_ETHERNET && !add_port(making, interface, link))
        return false;
    return add_addresses(making, link, &interface->ipv4_lines) &&
           add_addresses(making, link, &interface->ipv6_lines);
}

/* The link whose address the gateway's own packets take when they leave by an unnumbered interface. */
static bool source_link_of(const struct making *making, const char *interface, enum ip_family family,
                           char link[HOST_LINK_NAME_SIZE])
{
    const struct configured_interface *found =
        host_settings_interface(&making->configuration->settings, interface);
    if (found == NULL)
        return true;
    const struct interface_family *lines = family == IP_V6 ? &found->ipv6_lines : &found->ipv4_lines;
    return lines->unnumbered[0] == '\0' || find_link(making, lines->unnumbered, link);
}

static bool add_route(const struct making *making, const struct configured_route *from)
{
    struct plan_route route = {
        .destination = from->prefix,
        .kind = from->target == ROUTE_BLACKHOLE ? HOST_ROUTE_BLACKHOLE : HOST_ROUTE_UNICAST,
        .metric = from->distance,
    };
    if (from->target == ROUTE_NEXT_HOP)
        route.gateway = from->next_hop;
    if (from->interface[0] != '\0') {
        bool tunnel = strncmp(from->interface, "Tunnel", strlen("Tunnel")) == 0;
        if (!tunnel && !desired_is_up(making->configuration, from->interface))
            return true;
        if (!find_link(making, from->interface, route.link) ||
            !source_link_of(making, from->interface, from->prefix.address.family, route.source_link))
            return true;
    }
    return host_plan_add_route(making->plan, &route);
}

/* The MSS of what passes a Tunnel is the packet path's to lower. */
static struct plan_mss mss_of(const struct configured_interface *interface,
                              const struct interface_family *lines)
{
    bool port = interface->parts.kind == INTERFACE_GIGA_ETHERNET;
    return (struct plan_mss){
        .lower = port && (lines->adjust_mss_auto || lines->adjust_mss != 0),
        .octets = lines->adjust_mss,
    };
}

/*
 * The address to which NAPT translates on an unnumbered interface. Linux would take one of another interface,
 * such as that of the WAN, and the answers would not come back.
 */
static struct ip_address napt_source(const struct host_settings *settings,
                                     const struct configured_interface *interface)
{
    const struct configured_interface *other =
        interface->ipv4_lines.unnumbered[0] != '\0' && interface->ipv4_lines.address_count == 0
            ? host_settings_interface(settings, interface->ipv4_lines.unnumbered)
            : NULL;
    if (other == NULL || other->ipv4_lines.address_count == 0)
        return (struct ip_address){.family = IP_NONE};
    return other->ipv4_lines.addresses[0].address;
}

/* Filters, NAPT and MSS of the interfaces through which packets pass. */
static bool add_packet_rules(const struct making *making)
{
    const struct host_settings *settings = &making->configuration->settings;
    making->plan->packets.lists = &settings->access_lists;
    for (size_t i = 0; i < settings->interface_count; i++) {
        const struct configured_interface *interface = &settings->interfaces[i];
        bool tunnel = interface->parts.kind == INTERFACE_TUNNEL;
        struct plan_packet_link link = {
            .number = i,
            .filters = &interface->filters,
            .ipv4_mss = mss_of(interface, &interface->ipv4_lines),
            .ipv6_mss = mss_of(interface, &interface->ipv6_lines),
            .napt_source = napt_source(settings, interface),
        };
        if (interface->parts.kind == INTERFACE_LOOPBACK || (!tunnel && interface->admin == ADMIN_DOWN) ||
            !find_link(making, interface->name, link.name))
            continue;
        if (!host_plan_add_packet_link(making->plan, &link))
            return false;
    }
    return true;
}

/* Packets are forwarded only where there is a tunnel to forward them through, or NAPT for them. */
static void want_forwarding(const struct making *making)
{
    const struct host_settings *settings = &making->configuration->settings;
    for (size_t i = 0; i < settings->interface_count; i++) {
        const struct configured_interface *interface = &settings->interfaces[i];
        bool tunnel = interface->parts.kind == INTERFACE_TUNNEL && interface->tunnel_ikev2;
        bool port = interface->parts.kind == INTERFACE_GIGA_ETHERNET && interface->admin != ADMIN_DOWN;
        making->plan->forward_v4 |= tunnel || (port && interface->filters.napt);
        making->plan->forward_v6 |= tunnel && interface->ipv6;
    }
}

static bool fill_in(const struct making *making)
{
    const struct host_settings *settings = &making->configuration->settings;
    for (size_t i = 0; i < settings->interface_count; i++) {
        if (!add_interface(making, &settings->interfaces[i]))
            return false;
    }
    for (size_t i = 0; i < settings->route_count; i++) {
        if (!add_route(making, &settings->routes[i]))
            return false;
    }
    want_forwarding(making);
    return add_packet_rules(making);
}

bool desired_plan(const struct configuration *configuration, const struct port_table *ports,
                  struct event_log *log, struct text *left_out, struct host_plan *plan)
{
    struct text now = {0};
    const struct making making = {configuration, ports, log, left_out, &now, plan};
    bool done = fill_in(&making);
    text_free(left_out);
    *left_out = now;
    return done;
}
