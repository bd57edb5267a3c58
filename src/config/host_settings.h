/*
 * What a config says of the host: its interfaces with their addresses, the Linux links behind the ports,
 * static routes, name servers, name, and logging. A plain copy, independent of the config that it was made
 * from.
 */
#ifndef MUSUBI_CONFIG_HOST_SETTINGS_H
#define MUSUBI_CONFIG_HOST_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "config/interface_name.h"
#include "config/log_level.h"
#include "config/model.h"

enum { LINUX_NAME_SIZE = 16, HOST_NAME_SIZE = 128, DESCRIPTION_SIZE = 256 };

/* `shutdown` and `no shutdown`; an interface without either is up. */
enum admin_state { ADMIN_UNSAID, ADMIN_UP, ADMIN_DOWN };

/* What one family's `ip …` or `ipv6 …` lines say. */
struct interface_family {
    struct ip_prefix *addresses; /* in the order of the config; at most one of IPv4 */
    size_t address_count;
    char unnumbered[INTERFACE_NAME_SIZE]; /* the interface whose address is used; "" if none */
    uint16_t mtu;                         /* octets; 0: not said */
    bool adjust_mss_auto;
    uint16_t adjust_mss; /* octets; 0: not said, or auto */
};

struct configured_interface {
    char name[INTERFACE_NAME_SIZE];
    struct interface_name parts;
    enum admin_state admin;
    bool ipv6_enable;  /* `ipv6 enable`; any ipv6 line means that IPv6 is on, see `ipv6` */
    bool ipv6;         /* there is an ipv6 line (R13: IPv6 is off on a Tunnel without one) */
    bool tunnel_ikev2; /* `tunnel mode ipsec-ikev2` */
    uint32_t line;     /* of its header; or POLICY_LINE_TYPED */
    struct interface_family ipv4_lines, ipv6_lines;
    char description[DESCRIPTION_SIZE]; /* "" if none */
};

/* `device GigaEthernetN` with `linux-interface NAME`. */
struct configured_port {
    uint16_t number; /* N */
    char linux_name[LINUX_NAME_SIZE];
};

enum route_target { ROUTE_NEXT_HOP, ROUTE_INTERFACE, ROUTE_BLACKHOLE };

struct configured_route {
    struct ip_prefix prefix; /* without host bits; `default` is of length 0 */
    enum route_target target;
    struct ip_address next_hop;          /* ROUTE_NEXT_HOP */
    char interface[INTERFACE_NAME_SIZE]; /* ROUTE_INTERFACE */
    uint8_t distance;                    /* 1 to 255; 1 where not said */
    uint32_t line;
};

struct host_settings {
    char host_name[HOST_NAME_SIZE]; /* "" if not said */
    struct configured_interface *interfaces;
    size_t interface_count;
    struct configured_port *ports;
    size_t port_count;
    struct configured_route *routes;
    size_t route_count;
    struct ip_address *name_servers;
    size_t name_server_count;
    enum log_level ikev2_level, ipsec_level; /* warn where not said */
    uint32_t log_size;                       /* octets; 0: not said */
};

/* Fills in `out`; false if memory ran out. host_settings_free when done. */
bool host_settings_of(const struct config *config, struct host_settings *out);
void host_settings_free(struct host_settings *settings);

/* The interface of that name; NULL if there is none. */
const struct configured_interface *host_settings_interface(const struct host_settings *settings,
                                                           const char *name);

#endif
