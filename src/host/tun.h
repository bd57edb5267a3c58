/*
 * TUN devices: the Linux side of Tunnel interfaces. They are persistent, so that neither the interface nor
 * the routes through it go away with a process; while nobody holds a descriptor the device has no carrier.
 */
#ifndef MUSUBI_HOST_TUN_H
#define MUSUBI_HOST_TUN_H

#include <stdbool.h>

#include "host/error.h"
#include "host/link.h"

struct tun_options {
    bool multi_queue; /* several descriptors, each a queue; costs some 3.6 MB of kernel memory */
    bool vnet_header; /* packets carry a struct virtio_net_hdr, for segmentation offload, if Linux can */
};

/* What Linux leaves to the reader of a TUN device. */
struct tun_offload {
    bool vnet_header; /* packets carry a struct virtio_net_hdr of 10 octets; TCP may come unsegmented */
    bool udp;         /* UDP too (Linux 6.2) */
};

/*
 * Opens the TUN device `name`, which must exist, or must not, as `create` says. It carries IP packets without
 * further header (or with vnet_header), is down or as it was, and has no carrier. A created one is not
 * persistent yet: mark it first, then call tun_set_persistent.
 *
 * `any_socket` is a socket of any kind. Returns a non-blocking descriptor that the caller owns, -1 with a
 * reason on failure. err->number is EINVAL if an existing device was made with other options, EBUSY if
 * another process holds it.
 */
int tun_open(const char *name, bool create, const struct tun_options *options, int any_socket,
             struct host_error *err);

/* Has Linux leave to the reader of the device all that it can, if it was opened with vnet_header, and nothing
 * if it was not; says what that is. */
struct tun_offload tun_set_offload(int fd);

/* Whether the device stays when its last descriptor is closed. */
bool tun_set_persistent(int fd, bool on, struct host_error *err);

/* Carrier on: packets flow; off: routes through the device are passed over if they are told to
 * (host_use_tunnel). `name` is the device's, `any_socket` as above. */
bool tun_set_carrier(int fd, const char *name, bool on, int any_socket, struct host_error *err);

#endif
