/*
 * Policy resolution (R21): makes the policy of each Tunnel from its own settings, the profile that it is
 * bound to, the default profile, and the defaults of R20.
 */
#ifndef MUSUBI_CONFIG_RESOLVE_H
#define MUSUBI_CONFIG_RESOLVE_H

#include "config/diagnostic.h"
#include "config/keys.h"
#include "config/model.h"
#include "config/policy.h"
#include "pki/reason.h"

/* The policies of all Tunnel interfaces, in the order of the config. */
struct tunnel_policies {
    struct tunnel_policy *items;
    size_t count;
};

/* What the device's certificate store has under a name. */
enum certificate_state { CERTIFICATE_THERE, CERTIFICATE_MISSING, CERTIFICATE_WITHOUT_KEY };

/* What is not in the config. */
struct resolve_surroundings {
    /* True if `name` is an interface mapped on the command line (S16); NULL if there are none. */
    bool (*interface_known)(void *context, const char *name);
    void *context;
    /* What there is of that name in the certificate store; NULL if the store is not known, and everything
     * counts as there. */
    enum certificate_state (*certificate)(const void *store, const char *name);
    /* Why a peer would refuse the certificate of that name, which is there, as a proof of the ID; false if
     * nothing is known against it. NULL: nothing is looked for. */
    bool (*own_certificate_trouble)(const void *store, const char *name, const struct identity *id,
                                    struct pki_reason *trouble);
    const void *store;
};

/*
 * Resolves the policies of a config; policies_free when done. False if memory ran out. `keys` is the table
 * made from the same config. `surroundings` may be NULL. `diagnostics`, which may be NULL, gets warnings
 * about what leaves a tunnel incomplete (R51, undefined references, missing keys, what is not supported) and
 * about what will not work as configured (S12, S14, S24, S28, R63).
 */
bool policies_resolve(const struct config *config, const struct key_table *keys,
                      const struct resolve_surroundings *surroundings, struct tunnel_policies *out,
                      struct diagnostics *diagnostics);
void policies_free(struct tunnel_policies *policies);

/* The policy of a tunnel for which nothing is configured (R20). */
struct tunnel_policy policy_default(void);

#endif
