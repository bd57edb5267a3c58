/*
 * The routes of the plan, those of pinned routes among them. Another program's route with the same
 * destination and metric is never touched: ours waits until it is gone.
 */
#ifndef MUSUBI_HOST_ROUTES_H
#define MUSUBI_HOST_ROUTES_H

#include "host/kernel.h"

struct route_item;
struct route_surroundings;

/* Zeroed at first. */
struct host_routes {
    struct route_item *items; /* sorted by destination, table, metric, ... */
    size_t count;
};

/* Takes in the plan's routes, with what is known of those that stay. */
bool host_routes_plan(struct host_routes *routes, const struct host_plan *plan, struct host_error *err);

/* Makes Linux agree. `around` is what else is there (host/route_resolve.h). */
bool host_routes_reconcile(struct host_routes *routes, struct host_kernel *kernel,
                           const struct route_surroundings *around, struct host_error *err);

/* Removes all that is ours. */
void host_routes_remove_all(struct host_routes *routes, struct host_kernel *kernel);

/* Frees, without touching Linux. */
void host_routes_free(struct host_routes *routes);

/* An address of ours is taken off a link, or the link goes down or is removed. Linux takes the routes by the
 * link away together with its last address, or with the link: no other program removed those that are missing
 * then. */
void host_routes_expect_loss(struct host_routes *routes, int link);

/* True if a route of the plan has this destination and table. */
bool host_routes_want(const struct host_routes *routes, const struct ip_prefix *destination, uint32_t table);

#endif
