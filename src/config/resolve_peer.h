/*
 * Who the two ends of a tunnel are, and by which keys they prove it (R30 to R32, R40, S17).
 */
#ifndef MUSUBI_CONFIG_RESOLVE_PEER_H
#define MUSUBI_CONFIG_RESOLVE_PEER_H

#include "config/keys.h"
#include "config/levels.h"
#include "config/policy.h"

/* Fills in the peer, IDs, kinds of authentication and key numbers of a policy. What is missing stays zero. */
void resolve_peer(const struct policy_levels *levels, const struct key_table *keys,
                  struct tunnel_policy *policy);

#endif
