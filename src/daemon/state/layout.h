/*
 * The layout of a state map in memory, for writer.c and reader.c. All numbers are in the machine's own byte
 * order: the map never leaves the machine.
 */
#ifndef MUSUBI_DAEMON_STATE_LAYOUT_H
#define MUSUBI_DAEMON_STATE_LAYOUT_H

#include <stdatomic.h>

#include "base/map.h"
#include "daemon/state/map.h"

enum {
    STATE_LAYOUT_VERSION = 2,
    STATE_HEADER_SIZE = 4096,
    STATE_BLOCK_SIZE = 256,
    STATE_BLOCK_OCTETS = STATE_BLOCK_SIZE - 8,
};

#define STATE_MAGIC UINT64_C(0x6d75737562695341) /* "musubiSA" */

struct state_change {
    uint32_t place;
    uint32_t reserved;
    uint64_t word;
};

struct state_header {
    uint64_t magic;
    uint32_t version;
    uint32_t places;
    uint32_t blocks;
    uint32_t reserved;
    _Atomic uint32_t places_used; /* those from here on have never been touched */
    _Atomic uint32_t blocks_used;
    _Atomic uint32_t journal_count; /* not 0: a commit is being made */
    uint32_t reserved2;
    struct state_change journal[STATE_BATCH_MAX];
};

struct state_place {
    _Atomic uint64_t word; /* sequence number in the high half, first block in the low one; block 0: none */
    _Atomic uint32_t serial;
    _Atomic uint32_t tunnel; /* a hint: the record says it too. 0: whatever the record says */
};

/* Blocks are numbered from 1. */
struct state_block {
    uint32_t next;   /* 0: none */
    uint32_t length; /* of the whole record; in its first block */
    uint8_t octets[STATE_BLOCK_OCTETS];
};

_Static_assert(sizeof(struct state_header) <= STATE_HEADER_SIZE, "the header fits its page");
_Static_assert(sizeof(struct state_place) == 16, "places are packed");
_Static_assert(sizeof(struct state_block) == STATE_BLOCK_SIZE, "blocks are packed");

/* A growing list of numbers. */
struct state_list {
    uint32_t *at;
    size_t count, capacity;
};

struct state_map {
    struct state_header *header;
    struct state_place *places;
    struct state_block *blocks; /* blocks[n - 1] is block n */
    uint32_t place_count, block_count;
    size_t mapped;
    enum state_map_access access;

    /* Of the writer alone. */
    struct map serials; /* serial -> its place */
    struct state_list free_places, free_blocks;
    struct state_change changes[STATE_BATCH_MAX];
    size_t change_count;
    size_t damaged;
};

static inline uint32_t state_word_head(uint64_t word)
{
    return (uint32_t)word;
}

/* The word that follows `word` and leads to block `head`. */
static inline uint64_t state_word_after(uint64_t word, uint32_t head)
{
    return (((word >> 32) + 1) << 32) | head;
}

/* Blocks that a record of `length` octets takes. */
static inline size_t state_chain_blocks(size_t length)
{
    return (length + STATE_BLOCK_OCTETS - 1) / STATE_BLOCK_OCTETS;
}

/* Makes a freshly mapped map one that can be written to, see state_map_open. False with errno set. */
bool state_map_recover(struct state_map *map);

#endif
