/*
 * SA state records in shared memory that outlives every process: records of any length by serial number, one
 * writer, readers in other processes. A crash of the writer at any instruction leaves all records of a batch
 * as they were before, or as they are after it.
 *
 * Layout, version 2 (layout.h): a header with a journal; places of 16 octets, each with the serial of a
 * record, the number of its tunnel, and a word that holds a sequence number and the record's first block;
 * blocks of 256 octets, chained. A commit writes new chains into free blocks, notes the new words in the
 * journal, and sets them. Which blocks are free is not stored: the writer works it out from the chains when
 * it opens the map. So only the words have to change at once.
 *
 * A reader copies a chain and then looks whether the word is still the same. It trusts nothing that it finds.
 */
#ifndef MUSUBI_DAEMON_STATE_MAP_H
#define MUSUBI_DAEMON_STATE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
    STATE_RECORD_MAX = 1 << 20, /* octets of one record */
    STATE_BATCH_MAX = 128,      /* changes that a commit makes together */
};

struct state_map;

/* What a map can hold. It is sparse: room that was never used costs nothing. */
struct state_map_size {
    uint32_t places; /* records */
    uint32_t blocks; /* of 256 octets, 248 of them for records */
};

enum state_map_access { STATE_MAP_READ, STATE_MAP_WRITE };

/* A record as a reader gets it. Start with a zeroed one; its memory is used again by the next read. */
struct state_record {
    uint32_t serial;
    uint8_t *octets;
    size_t length;
    size_t capacity;
};

/* Makes an empty map, which cannot change its size. Returns its descriptor (close-on-exec), -1 with errno. */
int state_map_create(const struct state_map_size *size);

/*
 * Maps what `fd` refers to, which may be closed afterwards. There may be one writer at a time. A writer ends
 * a commit that its predecessor was killed in, drops damaged records and wipes what belongs to none. NULL
 * with errno set: EPROTO if it is no map of this version, or lies about its size.
 */
struct state_map *state_map_open(int fd, enum state_map_access access);

/* Unmaps it; uncommitted changes are lost. `map` may be NULL. */
void state_map_close(struct state_map *map);

/* Records that the writer has found damaged, and dropped: when it opened the map, or in a place that was
 * never used. */
size_t state_map_damaged(const struct state_map *map);

/*
 * Writer: the next commit makes `state` the record of `serial` (never empty), or removes it. `tunnel` is the
 * number of the record's tunnel, for state_map_may_be_of; 0: none, or it is not known. Changes beyond
 * STATE_BATCH_MAX commit those before them. False if memory or the map is full: then the record stays as it
 * was, and the other changes are not affected.
 */
bool state_map_put(struct state_map *map, uint32_t serial, uint32_t tunnel, struct octets state);
bool state_map_remove(struct state_map *map, uint32_t serial);

/* Writer: makes all changes since the last commit. */
void state_map_commit(struct state_map *map);

/* Records that the map holds, for the writer. */
size_t state_map_count(const struct state_map *map);

/*
 * Reads the record at a place, 0 to state_map_places() - 1. False if there is none, if it changes too fast to
 * be read, or if memory ran out. Order and places mean nothing, but a record keeps its place.
 */
uint32_t state_map_places(const struct state_map *map);
bool state_map_read(const struct state_map *map, uint32_t place, struct state_record *record);

/*
 * False if the record at a place is not of that tunnel, as the place alone tells: so the records of one
 * tunnel are found without reading those of all. If true, the record has to be asked.
 */
bool state_map_may_be_of(const struct state_map *map, uint32_t place, uint32_t tunnel);

/* Wipes and frees a record's memory. */
void state_record_free(struct state_record *record);

#endif
