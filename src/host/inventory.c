#include "host/inventory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_name(const char *name)
{
    return hash_text(HASH_START, name);
}

static uint64_t hash_address(const struct ip_address *address)
{
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < ip_address_size(address->family); i++)
        hash = hash_number(hash, address->octets[i]);
    return hash;
}

const struct inventory_link *inventory_find(const struct inventory *inventory, int index)
{
    return map_find(&inventory->links, (uint64_t)index);
}

const struct inventory_link *inventory_find_name(const struct inventory *inventory, const char *name)
{
    const struct inventory_link *link = map_find(&inventory->names, hash_name(name));
    while (link != NULL && strcmp(link->is.name, name) != 0)
        link = link->next_alike;
    return link;
}

const struct host_ifaddr *inventory_find_address(const struct inventory *inventory, int link,
                                                 const struct ip_prefix *prefix)
{
    const struct inventory_address *a = map_find(&inventory->addresses, hash_address(&prefix->address));
    while (a != NULL && (a->is.link != link || a->is.prefix.length != prefix->length ||
                         !ip_address_equal(&a->is.prefix.address, &prefix->address)))
        a = a->next_alike;
    return a != NULL ? &a->is : NULL;
}

bool inventory_is_local(const struct inventory *inventory, const struct ip_address *address)
{
    const struct inventory_address *a = map_find(&inventory->addresses, hash_address(address));
    while (a != NULL && !ip_address_equal(&a->is.prefix.address, address))
        a = a->next_alike;
    return a != NULL;
}

bool inventory_may_serve(const struct inventory *inventory, const struct ip_address *address)
{
    const struct inventory_address *a = map_find(&inventory->addresses, hash_address(address));
    while (a != NULL && (!ip_address_equal(&a->is.prefix.address, address) || !host_ifaddr_may_serve(&a->is)))
        a = a->next_alike;
    return a != NULL;
}

bool inventory_is_usable(const struct inventory *inventory, const struct ip_address *address)
{
    const struct inventory_address *a = map_find(&inventory->addresses, hash_address(address));
    for (; a != NULL; a = a->next_alike) {
        if (!ip_address_equal(&a->is.prefix.address, address) || !host_ifaddr_is_usable(&a->is))
            continue;
        const struct inventory_link *link = inventory_find(inventory, a->is.link);
        if (link != NULL && link->is.up)
            return true;
    }
    return false;
}

bool inventory_is_on_network(const struct inventory_link *link, const struct ip_address *address)
{
    for (const struct inventory_address *a = link->addresses; a != NULL; a = a->next_on_link) {
        if (ip_prefix_contains(&a->is.prefix, address))
            return true;
    }
    return false;
}

const struct host_ifaddr *inventory_primary(const struct inventory_link *link, enum ip_family family)
{
    const struct host_ifaddr *deprecated = NULL;
    for (const struct inventory_address *a = link->addresses; a != NULL; a = a->next_on_link) {
        const struct ip_address *address = &a->is.prefix.address;
        if (address->family != family || ip_address_is_link_local(address) || !host_ifaddr_is_usable(&a->is))
            continue;
        if (!host_ifaddr_is_deprecated(&a->is))
            return &a->is;
        if (deprecated == NULL)
            deprecated = &a->is;
    }
    return deprecated;
}

static bool add_name(struct inventory *inventory, struct inventory_link *link)
{
    uint64_t hash = hash_name(link->is.name);
    link->next_alike = map_find(&inventory->names, hash);
    return map_put(&inventory->names, hash, link);
}

static void remove_name(struct inventory *inventory, struct inventory_link *link)
{
    uint64_t hash = hash_name(link->is.name);
    struct inventory_link *first = map_find(&inventory->names, hash);
    struct inventory_link **at = &first;
    while (*at != NULL && *at != link)
        at = &(*at)->next_alike;
    if (*at != NULL)
        *at = link->next_alike;
    if (first == NULL)
        (void)map_remove(&inventory->names, hash);
    else
        (void)map_put(&inventory->names, hash, first); /* replaces: cannot run out of memory */
}

static void remove_value(struct inventory *inventory, struct inventory_address *address)
{
    uint64_t hash = hash_address(&address->is.prefix.address);
    struct inventory_address *first = map_find(&inventory->addresses, hash);
    struct inventory_address **at = &first;
    while (*at != NULL && *at != address)
        at = &(*at)->next_alike;
    if (*at != NULL)
        *at = address->next_alike;
    if (first == NULL)
        (void)map_remove(&inventory->addresses, hash);
    else
        (void)map_put(&inventory->addresses, hash, first);
}

/* The place in the list of its link where an address stands, or the list's end. */
static struct inventory_address **place_of(struct inventory_link *link, const struct host_ifaddr *is)
{
    struct inventory_address **at = &link->addresses;
    while (*at != NULL && ((*at)->is.prefix.length != is->prefix.length ||
                           !ip_address_equal(&(*at)->is.prefix.address, &is->prefix.address)))
        at = &(*at)->next_on_link;
    return at;
}

static void drop_address(struct inventory *inventory, struct inventory_address **at)
{
    struct inventory_address *address = *at;
    *at = address->next_on_link;
    remove_value(inventory, address);
    free(address);
}

static void drop_link(struct inventory *inventory, struct inventory_link *link)
{
    while (link->addresses != NULL)
        drop_address(inventory, &link->addresses);
    remove_name(inventory, link);
    (void)map_remove(&inventory->links, (uint64_t)link->is.index);
    free(link);
}

static bool differs(const struct host_link *a, const struct host_link *b)
{
    return a->mtu != b->mtu || a->group != b->group || a->up != b->up || a->carrier != b->carrier ||
           a->ours != b->ours || a->ethernet != b->ethernet ||
           memcmp(a->address, b->address, sizeof a->address) != 0 || strcmp(a->name, b->name) != 0;
}

static enum inventory_change learn_new_link(struct inventory *inventory, struct inventory_news *news)
{
    struct inventory_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return INVENTORY_FAILED;
    link->is = news->link;
    link->generation = inventory->generation;
    if (!map_put(&inventory->links, (uint64_t)link->is.index, link)) {
        free(link);
        return INVENTORY_FAILED;
    }
    if (!add_name(inventory, link)) {
        drop_link(inventory, link);
        return INVENTORY_FAILED;
    }
    return INVENTORY_LINK;
}

static enum inventory_change learn_link(struct inventory *inventory, const struct nlmsghdr *message,
                                        struct inventory_news *news)
{
    if (!host_link_read(message, &news->link))
        return INVENTORY_SAME;
    struct inventory_link *link = map_find(&inventory->links, (uint64_t)news->link.index);
    if (message->nlmsg_type == RTM_DELLINK) {
        if (link == NULL)
            return INVENTORY_SAME;
        drop_link(inventory, link);
        return INVENTORY_LINK_GONE;
    }
    news->link_is_new = link == NULL || strcmp(link->is.name, news->link.name) != 0;
    if (link == NULL)
        return learn_new_link(inventory, news);

    link->generation = inventory->generation;
    news->link_was_up = link->is.up;
    news->link_had_carrier = link->is.carrier;
    if (!differs(&link->is, &news->link))
        return INVENTORY_SAME;
    remove_name(inventory, link);
    link->is = news->link;
    return add_name(inventory, link) ? INVENTORY_LINK : INVENTORY_FAILED;
}

static enum inventory_change learn_new_address(struct inventory *inventory, struct inventory_address **at,
                                               const struct host_ifaddr *is)
{
    struct inventory_address *address = calloc(1, sizeof *address);
    if (address == NULL)
        return INVENTORY_FAILED;
    uint64_t hash = hash_address(&is->prefix.address);
    address->is = *is;
    address->generation = inventory->generation;
    address->next_alike = map_find(&inventory->addresses, hash);
    if (!map_put(&inventory->addresses, hash, address)) {
        free(address);
        return INVENTORY_FAILED;
    }
    *at = address;
    return INVENTORY_ADDRESS;
}

static enum inventory_change learn_address(struct inventory *inventory, const struct nlmsghdr *message,
                                           struct inventory_news *news)
{
    if (!host_ifaddr_read(message, &news->address))
        return INVENTORY_SAME;
    struct inventory_link *link = map_find(&inventory->links, (uint64_t)news->address.link);
    if (link == NULL) /* gone, or comes with the next filling */
        return INVENTORY_SAME;
    news->link = link->is;
    struct inventory_address **at = place_of(link, &news->address);
    if (message->nlmsg_type == RTM_DELADDR) {
        if (*at == NULL)
            return INVENTORY_SAME;
        drop_address(inventory, at);
        return INVENTORY_ADDRESS_GONE;
    }
    if (*at == NULL)
        return learn_new_address(inventory, at, &news->address);

    const struct host_ifaddr was = (*at)->is;
    (*at)->is = news->address;
    (*at)->generation = inventory->generation;
    bool same = host_ifaddr_is_usable(&news->address) == host_ifaddr_is_usable(&was) &&
                host_ifaddr_may_serve(&news->address) == host_ifaddr_may_serve(&was) &&
                host_ifaddr_is_deprecated(&news->address) == host_ifaddr_is_deprecated(&was);
    return same ? INVENTORY_SAME : INVENTORY_ADDRESS;
}

void inventory_learn(struct inventory *inventory, const struct nlmsghdr *message, struct inventory_news *news)
{
    *news = (struct inventory_news){.change = INVENTORY_SAME};
    switch (message->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        news->change = learn_link(inventory, message, news);
        break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        news->change = learn_address(inventory, message, news);
        break;
    default:
        break;
    }
}

static bool learn_listed(void *context, const struct nlmsghdr *reply)
{
    struct inventory_news news;
    inventory_learn(context, reply, &news);
    return news.change != INVENTORY_FAILED;
}

static void drop_stale_addresses(struct inventory *inventory, struct inventory_link *link,
                                 inventory_lost *lost, void *context)
{
    struct inventory_address **at = &link->addresses;
    while (*at != NULL) {
        if ((*at)->generation == inventory->generation) {
            at = &(*at)->next_on_link;
            continue;
        }
        const struct host_ifaddr gone = (*at)->is;
        drop_address(inventory, at);
        if (lost != NULL)
            lost(context, &link->is, &gone);
    }
}

/* Drops what the last filling did not see. Dropping a link may move another one to its slot of the map. */
static void drop_stale(struct inventory *inventory, inventory_lost *lost, void *context)
{
    for (size_t i = 0; i < inventory->links.capacity; i++) {
        struct inventory_link *link = inventory->links.slots[i].value;
        if (link == NULL)
            continue;
        drop_stale_addresses(inventory, link, lost, context);
        if (link->generation != inventory->generation) {
            drop_link(inventory, link);
            i--;
        }
    }
}

bool inventory_fill(struct inventory *inventory, struct netlink *nl, inventory_lost *lost, void *context,
                    struct host_error *err)
{
    inventory->generation++;
    if (!host_link_list(nl, learn_listed, inventory, err) ||
        !host_ifaddr_list(nl, learn_listed, inventory, err))
        return false;
    drop_stale(inventory, lost, context);
    return true;
}

bool inventory_ask(struct inventory *inventory, struct netlink *nl, int index, struct host_error *err)
{
    return host_link_ask(nl, index, learn_listed, inventory, err);
}

void inventory_free(struct inventory *inventory)
{
    for (size_t i = 0; i < inventory->links.capacity; i++) {
        struct inventory_link *link = inventory->links.slots[i].value;
        if (link == NULL)
            continue;
        while (link->addresses != NULL) {
            struct inventory_address *address = link->addresses;
            link->addresses = address->next_on_link;
            free(address);
        }
        free(link);
    }
    map_free(&inventory->links);
    map_free(&inventory->names);
    map_free(&inventory->addresses);
    *inventory = (struct inventory){0};
}
