#include "daemon/state/shared.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/ipc/memory_file.h"

enum { LIVE_AREA_VERSION = 3, AREA_ALIGNMENT = 4096 };

#define LIVE_AREA_MAGIC UINT64_C(0x6d7573756269654c) /* "musubieL" */

struct live_area_header {
    uint64_t magic;
    uint32_t version;
    struct live_area_size size;
};

static size_t aligned(size_t size)
{
    return (size + AREA_ALIGNMENT - 1) / AREA_ALIGNMENT * AREA_ALIGNMENT;
}

/* Where the parts are, from the start; the last one is the end. */
struct live_area_offsets {
    size_t children, totals, sizes, workers, end;
};

static struct live_area_offsets offsets_of(const struct live_area_size *size)
{
    struct live_area_offsets at;
    at.children = aligned(sizeof(struct live_area_header));
    at.totals = at.children + aligned((size_t)size->children * sizeof(struct esp_live));
    at.sizes = at.totals + aligned((size_t)size->workers * size->tunnels * sizeof(struct path_totals));
    at.workers = at.sizes + aligned((size_t)size->tunnels * sizeof(struct path_sizes));
    at.end = at.workers + aligned((size_t)size->workers * sizeof(struct path_worker_counters));
    return at;
}

int live_area_create(const struct live_area_size *size)
{
    int fd = memory_file_create("musubi-live", offsets_of(size).end);
    if (fd < 0)
        return -1;
    const struct live_area_header header = {LIVE_AREA_MAGIC, LIVE_AREA_VERSION, *size};
    if (pwrite(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header)) {
        close(fd);
        return -1;
    }
    return fd;
}

bool live_area_map(int fd, bool writable, struct live_area *out)
{
    size_t size;
    if (!memory_file_size(fd, &size))
        return false;
    if (size < sizeof(struct live_area_header)) {
        errno = EPROTO;
        return false;
    }
    int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    uint8_t *at = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return false;
    const struct live_area_header *header = (const void *)at;
    *out = (struct live_area){.size = header->size, .mapping = at, .mapped = size};
    struct live_area_offsets offsets = offsets_of(&out->size);
    if (header->magic != LIVE_AREA_MAGIC || header->version != LIVE_AREA_VERSION || offsets.end != size) {
        live_area_unmap(out);
        errno = EPROTO;
        return false;
    }
    out->children = (void *)(at + offsets.children);
    out->totals = (void *)(at + offsets.totals);
    out->sizes = (void *)(at + offsets.sizes);
    out->workers = (void *)(at + offsets.workers);
    return true;
}

static uint64_t read_number(const uint64_t *at)
{
    return __atomic_load_n(at, __ATOMIC_RELAXED);
}

struct path_totals live_area_totals(const struct live_area *area, uint32_t slot)
{
    struct path_totals sum = {.counters = {0}};
    for (uint32_t worker = 0; worker < area->size.workers; worker++) {
        const struct path_totals *one = &area->totals[(size_t)worker * area->size.tunnels + slot];
        for (size_t i = 0; i < ESP_COUNTER_COUNT; i++)
            sum.counters[i] += read_number(&one->counters[i]);
        for (size_t i = 0; i < DROP_COUNT; i++)
            sum.drops[i] += read_number(&one->drops[i]);
        sum.fragmented += read_number(&one->fragmented);
    }
    return sum;
}

struct path_worker_counters live_area_counters(const struct live_area *area)
{
    struct path_worker_counters sum = {{0}};
    for (uint32_t worker = 0; worker < area->size.workers; worker++) {
        for (size_t i = 0; i < PATH_COUNTER_COUNT; i++)
            sum.counters[i] += read_number(&area->workers[worker].counters[i]);
    }
    return sum;
}

struct path_sizes live_area_sizes(const struct live_area *area, uint32_t slot)
{
    struct path_sizes sizes;
    for (size_t i = 0; i < PATH_SIZE_COUNT; i++)
        sizes.octets[i] = read_number(&area->sizes[slot].octets[i]);
    return sizes;
}

void live_area_unmap(struct live_area *area)
{
    if (area->mapping != NULL)
        munmap(area->mapping, area->mapped);
    *area = (struct live_area){0};
}

int engine_statistics_create(void)
{
    return memory_file_create("musubi-statistics", sizeof(struct engine_statistics));
}

struct engine_statistics *engine_statistics_map(int fd, bool writable)
{
    size_t size;
    if (!memory_file_size(fd, &size))
        return NULL;
    if (size != sizeof(struct engine_statistics)) {
        errno = EPROTO;
        return NULL;
    }
    int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    void *at = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

void engine_statistics_unmap(struct engine_statistics *statistics)
{
    if (statistics != NULL)
        munmap(statistics, sizeof(*statistics));
}
