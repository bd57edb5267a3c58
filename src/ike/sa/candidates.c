#include "ike/sa/candidates.h"

#include "ike/wire/identity.h"

#include <string.h>

uint32_t arrival_outgoing(const struct arrival *arrival, uint32_t ifindex)
{
    return ip_address_is_link_local(&arrival->remote->address) ? arrival->ifindex : ifindex;
}

/* ---- The groups of the candidates -------------------------------------------------------------------- */

/* Whether the arrival address is that of the group's tunnels (R46). */
static bool fits_source(const struct tunnel_rule *rule, const struct ip_address *local)
{
    if (rule->source == SOURCE_RULE_NONE || ip_address_equal(&rule->local, local))
        return true;
    return rule->source == SOURCE_RULE_FAMILY && rule->local.family != local->family;
}

/* Whether the arrival interface, if it is known, is the outgoing one of the group's tunnels (R46). */
static bool fits_interface(const struct tunnel_rule *rule, uint32_t ifindex)
{
    return !rule->interface_is_fixed || ifindex == 0 || rule->ifindex == ifindex;
}

/* Whether the tunnels name the peer's address, or none; an FQDN may have addresses of one family only. */
static bool fits_peer(const struct tunnel_rule *rule, const struct ip_address *remote, bool by_address)
{
    if (by_address)
        return ip_address_equal(&rule->peer, remote);
    return rule->peer.family == IP_NONE &&
           (rule->peer_family == IP_NONE || rule->peer_family == remote->family);
}

/* The first fitting group from `group` on; NULL if there is none. */
static struct tunnel_group *next_fitting(struct tunnel_group *group, const struct arrival *arrival,
                                         bool by_address)
{
    while (group != NULL && !(fits_peer(&group->rule, &arrival->remote->address, by_address) &&
                              fits_source(&group->rule, &arrival->local->address) &&
                              fits_interface(&group->rule, arrival->ifindex)))
        group = group->next_of_peer;
    return group;
}

struct candidate_walk candidates_begin(const struct ike_engine *engine, const struct arrival *arrival)
{
    static const struct ip_address none = {.family = IP_NONE};
    const struct tunnel_groups *groups = &engine->objects->groups;
    struct tunnel_group *first = tunnel_groups_of_peer(groups, &arrival->remote->address);
    first = next_fitting(first, arrival, true);
    if (first != NULL)
        return (struct candidate_walk){arrival, true, first};
    first = tunnel_groups_of_peer(groups, &none);
    return (struct candidate_walk){arrival, false, next_fitting(first, arrival, false)};
}

struct tunnel_group *candidates_next(struct candidate_walk *walk)
{
    struct tunnel_group *group = walk->next;
    if (group != NULL)
        walk->next = next_fitting(group->next_of_peer, walk->arrival, walk->by_address);
    return group;
}

/* ---- Who is none ------------------------------------------------------------------------------------- */

enum obstacle candidate_obstacle(const struct ike_tunnel *tunnel, const struct arrival *arrival)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    struct tunnel_rule rule;
    bool may_fit = tunnel_rule_of(tunnel, &rule);
    if (!policy->complete)
        return OBSTACLE_GAP;
    if (policy->shut_down)
        return OBSTACLE_SHUT_DOWN;
    if (policy->direction == NEGOTIATE_INITIATOR)
        return OBSTACLE_DIRECTION;
    if (!may_fit)
        return policy->source_kind == SOURCE_INTERFACE && rule.local.family == IP_NONE
                   ? OBSTACLE_NO_SOURCE
                   : OBSTACLE_NO_INTERFACE;
    if (!fits_source(&rule, &arrival->local->address))
        return OBSTACLE_SOURCE;
    if (!fits_interface(&rule, arrival->ifindex))
        return OBSTACLE_INTERFACE;
    if (rule.peer_family != IP_NONE && rule.peer_family != arrival->remote->address.family)
        return OBSTACLE_FAMILY_OF_THE_NAME;
    return OBSTACLE_NONE;
}

/* ---- What the log says of them ----------------------------------------------------------------------- */

size_t candidates_list(const struct ike_engine *engine, const struct arrival *arrival,
                       const struct ike_tunnel **out, size_t capacity)
{
    size_t count = 0;
    size_t listed = 0;
    struct candidate_walk walk = candidates_begin(engine, arrival);
    const struct tunnel_group *group;
    while ((group = candidates_next(&walk)) != NULL) {
        count += group->count;
        for (size_t i = 0; i < group->count && i < capacity; i++) {
            size_t at = listed;
            for (; at > 0 && out[at - 1]->policy.tunnel > group->members[i].number; at--) {
                if (at < capacity)
                    out[at] = out[at - 1];
            }
            if (at < capacity)
                out[at] = group->members[i].tunnel;
            listed += listed < capacity;
        }
    }
    return count;
}

void candidates_add_lines(const struct ike_engine *engine, const struct arrival *arrival,
                          setting_set settings, struct setting_lines *lines)
{
    struct candidate_walk walk = candidates_begin(engine, arrival);
    struct tunnel_group *group;
    while ((group = candidates_next(&walk)) != NULL)
        tunnel_group_add_lines(group, settings, lines);
}

static bool algorithms_allow(const struct ike_algorithms *a, const struct ike_suite *suite)
{
    return (a->encryption >> (suite->encryption - encryption_algorithms) & 1) != 0 &&
           (suite->integrity == NULL ||
            (a->integrity >> (suite->integrity - integrity_algorithms) & 1) != 0) &&
           (a->prf >> (suite->prf - prf_algorithms) & 1) != 0 &&
           (a->dh >> (suite->dh - key_exchange_methods) & 1) != 0;
}

bool tunnel_allows_suite(const struct ike_tunnel *tunnel, const struct ike_suite *suite)
{
    return algorithms_allow(&tunnel->policy.ike, suite);
}

const struct ike_tunnel *candidates_with_suite(const struct ike_engine *engine, const struct arrival *arrival,
                                               const struct ike_suite *suite)
{
    const struct tunnel_member *newest = NULL;
    struct candidate_walk walk = candidates_begin(engine, arrival);
    const struct tunnel_group *group;
    while ((group = candidates_next(&walk)) != NULL) {
        if (algorithms_allow(&group->rule.ike, suite) &&
            (newest == NULL || group->newest.order > newest->order))
            newest = &group->newest;
    }
    return newest == NULL ? NULL : newest->tunnel;
}

/* ---- What they say together -------------------------------------------------------------------------- */

/* Whose route an answer takes: see struct candidates. */
struct route_choice {
    const struct tunnel_group *marked, *oldest;
};

static void choose_route(struct route_choice *choice, const struct tunnel_group *group)
{
    if (group->rule.mark != 0 &&
        (choice->marked == NULL || group->newest.order > choice->marked->newest.order))
        choice->marked = group;
    if (choice->oldest == NULL || group->oldest.order < choice->oldest->oldest.order)
        choice->oldest = group;
}

enum { MATCHED_MAX = 16 };

/* The last sets of algorithms that an offer was matched with: many groups may have the same. */
struct matched_sets {
    struct ike_algorithms sets[MATCHED_MAX];
    size_t count;
};

/* True if an offer was matched with these algorithms; if not, it is from now on. */
static bool is_matched(struct matched_sets *matched, const struct ike_algorithms *a)
{
    size_t kept = matched->count < MATCHED_MAX ? matched->count : MATCHED_MAX;
    for (size_t i = 0; i < kept; i++) {
        const struct ike_algorithms *b = &matched->sets[i];
        if (a->encryption == b->encryption && a->integrity == b->integrity && a->prf == b->prf &&
            a->dh == b->dh)
            return true;
    }
    matched->sets[matched->count++ % MATCHED_MAX] = *a;
    return false;
}

/* Matches an offer with a group's algorithms. What is better than the choice so far takes its place. */
static void match(struct candidates *c, const struct ike_payload *sa, const struct tunnel_group *group)
{
    const struct proposal_policy policy = proposal_policy_of_ike(&group->rule.ike);
    struct proposal_choice choice;
    enum proposal_result result = proposal_choose(sa, &policy, 0, &choice);
    if (result == PROPOSAL_INVALID)
        c->result = PROPOSAL_INVALID;
    if (result != PROPOSAL_CHOSEN || c->result == PROPOSAL_INVALID)
        return;
    if (c->result == PROPOSAL_NONE || ike_suite_is_better(&choice.suite, &c->choice.suite))
        c->choice = choice;
    c->result = PROPOSAL_CHOSEN;
}

/* Adds a group's CA, if it has one that is not there yet. */
static void add_authority(struct candidates *c, const struct tunnel_rule *rule)
{
    if (!rule->by_certificate || c->authority_count == CANDIDATE_AUTHORITIES_MAX)
        return;
    for (size_t i = 0; i < c->authority_count; i++) {
        if (memcmp(c->authorities[i], rule->authority, AUTHORITY_SIZE) == 0)
            return;
    }
    memcpy(c->authorities[c->authority_count++], rule->authority, AUTHORITY_SIZE);
}

struct candidates candidates_of_init(const struct ike_engine *engine, const struct arrival *arrival,
                                     const struct ike_payload *sa)
{
    struct candidates c = {.result = PROPOSAL_NONE};
    struct route_choice route = {NULL, NULL};
    struct matched_sets matched = {.count = 0};
    struct candidate_walk walk = candidates_begin(engine, arrival);
    const struct tunnel_group *group;
    while ((group = candidates_next(&walk)) != NULL) {
        c.count += group->count;
        c.nat_traversal |= group->rule.nat_traversal;
        c.nat_force |= group->rule.nat_force;
        choose_route(&route, group);
        add_authority(&c, &group->rule);
        if (sa != NULL && !is_matched(&matched, &group->rule.ike))
            match(&c, sa, group);
    }
    if (route.marked != NULL) {
        c.ifindex = route.marked->rule.ifindex;
        c.mark = route.marked->rule.mark;
    } else if (route.oldest != NULL) {
        c.ifindex = route.oldest->rule.ifindex;
    }
    return c;
}

struct answer_route candidates_route(const struct ike_engine *engine, const struct arrival *arrival)
{
    struct candidates c = {.count = 0};
    if (engine->objects->groups.routed_apart != 0)
        c = candidates_of_init(engine, arrival, NULL);
    return (struct answer_route){.ifindex = arrival_outgoing(arrival, c.ifindex), .mark = c.mark};
}

/* ---- The one whose peer it is ------------------------------------------------------------------------ */

struct identity tunnel_local_identity(const struct ike_tunnel *tunnel, const struct ip_address *local)
{
    if (tunnel->policy.local_id.type != ID_NONE)
        return tunnel->policy.local_id;
    return identity_of_address(local);
}

/* The newest of the tunnels with the peer's ID in all groups, and of those that have our ID too. */
struct found_tunnel {
    struct ike_tunnel *by_peer, *by_both;
};

static void take_newer(struct ike_tunnel **found, struct ike_tunnel *tunnel)
{
    if (*found == NULL || tunnel->membership.order > (*found)->membership.order)
        *found = tunnel;
}

struct ike_tunnel *candidates_find(const struct ike_engine *engine, const struct arrival *arrival,
                                   const struct identity *idi, const struct identity *idr)
{
    struct found_tunnel found = {NULL, NULL};
    struct candidate_walk walk = candidates_begin(engine, arrival);
    const struct tunnel_group *group;
    while ((group = candidates_next(&walk)) != NULL) {
        struct ike_tunnel *tunnel = tunnel_group_find(&engine->objects->groups, group, idi);
        for (; tunnel != NULL; tunnel = tunnel->membership.same_id) {
            if (tunnel->membership.group != group || !identity_equal(&tunnel->policy.remote_id, idi))
                continue;
            take_newer(&found.by_peer, tunnel);
            const struct identity own = tunnel_local_identity(tunnel, &arrival->local->address);
            if (idr != NULL && identity_equal(&own, idr))
                take_newer(&found.by_both, tunnel);
        }
    }
    return found.by_both != NULL ? found.by_both : found.by_peer;
}
