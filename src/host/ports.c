#include "host/ports.h"

#include <errno.h>
#include <stdio.h>
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

/* ---- What links had before --------------------------------------------------------------------------- */

/* The values of a link in struct host_before. */
enum before_value { BEFORE_LINK, BEFORE_SET_UP, BEFORE_OLD_MTU, BEFORE_OUR_MTU };

#define ITEM_PREFIX "port:"

static struct before_item item_of(const struct port_item *port)
{
    struct before_item item = {.value = {
                                   [BEFORE_LINK] = (uint32_t)port->link,
                                   [BEFORE_SET_UP] = port->set_up,
                                   [BEFORE_OLD_MTU] = port->old_mtu,
                                   [BEFORE_OUR_MTU] = port->plan.mtu,
                               }};
    _Static_assert(sizeof item.name >= sizeof ITEM_PREFIX + HOST_LINK_NAME_SIZE - 1,
                   "the name of a link fits");
    (void)snprintf(item.name, sizeof item.name, ITEM_PREFIX "%s", port->plan.name);
    return item;
}

/* The port as a musubid left it that ended without giving back what it had changed. */
static struct port_item port_of(const struct before_item *item)
{
    struct port_item port = {
        .link = (int)item->value[BEFORE_LINK],
        .set_up = item->value[BEFORE_SET_UP] != 0,
        .old_mtu = item->value[BEFORE_OLD_MTU],
        .plan = {.up = item->value[BEFORE_SET_UP] != 0, .mtu = item->value[BEFORE_OUR_MTU]},
    };
    (void)snprintf(port.plan.name, sizeof port.plan.name, "%s", item->name + strlen(ITEM_PREFIX));
    return port;
}

/* Gives a link back what it had, unless another program has changed that since. */
static void restore(struct host_kernel *kernel, const struct port_item *port)
{
    const struct inventory_link *link = inventory_find(&kernel->inventory, port->link);
    const struct before_item item = item_of(port);
    host_before_remove(&kernel->before, item.name);
    if (port->link == 0 || link == NULL)
        return;
    struct host_link_change change = {0};
    if (port->old_mtu != 0 && link->is.mtu == port->plan.mtu)
        change.mtu = port->old_mtu;
    if (port->set_up)
        change.set_up = true;
    struct host_error reason;
    if (!host_link_change(kernel->netlink, port->link, &change, &reason) && reason.number != ENODEV)
        host_note(kernel, HOST_NOTE_WARNING, "cannot restore %s: %s", port->plan.name, reason.text);
}

static struct port_item *find_port(const struct host_ports *ports, const char *name)
{
    for (size_t i = 0; i < ports->count; i++) {
        if (strcmp(ports->items[i].plan.name, name) == 0)
            return &ports->items[i];
    }
    return NULL;
}

void host_ports_recall(struct host_ports *ports, struct host_kernel *kernel)
{
    for (size_t i = kernel->before.count; i-- > 0;) {
        const struct before_item *item = &kernel->before.items[i];
        if (strncmp(item->name, ITEM_PREFIX, strlen(ITEM_PREFIX)) != 0)
            continue;
        const struct port_item left = port_of(item);
        const struct inventory_link *link = inventory_find(&kernel->inventory, left.link);
        struct port_item *port = find_port(ports, left.plan.name);
        bool same =
            port != NULL && port->link == 0 && link != NULL && strcmp(link->is.name, left.plan.name) == 0;
        if (!same || port->plan.up < left.plan.up || (port->plan.mtu == 0 && left.old_mtu != 0)) {
            restore(kernel, &left);
            continue;
        }
        port->set_up = left.set_up;
        port->old_mtu = left.old_mtu;
    }
}

/* ---- What they are to have --------------------------------------------------------------------------- */

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

/* `port` has what an earlier musubid changed, if there was one (host_ports_recall). */
static bool adjust(struct host_kernel *kernel, struct port_item *port, const struct host_link *link,
                   struct host_error *err)
{
    struct host_link_change change = {0};
    if (port->plan.mtu != link->mtu)
        change.mtu = port->plan.mtu;
    if (port->plan.up && !link->up)
        change.set_up = change.up = true;
    struct port_item changed = *port;
    if (port->link != 0) { /* the link is another one now */
        changed.set_up = false;
        changed.old_mtu = 0;
    }
    changed.link = link->index;
    changed.set_up |= change.set_up;
    if (change.mtu != 0 && changed.old_mtu == 0)
        changed.old_mtu = link->mtu;
    const struct before_item item = item_of(&changed);
    if (changed.set_up || changed.old_mtu != 0)
        host_before_put(&kernel->before, &item);
    struct host_error reason;
    if ((change.mtu != 0 || change.set_up) &&
        !host_link_change(kernel->netlink, link->index, &change, &reason))
        return host_fail_because(err, &reason, "cannot set up %s", link->name);
    *port = changed;
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
        else if (reason.number != ENODEV) /* else the link has gone, which Linux will report */
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
