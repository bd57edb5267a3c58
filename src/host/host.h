/*
 * All that Musubi asks of Linux's network, kept as the config wants it (S16).
 *
 * The keeper opens one of these, declares by host_apply what it wants, polls host_fd, and calls host_handle
 * when that is readable or the time of host_due has come. What another program takes away is put back; what
 * was there before Musubi is left alone; what an earlier, dead musubid left over is adopted or removed by the
 * first host_apply. host_teardown removes all that is ours.
 *
 * One thread may use it. The callbacks run inside of host_apply, host_handle and host_pin_route, and must not
 * call these.
 */
#ifndef MUSUBI_HOST_HOST_H
#define MUSUBI_HOST_HOST_H

#include "base/deadline.h"
#include "host/inventory.h"
#include "host/plan.h"

enum host_event_kind {
    HOST_EVENT_LINK, /* new or changed: name, MTU, up, carrier */
    HOST_EVENT_LINK_GONE,
    HOST_EVENT_ADDRESS, /* new, or its usability changed */
    HOST_EVENT_ADDRESS_GONE,
    HOST_EVENT_ROUTE,          /* a route came, went or changed; `prefix` is its destination */
    HOST_EVENT_RULE,           /* a rule came or went: any lookup may now be answered otherwise */
    HOST_EVENT_RESYNC,         /* messages were lost: anything may have changed */
    HOST_EVENT_TUNNEL_REPLACED /* the device was made anew: host_tunnel_fd has another descriptor */
};

/* Something changed, whoever did it. With any of these host_lookup may answer otherwise than before, but for
 * HOST_EVENT_ROUTE only for destinations inside of `prefix` (or reached through it). */
struct host_event {
    enum host_event_kind kind;
    int link; /* index; 0 if it concerns none or several */
    char link_name[HOST_LINK_NAME_SIZE];
    struct ip_prefix prefix; /* of addresses and routes */
    uint32_t table;          /* of routes */
};

enum host_note_level {
    HOST_NOTE_WARNING, /* something that was asked for cannot be done */
    HOST_NOTE_NOTICE,  /* put back, adopted, removed */
};

struct host_listener {
    void (*event)(void *context, const struct host_event *event);              /* may be NULL */
    void (*note)(void *context, enum host_note_level level, const char *text); /* may be NULL */
    void *context;
};

/* What becomes of packets whose route leads into a Tunnel. Linux keeps the last of these when the processes
 * of Musubi die, but for TUNNEL_CARRIES, of which TUNNEL_DROPS is left (S48). */
enum host_tunnel_use {
    TUNNEL_DROPS,       /* they are dropped: a Tunnel that was just made */
    TUNNEL_PASSED_OVER, /* its routes are passed over, so they go elsewhere (R43, S20) */
    TUNNEL_CARRIES,     /* they come out of the descriptor */
};

struct host;

/*
 * Looks at the network namespace of the calling thread and takes it for this musubid; nothing is changed yet.
 * NULL with a reason if rights are missing or another musubid is there. `instance` (copied) goes into the
 * alias of our links.
 */
struct host *host_open(const char *instance, const struct host_listener *listener, struct host_error *err);

/*
 * Keeps in a file in `directory`, which stays the caller's and open, what Linux had before it was changed,
 * until host_teardown gives it back; takes over what a musubid has left there that was killed. To be called
 * before host_apply; without it nothing is kept.
 */
void host_remember(struct host *host, int directory);

/* To be polled for reading. */
int host_fd(const struct host *host);

/* Takes in what the kernel reported, calls back for each event, and puts back what is missing. */
bool host_handle(struct host *host, msec_t now, struct host_error *err);

/* When host_handle is to be called next even if there is nothing to read; MSEC_NEVER if there is no need. */
msec_t host_due(const struct host *host);

/*
 * Makes Linux agree with `plan`, which is copied and replaces the one before. What of it cannot be done is
 * said by a note (once), does not stop the rest, and is tried again whenever something changed. False only
 * when the kernel cannot be talked to or memory ran out.
 */
bool host_apply(struct host *host, const struct host_plan *plan, msec_t now, struct host_error *err);

/* The descriptor of a Tunnel's device, which stays with `host` (duplicate it to hand it on); -1 if there is
 * none, the note said why. */
int host_tunnel_fd(const struct host *host, const char *name);

/*
 * Sets what becomes of a Tunnel's packets; remembered for when the device must be made anew. One that was
 * left dropping by a musubid that died is held: while its peer has had no time to answer, its packets must
 * not go elsewhere. It is passed over only after it has carried, or after host_release_tunnels.
 */
bool host_use_tunnel(struct host *host, const char *name, enum host_tunnel_use use, struct host_error *err);
void host_release_tunnels(struct host *host);

/* True if there were Tunnels of an earlier musubid when the host was opened. */
bool host_found_tunnels(const struct host *host);

/*
 * A pinned route (R44): what carries `*mark` leaves by `link` to `next_hop` (`family` decides if that is
 * IP_NONE: straight out of the link), whatever the routing table says; while that is impossible it is
 * answered with "unreachable". The same link and next hop give the same mark; each taking needs a release.
 */
bool host_pin_route(struct host *host, const char *link, enum ip_family family,
                    const struct ip_address *next_hop, uint32_t *mark, struct host_error *err);
void host_unpin_route(struct host *host, uint32_t mark);

/* Where a packet would go now, see host/route.h. */
bool host_lookup(struct host *host, const struct host_route_question *question,
                 struct host_route_answer *answer, struct host_error *err);

/* The links and their addresses as last heard. */
const struct inventory *host_inventory(const struct host *host);

/*
 * The address that stands for a link: one of the plan's, else the first that Linux has there
 * (inventory_primary). NULL if there is no usable one of that family.
 */
const struct host_ifaddr *host_primary_address(const struct host *host, const struct inventory_link *link,
                                               enum ip_family family);

/* A socket for other questions of this folder (host_route_list ...), to be used between calls of `host`. */
struct netlink *host_netlink(const struct host *host);

/* Removes all that is ours and nothing else, gives ports and forwarding their old values back, and frees
 * `host`. `host` may be NULL. */
void host_teardown(struct host *host);

/* Frees `host` and leaves all in place for the next start to adopt. */
void host_leave(struct host *host);

#endif
