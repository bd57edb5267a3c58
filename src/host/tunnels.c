#include "host/tunnels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/link_removal.h"
#include "host/sysctl.h"
#include "host/tunnel_device.h"

enum { DEFAULT_MTU = 1500 };

static int compare_tunnels(const void *a, const void *b)
{
    const struct tunnel_device *x = a, *y = b;
    return strcmp(x->plan.name, y->plan.name);
}

static struct tunnel_device *find(const struct host_tunnels *tunnels, const char *name)
{
    size_t low = 0, high = tunnels->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(tunnels->items[middle].plan.name, name);
        if (order == 0)
            return &tunnels->items[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The Tunnel of that index; NULL if there is none. */
static struct tunnel_device *find_link(const struct host_tunnels *tunnels, const struct inventory *inventory,
                                       int link)
{
    const struct inventory_link *known = inventory_find(inventory, link);
    struct tunnel_device *tunnel = known != NULL ? find(tunnels, known->is.name) : NULL;
    return tunnel != NULL && tunnel->link == link ? tunnel : NULL;
}

int host_tunnels_find_network(const struct host_tunnels *tunnels, const struct inventory *inventory,
                              const struct ip_address *address)
{
    for (size_t i = 0; i < tunnels->count; i++) {
        const struct inventory_link *link = inventory_find(inventory, tunnels->items[i].link);
        if (link != NULL && inventory_is_on_network(link, address))
            return link->is.index;
    }
    return 0;
}

void host_tunnels_free(struct host_tunnels *tunnels)
{
    for (size_t i = 0; i < tunnels->count; i++)
        tunnel_device_forget(&tunnels->items[i]);
    free(tunnels->items);
    tunnels->items = NULL;
    tunnels->count = 0;
}

static bool options_equal(const struct tun_options *a, const struct tun_options *b)
{
    return a->multi_queue == b->multi_queue && a->vnet_header == b->vnet_header;
}

/* Takes over what an older item knows of the same Tunnel. */
static void inherit(struct tunnel_device *item, struct tunnel_device *old)
{
    item->use = old->use;
    item->was_opened = old->was_opened;
    item->ipv6_failure = item->plan.ipv6 ? old->ipv6_failure : 0;
    if (!options_equal(&item->plan.options, &old->plan.options))
        return; /* the device is made anew */
    item->fd = old->fd;
    item->link = old->link;
    item->use_is_set = old->use_is_set;
    item->linkdown_v4 = old->linkdown_v4;
    item->linkdown_v6 = old->linkdown_v6;
    item->has_carrier = old->has_carrier;
    item->held = old->held;
    item->set_up = old->set_up;
    item->is_new = old->is_new;
    item->state = old->state;
    item->configured = old->configured && item->plan.mtu == old->plan.mtu &&
                       item->plan.ipv6 == old->plan.ipv6 && item->plan.link_local == old->plan.link_local;
    old->fd = -1;
}

bool host_tunnels_plan(struct host_tunnels *tunnels, const struct host_plan *plan, struct host_error *err)
{
    struct tunnel_device *items = calloc(plan->tunnel_count + 1, sizeof *items);
    if (items == NULL)
        return host_fail(err, ENOMEM, "cannot plan the Tunnels");
    for (size_t i = 0; i < plan->tunnel_count; i++)
        items[i] = (struct tunnel_device){.plan = plan->tunnels[i], .fd = -1};
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
        struct tunnel_device *old = find(tunnels, items[count].plan.name);
        if (old != NULL)
            inherit(&items[count], old);
        count++;
    }
    host_tunnels_free(tunnels);
    tunnels->items = items;
    tunnels->count = count;
    return true;
}

static bool keep_none(const void *context, const struct host_link *link)
{
    (void)context;
    (void)link;
    return false;
}

static bool is_wanted(const void *context, const struct host_link *link)
{
    const struct tunnel_device *tunnel = find(context, link->name);
    return tunnel != NULL && (tunnel->fd < 0 || tunnel->link == link->index);
}

bool host_tunnels_agree(const struct host_tunnels *tunnels, const struct host_link *link)
{
    const struct tunnel_device *tunnel = find(tunnels, link->name);
    if (tunnel == NULL)
        return !link->ours;
    return tunnel->link == link->index && !tunnel_device_is_changed(tunnel, link) &&
           link->up == tunnel->plan.up;
}

bool host_tunnels_doubt(struct host_tunnels *tunnels, const struct inventory *inventory, int link)
{
    struct tunnel_device *tunnel = find_link(tunnels, inventory, link);
    bool configured = tunnel != NULL && tunnel->configured;
    if (configured)
        tunnel->configured = false;
    return configured;
}

bool host_tunnels_doubt_use(struct host_tunnels *tunnels, const struct inventory *inventory, int link,
                            bool is_ignored)
{
    struct tunnel_device *tunnel = find_link(tunnels, inventory, link);
    if (tunnel == NULL || !tunnel->use_is_set)
        return false;
    bool ignored = tunnel_device_use(tunnel) == TUNNEL_PASSED_OVER;
    const char *name = tunnel->plan.name;
    if (is_ignored == ignored) /* as we set it: if it has changed since then, another report follows */
        return false;
    if (host_sysctl_ignores_linkdown(IP_V4, name) == ignored &&
        (!tunnel->plan.ipv6 || tunnel->ipv6_failure != 0 ||
         host_sysctl_ignores_linkdown(IP_V6, name) == ignored))
        return false; /* the report was of a state before we set it */
    tunnel->linkdown_v4 = tunnel->linkdown_v6 = LINKDOWN_UNKNOWN;
    tunnel->use_is_set = false;
    return true;
}

/*
 * Where IPv4's setting of all devices is set, it beats that of a Tunnel: once the last process that holds the
 * device is dead, Linux passes over the routes through it. The setting is the operator's, so he is told.
 */
static void warn_of_all_devices(struct host_tunnels *tunnels, const struct host_kernel *kernel)
{
    bool ignores = tunnels->count > 0 && host_sysctl_ignores_linkdown(IP_V4, "all");
    if (ignores && !tunnels->told_of_all)
        host_note(
            kernel, HOST_NOTE_WARNING,
            "net.ipv4.conf.all.ignore_routes_with_linkdown is 1: if musubid is killed, packets for Tunnels "
            "leave by other routes, in the clear; set it to 0");
    tunnels->told_of_all = ignores;
}

bool host_tunnels_reconcile(struct host_tunnels *tunnels, struct host_kernel *kernel, struct host_error *err)
{
    struct tunnel_defaults defaults = {.instance = tunnels->instance};
    warn_of_all_devices(tunnels, kernel);
    if (!host_links_remove(kernel, is_wanted, tunnels, err))
        return false;
    for (size_t i = 0; i < tunnels->count; i++)
        tunnel_device_keep(&tunnels->items[i], kernel, &defaults);
    return true;
}

void host_tunnels_remove_all(struct host_tunnels *tunnels, struct host_kernel *kernel)
{
    struct host_error reason;
    host_tunnels_free(tunnels);
    if (!host_links_remove(kernel, keep_none, NULL, &reason))
        host_note(kernel, HOST_NOTE_WARNING, "%s", reason.text);
}

int host_tunnels_fd(const struct host_tunnels *tunnels, const char *name)
{
    const struct tunnel_device *tunnel = find(tunnels, name);
    return tunnel != NULL ? tunnel->fd : -1;
}

bool host_tunnels_use(struct host_tunnels *tunnels, const struct host_kernel *kernel, const char *name,
                      enum host_tunnel_use use, struct host_error *err)
{
    struct tunnel_device *tunnel = find(tunnels, name);
    if (tunnel == NULL)
        return host_fail(err, 0, "there is no %s", name);
    tunnel->use = use;
    tunnel->use_is_set = false;
    return tunnel_device_set_use(tunnel, kernel, err);
}

void host_tunnels_release(struct host_tunnels *tunnels, const struct host_kernel *kernel)
{
    for (size_t i = 0; i < tunnels->count; i++) {
        struct tunnel_device *tunnel = &tunnels->items[i];
        struct host_error reason;
        if (!tunnel->held)
            continue;
        tunnel->held = tunnel->use_is_set = false;
        if (!tunnel_device_set_use(tunnel, kernel, &reason))
            host_note(kernel, HOST_NOTE_WARNING, "%s", reason.text);
    }
}
