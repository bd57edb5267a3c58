/*
 * Looks for what will not work in a config: what leaves a tunnel incomplete, and what may work differently
 * from what its author expects. Each finding is a warning at the line that it is about.
 */
#ifndef MUSUBI_CONFIG_SURVEY_H
#define MUSUBI_CONFIG_SURVEY_H

#include "config/diagnostic.h"
#include "config/resolve.h"

/* What all functions here need. */
struct survey {
    const struct config *config;
    const struct resolve_surroundings *surroundings; /* may be NULL */
    struct diagnostics *diagnostics;
};

/* True if an interface is defined: by an `interface` or `device` line, or in the surroundings. */
bool survey_interface_known(const struct survey *survey, const char *name);

/* Warns about single settings of profiles and Tunnels. */
void survey_policy_sections(const struct survey *survey);

/* Sets `defined`, `complete` and what is missing of a tunnel's policy, and warns about what is missing or
 * contradictory in it. */
void survey_tunnel(const struct survey *survey, const struct policy_levels *levels,
                   struct tunnel_policy *policy);

/* Warns about references of routes, interfaces and filters to what is not defined. In survey_host.c. */
void survey_host(const struct survey *survey);

/* S48: warns about routes into a Tunnel whose packets leave in the clear, by a less specific route, while the
 * tunnel is down. In survey_routes.c. */
void survey_routes(const struct survey *survey);

/* Finds the first route into a Tunnel whose packets leave in the clear while that is down, as far as the
 * config tells. False if there is none, or memory ran out. In survey_routes.c. */
bool survey_leak(const struct config *config, const char *tunnel, struct ip_prefix *out);

/* Warns about filters that end an operator's SSH session (S36) or block IKE and ESP of a tunnel (S30), and
 * about lines of access lists, filters and NAPT that do nothing. In survey_filters.c. */
void survey_filters(const struct survey *survey, const struct tunnel_policies *policies);

/* Adds a warning at a setting. Always returns false, so that checks can end with `return survey_warn(…)`. */
__attribute__((format(printf, 3, 4))) bool
survey_warn(const struct survey *survey, const struct setting *setting, const char *format, ...);

#endif
