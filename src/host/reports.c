#include "host/reports.h"

#include <linux/netconf.h>
#include <string.h>

#include "host/mark.h"
#include "host/nft.h"
#include "host/rule.h"

/* True for the echo of an order of our own. */
static bool is_echo(const struct host_kernel *kernel, const struct nlmsghdr *message)
{
    return message->nlmsg_pid == kernel->port_id;
}

/* True if routes out of the link come or go (host_route_resolve). A Tunnel's carrier is ours to set. */
static bool routes_change(const struct inventory_news *news)
{
    return news->change == INVENTORY_LINK_GONE || news->link_is_new || news->link.up != news->link_was_up ||
           (!news->link.ours && news->link.carrier != news->link_had_carrier);
}

/* Routes and IPv6 addresses go with a link that goes down, and can be put back when it is up again. */
static void read_link(const struct host_reports *reports, const struct inventory_news *news, bool echo)
{
    struct host_event event = {.kind = HOST_EVENT_LINK, .link = news->link.index};
    memcpy(event.link_name, news->link.name, sizeof event.link_name);
    bool goes_down = news->change == INVENTORY_LINK && news->link_was_up && !news->link.up;
    if (news->change == INVENTORY_LINK_GONE)
        event.kind = HOST_EVENT_LINK_GONE;
    if (goes_down || news->change == INVENTORY_LINK_GONE) { /* S41: that is no other program's doing */
        host_addresses_expect_loss(reports->addresses, news->link.name, goes_down ? IP_V6 : IP_NONE);
        host_routes_expect_loss(reports->routes, news->link.index);
    }
    if (!echo && (routes_change(news) || !host_tunnels_agree(reports->tunnels, &news->link)))
        reports->kernel->dirty = true;
    host_kernel_tell(reports->kernel, &event);
}

static void read_address(const struct host_reports *reports, const struct inventory_news *news, bool echo)
{
    struct host_event event = {
        .kind = news->change == INVENTORY_ADDRESS ? HOST_EVENT_ADDRESS : HOST_EVENT_ADDRESS_GONE,
        .link = news->address.link,
        .prefix = news->address.prefix,
    };
    memcpy(event.link_name, news->link.name, sizeof event.link_name);
    if (!echo) {
        if (news->change == INVENTORY_ADDRESS_GONE) /* IPv6 may have been switched off */
            (void)host_tunnels_doubt(reports->tunnels, &reports->kernel->inventory, news->address.link);
        reports->kernel->dirty = true;
    }
    host_kernel_tell(reports->kernel, &event);
}

struct route_news {
    const struct host_reports *reports;
    bool echo;
    bool gone;
};

static bool read_route(void *context, const struct host_route *route)
{
    const struct route_news *news = context;
    const struct host_reports *reports = news->reports;
    struct host_kernel *kernel = reports->kernel;
    struct host_event event = {
        .kind = HOST_EVENT_ROUTE,
        .link = route->link,
        .prefix = route->destination,
        .table = route->table,
    };
    if (!news->echo && host_routes_want(reports->routes, &route->destination, route->table)) {
        if (news->gone) /* IPv6 may have been switched off */
            (void)host_tunnels_doubt(reports->tunnels, &kernel->inventory, route->link);
        kernel->dirty = true;
    } else if (!news->echo && route->protocol == HOST_PROTOCOL) {
        kernel->dirty = true;
    }
    const struct inventory_link *link = inventory_find(&kernel->inventory, route->link);
    if (link != NULL)
        memcpy(event.link_name, link->is.name, sizeof event.link_name);
    host_kernel_tell(kernel, &event);
    return true;
}

static void read_rule(struct host_kernel *kernel, const struct nlmsghdr *message)
{
    struct host_event event = {.kind = HOST_EVENT_RULE};
    struct host_rule rule;
    if (!host_rule_read(message, &rule))
        return;
    if (!is_echo(kernel, message) && rule.protocol == HOST_PROTOCOL)
        kernel->dirty = true;
    event.table = rule.table;
    host_kernel_tell(kernel, &event);
}

/* Forwarding, how a Tunnel treats routes without carrier, and how strictly arriving packets are checked. */
static void read_netconf(const struct host_reports *reports, const struct nlmsghdr *message)
{
    const struct netconfmsg *header = mnl_nlmsg_get_payload(message);
    if (mnl_nlmsg_get_payload_len(message) < sizeof *header)
        return;
    const struct nlattr *attribute[NETCONFA_MAX + 1];
    netlink_attributes(message, sizeof *header, NETCONFA_MAX, attribute);
    int link = (int)netlink_get_u32(attribute[NETCONFA_IFINDEX]);
    const struct nlattr *forwarding = attribute[NETCONFA_FORWARDING];
    const struct nlattr *ignore = attribute[NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN];

    if (link == NETCONFA_IFINDEX_ALL && forwarding != NULL && netlink_get_u32(forwarding) == 0 &&
        host_forwarding_is_wanted(reports->forwarding, netlink_family(header->ncm_family)))
        reports->kernel->dirty = true;
    if (link == NETCONFA_IFINDEX_ALL && ignore != NULL) /* tunnels warn of it */
        reports->kernel->dirty = true;
    if (attribute[NETCONFA_RP_FILTER] != NULL) /* pinned routes look at it */
        reports->kernel->dirty = true;
    if (link > 0 && ignore != NULL &&
        host_tunnels_doubt_use(reports->tunnels, &reports->kernel->inventory, link,
                               netlink_get_u32(ignore) != 0))
        reports->kernel->dirty = true;
}

bool host_report_read(void *context, const struct nlmsghdr *message)
{
    const struct host_reports *reports = context;
    struct host_kernel *kernel = reports->kernel;
    bool echo = is_echo(kernel, message);
    struct inventory_news news;
    if (nft_report_is_ours(message)) {
        host_packets_doubt(reports->packets);
        kernel->dirty = true;
        return true;
    }
    switch (message->nlmsg_type) {
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return host_route_read(message, read_route,
                               &(struct route_news){
                                   .reports = reports,
                                   .echo = echo,
                                   .gone = message->nlmsg_type == RTM_DELROUTE,
                               });
    case RTM_NEWRULE:
    case RTM_DELRULE:
        read_rule(kernel, message);
        return true;
    case RTM_NEWNETCONF:
        read_netconf(reports, message);
        return true;
    default:
        break;
    }
    inventory_learn(&kernel->inventory, message, &news);
    if (news.change == INVENTORY_LINK || news.change == INVENTORY_LINK_GONE)
        read_link(reports, &news, echo);
    if (news.change == INVENTORY_ADDRESS || news.change == INVENTORY_ADDRESS_GONE)
        read_address(reports, &news, echo);
    return news.change != INVENTORY_FAILED;
}
