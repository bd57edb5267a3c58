/*
 * What the plan changes of links that are not ours. Their old values are kept, to be given back.
 */
#ifndef MUSUBI_HOST_PORTS_H
#define MUSUBI_HOST_PORTS_H

#include "host/kernel.h"

struct port_item;

/* Zeroed at first. */
struct host_ports {
    struct port_item *items; /* sorted by name */
    size_t count;
};

/* Takes in the plan's ports. Those that are not in it any more, or otherwise, get their old values back. */
bool host_ports_plan(struct host_ports *ports, struct host_kernel *kernel, const struct host_plan *plan,
                     struct host_error *err);

/*
 * Of what a musubid has changed that ended without giving it back, takes over what the planned ports want
 * too, and gives back the rest. To be called once, after the first plan.
 */
void host_ports_recall(struct host_ports *ports, struct host_kernel *kernel);

/* Makes Linux agree. */
bool host_ports_reconcile(struct host_ports *ports, struct host_kernel *kernel, struct host_error *err);

/* Gives all their old values back. */
void host_ports_restore_all(struct host_ports *ports, struct host_kernel *kernel);

/* Frees, without touching the links. */
void host_ports_free(struct host_ports *ports);

#endif
