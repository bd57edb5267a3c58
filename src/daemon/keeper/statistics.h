/*
 * The counters that belong to no tunnel, since they were last cleared: the engine's, and those of the packet
 * path.
 */
#ifndef MUSUBI_DAEMON_KEEPER_STATISTICS_H
#define MUSUBI_DAEMON_KEEPER_STATISTICS_H

#include "daemon/state/shared.h"

struct statistics {
    const struct engine_statistics *engine; /* the engine writes them */
    const struct live_area *live;
    /* The counters when they were last cleared. */
    struct engine_statistics engine_before;
    struct path_worker_counters path_before;
};

/* Both stay the caller's and have to outlive the statistics. */
void statistics_open(struct statistics *statistics, const struct engine_statistics *engine,
                     const struct live_area *live);

/* What has been counted since. */
struct engine_statistics statistics_of_engine(const struct statistics *statistics);
struct path_worker_counters statistics_of_path(const struct statistics *statistics);

/* From here on they count from 0. */
void statistics_clear(struct statistics *statistics);

#endif
