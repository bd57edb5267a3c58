#include "config/lint.h"

#include <stdlib.h>
#include <string.h>

#include "config/identity.h"

/* S12: an interface without `shutdown` or `no shutdown` is up. */
static void check_shutdown(const struct config *config, struct diagnostics *diagnostics)
{
    const struct setting *s = section_setting(config_global(config), COMMAND_INTERFACE);
    for (; s != NULL; s = setting_next_of_row(s)) {
        if (section_setting(s->under, COMMAND_SHUTDOWN) == NULL)
            diagnostics_warn_at(diagnostics, s->source.line, s->source.column,
                                "%s has neither `shutdown` nor `no shutdown`: it is up",
                                line_argument(&s->line, "interface"));
    }
}

/* The policy of a tunnel, and the place of its `ikev2 peer` line. */
struct linted {
    const struct tunnel_policy *policy;
    struct source_place peer;
};

static void check_fqdn(const struct linted *tunnel, struct diagnostics *diagnostics)
{
    const struct tunnel_policy *policy = tunnel->policy;
    if (policy->peer_kind == PEER_FQDN && strchr(policy->peer_fqdn, '.') == NULL)
        diagnostics_warn_at(diagnostics, tunnel->peer.line, tunnel->peer.column,
                            "the peer of %s, `%s`, is taken as a domain name, but has no dot", policy->name,
                            policy->peer_fqdn);
}

static int compare_numbers(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

/* Sorts tunnels with the same pair of IDs together. */
static int compare_ids(const void *a, const void *b)
{
    const struct tunnel_policy *x = ((const struct linted *)a)->policy;
    const struct tunnel_policy *y = ((const struct linted *)b)->policy;
    int order = compare_numbers(identity_hash(&x->remote_id), identity_hash(&y->remote_id));
    if (order == 0)
        order = compare_numbers(identity_hash(&x->local_id), identity_hash(&y->local_id));
    return order == 0 ? compare_numbers(x->tunnel, y->tunnel) : order;
}

/* Only the two IDs, the peer's and ours, distinguish tunnels to `any` (S22). */
static void check_same_ids(const struct linted *any, size_t count, struct diagnostics *diagnostics)
{
    for (size_t i = 1; i < count; i++) {
        const struct tunnel_policy *one = any[i - 1].policy;
        const struct tunnel_policy *other = any[i].policy;
        if (identity_equal(&one->remote_id, &other->remote_id) &&
            identity_equal(&one->local_id, &other->local_id))
            diagnostics_warn_at(
                diagnostics, any[i].peer.line, any[i].peer.column,
                "%s and %s both have `peer any` and the same IDs: only one of them can be used", one->name,
                other->name);
    }
}

/* S22: IKE_SA_INIT is answered before the tunnel is known. */
static void check_same_suites(const struct linted *any, size_t count, struct diagnostics *diagnostics)
{
    for (size_t i = 1; i < count; i++) {
        const struct tunnel_policy *one = any[0].policy;
        const struct tunnel_policy *other = any[i].policy;
        if (memcmp(&one->ike, &other->ike, sizeof one->ike) != 0)
            diagnostics_warn_at(diagnostics, any[i].peer.line, any[i].peer.column,
                                "the sa-proposal of %s differs from that of %s, and both have `peer any`: "
                                "the first packet does "
                                "not say which one it is for",
                                other->name, one->name);
    }
}

static struct linted find_tunnel(const struct config *config, const struct tunnel_policy *policy)
{
    const struct section *section = config_section(config, COMMAND_INTERFACE, policy->name);
    const struct setting *peer = section_setting(section, COMMAND_IKEV2_PEER);
    return (struct linted){policy, peer == NULL ? SOURCE_TYPED : peer->source};
}

void config_lint(const struct config *config, const struct tunnel_policies *policies,
                 struct diagnostics *diagnostics)
{
    check_shutdown(config, diagnostics);
    struct linted *any = calloc(policies->count + 1, sizeof *any);
    if (any == NULL)
        return;
    size_t count = 0;
    for (size_t i = 0; i < policies->count; i++) {
        struct linted tunnel = find_tunnel(config, &policies->items[i]);
        check_fqdn(&tunnel, diagnostics);
        if (tunnel.policy->peer_kind == PEER_ANY && tunnel.policy->complete)
            any[count++] = tunnel;
    }
    check_same_suites(any, count, diagnostics);
    qsort(any, count, sizeof *any, compare_ids);
    check_same_ids(any, count, diagnostics);
    free(any);
}
