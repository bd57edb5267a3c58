#include "host/forwarding.h"

#include "host/sysctl.h"

#include <stdio.h>

void host_forwarding_plan(struct host_forwarding *forwarding, const struct host_plan *plan)
{
    forwarding->v4.wanted = plan->forward_v4;
    forwarding->v6.wanted = plan->forward_v6;
}

bool host_forwarding_is_wanted(const struct host_forwarding *forwarding, enum ip_family family)
{
    return !forwarding->held && (family == IP_V4 ? forwarding->v4.wanted : forwarding->v6.wanted);
}

void host_forwarding_hold(struct host_forwarding *forwarding, bool held)
{
    forwarding->held = held;
}

/* The name of its old value in struct host_before. */
static const char *name_of(enum ip_family family)
{
    return family == IP_V4 ? "ipv4-forwarding" : "ipv6-forwarding";
}

static void recall(enum ip_family family, struct family_forwarding *forwarding,
                   const struct host_before *before)
{
    const struct before_item *item = host_before_find(before, name_of(family));
    if (item == NULL)
        return;
    forwarding->changed = true;
    forwarding->old = item->value[0] != 0;
}

void host_forwarding_recall(struct host_forwarding *forwarding, const struct host_before *before)
{
    recall(IP_V4, &forwarding->v4, before);
    recall(IP_V6, &forwarding->v6, before);
}

static bool change(struct host_kernel *kernel, enum ip_family family, struct family_forwarding *forwarding,
                   bool wanted, bool target, struct host_error *err)
{
    bool first = wanted && !forwarding->changed;
    struct before_item item = {.value = {!target}};
    (void)snprintf(item.name, sizeof item.name, "%s", name_of(family));
    if (first)
        host_before_put(&kernel->before, &item);
    if (!host_sysctl_set_forwarding(family, target, err)) {
        if (first)
            host_before_remove(&kernel->before, item.name);
        return false;
    }
    if (first)
        forwarding->old = !target;
    else if (wanted)
        host_note_put_back(kernel, family == IP_V4 ? "IPv4 forwarding" : "IPv6 forwarding");
    forwarding->changed = true;
    return true;
}

static bool set(struct host_kernel *kernel, enum ip_family family, struct family_forwarding *forwarding,
                bool wanted, struct host_error *err)
{
    bool now;
    if (!wanted && !forwarding->changed)
        return true;
    if (!host_sysctl_read_forwarding(family, &now, err))
        return false;
    bool target = wanted || forwarding->old;
    if (now != target && !change(kernel, family, forwarding, wanted, target, err))
        return false;
    if (!wanted) {
        forwarding->changed = false;
        host_before_remove(&kernel->before, name_of(family));
    }
    return true;
}

static void reconcile(struct host_kernel *kernel, enum ip_family family, struct family_forwarding *forwarding,
                      bool wanted)
{
    struct host_error reason;
    if (set(kernel, family, forwarding, wanted, &reason))
        forwarding->failure = 0;
    else
        host_note_failure(kernel, &forwarding->failure, &reason);
}

void host_forwarding_reconcile(struct host_forwarding *forwarding, struct host_kernel *kernel)
{
    reconcile(kernel, IP_V4, &forwarding->v4, host_forwarding_is_wanted(forwarding, IP_V4));
    reconcile(kernel, IP_V6, &forwarding->v6, host_forwarding_is_wanted(forwarding, IP_V6));
}

void host_forwarding_restore(struct host_forwarding *forwarding, struct host_kernel *kernel)
{
    forwarding->v4.wanted = forwarding->v6.wanted = false;
    host_forwarding_reconcile(forwarding, kernel);
}
