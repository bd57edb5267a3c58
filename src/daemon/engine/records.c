#include "daemon/engine/records.h"

/* Without room for old and new at once the old record goes first. */
static bool record_put(struct state_map *map, const struct ike_record_effect *record)
{
    if (state_map_put(map, record->serial, record->tunnel, record->state))
        return true;
    (void)state_map_remove(map, record->serial);
    state_map_commit(map);
    return state_map_put(map, record->serial, record->tunnel, record->state);
}

bool engine_records_commit(struct engine_records *records, const struct ike_effects *effects)
{
    bool all_recorded = records->unrecorded.count == 0;
    for (size_t i = 0; i < effects->record_count; i++) {
        const struct ike_record_effect *record = &effects->records[i];
        (void)map_remove(&records->unrecorded, record->serial);
        if (record->state.length == 0)
            (void)state_map_remove(records->map, record->serial);
        else if (!record_put(records->map, record))
            (void)map_put(&records->unrecorded, record->serial, records->map); /* any pointer will do */
    }
    state_map_commit(records->map);
    return !all_recorded || records->unrecorded.count == 0;
}
