#include "host/pinned_routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/mark.h"
#include "host/rule.h"
#include "host/sysctl.h"

enum {
    PINNED_METRIC = 1,
    UNREACHABLE_METRIC = 0xffff, /* holds when the pinned route itself is gone with its link */
};

struct pinned_route {
    char link[HOST_LINK_NAME_SIZE];
    enum ip_family family;
    struct ip_address next_hop;
    uint32_t number; /* mark and table are HOST_PIN_BASE + number */
    unsigned references;
    enum item_state state; /* of its rule */
    int failure;
    bool is_checked; /* its link checks strictly what arrives, which has been told */
};

/* ---- Numbers --------------------------------------------------------------------------------------- */

/* Whether another program uses a number, as mark or as table. */
struct usage {
    uint32_t number;
    bool used;
};

static bool note_use(void *context, const struct nlmsghdr *reply)
{
    struct usage *usage = context;
    struct host_rule rule;
    uint32_t mine = HOST_PIN_BASE + usage->number;
    if (host_rule_read(reply, &rule) && rule.protocol != HOST_PROTOCOL &&
        (rule.table == mine || (rule.mask != 0 && rule.mark == (mine & rule.mask))))
        usage->used = true;
    return true;
}

static bool note_route(void *context, const struct host_route *route)
{
    struct usage *usage = context;
    if (route->protocol != HOST_PROTOCOL)
        usage->used = true;
    return true;
}

/* Finds out whether another program's rule or route uses the number. */
static bool find_usage(const struct host_kernel *kernel, struct usage *usage, struct host_error *err)
{
    struct host_route_filter filter = {.family = IP_V4, .table = HOST_PIN_BASE + usage->number};
    usage->used = false;
    if (!host_rule_list(kernel->netlink, note_use, usage, err) ||
        !host_route_list(kernel->netlink, &filter, note_route, usage, err))
        return false;
    filter.family = IP_V6;
    return host_route_list(kernel->netlink, &filter, note_route, usage, err);
}

static bool has_number(const struct host_pinned_routes *pinned, uint32_t number)
{
    for (size_t i = 0; i < pinned->count; i++) {
        if (pinned->items[i].number == number)
            return true;
    }
    return false;
}

/* The lowest number that neither we nor others use: the same config gets the same numbers again. */
static bool choose_number(const struct host_pinned_routes *pinned, const struct host_kernel *kernel,
                          uint32_t *number, struct host_error *err)
{
    for (uint32_t n = 1; n <= HOST_PIN_MAX; n++) {
        struct usage usage = {.number = n};
        if (has_number(pinned, n))
            continue;
        if (!find_usage(kernel, &usage, err))
            return false;
        if (!usage.used) {
            *number = n;
            return true;
        }
    }
    return host_fail(err, 0, "no fwmark is left for a pinned route");
}

/* ---- Taking and releasing -------------------------------------------------------------------------- */

static struct pinned_route *find(const struct host_pinned_routes *pinned, const char *link,
                                 enum ip_family family, const struct ip_address *next_hop)
{
    for (size_t i = 0; i < pinned->count; i++) {
        struct pinned_route *route = &pinned->items[i];
        if (route->family == family && strcmp(route->link, link) == 0 &&
            ip_address_equal(&route->next_hop, next_hop))
            return route;
    }
    return NULL;
}

static bool grow(struct host_pinned_routes *pinned, struct host_error *err)
{
    if (pinned->count < pinned->room)
        return true;
    size_t more = pinned->room == 0 ? 4 : 2 * pinned->room;
    struct pinned_route *grown = reallocarray(pinned->items, more, sizeof *grown);
    if (grown == NULL)
        return host_fail(err, ENOMEM, "cannot plan a pinned route");
    pinned->items = grown;
    pinned->room = more;
    return true;
}

bool host_pinned_routes_take(struct host_pinned_routes *pinned, const struct host_kernel *kernel,
                             const char *link, enum ip_family family, const struct ip_address *next_hop,
                             uint32_t *mark, bool *added, struct host_error *err)
{
    struct pinned_route *route = find(pinned, link, family, next_hop);
    *added = route == NULL;
    if (*added) {
        struct pinned_route fresh = {.family = family, .next_hop = *next_hop};
        (void)snprintf(fresh.link, sizeof fresh.link, "%s", link);
        if (!grow(pinned, err) || !choose_number(pinned, kernel, &fresh.number, err))
            return false;
        route = &pinned->items[pinned->count++];
        *route = fresh;
    }
    route->references++;
    *mark = HOST_PIN_BASE + route->number;
    return true;
}

bool host_pinned_routes_release(struct host_pinned_routes *pinned, uint32_t mark)
{
    for (size_t i = 0; i < pinned->count; i++) {
        if (HOST_PIN_BASE + pinned->items[i].number != mark)
            continue;
        if (--pinned->items[i].references > 0)
            return false;
        pinned->items[i] = pinned->items[--pinned->count];
        return true;
    }
    return false;
}

/* ---- Their routes ---------------------------------------------------------------------------------- */

/* The two routes of its table. */
static bool add_routes(const struct pinned_route *pinned, struct host_plan *plan)
{
    const struct ip_prefix everywhere = {.address = {.family = pinned->family}};
    uint32_t table = HOST_PIN_BASE + pinned->number;
    struct plan_route out = {
        .destination = everywhere,
        .gateway = pinned->next_hop,
        .metric = PINNED_METRIC,
        .table = table,
        .onlink = pinned->next_hop.family != IP_NONE,
    };
    const struct plan_route else_unreachable = {
        .destination = everywhere,
        .kind = HOST_ROUTE_UNREACHABLE,
        .metric = UNREACHABLE_METRIC,
        .table = table,
    };
    memcpy(out.link, pinned->link, sizeof out.link);
    return host_plan_add_route(plan, &out) && host_plan_add_route(plan, &else_unreachable);
}

bool host_pinned_routes_add_to(const struct host_pinned_routes *pinned, struct host_plan *plan)
{
    for (size_t i = 0; i < pinned->count; i++) {
        if (!add_routes(&pinned->items[i], plan))
            return false;
    }
    return true;
}

/* ---- Their rules ----------------------------------------------------------------------------------- */

struct rule_list {
    struct host_rule *rules;
    size_t count, room;
};

static bool collect(void *context, const struct nlmsghdr *reply)
{
    struct rule_list *list = context;
    struct host_rule rule;
    if (!host_rule_read(reply, &rule) || rule.protocol != HOST_PROTOCOL)
        return true;
    if (list->count == list->room) {
        size_t more = list->room == 0 ? 16 : 2 * list->room;
        struct host_rule *grown = reallocarray(list->rules, more, sizeof *grown);
        if (grown == NULL)
            return false;
        list->rules = grown;
        list->room = more;
    }
    list->rules[list->count++] = rule;
    return true;
}

static struct host_rule rule_of(const struct pinned_route *route)
{
    uint32_t number = HOST_PIN_BASE + route->number;
    return (struct host_rule){
        .family = route->family,
        .mark = number,
        .mask = UINT32_MAX,
        .table = number,
        .priority = HOST_RULE_PRIORITY,
        .protocol = HOST_PROTOCOL,
    };
}

static bool rules_equal(const struct host_rule *a, const struct host_rule *b)
{
    return a->family == b->family && a->mark == b->mark && a->mask == b->mask && a->table == b->table &&
           a->priority == b->priority;
}

static bool is_listed(const struct rule_list *list, const struct host_rule *rule)
{
    for (size_t i = 0; i < list->count; i++) {
        if (rules_equal(&list->rules[i], rule))
            return true;
    }
    return false;
}

static bool is_wanted(const struct host_pinned_routes *pinned, const struct host_rule *rule)
{
    for (size_t i = 0; i < pinned->count; i++) {
        struct host_rule wanted = rule_of(&pinned->items[i]);
        if (rules_equal(&wanted, rule))
            return true;
    }
    return false;
}

static void remove_unwanted(const struct host_pinned_routes *pinned, const struct host_kernel *kernel,
                            const struct rule_list *there)
{
    struct host_error reason;
    for (size_t i = 0; i < there->count; i++) {
        if (!is_wanted(pinned, &there->rules[i]) &&
            !host_rule_remove(kernel->netlink, &there->rules[i], &reason))
            host_note(kernel, HOST_NOTE_WARNING, "%s", reason.text);
    }
}

/* S21: what the peers behind a pinned route send arrives by its link too, while the routing table may lead to
 * them by another one. */
static void check_rp_filter(const struct host_kernel *kernel, struct pinned_route *route)
{
    bool was_checked = route->is_checked;
    route->is_checked = route->family == IP_V4 && host_sysctl_has_strict_rp_filter(route->link);
    if (route->is_checked && !was_checked)
        host_note(kernel, HOST_NOTE_WARNING,
                  "strict rp_filter on %s, the outgoing interface of a tunnel, may drop what its peer sends: "
                  "set net.ipv4.conf.%s.rp_filter to 2",
                  route->link, route->link);
}

/* Several pinned routes of a link are told of once. */
static void check_rp_filters(const struct host_pinned_routes *pinned, const struct host_kernel *kernel)
{
    for (size_t i = 0; i < pinned->count; i++) {
        struct pinned_route *route = &pinned->items[i];
        const struct pinned_route *alike = NULL;
        for (size_t k = 0; k < i && alike == NULL; k++) {
            if (pinned->items[k].family == route->family && strcmp(pinned->items[k].link, route->link) == 0)
                alike = &pinned->items[k];
        }
        if (alike != NULL)
            route->is_checked = alike->is_checked;
        else
            check_rp_filter(kernel, route);
    }
}

static void settle(struct host_kernel *kernel, struct pinned_route *route, const struct rule_list *there)
{
    struct host_error reason;
    struct host_rule rule = rule_of(route);
    if (!is_listed(there, &rule)) {
        if (!host_rule_add(kernel->netlink, &rule, &reason)) {
            host_note_failure(kernel, &route->failure, &reason);
            route->state = ITEM_FAILED;
            return;
        }
        char what[64];
        (void)snprintf(what, sizeof what, "routing rule for mark %#x", rule.mark);
        if (route->state == ITEM_THERE)
            host_note_put_back(kernel, what);
    }
    route->state = ITEM_THERE;
    route->failure = 0;
}

bool host_pinned_routes_reconcile(struct host_pinned_routes *pinned, struct host_kernel *kernel,
                                  struct host_error *err)
{
    struct rule_list there = {0};
    bool done = host_rule_list(kernel->netlink, collect, &there, err);
    if (done) {
        remove_unwanted(pinned, kernel, &there);
        for (size_t i = 0; i < pinned->count; i++)
            settle(kernel, &pinned->items[i], &there);
        check_rp_filters(pinned, kernel);
        done = host_kernel_drain(kernel, err);
    }
    free(there.rules);
    return done;
}

void host_pinned_routes_remove_all(struct host_pinned_routes *pinned, struct host_kernel *kernel)
{
    struct host_error reason;
    host_pinned_routes_free(pinned);
    if (!host_pinned_routes_reconcile(pinned, kernel, &reason))
        host_note(kernel, HOST_NOTE_WARNING, "%s", reason.text);
}

void host_pinned_routes_free(struct host_pinned_routes *pinned)
{
    free(pinned->items);
    *pinned = (struct host_pinned_routes){0};
}
