#include "ike/sa/candidates.h"

#include "ike/wire/identity.h"

#include <string.h>

uint32_t arrival_outgoing(const struct arrival *arrival, uint32_t ifindex)
{
    return ip_address_is_link_local(&arrival->remote->address) ? arrival->ifindex : ifindex;
}

static bool may_respond(const struct ike_tunnel *tunnel)
{
    return tunnel->policy.complete && !tunnel->policy.shut_down &&
           tunnel->policy.direction != NEGOTIATE_INITIATOR;
}

/* Whether the arrival address is the tunnel's source address (R46). That of an interface the host has looked
 * up, in one family where the peer's is not known. */
static bool fits_source(const struct ike_tunnel *tunnel, const struct ip_address *local)
{
    const struct ip_address *own = &tunnel->route.local;
    if (tunnel->policy.source_kind == SOURCE_ADDRESS)
        return ip_address_equal(&tunnel->policy.source_address, local);
    if (tunnel->policy.source_kind == SOURCE_INTERFACE)
        return own->family != IP_NONE && (own->family != local->family || ip_address_equal(own, local));
    return true;
}

/* Whether the arrival interface is the tunnel's outgoing interface (R46). While that one is away, none is. */
static bool fits_interface(const struct ike_tunnel *tunnel, uint32_t ifindex)
{
    if (tunnel->policy.outgoing == OUTGOING_ROUTED)
        return true;
    return tunnel->route.ifindex != 0 && (ifindex == 0 || tunnel->route.ifindex == ifindex);
}

/* Whether the peer's name is to have addresses of this family. */
static bool fits_family(const struct tunnel_policy *policy, enum ip_family family)
{
    return policy->peer_kind != PEER_FQDN || policy->peer_family == IP_NONE || policy->peer_family == family;
}

static bool fits_arrival(const struct ike_tunnel *tunnel, const struct arrival *arrival)
{
    return fits_source(tunnel, &arrival->local->address) && fits_interface(tunnel, arrival->ifindex) &&
           fits_family(&tunnel->policy, arrival->remote->address.family);
}

static bool names_peer(const struct ike_tunnel *tunnel, const struct arrival *arrival)
{
    return tunnel->policy.peer_kind == PEER_ADDRESS &&
           ip_address_equal(&tunnel->policy.peer_address, &arrival->remote->address);
}

/* One of the two rounds of S22: the tunnels that name the peer's address, or else those that name none. */
static bool is_candidate(const struct ike_tunnel *tunnel, const struct arrival *arrival, bool by_address)
{
    if (!may_respond(tunnel) || !fits_arrival(tunnel, arrival))
        return false;
    return by_address ? names_peer(tunnel, arrival) : tunnel->policy.peer_kind != PEER_ADDRESS;
}

/* Whether the candidates are those that name the peer's address. */
static bool has_candidate_by_address(const struct ike_engine *engine, const struct arrival *arrival)
{
    const struct ike_tunnel *tunnel;
    LIST_FOREACH(tunnel, &engine->objects->tunnel_list, link)
    {
        if (is_candidate(tunnel, arrival, true))
            return true;
    }
    return false;
}

struct candidate_walk candidates_begin(const struct ike_engine *engine, const struct arrival *arrival)
{
    return (struct candidate_walk){arrival, has_candidate_by_address(engine, arrival),
                                   LIST_FIRST(&engine->objects->tunnel_list)};
}

struct ike_tunnel *candidates_next(struct candidate_walk *walk)
{
    struct ike_tunnel *tunnel = walk->next;
    while (tunnel != NULL && !is_candidate(tunnel, walk->arrival, walk->by_address))
        tunnel = LIST_NEXT(tunnel, link);
    walk->next = tunnel == NULL ? NULL : LIST_NEXT(tunnel, link);
    return tunnel;
}

size_t candidates_list(const struct ike_engine *engine, const struct arrival *arrival,
                       const struct ike_tunnel **out, size_t capacity)
{
    size_t count = 0;
    struct candidate_walk walk = candidates_begin(engine, arrival);
    const struct ike_tunnel *tunnel;
    while ((tunnel = candidates_next(&walk)) != NULL) {
        size_t at = count < capacity ? count : capacity;
        for (; at > 0 && out[at - 1]->policy.tunnel > tunnel->policy.tunnel; at--) {
            if (at < capacity)
                out[at] = out[at - 1];
        }
        if (at < capacity)
            out[at] = tunnel;
        count++;
    }
    return count;
}

struct candidates candidates_of_init(const struct ike_engine *engine, const struct arrival *arrival,
                                     const struct ike_payload *sa)
{
    struct candidates c = {.result = PROPOSAL_NONE};
    struct candidate_walk walk = candidates_begin(engine, arrival);
    const struct ike_tunnel *tunnel;
    while ((tunnel = candidates_next(&walk)) != NULL) {
        c.count++;
        if (c.mark == 0) {
            c.ifindex = tunnel->route.ifindex;
            c.mark = tunnel->route.mark;
        }
        c.nat_traversal |= tunnel->policy.nat_traversal;
        c.nat_force |= tunnel->policy.nat_traversal && tunnel->policy.nat_force;
        if (sa == NULL)
            continue;

        const struct proposal_policy policy = proposal_policy_of_ike(&tunnel->policy.ike);
        struct proposal_choice choice;
        enum proposal_result result = proposal_choose(sa, &policy, 0, &choice);
        if (result == PROPOSAL_INVALID) {
            c.result = PROPOSAL_INVALID;
            return c;
        }
        if (result == PROPOSAL_NONE)
            continue;
        if (c.result == PROPOSAL_NONE || ike_suite_is_better(&choice.suite, &c.choice.suite))
            c.choice = choice;
        c.result = PROPOSAL_CHOSEN;
    }
    return c;
}

struct identity tunnel_local_identity(const struct ike_tunnel *tunnel, const struct ip_address *local)
{
    if (tunnel->policy.local_id.type != ID_NONE)
        return tunnel->policy.local_id;
    return identity_of_address(local);
}

struct ike_tunnel *candidates_find(const struct ike_engine *engine, const struct arrival *arrival,
                                   const struct identity *idi, const struct identity *idr)
{
    struct candidate_walk walk = candidates_begin(engine, arrival);
    struct ike_tunnel *found = NULL;
    struct ike_tunnel *tunnel;
    while ((tunnel = candidates_next(&walk)) != NULL) {
        if (!identity_equal(&tunnel->policy.remote_id, idi))
            continue;
        if (found == NULL)
            found = tunnel;
        if (idr == NULL)
            continue;
        const struct identity own = tunnel_local_identity(tunnel, &arrival->local->address);
        if (identity_equal(&own, idr))
            return tunnel;
    }
    return found;
}

bool tunnel_allows_suite(const struct ike_tunnel *tunnel, const struct ike_suite *suite)
{
    const struct ike_algorithms *a = &tunnel->policy.ike;
    return (a->encryption >> (suite->encryption - encryption_algorithms) & 1) != 0 &&
           (suite->integrity == NULL ||
            (a->integrity >> (suite->integrity - integrity_algorithms) & 1) != 0) &&
           (a->prf >> (suite->prf - prf_algorithms) & 1) != 0 &&
           (a->dh >> (suite->dh - key_exchange_methods) & 1) != 0;
}
