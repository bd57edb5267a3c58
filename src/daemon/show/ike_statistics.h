/*
 * `show ikev2 statistics`: how many IKE messages came and went, and how many were of no use, by reason.
 */
#ifndef MUSUBI_DAEMON_SHOW_IKE_STATISTICS_H
#define MUSUBI_DAEMON_SHOW_IKE_STATISTICS_H

#include "daemon/ipc/text.h"
#include "ike/ike.h"
#include "path/path.h"

/* Appends a line for each counter of the engine, and the ESP packets that were no Tunnel's. */
void show_ike_statistics(const uint64_t counters[IKE_COUNTER_COUNT], const struct path_worker_counters *path,
                         struct text *out);

#endif
