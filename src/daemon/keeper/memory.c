#include "daemon/keeper/memory.h"

#include <unistd.h>

enum {
    RECORDS_MAX = 1 << 17,  /* IKE SAs */
    BLOCKS_MAX = 1 << 22,   /* of their state: 1 GiB */
    CHILDREN_MAX = 1 << 18, /* Child SAs */
    TUNNELS_MAX = 1 << 16,
};

void keeper_memory_init(struct keeper_memory *memory)
{
    *memory = (struct keeper_memory){.state_fd = -1, .statistics_fd = -1, .live_fd = -1};
}

bool keeper_memory_open(struct keeper_memory *memory, uint32_t workers)
{
    const struct state_map_size state = {.places = RECORDS_MAX, .blocks = BLOCKS_MAX};
    const struct live_area_size live = {.children = CHILDREN_MAX, .tunnels = TUNNELS_MAX, .workers = workers};
    memory->state_fd = state_map_create(&state);
    memory->statistics_fd = engine_statistics_create();
    memory->live_fd = live_area_create(&live);
    if (memory->state_fd < 0 || memory->statistics_fd < 0 || memory->live_fd < 0)
        return false;
    memory->records = state_map_open(memory->state_fd, STATE_MAP_READ);
    memory->statistics = engine_statistics_map(memory->statistics_fd, false);
    return memory->records != NULL && memory->statistics != NULL &&
           live_area_map(memory->live_fd, false, &memory->live);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

void keeper_memory_close(struct keeper_memory *memory)
{
    state_map_close(memory->records);
    live_area_unmap(&memory->live);
    engine_statistics_unmap(memory->statistics);
    close_fd(memory->state_fd);
    close_fd(memory->statistics_fd);
    close_fd(memory->live_fd);
    keeper_memory_init(memory);
}
