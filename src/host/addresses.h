/*
 * The addresses of the plan. What a link has already is left alone, and so at the end as well.
 */
#ifndef MUSUBI_HOST_ADDRESSES_H
#define MUSUBI_HOST_ADDRESSES_H

#include "host/routes.h"

struct address_item;

/* Zeroed at first. */
struct host_addresses {
    struct address_item *items; /* sorted by link and address */
    size_t count;
};

/* Takes in the plan's addresses, with what is known of those that stay. */
bool host_addresses_plan(struct host_addresses *addresses, const struct host_plan *plan,
                         struct host_error *err);

/* Linux takes addresses away with a link that goes down (those of IPv6) or is removed (all: `family` is
 * IP_NONE): no other program removed those that are missing then. */
void host_addresses_expect_loss(struct host_addresses *addresses, const char *link, enum ip_family family);

/* Makes Linux agree. Routes may go with an address that is removed: `routes` is told. */
bool host_addresses_reconcile(struct host_addresses *addresses, struct host_kernel *kernel,
                              struct host_routes *routes, struct host_error *err);

/* Removes all that is ours. */
void host_addresses_remove_all(struct host_addresses *addresses, struct host_kernel *kernel,
                               struct host_routes *routes);

/* Frees, without touching Linux. */
void host_addresses_free(struct host_addresses *addresses);

/* As host_primary_address. */
const struct host_ifaddr *host_addresses_primary(const struct host_addresses *addresses,
                                                 const struct inventory_link *link, enum ip_family family);

#endif
