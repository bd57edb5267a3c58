#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "daemon/state/layout.h"

enum { READ_TRIES = 100 };

uint32_t state_map_places(const struct state_map *map)
{
    uint32_t used = atomic_load_explicit(&map->header->places_used, memory_order_acquire);
    return used < map->place_count ? used : map->place_count;
}

static bool record_reserve(struct state_record *record, size_t length)
{
    if (length <= record->capacity)
        return true;
    uint8_t *grown = malloc(length);
    if (grown == NULL)
        return false;
    secret_free(record->octets, record->capacity);
    record->octets = grown;
    record->capacity = length;
    return true;
}

/*
 * Copies a chain as far as it makes sense. The writer may be at work on its blocks: then what was copied, or
 * the verdict that it makes none, is void, which the place's word tells afterwards.
 */
static bool chain_copy(const struct state_map *map, uint32_t head, struct state_record *record)
{
    if (head > map->block_count)
        return false;
    size_t length = __atomic_load_n(&map->blocks[head - 1].length, __ATOMIC_RELAXED);
    if (length == 0 || length > STATE_RECORD_MAX || !record_reserve(record, length))
        return false;
    uint32_t at = head;
    for (size_t done = 0; done < length;) {
        if (at == 0 || at > map->block_count)
            return false;
        const struct state_block *block = &map->blocks[at - 1];
        size_t part = length - done < STATE_BLOCK_OCTETS ? length - done : STATE_BLOCK_OCTETS;
        memcpy(record->octets + done, block->octets, part);
        done += part;
        at = __atomic_load_n(&block->next, __ATOMIC_RELAXED);
    }
    record->length = length;
    return true;
}

bool state_map_read(const struct state_map *map, uint32_t place, struct state_record *record)
{
    if (place >= map->place_count)
        return false;
    struct state_place *from = &map->places[place];
    for (int try = 0; try < READ_TRIES; try++) {
        uint64_t word = atomic_load_explicit(&from->word, memory_order_acquire);
        if (state_word_head(word) == 0)
            return false;
        record->serial = atomic_load_explicit(&from->serial, memory_order_relaxed);
        bool copied = chain_copy(map, state_word_head(word), record);
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&from->word, memory_order_relaxed) == word)
            return copied;
    }
    return false;
}

bool state_map_may_be_of(const struct state_map *map, uint32_t place, uint32_t tunnel)
{
    if (place >= map->place_count)
        return false;
    uint32_t hint = atomic_load_explicit(&map->places[place].tunnel, memory_order_relaxed);
    return hint == 0 || hint == tunnel;
}

void state_record_free(struct state_record *record)
{
    secret_free(record->octets, record->capacity);
    *record = (struct state_record){0};
}
