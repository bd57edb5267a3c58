#include "host/tunnels.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/ifaddr.h"
#include "host/link_removal.h"
#include "host/mark.h"
#include "host/sysctl.h"

enum {
    DEFAULT_MTU = 1500,
    IPV6_MTU = 1280,
    /* Packets in front of a device: what Linux gives an Ethernet link. A TUN device has 500, which fill up
     * while a worker that is busy, or waits for its core, does not read for a few milliseconds. */
    TUNNEL_QUEUE = 1000,
};

struct tunnel_item {
    struct plan_tunnel plan;
    enum item_state state;
    int failure;                            /* errno of the last failure that was told */
    int ipv6_failure;                       /* the same, for IPv6 alone */
    int fd;                                 /* -1: none */
    int link;                               /* index of the device behind `fd` */
    enum host_tunnel_use use;               /* as it is wanted */
    bool use_is_set;                        /* Linux does so, as far as it may */
    enum linkdown linkdown_v4, linkdown_v6; /* as Linux is known to have it */
    bool has_carrier;                       /* the device, as we last set it */
    bool held;                              /* left dropping by a musubid that died (host_use_tunnel) */
    bool configured; /* MTU, mark and settings have been made, and nobody is known to have changed them */
    bool set_up;     /* as we last set it */
    bool was_opened; /* there was a descriptor before, which the caller may have handed on */
    bool is_made;    /* we made the device, and have not configured it yet */
    bool is_new;     /* the descriptor is another one than before: the listener has to be told */
};

static int compare_tunnels(const void *a, const void *b)
{
    const struct tunnel_item *x = a, *y = b;
    return strcmp(x->plan.name, y->plan.name);
}

static struct tunnel_item *find(const struct host_tunnels *tunnels, const char *name)
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
static struct tunnel_item *find_link(const struct host_tunnels *tunnels, const struct inventory *inventory,
                                     int link)
{
    const struct inventory_link *known = inventory_find(inventory, link);
    struct tunnel_item *tunnel = known != NULL ? find(tunnels, known->is.name) : NULL;
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

static void forget_device(struct tunnel_item *tunnel)
{
    if (tunnel->fd >= 0)
        (void)close(tunnel->fd);
    tunnel->fd = -1;
    tunnel->link = 0;
    tunnel->use_is_set = tunnel->held = false;
    tunnel->linkdown_v4 = tunnel->linkdown_v6 = LINKDOWN_UNKNOWN;
    tunnel->is_made = false;
    tunnel->configured = false;
}

void host_tunnels_free(struct host_tunnels *tunnels)
{
    for (size_t i = 0; i < tunnels->count; i++)
        forget_device(&tunnels->items[i]);
    free(tunnels->items);
    tunnels->items = NULL;
    tunnels->count = 0;
}

static bool options_equal(const struct tun_options *a, const struct tun_options *b)
{
    return a->multi_queue == b->multi_queue && a->vnet_header == b->vnet_header;
}

/* Takes over what an older item knows of the same Tunnel. */
static void inherit(struct tunnel_item *item, struct tunnel_item *old)
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
        struct tunnel_item *old = find(tunnels, items[count].plan.name);
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
    const struct tunnel_item *tunnel = find(context, link->name);
    return tunnel != NULL && (tunnel->fd < 0 || tunnel->link == link->index);
}

/* What Linux gives to a device that is made now. It is read once in a pass, since reading it is as dear as
 * setting it. */
static enum linkdown default_linkdown(enum ip_family family, enum linkdown *known)
{
    if (*known == LINKDOWN_UNKNOWN)
        *known = host_sysctl_ignores_linkdown(family, "default") ? LINKDOWN_IGNORED : LINKDOWN_IN_USE;
    return *known;
}

/* Opens the device, made by an earlier musubid or anew. Leaves `tunnel->fd` at -1 on failure. */
static bool open_device(struct host_tunnels *tunnels, struct host_kernel *kernel, struct tunnel_item *tunnel,
                        const struct inventory_link *found, struct host_error *err)
{
    const char *name = tunnel->plan.name;
    int any_socket = netlink_fd(kernel->netlink);
    tunnel->has_carrier = false;
    if (found != NULL) {
        struct host_error reason;
        tunnel->fd = tun_open(name, false, &tunnel->plan.options, any_socket, &reason);
        if (tunnel->fd >= 0) {
            tunnel->held = !host_sysctl_ignores_linkdown(IP_V4, name);
            return true;
        }
        /* Made with other options, or held by what is left of a dead musubid, since we have the lock. */
        if (reason.number != EINVAL && reason.number != EBUSY)
            return host_fail_because(err, &reason, "%s is there from before", name);
        if (!host_link_remove(kernel->netlink, found->is.index, err) || !host_kernel_drain(kernel, err))
            return false;
    }
    tunnel->linkdown_v4 = default_linkdown(IP_V4, &tunnels->default_v4);
    tunnel->linkdown_v6 = default_linkdown(IP_V6, &tunnels->default_v6);
    tunnel->fd = tun_open(name, true, &tunnel->plan.options, any_socket, err);
    tunnel->is_made = tunnel->fd >= 0;
    return tunnel->is_made;
}

static bool attach(struct host_tunnels *tunnels, struct host_kernel *kernel, struct tunnel_item *tunnel,
                   struct host_error *err)
{
    const struct inventory_link *found = inventory_find_name(&kernel->inventory, tunnel->plan.name);
    if (found != NULL && !found->is.ours)
        return host_fail(err, EEXIST, "a link %s is there that is not Musubi's", tunnel->plan.name);
    if (!open_device(tunnels, kernel, tunnel, found, err) || !host_kernel_drain(kernel, err))
        return false;
    const struct inventory_link *link = inventory_find_name(&kernel->inventory, tunnel->plan.name);
    if (link == NULL)
        return host_fail(err, ENODEV, "%s vanished", tunnel->plan.name);
    tunnel->link = link->is.index;
    tunnel->is_new = tunnel->was_opened;
    tunnel->was_opened = true;
    return true;
}

/* To be done before IPv6 is switched on. A kernel without IPv6 needs no order. */
static bool avoid_link_local(struct host_kernel *kernel, const struct tunnel_item *tunnel,
                             struct host_error *err)
{
    struct host_error reason;
    const struct host_link_change change = {.no_link_local = true};
    if (tunnel->plan.mtu < IPV6_MTU || host_link_change(kernel->netlink, tunnel->link, &change, &reason) ||
        reason.number == EAFNOSUPPORT || reason.number == EOPNOTSUPP)
        return true;
    return host_fail_because(err, &reason, "cannot set up IPv6 on %s", tunnel->plan.name);
}

/* Removes the link-local address that Linux has made. */
static bool remove_link_local(struct host_kernel *kernel, const struct tunnel_item *tunnel,
                              struct host_error *err)
{
    const struct inventory_link *link = inventory_find(&kernel->inventory, tunnel->link);
    const struct inventory_address *a = link != NULL ? link->addresses : NULL;
    for (; a != NULL; a = a->next_on_link) {
        if (a->is.protocol == IFAPROT_KERNEL_LL &&
            !host_ifaddr_remove(kernel->netlink, tunnel->link, &a->is.prefix, err))
            return false;
    }
    return true;
}

/* Linux makes it as soon as the device is up and has its carrier, and keeps it as long as the device is
 * there. Its interface ID is random: two gateways that are copies of one machine have different ones. */
static bool make_link_local(const struct tunnel_item *tunnel, struct host_error *err)
{
    return host_sysctl_write_link(IP_V6, tunnel->plan.name, "addr_gen_mode", IN6_ADDR_GEN_MODE_RANDOM, err);
}

/* A Tunnel that cannot have IPv6 still serves IPv4. */
static void configure_ipv6(struct host_kernel *kernel, struct tunnel_item *tunnel)
{
    struct host_error reason;
    bool link_local = tunnel->plan.ipv6 && tunnel->plan.link_local;
    bool done = link_local ||
                (avoid_link_local(kernel, tunnel, &reason) && remove_link_local(kernel, tunnel, &reason));
    if (done && host_sysctl_set_ipv6(tunnel->plan.name, tunnel->plan.ipv6, &reason) &&
        (!link_local || make_link_local(tunnel, &reason)))
        tunnel->ipv6_failure = 0;
    else
        host_note_failure(kernel, &tunnel->ipv6_failure, &reason);
}

/* MTU first: IPv6's settings are there only from an MTU of 1280 on. */
static bool configure(const struct host_tunnels *tunnels, struct host_kernel *kernel,
                      struct tunnel_item *tunnel, struct host_error *err)
{
    struct host_error reason;
    const struct host_link_change change = {
        .instance = tunnels->instance,
        .mtu = tunnel->plan.mtu,
        .queue = tunnel->is_made ? TUNNEL_QUEUE : 0,
    };
    if (!host_link_change(kernel->netlink, tunnel->link, &change, &reason))
        return host_fail_because(err, &reason, "cannot set up %s", tunnel->plan.name);
    if (!tun_set_persistent(tunnel->fd, true, err))
        return false;
    configure_ipv6(kernel, tunnel);
    tunnel->use_is_set = false; /* IPv6 may have been switched on */
    if (!tunnel->is_made)
        tunnel->linkdown_v4 = tunnel->linkdown_v6 = LINKDOWN_UNKNOWN;
    tunnel->is_made = false;
    /* Reports of the state before must not be taken for changes by others. */
    if (!host_kernel_drain(kernel, err) ||
        !inventory_ask(&kernel->inventory, kernel->netlink, tunnel->link, err))
        return false;
    tunnel->configured = true;
    return true;
}

static bool set_up_or_down(struct host_kernel *kernel, struct tunnel_item *tunnel, struct host_error *err)
{
    struct host_error reason;
    const struct host_link_change change = {.set_up = true, .up = tunnel->plan.up};
    if (!host_link_change(kernel->netlink, tunnel->link, &change, &reason))
        return host_fail_because(err, &reason, "cannot set %s %s", tunnel->plan.name,
                                 change.up ? "up" : "down");
    tunnel->set_up = change.up;
    return true;
}

/* What the device is to do now. */
static enum host_tunnel_use effective_use(const struct tunnel_item *tunnel)
{
    return tunnel->held && tunnel->use == TUNNEL_PASSED_OVER ? TUNNEL_DROPS : tunnel->use;
}

static bool set_linkdown_of(enum ip_family family, const char *name, enum linkdown wanted,
                            enum linkdown *known, struct host_error *err)
{
    bool is_known = *known != LINKDOWN_UNKNOWN;
    if (*known == wanted)
        return true;
    bool done = host_sysctl_ignore_linkdown(family, name, wanted == LINKDOWN_IGNORED, is_known, err);
    *known = done ? wanted : LINKDOWN_UNKNOWN;
    return done;
}

static bool set_linkdown(struct tunnel_item *tunnel, bool ignore, struct host_error *err)
{
    const char *name = tunnel->plan.name;
    enum linkdown wanted = ignore ? LINKDOWN_IGNORED : LINKDOWN_IN_USE;
    if (!set_linkdown_of(IP_V4, name, wanted, &tunnel->linkdown_v4, err))
        return false;
    /* A Tunnel without IPv6 has no routes for it. Where IPv6 can't be had that has been told. */
    return !tunnel->plan.ipv6 || set_linkdown_of(IP_V6, name, wanted, &tunnel->linkdown_v6, err) ||
           tunnel->ipv6_failure != 0;
}

/*
 * A device without carrier drops what is sent into it, and Linux passes over the routes through it only if it
 * is told to. It is told so only while the tunnel is down and Musubi sees to that: when the last process that
 * holds the device dies, its carrier goes, and its routes stay in use (S48). So the setting changes first: no
 * death in between leaves a tunnel that is up passed over.
 */
static bool set_use(const struct host_kernel *kernel, struct tunnel_item *tunnel, struct host_error *err)
{
    if (tunnel->fd < 0 || tunnel->use_is_set)
        return true;
    enum host_tunnel_use use = effective_use(tunnel);
    bool carries = use == TUNNEL_CARRIES;
    if (!set_linkdown(tunnel, use == TUNNEL_PASSED_OVER, err))
        return false;
    if (tunnel->has_carrier != carries &&
        !tun_set_carrier(tunnel->fd, tunnel->plan.name, carries, netlink_fd(kernel->netlink), err))
        return false;
    tunnel->has_carrier = carries;
    if (use != TUNNEL_DROPS)
        tunnel->held = false;
    tunnel->use_is_set = true;
    return true;
}

/* Another program changed the mark or the MTU. */
static bool is_changed(const struct tunnel_item *tunnel, const struct host_link *link)
{
    return !link->ours || link->group != HOST_LINK_GROUP || link->mtu != tunnel->plan.mtu;
}

bool host_tunnels_agree(const struct host_tunnels *tunnels, const struct host_link *link)
{
    const struct tunnel_item *tunnel = find(tunnels, link->name);
    if (tunnel == NULL)
        return !link->ours;
    return tunnel->link == link->index && !is_changed(tunnel, link) && link->up == tunnel->plan.up;
}

bool host_tunnels_doubt(struct host_tunnels *tunnels, const struct inventory *inventory, int link)
{
    struct tunnel_item *tunnel = find_link(tunnels, inventory, link);
    bool configured = tunnel != NULL && tunnel->configured;
    if (configured)
        tunnel->configured = false;
    return configured;
}

bool host_tunnels_doubt_use(struct host_tunnels *tunnels, const struct inventory *inventory, int link,
                            bool is_ignored)
{
    struct tunnel_item *tunnel = find_link(tunnels, inventory, link);
    if (tunnel == NULL || !tunnel->use_is_set)
        return false;
    bool ignored = effective_use(tunnel) == TUNNEL_PASSED_OVER;
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

static void tell_replaced(const struct host_kernel *kernel, const struct tunnel_item *tunnel)
{
    struct host_event event = {.kind = HOST_EVENT_TUNNEL_REPLACED, .link = tunnel->link};
    memcpy(event.link_name, tunnel->plan.name, sizeof event.link_name);
    host_kernel_tell(kernel, &event);
}

/* Lets go of a device that was removed or renamed. */
static void drop_lost_device(const struct host_kernel *kernel, struct tunnel_item *tunnel)
{
    const struct inventory_link *link = inventory_find(&kernel->inventory, tunnel->link);
    if (tunnel->fd < 0 || (link != NULL && strcmp(link->is.name, tunnel->plan.name) == 0))
        return;
    (void)tun_set_persistent(tunnel->fd, false, NULL);
    forget_device(tunnel);
}

static bool bring_up(struct host_tunnels *tunnels, struct host_kernel *kernel, struct tunnel_item *tunnel,
                     struct host_error *err)
{
    bool was_there = tunnel->state == ITEM_THERE;
    drop_lost_device(kernel, tunnel);
    if (tunnel->fd < 0 && !attach(tunnels, kernel, tunnel, err))
        return false;
    const struct inventory_link *link = inventory_find(&kernel->inventory, tunnel->link);
    if (link == NULL)
        return host_fail(err, ENODEV, "%s vanished", tunnel->plan.name);

    bool up = link->is.up;
    bool changed = is_changed(tunnel, &link->is);
    bool put_back =
        tunnel->is_new || (was_there && ((tunnel->configured && changed) ||
                                         (tunnel->set_up == tunnel->plan.up && up != tunnel->plan.up)));
    if ((changed || !tunnel->configured) && !configure(tunnels, kernel, tunnel, err))
        return false;
    if (up != tunnel->plan.up && !set_up_or_down(kernel, tunnel, err))
        return false;
    if (!set_use(kernel, tunnel, err))
        return false;
    tunnel->set_up = tunnel->plan.up;
    if (put_back)
        host_note_put_back(kernel, tunnel->plan.name);
    if (tunnel->is_new)
        tell_replaced(kernel, tunnel);
    tunnel->is_new = false;
    return true;
}

/* True if the device is not there any more: each order about it fails. Linux has reported that by then, since
 * it does so before it lets anybody else change links. */
static bool is_lost(struct host_kernel *kernel, const struct tunnel_item *tunnel)
{
    return tunnel->fd >= 0 && host_kernel_drain(kernel, NULL) &&
           inventory_find(&kernel->inventory, tunnel->link) == NULL;
}

static void keep(struct host_tunnels *tunnels, struct host_kernel *kernel, struct tunnel_item *tunnel)
{
    struct host_error reason;
    bool done = bring_up(tunnels, kernel, tunnel, &reason);
    if (!done && is_lost(kernel, tunnel)) /* somebody removed it meanwhile: make another */
        done = bring_up(tunnels, kernel, tunnel, &reason);
    tunnel->state = done ? ITEM_THERE : ITEM_FAILED;
    if (done)
        tunnel->failure = 0;
    else
        host_note_failure(kernel, &tunnel->failure, &reason);
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
    tunnels->default_v4 = tunnels->default_v6 = LINKDOWN_UNKNOWN;
    warn_of_all_devices(tunnels, kernel);
    if (!host_links_remove(kernel, is_wanted, tunnels, err))
        return false;
    for (size_t i = 0; i < tunnels->count; i++)
        keep(tunnels, kernel, &tunnels->items[i]);
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
    const struct tunnel_item *tunnel = find(tunnels, name);
    return tunnel != NULL ? tunnel->fd : -1;
}

bool host_tunnels_use(struct host_tunnels *tunnels, const struct host_kernel *kernel, const char *name,
                      enum host_tunnel_use use, struct host_error *err)
{
    struct tunnel_item *tunnel = find(tunnels, name);
    if (tunnel == NULL)
        return host_fail(err, 0, "there is no %s", name);
    tunnel->use = use;
    tunnel->use_is_set = false;
    return set_use(kernel, tunnel, err);
}

void host_tunnels_release(struct host_tunnels *tunnels, const struct host_kernel *kernel)
{
    for (size_t i = 0; i < tunnels->count; i++) {
        struct tunnel_item *tunnel = &tunnels->items[i];
        struct host_error reason;
        if (!tunnel->held)
            continue;
        tunnel->held = tunnel->use_is_set = false;
        if (!set_use(kernel, tunnel, &reason))
            host_note(kernel, HOST_NOTE_WARNING, "%s", reason.text);
    }
}
