/*
 * Which tunnel a negotiation is for that the peer starts (S22). IKE_SA_INIT carries no ID, so several tunnels
 * may be meant; IKE_AUTH brings the IDs, which tell the tunnel.
 */
#ifndef MUSUBI_IKE_SA_CANDIDATES_H
#define MUSUBI_IKE_SA_CANDIDATES_H

#include "ike/sa/tunnel.h"
#include "ike/wire/proposal.h"

/* Where a message came from and to; what the candidates of a negotiation depend on. */
struct arrival {
    const struct ip_endpoint *local, *remote;
    uint32_t ifindex;
};

/*
 * The outgoing interface of an answer; `ifindex` is that of the route. A link-local peer can be reached only
 * by the arrival interface.
 */
uint32_t arrival_outgoing(const struct arrival *arrival, uint32_t ifindex);

/*
 * Goes through the groups of the tunnels that are candidates of an arrival, in no order: those that name the
 * peer's address; if there are none, those that name no address. `candidates_next` returns NULL after the
 * last one.
 */
struct candidate_walk {
    const struct arrival *arrival;
    bool by_address;
    struct tunnel_group *next;
};
struct candidate_walk candidates_begin(const struct ike_engine *engine, const struct arrival *arrival);
struct tunnel_group *candidates_next(struct candidate_walk *walk);

/* What keeps a tunnel from being a candidate of an arrival, but for the peer's address. */
enum obstacle {
    OBSTACLE_NONE,
    OBSTACLE_GAP,                /* its config is not complete */
    OBSTACLE_SHUT_DOWN,          /* it is shut down */
    OBSTACLE_DIRECTION,          /* it may only begin */
    OBSTACLE_NO_SOURCE,          /* its source interface has no address */
    OBSTACLE_NO_INTERFACE,       /* its outgoing interface is missing */
    OBSTACLE_SOURCE,             /* it answers at another address */
    OBSTACLE_INTERFACE,          /* it answers on another interface */
    OBSTACLE_FAMILY_OF_THE_NAME, /* its peer's name is resolved in the other family */
};

/* The first obstacle that a tunnel has, in that order. */
enum obstacle candidate_obstacle(const struct ike_tunnel *tunnel, const struct arrival *arrival);

/* Returns how many candidates there are, and the first `capacity` of them by number in `out`. */
size_t candidates_list(const struct ike_engine *engine, const struct arrival *arrival,
                       const struct ike_tunnel **out, size_t capacity);

/* Adds the lines of the config where settings of the candidates come from. */
void candidates_add_lines(const struct ike_engine *engine, const struct arrival *arrival,
                          setting_set settings, struct setting_lines *lines);

/* The newest candidate that allows a suite; NULL if there is none. */
const struct ike_tunnel *candidates_with_suite(const struct ike_engine *engine, const struct arrival *arrival,
                                               const struct ike_suite *suite);

enum { CANDIDATE_AUTHORITIES_MAX = 16 }; /* CAs that one CERTREQ names */

/* How the candidates together answer an IKE_SA_INIT. */
struct candidates {
    size_t count;
    struct proposal_choice choice; /* the most secure that one of them allows */
    enum proposal_result result;
    uint32_t ifindex, mark; /* of the route of the newest one that has a mark, else of the oldest one */
    bool nat_traversal;     /* one of them has it */
    bool nat_force;
    /* The CAs by which they authenticate peers (RFC 7296 3.7); those of some, if there are too many. */
    uint8_t authorities[CANDIDATE_AUTHORITIES_MAX][AUTHORITY_SIZE];
    size_t authority_count;
};

/* Collects the candidates of an IKE_SA_INIT with the SA payload `sa`; without a choice if it is NULL. */
struct candidates candidates_of_init(const struct ike_engine *engine, const struct arrival *arrival,
                                     const struct ike_payload *sa);

/* The outgoing interface and the mark of a datagram that belongs to no SA; 0: none. */
struct answer_route {
    uint32_t ifindex, mark;
};

/*
 * The route of an answer to an arrival that tells no more of its tunnel: that of the candidates, since a peer
 * may be reached by their pinned route alone (R44). No candidate is looked for unless some tunnel has a route
 * of its own: under load no message is to cost that.
 */
struct answer_route candidates_route(const struct ike_engine *engine, const struct arrival *arrival);

/*
 * The candidate whose peer ID is `idi`; where there are several, the one whose own ID is `idr` (may be NULL).
 * NULL if there is none.
 */
struct ike_tunnel *candidates_find(const struct ike_engine *engine, const struct arrival *arrival,
                                   const struct identity *idi, const struct identity *idr);

/* This end's ID on a tunnel: the configured one, or the source address (S17). */
struct identity tunnel_local_identity(const struct ike_tunnel *tunnel, const struct ip_address *local);

/* Whether a tunnel's policy allows a suite that was chosen before the tunnel was known. */
bool tunnel_allows_suite(const struct ike_tunnel *tunnel, const struct ike_suite *suite);

#endif
