/*
 * The records of the engine's IKE SAs in the state map. An IKE SA that can't be recorded works on without a
 * record: the one that it had is removed, since whoever went on from that would use message IDs and IVs a
 * second time.
 */
#ifndef MUSUBI_DAEMON_ENGINE_RECORDS_H
#define MUSUBI_DAEMON_ENGINE_RECORDS_H

#include "base/map.h"
#include "daemon/state/map.h"
#include "ike/ike.h"

/* Start with the map alone. */
struct engine_records {
    struct state_map *map;
    struct map unrecorded; /* serials of the IKE SAs that have no record for want of room */
};

/* Commits the records of an answer. Returns false if from now on there are IKE SAs without a record, and
 * before there was none. */
bool engine_records_commit(struct engine_records *records, const struct ike_effects *effects);

#endif
