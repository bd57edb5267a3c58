/*
 * Pinned ways out (R44): a mark, a rule and a table for each link and next hop.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/mark.h"
#include "host/reconcile.h"

/* Which of the numbers another program uses, as mark or as table of a rule. */
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

/* True if another program's rule or route is in the way of number `usage->number`. */
static bool find_usage(struct host *host, struct usage *usage, struct host_error *err)
{
    struct host_route_filter filter = {.family = IP_V4, .table = HOST_PIN_BASE + usage->number};
    usage->used = false;
    if (!host_rule_list(host->netlink, note_use, usage, err) ||
        !host_route_list(host->netlink, &filter, note_route, usage, err))
        return false;
    filter.family = IP_V6;
    return host_route_list(host->netlink, &filter, note_route, usage, err);
}

static bool has_number(const struct host *host, uint32_t number)
{
    for (size_t i = 0; i < host->way_count; i++) {
        if (host->ways[i].number == number)
            return true;
    }
    return false;
}

/* The lowest number that neither we nor others use: the same config gets the same numbers again. */
static bool choose_number(struct host *host, uint32_t *number, struct host_error *err)
{
    for (uint32_t n = 1; n <= HOST_PIN_MAX; n++) {
        struct usage usage = {.number = n};
        if (has_number(host, n))
            continue;
        if (!find_usage(host, &usage, err))
            return false;
        if (!usage.used) {
            *number = n;
            return true;
        }
    }
    return host_fail(err, 0, "no fwmark is left for a pinned way out");
}

static struct way *find_way(struct host *host, const char *link, enum ip_family family,
                            const struct ip_address *next_hop)
{
    for (size_t i = 0; i < host->way_count; i++) {
        struct way *way = &host->ways[i];
        if (way->family == family && strcmp(way->link, link) == 0 &&
            ip_address_equal(&way->next_hop, next_hop))
            return way;
    }
    return NULL;
}

static bool grow(struct host *host, struct host_error *err)
{
    if (host->way_count < host->way_room)
        return true;
    size_t more = host->way_room == 0 ? 4 : 2 * host->way_room;
    struct way *grown = reallocarray(host->ways, more, sizeof *grown);
    if (grown == NULL)
        return host_fail(err, ENOMEM, "cannot plan a way out");
    host->ways = grown;
    host->way_room = more;
    return true;
}

/* The rules before the routes: a mark without a rule would follow the routing table. */
static bool renew(struct host *host, struct host_error *err)
{
    if (!routes_plan(host, err))
        return false;
    if (!host->planned) /* then host_apply does it, when it knows what else is wanted */
        return true;
    return rules_reconcile(host, err) && routes_reconcile(host, err);
}

bool host_pin_route(struct host *host, const char *link, enum ip_family family,
                    const struct ip_address *next_hop, uint32_t *mark, struct host_error *err)
{
    struct way *way = find_way(host, link, family, next_hop);
    if (way == NULL) {
        struct way fresh = {.family = family, .next_hop = *next_hop};
        (void)snprintf(fresh.link, sizeof fresh.link, "%s", link);
        if (!grow(host, err) || !choose_number(host, &fresh.number, err))
            return false;
        way = &host->ways[host->way_count++];
        *way = fresh;
        if (!renew(host, err)) {
            host->way_count--;
            return false;
        }
    }
    way->references++;
    *mark = HOST_PIN_BASE + way->number;
    return true;
}

void host_unpin_route(struct host *host, uint32_t mark)
{
    for (size_t i = 0; i < host->way_count; i++) {
        if (HOST_PIN_BASE + host->ways[i].number != mark)
            continue;
        if (--host->ways[i].references > 0)
            return;
        host->ways[i] = host->ways[--host->way_count];
        struct host_error reason;
        if (!renew(host, &reason))
            host_note(host, HOST_NOTE_WARNING, "%s", reason.text);
        return;
    }
}
