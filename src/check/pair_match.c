#include "check/pair_match.h"

#include <stdlib.h>
#include <string.h>

#include "config/identity.h"

/* ---- How well two tunnels fit ------------------------------------------------------------------------ */

/* Points for what speaks for two tunnels facing each other. Without a word of evidence they don't. */
enum {
    POINTS_ID = 4,      /* for each ID that is the one that the other side expects */
    POINTS_ADDRESS = 3, /* for each peer that is an address of the other side */
    POINTS_OPEN = 1,    /* for each that may be anywhere, or the other side has no address */
    POINTS_EVIDENCE = 3,
};

/* Whether the file says where the tunnel may be. */
static bool has_place(const struct pair_end *end, const struct pair_tunnel *tunnel)
{
    return !tunnel->is_dynamic && (tunnel->source.address.family != IP_NONE || end->address_count > 0);
}

static bool is_at(const struct pair_end *end, const struct pair_tunnel *tunnel,
                  const struct ip_address *address)
{
    return ip_address_equal(&tunnel->source.address, address) || pair_end_address(end, address) != NULL;
}

static int points_of_address(const struct pair_tunnel *from, const struct pair_end *end,
                             const struct pair_tunnel *to)
{
    if (from->policy.peer_kind != PEER_ADDRESS || !has_place(end, to))
        return POINTS_OPEN;
    return is_at(end, to, &from->policy.peer_address) ? POINTS_ADDRESS : 0;
}

static struct identity own_id(const struct pair_end *end, const struct pair_tunnel *tunnel)
{
    if (tunnel->policy.local_id.type != ID_NONE)
        return tunnel->policy.local_id;
    if (tunnel->source.address.family != IP_NONE)
        return identity_of_address(&tunnel->source.address);
    return end->address_count > 0 ? identity_of_address(&end->addresses[0].address)
                                  : (struct identity){.type = ID_NONE};
}

static int points_of_id(const struct pair_tunnel *from, const struct pair_end *end,
                        const struct pair_tunnel *to)
{
    const struct identity id = own_id(end, to);
    return from->policy.remote_id.type != ID_NONE && identity_equal(&from->policy.remote_id, &id) ? POINTS_ID
                                                                                                  : 0;
}

/* ---- All that may be paired -------------------------------------------------------------------------- */

struct candidate {
    struct pair_end *end[2];
    struct pair_tunnel *tunnel[2];
    int points;
    bool has_evidence;
    size_t order;
};

static struct candidate candidate_of(struct pair_end *a, struct pair_tunnel *x, struct pair_end *b,
                                     struct pair_tunnel *y)
{
    int ids = points_of_id(x, b, y) + points_of_id(y, a, x);
    int addresses[] = {points_of_address(x, b, y), points_of_address(y, a, x)};
    return (struct candidate){
        .end = {a, b},
        .tunnel = {x, y},
        .points = ids + addresses[0] + addresses[1],
        .has_evidence =
            ids >= POINTS_EVIDENCE || addresses[0] >= POINTS_EVIDENCE || addresses[1] >= POINTS_EVIDENCE,
    };
}

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->points != y->points)
        return y->points - x->points;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Whether they are all that there is. */
static bool are_alone(const struct pair_end *ends, size_t count)
{
    return count == 2 && ends[0].tunnel_count == 1 && ends[1].tunnel_count == 1;
}

/* All candidates, the best ones first; NULL if memory ran out. */
static struct candidate *list_candidates(struct pair_end *ends, size_t count, size_t *found)
{
    size_t capacity = 1;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++)
            capacity += ends[i].tunnel_count * ends[j].tunnel_count;
    }
    struct candidate *list = calloc(capacity, sizeof *list);
    *found = 0;
    for (size_t i = 0; list != NULL && i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            for (size_t k = 0; k < ends[i].tunnel_count * ends[j].tunnel_count; k++) {
                struct candidate c = candidate_of(&ends[i], &ends[i].tunnels[k / ends[j].tunnel_count],
                                                  &ends[j], &ends[j].tunnels[k % ends[j].tunnel_count]);
                c.order = *found;
                if (c.has_evidence || are_alone(ends, count))
                    list[(*found)++] = c;
            }
        }
    }
    if (list != NULL)
        qsort(list, *found, sizeof *list, compare_candidates);
    return list;
}

/* ---- Where they are ---------------------------------------------------------------------------------- */

/* An address for documentation (RFC 5737, RFC 3849) that no other end was given. */
static struct ip_address address_for(enum ip_family family, size_t number)
{
    struct ip_address address;
    (void)ip_address_parse(family == IP_V6 ? "2001:db8:ffff::" : "192.0.2.0", &address);
    address.octets[family == IP_V6 ? 15 : 3] = (uint8_t)(1 + number % 250);
    return address;
}

static enum ip_family family_between(const struct candidate *c)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct tunnel_policy *policy = &c->tunnel[i]->policy;
        if (policy->peer_kind == PEER_ADDRESS)
            return policy->peer_address.family;
        if (policy->peer_kind == PEER_FQDN && policy->peer_family != IP_NONE)
            return policy->peer_family;
    }
    return IP_V4;
}

static const struct pair_address *own_of_family(const struct pair_end *end, enum ip_family family)
{
    for (size_t i = 0; i < end->address_count; i++) {
        if (end->addresses[i].address.family == family)
            return &end->addresses[i];
    }
    return NULL;
}

/* Where a side is: as its file says, else where the other side expects it, else anywhere. */
static void place(struct pair_side *side, const struct candidate *c, unsigned i, size_t number)
{
    struct pair_end *end = c->end[i];
    const struct pair_tunnel *tunnel = c->tunnel[i];
    const struct tunnel_policy *other = &c->tunnel[1 - i]->policy;
    bool is_expected = other->peer_kind == PEER_ADDRESS;
    enum ip_family family = family_between(c);
    const struct pair_address *expected = is_expected ? pair_end_address(end, &other->peer_address) : NULL;
    const struct pair_address *own = own_of_family(end, family);
    *side = (struct pair_side){.end = end, .tunnel = c->tunnel[i]};
    if (tunnel->source.address.family != IP_NONE) {
        side->address = tunnel->source;
        return;
    }
    if (!tunnel->is_dynamic && (expected != NULL || own != NULL)) {
        side->address = expected != NULL ? *expected : *own;
        return;
    }
    side->is_assigned = true;
    if (is_expected)
        side->address.address = other->peer_address;
    else if (end->assigned.family == family)
        side->address.address = end->assigned;
    else
        end->assigned = side->address.address = address_for(family, number);
}

bool pair_match(struct pair_end *ends, size_t count, struct pair_list *out)
{
    size_t found;
    struct candidate *list = list_candidates(ends, count, &found);
    *out = (struct pair_list){.items = calloc(found + 1, sizeof *out->items)};
    bool good = list != NULL && out->items != NULL;
    for (size_t i = 0; good && i < found; i++) {
        struct candidate *c = &list[i];
        if (c->tunnel[0]->is_paired || c->tunnel[1]->is_paired)
            continue;
        c->tunnel[0]->is_paired = c->tunnel[1]->is_paired = true;
        struct pair *pair = &out->items[out->count++];
        for (unsigned side = 0; side < 2; side++)
            place(&pair->side[side], c, side, (size_t)(c->end[side] - ends));
    }
    free(list);
    if (!good)
        pair_list_free(out);
    return good;
}

void pair_list_free(struct pair_list *list)
{
    free(list->items);
    *list = (struct pair_list){0};
}

bool pair_peer_fits(const struct pair_side *side, const struct pair_side *other)
{
    const struct tunnel_policy *policy = &side->tunnel->policy;
    return policy->peer_kind != PEER_ADDRESS ||
           ip_address_equal(&policy->peer_address, &other->address.address) ||
           pair_end_address(other->end, &policy->peer_address) != NULL;
}

struct identity pair_local_id(const struct pair_side *side)
{
    const struct identity *configured = &side->tunnel->policy.local_id;
    return configured->type != ID_NONE ? *configured : identity_of_address(&side->address.address);
}
