/*
 * `show ikev2 explain`: what stands between a tunnel and carrying packets, step by step. The first step that
 * fails, or that has not happened yet, is marked, and those behind it wait for it.
 *
 *     Tunnel0.0 is stopped at IKE_AUTH
 *       ok     Config       complete, as it is since 2026/11/26 08:00:00
 *       ...
 *     > FAILS  IKE_AUTH     since 2026/11/26 08:00:10: negotiation failed: ...; line 12
 *       waits  Child SA     for IKE_AUTH
 */
#ifndef MUSUBI_DAEMON_SHOW_EXPLAIN_H
#define MUSUBI_DAEMON_SHOW_EXPLAIN_H

#include "config/policy.h"
#include "daemon/ipc/text.h"
#include "daemon/show/old_settings.h"
#include "daemon/state/history.h"
#include "ike/sa/record.h"
#include "path/path.h"

enum explain_step {
    EXPLAIN_CONFIG,
    EXPLAIN_DEVICE,
    EXPLAIN_LINK,
    EXPLAIN_ADDRESS,
    EXPLAIN_NAME,
    EXPLAIN_ROUTE,
    EXPLAIN_SA_INIT,
    EXPLAIN_AUTH,
    EXPLAIN_CHILD_SA,
    EXPLAIN_SELECTORS,
    EXPLAIN_OUT,
    EXPLAIN_IN,
    EXPLAIN_STEP_COUNT
};

/* What fails of the steps before IKE. */
struct explained_problem {
    enum explain_step step; /* EXPLAIN_STEP_COUNT: none */
    const char *text;       /* with the line of the config */
    time_t since;           /* 0: not known */
};

/* Negotiations that have failed since the tunnel had an SA. */
struct explained_failure {
    enum ike_step step; /* IKE_STEP_NONE: none has */
    const char *text;   /* of the last one */
    time_t at, since;   /* of the last one, of the first one at this step */
    size_t count;       /* at this step */
};

struct explained_tunnel {
    const struct tunnel_policy *policy;
    time_t configured; /* since when the config is as it is */
    struct explained_problem problem;
    /* The route to the peer. */
    const char *link;                         /* "GigaEthernet0.0 (ge0)"; NULL: not known */
    struct ip_address source, peer, next_hop; /* IP_NONE: not known; no next hop */
    const char *dead_next_hop;                /* that it does not answer; NULL: nothing is wrong with it */
    time_t routed;                            /* since when it is as it is; 0: not known */
    /* IKE. */
    const struct ike_record *sa; /* the one that says most; NULL: there is none */
    msec_t now;                  /* CLOCK_BOOTTIME */
    msec_t wall;                 /* CLOCK_REALTIME then, in milliseconds */
    struct old_keys old_keys;
    struct explained_failure failure;
    const struct history *history;
    /* Packets. */
    const struct path_totals *totals;
    msec_t heard;       /* when the last packet came in by the Child SAs that there are; 0: none has */
    msec_t silent;      /* since when packets have only left by one of them (esp/live.h); 0: by none */
    const char *routes; /* that lead into the tunnel: "192.168.2.0/24 of line 40"; NULL: none of the config */
};

/* Appends what there is to say of a tunnel. */
void show_explanation(const struct explained_tunnel *tunnel, struct text *out);

#endif
