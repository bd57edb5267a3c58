/*
 * The Tunnels of the plan: TUN devices that are made, adopted, kept as they should be, and removed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/mark.h"
#include "host/reconcile.h"
#include "host/sysctl.h"

enum { DEFAULT_MTU = 1500, IPV6_MTU = 1280 };

static int compare_tunnels(const void *a, const void *b)
{
    const struct tunnel_item *x = a, *y = b;
    return strcmp(x->plan.name, y->plan.name);
}

struct tunnel_item *tunnels_find(const struct host *host, const char *name)
{
    size_t low = 0, high = host->tunnel_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(host->tunnels[middle].plan.name, name);
        if (order == 0)
            return &host->tunnels[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

struct tunnel_item *tunnels_find_link(const struct host *host, int link)
{
    const struct inventory_link *known = inventory_find(&host->inventory, link);
    struct tunnel_item *tunnel = known != NULL ? tunnels_find(host, known->is.name) : NULL;
    return tunnel != NULL && tunnel->link == link ? tunnel : NULL;
}

static void forget_device(struct tunnel_item *tunnel)
{
    if (tunnel->fd >= 0)
        (void)close(tunnel->fd);
    tunnel->fd = -1;
    tunnel->link = 0;
    tunnel->configured = false;
}

void tunnels_free(struct host *host)
{
    for (size_t i = 0; i < host->tunnel_count; i++)
        forget_device(&host->tunnels[i]);
    free(host->tunnels);
    host->tunnels = NULL;
    host->tunnel_count = 0;
}

static bool options_equal(const struct tun_options *a, const struct tun_options *b)
{
    return a->multi_queue == b->multi_queue && a->vnet_header == b->vnet_header;
}

/* Takes over what an older item knows of the same Tunnel. */
static void inherit(struct tunnel_item *item, struct tunnel_item *old)
{
    item->carrier = old->carrier;
    item->ipv6_failure = item->plan.ipv6 ? old->ipv6_failure : 0;
    if (!options_equal(&item->plan.options, &old->plan.options))
        return; /* the device is made anew */
    item->fd = old->fd;
    item->link = old->link;
    item->set_up = old->set_up;
    item->state = old->state;
    item->configured =
        old->configured && item->plan.mtu == old->plan.mtu && item->plan.ipv6 == old->plan.ipv6;
    old->fd = -1;
}

bool tunnels_plan(struct host *host, const struct host_plan *plan, struct host_error *err)
{
    struct tunnel_item *items = calloc(plan->tunnel_count + 1, sizeof *items);
    if (items == NULL)
        return host_fail(err, ENOMEM, "cannot plan the Tunnels");
    for (size_t i = 0; i < plan->tunnel_count; i++)
        items[i] = (struct tunnel_item){.plan = plan->tunnels[i], .fd = -1};
    for (size_t i = 0; i < plan->tunnel_count; i++) {
        if (items[i].plan.mtu == 0)
            items[i].plan.mtu = DEFAULT_MTU;
    }
    qsort(items, plan->tunnel_count, sizeof *items, compare_tunnels);

    size_t count = 0;
    for (size_t i = 0; i < plan->tunnel_count; i++) {
        if (count > 0 && compare_tunnels(&items[count - 1], &items[i]) == 0)
            continue;
        items[count] = items[i];
        struct tunnel_item *old = tunnels_find(host, items[count].plan.name);
        if (old != NULL)
            inherit(&items[count], old);
        count++;
    }
    tunnels_free(host);
    host->tunnels = items;
    host->tunnel_count = count;
    return true;
}

typedef bool keep_link(const struct host *host, const struct host_link *link);

static bool keep_none(const struct host *host, const struct host_link *link)
{
    (void)host;
    (void)link;
    return false;
}

/* Moves the marked links that `keep` is false of to the doomed group. */
static bool doom_links(struct host *host, keep_link *keep, size_t *doomed, struct host_error *err)
{
    const struct host_link_change change = {.group = HOST_LINK_DOOMED_GROUP};
    *doomed = 0;
    for (size_t i = 0; i < host->inventory.links.capacity; i++) {
        const struct inventory_link *link = host->inventory.links.slots[i].value;
        struct host_error reason;
        if (link == NULL || !link->is.ours || keep(host, &link->is))
            continue;
        if (!host_link_change(host->netlink, link->is.index, &change, &reason) && reason.number != ENODEV)
            return host_fail_because(err, &reason, "cannot remove %s", link->is.name);
        (*doomed)++;
    }
    return true;
}

/* True if another program has put a link of its own into that group. */
static bool group_is_shared(const struct host *host)
{
    for (size_t i = 0; i < host->inventory.links.capacity; i++) {
        const struct inventory_link *link = host->inventory.links.slots[i].value;
        if (link != NULL && link->is.group == HOST_LINK_DOOMED_GROUP && !link->is.ours)
            return true;
    }
    return false;
}

static bool remove_one_by_one(struct host *host, keep_link *keep, struct host_error *err)
{
    for (size_t i = 0; i < host->inventory.links.capacity; i++) {
        const struct inventory_link *link = host->inventory.links.slots[i].value;
        if (link != NULL && link->is.ours && !keep(host, &link->is) &&
            !host_link_remove(host->netlink, link->is.index, err))
            return false;
    }
    return true;
}

/* Removes the marked links that `keep` is false of: by one request, since each takes long. */
static bool remove_links(struct host *host, keep_link *keep, struct host_error *err)
{
    size_t doomed;
    if (!doom_links(host, keep, &doomed, err))
        return false;
    if (doomed == 0)
        return true;
    if (!host_drain(host, err))
        return false;
    bool removed = group_is_shared(host) ? remove_one_by_one(host, keep, err)
                                         : host_link_remove_group(host->netlink, HOST_LINK_DOOMED_GROUP, err);
    return removed && host_drain(host, err);
}

static bool is_wanted(const struct host *host, const struct host_link *link)
{
    const struct tunnel_item *tunnel = tunnels_find(host, link->name);
    return tunnel != NULL && (tunnel->fd < 0 || tunnel->link == link->index);
}

/* Opens the device, made by an earlier musubid or anew. Leaves `tunnel->fd` at -1 on failure. */
static bool open_device(struct host *host, struct tunnel_item *tunnel, const struct inventory_link *found,
                        struct host_error *err)
{
    const char *name = tunnel->plan.name;
    if (found != NULL) {
        struct host_error reason;
        tunnel->fd = tun_open(name, false, &tunnel->plan.options, &reason);
        if (tunnel->fd >= 0)
            return true;
        /* Made with other options, or held by what is left of a dead musubid, since we have the lock. */
        if (reason.number != EINVAL && reason.number != EBUSY)
            return host_fail_because(err, &reason, "%s is there from before", name);
        if (!host_link_remove(host->netlink, found->is.index, err) || !host_drain(host, err))
            return false;
    }
    tunnel->fd = tun_open(name, true, &tunnel->plan.options, err);
    return tunnel->fd >= 0;
}

static bool attach(struct host *host, struct tunnel_item *tunnel, struct host_error *err)
{
    const struct inventory_link *found = inventory_find_name(&host->inventory, tunnel->plan.name);
    if (found != NULL && !found->is.ours)
        return host_fail(err, EEXIST, "a link %s is there that is not Musubi's", tunnel->plan.name);
    if (!open_device(host, tunnel, found, err) || !host_drain(host, err))
        return false;
    const struct inventory_link *link = inventory_find_name(&host->inventory, tunnel->plan.name);
    if (link == NULL)
        return host_fail(err, ENODEV, "%s vanished", tunnel->plan.name);
    tunnel->link = link->is.index;
    return true;
}

/* Before IPv6 is switched on. A kernel without IPv6 has nothing to be told. */
static bool avoid_link_local(struct host *host, const struct tunnel_item *tunnel, struct host_error *err)
{
    struct host_error reason;
    const struct host_link_change change = {.no_link_local = true};
    if (tunnel->plan.mtu < IPV6_MTU || host_link_change(host->netlink, tunnel->link, &change, &reason) ||
        reason.number == EAFNOSUPPORT || reason.number == EOPNOTSUPP)
        return true;
    return host_fail_because(err, &reason, "cannot set up IPv6 on %s", tunnel->plan.name);
}

/* A Tunnel that cannot have IPv6 still serves IPv4. */
static void configure_ipv6(struct host *host, struct tunnel_item *tunnel)
{
    struct host_error reason;
    if (avoid_link_local(host, tunnel, &reason) &&
        host_sysctl_set_tunnel(IP_V6, tunnel->plan.name, tunnel->plan.ipv6, &reason))
        tunnel->ipv6_failure = 0;
    else
        host_note_failure(host, &tunnel->ipv6_failure, &reason);
}

/* MTU first: IPv6's settings are there only from an MTU of 1280 on. */
static bool configure(struct host *host, struct tunnel_item *tunnel, struct host_error *err)
{
    struct host_error reason;
    const struct host_link_change change = {.instance = host->instance, .mtu = tunnel->plan.mtu};
    if (!host_link_change(host->netlink, tunnel->link, &change, &reason))
        return host_fail_because(err, &reason, "cannot set up %s", tunnel->plan.name);
    if (!tun_set_persistent(tunnel->fd, true, err) ||
        !host_sysctl_set_tunnel(IP_V4, tunnel->plan.name, true, err))
        return false;
    configure_ipv6(host, tunnel);
    /* What was before is not to be taken for a change by others. */
    if (!host_drain(host, err) || !inventory_ask(&host->inventory, host->netlink, tunnel->link, err))
        return false;
    tunnel->configured = true;
    return true;
}

static bool set_up_or_down(struct host *host, struct tunnel_item *tunnel, struct host_error *err)
{
    struct host_error reason;
    const struct host_link_change change = {.set_up = true, .up = tunnel->plan.up};
    if (!host_link_change(host->netlink, tunnel->link, &change, &reason))
        return host_fail_because(err, &reason, "cannot set %s %s", tunnel->plan.name,
                                 change.up ? "up" : "down");
    tunnel->set_up = change.up;
    return true;
}

/* Another program changed the mark or the MTU. */
static bool is_changed(const struct tunnel_item *tunnel, const struct host_link *link)
{
    return !link->ours || link->group != HOST_LINK_GROUP || link->mtu != tunnel->plan.mtu;
}

bool tunnels_agree(const struct host *host, const struct host_link *link)
{
    const struct tunnel_item *tunnel = tunnels_find(host, link->name);
    if (tunnel == NULL)
        return !link->ours;
    return tunnel->link == link->index && !is_changed(tunnel, link) && link->up == tunnel->plan.up;
}

static void tell_replaced(struct host *host, const struct tunnel_item *tunnel)
{
    struct host_event event = {.kind = HOST_EVENT_TUNNEL_REPLACED, .link = tunnel->link};
    memcpy(event.link_name, tunnel->plan.name, sizeof event.link_name);
    if (host->listener.event != NULL)
        host->listener.event(host->listener.context, &event);
}

/* Lets go of a device that was removed or renamed. */
static void drop_lost_device(struct host *host, struct tunnel_item *tunnel)
{
    const struct inventory_link *link = inventory_find(&host->inventory, tunnel->link);
    if (tunnel->fd < 0 || (link != NULL && strcmp(link->is.name, tunnel->plan.name) == 0))
        return;
    (void)tun_set_persistent(tunnel->fd, false, NULL);
    forget_device(tunnel);
}

static bool bring_up(struct host *host, struct tunnel_item *tunnel, struct host_error *err)
{
    bool was_there = tunnel->state == ITEM_THERE;
    drop_lost_device(host, tunnel);
    bool attached = tunnel->fd < 0;
    if (attached && !attach(host, tunnel, err))
        return false;
    const struct inventory_link *link = inventory_find(&host->inventory, tunnel->link);
    if (link == NULL)
        return host_fail(err, ENODEV, "%s vanished", tunnel->plan.name);

    bool up = link->is.up;
    bool changed = is_changed(tunnel, &link->is);
    bool put_back = was_there && (attached || (tunnel->configured && changed) ||
                                  (tunnel->set_up == tunnel->plan.up && up != tunnel->plan.up));
    if ((changed || !tunnel->configured) && !configure(host, tunnel, err))
        return false;
    if (up != tunnel->plan.up && !set_up_or_down(host, tunnel, err))
        return false;
    if (attached && tunnel->carrier && !tun_set_carrier(tunnel->fd, true, err))
        return false;
    tunnel->set_up = tunnel->plan.up;
    if (put_back)
        host_note_put_back(host, tunnel->plan.name);
    if (was_there && attached)
        tell_replaced(host, tunnel);
    return true;
}

bool tunnels_reconcile(struct host *host, struct host_error *err)
{
    if (!remove_links(host, is_wanted, err))
        return false;
    for (size_t i = 0; i < host->tunnel_count; i++) {
        struct tunnel_item *tunnel = &host->tunnels[i];
        struct host_error reason;
        if (bring_up(host, tunnel, &reason)) {
            tunnel->state = ITEM_THERE;
            tunnel->failure = 0;
            continue;
        }
        host_note_failure(host, &tunnel->failure, &reason);
        tunnel->state = ITEM_FAILED;
    }
    return true;
}

void tunnels_remove_all(struct host *host)
{
    struct host_error reason;
    tunnels_free(host);
    if (!remove_links(host, keep_none, &reason))
        host_note(host, HOST_NOTE_WARNING, "%s", reason.text);
}
