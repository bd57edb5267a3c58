#include "ike/sa/additional_children.h"

#include "ike/sa/ike_sa.h"
#include "ike/sa/refused_packets.h"

#include <stdlib.h>

void additional_children_forget(struct additional_children *f)
{
    refused_packets_clear(f);
    free(f->damping);
    f->damping = NULL;
}

struct child_request additional_children_proposed(const struct ike_sa *sa)
{
    return child_request_of(&sa->tunnel->policy, false, 0);
}

uint8_t additional_children_lacking(const struct ike_sa *sa)
{
    if (!sa->additional.ours || sa->additional.scope != SCOPE_PROPOSED)
        return 0;
    const struct child_request all = additional_children_proposed(sa);
    unsigned lacking = selectors_families(&all.local_ts, &all.remote_ts);
    const struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (child_sa_is_current(child))
            lacking &= ~(unsigned)child_sa_families(child);
    }
    return (uint8_t)(lacking & ~(unsigned)sa->additional.refused);
}

bool additional_children_hold(const struct ike_sa *sa, const struct packet_flow *flow)
{
    const struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (!child_sa_is_current(child))
            continue;
        const struct child_selectors ts = child_sa_selectors(child);
        if (selectors_hold(&ts.local, &ts.remote, flow))
            return true;
    }
    return false;
}

bool additional_children_come_with_packets(const struct ike_sa *sa)
{
    return sa->additional.scope != SCOPE_PROPOSED;
}

static bool is_held(const struct ike_sa *sa, const struct traffic_selector pair[2])
{
    const struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (!child_sa_is_current(child))
            continue;
        const struct child_selectors ts = child_sa_selectors(child);
        if (selectors_hold_pair(&ts.local, &ts.remote, pair))
            return true;
    }
    return false;
}

uint8_t additional_children_narrowed(const struct ike_sa *sa)
{
    if (!sa->additional.ours || sa->additional.scope != SCOPE_PROPOSED)
        return 0;
    const struct child_request all = additional_children_proposed(sa);
    struct traffic_selector pair[2];
    unsigned families = 0;
    for (unsigned i = 0; selectors_next_pair(&all.local_ts, &all.remote_ts, &i, pair);) {
        if (!is_held(sa, pair))
            families |= pair[0].first.family == IP_V4 ? FAMILY_V4 : FAMILY_V6;
    }
    return (uint8_t)(families & ~(unsigned)sa->additional.refused);
}

bool additional_children_are_due(const struct ike_sa *sa)
{
    return sa->additional.scope != SCOPE_PROPOSED || additional_children_narrowed(sa) != 0;
}

bool additional_children_tell_due(struct ike_sa *sa)
{
    bool due = additional_children_are_due(sa);
    sa->additional.more_told |= due;
    return due;
}

void additional_children_tell(struct ike_sa *sa)
{
    bool due = additional_children_are_due(sa);
    if (due == sa->additional.more_told)
        return;
    sa->additional.more_told = due;
    struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (due)
            child_sa_expect_more(child);
        else
            child_sa_complete(child);
    }
}
