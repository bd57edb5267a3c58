/*
 * What the rules of lint.c work with: the config with its tunnels, addresses and routes in the form in which
 * rules need them. A rule looks through it and warns.
 */
#ifndef MUSUBI_CHECK_LINT_RULES_H
#define MUSUBI_CHECK_LINT_RULES_H

#include "base/map.h"
#include "check/route_table.h"
#include "config/diagnostic.h"
#include "daemon/keeper/configuration.h"

/* A Tunnel. */
struct lint_tunnel {
    const struct tunnel_policy *policy;
    const struct section *section;
    const struct setting *peer; /* its `ikev2 peer` line, or its header if there is none */
    bool in_use;                /* it may come up: complete, and not shut down */
};

struct linting {
    const struct config *config;
    const struct host_settings *settings;
    struct lint_tunnel *tunnels; /* in the order of the config */
    size_t tunnel_count;
    struct map tunnels_by_name; /* struct lint_tunnel, by the hashes of their names */
    struct own_addresses addresses;
    struct route_table networks, routes;
    struct diagnostics *diagnostics;
    const char *words; /* of the rule that looks now */
    struct map told;   /* by what lint_is_told was asked for in this rule */
};

/* Looks for one thing, and warns of each case of it. */
typedef void lint_rule(struct linting *lint);

/* Adds the warning of the rule at a setting. Each name in angle brackets in its words is replaced by the next
 * of `values`, which NULL ends. */
void lint_warn(const struct linting *lint, const struct setting *at, const char *const *values);
#define LINT_VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* True if this rule has asked for that setting before: for a rule that warns once of a line that many tunnels
 * share. */
bool lint_is_told(struct linting *lint, const struct setting *setting);

/* The Tunnel of that name; NULL if there is none. */
const struct lint_tunnel *lint_tunnel_named(const struct linting *lint, const char *name);

/* The setting that a policy command has for a tunnel (R21); NULL if it has the default. */
const struct setting *lint_setting_of(const struct linting *lint, const struct lint_tunnel *tunnel,
                                      enum command_id id);

/* Where a setting stands, as "line 12" or "typed at the prompt". Returns `out`. */
enum { LINT_PLACE_SIZE = 32 };
const char *lint_place(const struct setting *setting, char out[LINT_PLACE_SIZE]);

/* True if the config says which addresses of that family this device has: each port in use has one in it, and
 * none gets it from elsewhere. */
bool lint_knows_addresses(const struct linting *lint, enum ip_family family);

/* Tunnels that may be taken for each other. In lint_tunnels.c. */
lint_rule lint_same_ends, lint_same_ids_of_any, lint_different_suites_of_any, lint_different_suites_of_peer;

/* Peers that are not what was meant. In lint_peers.c. */
lint_rule lint_name_without_dot, lint_mistyped_address, lint_peer_is_ourselves, lint_unsaid_authentication,
    lint_unused_certificate;

/* Ways of packets. In lint_routes.c. */
lint_rule lint_recursive_route, lint_recursive_interface, lint_next_hop_off_link, lint_next_hop_is_ours,
    lint_pinned_hop_off_link, lint_tunnel_without_route;

/* Interfaces and their addresses. In lint_interfaces.c. */
lint_rule lint_unsaid_shutdown, lint_overlapping_networks, lint_foreign_source, lint_napt_on_tunnel;

/* Times and algorithms. In lint_policies.c. */
lint_rule lint_auto_that_waits, lint_short_lifetime_of_centre, lint_long_lifetime_of_site,
    lint_weak_algorithms;

#endif
