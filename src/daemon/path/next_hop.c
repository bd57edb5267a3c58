#include "daemon/path/next_hop.h"

#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

#include "host/ip_output.h"

void next_hops_open(struct next_hops *hops, struct netlink *netlink, const struct inventory *inventory)
{
    struct host_error reason;
    hops->netlink = netlink;
    hops->inventory = inventory;
    hops->output = ip_output_open(&reason);
    (void)next_hops_look(hops);
}

void next_hops_close(struct next_hops *hops)
{
    ip_output_close(hops->output);
    free(hops->asked);
    memset(hops, 0, sizeof *hops);
}

bool next_hops_look(struct next_hops *hops)
{
    if (hops->output == NULL)
        return false;
    bool is_plain = ip_output_is_plain(hops->output, hops->netlink);
    uint8_t ttl = ip_output_ttl(hops->output);
    bool changed = is_plain != hops->is_plain || ttl != hops->ttl;
    hops->is_plain = is_plain;
    hops->ttl = ttl;
    return changed;
}

void next_hops_begin(struct next_hops *hops)
{
    hops->count = 0;
    hops->wanted = false;
}

static struct host_neighbour *find_asked(const struct next_hops *hops, int link,
                                         const struct ip_address *address)
{
    for (size_t i = 0; i < hops->count; i++) {
        if (hops->asked[i].link == link && ip_address_equal(&hops->asked[i].address, address))
            return &hops->asked[i];
    }
    return NULL;
}

/* What is known of the neighbour; NULL if memory ran out. It is remembered, known or not. */
static const struct host_neighbour *find_neighbour(struct next_hops *hops, int link,
                                                   const struct ip_address *address)
{
    struct host_neighbour *known = find_asked(hops, link, address);
    struct host_error reason;
    if (known != NULL)
        return known;
    if (hops->count == hops->room) {
        size_t room = hops->room > 0 ? 2 * hops->room : 8;
        struct host_neighbour *more = realloc(hops->asked, room * sizeof *more);
        if (more == NULL)
            return NULL;
        hops->asked = more;
        hops->room = room;
    }
    known = &hops->asked[hops->count++];
    if (!host_neighbour_ask(hops->netlink, link, address, known, &reason))
        memset(known, 0, sizeof *known);
    known->link = link;
    known->address = *address;
    return known;
}

void next_hops_find(struct next_hops *hops, const struct child_destination *destination,
                    const struct host_route_answer *answer, struct path_next_hop *out)
{
    const struct ip_address *remote = &destination->remote.address;
    if (destination->encapsulated || remote->family != IP_V4)
        return;
    hops->wanted = true;
    if (!hops->is_plain || !answer->plain || answer->kind != HOST_ROUTE_UNICAST)
        return;
    const struct inventory_link *link = inventory_find(hops->inventory, answer->link);
    if (link == NULL || !link->is.ethernet || !link->is.up || !link->is.carrier || link->is.ours)
        return;
    const struct ip_address *beside = answer->gateway.family == IP_V4 ? &answer->gateway : remote;
    const struct host_neighbour *neighbour = find_neighbour(hops, answer->link, beside);
    if (neighbour == NULL || !neighbour->is_known)
        return;
    out->link = (uint32_t)answer->link;
    out->ttl = hops->ttl;
    memcpy(out->header, neighbour->ethernet, ETH_ALEN);
    memcpy(out->header + ETH_ALEN, link->is.address, ETH_ALEN);
    out->header[12] = ETH_P_IP >> 8;
    out->header[13] = ETH_P_IP & 0xff;
}

bool next_hops_learn(struct next_hops *hops, const struct nlmsghdr *message)
{
    struct host_neighbour news;
    if (!host_neighbour_read(message, &news))
        return false;
    struct host_neighbour *known = find_asked(hops, news.link, &news.address);
    if (known == NULL || (known->is_known == news.is_known &&
                          memcmp(known->ethernet, news.ethernet, sizeof news.ethernet) == 0))
        return false;
    *known = news;
    return true;
}
