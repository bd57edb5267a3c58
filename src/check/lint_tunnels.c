#include "check/lint_rules.h"

#include <stdlib.h>
#include <string.h>

#include "config/identity.h"

/* True if packets of the peer tell two tunnels apart by where they arrive (R46): both name an interface or a
 * source address, and not the same. */
static bool arrive_apart(const struct tunnel_policy *a, const struct tunnel_policy *b)
{
    bool interfaces = a->outgoing != OUTGOING_ROUTED && b->outgoing != OUTGOING_ROUTED &&
                      strcmp(a->out_interface, b->out_interface) != 0;
    bool addresses = a->source_kind == SOURCE_ADDRESS && b->source_kind == SOURCE_ADDRESS &&
                     !ip_address_equal(&a->source_address, &b->source_address);
    bool sources = a->source_kind == SOURCE_INTERFACE && b->source_kind == SOURCE_INTERFACE &&
                   strcmp(a->source_interface, b->source_interface) != 0;
    return interfaces || addresses || sources;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* A number that is the same for tunnels with the same peer. */
static uint64_t peer_hash(const struct tunnel_policy *policy)
{
    uint64_t hash = hash_number(HASH_START, policy->peer_kind);
    if (policy->peer_kind == PEER_FQDN)
        return hash_text_any_case(hash_number(hash, policy->peer_family), policy->peer_fqdn);
    for (size_t i = 0; policy->peer_kind == PEER_ADDRESS && i < sizeof policy->peer_address.octets; i++)
        hash = hash_number(hash, policy->peer_address.octets[i]);
    return hash;
}

/* Sorts tunnels with the same peer together. */
static int compare_peers(const void *a, const void *b)
{
    const struct lint_tunnel *x = *(const struct lint_tunnel *const *)a;
    const struct lint_tunnel *y = *(const struct lint_tunnel *const *)b;
    int order = compare_numbers(peer_hash(x->policy), peer_hash(y->policy));
    return order == 0 ? compare_numbers(x->policy->line[SETTING_PEER], y->policy->line[SETTING_PEER]) : order;
}

/* Sorts tunnels with the same peer and the same pair of IDs together. */
static int compare_ends(const void *a, const void *b)
{
    const struct lint_tunnel *x = *(const struct lint_tunnel *const *)a;
    const struct lint_tunnel *y = *(const struct lint_tunnel *const *)b;
    int order = compare_numbers(peer_hash(x->policy), peer_hash(y->policy));
    if (order == 0)
        order = compare_numbers(identity_hash(&x->policy->remote_id), identity_hash(&y->policy->remote_id));
    if (order == 0)
        order = compare_numbers(identity_hash(&x->policy->local_id), identity_hash(&y->policy->local_id));
    return order == 0 ? compare_numbers(x->policy->line[SETTING_PEER], y->policy->line[SETTING_PEER]) : order;
}

static bool same_peer(const struct tunnel_policy *a, const struct tunnel_policy *b)
{
    return peer_hash(a) == peer_hash(b);
}

static bool same_ends(const struct tunnel_policy *a, const struct tunnel_policy *b)
{
    return same_peer(a, b) && identity_equal(&a->remote_id, &b->remote_id) &&
           identity_equal(&a->local_id, &b->local_id);
}

/* The tunnels in use whose peer is `any`, or is not; NULL if memory ran out. The caller frees it. */
static const struct lint_tunnel **sorted(const struct linting *lint, bool any,
                                         int (*compare)(const void *, const void *), size_t *count)
{
    const struct lint_tunnel **out = calloc(lint->tunnel_count + 1, sizeof *out);
    *count = 0;
    for (size_t i = 0; out != NULL && i < lint->tunnel_count; i++) {
        const struct lint_tunnel *tunnel = &lint->tunnels[i];
        if (tunnel->in_use && (tunnel->policy->peer_kind == PEER_ANY) == any)
            out[(*count)++] = tunnel;
    }
    if (out != NULL)
        qsort(out, *count, sizeof(struct lint_tunnel *), compare);
    return out;
}

/* Warns of each tunnel that has the ends of the one before it. */
static void warn_of_same_ends(struct linting *lint, bool any)
{
    size_t count;
    const struct lint_tunnel **tunnels = sorted(lint, any, compare_ends, &count);
    for (size_t i = 1; i < count; i++) {
        const struct lint_tunnel *one = tunnels[i - 1], *other = tunnels[i];
        char place[LINT_PLACE_SIZE];
        if (!same_ends(one->policy, other->policy) || arrive_apart(one->policy, other->policy))
            continue;
        if (any)
            lint_warn(lint, other->peer, LINT_VALUES(one->policy->name, other->policy->name));
        else
            lint_warn(lint, other->peer,
                      LINT_VALUES(other->policy->name, one->policy->name, lint_place(one->peer, place)));
    }
    free(tunnels);
}

void lint_same_ends(struct linting *lint)
{
    warn_of_same_ends(lint, false);
}

/* Only the two IDs, the peer's and ours, distinguish tunnels to `any` (S22). */
void lint_same_ids_of_any(struct linting *lint)
{
    warn_of_same_ends(lint, true);
}

static bool differ_in_suite(const struct tunnel_policy *a, const struct tunnel_policy *b)
{
    return memcmp(&a->ike, &b->ike, sizeof a->ike) != 0;
}

/* S22: IKE_SA_INIT is answered before the tunnel is known. */
static void warn_of_different_suites(struct linting *lint, bool any)
{
    size_t count;
    const struct lint_tunnel **tunnels = sorted(lint, any, compare_peers, &count);
    const struct lint_tunnel *first = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct lint_tunnel *other = tunnels[i];
        char peer[IP_TEXT_SIZE];
        if (other->policy->direction == NEGOTIATE_INITIATOR)
            continue;
        if (first == NULL || !same_peer(first->policy, other->policy)) {
            first = other;
            continue;
        }
        if (!differ_in_suite(first->policy, other->policy) || arrive_apart(first->policy, other->policy))
            continue;
        const char *name = other->policy->peer_kind == PEER_FQDN
                               ? other->policy->peer_fqdn
                               : ip_address_format(&other->policy->peer_address, peer);
        lint_warn(lint, other->peer, LINT_VALUES(other->policy->name, first->policy->name, name));
    }
    free(tunnels);
}

void lint_different_suites_of_any(struct linting *lint)
{
    warn_of_different_suites(lint, true);
}

void lint_different_suites_of_peer(struct linting *lint)
{
    warn_of_different_suites(lint, false);
}
