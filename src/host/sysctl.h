/*
 * Settings of the network stack under /proc/sys/net, in the network namespace of the calling thread.
 */
#ifndef MUSUBI_HOST_SYSCTL_H
#define MUSUBI_HOST_SYSCTL_H

#include <stdbool.h>

#include "base/address.h"
#include "host/error.h"

/* Reads the number in /proc/sys/net/`path`. */
bool host_sysctl_read(const char *path, int *value, struct host_error *err);

/* Writes it unless it has that value already: so a container's read-only /proc/sys does no harm if all values
 * are right. */
bool host_sysctl_write(const char *path, int value, struct host_error *err);

/* Writes it in any case, which saves reading it. */
bool host_sysctl_put(const char *path, int value, struct host_error *err);

/* The same for the setting `name` of a link, in ipv4/conf/LINK or ipv6/conf/LINK. `link` may be "all". */
bool host_sysctl_read_link(enum ip_family family, const char *link, const char *name, int *value,
                           struct host_error *err);
bool host_sysctl_write_link(enum ip_family family, const char *link, const char *name, int value,
                            struct host_error *err);

/* Forwarding of packets from link to link, of one family. */
bool host_sysctl_read_forwarding(enum ip_family family, bool *on, struct host_error *err);

/*
 * Switches it on or off. IPv4: Linux copies the value to each link. IPv6: a host becomes a router, and from
 * then on ignores router advertisements on links whose accept_ra is 1 (2 keeps them) and drops the default
 * routes that it learnt from them; an uplink that lives by SLAAC needs accept_ra=2 from the operator before.
 */
bool host_sysctl_set_forwarding(enum ip_family family, bool on, struct host_error *err);

/* True if packets that arrive on `link` are checked strictly against the routes back (rp_filter 1, of the
 * link or of all), which drops the answers of tunnels pinned away from the routing table. IPv4 only. */
bool host_sysctl_has_strict_rp_filter(const char *link);

/* Switches IPv6 on a link on or off; it can't be on with an MTU below 1280. */
bool host_sysctl_set_ipv6(const char *link, bool on, struct host_error *err);

/* Whether routes through a link are passed over while it has no carrier (S20). With `known` the setting is
 * known to be another one: it is not read before. */
bool host_sysctl_ignore_linkdown(enum ip_family family, const char *link, bool ignore, bool known,
                                 struct host_error *err);

/* False also if that can't be read. */
bool host_sysctl_ignores_linkdown(enum ip_family family, const char *link);

#endif
