/*
 * What the plan changes of links that are not ours, and forwarding: with the old value kept, to be restored.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/reconcile.h"
#include "host/sysctl.h"

static int compare_ports(const void *a, const void *b)
{
    const struct port_item *x = a, *y = b;
    return strcmp(x->plan.name, y->plan.name);
}

/* Gives a link back what it had, unless another program has changed that since. */
static void restore(struct host *host, const struct port_item *port)
{
    const struct inventory_link *link = inventory_find(&host->inventory, port->link);
    if (port->link == 0 || link == NULL)
        return;
    struct host_link_change change = {0};
    if (port->old_mtu != 0 && link->is.mtu == port->plan.mtu)
        change.mtu = port->old_mtu;
    if (port->set_up)
        change.set_up = true;
    struct host_error reason;
    if (!host_link_change(host->netlink, port->link, &change, &reason))
        host_note(host, HOST_NOTE_WARNING, "cannot restore %s: %s", port->plan.name, reason.text);
}

bool ports_plan(struct host *host, const struct host_plan *plan, struct host_error *err)
{
    struct port_item *items = calloc(plan->port_count + 1, sizeof *items);
    if (items == NULL)
        return host_fail(err, ENOMEM, "cannot plan the ports");
    for (size_t i = 0; i < plan->port_count; i++)
        items[i].plan = plan->ports[i];
    qsort(items, plan->port_count, sizeof *items, compare_ports);

    size_t count = 0;
    for (size_t i = 0; i < plan->port_count; i++) {
        if (count == 0 || compare_ports(&items[count - 1], &items[i]) != 0)
            items[count++] = items[i];
    }
    for (size_t i = 0; i < host->port_count; i++) {
        const struct port_item *old = &host->ports[i];
        struct port_item *same = bsearch(old, items, count, sizeof *items, compare_ports);
        bool kept = same != NULL && same->plan.up == old->plan.up && same->plan.mtu == old->plan.mtu;
        if (kept)
            *same = *old;
        else
            restore(host, old);
    }
    free(host->ports);
    host->ports = items;
    host->port_count = count;
    return host_drain(host, err);
}

static bool adjust(struct host *host, struct port_item *port, const struct host_link *link,
                   struct host_error *err)
{
    struct host_link_change change = {0};
    if (port->plan.mtu != link->mtu)
        change.mtu = port->plan.mtu;
    if (port->plan.up && !link->up)
        change.set_up = change.up = true;
    struct host_error reason;
    if ((change.mtu != 0 || change.set_up) && !host_link_change(host->netlink, link->index, &change, &reason))
        return host_fail_because(err, &reason, "cannot set up %s", link->name);
    port->link = link->index;
    port->set_up = change.set_up;
    port->old_mtu = change.mtu != 0 ? link->mtu : 0;
    return true;
}

bool ports_reconcile(struct host *host, struct host_error *err)
{
    for (size_t i = 0; i < host->port_count; i++) {
        struct port_item *port = &host->ports[i];
        const struct inventory_link *link = inventory_find_name(&host->inventory, port->plan.name);
        struct host_error reason;
        if (link == NULL || port->link == link->is.index)
            continue;
        if (adjust(host, port, &link->is, &reason))
            port->failure = 0;
        else
            host_note_failure(host, &port->failure, &reason);
    }
    return host_drain(host, err);
}

void ports_restore_all(struct host *host)
{
    for (size_t i = 0; i < host->port_count; i++)
        restore(host, &host->ports[i]);
    free(host->ports);
    host->ports = NULL;
    host->port_count = 0;
}

static bool set_forwarding(struct host *host, enum ip_family family, struct forwarding *forwarding,
                           struct host_error *err)
{
    bool now;
    if (!forwarding->wanted && !forwarding->changed)
        return true;
    if (!host_sysctl_read_forwarding(family, &now, err))
        return false;
    bool target = forwarding->wanted || forwarding->old;
    if (now == target)
        return true;
    if (!host_sysctl_set_forwarding(family, target, err))
        return false;
    if (forwarding->wanted && forwarding->changed)
        host_note_put_back(host, family == IP_V4 ? "IPv4 forwarding" : "IPv6 forwarding");
    else if (forwarding->wanted)
        forwarding->old = now;
    forwarding->changed = forwarding->wanted;
    return true;
}

static void reconcile_forwarding(struct host *host, enum ip_family family, struct forwarding *forwarding)
{
    struct host_error reason;
    if (set_forwarding(host, family, forwarding, &reason))
        forwarding->failure = 0;
    else
        host_note_failure(host, &forwarding->failure, &reason);
}

void forwarding_reconcile(struct host *host)
{
    reconcile_forwarding(host, IP_V4, &host->forward_v4);
    reconcile_forwarding(host, IP_V6, &host->forward_v6);
}

void forwarding_restore(struct host *host)
{
    host->forward_v4.wanted = host->forward_v6.wanted = false;
    forwarding_reconcile(host);
}
