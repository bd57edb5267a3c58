/*
 * The route from this host to a tunnel's peer (R44, R45): found by the tunnel's policy and by what Linux says
 * of links, addresses and routes now.
 */
#ifndef MUSUBI_DAEMON_KEEPER_PEER_ROUTE_H
#define MUSUBI_DAEMON_KEEPER_PEER_ROUTE_H

#include "daemon/keeper/configuration.h"
#include "host/host.h"
#include "ike/ike.h"

/* Why there is none. */
enum route_problem {
    ROUTE_FOUND,
    ROUTE_NOT_COMPLETE,    /* the tunnel's config is not */
    ROUTE_UNRESOLVED,      /* the peer's name has no address */
    ROUTE_NONE,            /* there is no route to the peer */
    ROUTE_RECURSIVE,       /* the route to the peer leads into the tunnel itself (S37) */
    ROUTE_OTHER_INTERFACE, /* the route leaves by another interface than `outgoing-interface` says */
    ROUTE_INTERFACE_DOWN,  /* `outgoing-interface` */
    ROUTE_NO_SOURCE,       /* the interface has no address of the peer's family */
    ROUTE_SOURCE_GONE,     /* `source-address` is no address of this host now */
    ROUTE_OTHER_FAMILY,    /* next hop or source address are of another family than the peer */
    ROUTE_NOT_PINNED,      /* Linux refused to set up the pinned route */
};

/* The problem in words, as `show interfaces` prints it. */
const char *route_problem_text(enum route_problem problem);

struct found_route {
    enum route_problem problem;
    struct peer_route to_peer;
    int link;                   /* index of the link by which packets leave; 0: not known */
    struct ip_address next_hop; /* IP_NONE: the peer is on the link, or not known */
    uint32_t pinned_mark;       /* of the pinned route that is held (host_pin_route); 0: none */
};

struct route_finder {
    struct host *host;
    const struct port_table *ports;
    const struct configuration *configuration;
    /* True if packets that leave by the link come to the tunnel `number` in the end. */
    bool (*leads_into)(void *context, int link, uint32_t number);
    void *context;
};

/*
 * The links of the interfaces that a policy names, as far as the config decides: empty if the policy names
 * none, or it is mapped to none or shut down. Padding is 0.
 */
struct route_links {
    char outgoing[HOST_LINK_NAME_SIZE];
    char source[HOST_LINK_NAME_SIZE];
};

struct route_links route_links_of(const struct configuration *configuration, const struct port_table *ports,
                                  const struct tunnel_policy *policy);

/*
 * Finds the route anew, to one of the peer's addresses: the first one to which there is a route, or else the
 * first one. Without addresses (`peer any`, or a name that is not resolved) only what does not depend on them
 * is found. A pinned route that `route` held before is kept if it is still wanted, and released if not.
 * Returns true if anything changed that the engine has to know.
 */
bool peer_route_find(const struct route_finder *finder, const struct tunnel_policy *policy,
                     const struct ip_address *peers, size_t peer_count, struct found_route *route);

/* The most specific route of the config to an address; NULL if there is none. */
const struct configured_route *peer_route_configured(const struct host_settings *settings,
                                                     const struct ip_address *address);

/* Releases the pinned route that it holds. */
void peer_route_release(struct host *host, struct found_route *route);

#endif
