/*
 * The way from this host to a tunnel's peer (R44, R45): worked out from the tunnel's policy and from what
 * Linux says of links, addresses and routes now.
 */
#ifndef MUSUBI_DAEMON_KEEPER_PEER_ROUTE_H
#define MUSUBI_DAEMON_KEEPER_PEER_ROUTE_H

#include "daemon/keeper/configuration.h"
#include "host/host.h"
#include "ike/ike.h"

/* Why there is none. */
enum way_problem {
    WAY_FOUND,
    WAY_NOT_COMPLETE,    /* the tunnel's config */
    WAY_UNRESOLVED,      /* the peer's name */
    WAY_NO_ROUTE,        /* to the peer */
    WAY_RECURSIVE,       /* the route to the peer leads into the tunnel itself (S37) */
    WAY_OTHER_INTERFACE, /* the route leaves by another interface than `outgoing-interface` says */
    WAY_INTERFACE_DOWN,  /* `outgoing-interface` */
    WAY_NO_SOURCE,       /* the interface has no address of the peer's family */
    WAY_SOURCE_GONE,     /* `source-address` is no address of this host now */
    WAY_FAMILY,          /* next hop or source address are of another family than the peer */
    WAY_FAILED,          /* Linux refused to set up the pinned way */
};

/* The problem in words, as `show interfaces` prints it. */
const char *way_problem_text(enum way_problem problem);

struct way {
    enum way_problem problem;
    struct peer_route way;
    int link;            /* index of the link by which it leaves; 0: not known */
    uint32_t taken_mark; /* of the pinned way that is held (host_pin_route); 0: none */
};

struct way_finder {
    struct host *host;
    const struct port_table *ports;
    const struct configuration *configuration;
    /* True if packets that leave by the link come to the tunnel `number` in the end. */
    bool (*leads_into)(void *context, int link, uint32_t number);
    void *context;
};

/*
 * Works out the way anew, to one of the peer's addresses: the first one to which there is a way, or else the
 * first one. With none (`peer any`, or a name that is not resolved) only what is known without them is found.
 * A pinned way that `way` held before is held on if it is still wanted, and released if not. Returns true if
 * anything changed that the engine has to know.
 */
bool way_find(const struct way_finder *finder, const struct tunnel_policy *policy,
              const struct ip_address *peers, size_t peer_count, struct way *way);

/* Releases what it holds. */
void way_release(struct host *host, struct way *way);

#endif
