/*
 * Tunnels: what the config says of one, where its peer is, its IKE SAs, and whether it is up (R64).
 */
#ifndef MUSUBI_IKE_SA_TUNNEL_H
#define MUSUBI_IKE_SA_TUNNEL_H

#include "ike/sa/damping.h"
#include "ike/sa/life_log.h"
#include "ike/sa/objects.h"
#include "ike/services/log.h"
#include "ike/services/timer.h"

enum {
    CHILDREN_MAX = 16,       /* Child SAs of one tunnel (S38) */
    NARROWINGS_MAX = 4,      /* grants that are remembered (S42) */
    TUNNEL_FAILURES_MAX = 4, /* failed negotiations that are remembered */
    /* Milliseconds that a tunnel has to be up until its failures are forgotten: a peer may refuse each SA
     * that it has just made. */
    TUNNEL_SETTLED = 60000,
};

/* The last time that a peer with a known ID began an IKE SA from elsewhere (reasons/duplicate_id.h). */
struct take_over {
    struct ip_endpoint from, to; /* where the older IKE SA led, and the new one */
    msec_t at;
    unsigned turns; /* how often in turn between the two, this one included */
};

struct ike_tunnel {
    LIST_ENTRY(ike_tunnel) link;
    struct tunnel_policy policy;
    uint32_t slot; /* tells the owners of its Child SAs, see esp/owner.h */
    struct peer_route route;
    struct peer_route usable_route;      /* the last one that was usable; at first none is */
    bool policy_is_routed;               /* a usable route has come since the policy changed */
    struct tunnel_membership membership; /* among the tunnels that a peer may mean */
    struct ip_address *peer_addresses;   /* of its name (PEER_FQDN), peer_address_count of them */
    size_t peer_address_count;
    bool policy_is_newer;         /* no addresses of the name have come since it changed */
    bool peer_is_silent;          /* it did not answer, and its name was not looked up since (PEER_FQDN) */
    bool up;                      /* has an SA: the history has its `Create` */
    msec_t ignores_packets_until; /* after a failure the path may still ask for packets that have failed */
    LIST_HEAD(, ike_sa) sas;
    struct ike_timer auto_check;
    struct ike_timer begin_soon;        /* see connect_tunnel_soon */
    bool waits_to_begin;                /* many others negotiate (exchanges/connect.h) */
    TAILQ_ENTRY(ike_tunnel) begin_link; /* valid while it waits */
    struct damping damping;
    bool pkcs1; /* the peer has refused a signature with the other padding (exchanges/authentication.h) */
    uint64_t narrowings[NARROWINGS_MAX]; /* hashes of what the log has told that the peer granted */
    unsigned next_narrowing;             /* index of the oldest one */
    struct told_failure failures[TUNNEL_FAILURES_MAX]; /* since it was settled, or its policy changed */
    msec_t settled; /* when it will have been up for long, or was; MSEC_NEVER: it is down, or that is noted */
    bool overlooked_nat_told;                             /* the log has told of it (S43) */
    struct told_failure one_way[TUNNEL_FAILURES_MAX];     /* Child SAs that only send (reasons/one_way.h) */
    struct told_failure refused_peers[REFUSED_PEERS_MAX]; /* that refuse each IKE SA (sa/life_log.h) */
    struct take_over take_over;
    struct told_failure duplicate_id;
};

/* The tunnel with a number; NULL if there is none. */
struct ike_tunnel *engine_tunnel(const struct ike_engine *engine, uint32_t number);

/* Adds a line to the event log. `tunnel` may be NULL. Costs nothing if the level is not wanted. */
__attribute__((format(printf, 5, 6))) void tunnel_log(struct ike_engine *engine,
                                                      const struct ike_tunnel *tunnel, enum log_level level,
                                                      enum log_function function, const char *format, ...);

/*
 * Whether a peer may make one more Child SA (S38). Those that were replaced or are being deleted do not
 * count, nor those of IKE SAs that INITIAL_CONTACT of `newcomer` ends. NULL: there is no INITIAL_CONTACT.
 */
bool tunnel_has_room(const struct ike_tunnel *tunnel, const struct ike_sa *newcomer);

/* What a tunnel has remembered of failed negotiations; nothing any more if it was up for TUNNEL_SETTLED. */
struct told_failure *tunnel_failures(struct ike_tunnel *tunnel, msec_t now);

/* A tunnel's Child SAs changed: tells the caller of the engine when the tunnel came up or went down (R64). */
void tunnel_update_state(struct ike_engine *engine, struct ike_tunnel *tunnel, const char *reason);

/* Tells the caller of the engine in any case. */
void tunnel_tell_state(struct ike_engine *engine, struct ike_tunnel *tunnel, const char *reason);

/* A negotiation of the tunnel has failed: waiting packets are dropped. */
void tunnel_negotiation_failed(struct ike_engine *engine, struct ike_tunnel *tunnel);

/* The same for the packets of one pair of addresses alone. */
void tunnel_packets_fail(struct ike_engine *engine, const struct ike_tunnel *tunnel,
                         const struct packet_pair *pair);

/*
 * True if the tunnel may begin a negotiation of its own accord now, for a packet or not, which then counts;
 * else the log says once that it holds back (S44).
 */
bool tunnel_begins(struct ike_engine *engine, struct ike_tunnel *tunnel, bool for_packet);

/* True if the name of the tunnel's peer has the address. */
bool tunnel_peer_has(const struct ike_tunnel *tunnel, const struct ip_address *address);

#endif
