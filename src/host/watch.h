/*
 * What the kernel reports unasked: links, addresses, routes, rules, forwarding and nftables that changed,
 * whoever changed them, in the network namespace where the socket was opened.
 */
#ifndef MUSUBI_HOST_WATCH_H
#define MUSUBI_HOST_WATCH_H

#include "host/netlink.h"

struct watch;

/* NULL with a reason on failure. */
struct watch *watch_open(struct host_error *err);

/* `watch` may be NULL. */
void watch_close(struct watch *watch);

/* Also reports changes of nftables from here on; nothing if it does already. False with a reason if the
 * kernel has no nf_tables. */
bool watch_tables(struct watch *watch, struct host_error *err);

/* Also reports changes of neighbours from here on. False with a reason on failure. */
bool watch_neighbours(struct watch *watch, struct host_error *err);

/* To be polled for reading. */
int watch_fd(const struct watch *watch);

/* Hands each message that waits to `seen`, in order. Sets `*lost` if some did not fit into the socket's
 * buffer: then what is known has to be read anew; otherwise leaves it alone. */
bool watch_read(struct watch *watch, netlink_reply *seen, void *context, bool *lost, struct host_error *err);

#endif
