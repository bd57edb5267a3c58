/*
 * Secret jobs: what the engine needs a key for that it does not have (RFC 7296 2.15). The keeper answers only
 * what the config lets the tunnel ask.
 */
#ifndef MUSUBI_DAEMON_KEEPER_KEYS_H
#define MUSUBI_DAEMON_KEEPER_KEYS_H

#include "config/keys.h"
#include "daemon/ipc/messages.h"

/*
 * AUTH by a pre-shared key: prf(prf(key, "Key Pad for IKEv2"), signed octets), written to `out`. Returns its
 * length; 0 if the ID is not that of the tunnel's policy, there is no key, or the arithmetic failed.
 */
size_t keys_psk_auth(const struct key_table *keys, const struct tunnel_policy *policy,
                     const struct message_secret_job *job, struct octets signed_octets,
                     uint8_t out[PRF_SIZE_MAX]);

#endif
