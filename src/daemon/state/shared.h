/*
 * The other memory that processes share, beside the state records (daemon/state/map.h): the live area, which
 * the path writes and the keeper reads, and the engine's statistics. Their writers change single 64-bit
 * numbers in place; readers see each whole.
 */
#ifndef MUSUBI_DAEMON_STATE_SHARED_H
#define MUSUBI_DAEMON_STATE_SHARED_H

#include "ike/ike.h"
#include "path/path.h"

/* How many of each there is room for. Room that is not used costs nothing. */
struct live_area_size {
    uint32_t children; /* slots of struct esp_live */
    uint32_t tunnels;  /* slots, each with a struct path_totals for each worker, and a struct path_sizes */
    uint32_t workers;
};

struct live_area {
    struct live_area_size size;
    struct esp_live *children;
    struct path_totals *totals; /* see path_options.totals */
    struct path_sizes *sizes;   /* see path_options.sizes */
    struct path_worker_counters *workers;
    void *mapping;
    size_t mapped;
};

/* Makes one. Returns its descriptor, or -1 with errno set. */
int live_area_create(const struct live_area_size *size);

/* Maps one; the descriptor may be closed afterwards. False with errno set; EPROTO if it is none. */
bool live_area_map(int fd, bool writable, struct live_area *out);

/* What all workers have counted for the tunnel with that slot, and what belongs to no tunnel. */
struct path_totals live_area_totals(const struct live_area *area, uint32_t slot);
struct path_worker_counters live_area_counters(const struct live_area *area);

/* The sizes of the tunnel with that slot. */
struct path_sizes live_area_sizes(const struct live_area *area, uint32_t slot);

void live_area_unmap(struct live_area *area);

/* The engine's counters, as struct ike_engine has them. */
struct engine_statistics {
    uint64_t counters[IKE_COUNTER_COUNT];
};

int engine_statistics_create(void);

/* NULL with errno set. Unmapped by engine_statistics_unmap, which takes NULL too. */
struct engine_statistics *engine_statistics_map(int fd, bool writable);
void engine_statistics_unmap(struct engine_statistics *statistics);

#endif
