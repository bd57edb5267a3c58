/*
 * The host settings of a config: interfaces with their addresses, the Linux links that are ports of the
 * router, static routes, name servers, host name, logging, access lists, filters and NAPT. A copy that does
 * not refer to the config.
 */
#ifndef MUSUBI_CONFIG_HOST_SETTINGS_H
#define MUSUBI_CONFIG_HOST_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/map.h"
#include "config/interface_filters.h"
#include "config/interface_name.h"
#include "config/log_level.h"
#include "config/model.h"

enum { LINUX_NAME_SIZE = 16, HOST_NAME_SIZE = 128, DESCRIPTION_SIZE = 256 };

enum { TUNNEL_MTU_DEFAULT = 1500 /* octets; of a Tunnel without `ip mtu` and `ipv6 mtu` */ };

/* Neither of the two lines, `no shutdown`, `shutdown`. An interface without either is up (S12). */
enum admin_state { ADMIN_UNSAID, ADMIN_UP, ADMIN_DOWN };

/* The `ip …` lines or the `ipv6 …` lines of an interface. */
struct interface_family {
    struct ip_prefix *addresses; /* in the order of the config; at most one of IPv4 */
    size_t address_count;
    char unnumbered[INTERFACE_NAME_SIZE]; /* the interface whose address is used; "" if none */
    uint16_t mtu;                         /* octets; 0: not configured */
    bool adjust_mss_auto;
    uint16_t adjust_mss; /* octets; 0: not configured, or auto */
};

/* `interface NAME` and the lines under it. */
struct configured_interface {
    char name[INTERFACE_NAME_SIZE];
    struct interface_name parts; /* of the name */
    enum admin_state admin;
    bool dynamic;      /* `ip address dhcp` or `ip address ipcp`: its IPv4 address is Linux's to set */
    bool ipv6_enable;  /* `ipv6 enable` */
    bool ipv6;         /* any ipv6 line; without one, IPv6 is off on a Tunnel (R13) */
    bool tunnel_ikev2; /* `tunnel mode ipsec-ikev2` */
    uint32_t line;     /* of the header; or POLICY_LINE_TYPED */
    struct interface_family ipv4_lines, ipv6_lines;
    struct interface_filters filters;
    char description[DESCRIPTION_SIZE];     /* "" if none */
    struct configured_interface *same_hash; /* the next one in host_settings.interfaces_by_name */
};

/* `device NAME` with `linux-interface NAME`. */
struct configured_port {
    char name[INTERFACE_NAME_SIZE]; /* as in the config: GigaEthernetN, or with .M, :P or both */
    uint32_t line;                  /* of linux-interface; or POLICY_LINE_TYPED */
    char linux_name[LINUX_NAME_SIZE];
};

enum route_target { ROUTE_NEXT_HOP, ROUTE_INTERFACE, ROUTE_BLACKHOLE };

/* `ip route` or `ipv6 route`. */
struct configured_route {
    struct ip_prefix prefix; /* without host bits; `default` has length 0 */
    enum route_target target;
    struct ip_address next_hop;          /* ROUTE_NEXT_HOP */
    char interface[INTERFACE_NAME_SIZE]; /* ROUTE_INTERFACE; of ROUTE_NEXT_HOP that behind %, or "" */
    uint8_t distance;                    /* 1 to 255; 1 if not configured */
    uint32_t line;                       /* or POLICY_LINE_TYPED */
};

struct host_settings {
    char host_name[HOST_NAME_SIZE]; /* "" if not configured */
    struct configured_interface *interfaces;
    size_t interface_count;
    struct map interfaces_by_name; /* by the hashes of their names */
    struct configured_port *ports;
    size_t port_count;
    struct configured_route *routes;
    size_t route_count;
    struct access_lists access_lists;
    struct ip_address *name_servers;
    uint32_t *name_server_lines; /* of each; or POLICY_LINE_TYPED */
    size_t name_server_count;
    enum log_level ikev2_level, ipsec_level; /* warn if not configured */
    uint32_t log_size;                       /* octets; 0: not configured */
};

/* Fills in `out`; host_settings_free when done. False if memory ran out; `out` is then empty. */
bool host_settings_of(const struct config *config, struct host_settings *out);
void host_settings_free(struct host_settings *settings);

/* The interface with that name, written in full; NULL if there is none. */
const struct configured_interface *host_settings_interface(const struct host_settings *settings,
                                                           const char *name);

#endif
