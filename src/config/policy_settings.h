/*
 * Reads the settings that hold for a Tunnel into its policy: for each setting the nearest level that has it
 * (R21), and the two ends of the tunnel with their IDs and keys (R30 to R32, R40, S17).
 */
#ifndef MUSUBI_CONFIG_POLICY_SETTINGS_H
#define MUSUBI_CONFIG_POLICY_SETTINGS_H

#include "config/keys.h"
#include "config/model.h"
#include "config/policy.h"

/* Overwrites those values of `policy`, which has the defaults, that the levels set, and records the line of
 * each. An ID or key that is missing stays zero. */
void policy_settings_read(const struct policy_levels *levels, const struct key_table *keys,
                          struct tunnel_policy *policy);

#endif
