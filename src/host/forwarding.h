/*
 * Whether Linux forwards packets. It is switched on if the plan wants it, and the old value is given back.
 */
#ifndef MUSUBI_HOST_FORWARDING_H
#define MUSUBI_HOST_FORWARDING_H

#include "host/kernel.h"

struct family_forwarding {
    bool wanted;
    bool changed; /* by us: `old` is to be given back */
    bool old;
    int failure;
};

/* Zeroed at first. */
struct host_forwarding {
    struct family_forwarding v4, v6;
    bool held; /* nothing must be forwarded for now, whatever is wanted */
};

void host_forwarding_plan(struct host_forwarding *forwarding, const struct host_plan *plan);

/* Takes over what a musubid has changed that ended without giving it back. */
void host_forwarding_recall(struct host_forwarding *forwarding, const struct host_before *before);

/* True if the plan wants that packets of the family are forwarded, and they may be. */
bool host_forwarding_is_wanted(const struct host_forwarding *forwarding, enum ip_family family);

/* While it is held, the old values hold. */
void host_forwarding_hold(struct host_forwarding *forwarding, bool held);

/* Makes Linux agree. */
void host_forwarding_reconcile(struct host_forwarding *forwarding, struct host_kernel *kernel);

/* Gives the old values back. */
void host_forwarding_restore(struct host_forwarding *forwarding, struct host_kernel *kernel);

#endif
