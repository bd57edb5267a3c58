/*
 * `show ip route` and `show ipv6 route`: Linux's main routing table in the router's words.
 */
#ifndef MUSUBI_DAEMON_SHOW_ROUTES_H
#define MUSUBI_DAEMON_SHOW_ROUTES_H

#include "daemon/ipc/text.h"
#include "host/host.h"
#include "host/port.h"

/* Appends the routes of a family. False with a reason if Linux can't be asked. */
bool show_routes(struct host *host, const struct port_table *ports, enum ip_family family, struct text *out,
                 struct host_error *err);

#endif
