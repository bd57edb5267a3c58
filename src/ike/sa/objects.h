/*
 * What an engine keeps from one event to the next, and how it is found. An engine has tunnels; a tunnel has
 * IKE SAs; an IKE SA has Child SAs and a queue of tasks, its own requests, one of which is under way at a
 * time (RFC 7296 2.3, window of 1).
 */
#ifndef MUSUBI_IKE_SA_OBJECTS_H
#define MUSUBI_IKE_SA_OBJECTS_H

#include "base/map.h"
#include "ike/sa/live_slots.h"
#include "ike/sa/repeated_failures.h"
#include "ike/sa/tunnel_group.h"
#include "ike/sa/unknown_senders.h"
#include "ike/services/engine.h"

#include <sys/queue.h>

struct ike_exchanges;
struct ike_reasons;
struct ike_sa;
struct ike_tunnel;

LIST_HEAD(ike_tunnel_list, ike_tunnel);
TAILQ_HEAD(ike_tunnel_queue, ike_tunnel);
LIST_HEAD(ike_sa_list, ike_sa);

/* The secrets of cookies: the current one, and the one before. */
struct cookie_secrets {
    uint8_t number; /* of the current one, modulo 256; its place is number & 1. 0 at first: none yet */
    msec_t changed;
    uint8_t secret[2][32];
};

enum {
    FAILURES_MAX = 64,         /* that are remembered, so that they are not told again */
    REFUSED_REQUESTS_MAX = 64, /* that are remembered, so that retransmissions are not logged again */
};

/* The IKE_SA_INIT requests that were refused last, in a ring; no other state is kept of them. */
struct refused_requests {
    struct {
        uint64_t key; /* as of `half_open` */
        msec_t time;
    } request[REFUSED_REQUESTS_MAX];
    size_t next;
};

/* How often something was done in the second that began at `since`. */
struct ike_budget {
    msec_t since;
    unsigned spent;
};

/* True if it may be done once more in this second, which is then counted. */
bool ike_budget_spend(struct ike_budget *budget, unsigned in_a_second, msec_t now);

/* How often something happens: how many times since `since`, and how many times in a second before that. */
struct ike_rate {
    msec_t since;
    uint64_t count;
    unsigned in_a_second;
};

struct ike_objects {
    const struct ike_exchanges *exchanges; /* sa/upper.h */
    const struct ike_reasons *reasons;

    struct map tunnels; /* by number */
    struct ike_tunnel_list tunnel_list;
    struct ike_tunnel_queue waiting_tunnels; /* to negotiate; the one that waits longest first */
    struct tunnel_groups groups;
    struct map sas;           /* IKE SAs by our own SPI */
    struct map jobs;          /* IKE SAs whose job is out, by the job's number */
    size_t look_ups;          /* of them, those that we begin and whose peer's name is looked up */
    struct map child_spis;    /* Child SAs by inbound SPI */
    struct ike_sa_list dirty; /* IKE SAs whose records are out of date */
    struct ike_sa_list all_sas;
    struct ike_sa_list destroyed; /* to be freed when the event is done */
    uint32_t next_ike_serial, next_esp_serial, next_job;
    struct live_slots slots;

    /* What is kept of peers that are not authenticated. */
    struct map half_open;              /* half-open IKE SAs by half_open_key */
    struct ike_sa_list half_open_list; /* the newest one first */
    size_t half_open_count;
    size_t half_open_octets;      /* of messages that they keep */
    struct ike_rate init_answers; /* our answers to IKE_SA_INIT */
    msec_t next_half_open_warning;
    struct cookie_secrets cookie_secrets;
    struct refused_requests refused;
    struct ike_budget stray_answers;    /* to IKE requests that belong to no SA */
    struct ike_budget unknown_spis;     /* looks into ESP for no SA */
    struct ike_budget unsent_answers;   /* lines about answers that can't leave */
    struct ike_budget unanswered_looks; /* for whom a negotiation was meant that is not answered */
    struct ike_budget hints;            /* looks into INVALID_SPI in the clear */
    struct unknown_senders unknown_senders;
    struct told_failure failures[FAILURES_MAX]; /* of negotiations whose tunnel is not known */
};

/* None yet; NULL if there is no memory. `seed` is that of the maps. */
struct ike_objects *ike_objects_new(uint64_t seed);

/* Frees the maps and lists, wiped. No tunnel or SA may be left. `objects` may be NULL. */
void ike_objects_free(struct ike_objects *objects);

#endif
