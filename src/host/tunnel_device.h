/*
 * The TUN device of one Tunnel: made or adopted, set up, put back where somebody changed it.
 */
#ifndef MUSUBI_HOST_TUNNEL_DEVICE_H
#define MUSUBI_HOST_TUNNEL_DEVICE_H

#include "host/kernel.h"

/* What Linux does with routes through a device without carrier. */
enum linkdown { LINKDOWN_UNKNOWN, LINKDOWN_IN_USE, LINKDOWN_IGNORED };

struct tunnel_device {
    struct plan_tunnel plan;
    enum item_state state;
    int failure;                            /* errno of the last failure that was told */
    int ipv6_failure;                       /* the same, for IPv6 alone */
    int fd;                                 /* -1: none */
    int link;                               /* index of the device behind `fd` */
    enum host_tunnel_use use;               /* as it is wanted */
    bool use_is_set;                        /* Linux does so, as far as it may */
    enum linkdown linkdown_v4, linkdown_v6; /* as Linux is known to have it */
    bool has_carrier;                       /* the device, as we last set it */
    bool held;                              /* left dropping by a musubid that died (host_use_tunnel) */
    bool configured; /* MTU, mark and settings have been made, and nobody is known to have changed them */
    bool set_up;     /* as we last set it */
    bool was_opened; /* there was a descriptor before, which the caller may have handed on */
    bool is_made;    /* we made the device, and have not configured it yet */
    bool is_new;     /* the descriptor is another one than before: the listener has to be told */
};

/* What all devices have in common in one pass. Starts with `instance` alone. */
struct tunnel_defaults {
    const char *instance;                   /* for the alias of the links; the caller's */
    enum linkdown linkdown_v4, linkdown_v6; /* of devices that are made, as read in this pass */
};

/* Makes the device agree with `tunnel->plan`, and with `tunnel->use`. Sets `tunnel->state`; tells the
 * listener of a failure once, and of what was put back or replaced. */
void tunnel_device_keep(struct tunnel_device *tunnel, struct host_kernel *kernel,
                        struct tunnel_defaults *defaults);

/* Another program changed the mark or the MTU of `link`, which is the device. */
bool tunnel_device_is_changed(const struct tunnel_device *tunnel, const struct host_link *link);

/* What the device is to do now. */
enum host_tunnel_use tunnel_device_use(const struct tunnel_device *tunnel);

/* Makes Linux do so, unless it is known to, or there is no device. */
bool tunnel_device_set_use(struct tunnel_device *tunnel, const struct host_kernel *kernel,
                           struct host_error *err);

/* Closes the descriptor. The device itself is not touched. */
void tunnel_device_forget(struct tunnel_device *tunnel);

#endif
