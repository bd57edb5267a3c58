/*
 * Which tunnel an incoming negotiation is for (S22). IKE_SA_INIT carries no ID, so that several tunnels may
 * be meant; the tunnel is known when IKE_AUTH brings the IDs.
 */
#ifndef MUSUBI_IKE_CANDIDATES_H
#define MUSUBI_IKE_CANDIDATES_H

#include "ike/engine.h"
#include "ike/proposal.h"

/* Where a message came from and to; what the candidates of a negotiation depend on. */
struct arrival {
    const struct ip_endpoint *local, *remote;
    uint32_t ifindex;
};

/* What the candidates together say on an IKE_SA_INIT. */
struct candidates {
    size_t count;
    struct proposal_choice choice; /* the most secure that one of them allows */
    enum proposal_result result;
    uint32_t ifindex, mark; /* the way out of the first that has one of its own */
    bool nat_traversal;     /* one of them has it */
    bool nat_force;
    const struct ike_tunnel *first;  /* for the log when there is but one */
    struct proposal_policy accepted; /* the union of what they allow, for the log */
};

/* Collects the candidates of an IKE_SA_INIT with the SA payload `sa`. */
struct candidates candidates_of_init(const struct ike_engine *engine, const struct arrival *arrival,
                                     const struct ike_payload *sa);

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
