#include "host/addresses.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/mark.h"
#include "host/sysctl.h"

struct address_item {
    struct plan_address plan;
    enum item_state state;
    int failure;
};

static int compare_plans(const struct plan_address *a, const struct plan_address *b)
{
    int order = strcmp(a->link, b->link);
    if (order == 0)
        order = ip_address_compare(&a->prefix.address, &b->prefix.address);
    return order != 0 ? order : a->prefix.length - b->prefix.length;
}

static int compare_addresses(const void *a, const void *b)
{
    const struct address_item *x = a, *y = b;
    return compare_plans(&x->plan, &y->plan);
}

static struct address_item *find(const struct host_addresses *addresses, const struct plan_address *plan)
{
    struct address_item key = {.plan = *plan};
    if (addresses->count == 0)
        return NULL;
    return bsearch(&key, addresses->items, addresses->count, sizeof key, compare_addresses);
}

/* The plan that an address of a link would fulfil. */
static struct plan_address plan_of(const struct host_link *link, const struct host_ifaddr *address)
{
    struct plan_address plan = {.prefix = address->prefix};
    memcpy(plan.link, link->name, sizeof plan.link);
    return plan;
}

bool host_addresses_plan(struct host_addresses *addresses, const struct host_plan *plan,
                         struct host_error *err)
{
    struct address_item *items = calloc(plan->address_count + 1, sizeof *items);
    if (items == NULL)
        return host_fail(err, ENOMEM, "cannot plan the addresses");
    for (size_t i = 0; i < plan->address_count; i++)
        items[i].plan = plan->addresses[i];
    qsort(items, plan->address_count, sizeof *items, compare_addresses);

    size_t count = 0;
    for (size_t i = 0; i < plan->address_count; i++) {
        if (count > 0 && compare_addresses(&items[count - 1], &items[i]) == 0)
            continue;
        const struct address_item *old = find(addresses, &items[i].plan);
        items[count++] = old != NULL ? *old : items[i];
    }
    free(addresses->items);
    addresses->items = items;
    addresses->count = count;
    return true;
}

/* True if removing `gone` would take other addresses of the link with it: it is the primary one of its IPv4
 * network and there are secondary ones. */
static bool has_secondaries(const struct inventory_link *link, const struct host_ifaddr *gone)
{
    if (gone->prefix.address.family != IP_V4 || (gone->flags & IFA_F_SECONDARY))
        return false;
    for (const struct inventory_address *a = link->addresses; a != NULL; a = a->next_on_link) {
        if ((a->is.flags & IFA_F_SECONDARY) && a->is.prefix.length == gone->prefix.length &&
            ip_prefix_contains(&gone->prefix, &a->is.prefix.address))
            return true;
    }
    return false;
}

/* Removes an address and no other: Linux drops the secondary ones too unless told to promote one. */
static bool remove_address(const struct host_kernel *kernel, const struct inventory_link *link,
                           const struct host_ifaddr *address, struct host_error *err)
{
    static const char setting[] = "promote_secondaries";
    int promote = 1;
    bool change = has_secondaries(link, address) &&
                  host_sysctl_read_link(IP_V4, link->is.name, setting, &promote, NULL) && promote == 0;
    if (change && !host_sysctl_write_link(IP_V4, link->is.name, setting, 1, err))
        return false;
    bool removed = host_ifaddr_remove(kernel->netlink, link->is.index, &address->prefix, err);
    if (change)
        (void)host_sysctl_write_link(IP_V4, link->is.name, setting, 0, NULL);
    return removed;
}

/* Removes what carries our mark and is not planned. */
static void remove_unwanted(const struct host_addresses *addresses, const struct host_kernel *kernel,
                            struct host_routes *routes, const struct inventory_link *link)
{
    for (const struct inventory_address *a = link->addresses; a != NULL; a = a->next_on_link) {
        struct plan_address plan = plan_of(&link->is, &a->is);
        if (a->is.protocol != HOST_PROTOCOL || find(addresses, &plan) != NULL)
            continue;
        struct host_error reason;
        host_routes_expect_loss(routes, link->is.index);
        if (!remove_address(kernel, link, &a->is, &reason))
            host_note(kernel, HOST_NOTE_WARNING, "%s", reason.text);
    }
}

static bool remove_all_unwanted(const struct host_addresses *addresses, struct host_kernel *kernel,
                                struct host_routes *routes, struct host_error *err)
{
    for (size_t i = 0; i < kernel->inventory.links.capacity; i++) {
        const struct inventory_link *link = kernel->inventory.links.slots[i].value;
        if (link != NULL)
            remove_unwanted(addresses, kernel, routes, link);
    }
    return host_kernel_drain(kernel, err);
}

static void add(struct host_kernel *kernel, struct address_item *item, const struct host_link *link)
{
    struct host_error reason;
    char text[IP_TEXT_SIZE], what[HOST_ERROR_SIZE];
    ip_prefix_format(&item->plan.prefix, text);
    (void)snprintf(what, sizeof what, "address %s of %s", text, link->name);
    if (host_ifaddr_add(kernel->netlink, link->index, &item->plan.prefix, &reason)) {
        if (item->state == ITEM_THERE)
            host_note_put_back(kernel, what);
        item->state = ITEM_THERE;
        item->failure = 0;
        return;
    }
    if (reason.number == EEXIST) {
        item->state = ITEM_FOREIGN;
        return;
    }
    if (reason.number == ENODEV) { /* the link has gone, which Linux will report */
        item->state = ITEM_WAITING;
        return;
    }
    (void)host_fail_because(&reason, &reason, "cannot add address %s to %s", text, link->name);
    host_note_failure(kernel, &item->failure, &reason);
    item->state = ITEM_FAILED;
}

static void settle(struct host_kernel *kernel, struct address_item *item)
{
    const struct inventory_link *link = inventory_find_name(&kernel->inventory, item->plan.link);
    if (link == NULL) {
        item->state = ITEM_WAITING;
        return;
    }
    const struct host_ifaddr *there =
        inventory_find_address(&kernel->inventory, link->is.index, &item->plan.prefix);
    if (there == NULL)
        add(kernel, item, &link->is);
    else
        item->state = there->protocol == HOST_PROTOCOL ? ITEM_THERE : ITEM_FOREIGN;
}

void host_addresses_expect_loss(struct host_addresses *addresses, const char *link, enum ip_family family)
{
    for (size_t i = 0; i < addresses->count; i++) {
        struct address_item *item = &addresses->items[i];
        bool concerned = family == IP_NONE || item->plan.prefix.address.family == family;
        if (concerned && item->state == ITEM_THERE && strcmp(item->plan.link, link) == 0)
            item->state = ITEM_WAITING;
    }
}

bool host_addresses_reconcile(struct host_addresses *addresses, struct host_kernel *kernel,
                              struct host_routes *routes, struct host_error *err)
{
    if (!remove_all_unwanted(addresses, kernel, routes, err))
        return false;
    for (size_t i = 0; i < addresses->count; i++)
        settle(kernel, &addresses->items[i]);
    return host_kernel_drain(kernel, err);
}

void host_addresses_remove_all(struct host_addresses *addresses, struct host_kernel *kernel,
                               struct host_routes *routes)
{
    struct host_error reason;
    host_addresses_free(addresses);
    if (!remove_all_unwanted(addresses, kernel, routes, &reason))
        host_note(kernel, HOST_NOTE_WARNING, "%s", reason.text);
}

void host_addresses_free(struct host_addresses *addresses)
{
    free(addresses->items);
    *addresses = (struct host_addresses){0};
}

const struct host_ifaddr *host_addresses_primary(const struct host_addresses *addresses,
                                                 const struct inventory_link *link, enum ip_family family)
{
    for (const struct inventory_address *at = link->addresses; at != NULL; at = at->next_on_link) {
        const struct plan_address plan = plan_of(&link->is, &at->is);
        if (at->is.prefix.address.family == family && host_ifaddr_is_usable(&at->is) &&
            find(addresses, &plan) != NULL)
            return &at->is;
    }
    return inventory_primary(link, family);
}
