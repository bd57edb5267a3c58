/*
 * Policy resolution (R21): what holds for each Tunnel, from its own settings, the profile that it is bound
 * to, the default profile, and the defaults of R20.
 */
#ifndef MUSUBI_CONFIG_RESOLVE_H
#define MUSUBI_CONFIG_RESOLVE_H

#include "config/diagnostic.h"
#include "config/keys.h"
#include "config/model.h"
#include "config/policy.h"

/* The policies of all Tunnel interfaces, in the order of the config. */
struct tunnel_policies {
    struct tunnel_policy *items;
    size_t count;
};

/*
 * What the config alone does not know: interfaces mapped on the command line (S16). `interface_known` may be
 * NULL: then only those of the config are.
 */
struct resolve_surroundings {
    bool (*interface_known)(void *context, const char *name);
    void *context;
};

/*
 * Resolves the policies; `keys` is the table made from the same config. Warnings are added to `diagnostics`
 * (may be NULL), each with the line that it is about: what leaves a tunnel incomplete (R51, undefined
 * references, missing keys, what is not supported), and what will not work as it stands (S12, S14, S24, S28,
 * R63). `surroundings` may be NULL. False if memory ran out. policies_free when done.
 */
bool policies_resolve(const struct config *config, const struct key_table *keys,
                      const struct resolve_surroundings *surroundings, struct tunnel_policies *out,
                      struct diagnostics *diagnostics);
void policies_free(struct tunnel_policies *policies);

/* The policy that holds where nothing is configured (R20). */
struct tunnel_policy policy_default(void);

#endif
