#include "daemon/keeper/peer_route.h"

#include <string.h>

#include "daemon/keeper/desired.h"

const char *way_problem_text(enum way_problem problem)
{
    static const char *const texts[] = {
        [WAY_FOUND] = "",
        [WAY_NOT_COMPLETE] = "configuration not complete",
        [WAY_UNRESOLVED] = "name of the peer not resolved",
        [WAY_NO_ROUTE] = "no route to the peer",
        [WAY_RECURSIVE] = "recursive route",
        [WAY_OTHER_INTERFACE] = "the route to the peer leaves by another interface",
        [WAY_INTERFACE_DOWN] = "outgoing interface down",
        [WAY_NO_SOURCE] = "no address on the outgoing interface",
        [WAY_SOURCE_GONE] = "source address not on this host",
        [WAY_FAMILY] = "next hop or source address of another family than the peer",
        [WAY_FAILED] = "the way out can't be pinned",
    };
    return texts[problem];
}

/* ---- Links and addresses --------------------------------------------------------------------------- */

/* The link of an interface of the config, if it is there, up and not shut down; NULL if not. */
static const struct inventory_link *usable_link(const struct way_finder *finder, const char *interface)
{
    char name[HOST_LINK_NAME_SIZE];
    if (!desired_is_up(finder->configuration, interface) ||
        !port_table_find(finder->ports, interface, name, NULL))
        return NULL;
    const struct inventory_link *link = inventory_find_name(host_inventory(finder->host), name);
    return link != NULL && link->is.up && link->is.carrier ? link : NULL;
}

static bool link_has_source(const struct inventory_link *link, const struct ip_address *address)
{
    for (const struct inventory_address *at = link->addresses; at != NULL; at = at->next_on_link) {
        if (ip_address_equal(&at->is.prefix.address, address))
            return host_ifaddr_is_usable(&at->is);
    }
    return false;
}

/* True if the address is one of this host's that packets can be sent from. */
static bool is_usable_source(const struct host *host, const struct ip_address *address)
{
    const struct inventory *inventory = host_inventory(host);
    for (size_t i = 0; i < inventory->links.capacity; i++) {
        const struct inventory_link *link = inventory->links.slots[i].value;
        if (link != NULL && link->is.up && link_has_source(link, address))
            return true;
    }
    return false;
}

/* The source that the policy fixes, of IP_NONE if it fixes none. */
static enum way_problem fixed_source(const struct way_finder *finder, const struct tunnel_policy *policy,
                                     enum ip_family family, struct ip_address *source)
{
    *source = (struct ip_address){.family = IP_NONE};
    if (policy->source_kind == SOURCE_ANY)
        return WAY_FOUND;
    if (policy->source_kind == SOURCE_ADDRESS) {
        if (family != IP_NONE && policy->source_address.family != family)
            return WAY_FAMILY;
        if (!is_usable_source(finder->host, &policy->source_address))
            return WAY_SOURCE_GONE;
        *source = policy->source_address;
        return WAY_FOUND;
    }
    const struct inventory_link *link = usable_link(finder, policy->source_interface);
    if (link == NULL)
        return WAY_SOURCE_GONE;
    /* Of a peer whose family is not known: it selects on receive (R46), in one family. */
    const struct host_ifaddr *address =
        host_primary_address(finder->host, link, family != IP_NONE ? family : IP_V4);
    if (address == NULL && family == IP_NONE)
        address = host_primary_address(finder->host, link, IP_V6);
    if (address == NULL)
        return WAY_SOURCE_GONE;
    *source = address->prefix.address;
    return WAY_FOUND;
}

/* ---- The four kinds of `outgoing-interface` -------------------------------------------------------- */

/* As the routing table says. With `wanted` only if it says that link. */
static enum way_problem routed(const struct way_finder *finder, const struct tunnel_policy *policy,
                               const struct inventory_link *wanted, struct way *way)
{
    const struct host_route_question question = {
        .destination = way->way.remote,
        .source = way->way.local,
    };
    struct host_route_answer answer;
    if (!host_lookup(finder->host, &question, &answer, NULL) || answer.kind != HOST_ROUTE_UNICAST)
        return WAY_NO_ROUTE;
    if (wanted != NULL && answer.link != wanted->is.index)
        return WAY_OTHER_INTERFACE;
    if (finder->leads_into(finder->context, answer.link, policy->tunnel))
        return WAY_RECURSIVE;
    way->link = answer.link;
    if (way->way.local.family == IP_NONE) { /* R45: an address of the interface */
        const struct inventory_link *link = inventory_find(host_inventory(finder->host), answer.link);
        const struct host_ifaddr *address =
            link != NULL ? host_primary_address(finder->host, link, way->way.remote.family) : NULL;
        way->way.local = address != NULL ? address->prefix.address : answer.source;
    }
    if (way->way.local.family == IP_NONE)
        return WAY_NO_SOURCE;
    way->way.ifindex = wanted != NULL ? (uint32_t)wanted->is.index : 0;
    return WAY_FOUND;
}

/* Out of a link, to a next hop or, on a point-to-point link, without; the routing table is not asked. */
static enum way_problem pinned(const struct way_finder *finder, const struct tunnel_policy *policy,
                               const struct inventory_link *link, enum ip_family family, uint32_t *mark,
                               struct way *way)
{
    const struct ip_address none = {.family = IP_NONE};
    const struct ip_address *next_hop = policy->outgoing == OUTGOING_NEXT_HOP ? &policy->out_next_hop : &none;
    if (next_hop->family != IP_NONE && next_hop->family != family)
        return WAY_FAMILY;
    if (!host_pin_route(finder->host, link->is.name, family, next_hop, mark, NULL))
        return WAY_FAILED;
    way->link = link->is.index;
    way->way.ifindex = (uint32_t)link->is.index;
    way->way.mark = *mark;
    if (way->way.local.family != IP_NONE)
        return WAY_FOUND;
    const struct host_ifaddr *address = host_primary_address(finder->host, link, family);
    if (address == NULL)
        return WAY_NO_SOURCE;
    way->way.local = address->prefix.address;
    return WAY_FOUND;
}

/* A peer whose address is not known: the interface alone has to be there. */
static enum way_problem unnamed(const struct inventory_link *link, struct way *way)
{
    if (link != NULL) {
        way->link = link->is.index;
        way->way.ifindex = (uint32_t)link->is.index;
    }
    return WAY_FOUND;
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

/* Works it out for one address of the peer; `mark` receives the mark of the pinned way that was taken. */
static enum way_problem find(const struct way_finder *finder, const struct tunnel_policy *policy,
                             const struct ip_address *peer, uint32_t *mark, struct way *way)
{
    const struct inventory_link *link = NULL;
    if (!policy->complete)
        return WAY_NOT_COMPLETE;
    way->way.remote = *peer;
    if (policy->outgoing != OUTGOING_ROUTED) {
        link = usable_link(finder, policy->out_interface);
        if (link == NULL)
            return WAY_INTERFACE_DOWN;
    }
    enum ip_family family = policy->outgoing == OUTGOING_NEXT_HOP ? policy->out_next_hop.family : IP_NONE;
    if (peer->family != IP_NONE)
        family = peer->family;
    enum way_problem problem = fixed_source(finder, policy, family, &way->way.local);
    if (problem != WAY_FOUND)
        return problem;
    if (is_pinned(policy, link, family))
        return pinned(finder, policy, link, family, mark, way);
    return peer->family == IP_NONE ? unnamed(link, way) : routed(finder, policy, link, way);
}

/* The way to one address. It holds the pinned way, if there is one. */
static struct way way_to(const struct way_finder *finder, const struct tunnel_policy *policy,
                         const struct ip_address *peer)
{
    struct way found = {0};
    found.problem = find(finder, policy, peer, &found.taken_mark, &found);
    if (found.problem == WAY_FOUND && policy->peer_kind == PEER_FQDN && peer->family == IP_NONE)
        found.problem = WAY_UNRESOLVED;
    found.way.usable = found.problem == WAY_FOUND;
    return found;
}

static struct way best_way(const struct way_finder *finder, const struct tunnel_policy *policy,
                           const struct ip_address *peers, size_t peer_count)
{
    const struct ip_address unknown = {.family = IP_NONE};
    struct way best = way_to(finder, policy, peer_count > 0 ? &peers[0] : &unknown);
    for (size_t i = 1; i < peer_count && !best.way.usable; i++) {
        struct way other = way_to(finder, policy, &peers[i]);
        struct way worse = other.way.usable ? best : other;
        if (other.way.usable)
            best = other;
        way_release(finder->host, &worse);
    }
    return best;
}

static bool ways_differ(const struct peer_route *a, const struct peer_route *b)
{
    return a->usable != b->usable || a->ifindex != b->ifindex || a->mark != b->mark ||
           !ip_address_equal(&a->local, &b->local) || !ip_address_equal(&a->remote, &b->remote);
}

bool way_find(const struct way_finder *finder, const struct tunnel_policy *policy,
              const struct ip_address *peers, size_t peer_count, struct way *way)
{
    struct way found = best_way(finder, policy, peers, peer_count);
    /* While the interface is away the pinned way is held: it would be taken again with the same mark. */
    if (found.taken_mark == 0 && found.problem == WAY_INTERFACE_DOWN)
        found.taken_mark = way->taken_mark;
    else
        way_release(finder->host, way);
    bool changed = ways_differ(&found.way, &way->way);
    *way = found;
    return changed;
}

void way_release(struct host *host, struct way *way)
{
    if (way->taken_mark != 0)
        host_unpin_route(host, way->taken_mark);
    way->taken_mark = 0;
}
