#include "host/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct port_item {
    struct plan_port plan;
    int link;         /* index of the link that was looked after; 0: none yet */
    bool set_up;      /* by us */
    uint32_t old_mtu; /* 0: not changed by us */
    int failure;
};

static int compare_ports(const void *a, const void *b)
{
    const struct port_item *x = a, *y = b;
    return strcmp(x->plan.name, y->plan.name);
}

/* Gives a link back what it had, unless another program has changed that since. */
static void restore(const struct host_kernel *kernel, const struct port_item *port)
{
    const struct inventory_link *link = inventory_find(&kernel->inventory, port->link);
    if (port->link == 0 || link == NULL)
        return;
    struct host_link_change change = {0};
    if (port->old_mtu != 0 && link->is.mtu == port->plan.mtu)
        change.mtu = port->old_mtu;
    if (port->set_up)
        change.set_up = true;
    struct host_error reason;
    if (!host_link_change(kernel->netlink, port->link, &change, &reason))
        host_note(kernel, HOST_NOTE_WARNING, "cannot restore %s: %s", port->plan.name, reason.text);
}

bool host_ports_plan(struct host_ports *ports, struct host_kernel *kernel, const struct host_plan *plan,
                     struct host_error *err)
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
    for (size_t i = 0; i < ports->count; i++) {
        const struct port_item *old = &ports->items[i];
        struct port_item *same = bsearch(old, items, count, sizeof *items, compare_ports);
        bool kept = same != NULL && same->plan.up == old->plan.up && same->plan.mtu == old->plan.mtu;
        if (kept)
            *same = *old;
        else
            restore(kernel, old);
    }
    free(ports->items);
    ports->items = items;
    ports->count = count;
    return host_kernel_drain(kernel, err);
}

static bool adjust(const struct host_kernel *kernel, struct port_item *port, const struct host_link *link,
                   struct host_error *err)
{
    struct host_link_change change = {0};
    if (port->plan.mtu != link->mtu)
        change.mtu = port->plan.mtu;
    if (port->plan.up && !link->up)
        change.set_up = change.up = true;
    struct host_error reason;
    if ((change.mtu != 0 || change.set_up) &&
        !host_link_change(kernel->netlink, link->index, &change, &reason))
        return host_fail_because(err, &reason, "cannot set up %s", link->name);
    port->link = link->index;
    port->set_up = change.set_up;
    port->old_mtu = change.mtu != 0 ? link->mtu : 0;
    return true;
}

bool host_ports_reconcile(struct host_ports *ports, struct host_kernel *kernel, struct host_error *err)
{
    for (size_t i = 0; i < ports->count; i++) {
        struct port_item *port = &ports->items[i];
        const struct inventory_link *link = inventory_find_name(&kernel->inventory, port->plan.name);
        struct host_error reason;
        if (link == NULL || port->link == link->is.index)
            continue;
        if (adjust(kernel, port, &link->is, &reason))
            port->failure = 0;
        else
            host_note_failure(kernel, &port->failure, &reason);
    }
    return host_kernel_drain(kernel, err);
}

void host_ports_restore_all(struct host_ports *ports, struct host_kernel *kernel)
{
    for (size_t i = 0; i < ports->count; i++)
        restore(kernel, &ports->items[i]);
    host_ports_free(ports);
}

void host_ports_free(struct host_ports *ports)
{
    free(ports->items);
    *ports = (struct host_ports){0};
}
