#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "daemon/state/layout.h"

static bool list_push(struct state_list *list, uint32_t number)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity != 0 ? 2 * list->capacity : 256;
        uint32_t *grown = realloc(list->at, capacity * sizeof(*grown));
        if (grown == NULL)
            return false;
        list->at = grown;
        list->capacity = capacity;
    }
    list->at[list->count++] = number;
    return true;
}

/* Takes a number that was given back, or else the lowest that was never used: *used counts those. */
static bool number_take(struct state_list *freed, _Atomic uint32_t *used, uint32_t limit, uint32_t *number)
{
    if (freed->count > 0) {
        *number = freed->at[--freed->count];
        return true;
    }
    uint32_t next = atomic_load_explicit(used, memory_order_relaxed);
    if (next >= limit)
        return false;
    atomic_store_explicit(used, next + 1, memory_order_release);
    *number = next;
    return true;
}

static struct state_block *block_at(const struct state_map *map, uint32_t number)
{
    return &map->blocks[number - 1];
}

/* ---- Chains ---------------------------------------------------------------------------------------- */

/* Wipes a block and makes it free. If memory runs out it is free only after the next opening. */
static void block_free(struct state_map *map, uint32_t number)
{
    secret_wipe(block_at(map, number), STATE_BLOCK_SIZE);
    (void)list_push(&map->free_blocks, number - 1);
}

static void chain_free(struct state_map *map, uint32_t head)
{
    while (head != 0) {
        uint32_t next = block_at(map, head)->next;
        block_free(map, head);
        head = next;
    }
}

/* Writes octets into free blocks and returns the first one; 0 if there are not enough. */
static uint32_t chain_write(struct state_map *map, struct octets state)
{
    uint32_t head = 0;
    uint32_t *link = &head;
    for (size_t done = 0; done < state.length;) {
        uint32_t number;
        if (!number_take(&map->free_blocks, &map->header->blocks_used, map->block_count, &number)) {
            chain_free(map, head);
            return 0;
        }
        struct state_block *block = block_at(map, number + 1);
        size_t part = state.length - done < STATE_BLOCK_OCTETS ? state.length - done : STATE_BLOCK_OCTETS;
        block->next = 0;
        block->length = done == 0 ? (uint32_t)state.length : 0;
        memcpy(block->octets, state.at + done, part);
        *link = number + 1;
        link = &block->next;
        done += part;
    }
    return head;
}

/* ---- Changes --------------------------------------------------------------------------------------- */

static struct state_change *change_find(struct state_map *map, uint32_t place)
{
    for (size_t i = 0; i < map->change_count; i++) {
        if (map->changes[i].place == place)
            return &map->changes[i];
    }
    return NULL;
}

/* Adds a change of a place, for now one to no record. */
static struct state_change *change_add(struct state_map *map, uint32_t place)
{
    struct state_change *change = &map->changes[map->change_count++];
    uint64_t word = atomic_load_explicit(&map->places[place].word, memory_order_relaxed);
    *change = (struct state_change){.place = place, .word = state_word_after(word, 0)};
    return change;
}

/* The place of a record; false if it has none. */
static bool place_find(const struct state_map *map, uint32_t serial, uint32_t *place)
{
    const struct state_place *found = map_find(&map->serials, serial);
    if (found == NULL)
        return false;
    *place = (uint32_t)(found - map->places);
    return true;
}

static bool serial_learn(struct state_map *map, uint32_t serial, uint32_t place)
{
    return map_put(&map->serials, serial, &map->places[place]);
}

/* Makes a place one without a record. */
static void place_clear(struct state_place *place)
{
    uint64_t word = atomic_load_explicit(&place->word, memory_order_relaxed);
    atomic_store_explicit(&place->word, state_word_after(word, 0), memory_order_release);
}

/* A place that was never used has no record. Where it seems to have one it is damaged: its chain is not
 * followed. */
static void place_check_unused(struct state_map *map, uint32_t place)
{
    uint64_t word = atomic_load_explicit(&map->places[place].word, memory_order_relaxed);
    if (state_word_head(word) == 0)
        return;
    place_clear(&map->places[place]);
    map->damaged++;
}

static bool place_new(struct state_map *map, uint32_t serial, uint32_t *place)
{
    uint32_t used = atomic_load_explicit(&map->header->places_used, memory_order_relaxed);
    if (map->free_places.count == 0 && used < map->place_count)
        place_check_unused(map, used); /* before a reader can see it */
    if (!number_take(&map->free_places, &map->header->places_used, map->place_count, place))
        return false;
    if (!serial_learn(map, serial, *place)) {
        (void)list_push(&map->free_places, *place);
        return false;
    }
    atomic_store_explicit(&map->places[*place].serial, serial, memory_order_relaxed);
    return true;
}

/* The change of a record's place that the next commit makes, begun if need be. */
static struct state_change *change_of(struct state_map *map, uint32_t serial)
{
    uint32_t place;
    bool known = place_find(map, serial, &place);
    struct state_change *change = known ? change_find(map, place) : NULL;
    if (change != NULL)
        return change;
    if (map->change_count == STATE_BATCH_MAX) {
        state_map_commit(map);
        known = place_find(map, serial, &place);
    }
    if (!known && !place_new(map, serial, &place))
        return NULL;
    return change_add(map, place);
}

bool state_map_put(struct state_map *map, uint32_t serial, uint32_t tunnel, struct octets state)
{
    if (state.length == 0 || state.length > STATE_RECORD_MAX)
        return false;
    uint32_t head = chain_write(map, state);
    if (head == 0)
        return false;
    struct state_change *change = change_of(map, serial);
    if (change == NULL) {
        chain_free(map, head);
        return false;
    }
    chain_free(map, state_word_head(change->word));
    change->word = (change->word & ~UINT64_C(0xffffffff)) | head;
    /* Before the commit: whoever sees the record is not misled. The record before it may be, for a moment. */
    atomic_store_explicit(&map->places[change->place].tunnel, tunnel, memory_order_relaxed);
    return true;
}

bool state_map_remove(struct state_map *map, uint32_t serial)
{
    uint32_t place;
    if (!place_find(map, serial, &place))
        return true;
    struct state_change *change = change_of(map, serial);
    if (change == NULL)
        return false;
    chain_free(map, state_word_head(change->word));
    change->word &= ~UINT64_C(0xffffffff);
    return true;
}

/* Makes the changes that stand in the journal; making them twice does no harm. */
static void journal_apply(struct state_map *map, uint32_t count)
{
    struct state_header *header = map->header;
    for (uint32_t i = 0; i < count; i++) {
        const struct state_change *change = &header->journal[i];
        atomic_store_explicit(&map->places[change->place].word, change->word, memory_order_release);
    }
    atomic_store_explicit(&header->journal_count, 0, memory_order_release);
}

void state_map_commit(struct state_map *map)
{
    uint32_t replaced[STATE_BATCH_MAX];
    uint32_t count = (uint32_t)map->change_count;
    if (count == 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = map->changes[i].place;
        replaced[i] = state_word_head(atomic_load_explicit(&map->places[place].word, memory_order_relaxed));
        map->header->journal[i] = map->changes[i];
    }
    atomic_store_explicit(&map->header->journal_count, count, memory_order_release);
    journal_apply(map, count);
    /* Readers that see a wiped block see the new word too. */
    atomic_thread_fence(memory_order_seq_cst);
    for (uint32_t i = 0; i < count; i++) {
        chain_free(map, replaced[i]);
        uint32_t place = map->changes[i].place;
        if (state_word_head(map->changes[i].word) == 0) {
            (void)map_remove(&map->serials, atomic_load(&map->places[place].serial));
            (void)list_push(&map->free_places, place);
        }
    }
    map->change_count = 0;
}

/* ---- Recovery -------------------------------------------------------------------------------------- */

/* Marks the blocks of a chain in `used`; false, with none marked, if it is damaged. */
static bool chain_mark(const struct state_map *map, uint32_t head, uint32_t blocks_used, uint8_t *used)
{
    if (head > blocks_used)
        return false;
    size_t length = block_at(map, head)->length;
    if (length == 0 || length > STATE_RECORD_MAX)
        return false;
    size_t count = state_chain_blocks(length);
    uint32_t at = head;
    for (size_t i = 0; i < count; i++) {
        if (at == 0 || at > blocks_used || used[at - 1] != 0)
            return false;
        at = block_at(map, at)->next;
    }
    if (at != 0)
        return false;
    for (at = head; at != 0; at = block_at(map, at)->next)
        used[at - 1] = 1;
    return true;
}

static bool journal_recover(struct state_map *map, uint32_t places_used)
{
    uint32_t count = atomic_load_explicit(&map->header->journal_count, memory_order_acquire);
    if (count > STATE_BATCH_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (map->header->journal[i].place >= places_used)
            return false;
    }
    journal_apply(map, count);
    return true;
}

/* Learns which place has which record. False if memory ran out. */
static bool places_recover(struct state_map *map, uint32_t places_used, uint32_t blocks_used, uint8_t *used)
{
    for (uint32_t i = places_used; i-- > 0;) {
        struct state_place *place = &map->places[i];
        uint64_t word = atomic_load_explicit(&place->word, memory_order_relaxed);
        uint32_t serial = atomic_load_explicit(&place->serial, memory_order_relaxed);
        uint32_t head = state_word_head(word);
        bool sound =
            head != 0 && map_find(&map->serials, serial) == NULL && chain_mark(map, head, blocks_used, used);
        if (sound) {
            if (!serial_learn(map, serial, i))
                return false;
            continue;
        }
        if (head != 0) {
            place_clear(place);
            map->damaged++;
        }
        if (!list_push(&map->free_places, i))
            return false;
    }
    return true;
}

static bool blocks_recover(struct state_map *map, uint32_t blocks_used, const uint8_t *used)
{
    for (uint32_t i = blocks_used; i-- > 0;) {
        if (used[i] != 0)
            continue;
        secret_wipe(&map->blocks[i], STATE_BLOCK_SIZE);
        if (!list_push(&map->free_blocks, i))
            return false;
    }
    return true;
}

bool state_map_recover(struct state_map *map)
{
    uint32_t places_used = atomic_load_explicit(&map->header->places_used, memory_order_acquire);
    uint32_t blocks_used = atomic_load_explicit(&map->header->blocks_used, memory_order_acquire);
    if (places_used > map->place_count || blocks_used > map->block_count ||
        !journal_recover(map, places_used)) {
        errno = EPROTO;
        return false;
    }
    uint8_t *used = calloc((size_t)blocks_used + 1, 1);
    if (used == NULL)
        return false;
    bool done = places_recover(map, places_used, blocks_used, used) && blocks_recover(map, blocks_used, used);
    free(used);
    if (!done)
        errno = ENOMEM;
    return done;
}
