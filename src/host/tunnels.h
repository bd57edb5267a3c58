/*
 * The Tunnels of the plan: TUN devices that are made, adopted, kept as they should be, and removed.
 */
#ifndef MUSUBI_HOST_TUNNELS_H
#define MUSUBI_HOST_TUNNELS_H

#include "host/kernel.h"

struct tunnel_device;

/* Starts with `instance` alone. */
struct host_tunnels {
    const char *instance;        /* for the alias of the links; the caller's */
    struct tunnel_device *items; /* sorted by name */
    size_t count;
    bool told_of_all; /* of what Linux does with the routes of all devices, see reconcile */
};

/* Takes in the plan's Tunnels, with what is known of those that stay. The next pass removes the others. */
bool host_tunnels_plan(struct host_tunnels *tunnels, const struct host_plan *plan, struct host_error *err);

/* Makes Linux agree. */
bool host_tunnels_reconcile(struct host_tunnels *tunnels, struct host_kernel *kernel, struct host_error *err);

/* Removes all that is ours. */
void host_tunnels_remove_all(struct host_tunnels *tunnels, struct host_kernel *kernel);

/* Closes the descriptors and frees, without touching the devices. */
void host_tunnels_free(struct host_tunnels *tunnels);

/* As host_tunnel_fd, host_use_tunnel and host_release_tunnels. */
int host_tunnels_fd(const struct host_tunnels *tunnels, const char *name);
bool host_tunnels_use(struct host_tunnels *tunnels, const struct host_kernel *kernel, const char *name,
                      enum host_tunnel_use use, struct host_error *err);
void host_tunnels_release(struct host_tunnels *tunnels, const struct host_kernel *kernel);

/* False if the link is a Tunnel, or carries our mark, and is not as it should be. */
bool host_tunnels_agree(const struct host_tunnels *tunnels, const struct host_link *link);

/* Somebody may have changed the settings of a link: a Tunnel's are made anew by the next pass. True if the
 * link is a Tunnel whose settings were made. */
bool host_tunnels_doubt(struct host_tunnels *tunnels, const struct inventory *inventory, int link);

/* The same for how Linux treats routes through a Tunnel without carrier, of which it reports that it now
 * passes over them, or does not (`is_ignored`). */
bool host_tunnels_doubt_use(struct host_tunnels *tunnels, const struct inventory *inventory, int link,
                            bool is_ignored);

/* The index of the Tunnel that has an address on its network; 0: none. */
int host_tunnels_find_network(const struct host_tunnels *tunnels, const struct inventory *inventory,
                              const struct ip_address *address);

#endif
