/*
 * The rules of the ways out: one for each, "what carries its mark is looked up in its table".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/mark.h"
#include "host/reconcile.h"

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

static struct host_rule rule_of(const struct way *way)
{
    uint32_t number = HOST_PIN_BASE + way->number;
    return (struct host_rule){
        .family = way->family,
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

static bool is_wanted(const struct host *host, const struct host_rule *rule)
{
    for (size_t i = 0; i < host->way_count; i++) {
        struct host_rule wanted = rule_of(&host->ways[i]);
        if (rules_equal(&wanted, rule))
            return true;
    }
    return false;
}

static void remove_unwanted(struct host *host, const struct rule_list *there)
{
    struct host_error reason;
    for (size_t i = 0; i < there->count; i++) {
        if (!is_wanted(host, &there->rules[i]) && !host_rule_remove(host->netlink, &there->rules[i], &reason))
            host_note(host, HOST_NOTE_WARNING, "%s", reason.text);
    }
}

static void settle(struct host *host, struct way *way, const struct rule_list *there)
{
    struct host_error reason;
    struct host_rule rule = rule_of(way);
    if (!is_listed(there, &rule)) {
        if (!host_rule_add(host->netlink, &rule, &reason)) {
            host_note_failure(host, &way->failure, &reason);
            way->state = ITEM_FAILED;
            return;
        }
        char what[64];
        (void)snprintf(what, sizeof what, "routing rule for mark %#x", rule.mark);
        if (way->state == ITEM_THERE)
            host_note_put_back(host, what);
    }
    way->state = ITEM_THERE;
    way->failure = 0;
}

bool rules_reconcile(struct host *host, struct host_error *err)
{
    struct rule_list there = {0};
    bool done = host_rule_list(host->netlink, collect, &there, err);
    if (done) {
        remove_unwanted(host, &there);
        for (size_t i = 0; i < host->way_count; i++)
            settle(host, &host->ways[i], &there);
        done = host_drain(host, err);
    }
    free(there.rules);
    return done;
}

void rules_remove_all(struct host *host)
{
    struct host_error reason;
    free(host->ways);
    host->ways = NULL;
    host->way_count = host->way_room = 0;
    if (!rules_reconcile(host, &reason))
        host_note(host, HOST_NOTE_WARNING, "%s", reason.text);
}
