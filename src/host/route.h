/*
 * Routes of both families: what they are, orders to add and remove them, and the question where a packet
 * would go.
 */
#ifndef MUSUBI_HOST_ROUTE_H
#define MUSUBI_HOST_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "host/netlink.h"

enum host_route_kind {
    HOST_ROUTE_UNICAST,
    HOST_ROUTE_BLACKHOLE,   /* packets vanish (Null0.0) */
    HOST_ROUTE_UNREACHABLE, /* packets are answered with an ICMP error */
    HOST_ROUTE_LOCAL,       /* to the host itself; read only */
    HOST_ROUTE_OTHER,       /* broadcast, multicast, prohibit ...; read only */
};

enum { HOST_TABLE_MAIN = RT_TABLE_MAIN };

/* A route with one next hop. One with several is shown as several of these. */
struct host_route {
    struct ip_prefix destination; /* host bits are zero */
    enum host_route_kind kind;
    struct ip_address gateway; /* IP_NONE: none */
    int link;                  /* index; 0: by the gateway when adding, and for a blackhole */
    struct ip_address source;  /* preferred for packets of the host itself; IP_NONE: Linux chooses */
    uint32_t metric;           /* the lowest wins; 1 to 255 for a `distance` */
    uint32_t table;
    uint8_t protocol;
    bool onlink; /* add only: the gateway is on the link even if no address says so */
};

/* Called for each next hop; false stops, as with netlink_reply. */
typedef bool host_route_seen(void *context, const struct host_route *route);

/* Hands each next hop of an RTM_NEWROUTE or RTM_DELROUTE to `seen`. False if `seen` was; a malformed message,
 * one of another family or a clone (a learnt path MTU) is passed over. */
bool host_route_read(const struct nlmsghdr *message, host_route_seen *seen, void *context);

/* Which routes host_route_list is to list. */
struct host_route_filter {
    enum ip_family family;
    uint8_t protocol; /* 0: all */
    uint32_t table;   /* 0: all */
};

bool host_route_list(struct netlink *nl, const struct host_route_filter *filter, host_route_seen *seen,
                     void *context, struct host_error *err);

/* How host_route_add treats a route that stands there with the same destination, table and metric. */
enum host_route_how {
    HOST_ROUTE_ALONE,   /* fail with EEXIST */
    HOST_ROUTE_BESIDE,  /* leave it: in IPv4 the older one is used, in IPv6 gateways share the traffic */
    HOST_ROUTE_INSTEAD, /* take its place in one step */
};

/* Adds a route of ours (`route->protocol` is not looked at). */
bool host_route_add(struct netlink *nl, const struct host_route *route, enum host_route_how how,
                    struct host_error *err);

/* Removes a route of ours that agrees with `route` in all that it says. True also if there is none. */
bool host_route_remove(struct netlink *nl, const struct host_route *route, struct host_error *err);

/* "10.2.0.0/16 via 10.0.0.254", for messages; `out` is returned. */
enum { HOST_ROUTE_TEXT_SIZE = 160 };
const char *host_route_format(const struct host_route *route, char out[HOST_ROUTE_TEXT_SIZE]);

/* Where would a packet go? Zeros are left open. */
struct host_route_question {
    struct ip_address destination;
    struct ip_address source;
    uint32_t mark;   /* fwmark */
    int link;        /* out by this link only */
    bool configured; /* `mtu` is to be that of the route, whatever was learnt for the path */
};

struct host_route_answer {
    enum host_route_kind kind; /* LOCAL: the destination is an address of this host */
    int link;
    struct ip_address gateway; /* IP_NONE: the destination is on the link itself */
    struct ip_address source;  /* what Linux would choose */
    uint32_t table;
    uint32_t mtu; /* of the route or learnt for the path, octets; 0: that of the link */
    bool plain;   /* one next hop of the destination's family, no encapsulation, no hop limit of its own */
};

/* False if there is no route: then `err->number` is ENETUNREACH, EHOSTUNREACH or what the kernel says. A
 * blackhole is reported as no route too. */
bool host_route_lookup(struct netlink *nl, const struct host_route_question *question,
                       struct host_route_answer *answer, struct host_error *err);

#endif
