/*
 * The table of pre-shared keys (R30): from an ID to its key. Only the keeper has one; the other processes
 * know the numbers of keys.
 */
#ifndef MUSUBI_CONFIG_KEYS_H
#define MUSUBI_CONFIG_KEYS_H

#include "base/bytes.h"
#include "config/model.h"
#include "config/policy.h"

struct key_table;

/* A copy of the keys of a config, which key_table_free wipes and frees. NULL if memory ran out. Keys that
 * only the router can read (`key secret`) are left out. `keys` may be NULL. */
struct key_table *key_table_new(const struct config *config);
void key_table_free(struct key_table *keys);

/* True if a config has a key that whoever reads it knows, used or not. */
bool config_has_keys(const struct config *config);

/*
 * The number of the key of an ID; 0 if there is none. It is a hash of the ID, so edits, reloads and restarts
 * don't change it. Where two IDs have the same hash, the later one in the config takes the next free number.
 */
key_number key_table_find(const struct key_table *keys, const struct identity *id);

/* The octets of a key, which the table owns; length 0 if no key has that number. */
struct octets key_table_secret(const struct key_table *keys, key_number number);

/* The line of a key in the config, as policies have lines; 0 if no key has that number. */
uint32_t key_table_line(const struct key_table *keys, key_number number);

/*
 * Our own key where a policy has no local ID (local_id.type is ID_NONE), and the source address is the ID:
 * the key of that address, or the peer's key if there is none (S17); 0 if there is neither.
 */
key_number key_table_local(const struct key_table *keys, const struct ip_address *source,
                           key_number remote_key);

/* True if our own key, which key_table_local has found, is that of the peer's ID, for want of another. */
bool key_is_of_peer(key_number own, const struct ip_address *source, const struct tunnel_policy *policy);

#endif
