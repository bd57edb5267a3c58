#include "host/route.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "host/mark.h"

enum { LOOPBACK_INDEX = 1 }; /* of lo, in every network namespace */

static enum host_route_kind kind_of(uint8_t type)
{
    switch (type) {
    case RTN_UNICAST:
        return HOST_ROUTE_UNICAST;
    case RTN_BLACKHOLE:
        return HOST_ROUTE_BLACKHOLE;
    case RTN_UNREACHABLE:
        return HOST_ROUTE_UNREACHABLE;
    case RTN_LOCAL:
        return HOST_ROUTE_LOCAL;
    default:
        return HOST_ROUTE_OTHER;
    }
}

static uint8_t type_of(enum host_route_kind kind)
{
    switch (kind) {
    case HOST_ROUTE_BLACKHOLE:
        return RTN_BLACKHOLE;
    case HOST_ROUTE_UNREACHABLE:
        return RTN_UNREACHABLE;
    case HOST_ROUTE_LOCAL:
        return RTN_LOCAL;
    case HOST_ROUTE_UNICAST:
    case HOST_ROUTE_OTHER:
        break;
    }
    return RTN_UNICAST;
}

/* The gateway of a next hop: RTA_GATEWAY, or RTA_VIA when it is of the other family. */
static struct ip_address gateway_of(const struct nlattr *gateway, const struct nlattr *via,
                                    enum ip_family family)
{
    if (gateway != NULL)
        return netlink_get_address(gateway, family);
    struct ip_address none = {.family = IP_NONE};
    if (via == NULL || mnl_attr_get_payload_len(via) < sizeof(struct rtvia))
        return none;
    const struct rtvia *payload = mnl_attr_get_payload(via);
    enum ip_family other = netlink_family(payload->rtvia_family);
    if (mnl_attr_get_payload_len(via) < sizeof *payload + ip_address_size(other))
        return none;
    return ip_address_of(other, payload->rtvia_addr);
}

/* Each next hop of an RTA_MULTIPATH; the rest of `route` is filled in already. */
static bool read_multipath(const struct nlattr *multipath, struct host_route *route, host_route_seen *seen,
                           void *context)
{
    struct octets left = netlink_nested(multipath);
    struct rtnexthop hop;
    while (left.length >= sizeof hop) {
        memcpy(&hop, left.at, sizeof hop);
        if (hop.rtnh_len < sizeof hop || hop.rtnh_len > left.length)
            break;
        struct octets run = {left.at + sizeof hop, hop.rtnh_len - sizeof hop};
        const struct nlattr *gateway = NULL, *via = NULL;
        for (const struct nlattr *a = netlink_next(run, NULL); a != NULL; a = netlink_next(run, a)) {
            if (mnl_attr_get_type(a) == RTA_GATEWAY)
                gateway = a;
            if (mnl_attr_get_type(a) == RTA_VIA)
                via = a;
        }
        route->link = hop.rtnh_ifindex;
        route->gateway = gateway_of(gateway, via, route->destination.address.family);
        if (!seen(context, route))
            return false;
        size_t step = ((size_t)hop.rtnh_len + 3) & ~(size_t)3;
        if (step >= left.length)
            break;
        left = (struct octets){left.at + step, left.length - step};
    }
    return true;
}

bool host_route_read(const struct nlmsghdr *message, host_route_seen *seen, void *context)
{
    const struct rtmsg *header = mnl_nlmsg_get_payload(message);
    if (mnl_nlmsg_get_payload_len(message) < sizeof *header || (header->rtm_flags & RTM_F_CLONED))
        return true;
    enum ip_family family = netlink_family(header->rtm_family);
    if (family == IP_NONE)
        return true;
    const struct nlattr *attribute[RTA_VIA + 1];
    netlink_attributes(message, sizeof *header, RTA_VIA, attribute);

    struct host_route route = {
        .destination = {.address = netlink_get_address(attribute[RTA_DST], family),
                        .length = header->rtm_dst_len},
        .kind = kind_of(header->rtm_type),
        .gateway = gateway_of(attribute[RTA_GATEWAY], attribute[RTA_VIA], family),
        .link = (int)netlink_get_u32(attribute[RTA_OIF]),
        .source = netlink_get_address(attribute[RTA_PREFSRC], family),
        .metric = netlink_get_u32(attribute[RTA_PRIORITY]),
        .table = attribute[RTA_TABLE] != NULL ? netlink_get_u32(attribute[RTA_TABLE]) : header->rtm_table,
        .protocol = header->rtm_protocol,
    };
    route.destination.address.family = family;
    if (route.kind != HOST_ROUTE_UNICAST)
        route.link = 0; /* IPv6 names lo there */
    if (attribute[RTA_MULTIPATH] != NULL)
        return read_multipath(attribute[RTA_MULTIPATH], &route, seen, context);
    return seen(context, &route);
}

struct listing {
    const struct host_route_filter *filter;
    host_route_seen *seen;
    void *context;
};

/* The kernel filters lists, but not without strict checking. */
static bool pass_wanted(void *context, const struct host_route *route)
{
    const struct listing *listing = context;
    if (listing->filter->protocol != 0 && route->protocol != listing->filter->protocol)
        return true;
    if (listing->filter->table != 0 && route->table != listing->filter->table)
        return true;
    return listing->seen(listing->context, route);
}

static bool read_listed(void *context, const struct nlmsghdr *reply)
{
    return host_route_read(reply, pass_wanted, context);
}

bool host_route_list(struct netlink *nl, const struct host_route_filter *filter, host_route_seen *seen,
                     void *context, struct host_error *err)
{
    struct host_error reason;
    struct listing listing = {.filter = filter, .seen = seen, .context = context};
    struct rtmsg *header;
    struct nlmsghdr *message = netlink_begin(nl, RTM_GETROUTE, NLM_F_DUMP, sizeof *header, &header);
    header->rtm_family = (uint8_t)ip_address_af(filter->family);
    header->rtm_protocol = filter->protocol;
    if (filter->table != 0)
        mnl_attr_put_u32(message, RTA_TABLE, filter->table);
    if (netlink_query(nl, message, read_listed, &listing, &reason))
        return true;
    /* A table that nobody ever used; a kernel without IPv6. */
    if (reason.number == ENOENT || reason.number == EAFNOSUPPORT || reason.number == EOPNOTSUPP)
        return true;
    return host_fail_because(err, &reason, "cannot list the routes");
}

static struct nlmsghdr *begin(struct netlink *nl, uint16_t type, uint16_t flags,
                              const struct host_route *route)
{
    struct rtmsg *header;
    struct nlmsghdr *message = netlink_begin(nl, type, flags, sizeof *header, &header);
    header->rtm_family = (uint8_t)ip_address_af(route->destination.address.family);
    header->rtm_dst_len = route->destination.length;
    header->rtm_protocol = HOST_PROTOCOL;
    header->rtm_type = type_of(route->kind);
    header->rtm_flags = route->onlink ? RTNH_F_ONLINK : 0;
    header->rtm_table = RT_TABLE_UNSPEC; /* RTA_TABLE says it */
    if (type == RTM_DELROUTE)
        header->rtm_scope = RT_SCOPE_NOWHERE; /* any */
    else if (route->kind == HOST_ROUTE_UNICAST && route->gateway.family == IP_NONE)
        header->rtm_scope = RT_SCOPE_LINK;
    else
        header->rtm_scope = RT_SCOPE_UNIVERSE;

    mnl_attr_put_u32(message, RTA_TABLE, route->table);
    mnl_attr_put_u32(message, RTA_PRIORITY, route->metric);
    if (route->destination.length > 0)
        netlink_put_address(message, RTA_DST, &route->destination.address);
    if (route->gateway.family != IP_NONE)
        netlink_put_address(message, RTA_GATEWAY, &route->gateway);
    /* IPv6 asks for neither type nor absence of a gateway when it removes a route: lo tells a blackhole
     * apart. */
    int link = route->link;
    if (type == RTM_DELROUTE && route->kind != HOST_ROUTE_UNICAST &&
        route->destination.address.family == IP_V6)
        link = LOOPBACK_INDEX;
    if (link != 0)
        mnl_attr_put_u32(message, RTA_OIF, (uint32_t)link);
    if (route->source.family != IP_NONE)
        netlink_put_address(message, RTA_PREFSRC, &route->source);
    return message;
}

bool host_route_add(struct netlink *nl, const struct host_route *route, enum host_route_how how,
                    struct host_error *err)
{
    static const uint16_t flags[] = {
        [HOST_ROUTE_ALONE] = NLM_F_CREATE | NLM_F_EXCL,
        [HOST_ROUTE_BESIDE] = NLM_F_CREATE | NLM_F_APPEND,
        [HOST_ROUTE_INSTEAD] = NLM_F_CREATE | NLM_F_REPLACE,
    };
    return netlink_order(nl, begin(nl, RTM_NEWROUTE, flags[how], route), err);
}

bool host_route_remove(struct netlink *nl, const struct host_route *route, struct host_error *err)
{
    struct host_error reason;
    if (netlink_order(nl, begin(nl, RTM_DELROUTE, 0, route), &reason))
        return true;
    if (reason.number == ESRCH || reason.number == ENODEV || reason.number == ENOENT)
        return true;
    char text[HOST_ROUTE_TEXT_SIZE];
    return host_fail_because(err, &reason, "cannot remove route %s", host_route_format(route, text));
}

const char *host_route_format(const struct host_route *route, char out[HOST_ROUTE_TEXT_SIZE])
{
    char destination[IP_TEXT_SIZE], gateway[IP_TEXT_SIZE], name[IF_NAMESIZE];
    ip_prefix_format(&route->destination, destination);
    ip_address_format(&route->gateway, gateway);
    if (route->kind == HOST_ROUTE_BLACKHOLE)
        (void)snprintf(out, HOST_ROUTE_TEXT_SIZE, "%s to nowhere", destination);
    else if (route->kind == HOST_ROUTE_UNREACHABLE)
        (void)snprintf(out, HOST_ROUTE_TEXT_SIZE, "%s unreachable", destination);
    else if (gateway[0] != '\0')
        (void)snprintf(out, HOST_ROUTE_TEXT_SIZE, "%s via %s", destination, gateway);
    else if (route->link != 0 && if_indextoname((unsigned)route->link, name) != NULL)
        (void)snprintf(out, HOST_ROUTE_TEXT_SIZE, "%s via %s", destination, name);
    else
        (void)snprintf(out, HOST_ROUTE_TEXT_SIZE, "%s", destination);
    return out;
}

static uint32_t metric_of(const struct nlattr *metrics, uint16_t metric)
{
    struct octets run = netlink_nested(metrics);
    for (const struct nlattr *a = netlink_next(run, NULL); a != NULL; a = netlink_next(run, a)) {
        if (mnl_attr_get_type(a) == metric)
            return netlink_get_u32(a);
    }
    return 0;
}

static bool read_answer(void *context, const struct nlmsghdr *reply)
{
    struct host_route_answer *answer = context;
    const struct rtmsg *header = mnl_nlmsg_get_payload(reply);
    if (mnl_nlmsg_get_payload_len(reply) < sizeof *header)
        return true;
    enum ip_family family = netlink_family(header->rtm_family);
    const struct nlattr *attribute[RTA_ENCAP + 1];
    netlink_attributes(reply, sizeof *header, RTA_ENCAP, attribute);
    *answer = (struct host_route_answer){
        .kind = kind_of(header->rtm_type),
        .link = (int)netlink_get_u32(attribute[RTA_OIF]),
        .gateway = gateway_of(attribute[RTA_GATEWAY], attribute[RTA_VIA], family),
        .source = netlink_get_address(attribute[RTA_PREFSRC], family),
        .table = netlink_get_u32(attribute[RTA_TABLE]),
        .mtu = metric_of(attribute[RTA_METRICS], RTAX_MTU),
        .plain = attribute[RTA_MULTIPATH] == NULL && attribute[RTA_VIA] == NULL &&
                 attribute[RTA_ENCAP] == NULL && metric_of(attribute[RTA_METRICS], RTAX_HOPLIMIT) == 0,
    };
    return true;
}

bool host_route_lookup(struct netlink *nl, const struct host_route_question *question,
                       struct host_route_answer *answer, struct host_error *err)
{
    struct rtmsg *header;
    struct nlmsghdr *message = netlink_begin(nl, RTM_GETROUTE, 0, sizeof *header, &header);
    uint8_t bits = (uint8_t)(8 * ip_address_size(question->destination.family));
    header->rtm_family = (uint8_t)ip_address_af(question->destination.family);
    header->rtm_dst_len = bits;
    if (question->configured)
        header->rtm_flags = RTM_F_FIB_MATCH;
    netlink_put_address(message, RTA_DST, &question->destination);
    if (question->source.family == question->destination.family) {
        header->rtm_src_len = bits;
        netlink_put_address(message, RTA_SRC, &question->source);
    }
    if (question->mark != 0)
        mnl_attr_put_u32(message, RTA_MARK, question->mark);
    if (question->link != 0)
        mnl_attr_put_u32(message, RTA_OIF, (uint32_t)question->link);

    char text[IP_TEXT_SIZE];
    ip_address_format(&question->destination, text);
    *answer = (struct host_route_answer){.kind = HOST_ROUTE_OTHER};
    if (!netlink_query(nl, message, read_answer, answer, err))
        return host_fail_because(err, err, "no route to %s", text);
    if (answer->kind == HOST_ROUTE_UNICAST || answer->kind == HOST_ROUTE_LOCAL)
        return true;
    return host_fail(err, EHOSTUNREACH, "no route to %s", text);
}
