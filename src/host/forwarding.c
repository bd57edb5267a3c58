#include "host/forwarding.h"

#include "host/sysctl.h"

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

static bool set(struct host_kernel *kernel, enum ip_family family, struct family_forwarding *forwarding,
                bool wanted, struct host_error *err)
{
    bool now;
    if (!wanted && !forwarding->changed)
        return true;
    if (!host_sysctl_read_forwarding(family, &now, err))
        return false;
    bool target = wanted || forwarding->old;
    if (now == target)
        return true;
    if (!host_sysctl_set_forwarding(family, target, err))
        return false;
    if (wanted && forwarding->changed)
        host_note_put_back(kernel, family == IP_V4 ? "IPv4 forwarding" : "IPv6 forwarding");
    else if (wanted)
        forwarding->old = now;
    forwarding->changed = wanted;
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
