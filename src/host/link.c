#include "host/link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>

#include "host/mark.h"

enum { ALIAS_SIZE = 256 }; /* IFALIASZ */

static bool is_vrf_port(const struct nlattr *info)
{
    struct octets run = netlink_nested(info);
    for (const struct nlattr *a = netlink_next(run, NULL); a != NULL; a = netlink_next(run, a)) {
        if (mnl_attr_get_type(a) == IFLA_INFO_SLAVE_KIND)
            return strcmp(netlink_get_text(a), "vrf") == 0;
    }
    return false;
}

static void read_ethernet(const struct ifinfomsg *header, const struct nlattr *const attribute[],
                          struct host_link *out)
{
    const struct nlattr *address = attribute[IFLA_ADDRESS];
    out->ethernet = header->ifi_type == ARPHRD_ETHER && (header->ifi_flags & IFF_NOARP) == 0 &&
                    address != NULL && mnl_attr_get_payload_len(address) == sizeof out->address &&
                    !is_vrf_port(attribute[IFLA_LINKINFO]);
    if (out->ethernet)
        memcpy(out->address, mnl_attr_get_payload(address), sizeof out->address);
}

bool host_link_read(const struct nlmsghdr *message, struct host_link *out)
{
    const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
    if (mnl_nlmsg_get_payload_len(message) < sizeof *header || header->ifi_family != AF_UNSPEC)
        return false;
    const struct nlattr *attribute[IFLA_CARRIER + 1];
    netlink_attributes(message, sizeof *header, IFLA_CARRIER, attribute);

    *out = (struct host_link){
        .index = header->ifi_index,
        .mtu = netlink_get_u32(attribute[IFLA_MTU]),
        .group = netlink_get_u32(attribute[IFLA_GROUP]),
        .up = header->ifi_flags & IFF_UP,
        .carrier = netlink_get_u8(attribute[IFLA_CARRIER]) != 0,
        .loopback = header->ifi_flags & IFF_LOOPBACK,
        .point_to_point = header->ifi_flags & IFF_POINTOPOINT,
    };
    read_ethernet(header, attribute, out);
    (void)snprintf(out->name, sizeof out->name, "%s", netlink_get_text(attribute[IFLA_IFNAME]));
    bool alias =
        strncmp(netlink_get_text(attribute[IFLA_IFALIAS]), HOST_LINK_ALIAS, sizeof HOST_LINK_ALIAS - 1) == 0;
    out->ours = alias && (out->group == HOST_LINK_GROUP || out->group == HOST_LINK_REMOVAL_GROUP);
    return out->name[0] != '\0';
}

bool host_link_list(struct netlink *nl, netlink_reply *reply, void *context, struct host_error *err)
{
    struct ifinfomsg *header;
    struct nlmsghdr *message = netlink_begin(nl, RTM_GETLINK, NLM_F_DUMP, sizeof *header, &header);
    return netlink_query(nl, message, reply, context, err) ||
           host_fail_because(err, err, "cannot list the links");
}

bool host_link_ask(struct netlink *nl, int index, netlink_reply *reply, void *context, struct host_error *err)
{
    struct ifinfomsg *header;
    struct nlmsghdr *message = netlink_begin(nl, RTM_GETLINK, 0, sizeof *header, &header);
    header->ifi_index = index;
    return netlink_query(nl, message, reply, context, err) ||
           host_fail_because(err, err, "cannot look at link %d", index);
}

/* IFLA_AF_SPEC { AF_INET6 { IFLA_INET6_ADDR_GEN_MODE } } */
static void put_no_link_local(struct nlmsghdr *message)
{
    struct nlattr *families = mnl_attr_nest_start(message, IFLA_AF_SPEC);
    struct nlattr *inet6 = mnl_attr_nest_start(message, AF_INET6);
    mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    mnl_attr_nest_end(message, inet6);
    mnl_attr_nest_end(message, families);
}

bool host_link_change(struct netlink *nl, int index, const struct host_link_change *change,
                      struct host_error *err)
{
    struct ifinfomsg *header;
    struct nlmsghdr *message = netlink_begin(nl, RTM_SETLINK, 0, sizeof *header, &header);
    header->ifi_index = index;
    if (change->set_up) {
        header->ifi_change = IFF_UP;
        header->ifi_flags = change->up ? IFF_UP : 0;
    }
    if (change->mtu != 0)
        mnl_attr_put_u32(message, IFLA_MTU, change->mtu);
    if (change->queue != 0)
        mnl_attr_put_u32(message, IFLA_TXQLEN, change->queue);
    if (change->instance != NULL) {
        char alias[ALIAS_SIZE];
        (void)snprintf(alias, sizeof alias, HOST_LINK_ALIAS "%s", change->instance);
        mnl_attr_put_str(message, IFLA_IFALIAS, alias);
        mnl_attr_put_u32(message, IFLA_GROUP, HOST_LINK_GROUP);
    } else if (change->group != 0) {
        mnl_attr_put_u32(message, IFLA_GROUP, change->group);
    }
    if (change->no_link_local)
        put_no_link_local(message);
    return netlink_order(nl, message, err);
}

bool host_link_remove(struct netlink *nl, int index, struct host_error *err)
{
    struct host_error reason;
    struct ifinfomsg *header;
    struct nlmsghdr *message = netlink_begin(nl, RTM_DELLINK, 0, sizeof *header, &header);
    header->ifi_index = index;
    if (netlink_order(nl, message, &reason) || reason.number == ENODEV)
        return true;
    return host_fail_because(err, &reason, "cannot remove link %d", index);
}

bool host_link_remove_group(struct netlink *nl, uint32_t group, struct host_error *err)
{
    struct host_error reason;
    struct ifinfomsg *header;
    struct nlmsghdr *message = netlink_begin(nl, RTM_DELLINK, 0, sizeof *header, &header);
    mnl_attr_put_u32(message, IFLA_GROUP, group);
    if (netlink_order(nl, message, &reason) || reason.number == ENODEV)
        return true;
    return host_fail_because(err, &reason, "cannot remove the links of group %u", group);
}

bool host_link_name_is_valid(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= HOST_LINK_NAME_SIZE || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    return strpbrk(name, "/: \t\n\v\f\r") == NULL;
}
