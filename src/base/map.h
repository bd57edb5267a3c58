/*
 * A hash table from 64-bit keys to pointers, with open addressing. For SPIs and numbers of our own choosing;
 * keys that an attacker can choose are spread by a secret seed.
 */
#ifndef MUSUBI_BASE_MAP_H
#define MUSUBI_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
    uint64_t key;
    void *value; /* NULL: free */
};

struct map {
    struct map_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint64_t seed;
};

/* An empty table; `seed` should be random where others choose the keys. */
struct map map_with_seed(uint64_t seed);

/* Frees the table, not the values. */
void map_free(struct map *map);

/* The value of `key`; NULL if there is none. */
void *map_find(const struct map *map, uint64_t key);

/* Sets the value (not NULL) of `key`, replacing one that stands there. False if memory ran out. */
bool map_put(struct map *map, uint64_t key, void *value);

/* Removes `key` and returns its value; NULL if there was none. */
void *map_remove(struct map *map, uint64_t key);

#endif
