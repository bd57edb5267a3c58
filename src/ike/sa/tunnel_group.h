/*
 * Tunnels in groups that an IKE_SA_INIT cannot tell apart (S22): the tunnels of a group fit the same
 * arrivals, and say the same of algorithms, NAT detection and the route of an answer. So the answer of all
 * candidates of a negotiation is worked out from groups, and costs the same with one tunnel and with
 * thousands. Groups are found by the peer's address, and a tunnel of a group by its peer's ID.
 */
#ifndef MUSUBI_IKE_SA_TUNNEL_GROUP_H
#define MUSUBI_IKE_SA_TUNNEL_GROUP_H

#include "base/map.h"
#include "config/setting_lines.h"

struct ike_tunnel;

/* Where messages for a tunnel must arrive. */
enum source_rule {
    SOURCE_RULE_NONE,  /* anywhere */
    SOURCE_RULE_EXACT, /* at that address */
    SOURCE_RULE_FAMILY /* at that address, or at any one of the other family */
};

/* What the tunnels of a group have in common. */
struct tunnel_rule {
    struct ip_address peer;     /* family IP_NONE: it names none (`any`, or by FQDN) */
    enum ip_family peer_family; /* of an FQDN's addresses; IP_NONE: any */
    enum source_rule source;
    struct ip_address local;
    bool interface_is_fixed; /* to the one of the route */
    uint32_t ifindex, mark;  /* of the route to the peer */
    bool nat_traversal, nat_force;
    struct ike_algorithms ike;
    bool by_certificate; /* the peer authenticates itself by a certificate under this CA */
    uint8_t authority[AUTHORITY_SIZE];
};

struct tunnel_member {
    uint32_t number; /* of the tunnel */
    uint64_t order;  /* a tunnel that came later has a higher one */
    struct ike_tunnel *tunnel;
};

struct tunnel_group {
    struct tunnel_rule rule;
    uint32_t number;
    struct tunnel_member *members; /* `count` of them, at least one, by the tunnel's number */
    size_t count, capacity;
    struct tunnel_member oldest, newest;
    struct setting_lines *lines; /* of each setting, SETTING_COUNT of them; NULL: to be worked out */
    struct tunnel_group *same_rule_hash;
    struct tunnel_group *next_of_peer, *previous_of_peer;
};

/* What a tunnel keeps of its group. */
struct tunnel_membership {
    struct tunnel_group *group; /* NULL: none, it may not respond */
    uint64_t order;             /* of tunnel_groups.next_order, from the tunnel's beginning */
    uint32_t id_hash;           /* of its peer's ID */
    struct ike_tunnel *same_id; /* the next one in the group with that hash */
};

struct tunnel_groups {
    struct map by_rule;  /* hash of the rule -> group */
    struct map by_peer;  /* hash of the peer's address -> group */
    struct map by_id;    /* number of the group and hash of the peer's ID -> tunnel */
    size_t routed_apart; /* groups with an interface or a mark of their own */
    uint32_t next_number;
    uint64_t next_order;
};

/* No groups yet; `seed` is that of the maps. */
struct tunnel_groups tunnel_groups_with_seed(uint64_t seed);

/* Frees the maps. No tunnel may be in a group any more. */
void tunnel_groups_free(struct tunnel_groups *groups);

/*
 * A tunnel is new, or its policy or its route has changed: puts it into the group where it belongs now, or
 * into none if it may not respond. False if there is no memory: then it is in none.
 */
bool tunnel_groups_update(struct tunnel_groups *groups, struct ike_tunnel *tunnel);

/*
 * What a tunnel's policy and route make its rule. False if no message can be for the tunnel now, as while its
 * outgoing interface is missing; then `source` and `local` may be left out.
 */
bool tunnel_rule_of(const struct ike_tunnel *tunnel, struct tunnel_rule *rule);

/* Takes a tunnel out of its group, if it has one. */
void tunnel_groups_leave(struct tunnel_groups *groups, struct ike_tunnel *tunnel);

/*
 * The first group of the tunnels that name a peer's address, or with family IP_NONE of those that name none;
 * the others follow by `next_of_peer`. Their rules may name other addresses: hashes can be the same.
 */
struct tunnel_group *tunnel_groups_of_peer(const struct tunnel_groups *groups,
                                           const struct ip_address *address);

/*
 * The first tunnel of a group whose peer's ID has the hash of `id`, or NULL; the others follow by
 * `membership.same_id`.
 */
struct ike_tunnel *tunnel_group_find(const struct tunnel_groups *groups, const struct tunnel_group *group,
                                     const struct identity *id);

/* Adds the lines where settings of the group's tunnels come from. */
void tunnel_group_add_lines(struct tunnel_group *group, setting_set settings, struct setting_lines *lines);

#endif
