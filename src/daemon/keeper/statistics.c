#include "daemon/keeper/statistics.h"

void statistics_open(struct statistics *statistics, const struct engine_statistics *engine,
                     const struct live_area *live)
{
    *statistics = (struct statistics){.engine = engine, .live = live};
}

static uint64_t since(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0; /* the engine takes back what could not be sent */
}

struct engine_statistics statistics_of_engine(const struct statistics *statistics)
{
    struct engine_statistics now = *statistics->engine;
    for (size_t i = 0; i < IKE_COUNTER_COUNT; i++)
        now.counters[i] = since(now.counters[i], statistics->engine_before.counters[i]);
    return now;
}

struct path_worker_counters statistics_of_path(const struct statistics *statistics)
{
    struct path_worker_counters now = live_area_counters(statistics->live);
    for (size_t i = 0; i < sizeof(now.counters) / sizeof(now.counters[0]); i++)
        now.counters[i] = since(now.counters[i], statistics->path_before.counters[i]);
    return now;
}

void statistics_clear(struct statistics *statistics)
{
    statistics->engine_before = *statistics->engine;
    statistics->path_before = live_area_counters(statistics->live);
}
