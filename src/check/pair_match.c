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
    const struct ip_address *peer = pair_tunnel_peer(from);
    if (peer == NULL || !has_place(end, to))
        return POINTS_OPEN;
    return is_at(end, to, peer) ? POINTS_ADDRESS : 0;
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

/* ---- Who is paired ----------------------------------------------------------------------------------- */

/* Two tunnels that may face each other. */
struct candidate {
    struct pair_end *end[2];
    struct pair_tunnel *tunnel[2];
};

enum { POINTS_MAX = 2 * POINTS_ID + 2 * POINTS_ADDRESS, POINTS_NONE = -1 };

/* Whether they are all that there is. */
static bool are_alone(const struct pair_end *ends, size_t count)
{
    return count == 2 && ends[0].tunnel_count == 1 && ends[1].tunnel_count == 1;
}

/* The points of two tunnels; POINTS_NONE if nothing tells that they face each other. */
static int points_of(const struct candidate *c, bool alone)
{
    int points[] = {points_of_id(c->tunnel[0], c->end[1], c->tunnel[1]),
                    points_of_id(c->tunnel[1], c->end[0], c->tunnel[0]),
                    points_of_address(c->tunnel[0], c->end[1], c->tunnel[1]),
                    points_of_address(c->tunnel[1], c->end[0], c->tunnel[0])};
    int sum = 0;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        sum += points[i];
        alone = alone || points[i] >= POINTS_EVIDENCE;
    }
    return alone ? sum : POINTS_NONE;
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
        const struct ip_address *peer = pair_tunnel_peer(c->tunnel[i]);
        if (peer != NULL)
            return peer->family;
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
    const struct ip_address *peer = pair_tunnel_peer(c->tunnel[1 - i]);
    enum ip_family family = family_between(c);
    const struct pair_address *expected = peer != NULL ? pair_end_address(end, peer) : NULL;
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
    if (peer != NULL)
        side->address.address = *peer;
    else if (end->assigned.family == family)
        side->address.address = end->assigned;
    else
        end->assigned = side->address.address = address_for(family, number);
}

static void add_pair(struct pair_list *list, const struct pair_end *ends, const struct candidate *c)
{
    struct pair *pair = &list->items[list->count++];
    for (unsigned side = 0; side < 2; side++) {
        c->tunnel[side]->is_paired = true;
        place(&pair->side[side], c, side, (size_t)(c->end[side] - ends));
    }
}

/* Pairs the tunnels of two ends that have that many points. The result is the most points below them that two
 * others have, but at least `below`. */
static int pair_ends(struct pair_end *ends, size_t count, size_t i, size_t j, int points, int below,
                     struct pair_list *out)
{
    bool alone = are_alone(ends, count);
    for (struct pair_tunnel *x = ends[i].tunnels; x < ends[i].tunnels + ends[i].tunnel_count; x++) {
        struct pair_tunnel *y = ends[j].tunnels;
        for (; !x->is_paired && y < ends[j].tunnels + ends[j].tunnel_count; y++) {
            const struct candidate c = {{&ends[i], &ends[j]}, {x, y}};
            int found = y->is_paired ? POINTS_NONE : points_of(&c, alone);
            if (found == points)
                add_pair(out, ends, &c);
            else if (found < points && found > below)
                below = found;
        }
    }
    return below;
}

/* Those with the most points come first. They are looked for again for each number of points, since a list of
 * all candidates would be as long as the product of the numbers of tunnels. */
bool pair_match(struct pair_end *ends, size_t count, struct pair_list *out)
{
    size_t tunnels = 0;
    for (size_t i = 0; i < count; i++)
        tunnels += ends[i].tunnel_count;
    *out = (struct pair_list){.items = calloc(tunnels / 2 + 1, sizeof *out->items)};
    if (out->items == NULL)
        return false;
    for (int points = POINTS_MAX, below; points > POINTS_NONE; points = below) {
        below = POINTS_NONE;
        for (size_t i = 0; i < count; i++) {
            for (size_t j = i + 1; j < count; j++)
                below = pair_ends(ends, count, i, j, points, below, out);
        }
    }
    return true;
}

void pair_list_free(struct pair_list *list)
{
    free(list->items);
    *list = (struct pair_list){0};
}

struct identity pair_local_id(const struct pair_side *side)
{
    const struct identity *configured = &side->tunnel->policy.local_id;
    return configured->type != ID_NONE ? *configured : identity_of_address(&side->address.address);
}

bool pair_name_fits(const struct pair_side *side, const struct pair_side *other)
{
    const struct tunnel_policy *policy = &side->tunnel->policy;
    return policy->peer_kind != PEER_FQDN || policy->peer_family == IP_NONE ||
           policy->peer_family == other->address.address.family;
}
