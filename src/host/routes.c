/*
 * The routes of the plan and of the ways out. Another program's route with the same destination and metric is
 * never touched: ours waits until it is gone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/mark.h"
#include "host/reconcile.h"

enum {
    WAY_METRIC = 1,
    WAY_UNREACHABLE_METRIC = 0xffff, /* holds when the way itself is gone with its link */
};

static int compare_u32(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

/* By what Linux lets stand once: table, destination, metric. */
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

bool routes_want(const struct host *host, const struct ip_prefix *destination, uint32_t table)
{
    struct plan_route key = {.destination = *destination, .table = table};
    return host->route_count > 0 &&
           bsearch(&key, host->routes, host->route_count, sizeof *host->routes, compare_wanted) != NULL;
}

void routes_expect_loss(struct host *host, int link)
{
    for (size_t i = 0; i < host->route_count; i++) {
        struct route_item *item = &host->routes[i];
        if (item->state == ITEM_THERE && item->installed.link == link)
            item->state = ITEM_NEW;
    }
}

/* The two routes of the table of a way out. */
static void plan_way(const struct way *way, struct route_item items[2])
{
    struct ip_prefix everywhere = {.address = {.family = way->family}};
    uint32_t table = HOST_PIN_BASE + way->number;
    items[0].plan = (struct plan_route){
        .destination = everywhere,
        .gateway = way->next_hop,
        .metric = WAY_METRIC,
        .table = table,
        .onlink = way->next_hop.family != IP_NONE,
    };
    memcpy(items[0].plan.link, way->link, sizeof way->link);
    items[1].plan = (struct plan_route){
        .destination = everywhere,
        .kind = HOST_ROUTE_UNREACHABLE,
        .metric = WAY_UNREACHABLE_METRIC,
        .table = table,
    };
}

bool routes_plan(struct host *host, struct host_error *err)
{
    size_t planned = host->plan.route_count, all = planned + 2 * host->way_count;
    struct route_item *items = calloc(all + 1, sizeof *items);
    if (items == NULL)
        return host_fail(err, ENOMEM, "cannot plan the routes");
    for (size_t i = 0; i < planned; i++)
        items[i].plan = host->plan.routes[i];
    for (size_t i = 0; i < host->way_count; i++)
        plan_way(&host->ways[i], &items[planned + 2 * i]);
    qsort(items, all, sizeof *items, compare_items);

    size_t count = 0;
    for (size_t i = 0; i < all; i++) {
        if (count > 0 && compare_items(&items[count - 1], &items[i]) == 0)
            continue;
        const struct route_item *old =
            host->route_count == 0
                ? NULL
                : bsearch(&items[i], host->routes, host->route_count, sizeof *items, compare_items);
        items[count++] = old != NULL ? *old : items[i];
    }
    free(host->routes);
    host->routes = items;
    host->route_count = count;
    return true;
}

static void set_state(struct host *host, struct route_item *item, enum item_state state,
                      const struct host_error *reason)
{
    item->state = state;
    if (reason != NULL)
        host_note_failure(host, &item->failure, reason);
    if (state == ITEM_THERE) {
        item->failure = 0;
        item->installed = item->route;
    }
}

static bool is_on_network_of(const struct inventory_link *link, const struct ip_address *gateway)
{
    for (const struct inventory_address *a = link->addresses; a != NULL; a = a->next_on_link) {
        if (ip_prefix_contains(&a->is.prefix, gateway))
            return true;
    }
    return false;
}

/* True if the gateway may be behind the link. Behind a Tunnel only if an address of it says so: else a
 * default route through a Tunnel would take the way to its own peer when that way is down. */
static bool may_be_behind(const struct host *host, int link, const struct ip_address *gateway)
{
    const struct inventory_link *known = inventory_find(&host->inventory, link);
    return known == NULL || !known->is.ours || is_on_network_of(known, gateway);
}

/* The Tunnel that has the gateway on its network; 0: none. While a Tunnel has no carrier, a lookup passes it
 * over (S20), and so it will the route. */
static int tunnel_before(const struct host *host, const struct ip_address *gateway)
{
    for (size_t i = 0; i < host->tunnel_count; i++) {
        const struct inventory_link *link = inventory_find(&host->inventory, host->tunnels[i].link);
        if (link != NULL && is_on_network_of(link, gateway))
            return link->is.index;
    }
    return 0;
}

/* Finds the link by which the gateway of a route without one is reached. */
static bool find_link(struct host *host, struct route_item *item, struct host_error *err)
{
    const struct ip_address *gateway = &item->plan.gateway;
    const struct host_route_question question = {.destination = *gateway};
    struct host_route_answer answer;
    struct host_error reason;
    bool answered = host_route_lookup(host->netlink, &question, &answer, &reason);
    bool beside = answered && answer.kind == HOST_ROUTE_UNICAST && answer.gateway.family == IP_NONE &&
                  may_be_behind(host, answer.link, gateway);
    item->route.link = beside ? answer.link : tunnel_before(host, gateway);
    char text[IP_TEXT_SIZE];
    if (item->route.link != 0)
        return true;
    if (!answered)
        return host_fail_because(err, &reason, "next hop");
    return host_fail(err, ENETUNREACH, "next hop %s is not on a network of this host",
                     ip_address_format(gateway, text));
}

/* Fills in what the route is now: links have indices, a source link has an address. */
static void make_ready(struct host *host, struct route_item *item)
{
    const struct plan_route *plan = &item->plan;
    item->ready = item->found = false;
    item->route = (struct host_route){
        .destination = plan->destination,
        .kind = plan->kind,
        .gateway = plan->gateway,
        .metric = plan->metric,
        .table = plan->table,
        .onlink = plan->onlink,
    };
    if (plan->kind == HOST_ROUTE_UNICAST && plan->link[0] != '\0') {
        const struct inventory_link *link = inventory_find_name(&host->inventory, plan->link);
        if (link == NULL || !link->is.up) {
            set_state(host, item, ITEM_WAITING, NULL);
            return;
        }
        item->route.link = link->is.index;
    } else if (plan->kind == HOST_ROUTE_UNICAST) {
        struct host_error reason;
        char text[HOST_ROUTE_TEXT_SIZE];
        if (!find_link(host, item, &reason)) {
            (void)host_fail_because(&reason, &reason, "route %s cannot be used",
                                    host_route_format(&item->route, text));
            set_state(host, item, ITEM_FAILED, &reason);
            return;
        }
    }
    const struct inventory_link *source_link =
        plan->source_link[0] != '\0' ? inventory_find_name(&host->inventory, plan->source_link) : NULL;
    const struct host_ifaddr *source =
        source_link != NULL ? host_primary_address(host, source_link, plan->destination.address.family)
                            : NULL;
    if (source != NULL)
        item->route.source = source->prefix.address;
    item->ready = true;
}

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
static bool list_ours(struct host *host, struct route_list *list, struct host_error *err)
{
    struct host_route_filter filter = {.family = IP_V4, .protocol = HOST_PROTOCOL};
    if (!host_route_list(host->netlink, &filter, collect, list, err))
        return false;
    filter.family = IP_V6;
    if (!host_route_list(host->netlink, &filter, collect, list, err))
        return false;
    if (list->count > 0)
        qsort(list->routes, list->count, sizeof *list->routes, compare_routes);
    return true;
}

/* One destination, table and metric: what is wanted, and what is there of ours. */
struct route_group {
    struct route_item **wanted;
    size_t wanted_count;
    struct host_route *there;
    size_t there_count;
};

/* Marks the wanted ones that are there, moves the others of `there` to its front; returns their number. */
static size_t match_group(struct host *host, struct route_group *group)
{
    size_t surplus = 0;
    for (size_t i = 0; i < group->there_count; i++) {
        bool wanted = false;
        for (size_t k = 0; k < group->wanted_count; k++) {
            struct route_item *item = group->wanted[k];
            if (compare_routes(&item->route, &group->there[i]) != 0)
                continue;
            item->found = wanted = true;
            set_state(host, item, ITEM_THERE, NULL);
        }
        if (!wanted)
            group->there[surplus++] = group->there[i];
    }
    return surplus;
}

/* IPv6 takes two routes with the same next hop but other sources for one and the same: the new one takes the
 * place of the old, which is thereby no more among the first `*surplus` of `there`. */
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

static bool add(struct host *host, struct route_item *item, enum host_route_how how)
{
    struct host_error reason;
    char text[HOST_ROUTE_TEXT_SIZE], what[HOST_ROUTE_TEXT_SIZE + 8];
    host_route_format(&item->route, text);
    if (host_route_add(host->netlink, &item->route, how, &reason)) {
        (void)snprintf(what, sizeof what, "route %s", text);
        if (item->state == ITEM_THERE && compare_routes(&item->installed, &item->route) == 0)
            host_note_put_back(host, what);
        set_state(host, item, ITEM_THERE, NULL);
        return true;
    }
    if (reason.number == EEXIST) {
        (void)host_fail(&reason, 0, "route %s: another program's stands there and is left alone", text);
        reason.number = EEXIST;
        set_state(host, item, ITEM_FOREIGN, &reason);
        return false;
    }
    (void)host_fail_because(&reason, &reason, "cannot add route %s", text);
    set_state(host, item, ITEM_FAILED, &reason);
    return false;
}

/* Adds before it removes: no packet falls through to a wider route in between. */
static void settle_group(struct host *host, struct route_group *group)
{
    size_t surplus = match_group(host, group);
    bool any = group->there_count > 0;
    for (size_t i = 0; i < group->wanted_count; i++) {
        struct route_item *item = group->wanted[i];
        if (item->found || (i > 0 && compare_ready(&group->wanted[i - 1], &group->wanted[i]) == 0))
            continue;
        enum host_route_how how = how_to_add(group, &surplus, any, &item->route);
        bool added = add(host, item, how);
        any = any || added;
        if (added && how == HOST_ROUTE_INSTEAD) /* others of the group may have gone too: look again */
            host->dirty = host->dirty || group->wanted_count > 1;
    }
    for (size_t i = 0; i < surplus; i++) {
        struct host_error reason;
        if (!host_route_remove(host->netlink, &group->there[i], &reason))
            host_note(host, HOST_NOTE_WARNING, "%s", reason.text);
    }
}

/* Walks both sorted lists, group by group. */
static void settle_groups(struct host *host, struct route_item **wanted, size_t wanted_count,
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
        settle_group(host, &group);
    }
}

bool routes_reconcile(struct host *host, struct host_error *err)
{
    struct route_list there = {0};
    struct route_item **wanted = calloc(host->route_count + 1, sizeof(struct route_item *));
    bool done = false;
    if (wanted == NULL) {
        (void)host_fail(err, ENOMEM, "cannot compare the routes");
        goto out;
    }
    size_t count = 0;
    for (size_t i = 0; i < host->route_count; i++) {
        make_ready(host, &host->routes[i]);
        if (host->routes[i].ready)
            wanted[count++] = &host->routes[i];
    }
    qsort(wanted, count, sizeof(struct route_item *), compare_ready);
    if (!list_ours(host, &there, err))
        goto out;
    settle_groups(host, wanted, count, &there);
    done = host_drain(host, err);
out:
    free(wanted);
    free(there.routes);
    return done;
}

void routes_remove_all(struct host *host)
{
    struct route_list there = {0};
    struct host_error reason;
    free(host->routes);
    host->routes = NULL;
    host->route_count = 0;
    if (!list_ours(host, &there, &reason))
        host_note(host, HOST_NOTE_WARNING, "%s", reason.text);
    for (size_t i = 0; i < there.count; i++) {
        if (!host_route_remove(host->netlink, &there.routes[i], &reason))
            host_note(host, HOST_NOTE_WARNING, "%s", reason.text);
    }
    free(there.routes);
}
