#include "host/routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/mark.h"
#include "host/route_resolve.h"

struct route_item {
    struct plan_route plan;
    enum item_state state;
    int failure;
    struct host_route installed; /* ITEM_THERE: as we last saw it */
    struct host_route route;     /* this time: as it should be, if `ready` */
    bool ready;
    bool found; /* this time: it was there already */
};

/* ---- Orders ---------------------------------------------------------------------------------------- */

static int compare_u32(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

/* By what can be there only once in Linux: table, destination, metric. */
static int compare_keys(const struct host_route *a, const struct host_route *b)
{
    int order = ip_address_compare(&a->destination.address, &b->destination.address);
    if (order == 0)
        order = a->destination.length - b->destination.length;
    if (order == 0)
        order = compare_u32(a->table, b->table);
    return order != 0 ? order : compare_u32(a->metric, b->metric);
}

/* Then by the next hop. */
static int compare_hops(const struct host_route *a, const struct host_route *b)
{
    int order = compare_u32(a->kind, b->kind);
    if (order == 0)
        order = ip_address_compare(&a->gateway, &b->gateway);
    return order != 0 ? order : a->link - b->link;
}

static int compare_routes(const void *a, const void *b)
{
    const struct host_route *x = a, *y = b;
    int order = compare_keys(x, y);
    if (order == 0)
        order = compare_hops(x, y);
    return order != 0 ? order : ip_address_compare(&x->source, &y->source);
}

static int compare_ready(const void *a, const void *b)
{
    const struct route_item *const *x = a, *const *y = b;
    return compare_routes(&(*x)->route, &(*y)->route);
}

static int compare_destinations(const struct plan_route *a, const struct plan_route *b)
{
    int order = ip_address_compare(&a->destination.address, &b->destination.address);
    if (order == 0)
        order = a->destination.length - b->destination.length;
    return order != 0 ? order : compare_u32(a->table, b->table);
}

static int compare_items(const void *a, const void *b)
{
    const struct plan_route *x = &((const struct route_item *)a)->plan;
    const struct plan_route *y = &((const struct route_item *)b)->plan;
    int order = compare_destinations(x, y);
    if (order == 0)
        order = compare_u32(x->metric, y->metric);
    if (order == 0)
        order = compare_u32(x->kind, y->kind);
    if (order == 0)
        order = ip_address_compare(&x->gateway, &y->gateway);
    if (order == 0)
        order = strcmp(x->link, y->link);
    return order != 0 ? order : strcmp(x->source_link, y->source_link);
}

static int compare_wanted(const void *key, const void *item)
{
    return compare_destinations(key, &((const struct route_item *)item)->plan);
}

/* ---- The plan -------------------------------------------------------------------------------------- */

bool host_routes_want(const struct host_routes *routes, const struct ip_prefix *destination, uint32_t table)
{
    struct plan_route key = {.destination = *destination, .table = table};
    return routes->count > 0 &&
           bsearch(&key, routes->items, routes->count, sizeof *routes->items, compare_wanted) != NULL;
}

void host_routes_expect_loss(struct host_routes *routes, int link)
{
    for (size_t i = 0; i < routes->count; i++) {
        struct route_item *item = &routes->items[i];
        if (item->state == ITEM_THERE && item->installed.link == link)
            item->state = ITEM_NEW;
    }
}

/* What is known of a route of the plan; NULL if it is new. */
static const struct route_item *find(const struct host_routes *routes, const struct route_item *key)
{
    if (routes->count == 0)
        return NULL;
    return bsearch(key, routes->items, routes->count, sizeof *routes->items, compare_items);
}

bool host_routes_plan(struct host_routes *routes, const struct host_plan *plan, struct host_error *err)
{
    struct route_item *items = calloc(plan->route_count + 1, sizeof *items);
    if (items == NULL)
        return host_fail(err, ENOMEM, "cannot plan the routes");
    for (size_t i = 0; i < plan->route_count; i++)
        items[i].plan = plan->routes[i];
    qsort(items, plan->route_count, sizeof *items, compare_items);

    size_t count = 0;
    for (size_t i = 0; i < plan->route_count; i++) {
        if (count > 0 && compare_items(&items[count - 1], &items[i]) == 0)
            continue;
        const struct route_item *old = find(routes, &items[i]);
        items[count++] = old != NULL ? *old : items[i];
    }
    host_routes_free(routes);
    routes->items = items;
    routes->count = count;
    return true;
}

void host_routes_free(struct host_routes *routes)
{
    free(routes->items);
    *routes = (struct host_routes){0};
}

static void set_state(struct host_kernel *kernel, struct route_item *item, enum item_state state,
                      const struct host_error *reason)
{
    item->state = state;
    if (reason != NULL)
        host_note_failure(kernel, &item->failure, reason);
    if (state == ITEM_THERE) {
        item->failure = 0;
        item->installed = item->route;
    }
}

/* Finds out what the route is now. */
static void make_ready(struct host_kernel *kernel, const struct route_surroundings *around,
                       struct route_item *item)
{
    struct host_error reason;
    item->found = false;
    enum route_resolved resolved = host_route_resolve(&item->plan, kernel, around, &item->route, &reason);
    item->ready = resolved == ROUTE_RESOLVED;
    if (resolved == ROUTE_WAITS)
        set_state(kernel, item, ITEM_WAITING, NULL);
    if (resolved == ROUTE_UNUSABLE)
        set_state(kernel, item, ITEM_FAILED, &reason);
}

/* ---- What is there --------------------------------------------------------------------------------- */

struct route_list {
    struct host_route *routes;
    size_t count, room;
};

static bool collect(void *context, const struct host_route *route)
{
    struct route_list *list = context;
    if (list->count == list->room) {
        size_t more = list->room == 0 ? 64 : 2 * list->room;
        struct host_route *grown = reallocarray(list->routes, more, sizeof *grown);
        if (grown == NULL)
            return false;
        list->routes = grown;
        list->room = more;
    }
    list->routes[list->count++] = *route;
    return true;
}

/* Our routes, sorted; the caller frees `list->routes`. */
static bool list_ours(const struct host_kernel *kernel, struct route_list *list, struct host_error *err)
{
    struct host_route_filter filter = {.family = IP_V4, .protocol = HOST_PROTOCOL};
    if (!host_route_list(kernel->netlink, &filter, collect, list, err))
        return false;
    filter.family = IP_V6;
    if (!host_route_list(kernel->netlink, &filter, collect, list, err))
        return false;
    if (list->count > 0)
        qsort(list->routes, list->count, sizeof *list->routes, compare_routes);
    return true;
}

/* ---- Making it agree ------------------------------------------------------------------------------- */

/* One destination, table and metric: what is wanted, and what is there of ours. */
struct route_group {
    struct route_item **wanted;
    size_t wanted_count;
    struct host_route *there;
    size_t there_count;
};

/* Marks the wanted ones that are there, moves the others of `there` to its front; returns their number. */
static size_t match_group(struct host_kernel *kernel, struct route_group *group)
{
    size_t surplus = 0;
    for (size_t i = 0; i < group->there_count; i++) {
        bool wanted = false;
        for (size_t k = 0; k < group->wanted_count; k++) {
            struct route_item *item = group->wanted[k];
            if (compare_routes(&item->route, &group->there[i]) != 0)
                continue;
            item->found = wanted = true;
            set_state(kernel, item, ITEM_THERE, NULL);
        }
        if (!wanted)
            group->there[surplus++] = group->there[i];
    }
    return surplus;
}

/* To IPv6 two routes that have the same next hop and different sources are the same route: the new one takes
 * the place of the old one, which then is not among the first `*surplus` of `there` any more. */
static enum host_route_how how_to_add(struct route_group *group, size_t *surplus, bool any,
                                      const struct host_route *route)
{
    for (size_t i = 0; i < *surplus && route->destination.address.family == IP_V6; i++) {
        if (compare_hops(&group->there[i], route) == 0) {
            group->there[i] = group->there[--*surplus];
            return HOST_ROUTE_INSTEAD;
        }
    }
    return any ? HOST_ROUTE_BESIDE : HOST_ROUTE_ALONE;
}

static bool add(struct host_kernel *kernel, struct route_item *item, enum host_route_how how)
{
    struct host_error reason;
    char text[HOST_ROUTE_TEXT_SIZE], what[HOST_ROUTE_TEXT_SIZE + 8];
    host_route_format(&item->route, text);
    if (host_route_add(kernel->netlink, &item->route, how, &reason)) {
        (void)snprintf(what, sizeof what, "route %s", text);
        if (item->state == ITEM_THERE && compare_routes(&item->installed, &item->route) == 0)
            host_note_put_back(kernel, what);
        set_state(kernel, item, ITEM_THERE, NULL);
        return true;
    }
    if (reason.number == EEXIST) {
        (void)host_fail(&reason, 0, "route %s: another program's stands there and is left alone", text);
        reason.number = EEXIST;
        set_state(kernel, item, ITEM_FOREIGN, &reason);
        return false;
    }
    if (reason.number == ENODEV || reason.number == ENETDOWN) { /* its link, which Linux will report */
        set_state(kernel, item, ITEM_WAITING, NULL);
        return false;
    }
    (void)host_fail_because(&reason, &reason, "cannot add route %s", text);
    set_state(kernel, item, ITEM_FAILED, &reason);
    return false;
}

/* Adds before it removes: no packet falls through to a wider route in between. */
static void settle_group(struct host_kernel *kernel, struct route_group *group)
{
    size_t surplus = match_group(kernel, group);
    bool any = group->there_count > 0;
    for (size_t i = 0; i < group->wanted_count; i++) {
        struct route_item *item = group->wanted[i];
        if (item->found || (i > 0 && compare_ready(&group->wanted[i - 1], &group->wanted[i]) == 0))
            continue;
        enum host_route_how how = how_to_add(group, &surplus, any, &item->route);
        bool added = add(kernel, item, how);
        any = any || added;
        if (added && how == HOST_ROUTE_INSTEAD) /* others of the group may have gone too: look again */
            kernel->dirty = kernel->dirty || group->wanted_count > 1;
    }
    for (size_t i = 0; i < surplus; i++) {
        struct host_error reason;
        if (!host_route_remove(kernel->netlink, &group->there[i], &reason))
            host_note(kernel, HOST_NOTE_WARNING, "%s", reason.text);
    }
}

/* Walks both sorted lists, group by group. */
static void settle_groups(struct host_kernel *kernel, struct route_item **wanted, size_t wanted_count,
                          struct route_list *there)
{
    size_t w = 0, t = 0;
    while (w < wanted_count || t < there->count) {
        struct route_group group = {.wanted = wanted + w, .there = there->routes + t};
        bool wanted_first =
            t == there->count || (w < wanted_count && compare_keys(&wanted[w]->route, &there->routes[t]) < 0);
        const struct host_route first = wanted_first ? wanted[w]->route : there->routes[t];
        while (w < wanted_count && compare_keys(&wanted[w]->route, &first) == 0)
            w++, group.wanted_count++;
        while (t < there->count && compare_keys(&there->routes[t], &first) == 0)
            t++, group.there_count++;
        settle_group(kernel, &group);
    }
}

bool host_routes_reconcile(struct host_routes *routes, struct host_kernel *kernel,
                           const struct route_surroundings *around, struct host_error *err)
{
    struct route_list there = {0};
    struct route_item **wanted = calloc(routes->count + 1, sizeof(struct route_item *));
    bool done = false;
    if (wanted == NULL) {
        (void)host_fail(err, ENOMEM, "cannot compare the routes");
        goto out;
    }
    size_t count = 0;
    for (size_t i = 0; i < routes->count; i++) {
        make_ready(kernel, around, &routes->items[i]);
        if (routes->items[i].ready)
            wanted[count++] = &routes->items[i];
    }
    qsort(wanted, count, sizeof(struct route_item *), compare_ready);
    if (!list_ours(kernel, &there, err))
        goto out;
    settle_groups(kernel, wanted, count, &there);
    done = host_kernel_drain(kernel, err);
out:
    free(wanted);
    free(there.routes);
    return done;
}

void host_routes_remove_all(struct host_routes *routes, struct host_kernel *kernel)
{
    struct route_list there = {0};
    struct host_error reason;
    host_routes_free(routes);
    if (!list_ours(kernel, &there, &reason))
        host_note(kernel, HOST_NOTE_WARNING, "%s", reason.text);
    for (size_t i = 0; i < there.count; i++) {
        if (!host_route_remove(kernel->netlink, &there.routes[i], &reason))
            host_note(kernel, HOST_NOTE_WARNING, "%s", reason.text);
    }
    free(there.routes);
}
