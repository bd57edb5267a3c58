#include "check/pair_match.h"

#include <stdlib.h>

#include "base/map.h"
#include "config/identity.h"

/* ---- What is compared ---------------------------------------------------------------------------------- */

/* A tunnel with what is looked at again and again when it is compared with others. */
struct facts {
    struct pair_tunnel *tunnel;
    struct identity own; /* the ID by which it proves itself, as far as it is known */
    uint32_t own_hash;   /* of the IDs; 0: not known */
    uint32_t remote_hash;
    bool has_place;          /* the file says where the tunnel may be */
    bool may_be_elsewhere;   /* or it is at an address that the file does not know */
    struct facts *next_same; /* the next one of its end with the same two IDs */
};

/* The tunnels of all ends. */
struct field {
    struct pair_end *ends;
    size_t count;
    struct facts **facts; /* of each end: of each tunnel */
    bool **is_there;      /* of each end: whether the peer of a tunnel is an address of another end */
    struct map *by_ids;   /* of each end: facts, by the hash of their two IDs */
};

static bool peer_is_there(const struct field *field, size_t end, size_t tunnel, size_t other)
{
    return field->is_there[end][tunnel * field->count + other];
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

static uint32_t hash_of(const struct identity *id)
{
    return id->type == ID_NONE ? 0 : identity_hash(id);
}

static uint64_t hash_of_both(uint32_t own, uint32_t remote)
{
    return hash_number(hash_number(HASH_START, own), remote);
}

static void note_facts(struct field *field, size_t number, size_t index)
{
    struct pair_end *end = &field->ends[number];
    struct pair_tunnel *tunnel = &end->tunnels[index];
    const struct ip_address *peer = pair_tunnel_peer(tunnel);
    struct facts *facts = &field->facts[number][index];
    *facts = (struct facts){.tunnel = tunnel, .own = own_id(end, tunnel)};
    facts->own_hash = hash_of(&facts->own);
    facts->remote_hash = hash_of(&tunnel->policy.remote_id);
    facts->has_place =
        !tunnel->is_dynamic && (tunnel->source.address.family != IP_NONE || end->address_count > 0);
    facts->may_be_elsewhere = tunnel->source.address.family == IP_NONE && end->has_dynamic_address;
    for (size_t other = 0; peer != NULL && other < field->count; other++)
        field->is_there[number][index * field->count + other] =
            other != number && pair_end_address(&field->ends[other], peer) != NULL;
}

/* Makes the index of an end by IDs. Backwards, so that equal ones are chained in the order of the file. */
static bool index_ids(struct field *field, size_t number)
{
    for (size_t i = field->ends[number].tunnel_count; i-- > 0;) {
        struct facts *facts = &field->facts[number][i];
        uint64_t key = hash_of_both(facts->own_hash, facts->remote_hash);
        if (facts->own_hash == 0 || facts->remote_hash == 0)
            continue;
        facts->next_same = map_find(&field->by_ids[number], key);
        if (!map_put(&field->by_ids[number], key, facts))
            return false;
    }
    return true;
}

static void field_free(struct field *field)
{
    for (size_t i = 0; i < field->count; i++) {
        if (field->facts != NULL)
            free(field->facts[i]);
        if (field->is_there != NULL)
            free(field->is_there[i]);
        if (field->by_ids != NULL)
            map_free(&field->by_ids[i]);
    }
    free(field->facts);
    free(field->is_there);
    free(field->by_ids);
}

static bool field_read(struct field *field, struct pair_end *ends, size_t count)
{
    *field = (struct field){ends, count, calloc(count, sizeof *field->facts),
                            calloc(count, sizeof *field->is_there), calloc(count, sizeof *field->by_ids)};
    bool good = field->facts != NULL && field->is_there != NULL && field->by_ids != NULL;
    for (size_t i = 0; good && i < count; i++) {
        size_t tunnels = ends[i].tunnel_count;
        field->facts[i] = calloc(tunnels + 1, sizeof **field->facts);
        field->is_there[i] = calloc(tunnels * count + 1, sizeof **field->is_there);
        good = field->facts[i] != NULL && field->is_there[i] != NULL;
        for (size_t j = 0; good && j < tunnels; j++)
            note_facts(field, i, j);
        good = good && index_ids(field, i);
    }
    return good;
}

/* ---- How well two tunnels fit ------------------------------------------------------------------------ */

/* Points for what speaks for two tunnels facing each other. Without a word of evidence they don't. */
enum {
    POINTS_ID = 4,      /* for each ID that is the one that the other side expects */
    POINTS_ADDRESS = 3, /* for each peer that is an address of the other side */
    POINTS_OPEN = 1,    /* for each that may be anywhere, or the other side has no address */
    POINTS_EVIDENCE = 3,
    POINTS_MAX = 2 * POINTS_ID + 2 * POINTS_ADDRESS,
    POINTS_OF_BOTH_IDS = 2 * POINTS_ID + POINTS_ADDRESS, /* none has more unless both IDs fit */
    POINTS_NONE = -1,
};

static int points_of_address(const struct facts *from, const struct facts *to, bool is_there)
{
    const struct ip_address *peer = pair_tunnel_peer(from->tunnel);
    if (peer == NULL || !to->has_place)
        return POINTS_OPEN;
    if (is_there || ip_address_equal(&to->tunnel->source.address, peer))
        return POINTS_ADDRESS;
    return to->may_be_elsewhere ? POINTS_OPEN : 0;
}

static int points_of_id(const struct facts *from, const struct facts *to)
{
    return from->remote_hash != 0 && from->remote_hash == to->own_hash &&
                   identity_equal(&from->tunnel->policy.remote_id, &to->own)
               ? POINTS_ID
               : 0;
}

/* The points of two tunnels; POINTS_NONE if nothing tells that they face each other. `alone`: they are all
 * that there is. */
static int points_of(const struct facts *a, const struct facts *b, bool a_is_there, bool b_is_there,
                     bool alone)
{
    int points[] = {points_of_id(a, b), points_of_id(b, a), points_of_address(a, b, a_is_there),
                    points_of_address(b, a, b_is_there)};
    int sum = 0;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        sum += points[i];
        alone = alone || points[i] >= POINTS_EVIDENCE;
    }
    return alone ? sum : POINTS_NONE;
}

static bool are_alone(const struct pair_end *ends, size_t count)
{
    return count == 2 && ends[0].tunnel_count == 1 && ends[1].tunnel_count == 1;
}

/* Two tunnels that may face each other. */
struct candidate {
    struct pair_end *end[2];
    struct pair_tunnel *tunnel[2];
};

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
    /* Where the routes don't tell by which link it leaves, it may be the one whose address is not known. */
    const struct pair_address *own = end->has_dynamic_address ? NULL : own_of_family(end, family);
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

/* ---- Who is paired ----------------------------------------------------------------------------------- */

/* Two ends whose tunnels are being paired. */
struct round {
    const struct field *field;
    size_t end[2];
    struct pair_list *out;
    bool alone;
};

static int points_in(const struct round *r, const struct facts *a, const struct facts *b)
{
    const struct field *field = r->field;
    size_t place[] = {(size_t)(a - field->facts[r->end[0]]), (size_t)(b - field->facts[r->end[1]])};
    return points_of(a, b, peer_is_there(field, r->end[0], place[0], r->end[1]),
                     peer_is_there(field, r->end[1], place[1], r->end[0]), r->alone);
}

static void pair_up(const struct round *r, const struct facts *a, const struct facts *b)
{
    struct pair_end *ends = r->field->ends;
    const struct candidate c = {{&ends[r->end[0]], &ends[r->end[1]]}, {a->tunnel, b->tunnel}};
    add_pair(r->out, ends, &c);
}

/* Pairs the tunnels of two ends whose IDs are both those that the other expects, if they have that many
 * points. */
static void pair_by_ids(const struct round *r, int points)
{
    const struct field *field = r->field;
    for (size_t i = 0; i < field->ends[r->end[0]].tunnel_count; i++) {
        const struct facts *a = &field->facts[r->end[0]][i];
        const struct facts *b = a->tunnel->is_paired ? NULL
                                                     : map_find(&field->by_ids[r->end[1]],
                                                                hash_of_both(a->remote_hash, a->own_hash));
        while (b != NULL && (b->tunnel->is_paired || points_in(r, a, b) != points))
            b = b->next_same;
        if (b != NULL)
            pair_up(r, a, b);
    }
}

/* Pairs the tunnels of two ends that have that many points. The result is the most points below them that two
 * others have, but at least `below`. */
static int pair_ends(const struct round *r, int points, int below)
{
    const struct field *field = r->field;
    for (size_t i = 0; i < field->ends[r->end[0]].tunnel_count; i++) {
        const struct facts *a = &field->facts[r->end[0]][i];
        for (size_t j = 0; !a->tunnel->is_paired && j < field->ends[r->end[1]].tunnel_count; j++) {
            const struct facts *b = &field->facts[r->end[1]][j];
            int found = b->tunnel->is_paired ? POINTS_NONE : points_in(r, a, b);
            if (found == points)
                pair_up(r, a, b);
            else if (found < points && found > below)
                below = found;
        }
    }
    return below;
}

/*
 * Those with the most points come first. Two that have more points than POINTS_OF_BOTH_IDS - 1 are found by
 * their IDs. The others are looked for again for each number of points, since a list of all candidates would
 * be as long as the product of the numbers of tunnels.
 */
static void pair_all(const struct field *field, struct pair_list *out)
{
    struct round r = {.field = field, .out = out, .alone = are_alone(field->ends, field->count)};
    int below;
    for (int points = POINTS_MAX; points > POINTS_NONE; points = below) {
        bool by_ids = points >= POINTS_OF_BOTH_IDS;
        below = by_ids ? points - 1 : POINTS_NONE;
        for (r.end[0] = 0; r.end[0] < field->count; r.end[0]++) {
            for (r.end[1] = r.end[0] + 1; r.end[1] < field->count; r.end[1]++) {
                if (by_ids)
                    pair_by_ids(&r, points);
                else
                    below = pair_ends(&r, points, below);
            }
        }
    }
}

bool pair_match(struct pair_end *ends, size_t count, struct pair_list *out)
{
    struct field field;
    size_t tunnels = 0;
    for (size_t i = 0; i < count; i++)
        tunnels += ends[i].tunnel_count;
    *out = (struct pair_list){.items = calloc(tunnels / 2 + 1, sizeof *out->items)};
    bool good = field_read(&field, ends, count) && out->items != NULL;
    if (good)
        pair_all(&field, out);
    else
        pair_list_free(out);
    field_free(&field);
    return good;
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
