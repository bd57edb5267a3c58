/*
 * Addresses of links: what they are, and orders to add and remove them.
 */
#ifndef MUSUBI_HOST_IFADDR_H
#define MUSUBI_HOST_IFADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "host/netlink.h"

struct host_ifaddr {
    int link;                /* index */
    struct ip_prefix prefix; /* the address itself with the length of its network */
    uint32_t flags;          /* IFA_F_... of linux/if_addr.h */
    uint8_t scope;           /* RT_SCOPE_... of linux/rtnetlink.h */
    uint8_t protocol;        /* IFA_PROTO: who made it; HOST_PROTOCOL if we did. 0: not known (before 5.18) */
};

/* Reads an RTM_NEWADDR or RTM_DELADDR; false if it is malformed or of another family. */
bool host_ifaddr_read(const struct nlmsghdr *message, struct host_ifaddr *out);

/* Hands the RTM_NEWADDR of each address of both families to `reply`. */
bool host_ifaddr_list(struct netlink *nl, netlink_reply *reply, void *context, struct host_error *err);

/* Adds an address of ours. Fails with EEXIST if the link has it already, whoever made it. */
bool host_ifaddr_add(struct netlink *nl, int link, const struct ip_prefix *prefix, struct host_error *err);

/* Removes an address, whoever made it. True also if there is no such address. */
bool host_ifaddr_remove(struct netlink *nl, int link, const struct ip_prefix *prefix, struct host_error *err);

/* True if packets can be sent from the address: not while duplicate detection runs or has failed. */
bool host_ifaddr_is_usable(const struct host_ifaddr *address);

/* True if nothing new is to begin from the address when there is another one (RFC 4862 5.5.4): the provider
 * has given another prefix, say. */
bool host_ifaddr_is_deprecated(const struct host_ifaddr *address);

/* True if it serves or is about to: duplicate detection has not failed. */
bool host_ifaddr_may_serve(const struct host_ifaddr *address);

#endif
