/*
 * The memory that outlives engine and path, and that the keeper holds for them: state records, the live area,
 * the engine's statistics.
 */
#ifndef MUSUBI_DAEMON_KEEPER_MEMORY_H
#define MUSUBI_DAEMON_KEEPER_MEMORY_H

#include "daemon/state/map.h"
#include "daemon/state/shared.h"

struct keeper_memory {
    int state_fd, statistics_fd, live_fd; /* -1: not made */
    struct state_map *records;            /* to read */
    struct live_area live;                /* to read */
    struct engine_statistics *statistics; /* to read */
};

/* To be called first: there is none. */
void keeper_memory_init(struct keeper_memory *memory);

/* Makes all for that many workers. False with errno set; then keeper_memory_close is to be called all the
 * same. */
bool keeper_memory_open(struct keeper_memory *memory, uint32_t workers);

/* The keeper lets go of it. */
void keeper_memory_close(struct keeper_memory *memory);

#endif
