#include "host/link_removal.h"

#include <errno.h>

#include "host/mark.h"

/* Moves our links that `keep` is false of to the group of those to be removed; counts them. */
static bool mark_for_removal(struct host_kernel *kernel, host_link_keep *keep, const void *context,
                             size_t *marked, struct host_error *err)
{
    const struct host_link_change change = {.group = HOST_LINK_REMOVAL_GROUP};
    *marked = 0;
    for (size_t i = 0; i < kernel->inventory.links.capacity; i++) {
        const struct inventory_link *link = kernel->inventory.links.slots[i].value;
        struct host_error reason;
        if (link == NULL || !link->is.ours || keep(context, &link->is))
            continue;
        if (!host_link_change(kernel->netlink, link->is.index, &change, &reason) && reason.number != ENODEV)
            return host_fail_because(err, &reason, "cannot remove %s", link->is.name);
        (*marked)++;
    }
    return true;
}

/* True if another program has put a link of its own into that group. */
static bool group_is_shared(const struct host_kernel *kernel)
{
    for (size_t i = 0; i < kernel->inventory.links.capacity; i++) {
        const struct inventory_link *link = kernel->inventory.links.slots[i].value;
        if (link != NULL && link->is.group == HOST_LINK_REMOVAL_GROUP && !link->is.ours)
            return true;
    }
    return false;
}

static bool remove_one_by_one(struct host_kernel *kernel, host_link_keep *keep, const void *context,
                              struct host_error *err)
{
    for (size_t i = 0; i < kernel->inventory.links.capacity; i++) {
        const struct inventory_link *link = kernel->inventory.links.slots[i].value;
        if (link != NULL && link->is.ours && !keep(context, &link->is) &&
            !host_link_remove(kernel->netlink, link->is.index, err))
            return false;
    }
    return true;
}

bool host_links_remove(struct host_kernel *kernel, host_link_keep *keep, const void *context,
                       struct host_error *err)
{
    size_t marked;
    if (!mark_for_removal(kernel, keep, context, &marked, err))
        return false;
    if (marked == 0)
        return true;
    if (!host_kernel_drain(kernel, err))
        return false;
    bool removed = group_is_shared(kernel)
                       ? remove_one_by_one(kernel, keep, context, err)
                       : host_link_remove_group(kernel->netlink, HOST_LINK_REMOVAL_GROUP, err);
    return removed && host_kernel_drain(kernel, err);
}

bool host_links_any(const struct host_kernel *kernel)
{
    for (size_t i = 0; i < kernel->inventory.links.capacity; i++) {
        const struct inventory_link *link = kernel->inventory.links.slots[i].value;
        if (link != NULL && link->is.ours)
            return true;
    }
    return false;
}
