/*
 * The part of `show interfaces` that is about a Tunnel's packets: how large they may be, and how many went
 * nowhere and why.
 */
#ifndef MUSUBI_DAEMON_SHOW_TUNNEL_PACKETS_H
#define MUSUBI_DAEMON_SHOW_TUNNEL_PACKETS_H

#include "base/deadline.h"
#include "daemon/ipc/text.h"
#include "path/path.h"

/* Appends the largest packet, the path's MTU and the MSS. `now` is CLOCK_BOOTTIME. */
void show_tunnel_sizes(const struct path_sizes *sizes, const struct path_tunnel *settings, msec_t now,
                       struct text *out);

/* A cause in words. */
const char *show_drop_words(enum path_drop drop);

/* Appends how many packets of a Tunnel were dropped for each cause, and how many ESP packets are of none. */
void show_drops(const struct path_totals *totals, struct text *out);
void show_drops_of_no_tunnel(const struct path_worker_counters *counters, struct text *out);

#endif
