#include "ike/sa/tunnel_group.h"

#include "base/sorted.h"
#include "config/identity.h"
#include "ike/sa/tunnel.h"

#include <stdlib.h>
#include <string.h>

/* ---- Rules ------------------------------------------------------------------------------------------- */

static bool may_respond(const struct tunnel_policy *policy)
{
    return policy->complete && !policy->shut_down && policy->direction != NEGOTIATE_INITIATOR;
}

/*
 * Where messages must arrive by the tunnel's source address (R46). That of an interface is the one that the
 * host has found, in one family where the peer's is not known. False: nowhere, since the interface has none.
 */
static bool take_source(const struct ike_tunnel *tunnel, struct tunnel_rule *rule)
{
    switch (tunnel->policy.source_kind) {
    case SOURCE_ANY:
        return true;
    case SOURCE_ADDRESS:
        rule->source = SOURCE_RULE_EXACT;
        rule->local = tunnel->policy.source_address;
        return true;
    case SOURCE_INTERFACE:
        rule->source = SOURCE_RULE_FAMILY;
        rule->local = tunnel->route.local;
        return rule->local.family != IP_NONE;
    }
    return false;
}

bool tunnel_rule_of(const struct ike_tunnel *tunnel, struct tunnel_rule *rule)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    *rule = (struct tunnel_rule){
        .interface_is_fixed = policy->outgoing != OUTGOING_ROUTED,
        .ifindex = tunnel->route.ifindex,
        .mark = tunnel->route.mark,
        .nat_traversal = policy->nat_traversal,
        .nat_force = policy->nat_traversal && policy->nat_force,
        .ike = policy->ike,
        .by_certificate = policy->remote_auth == AUTH_KIND_RSA,
    };
    if (rule->by_certificate)
        memcpy(rule->authority, policy->authority, sizeof rule->authority);
    if (policy->peer_kind == PEER_ADDRESS)
        rule->peer = policy->peer_address;
    if (policy->peer_kind == PEER_FQDN)
        rule->peer_family = policy->peer_family;
    return may_respond(policy) && take_source(tunnel, rule) &&
           (!rule->interface_is_fixed || rule->ifindex != 0);
}

static bool rules_are_equal(const struct tunnel_rule *a, const struct tunnel_rule *b)
{
    return ip_address_equal(&a->peer, &b->peer) && a->peer_family == b->peer_family &&
           a->source == b->source && ip_address_equal(&a->local, &b->local) &&
           a->interface_is_fixed == b->interface_is_fixed && a->ifindex == b->ifindex && a->mark == b->mark &&
           a->nat_traversal == b->nat_traversal && a->nat_force == b->nat_force &&
           a->ike.encryption == b->ike.encryption && a->ike.integrity == b->ike.integrity &&
           a->ike.prf == b->ike.prf && a->ike.dh == b->ike.dh && a->by_certificate == b->by_certificate &&
           memcmp(a->authority, b->authority, sizeof a->authority) == 0;
}

static uint64_t hash_rule(const struct tunnel_rule *rule)
{
    const uint64_t numbers[] = {rule->peer_family, rule->source,         rule->interface_is_fixed,
                                rule->ifindex,     rule->mark,           rule->nat_traversal,
                                rule->nat_force,   rule->ike.encryption, rule->ike.integrity,
                                rule->ike.prf,     rule->ike.dh,         load_u32be(rule->authority)};
    uint64_t hash = ip_address_hash(ip_address_hash(HASH_START, &rule->peer), &rule->local);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        hash = hash_number(hash, numbers[i]);
    return hash;
}

/* ---- Finding ----------------------------------------------------------------------------------------- */

struct tunnel_groups tunnel_groups_with_seed(uint64_t seed)
{
    return (struct tunnel_groups){
        .by_rule = map_with_seed(seed), .by_peer = map_with_seed(seed), .by_id = map_with_seed(seed)};
}

void tunnel_groups_free(struct tunnel_groups *groups)
{
    map_free(&groups->by_rule);
    map_free(&groups->by_peer);
    map_free(&groups->by_id);
}

struct tunnel_group *tunnel_groups_of_peer(const struct tunnel_groups *groups,
                                           const struct ip_address *address)
{
    return map_find(&groups->by_peer, ip_address_hash(HASH_START, address));
}

static uint64_t id_key(const struct tunnel_group *group, uint32_t id_hash)
{
    return (uint64_t)group->number << 32 | id_hash;
}

struct ike_tunnel *tunnel_group_find(const struct tunnel_groups *groups, const struct tunnel_group *group,
                                     const struct identity *id)
{
    return map_find(&groups->by_id, id_key(group, identity_hash(id)));
}

static struct tunnel_group *group_with(const struct tunnel_groups *groups, const struct tunnel_rule *rule)
{
    struct tunnel_group *group = map_find(&groups->by_rule, hash_rule(rule));
    while (group != NULL && !rules_are_equal(&group->rule, rule))
        group = group->same_rule_hash;
    return group;
}

/* ---- Groups ------------------------------------------------------------------------------------------ */

/*
 * Puts another first value in the place of a key's. That needs no memory, and so cannot fail: the key's slot
 * is free again by then.
 */
static void replace_first(struct map *map, uint64_t key, void *first)
{
    (void)map_remove(map, key);
    if (first != NULL)
        (void)map_put(map, key, first);
}

/* Appends it to those with the same hash. */
static bool join_by_rule(struct tunnel_groups *groups, struct tunnel_group *group)
{
    uint64_t key = hash_rule(&group->rule);
    struct tunnel_group *first = map_find(&groups->by_rule, key);
    if (first == NULL)
        return map_put(&groups->by_rule, key, group);
    group->same_rule_hash = first->same_rule_hash;
    first->same_rule_hash = group;
    return true;
}

static void leave_by_rule(struct tunnel_groups *groups, struct tunnel_group *group)
{
    uint64_t key = hash_rule(&group->rule);
    struct tunnel_group *before = map_find(&groups->by_rule, key);
    if (before == group) {
        replace_first(&groups->by_rule, key, group->same_rule_hash);
        return;
    }
    while (before->same_rule_hash != group)
        before = before->same_rule_hash;
    before->same_rule_hash = group->same_rule_hash;
}

static bool join_by_peer(struct tunnel_groups *groups, struct tunnel_group *group)
{
    uint64_t key = ip_address_hash(HASH_START, &group->rule.peer);
    struct tunnel_group *first = map_find(&groups->by_peer, key);
    if (first == NULL)
        return map_put(&groups->by_peer, key, group);
    group->previous_of_peer = first;
    group->next_of_peer = first->next_of_peer;
    first->next_of_peer = group;
    if (group->next_of_peer != NULL)
        group->next_of_peer->previous_of_peer = group;
    return true;
}

static void leave_by_peer(struct tunnel_groups *groups, struct tunnel_group *group)
{
    if (group->next_of_peer != NULL)
        group->next_of_peer->previous_of_peer = group->previous_of_peer;
    if (group->previous_of_peer != NULL)
        group->previous_of_peer->next_of_peer = group->next_of_peer;
    else
        replace_first(&groups->by_peer, ip_address_hash(HASH_START, &group->rule.peer), group->next_of_peer);
}

static bool is_routed_apart(const struct tunnel_rule *rule)
{
    return rule->ifindex != 0 || rule->mark != 0;
}

static struct tunnel_group *group_new(struct tunnel_groups *groups, const struct tunnel_rule *rule)
{
    struct tunnel_group *group = calloc(1, sizeof *group);
    if (group == NULL)
        return NULL;
    group->rule = *rule;
    group->number = groups->next_number++;
    if (!join_by_rule(groups, group)) {
        free(group);
        return NULL;
    }
    if (!join_by_peer(groups, group)) {
        leave_by_rule(groups, group);
        free(group);
        return NULL;
    }
    groups->routed_apart += is_routed_apart(rule);
    return group;
}

static void forget_lines(struct tunnel_group *group)
{
    free(group->lines);
    group->lines = NULL;
}

static void group_free_if_empty(struct tunnel_groups *groups, struct tunnel_group *group)
{
    if (group->count > 0)
        return;
    leave_by_rule(groups, group);
    leave_by_peer(groups, group);
    groups->routed_apart -= is_routed_apart(&group->rule);
    forget_lines(group);
    free(group->members);
    free(group);
}

/* ---- Members ----------------------------------------------------------------------------------------- */

static uint32_t number_of(const void *member)
{
    return ((const struct tunnel_member *)member)->number;
}

/* Where a tunnel's number stands among the members, or would stand. */
static size_t place_of(const struct tunnel_group *group, uint32_t number)
{
    return sorted_place(group->members, group->count, sizeof *group->members, number_of, number);
}

static bool make_room(struct tunnel_group *group)
{
    if (group->count < group->capacity)
        return true;
    size_t capacity = group->capacity == 0 ? 1 : 2 * group->capacity;
    struct tunnel_member *larger = reallocarray(group->members, capacity, sizeof *larger);
    if (larger == NULL)
        return false;
    group->members = larger;
    group->capacity = capacity;
    return true;
}

static void add_member(struct tunnel_group *group, const struct tunnel_member *member)
{
    size_t at = place_of(group, member->number);
    memmove(&group->members[at + 1], &group->members[at], (group->count - at) * sizeof *member);
    group->members[at] = *member;
    group->count++;
    if (group->count == 1 || member->order < group->oldest.order)
        group->oldest = *member;
    if (group->count == 1 || member->order > group->newest.order)
        group->newest = *member;
    forget_lines(group);
}

static void remove_member(struct tunnel_group *group, uint32_t number)
{
    size_t at = place_of(group, number);
    uint64_t order = group->members[at].order;
    group->count--;
    memmove(&group->members[at], &group->members[at + 1], (group->count - at) * sizeof *group->members);
    forget_lines(group);
    if (group->count == 0 || (order != group->oldest.order && order != group->newest.order))
        return;
    group->oldest = group->newest = group->members[0];
    for (size_t i = 1; i < group->count; i++) {
        if (group->members[i].order < group->oldest.order)
            group->oldest = group->members[i];
        if (group->members[i].order > group->newest.order)
            group->newest = group->members[i];
    }
}

static bool join_by_id(struct tunnel_groups *groups, struct tunnel_group *group, struct ike_tunnel *tunnel)
{
    uint64_t key = id_key(group, tunnel->membership.id_hash);
    struct ike_tunnel *first = map_find(&groups->by_id, key);
    tunnel->membership.same_id = NULL;
    if (first == NULL)
        return map_put(&groups->by_id, key, tunnel);
    tunnel->membership.same_id = first->membership.same_id;
    first->membership.same_id = tunnel;
    return true;
}

static void leave_by_id(struct tunnel_groups *groups, struct ike_tunnel *tunnel)
{
    const struct tunnel_membership *m = &tunnel->membership;
    uint64_t key = id_key(m->group, m->id_hash);
    struct ike_tunnel *before = map_find(&groups->by_id, key);
    if (before == tunnel) {
        replace_first(&groups->by_id, key, m->same_id);
        return;
    }
    while (before->membership.same_id != tunnel)
        before = before->membership.same_id;
    before->membership.same_id = m->same_id;
}

void tunnel_groups_leave(struct tunnel_groups *groups, struct ike_tunnel *tunnel)
{
    struct tunnel_group *group = tunnel->membership.group;
    if (group == NULL)
        return;
    leave_by_id(groups, tunnel);
    remove_member(group, tunnel->policy.tunnel);
    tunnel->membership.group = NULL;
    group_free_if_empty(groups, group);
}

static bool join(struct tunnel_groups *groups, const struct tunnel_rule *rule, struct ike_tunnel *tunnel)
{
    struct tunnel_membership *m = &tunnel->membership;
    struct tunnel_group *group = group_with(groups, rule);
    if (group == NULL)
        group = group_new(groups, rule);
    if (group == NULL)
        return false;
    if (!make_room(group) || !join_by_id(groups, group, tunnel)) {
        group_free_if_empty(groups, group);
        return false;
    }
    add_member(group, &(struct tunnel_member){tunnel->policy.tunnel, m->order, tunnel});
    m->group = group;
    return true;
}

bool tunnel_groups_update(struct tunnel_groups *groups, struct ike_tunnel *tunnel)
{
    struct tunnel_membership *m = &tunnel->membership;
    struct tunnel_rule rule;
    uint32_t id_hash = identity_hash(&tunnel->policy.remote_id);
    bool responds = tunnel_rule_of(tunnel, &rule);
    if (responds && m->group != NULL && m->id_hash == id_hash && rules_are_equal(&m->group->rule, &rule)) {
        forget_lines(m->group);
        return true;
    }
    tunnel_groups_leave(groups, tunnel);
    m->id_hash = id_hash;
    return !responds || join(groups, &rule, tunnel);
}

/* ---- Lines ------------------------------------------------------------------------------------------- */

/* Works out the lines of each setting, for a warning about the group. */
static bool find_lines(struct tunnel_group *group)
{
    group->lines = calloc(SETTING_COUNT, sizeof *group->lines);
    for (size_t i = 0; group->lines != NULL && i < group->count; i++) {
        for (size_t setting = 0; setting < SETTING_COUNT; setting++)
            setting_lines_add(&group->lines[setting], &group->members[i].tunnel->policy,
                              SETTING_BIT(setting));
    }
    return group->lines != NULL;
}

void tunnel_group_add_lines(struct tunnel_group *group, setting_set settings, struct setting_lines *lines)
{
    if (group->count == 1 || (group->lines == NULL && !find_lines(group))) {
        for (size_t i = 0; i < group->count; i++)
            setting_lines_add(lines, &group->members[i].tunnel->policy, settings);
        return;
    }
    for (size_t setting = 0; setting < SETTING_COUNT; setting++) {
        if ((settings & SETTING_BIT(setting)) != 0)
            setting_lines_merge(lines, &group->lines[setting]);
    }
}
