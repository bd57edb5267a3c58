#include "host/rule.h"

#include <errno.h>
#include <linux/fib_rules.h>

#include "host/mark.h"

bool host_rule_read(const struct nlmsghdr *message, struct host_rule *out)
{
    const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
    if (mnl_nlmsg_get_payload_len(message) < sizeof *header)
        return false;
    const struct nlattr *attribute[FRA_IP_PROTO + 1];
    netlink_attributes(message, sizeof *header, FRA_IP_PROTO, attribute);
    *out = (struct host_rule){
        .family = netlink_family(header->family),
        .mark = netlink_get_u32(attribute[FRA_FWMARK]),
        .mask = netlink_get_u32(attribute[FRA_FWMASK]),
        .table = attribute[FRA_TABLE] != NULL ? netlink_get_u32(attribute[FRA_TABLE]) : header->table,
        .priority = netlink_get_u32(attribute[FRA_PRIORITY]),
        .protocol = netlink_get_u8(attribute[FRA_PROTOCOL]),
        .by_protocol = attribute[FRA_IP_PROTO] != NULL,
    };
    return out->family != IP_NONE;
}

static bool list_family(struct netlink *nl, enum ip_family family, netlink_reply *reply, void *context,
                        struct host_error *err)
{
    struct host_error reason;
    struct fib_rule_hdr *header;
    struct nlmsghdr *message = netlink_begin(nl, RTM_GETRULE, NLM_F_DUMP, sizeof *header, &header);
    header->family = (uint8_t)ip_address_af(family);
    if (netlink_query(nl, message, reply, context, &reason))
        return true;
    if (reason.number == EAFNOSUPPORT || reason.number == EOPNOTSUPP) /* a kernel without IPv6 or rules */
        return true;
    return host_fail_because(err, &reason, "cannot list the routing rules");
}

bool host_rule_list(struct netlink *nl, netlink_reply *reply, void *context, struct host_error *err)
{
    return list_family(nl, IP_V4, reply, context, err) && list_family(nl, IP_V6, reply, context, err);
}

static struct nlmsghdr *begin(struct netlink *nl, uint16_t type, uint16_t flags, const struct host_rule *rule)
{
    struct fib_rule_hdr *header;
    struct nlmsghdr *message = netlink_begin(nl, type, flags, sizeof *header, &header);
    header->family = (uint8_t)ip_address_af(rule->family);
    header->action = FR_ACT_TO_TBL;
    header->table = RT_TABLE_UNSPEC; /* FRA_TABLE says it */
    mnl_attr_put_u32(message, FRA_TABLE, rule->table);
    mnl_attr_put_u32(message, FRA_FWMARK, rule->mark);
    mnl_attr_put_u32(message, FRA_FWMASK, type == RTM_NEWRULE ? UINT32_MAX : rule->mask);
    mnl_attr_put_u32(message, FRA_PRIORITY, type == RTM_NEWRULE ? HOST_RULE_PRIORITY : rule->priority);
    mnl_attr_put_u8(message, FRA_PROTOCOL, HOST_PROTOCOL);
    return message;
}

bool host_rule_add(struct netlink *nl, const struct host_rule *rule, struct host_error *err)
{
    struct host_error reason;
    if (netlink_order(nl, begin(nl, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule), &reason) ||
        reason.number == EEXIST)
        return true;
    return host_fail_because(err, &reason, "cannot add the routing rule for mark %#x", rule->mark);
}

bool host_rule_remove(struct netlink *nl, const struct host_rule *rule, struct host_error *err)
{
    struct host_error reason;
    if (netlink_order(nl, begin(nl, RTM_DELRULE, 0, rule), &reason) || reason.number == ENOENT)
        return true;
    return host_fail_because(err, &reason, "cannot remove the routing rule for mark %#x", rule->mark);
}
