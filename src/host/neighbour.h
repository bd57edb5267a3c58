/*
 * Neighbours: the link-layer addresses that Linux has learnt of the hosts beside this one (ARP).
 */
#ifndef MUSUBI_HOST_NEIGHBOUR_H
#define MUSUBI_HOST_NEIGHBOUR_H

#include "host/link.h"

struct host_neighbour {
    int link;
    struct ip_address address;
    /* Linux would send to the link-layer address at once. It may be out of date: then Linux looks, when a
     * packet of its own goes there. */
    bool is_known;
    bool is_sought_in_vain;               /* Linux has asked for it, and it has not answered (so far) */
    uint8_t ethernet[HOST_ETHERNET_SIZE]; /* 0 unless known */
};

/* Reads an RTM_NEWNEIGH or RTM_DELNEIGH; false if it is malformed or tells of no IP neighbour. */
bool host_neighbour_read(const struct nlmsghdr *message, struct host_neighbour *out);

/* Fills in what is known of the neighbour with that link and address; false with a reason if there is none.
 */
bool host_neighbour_ask(struct netlink *nl, int link, const struct ip_address *address,
                        struct host_neighbour *out, struct host_error *err);

#endif
