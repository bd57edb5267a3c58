#include "host/neighbour.h"

#include <linux/neighbour.h>
#include <string.h>

bool host_neighbour_read(const struct nlmsghdr *message, struct host_neighbour *out)
{
    static const unsigned known =
        NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT; /* not NUD_NOARP */
    const struct ndmsg *header = mnl_nlmsg_get_payload(message);
    if (mnl_nlmsg_get_payload_len(message) < sizeof *header || netlink_family(header->ndm_family) == IP_NONE)
        return false;
    const struct nlattr *attribute[NDA_LLADDR + 1];
    netlink_attributes(message, sizeof *header, NDA_LLADDR, attribute);
    *out = (struct host_neighbour){
        .link = header->ndm_ifindex,
        .address = netlink_get_address(attribute[NDA_DST], netlink_family(header->ndm_family)),
    };
    const struct nlattr *ethernet = attribute[NDA_LLADDR];
    out->is_known = message->nlmsg_type == RTM_NEWNEIGH && (header->ndm_state & known) != 0 &&
                    ethernet != NULL && mnl_attr_get_payload_len(ethernet) == sizeof out->ethernet;
    out->is_sought_in_vain =
        message->nlmsg_type == RTM_NEWNEIGH && (header->ndm_state & (NUD_FAILED | NUD_INCOMPLETE)) != 0;
    if (out->is_known)
        memcpy(out->ethernet, mnl_attr_get_payload(ethernet), sizeof out->ethernet);
    return out->address.family != IP_NONE;
}

static bool read_answer(void *context, const struct nlmsghdr *reply)
{
    (void)host_neighbour_read(reply, context);
    return true;
}

bool host_neighbour_ask(struct netlink *nl, int link, const struct ip_address *address,
                        struct host_neighbour *out, struct host_error *err)
{
    struct ndmsg *header;
    struct nlmsghdr *message = netlink_begin(nl, RTM_GETNEIGH, 0, sizeof *header, &header);
    header->ndm_family = (uint8_t)ip_address_af(address->family);
    header->ndm_ifindex = link;
    netlink_put_address(message, NDA_DST, address);
    memset(out, 0, sizeof *out);
    return netlink_query(nl, message, read_answer, out, err) ||
           host_fail_because(err, err, "cannot look at a neighbour");
}
