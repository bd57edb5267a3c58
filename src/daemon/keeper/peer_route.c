#include "daemon/keeper/peer_route.h"

#include <string.h>

#include "daemon/keeper/desired.h"

const char *route_problem_text(enum route_problem problem)
{
    static const char *const texts[] = {
        [ROUTE_FOUND] = "",
        [ROUTE_NOT_COMPLETE] = "configuration not complete",
        [ROUTE_UNRESOLVED] = "name of the peer not resolved",
        [ROUTE_NONE] = "no route to the peer",
        [ROUTE_RECURSIVE] = "recursive route",
        [ROUTE_OTHER_INTERFACE] = "the route to the peer leaves by another interface",
        [ROUTE_INTERFACE_DOWN] = "outgoing interface down",
        [ROUTE_NO_SOURCE] = "no address on the outgoing interface",
        [ROUTE_SOURCE_GONE] = "source address not on this host",
        [ROUTE_OTHER_FAMILY] = "next hop or source address of another family than the peer",
        [ROUTE_NOT_PINNED] = "the route to the peer can't be pinned",
    };
    return texts[problem];
}

/* ---- Links and addresses --------------------------------------------------------------------------- */

/* The name of an interface's link; false if it is mapped to none or shut down. */
static bool link_name(const struct configuration *configuration, const struct port_table *ports,
                      const char *interface, char name[HOST_LINK_NAME_SIZE])
{
    return desired_is_up(configuration, interface) && port_table_find(ports, interface, name, NULL);
}

struct route_links route_links_of(const struct configuration *configuration, const struct port_table *ports,
                                  const struct tunnel_policy *policy)
{
    struct route_links links;
    memset(&links, 0, sizeof(links));
    if (policy->out_interface[0] != '\0' &&
        !link_name(configuration, ports, policy->out_interface, links.outgoing))
        memset(links.outgoing, 0, sizeof(links.outgoing));
    if (policy->source_interface[0] != '\0' &&
        !link_name(configuration, ports, policy->source_interface, links.source))
        memset(links.source, 0, sizeof(links.source));
    return links;
}

/* The link of an interface of the config, if it is there, up and not shut down; NULL if not. */
static const struct inventory_link *usable_link(const struct route_finder *finder, const char *interface)
{
    char name[HOST_LINK_NAME_SIZE];
    if (!link_name(finder->configuration, finder->ports, interface, name))
        return NULL;
    const struct inventory_link *link = inventory_find_name(host_inventory(finder->host), name);
    return link != NULL && link->is.up && link->is.carrier ? link : NULL;
}

/* Finds the source address that the policy fixes; IP_NONE if it fixes none. */
static enum route_problem fixed_source(const struct route_finder *finder, const struct tunnel_policy *policy,
                                       enum ip_family family, struct ip_address *source)
{
    *source = (struct ip_address){.family = IP_NONE};
    if (policy->source_kind == SOURCE_ANY)
        return ROUTE_FOUND;
    if (policy->source_kind == SOURCE_ADDRESS) {
        if (family != IP_NONE && policy->source_address.family != family)
            return ROUTE_OTHER_FAMILY;
        if (!inventory_is_usable(host_inventory(finder->host), &policy->source_address))
            return ROUTE_SOURCE_GONE;
        *source = policy->source_address;
        return ROUTE_FOUND;
    }
    const struct inventory_link *link = usable_link(finder, policy->source_interface);
    if (link == NULL)
        return ROUTE_SOURCE_GONE;
    /* The family of the peer is not known: the address selects what is received (R46), in one family. */
    const struct host_ifaddr *address =
        host_primary_address(finder->host, link, family != IP_NONE ? family : IP_V4);
    if (address == NULL && family == IP_NONE)
        address = host_primary_address(finder->host, link, IP_V6);
    if (address == NULL)
        return ROUTE_SOURCE_GONE;
    *source = address->prefix.address;
    return ROUTE_FOUND;
}

/* ---- The four kinds of `outgoing-interface` -------------------------------------------------------- */

/* True if duplicate detection runs for an address of the link. */
static bool has_tentative_address(const struct inventory_link *link, enum ip_family family)
{
    for (const struct inventory_address *at = link->addresses; at != NULL; at = at->next_on_link) {
        const struct ip_address *address = &at->is.prefix.address;
        if (address->family == family && !ip_address_is_link_local(address) && host_ifaddr_may_serve(&at->is))
            return true;
    }
    return false;
}

/* True if Linux is to set an IPv4 address on the link (`ip address dhcp`, `ip address ipcp`). */
static bool has_dynamic_address(const struct route_finder *finder, const struct inventory_link *link)
{
    char name[PORT_NAME_SIZE];
    const struct configured_interface *interface =
        port_table_find_link(finder->ports, link->is.name, name)
            ? host_settings_interface(&finder->configuration->settings, name)
            : NULL;
    return interface != NULL && interface->dynamic;
}

/* True if the link is about to have an address, so that another link's is not to be taken. */
static bool awaits_address(const struct route_finder *finder, const struct inventory_link *link,
                           enum ip_family family)
{
    return has_tentative_address(link, family) || (family == IP_V4 && has_dynamic_address(finder, link));
}

/*
 * The source that Linux would take on a link without an address of its own; none if it does not serve (S41).
 * While the link's own address is not there yet Linux takes another link's, a link-local one, or the
 * loopback.
 */
static struct ip_address source_of(const struct route_finder *finder, const struct inventory_link *link,
                                   const struct ip_address *remote, const struct host_route_answer *answer)
{
    const struct ip_address none = {.family = IP_NONE};
    bool reaches = !ip_address_is_link_local(&answer->source) || ip_address_is_link_local(remote);
    bool serves = reaches && !ip_address_is_loopback(&answer->source) &&
                  inventory_is_usable(host_inventory(finder->host), &answer->source);
    return serves && (link == NULL || !awaits_address(finder, link, remote->family)) ? answer->source : none;
}

const struct configured_route *peer_route_configured(const struct host_settings *settings,
                                                     const struct ip_address *address)
{
    const struct configured_route *best = NULL;
    for (size_t i = 0; i < settings->route_count; i++) {
        const struct configured_route *one = &settings->routes[i];
        if (ip_prefix_contains(&one->prefix, address) &&
            (best == NULL || one->prefix.length > best->prefix.length))
            best = one;
    }
    return best;
}

/* Finds it by the routing table. With `wanted` it has to lead out of that link. */
static enum route_problem routed(const struct route_finder *finder, const struct tunnel_policy *policy,
                                 const struct inventory_link *wanted, struct found_route *route)
{
    const struct host_route_question question = {
        .destination = route->to_peer.remote,
        .source = route->to_peer.local,
    };
    struct host_route_answer answer;
    if (!host_lookup(finder->host, &question, &answer, NULL) || answer.kind != HOST_ROUTE_UNICAST)
        return ROUTE_NONE;
    if (wanted != NULL && answer.link != wanted->is.index)
        return ROUTE_OTHER_INTERFACE;
    if (finder->leads_into(finder->context, answer.link, policy->tunnel))
        return ROUTE_RECURSIVE;
    route->link = answer.link;
    route->next_hop = answer.gateway;
    if (route->to_peer.local.family == IP_NONE) { /* R45: an address of the interface */
        const struct inventory_link *link = inventory_find(host_inventory(finder->host), answer.link);
        const struct host_ifaddr *address =
            link != NULL ? host_primary_address(finder->host, link, route->to_peer.remote.family) : NULL;
        route->to_peer.local = address != NULL ? address->prefix.address
                                               : source_of(finder, link, &route->to_peer.remote, &answer);
    }
    if (route->to_peer.local.family == IP_NONE)
        return ROUTE_NO_SOURCE;
    route->to_peer.ifindex = wanted != NULL ? (uint32_t)wanted->is.index : 0;
    return ROUTE_FOUND;
}

/* Out of a link, to a next hop or, on a point-to-point link, without one; the routing table is not asked. */
static enum route_problem pinned(const struct route_finder *finder, const struct tunnel_policy *policy,
                                 const struct inventory_link *link, enum ip_family family, uint32_t *mark,
                                 struct found_route *route)
{
    const struct ip_address none = {.family = IP_NONE};
    const struct ip_address *next_hop = policy->outgoing == OUTGOING_NEXT_HOP ? &policy->out_next_hop : &none;
    if (next_hop->family != IP_NONE && next_hop->family != family)
        return ROUTE_OTHER_FAMILY;
    if (!host_pin_route(finder->host, link->is.name, family, next_hop, mark, NULL))
        return ROUTE_NOT_PINNED;
    route->link = link->is.index;
    route->next_hop = *next_hop;
    route->to_peer.ifindex = (uint32_t)link->is.index;
    route->to_peer.mark = *mark;
    if (route->to_peer.local.family != IP_NONE)
        return ROUTE_FOUND;
    const struct host_ifaddr *address = host_primary_address(finder->host, link, family);
    if (address == NULL)
        return ROUTE_NO_SOURCE;
    route->to_peer.local = address->prefix.address;
    return ROUTE_FOUND;
}

/* The address of the peer is not known: only the interface has to be there. */
static enum route_problem unnamed(const struct inventory_link *link, struct found_route *route)
{
    if (link != NULL) {
        route->link = link->is.index;
        route->to_peer.ifindex = (uint32_t)link->is.index;
    }
    return ROUTE_FOUND;
}

/* True if the routing table is not to be asked: a next hop is given, or none is needed (S21). */
static bool is_pinned(const struct tunnel_policy *policy, const struct inventory_link *link,
                      enum ip_family family)
{
    if (link == NULL || family == IP_NONE)
        return false;
    return policy->outgoing == OUTGOING_NEXT_HOP ||
           (policy->outgoing == OUTGOING_INTERFACE && link->is.point_to_point);
}

/* Finds the route to one address of the peer; `mark` receives the mark of the pinned route that was taken. */
static enum route_problem find(const struct route_finder *finder, const struct tunnel_policy *policy,
                               const struct ip_address *peer, uint32_t *mark, struct found_route *route)
{
    const struct inventory_link *link = NULL;
    if (!policy->complete)
        return ROUTE_NOT_COMPLETE;
    route->to_peer.remote = *peer;
    if (policy->outgoing != OUTGOING_ROUTED) {
        link = usable_link(finder, policy->out_interface);
        if (link == NULL)
            return ROUTE_INTERFACE_DOWN;
    }
    enum ip_family family = policy->outgoing == OUTGOING_NEXT_HOP ? policy->out_next_hop.family : IP_NONE;
    if (peer->family != IP_NONE)
        family = peer->family;
    enum route_problem problem = fixed_source(finder, policy, family, &route->to_peer.local);
    if (problem != ROUTE_FOUND)
        return problem;
    if (is_pinned(policy, link, family))
        return pinned(finder, policy, link, family, mark, route);
    return peer->family == IP_NONE ? unnamed(link, route) : routed(finder, policy, link, route);
}

/* The route to one address. It holds the pinned route, if there is one. */
static struct found_route route_to(const struct route_finder *finder, const struct tunnel_policy *policy,
                                   const struct ip_address *peer)
{
    struct found_route found = {0};
    found.problem = find(finder, policy, peer, &found.pinned_mark, &found);
    if (found.problem == ROUTE_FOUND && policy->peer_kind == PEER_FQDN && peer->family == IP_NONE)
        found.problem = ROUTE_UNRESOLVED;
    found.to_peer.usable = found.problem == ROUTE_FOUND;
    return found;
}

static struct found_route best_route(const struct route_finder *finder, const struct tunnel_policy *policy,
                                     const struct ip_address *peers, size_t peer_count)
{
    const struct ip_address unknown = {.family = IP_NONE};
    struct found_route best = route_to(finder, policy, peer_count > 0 ? &peers[0] : &unknown);
    for (size_t i = 1; i < peer_count && !best.to_peer.usable; i++) {
        struct found_route other = route_to(finder, policy, &peers[i]);
        struct found_route worse = other.to_peer.usable ? best : other;
        if (other.to_peer.usable)
            best = other;
        peer_route_release(finder->host, &worse);
    }
    return best;
}

static bool routes_differ(const struct peer_route *a, const struct peer_route *b)
{
    return a->usable != b->usable || a->ifindex != b->ifindex || a->mark != b->mark ||
           !ip_address_equal(&a->local, &b->local) || !ip_address_equal(&a->remote, &b->remote);
}

bool peer_route_find(const struct route_finder *finder, const struct tunnel_policy *policy,
                     const struct ip_address *peers, size_t peer_count, struct found_route *route)
{
    struct found_route found = best_route(finder, policy, peers, peer_count);
    /* While the interface is away the pinned route is held: it would be taken again with the same mark. */
    if (found.pinned_mark == 0 && found.problem == ROUTE_INTERFACE_DOWN)
        found.pinned_mark = route->pinned_mark;
    else
        peer_route_release(finder->host, route);
    bool changed = routes_differ(&found.to_peer, &route->to_peer);
    *route = found;
    return changed;
}

void peer_route_release(struct host *host, struct found_route *route)
{
    if (route->pinned_mark != 0)
        host_unpin_route(host, route->pinned_mark);
    route->pinned_mark = 0;
}
