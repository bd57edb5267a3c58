/*
 * What the kernel reports: passed on to the listener, and looked at for whether the plan still holds.
 */
#include <linux/netconf.h>
#include <string.h>

#include "host/mark.h"
#include "host/reconcile.h"

static void tell(struct host *host, const struct host_event *event)
{
    if (host->listener.event != NULL)
        host->listener.event(host->listener.context, event);
}

/* True for the echo of an order of our own. */
static bool is_echo(const struct host *host, const struct nlmsghdr *message)
{
    return message->nlmsg_pid == host->port_id;
}

/* Routes and IPv6 addresses go with a link that goes down, and can be put back when it is up again. A change
 * of carrier is no reason to look through everything. */
static void read_link(struct host *host, const struct inventory_news *news, bool echo)
{
    struct host_event event = {.kind = HOST_EVENT_LINK, .link = news->link.index};
    memcpy(event.link_name, news->link.name, sizeof event.link_name);
    if (news->change == INVENTORY_LINK_GONE)
        event.kind = HOST_EVENT_LINK_GONE;
    if (!echo && (news->change == INVENTORY_LINK_GONE || news->link_is_new ||
                  news->link.up != news->link_was_up || !tunnels_agree(host, &news->link)))
        host->dirty = true;
    tell(host, &event);
}

static void read_address(struct host *host, const struct inventory_news *news, bool echo)
{
    struct host_event event = {
        .kind = news->change == INVENTORY_ADDRESS ? HOST_EVENT_ADDRESS : HOST_EVENT_ADDRESS_GONE,
        .link = news->address.link,
        .prefix = news->address.prefix,
    };
    memcpy(event.link_name, news->link.name, sizeof event.link_name);
    if (!echo) {
        struct tunnel_item *tunnel = tunnels_find_link(host, news->address.link);
        if (tunnel != NULL && news->change == INVENTORY_ADDRESS_GONE)
            tunnel->configured = false; /* IPv6 may have been switched off */
        host->dirty = true;
    }
    tell(host, &event);
}

struct route_news {
    struct host *host;
    bool echo;
    bool gone;
};

static bool read_route(void *context, const struct host_route *route)
{
    const struct route_news *news = context;
    struct host *host = news->host;
    struct host_event event = {
        .kind = HOST_EVENT_ROUTE,
        .link = route->link,
        .prefix = route->destination,
        .table = route->table,
    };
    if (!news->echo && routes_want(host, &route->destination, route->table)) {
        struct tunnel_item *tunnel = news->gone ? tunnels_find_link(host, route->link) : NULL;
        if (tunnel != NULL)
            tunnel->configured = false; /* IPv6 may have been switched off */
        host->dirty = true;
    } else if (!news->echo && route->protocol == HOST_PROTOCOL) {
        host->dirty = true;
    }
    const struct inventory_link *link = inventory_find(&host->inventory, route->link);
    if (link != NULL)
        memcpy(event.link_name, link->is.name, sizeof event.link_name);
    tell(host, &event);
    return true;
}

static void read_rule(struct host *host, const struct nlmsghdr *message)
{
    struct host_event event = {.kind = HOST_EVENT_RULE};
    struct host_rule rule;
    if (!host_rule_read(message, &rule))
        return;
    if (!is_echo(host, message) && rule.protocol == HOST_PROTOCOL)
        host->dirty = true;
    event.table = rule.table;
    tell(host, &event);
}

/* Forwarding, and how a Tunnel treats routes without carrier. */
static void read_netconf(struct host *host, const struct nlmsghdr *message)
{
    const struct netconfmsg *header = mnl_nlmsg_get_payload(message);
    if (mnl_nlmsg_get_payload_len(message) < sizeof *header)
        return;
    const struct nlattr *attribute[NETCONFA_MAX + 1];
    netlink_attributes(message, sizeof *header, NETCONFA_MAX, attribute);
    int link = (int)netlink_get_u32(attribute[NETCONFA_IFINDEX]);
    const struct nlattr *forwarding = attribute[NETCONFA_FORWARDING];
    const struct nlattr *ignore = attribute[NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN];

    if (link == NETCONFA_IFINDEX_ALL && forwarding != NULL) {
        bool wanted =
            netlink_family(header->ncm_family) == IP_V4 ? host->forward_v4.wanted : host->forward_v6.wanted;
        if (wanted && netlink_get_u32(forwarding) == 0)
            host->dirty = true;
    }
    struct tunnel_item *tunnel = link > 0 && ignore != NULL ? tunnels_find_link(host, link) : NULL;
    if (tunnel != NULL && tunnel->configured && netlink_get_u32(ignore) == 0) {
        tunnel->configured = false;
        host->dirty = true;
    }
}

static bool read_message(void *context, const struct nlmsghdr *message)
{
    struct host *host = context;
    struct inventory_news news;
    switch (message->nlmsg_type) {
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return host_route_read(message, read_route,
                               &(struct route_news){
                                   .host = host,
                                   .echo = is_echo(host, message),
                                   .gone = message->nlmsg_type == RTM_DELROUTE,
                               });
    case RTM_NEWRULE:
    case RTM_DELRULE:
        read_rule(host, message);
        return true;
    case RTM_NEWNETCONF:
        read_netconf(host, message);
        return true;
    default:
        break;
    }
    inventory_learn(&host->inventory, message, &news);
    if (news.change == INVENTORY_LINK || news.change == INVENTORY_LINK_GONE)
        read_link(host, &news, is_echo(host, message));
    if (news.change == INVENTORY_ADDRESS || news.change == INVENTORY_ADDRESS_GONE)
        read_address(host, &news, is_echo(host, message));
    return news.change != INVENTORY_FAILED;
}

bool host_drain(struct host *host, struct host_error *err)
{
    bool lost = false;
    if (!watch_read(host->watch, read_message, host, &lost, err))
        return false;
    if (!lost)
        return true;
    const struct host_event event = {.kind = HOST_EVENT_RESYNC};
    host->dirty = true;
    if (!inventory_fill(&host->inventory, host->netlink, err))
        return false;
    tell(host, &event);
    return true;
}
