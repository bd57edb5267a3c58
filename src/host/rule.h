/*
 * Rules of policy routing: what of them matters to us, and orders to add and remove ours, which say only
 * "what carries this fwmark is looked up in this table".
 */
#ifndef MUSUBI_HOST_RULE_H
#define MUSUBI_HOST_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "host/netlink.h"

struct host_rule {
    enum ip_family family;
    uint32_t mark; /* fwmark; 0: none is asked for */
    uint32_t mask; /* of the fwmark */
    uint32_t table;
    uint32_t priority;
    uint8_t protocol; /* who made it; HOST_PROTOCOL if we did */
    bool by_protocol; /* only for packets of one IP protocol; read only */
};

/* Reads an RTM_NEWRULE or RTM_DELRULE; false if it is malformed or of another family. */
bool host_rule_read(const struct nlmsghdr *message, struct host_rule *out);

/* Hands the RTM_NEWRULE of each rule of both families to `reply`. */
bool host_rule_list(struct netlink *nl, netlink_reply *reply, void *context, struct host_error *err);

/* Adds the rule of ours (mask, priority and protocol are always the same). True also if it exists already. */
bool host_rule_add(struct netlink *nl, const struct host_rule *rule, struct host_error *err);

/* Removes it, exactly as listed. True also if it is not there. */
bool host_rule_remove(struct netlink *nl, const struct host_rule *rule, struct host_error *err);

#endif
