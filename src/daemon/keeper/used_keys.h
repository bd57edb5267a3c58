/*
 * By which pre-shared keys the peer of a tunnel was authenticated last: not the keys themselves, only so much
 * that a changed one is recognized.
 */
#ifndef MUSUBI_DAEMON_KEEPER_USED_KEYS_H
#define MUSUBI_DAEMON_KEEPER_USED_KEYS_H

#include "config/keys.h"
#include "daemon/show/old_settings.h"
#include "ike/ike.h"

enum { USED_KEY_SALT_SIZE = 16, USED_KEY_HASH_SIZE = 32 };

/* Zeroed: it is not known. */
struct used_key {
    key_number number;
    uint32_t line;
    uint8_t salt[USED_KEY_SALT_SIZE], hash[USED_KEY_HASH_SIZE]; /* of the secret */
};

struct used_keys {
    struct used_key own, peer; /* by which an SA was established */
    struct used_key signing;   /* our key in the negotiation under way, whose peer is not verified yet */
};

/* Notes the keys of an authentication job that was done without a fault. */
void used_keys_note(struct used_keys *used, const struct key_table *keys, const struct tunnel_policy *policy,
                    const struct ike_auth_job *job);

/* Which of them are other ones in the keys of the config now; those of other IDs are not. */
struct old_keys used_keys_compare(const struct used_keys *used, const struct key_table *keys,
                                  const struct tunnel_policy *policy);

#endif
