#include <stdio.h>
#include <string.h>

#include "check/lint_rules.h"

/* ---- The route to the peer ------------------------------------------------------------------------- */

/* True if the routing table decides where packets to the peer leave, and the config says who that is. */
static bool is_routed(const struct lint_tunnel *tunnel)
{
    const struct tunnel_policy *policy = tunnel->policy;
    return tunnel->in_use && policy->peer_kind == PEER_ADDRESS &&
           (policy->outgoing == OUTGOING_ROUTED || policy->outgoing == OUTGOING_AUTO);
}

/* The tunnel into which packets to the peer of a tunnel go; NULL if they go into none. */
static const struct lint_tunnel *carrier_of(const struct linting *lint, const struct lint_tunnel *tunnel,
                                            const struct known_route **route)
{
    *route = is_routed(tunnel) ? route_table_find(&lint->routes, &tunnel->policy->peer_address) : NULL;
    return *route != NULL && (*route)->interface != NULL ? lint_tunnel_named(lint, (*route)->interface)
                                                         : NULL;
}

enum { TUNNELS_MAX = 16 }; /* one in the other, that are followed */

/* S37: true if packets to the peer go into the tunnel again, directly or through others. */
static bool carries_itself(const struct linting *lint, const struct lint_tunnel *tunnel)
{
    const struct known_route *route;
    const struct lint_tunnel *carrier = carrier_of(lint, tunnel, &route);
    for (size_t i = 0; carrier != NULL && carrier != tunnel && i < TUNNELS_MAX; i++)
        carrier = carrier_of(lint, carrier, &route);
    return carrier == tunnel;
}

void lint_recursive_route(struct linting *lint)
{
    for (size_t i = 0; i < lint->tunnel_count; i++) {
        const struct lint_tunnel *tunnel = &lint->tunnels[i];
        const struct known_route *route;
        char address[IP_TEXT_SIZE];
        if (carrier_of(lint, tunnel, &route) == NULL || !carries_itself(lint, tunnel))
            continue;
        const struct ip_address *peer = &tunnel->policy->peer_address;
        (void)ip_address_format(peer, address);
        lint_warn(lint, route->setting,
                  LINT_VALUES(address, tunnel->policy->name, peer->family == IP_V6 ? "ipv6" : "ip", address,
                              peer->family == IP_V6 ? "128" : "32"));
    }
}

/* True if packets to the peer go into the tunnel again, since `outgoing-interface` names it, or tunnels one
 * behind the other. */
static bool leads_into_itself(const struct linting *lint, const struct lint_tunnel *tunnel)
{
    const struct lint_tunnel *next = tunnel;
    for (size_t i = 0; i < TUNNELS_MAX; i++) {
        next = next->policy->outgoing == OUTGOING_ROUTED
                   ? NULL
                   : lint_tunnel_named(lint, next->policy->out_interface);
        if (next == NULL || next == tunnel)
            break;
    }
    return next == tunnel;
}

void lint_recursive_interface(struct linting *lint)
{
    for (size_t i = 0; i < lint->tunnel_count; i++) {
        const struct lint_tunnel *tunnel = &lint->tunnels[i];
        if (tunnel->in_use && leads_into_itself(lint, tunnel))
            lint_warn(lint, lint_setting_of(lint, tunnel, COMMAND_OUTGOING_INTERFACE),
                      LINT_VALUES(tunnel->policy->name, tunnel->policy->out_interface));
    }
}

/* ---- Next hops ------------------------------------------------------------------------------------- */

static void check_next_hop(struct linting *lint, const struct setting *s, bool ours)
{
    struct ip_address hop;
    char named[INTERFACE_NAME_SIZE], text[IP_TEXT_SIZE], place[LINT_PLACE_SIZE];
    if (!line_next_hop(&s->line, &hop, named) || ip_address_is_link_local(&hop))
        return;
    const struct own_address *own = own_addresses_find(&lint->addresses, &hop);
    (void)ip_address_format(&hop, text);
    if (ours && own != NULL)
        lint_warn(lint, s, LINT_VALUES(text, lint_place(own->setting, place)));
    if (ours || own != NULL || named[0] != '\0' || !lint_knows_addresses(lint, hop.family))
        return;
    const struct known_route *route = route_table_find(&lint->networks, &hop);
    if (route == NULL)
        lint_warn(lint, s, LINT_VALUES(text));
}

static void check_next_hops(struct linting *lint, bool ours)
{
    static const enum command_id rows[] = {COMMAND_IP_ROUTE, COMMAND_IPV6_ROUTE};
    for (size_t i = 0; i < 2; i++) {
        const struct setting *s = section_setting(config_global(lint->config), rows[i]);
        for (; s != NULL; s = setting_next_of_row(s))
            check_next_hop(lint, s, ours);
    }
}

void lint_next_hop_is_ours(struct linting *lint)
{
    check_next_hops(lint, true);
}

void lint_next_hop_off_link(struct linting *lint)
{
    check_next_hops(lint, false);
}

/* True if the lines of an interface say its whole network of that family, and that does not hold the
 * address. */
static bool is_off_link(const struct linting *lint, const char *name, const struct ip_address *address)
{
    const struct configured_interface *interface = host_settings_interface(lint->settings, name);
    if (interface == NULL || (address->family == IP_V4 && interface->dynamic))
        return false;
    const struct interface_family *lines =
        address->family == IP_V4 ? &interface->ipv4_lines : &interface->ipv6_lines;
    const uint8_t whole = address->family == IP_V4 ? 32 : 128;
    for (size_t i = 0; i < lines->address_count; i++) {
        /* A single address is that of a point-to-point link. */
        if (lines->addresses[i].length == whole || ip_prefix_contains(&lines->addresses[i], address))
            return false;
    }
    return lines->address_count > 0;
}

void lint_pinned_hop_off_link(struct linting *lint)
{
    for (size_t i = 0; i < lint->tunnel_count; i++) {
        const struct tunnel_policy *policy = lint->tunnels[i].policy;
        const struct ip_address *hop = &policy->out_next_hop;
        char text[IP_TEXT_SIZE];
        if (policy->outgoing != OUTGOING_NEXT_HOP || ip_address_is_link_local(hop) ||
            !is_off_link(lint, policy->out_interface, hop))
            continue;
        const struct setting *s = lint_setting_of(lint, &lint->tunnels[i], COMMAND_OUTGOING_INTERFACE);
        if (!lint_is_told(lint, s))
            lint_warn(lint, s, LINT_VALUES(policy->out_interface, ip_address_format(hop, text)));
    }
}

/* ---- Routes into tunnels --------------------------------------------------------------------------- */

/* True if another program may add routes: there is a routing protocol. */
static bool has_routing_protocol(const struct config *config)
{
    for (const struct setting *s = config_global(config)->first; s != NULL; s = s->next) {
        if (s->foreign != NULL && strncmp(s->foreign, "router ", strlen("router ")) == 0)
            return true;
    }
    return false;
}

/* What leaves by a tunnel without a route: the packets for its own network, if it has one. */
static const char *what_leaves(const struct section *tunnel, char out[IP_TEXT_SIZE + 32])
{
    static const enum command_id rows[] = {COMMAND_IP_ADDRESS, COMMAND_IPV6_ADDRESS};
    for (size_t i = 0; i < 2; i++) {
        const struct setting *s = section_setting(tunnel, rows[i]);
        struct ip_prefix network;
        char text[IP_TEXT_SIZE];
        if (s == NULL || !line_prefix(&s->line, "address", &network) || network.length == (i == 0 ? 32 : 128))
            continue;
        network.address = ip_prefix_first(&network);
        (void)snprintf(out, IP_TEXT_SIZE + 32, "only what is for %s", ip_prefix_format(&network, text));
        return out;
    }
    return "no packet";
}

void lint_tunnel_without_route(struct linting *lint)
{
    if (has_routing_protocol(lint->config))
        return;
    struct map routed = map_with_seed(0);
    for (size_t i = 0; i < lint->routes.count; i++) {
        const struct known_route *route = &lint->routes.items[i];
        if (route->distance > 0 && route->interface != NULL)
            (void)map_put(&routed, hash_text(HASH_START, route->interface), lint);
    }
    for (size_t i = 0; i < lint->tunnel_count; i++) {
        const struct lint_tunnel *tunnel = &lint->tunnels[i];
        const char *name = tunnel->policy->name;
        char what[IP_TEXT_SIZE + 32];
        if (tunnel->in_use && map_find(&routed, hash_text(HASH_START, name)) == NULL)
            lint_warn(lint, tunnel->section->header,
                      LINT_VALUES(name, what_leaves(tunnel->section, what), name));
    }
    map_free(&routed);
}
