#include "host/ifaddr.h"

#include <errno.h>
#include <linux/if_addr.h>

#include "host/mark.h"

bool host_ifaddr_read(const struct nlmsghdr *message, struct host_ifaddr *out)
{
    const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
    if (mnl_nlmsg_get_payload_len(message) < sizeof *header)
        return false;
    enum ip_family family = netlink_family(header->ifa_family);
    const struct nlattr *attribute[IFA_PROTO + 1];
    netlink_attributes(message, sizeof *header, IFA_PROTO, attribute);

    /* On a point-to-point link IFA_ADDRESS is the peer's address. */
    const struct nlattr *local = attribute[IFA_LOCAL] != NULL ? attribute[IFA_LOCAL] : attribute[IFA_ADDRESS];
    *out = (struct host_ifaddr){
        .link = (int)header->ifa_index,
        .prefix = {.address = netlink_get_address(local, family), .length = header->ifa_prefixlen},
        .flags = attribute[IFA_FLAGS] != NULL ? netlink_get_u32(attribute[IFA_FLAGS]) : header->ifa_flags,
        .scope = header->ifa_scope,
        .protocol = netlink_get_u8(attribute[IFA_PROTO]),
    };
    return out->prefix.address.family != IP_NONE;
}

bool host_ifaddr_list(struct netlink *nl, netlink_reply *reply, void *context, struct host_error *err)
{
    struct ifaddrmsg *header;
    struct nlmsghdr *message = netlink_begin(nl, RTM_GETADDR, NLM_F_DUMP, sizeof *header, &header);
    return netlink_query(nl, message, reply, context, err) ||
           host_fail_because(err, err, "cannot list the addresses");
}

static struct nlmsghdr *begin(struct netlink *nl, uint16_t type, uint16_t flags, int link,
                              const struct ip_prefix *prefix)
{
    struct ifaddrmsg *header;
    struct nlmsghdr *message = netlink_begin(nl, type, flags, sizeof *header, &header);
    header->ifa_family = (uint8_t)ip_address_af(prefix->address.family);
    header->ifa_prefixlen = prefix->length;
    header->ifa_index = (uint32_t)link;
    netlink_put_address(message, IFA_LOCAL, &prefix->address);
    netlink_put_address(message, IFA_ADDRESS, &prefix->address);
    return message;
}

/* The directed broadcast address, which Linux does not set by itself. */
static void put_broadcast(struct nlmsghdr *message, const struct ip_prefix *prefix)
{
    if (prefix->address.family != IP_V4 || prefix->length > 30)
        return;
    struct ip_address last = ip_prefix_last(prefix);
    netlink_put_address(message, IFA_BROADCAST, &last);
}

bool host_ifaddr_add(struct netlink *nl, int link, const struct ip_prefix *prefix, struct host_error *err)
{
    struct nlmsghdr *message = begin(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, link, prefix);
    put_broadcast(message, prefix);
    mnl_attr_put_u8(message, IFA_PROTO, HOST_PROTOCOL);
    return netlink_order(nl, message, err);
}

bool host_ifaddr_remove(struct netlink *nl, int link, const struct ip_prefix *prefix, struct host_error *err)
{
    struct host_error reason;
    struct nlmsghdr *message = begin(nl, RTM_DELADDR, 0, link, prefix);
    if (netlink_order(nl, message, &reason) || reason.number == EADDRNOTAVAIL || reason.number == ENODEV)
        return true;
    char text[IP_TEXT_SIZE];
    return host_fail_because(err, &reason, "cannot remove address %s", ip_prefix_format(prefix, text));
}

bool host_ifaddr_may_serve(const struct host_ifaddr *address)
{
    return !(address->flags & IFA_F_DADFAILED);
}

bool host_ifaddr_is_deprecated(const struct host_ifaddr *address)
{
    return (address->flags & IFA_F_DEPRECATED) != 0;
}

bool host_ifaddr_is_usable(const struct host_ifaddr *address)
{
    if (!host_ifaddr_may_serve(address))
        return false;
    return !(address->flags & IFA_F_TENTATIVE) || (address->flags & IFA_F_OPTIMISTIC);
}
