#include "host/tunnel_device.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <string.h>
#include <unistd.h>

#include "host/ifaddr.h"
#include "host/link_removal.h"
#include "host/mark.h"
#include "host/sysctl.h"

enum {
    IPV6_MTU = 1280,
    /* Packets in front of a device: what Linux gives an Ethernet link. A TUN device has 500, which fill up
     * while a worker that is busy, or waits for its core, does not read for a few milliseconds. */
    TUNNEL_QUEUE = 1000,
};

void tunnel_device_forget(struct tunnel_device *tunnel)
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

/* What Linux gives to a device that is made now. It is read once in a pass, since reading it is as dear as
 * setting it. */
static enum linkdown default_linkdown(enum ip_family family, enum linkdown *known)
{
    if (*known == LINKDOWN_UNKNOWN)
        *known = host_sysctl_ignores_linkdown(family, "default") ? LINKDOWN_IGNORED : LINKDOWN_IN_USE;
    return *known;
}

/* Opens the device, made by an earlier musubid or anew. Leaves `tunnel->fd` at -1 on failure. */
static bool open_device(struct tunnel_device *tunnel, struct host_kernel *kernel,
                        struct tunnel_defaults *defaults, const struct inventory_link *found,
                        struct host_error *err)
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
    tunnel->linkdown_v4 = default_linkdown(IP_V4, &defaults->linkdown_v4);
    tunnel->linkdown_v6 = default_linkdown(IP_V6, &defaults->linkdown_v6);
    tunnel->fd = tun_open(name, true, &tunnel->plan.options, any_socket, err);
    tunnel->is_made = tunnel->fd >= 0;
    return tunnel->is_made;
}

static bool attach(struct tunnel_device *tunnel, struct host_kernel *kernel, struct tunnel_defaults *defaults,
                   struct host_error *err)
{
    const struct inventory_link *found = inventory_find_name(&kernel->inventory, tunnel->plan.name);
    if (found != NULL && !found->is.ours)
        return host_fail(err, EEXIST, "a link %s is there that is not Musubi's", tunnel->plan.name);
    if (!open_device(tunnel, kernel, defaults, found, err) || !host_kernel_drain(kernel, err))
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
static bool avoid_link_local(struct host_kernel *kernel, const struct tunnel_device *tunnel,
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
static bool remove_link_local(struct host_kernel *kernel, const struct tunnel_device *tunnel,
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
static bool make_link_local(const struct tunnel_device *tunnel, struct host_error *err)
{
    return host_sysctl_write_link(IP_V6, tunnel->plan.name, "addr_gen_mode", IN6_ADDR_GEN_MODE_RANDOM, err);
}

/* A Tunnel that cannot have IPv6 still serves IPv4. */
static void configure_ipv6(struct host_kernel *kernel, struct tunnel_device *tunnel)
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
static bool configure(struct tunnel_device *tunnel, struct host_kernel *kernel, const char *instance,
                      struct host_error *err)
{
    struct host_error reason;
    const struct host_link_change change = {
        .instance = instance,
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

static bool set_up_or_down(struct host_kernel *kernel, struct tunnel_device *tunnel, struct host_error *err)
{
    struct host_error reason;
    const struct host_link_change change = {.set_up = true, .up = tunnel->plan.up};
    if (!host_link_change(kernel->netlink, tunnel->link, &change, &reason))
        return host_fail_because(err, &reason, "cannot set %s %s", tunnel->plan.name,
                                 change.up ? "up" : "down");
    tunnel->set_up = change.up;
    return true;
}

enum host_tunnel_use tunnel_device_use(const struct tunnel_device *tunnel)
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

static bool set_linkdown(struct tunnel_device *tunnel, bool ignore, struct host_error *err)
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
bool tunnel_device_set_use(struct tunnel_device *tunnel, const struct host_kernel *kernel,
                           struct host_error *err)
{
    if (tunnel->fd < 0 || tunnel->use_is_set)
        return true;
    enum host_tunnel_use use = tunnel_device_use(tunnel);
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

bool tunnel_device_is_changed(const struct tunnel_device *tunnel, const struct host_link *link)
{
    return !link->ours || link->group != HOST_LINK_GROUP || link->mtu != tunnel->plan.mtu;
}

static void tell_replaced(const struct host_kernel *kernel, const struct tunnel_device *tunnel)
{
    struct host_event event = {.kind = HOST_EVENT_TUNNEL_REPLACED, .link = tunnel->link};
    memcpy(event.link_name, tunnel->plan.name, sizeof event.link_name);
    host_kernel_tell(kernel, &event);
}

/* Lets go of a device that was removed or renamed. */
static void drop_lost_device(const struct host_kernel *kernel, struct tunnel_device *tunnel)
{
    const struct inventory_link *link = inventory_find(&kernel->inventory, tunnel->link);
    if (tunnel->fd < 0 || (link != NULL && strcmp(link->is.name, tunnel->plan.name) == 0))
        return;
    (void)tun_set_persistent(tunnel->fd, false, NULL);
    tunnel_device_forget(tunnel);
}

static bool bring_up(struct tunnel_device *tunnel, struct host_kernel *kernel,
                     struct tunnel_defaults *defaults, struct host_error *err)
{
    bool was_there = tunnel->state == ITEM_THERE;
    drop_lost_device(kernel, tunnel);
    if (tunnel->fd < 0 && !attach(tunnel, kernel, defaults, err))
        return false;
    const struct inventory_link *link = inventory_find(&kernel->inventory, tunnel->link);
    if (link == NULL)
        return host_fail(err, ENODEV, "%s vanished", tunnel->plan.name);

    bool up = link->is.up;
    bool changed = tunnel_device_is_changed(tunnel, &link->is);
    bool put_back =
        tunnel->is_new || (was_there && ((tunnel->configured && changed) ||
                                         (tunnel->set_up == tunnel->plan.up && up != tunnel->plan.up)));
    if ((changed || !tunnel->configured) && !configure(tunnel, kernel, defaults->instance, err))
        return false;
    if (up != tunnel->plan.up && !set_up_or_down(kernel, tunnel, err))
        return false;
    if (!tunnel_device_set_use(tunnel, kernel, err))
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
static bool is_lost(struct host_kernel *kernel, const struct tunnel_device *tunnel)
{
    return tunnel->fd >= 0 && host_kernel_drain(kernel, NULL) &&
           inventory_find(&kernel->inventory, tunnel->link) == NULL;
}

void tunnel_device_keep(struct tunnel_device *tunnel, struct host_kernel *kernel,
                        struct tunnel_defaults *defaults)
{
    struct host_error reason;
    bool done = bring_up(tunnel, kernel, defaults, &reason);
    if (!done && is_lost(kernel, tunnel)) /* somebody removed it meanwhile: make another */
        done = bring_up(tunnel, kernel, defaults, &reason);
    tunnel->state = done ? ITEM_THERE : ITEM_FAILED;
    if (done)
        tunnel->failure = 0;
    else
        host_note_failure(kernel, &tunnel->failure, &reason);
}
