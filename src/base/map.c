#include "base/map.h"

#include <ctype.h>
#include <stdlib.h>

struct map map_with_seed(uint64_t seed)
{
    return (struct map){.seed = seed};
}

void map_free(struct map *map)
{
    free(map->slots);
    *map = (struct map){.seed = map->seed};
}

/* The finaliser of MurmurHash3, keyed by the seed. */
static size_t map_home(const struct map *map, uint64_t key)
{
    uint64_t h = key ^ map->seed;
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    h ^= h >> 33;
    return (size_t)h & (map->capacity - 1);
}

/* The slot of `key`, or the free slot where it would go. The table is never full. */
static struct map_slot *map_slot_of(const struct map *map, uint64_t key)
{
    size_t i = map_home(map, key);
    while (map->slots[i].value != NULL && map->slots[i].key != key)
        i = (i + 1) & (map->capacity - 1);
    return &map->slots[i];
}

void *map_find(const struct map *map, uint64_t key)
{
    return map->capacity == 0 ? NULL : map_slot_of(map, key)->value;
}

static bool map_grow(struct map *map)
{
    struct map larger = {.capacity = map->capacity == 0 ? 16 : 2 * map->capacity, .seed = map->seed};
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (larger.slots == NULL)
        return false;
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].value != NULL)
            *map_slot_of(&larger, map->slots[i].key) = map->slots[i];
    }
    larger.count = map->count;
    free(map->slots);
    *map = larger;
    return true;
}

bool map_put(struct map *map, uint64_t key, void *value)
{
    if (4 * (map->count + 1) > 3 * map->capacity && !map_grow(map))
        return false;
    struct map_slot *slot = map_slot_of(map, key);
    if (slot->value == NULL)
        map->count++;
    *slot = (struct map_slot){key, value};
    return true;
}

void *map_remove(struct map *map, uint64_t key)
{
    if (map->capacity == 0)
        return NULL;
    struct map_slot *slot = map_slot_of(map, key);
    void *value = slot->value;
    if (value == NULL)
        return NULL;
    slot->value = NULL;
    map->count--;
    /* Move up the entries behind the hole whose home is at or before it, so that no search stops at the
     * hole. */
    size_t mask = map->capacity - 1;
    size_t hole = (size_t)(slot - map->slots);
    for (size_t i = (hole + 1) & mask; map->slots[i].value != NULL; i = (i + 1) & mask) {
        size_t distance_to_hole = (i - hole) & mask;
        size_t distance_to_home = (i - map_home(map, map->slots[i].key)) & mask;
        if (distance_to_home >= distance_to_hole) {
            map->slots[hole] = map->slots[i];
            map->slots[i].value = NULL;
            hole = i;
        }
    }
    return value;
}

uint64_t hash_number(uint64_t hash, uint64_t number)
{
    return (hash ^ number) * UINT64_C(0x100000001b3);
}

uint64_t hash_text(uint64_t hash, const char *text)
{
    do
        hash = hash_number(hash, (unsigned char)*text);
    while (*text++ != '\0');
    return hash;
}

uint64_t hash_text_any_case(uint64_t hash, const char *text)
{
    do
        hash = hash_number(hash, (uint64_t)tolower((unsigned char)*text));
    while (*text++ != '\0');
    return hash;
}
