/*
 * Authentication jobs (RFC 7296 2.15): what the engine needs keys for that it does not have. No key leaves
 * the keeper, and it answers only what the config lets the tunnel ask.
 */
#ifndef MUSUBI_DAEMON_KEEPER_KEYS_H
#define MUSUBI_DAEMON_KEEPER_KEYS_H

#include "config/keys.h"
#include "config/policy.h"
#include "ike/ike.h"

/*
 * Verifies the peer's AUTH, in constant time; then makes ours, unless the peer's is wrong; either only if the
 * job wants it. An end whose ID is not that of the tunnel's policy has no key, nor has a peer whose
 * authentication method is not that of the policy. A key that can't be computed with, for want of memory,
 * counts as none.
 */
void keys_authenticate(const struct key_table *keys, const struct tunnel_policy *policy,
                       const struct ike_auth_job *job, struct ike_auth_result *out);

#endif
