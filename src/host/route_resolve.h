/*
 * What a planned route is in Linux now: links have indices, a next hop is behind a link, a source link has an
 * address.
 */
#ifndef MUSUBI_HOST_ROUTE_RESOLVE_H
#define MUSUBI_HOST_ROUTE_RESOLVE_H

#include "host/addresses.h"
#include "host/tunnels.h"

/* What routes depend on. */
struct route_surroundings {
    const struct host_tunnels *tunnels;
    const struct host_addresses *addresses;
};

enum route_resolved {
    ROUTE_RESOLVED,
    ROUTE_WAITS, /* for its link to be there, up and with carrier */
    ROUTE_UNUSABLE,
};

/* Fills in `out`; `err` says why it is ROUTE_UNUSABLE. */
enum route_resolved host_route_resolve(const struct plan_route *plan, const struct host_kernel *kernel,
                                       const struct route_surroundings *around, struct host_route *out,
                                       struct host_error *err);

#endif
