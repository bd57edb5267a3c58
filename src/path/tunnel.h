/*
 * A tunnel and its Child SAs as its owner worker sees them. The controller makes and frees both; between the
 * command that adds one and the command that removes it, it is the worker's.
 */
#ifndef MUSUBI_PATH_TUNNEL_H
#define MUSUBI_PATH_TUNNEL_H

#include "esp/sa.h"
#include "path/waiting.h"
#include "path/worker.h"

struct child {
    TAILQ_ENTRY(child) link;  /* in the worker's list of its tunnel */
    TAILQ_ENTRY(child) known; /* in the controller's */
    struct tunnel *tunnel;
    uint32_t spi;                                        /* inbound */
    bool active_at_once, active_when_used, more_to_come; /* as in struct child_settings */
    struct esp_sa *outbound;
    struct esp_sa *inbound;
    struct esp_live *live;
    bool live_is_fresh; /* the slot was free before */
    bool active;        /* packets may leave by it */
    bool stopped;       /* no packet may leave by it any more */
    bool use_told;      /* PATH_CHILD_USED */
    bool low_told;      /* PATH_SEQUENCE_LOW */

    struct wire_way way;
    struct ip_endpoint remote; /* port 0 unless encapsulated */
    msec_t moved_told;         /* when PATH_PEER_MOVED was raised last */

    msec_t keepalive; /* interval; 0: never */
    msec_t sent;      /* when the last packet, or keepalive, left; see keepalive.h */
    struct timer keepalive_timer;
};

TAILQ_HEAD(child_list, child);

struct tunnel {
    struct source source; /* first; the TUN device */
    uint32_t number;
    uint32_t mtu;               /* octets */
    uint64_t *totals;           /* indexed by enum esp_counter, in shared memory */
    struct child_list children; /* newest first (S38) */
    struct child_list known;    /* the controller's: those not asked to be removed */

    struct waiting waiting;
    bool flush;   /* an SA came up: waiting packets go before any that are read now */
    msec_t asked; /* when PATH_PACKET_WAITS was raised last */
    struct timer ask_timer;
};

/* Sets up all of a zeroed tunnel that does not come from the controller's call. */
void tunnel_prepare(struct tunnel *tunnel, int tun);

/*
 * The Child SA that an outbound packet leaves by: the newest active one whose selectors hold it (S38). NULL
 * if there is none; then `flow` says what the packet is, unless it is no IP packet: then flow->source.family
 * is IP_NONE.
 */
struct child *tunnel_choose(const struct tunnel *tunnel, struct octets packet, struct packet_flow *flow);

/* The newest active Child SA; NULL if packets have none to leave by. */
struct child *tunnel_active_child(const struct tunnel *tunnel);

/* Counts in the tunnel's totals. */
void tunnel_count(struct tunnel *tunnel, enum esp_counter counter, uint64_t n);

/* Takes a packet that has no SA to leave by: it waits, or is dropped and counted (R13, R71). */
void tunnel_hold(struct worker *worker, struct tunnel *tunnel, struct octets packet,
                 const struct packet_flow *flow);

/* Tells the controller that packets wait, at most once a second (S6). */
void tunnel_ask(struct worker *worker, struct tunnel *tunnel);

/* Drops and counts what waits of a pair. */
void tunnel_drop_waiting(struct worker *worker, struct tunnel *tunnel, const struct packet_pair *pair);

/* Counts in the Child SA and in its tunnel. */
void child_count(struct child *child, enum esp_counter counter, uint64_t n);

/* Makes a Child SA active; packets that wait in its tunnel are sent at the next turn. */
void child_activate(struct worker *worker, struct child *child);

/* Makes a Child SA inactive for good. */
void child_stop(struct child *child);

/* No other Child SA is to come for what this one does not hold; what waited for one is looked at again. */
void child_complete(struct worker *worker, struct child *child);

#endif
