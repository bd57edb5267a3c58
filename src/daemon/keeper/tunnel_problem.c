#include "daemon/keeper/tunnel_problem.h"

#include <inttypes.h>
#include <string.h>

#include "config/gap.h"
#include "config/setting_lines.h"
#include "daemon/keeper/desired.h"
#include "daemon/show/interfaces.h"

enum { IPV6_LEAST_MTU = 1280 };

static void print_line(uint32_t line, struct text *out)
{
    struct setting_lines lines = {0};
    char lines_text[SETTING_LINES_TEXT_SIZE];
    setting_lines_add_line(&lines, line);
    if (line != 0)
        text_print(out, "; %s", setting_lines_format(&lines, lines_text));
}

static void print_lines(const struct tunnel_policy *policy, enum policy_setting setting, struct text *out)
{
    print_line(policy->line[setting], out);
}

/* ---- The route to the peer --------------------------------------------------------------------------- */

/* Why an interface is of no use; NULL if it is up. */
static const char *interface_problem(const struct tunnel_problem_sources *from, const char *interface)
{
    char name[HOST_LINK_NAME_SIZE] = "";
    if (!desired_is_up(from->configuration, interface))
        return "shutdown";
    (void)port_table_find(from->ports, interface, name, NULL);
    return show_link_problem(inventory_find_name(from->inventory, name));
}

/* Why the interface that `outgoing-interface` names is of no use. */
static void print_interface_down(const struct tunnel_problem_sources *from,
                                 const struct tunnel_policy *policy, struct text *out)
{
    const char *problem = interface_problem(from, policy->out_interface);
    text_print(out, ", %s: %s", policy->out_interface, problem != NULL ? problem : "not used yet");
}

/* Linux takes IPv6 from a link whose MTU is less than IPv6 needs, and the routes with it. */
static void print_too_small_link(const struct tunnel_problem_sources *from, struct text *out)
{
    const struct host_settings *settings = &from->configuration->settings;
    for (size_t i = 0; i < settings->interface_count; i++) {
        char name[HOST_LINK_NAME_SIZE];
        const struct configured_interface *interface = &settings->interfaces[i];
        if (interface->ipv6_lines.address_count == 0 ||
            !port_table_find(from->ports, interface->name, name, NULL))
            continue;
        const struct inventory_link *link = inventory_find_name(from->inventory, name);
        if (link != NULL && link->is.mtu < IPV6_LEAST_MTU) {
            text_print(out, "; %s has an MTU of %" PRIu32 ", and IPv6 needs %d", interface->name,
                       link->is.mtu, IPV6_LEAST_MTU);
            return;
        }
    }
}

static void print_peer(const struct ip_address *peer, struct text *out)
{
    char address[IP_TEXT_SIZE];
    if (peer->family != IP_NONE)
        text_print(out, " %s", ip_address_format(peer, address));
}

static void print_source(const struct tunnel_policy *policy, struct text *out)
{
    char address[IP_TEXT_SIZE];
    if (policy->source_kind == SOURCE_ADDRESS)
        text_print(out, ": %s", ip_address_format(&policy->source_address, address));
    else
        text_print(out, ": %s has none that serves", policy->source_interface);
}

/* S37: Linux does not find the route into a Tunnel that is down. */
static bool leads_into_itself(const struct tunnel_problem_sources *from, const struct tunnel *tunnel)
{
    const struct found_route *found = &tunnel->route.found;
    if (found->problem != ROUTE_NONE)
        return false;
    const struct configured_route *route =
        peer_route_configured(&from->configuration->settings, &found->to_peer.remote);
    return route != NULL && route->target == ROUTE_INTERFACE &&
           strcmp(route->interface, tunnel->policy.name) == 0;
}

static void print_route_problem(const struct tunnel_problem_sources *from, const struct tunnel *tunnel,
                                struct text *out)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    const struct found_route *route = &tunnel->route.found;
    const char *of_name = tunnel_name_problem(&tunnel->name);
    enum policy_setting setting = SETTING_PEER;
    enum route_problem problem = leads_into_itself(from, tunnel) ? ROUTE_RECURSIVE : route->problem;
    text_print(out, "%s", route_problem_text(problem));
    switch (problem) {
    case ROUTE_UNRESOLVED:
        if (of_name != NULL)
            text_print(out, ": %s", of_name);
        break;
    case ROUTE_NONE:
        print_peer(&route->to_peer.remote, out);
        break;
    case ROUTE_INTERFACE_DOWN:
        print_interface_down(from, policy, out);
        setting = SETTING_OUTGOING_INTERFACE;
        break;
    case ROUTE_OTHER_INTERFACE:
    case ROUTE_NO_SOURCE:
    case ROUTE_OTHER_FAMILY:
    case ROUTE_NOT_PINNED:
        setting = SETTING_OUTGOING_INTERFACE;
        break;
    case ROUTE_SOURCE_GONE:
        print_source(policy, out);
        setting = SETTING_SOURCE_ADDRESS;
        break;
    default:
        break;
    }
    print_lines(policy, setting, out);
    if (route->to_peer.remote.family == IP_V6)
        print_too_small_link(from, out);
}

/* ---- The port that is the cause ---------------------------------------------------------------------- */

/* The interface of the config on whose network an address is; NULL if there is none. */
static const char *interface_towards(const struct host_settings *settings, const struct ip_address *address)
{
    for (size_t i = 0; i < settings->interface_count; i++) {
        const struct configured_interface *interface = &settings->interfaces[i];
        const struct interface_family *lines =
            address->family == IP_V6 ? &interface->ipv6_lines : &interface->ipv4_lines;
        for (size_t j = 0; j < lines->address_count; j++) {
            if (ip_prefix_contains(&lines->addresses[j], address))
                return interface->name;
        }
    }
    return NULL;
}

/* The interface by which the config sends packets for a peer. */
static const char *interface_of_peer(const struct host_settings *settings, const struct ip_address *peer)
{
    const struct configured_route *route = peer_route_configured(settings, peer);
    if (peer->family == IP_NONE)
        return NULL;
    if (route == NULL)
        return interface_towards(settings, peer);
    if (route->interface[0] != '\0')
        return route->interface;
    return route->target == ROUTE_NEXT_HOP ? interface_towards(settings, &route->next_hop) : NULL;
}

const char *tunnel_problem_port(const struct tunnel_problem_sources *from, const struct tunnel *tunnel)
{
    const struct found_route *route = &tunnel->route.found;
    const char *interface = NULL;
    switch (route->problem) {
    case ROUTE_INTERFACE_DOWN:
    case ROUTE_NO_SOURCE:
    case ROUTE_OTHER_INTERFACE:
        interface = tunnel->policy.out_interface;
        break;
    case ROUTE_SOURCE_GONE:
        if (tunnel->policy.source_kind == SOURCE_INTERFACE)
            interface = tunnel->policy.source_interface;
        break;
    case ROUTE_NONE:
        interface = interface_of_peer(&from->configuration->settings, &route->to_peer.remote);
        break;
    default:
        break;
    }
    if (interface == NULL || strncmp(interface, "Tunnel", strlen("Tunnel")) == 0)
        return NULL;
    return interface_problem(from, interface) != NULL ? interface : NULL;
}

void tunnel_problem_print_port(const char *port, const char *said, struct text *out)
{
    if (port != NULL && strstr(said, port) == NULL)
        text_print(out, "; %s is down", port);
}

/* ---- All causes -------------------------------------------------------------------------------------- */

static bool waits_for_peer(const struct tunnel_policy *policy)
{
    return policy->peer_kind == PEER_ANY || policy->direction == NEGOTIATE_RESPONDER;
}

static void print_no_sa(const struct tunnel *tunnel, struct text *out)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    const struct history_event *end = history_last_delete(&tunnel->history);
    char at[LOCAL_TIME_SIZE];
    text_print(out, "no SA");
    if (end != NULL)
        text_print(out, " since %s (%s)", local_time_format(end->at, at), history_delete_reason(end));
    if (tunnel->failure.text != NULL) {
        text_print(out, ": %s %s", local_time_format(tunnel->failure.at, at), tunnel->failure.text);
    } else if (policy->peer_kind == PEER_ANY) {
        text_print(out, ": the peer has to begin, since `ikev2 peer` is any");
        print_lines(policy, SETTING_PEER, out);
    } else if (waits_for_peer(policy)) {
        text_print(out, ": the peer has to begin, since `ikev2 negotiation-direction` is responder");
        print_lines(policy, SETTING_DIRECTION, out);
    }
}

enum tunnel_problem tunnel_problem_of(const struct tunnel *tunnel)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    if (policy->shut_down)
        return TUNNEL_PROBLEM_SHUTDOWN;
    if (policy->gap != GAP_NONE)
        return TUNNEL_PROBLEM_GAP;
    if (tunnel->stage == TUNNEL_WITHOUT_DEVICE)
        return TUNNEL_PROBLEM_DEVICE;
    if (tunnel->stage == TUNNEL_REFUSED)
        return TUNNEL_PROBLEM_PATH;
    if (tunnel->use == TUNNEL_CARRIES)
        return TUNNEL_PROBLEM_NONE;
    if (tunnel->route.found.problem != ROUTE_FOUND)
        return TUNNEL_PROBLEM_ROUTE;
    return waits_for_peer(policy) ? TUNNEL_PROBLEM_WAITS : TUNNEL_PROBLEM_NO_SA;
}

void tunnel_problem_print(const struct tunnel_problem_sources *from, const struct tunnel *tunnel,
                          struct text *out)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    char gap[POLICY_GAP_TEXT_SIZE];
    switch (tunnel_problem_of(tunnel)) {
    case TUNNEL_PROBLEM_NONE:
        break;
    case TUNNEL_PROBLEM_SHUTDOWN:
        text_print(out, "shutdown");
        print_lines(policy, SETTING_SHUTDOWN, out);
        break;
    case TUNNEL_PROBLEM_GAP:
        text_print(out, "configuration not complete: %s", policy_gap_text(policy, gap));
        print_line(policy->gap_line, out);
        break;
    case TUNNEL_PROBLEM_DEVICE:
        text_print(out, "no TUN device");
        break;
    case TUNNEL_PROBLEM_PATH:
        text_print(out, "refused by the packet path");
        break;
    case TUNNEL_PROBLEM_ROUTE:
        print_route_problem(from, tunnel, out);
        break;
    case TUNNEL_PROBLEM_WAITS:
    case TUNNEL_PROBLEM_NO_SA:
        print_no_sa(tunnel, out);
        break;
    }
}
