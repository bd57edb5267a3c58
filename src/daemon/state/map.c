#include "daemon/state/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/ipc/memory_file.h"
#include "daemon/state/layout.h"

static size_t places_size(uint32_t places)
{
    size_t size = (size_t)places * sizeof(struct state_place);
    return (size + STATE_HEADER_SIZE - 1) / STATE_HEADER_SIZE * STATE_HEADER_SIZE;
}

static size_t map_size(uint32_t places, uint32_t blocks)
{
    return STATE_HEADER_SIZE + places_size(places) + (size_t)blocks * STATE_BLOCK_SIZE;
}

int state_map_create(const struct state_map_size *size)
{
    int fd = memory_file_create("musubi-state", map_size(size->places, size->blocks));
    if (fd < 0)
        return -1;
    const struct state_header header = {
        .magic = STATE_MAGIC,
        .version = STATE_LAYOUT_VERSION,
        .places = size->places,
        .blocks = size->blocks,
    };
    if (pwrite(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* True if the header is one of ours and tells the truth about the size. */
static bool header_is_sound(const struct state_header *header, size_t size)
{
    return header->magic == STATE_MAGIC && header->version == STATE_LAYOUT_VERSION &&
           map_size(header->places, header->blocks) == size;
}

struct state_map *state_map_open(int fd, enum state_map_access access)
{
    size_t size;
    if (!memory_file_size(fd, &size))
        return NULL;
    if (size < STATE_HEADER_SIZE) {
        errno = EPROTO;
        return NULL;
    }
    struct state_map *map = calloc(1, sizeof(*map));
    if (map == NULL)
        return NULL;
    int protection = access == STATE_MAP_WRITE ? PROT_READ | PROT_WRITE : PROT_READ;
    uint8_t *at = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        free(map);
        return NULL;
    }
    map->header = (struct state_header *)(void *)at;
    map->mapped = size;
    map->access = access;
    if (!header_is_sound(map->header, size)) {
        state_map_close(map);
        errno = EPROTO;
        return NULL;
    }
    map->place_count = map->header->places;
    map->block_count = map->header->blocks;
    map->places = (struct state_place *)(void *)(at + STATE_HEADER_SIZE);
    map->blocks = (struct state_block *)(void *)(at + STATE_HEADER_SIZE + places_size(map->place_count));
    if (access == STATE_MAP_WRITE && !state_map_recover(map)) {
        int why = errno;
        state_map_close(map);
        errno = why;
        return NULL;
    }
    return map;
}

void state_map_close(struct state_map *map)
{
    if (map == NULL)
        return;
    munmap(map->header, map->mapped);
    map_free(&map->serials);
    free(map->free_places.at);
    free(map->free_blocks.at);
    free(map);
}

size_t state_map_damaged(const struct state_map *map)
{
    return map->damaged;
}

size_t state_map_count(const struct state_map *map)
{
    return map->serials.count;
}
