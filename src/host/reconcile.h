/*
 * Inside of host/: what stands behind struct host, and the steps that make the kernel agree with the plan.
 * Each step compares what is with what is wanted, both sorted, and may be run at any time again.
 */
#ifndef MUSUBI_HOST_RECONCILE_H
#define MUSUBI_HOST_RECONCILE_H

#include "host/host.h"
#include "host/rule.h"
#include "host/watch.h"

/* How far a wanted thing is. */
enum item_state {
    ITEM_NEW,
    ITEM_WAITING, /* for its link to be there and up */
    ITEM_THERE,   /* ours, in place */
    ITEM_FOREIGN, /* another program's stands in its place: left alone */
    ITEM_FAILED,
};

struct tunnel_item {
    struct plan_tunnel plan;
    enum item_state state;
    int failure;      /* errno of the last failure that was reported */
    int ipv6_failure; /* the same, for IPv6 alone */
    int fd;           /* -1: none */
    int link;         /* index of the device behind `fd` */
    bool carrier;
    bool configured; /* MTU, mark and settings have been made, and nobody is known to have changed them */
    bool set_up;     /* as we last set it */
};

struct port_item {
    struct plan_port plan;
    int link;         /* index of the link that was looked after; 0: none yet */
    bool set_up;      /* by us */
    uint32_t old_mtu; /* 0: not changed by us */
    int failure;
};

struct address_item {
    struct plan_address plan;
    enum item_state state;
    int failure;
};

struct route_item {
    struct plan_route plan;
    enum item_state state;
    int failure;
    struct host_route installed; /* ITEM_THERE: as we last saw it */
    struct host_route route;     /* this time: as it should be, if `ready` */
    bool ready;
    bool found; /* this time: it was there already */
};

struct way {
    char link[HOST_LINK_NAME_SIZE];
    enum ip_family family;
    struct ip_address next_hop;
    uint32_t number; /* mark and table are HOST_PIN_BASE + number */
    unsigned references;
    enum item_state state; /* of its rule */
    int failure;
};

struct forwarding {
    bool wanted;
    bool changed; /* by us: `old` is to be restored */
    bool old;
    int failure;
};

struct host {
    char *instance;
    struct host_listener listener;
    int lock;
    struct netlink *netlink;
    uint32_t port_id; /* of `netlink`: what carries it in a notification is the echo of our own order */
    struct watch *watch;
    struct inventory inventory;

    struct host_plan plan;       /* only its routes are kept: they are merged with those of the ways out */
    bool planned;                /* host_apply has been called */
    struct tunnel_item *tunnels; /* sorted by name */
    size_t tunnel_count;
    struct port_item *ports; /* sorted by name */
    size_t port_count;
    struct address_item *addresses; /* sorted by link and address */
    size_t address_count;
    struct route_item *routes; /* sorted by family, table, destination, metric, ... */
    size_t route_count;
    struct way *ways;
    size_t way_count, way_room;
    struct forwarding forward_v4, forward_v6;

    bool dirty;          /* the kernel may not agree with the plan */
    bool lost;           /* notifications were lost */
    bool put_back;       /* this pass restored what was taken away */
    msec_t next_pass;    /* no pass before */
    msec_t last_restore; /* when something was last put back */
    msec_t gap;          /* between passes; grows while another program keeps taking things away */
};

/* Tells the listener. */
void host_note(struct host *host, enum host_note_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reports a failure of `*failure`'s owner once, as long as it stays the same. */
void host_note_failure(struct host *host, int *failure, const struct host_error *reason);

/* Says that what stood in place was gone and is back. */
void host_note_put_back(struct host *host, const char *what);

/* Reads what the kernel reported and tells the listener. */
bool host_drain(struct host *host, struct host_error *err);

/* Brings the plan's wishes in, keeping the state of those that stay. What is wanted no more is taken away by
 * the next pass. */
bool tunnels_plan(struct host *host, const struct host_plan *plan, struct host_error *err);
bool ports_plan(struct host *host, const struct host_plan *plan, struct host_error *err);
bool addresses_plan(struct host *host, const struct host_plan *plan, struct host_error *err);
/* The routes of host->plan and of the ways out. */
bool routes_plan(struct host *host, struct host_error *err);

/* One step of a pass each. */
bool tunnels_reconcile(struct host *host, struct host_error *err);
bool ports_reconcile(struct host *host, struct host_error *err);
bool addresses_reconcile(struct host *host, struct host_error *err);
bool rules_reconcile(struct host *host, struct host_error *err);
bool routes_reconcile(struct host *host, struct host_error *err);
void forwarding_reconcile(struct host *host);

/* All steps. */
bool host_reconcile(struct host *host, msec_t now, struct host_error *err);

/* Frees, without touching the kernel; tunnels_free closes the descriptors. */
void tunnels_free(struct host *host);

/* Removes what is ours, for good. */
void tunnels_remove_all(struct host *host);
void ports_restore_all(struct host *host);
void addresses_remove_all(struct host *host);
void rules_remove_all(struct host *host);
void routes_remove_all(struct host *host);
void forwarding_restore(struct host *host);

/* An address of ours is taken off a link. Linux takes the routes by the link away together with its last
 * address: those that are missing then are no other program's doing. */
void routes_expect_loss(struct host *host, int link);

/* True if a route of the plan has this destination and table. */
bool routes_want(const struct host *host, const struct ip_prefix *destination, uint32_t table);

/* The Tunnel of that name or index; NULL if there is none. */
struct tunnel_item *tunnels_find(const struct host *host, const char *name);
struct tunnel_item *tunnels_find_link(const struct host *host, int link);

/* False if the link is a Tunnel, or carries our mark, and is not as it should be. */
bool tunnels_agree(const struct host *host, const struct host_link *link);

#endif
