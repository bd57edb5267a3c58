/*
 * To which neighbours the path may hand ESP over IPv4 by itself (path/link_ring.h), and what tells that this
 * has changed. Linux goes on to resolve neighbours, when a packet of the path goes by its IP output.
 */
#ifndef MUSUBI_DAEMON_PATH_NEXT_HOP_H
#define MUSUBI_DAEMON_PATH_NEXT_HOP_H

#include "host/inventory.h"
#include "host/neighbour.h"
#include "host/route.h"
#include "path/path.h"

struct ip_output;

enum { NEXT_HOP_LOOK = 1000 /* milliseconds between two looks at what Linux does not report */ };

struct next_hops {
    struct netlink *netlink;           /* the caller's */
    const struct inventory *inventory; /* likewise */
    struct ip_output *output;          /* NULL: Linux can't be asked, and there are no next hops */
    bool is_plain;
    uint8_t ttl;
    bool wanted; /* some destination could have one, since next_hops_begin */
    /* Those that were asked for since next_hops_begin. */
    struct host_neighbour *asked;
    size_t count, room;
};

/* Sets up a zeroed one. */
void next_hops_open(struct next_hops *hops, struct netlink *netlink, const struct inventory *inventory);
void next_hops_close(struct next_hops *hops);

/* Looks whether Linux's IP output is plain; true if that, or its TTL, has changed. */
bool next_hops_look(struct next_hops *hops);

/* Routes, links or neighbours have changed: all that are wanted will be asked for anew. */
void next_hops_begin(struct next_hops *hops);

/* Fills in the next hop of a route that was asked for the destination, unless there is none. */
void next_hops_find(struct next_hops *hops, const struct child_destination *destination,
                    const struct host_route_answer *answer, struct path_next_hop *out);

/* Takes in an RTM_NEWNEIGH or RTM_DELNEIGH; true if one that was asked for has changed. */
bool next_hops_learn(struct next_hops *hops, const struct nlmsghdr *message);

#endif
