/*
 * Looks over a config for what will not work: what leaves a tunnel incomplete, and what works otherwise than
 * its author may think. Each finding is a warning at the line that it is about.
 */
#ifndef MUSUBI_CONFIG_SURVEY_H
#define MUSUBI_CONFIG_SURVEY_H

#include "config/diagnostic.h"
#include "config/levels.h"
#include "config/resolve.h"

struct survey {
    const struct config *config;
    const struct resolve_surroundings *surroundings; /* may be NULL */
    struct diagnostics *diagnostics;
};

/* True if an interface is defined: in the config, by its device, or in the surroundings. */
bool survey_interface_known(const struct survey *survey, const char *name);

/* What can be said of the settings of profiles and Tunnels one by one. */
void survey_policy_sections(const struct survey *survey);

/* What is missing or contradictory in one tunnel's policy, of which `defined` and `complete` are filled in.
 */
void survey_tunnel(const struct survey *survey, const struct policy_levels *levels,
                   const struct key_table *keys, struct tunnel_policy *policy);

/* References of routes, interfaces and filters to what is nowhere defined. */
void survey_host(const struct survey *survey);

/* Warns at a setting; returns false, for `return survey_warn(…)` where something is missing. */
__attribute__((format(printf, 3, 4))) bool
survey_warn(const struct survey *survey, const struct setting *setting, const char *format, ...);

#endif
