/*
 * Links (network interfaces): what they are, and orders to change them. host/inventory.h keeps the list of
 * them up to date.
 */
#ifndef MUSUBI_HOST_LINK_H
#define MUSUBI_HOST_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/netlink.h"

enum { HOST_LINK_NAME_SIZE = IFNAMSIZ, HOST_ETHERNET_SIZE = 6 };

struct host_link {
    int index;
    char name[HOST_LINK_NAME_SIZE];
    uint32_t mtu; /* octets */
    uint32_t group;
    bool up;      /* administratively (IFF_UP) */
    bool carrier; /* something is at the other end; means nothing while the link is not up */
    bool loopback;
    bool point_to_point; /* needs no next hop; a TUN device or PPP */
    bool ours;           /* carries our mark: alias and group */
    bool ethernet;       /* frames with resolved addresses, and not a VRF's, which sees packets first */
    uint8_t address[HOST_ETHERNET_SIZE]; /* 0 unless `ethernet` */
};

/* Reads an RTM_NEWLINK or RTM_DELLINK; false if it is malformed or of another family (a bridge's port). */
bool host_link_read(const struct nlmsghdr *message, struct host_link *out);

/* Hands the RTM_NEWLINK of each link to `reply`. */
bool host_link_list(struct netlink *nl, netlink_reply *reply, void *context, struct host_error *err);

/* Hands the RTM_NEWLINK of one link to `reply`; ENODEV if there is none. */
bool host_link_ask(struct netlink *nl, int index, netlink_reply *reply, void *context,
                   struct host_error *err);

/* What to change of a link; a zeroed one changes nothing. */
struct host_link_change {
    const char *instance; /* not NULL: set our mark, with this name of the instance */
    uint32_t mtu;         /* not 0: set it */
    uint32_t queue;       /* not 0: how many packets may wait in front of it */
    uint32_t group;       /* not 0: set it (`instance` sets HOST_LINK_GROUP by itself) */
    bool set_up, up;      /* set_up: make it up or down */
    bool no_link_local;   /* have Linux make no IPv6 link-local address on it; needs an MTU of 1280 */
};

/* Changes a link. Linux reports no change of mark or group of a link that is down. */
bool host_link_change(struct netlink *nl, int index, const struct host_link_change *change,
                      struct host_error *err);

/* Removes one link. Takes some 20 ms of waiting in the kernel: for many use host_link_remove_group. True also
 * if there is no such link. */
bool host_link_remove(struct netlink *nl, int index, struct host_error *err);

/* Removes all links of a group, ours or not, by one request. True also if there are none. */
bool host_link_remove_group(struct netlink *nl, uint32_t group, struct host_error *err);

/* True if Linux would take `name` as that of a link. */
bool host_link_name_is_valid(const char *name);

#endif
