/*
 * `show interfaces`: the config's interfaces, whether they are up, and of a Tunnel why not.
 */
#ifndef MUSUBI_DAEMON_SHOW_INTERFACES_H
#define MUSUBI_DAEMON_SHOW_INTERFACES_H

#include "config/host_settings.h"
#include "config/policy.h"
#include "daemon/ipc/text.h"
#include "host/host.h"
#include "host/port.h"
#include "ike/ike.h"
#include "path/path.h"

/* What is shown of a Tunnel beside its lines in the config. */
struct shown_tunnel {
    const struct tunnel_policy *policy;
    struct text problem;        /* why it is down; empty: it is up */
    struct peer_route route;    /* to the peer */
    int link;                   /* by which that leaves; 0: not known */
    struct ip_address next_hop; /* of that; IP_NONE: none */
    const char *failure;        /* of the last negotiation, if there was no SA since; NULL: none */
    time_t failed;              /* when that was */
    size_t failures;            /* that many at the same step so far */
    time_t failing;             /* when the first of them was */
    bool has_sa;
    time_t negotiating;          /* since when one is being made; 0: none is */
    struct ip_address sa_source; /* own address of its IKE SA; IP_NONE: not known */
    struct ip_address sa_peer;   /* where its peer is, behind a NAT the NAT; IP_NONE: not known */
    bool sa_is_given_up;         /* that address is not used any more (S40) */
    struct text old_settings;    /* that the SA was established with, a line each, see show/old_settings.h */
    struct path_totals totals;
    struct path_sizes sizes;
    struct path_tunnel settings;
};

struct shown_interfaces {
    const struct host_settings *settings;
    const struct port_table *ports;
    const struct inventory *inventory;
    struct path_worker_counters counters; /* of what belongs to no Tunnel */
    msec_t now;                           /* CLOCK_BOOTTIME */
    /* Fills in what is known of the Tunnel of that name; the caller frees its texts. False if it is none.
     */
    bool (*find_tunnel)(void *context, const char *name, struct shown_tunnel *out);
    void *context;
};

/* Why a Linux interface can't be used, in words; NULL if it can. `link` is NULL if there is none. */
const char *show_link_problem(const struct inventory_link *link);

/* Appends the interface `name`, or all if it is NULL. */
void show_interfaces(const struct shown_interfaces *shown, const char *name, struct text *out);

#endif
