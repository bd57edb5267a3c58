/*
 * What the config wants of Linux: a set of links, addresses, routes and packet rules. The keeper makes a new
 * plan of the whole config and hands it to host_apply, which finds out what has to change.
 *
 * Links are named as in Linux (see host/port.h) and need not exist: what needs a missing link waits for it.
 */
#ifndef MUSUBI_HOST_PLAN_H
#define MUSUBI_HOST_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "host/link.h"
#include "host/packet_rules.h"
#include "host/route.h"
#include "host/tun.h"

/* A Tunnel interface: a TUN device that is ours. */
struct plan_tunnel {
    char name[HOST_LINK_NAME_SIZE];
    uint32_t mtu;    /* octets */
    bool up;         /* `no shutdown`; whether packets can flow is the carrier's to say (host_use_tunnel) */
    bool ipv6;       /* has an ipv6 line; needs an MTU of 1280 or more */
    bool link_local; /* has a link-local IPv6 address, which Linux makes; with `ipv6` */
    struct tun_options options;
};

/* What to change of a link that is not ours. It is changed once, when it is first seen: whoever changes it
 * back has a reason. At exit it gets its old values back. */
struct plan_port {
    char name[HOST_LINK_NAME_SIZE];
    bool up;      /* set it up if it is down; false leaves it alone */
    uint32_t mtu; /* octets; 0 leaves it alone */
};

struct plan_address {
    char link[HOST_LINK_NAME_SIZE];
    struct ip_prefix prefix; /* the address itself with the length of its network */
};

struct plan_route {
    struct ip_prefix destination;   /* host bits are ignored */
    enum host_route_kind kind;      /* UNICAST, BLACKHOLE or UNREACHABLE */
    char link[HOST_LINK_NAME_SIZE]; /* "": that by which the gateway is reached */
    struct ip_address gateway;      /* IP_NONE: none */
    uint32_t metric;                /* `distance`, 1 to 255 */
    /* The gateway's own packets take the first address of this link (`ip unnumbered`); "": as Linux says. */
    char source_link[HOST_LINK_NAME_SIZE];
    uint32_t table; /* 0: HOST_TABLE_MAIN */
    bool onlink;    /* the gateway is on the link even if no address says so */
};

struct host_plan {
    struct plan_tunnel *tunnels;
    struct plan_port *ports;
    struct plan_address *addresses;
    struct plan_route *routes;
    size_t tunnel_count, port_count, address_count, route_count;
    size_t tunnel_room, port_room, address_room, route_room; /* allocated */
    bool forward_v4, forward_v6;                             /* packets are to be forwarded */
    struct plan_packets packets;
};

/* Frees what the plan holds and empties it. A zeroed plan is an empty one. */
void host_plan_clear(struct host_plan *plan);

/* Each adds a copy; false if memory ran out. Duplicates count once. */
bool host_plan_add_tunnel(struct host_plan *plan, const struct plan_tunnel *tunnel);
bool host_plan_add_port(struct host_plan *plan, const struct plan_port *port);
bool host_plan_add_address(struct host_plan *plan, const struct plan_address *address);
bool host_plan_add_route(struct host_plan *plan, const struct plan_route *route);
bool host_plan_add_packet_link(struct host_plan *plan, const struct plan_packet_link *link);

#endif
