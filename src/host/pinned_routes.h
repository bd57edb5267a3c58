/*
 * Pinned routes (R44): a mark, a rule and a table for each link and next hop. The rules, "what carries its
 * mark is looked up in its table", are kept here, the routes in those tables by routes.h.
 */
#ifndef MUSUBI_HOST_PINNED_ROUTES_H
#define MUSUBI_HOST_PINNED_ROUTES_H

#include "host/kernel.h"

struct pinned_route;

/* Zeroed at first. */
struct host_pinned_routes {
    struct pinned_route *items;
    size_t count, room;
};

/*
 * Takes a pinned route for whoever needs it (host_pin_route), and writes its mark to `*mark`. `*added` is set
 * if there was none such: then its rule and routes have to be made.
 */
bool host_pinned_routes_take(struct host_pinned_routes *pinned, const struct host_kernel *kernel,
                             const char *link, enum ip_family family, const struct ip_address *next_hop,
                             uint32_t *mark, bool *added, struct host_error *err);

/* Ends one taking. True if nobody has it any more: then its rule and routes have to go. */
bool host_pinned_routes_release(struct host_pinned_routes *pinned, uint32_t mark);

/* Adds the routes of their tables to a plan. False if memory ran out. */
bool host_pinned_routes_add_to(const struct host_pinned_routes *pinned, struct host_plan *plan);

/* Makes Linux's rules agree. */
bool host_pinned_routes_reconcile(struct host_pinned_routes *pinned, struct host_kernel *kernel,
                                  struct host_error *err);

/* Removes all rules that are ours. */
void host_pinned_routes_remove_all(struct host_pinned_routes *pinned, struct host_kernel *kernel);

/* Frees, without touching Linux. */
void host_pinned_routes_free(struct host_pinned_routes *pinned);

#endif
