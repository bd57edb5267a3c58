/*
 * A hash table from 64-bit keys to pointers, with open addressing; and hashes of texts, to be used as keys.
 * Where a peer can choose the keys, a secret seed keeps it from making them collide.
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

/* Sets the value of `key`, which must not be NULL, in place of the old one. False if memory ran out. */
bool map_put(struct map *map, uint64_t key, void *value);

/* Removes `key` and returns its value; NULL if there was none. */
void *map_remove(struct map *map, uint64_t key);

/*
 * FNV-1a, a piece at a time: each call takes the hash so far, HASH_START at first. It has no seed, so it is
 * for names out of the config only: authors who make them collide slow down nobody but themselves.
 */
#define HASH_START UINT64_C(0xcbf29ce484222325)

/* Adds a number to the hash. */
uint64_t hash_number(uint64_t hash, uint64_t number);

/* Adds a text with its NUL, so that "ab" and "c" differ from "a" and "bc". */
uint64_t hash_text(uint64_t hash, const char *text);

/* As hash_text, but texts that differ only in the case of letters have the same hash. */
uint64_t hash_text_any_case(uint64_t hash, const char *text);

#endif
