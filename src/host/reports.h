/*
 * What the kernel reports: taken into the inventory, told to the listener, and looked at for whether the plan
 * still holds.
 */
#ifndef MUSUBI_HOST_REPORTS_H
#define MUSUBI_HOST_REPORTS_H

#include "host/addresses.h"
#include "host/forwarding.h"
#include "host/packets.h"
#include "host/routes.h"
#include "host/tunnels.h"

/* What a report may concern. */
struct host_reports {
    struct host_kernel *kernel;
    struct host_tunnels *tunnels;
    struct host_addresses *addresses;
    struct host_routes *routes;
    const struct host_forwarding *forwarding;
    struct host_packets *packets;
};

/* For host_kernel_open: `context` is a struct host_reports. */
bool host_report_read(void *context, const struct nlmsghdr *message);

#endif
