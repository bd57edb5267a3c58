/*
 * The table of pre-shared keys (R30): from an ID to its key. The keeper alone holds one; others know keys by
 * their numbers.
 */
#ifndef MUSUBI_CONFIG_KEYS_H
#define MUSUBI_CONFIG_KEYS_H

#include "base/bytes.h"
#include "config/model.h"
#include "config/policy.h"

struct key_table;

/* The keys of a config, in memory of their own that key_table_free wipes. NULL if memory ran out. Keys that
 * only the router can read (`key secret`) are not in it. */
struct key_table *key_table_new(const struct config *config);
void key_table_free(struct key_table *keys);

/*
 * The number of the key that belongs to an ID; 0 if there is none. It follows from the ID alone, so that it
 * is the same after edits, reloads and restarts (but for the odd two IDs whose numbers would be the same:
 * there the later one in the config gives way).
 */
key_number key_table_find(const struct key_table *keys, const struct identity *id);

/* The octets of a key, valid as long as the table; length 0 if there is no such number. */
struct octets key_table_secret(const struct key_table *keys, key_number number);

/*
 * The key by which this device proves an ID that a policy leaves to the source address (local_id.type is
 * ID_NONE): the key of that address, or else, the peer's key (S17). 0 if there is neither.
 */
key_number key_table_local(const struct key_table *keys, const struct ip_address *source,
                           key_number remote_key);

#endif
