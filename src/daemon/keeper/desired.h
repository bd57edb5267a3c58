/*
 * What a config wants of Linux (S16), as a plan for host/: made anew from the whole config each time it
 * changes; host/ finds out the difference.
 */
#ifndef MUSUBI_DAEMON_KEEPER_DESIRED_H
#define MUSUBI_DAEMON_KEEPER_DESIRED_H

#include "daemon/ipc/text.h"
#include "daemon/keeper/configuration.h"
#include "host/plan.h"

/*
 * Fills in an empty plan. What can't be carried out is left out. `left_out`, which is empty at first and
 * stays the caller's, gets a line for each such thing; the log tells those that the plan before did not leave
 * out. False if memory ran out.
 */
bool desired_plan(const struct configuration *configuration, const struct port_table *ports,
                  struct event_log *log, struct text *left_out, struct host_plan *plan);

/* The MTU of a Tunnel's device: `ip mtu`, `ipv6 mtu` or 1500 octets (S39). */
uint32_t desired_tunnel_mtu(const struct configured_interface *interface);

/* True if the interface is one that Musubi uses: it is in the config and not shut down. */
bool desired_is_up(const struct configuration *configuration, const char *name);

#endif
