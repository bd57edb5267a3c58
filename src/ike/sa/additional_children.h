/*
 * Which Child SAs an IKE SA lacks beside those that it has (S38, RFC 7296 2.9).
 *
 * Of what the policy proposes the peer may grant less. If it leaves out a whole family, that is lacking; a
 * peer that refuses it is not asked again in this IKE SA. If it wants each pair of addresses in a Child SA of
 * its own (SINGLE_PAIR_REQUIRED), one is lacking when a packet needs it. What lies beyond that is outside of
 * the agreed selectors (R71). exchanges/additional_child.h asks for them.
 */
#ifndef MUSUBI_IKE_SA_ADDITIONAL_CHILDREN_H
#define MUSUBI_IKE_SA_ADDITIONAL_CHILDREN_H

#include "ike/services/timer.h"
#include "ike/wire/child_exchange.h"

struct ike_sa;

/* How much the peer takes in one Child SA. */
enum child_scope {
    SCOPE_PROPOSED, /* all that the policy proposes, or what it makes of it */
    SCOPE_PAIR,     /* what the policy proposes between two addresses */
    SCOPE_FLOW,     /* one protocol and one port of each side between two addresses */
};

enum { REFUSED_PACKETS_MAX = 8 };

/*
 * A packet whose pair, or flow, was refused, until when it is not asked for again, and how often the peer's
 * answer could not be taken.
 */
struct refused_packet {
    struct packet_flow flow;
    msec_t until;
    unsigned unfit_answers;
};

/* Part of an IKE SA. */
struct additional_children {
    enum child_scope scope;
    bool ours;               /* this end asked for the first one; else the peer's selectors are all (R71) */
    uint8_t refused;         /* families that the peer refused (ike/wire/selectors.h) */
    uint8_t unfit;           /* of these, the families that are asked for once more when `again` fires */
    unsigned unfit_answers;  /* to requests for families */
    bool more_told;          /* to the packet path: other Child SAs are to come */
    struct packet_flow flow; /* of the packet that waits; family IP_NONE: of none that is known */
    struct ike_timer again;  /* while it runs nothing is asked for; then it is looked what is lacking */
    struct refused_packet refused_packets[REFUSED_PACKETS_MAX];
    unsigned next_refused; /* index of the oldest one */
};

/* What the policy proposes, of which the selectors alone matter here. */
struct child_request additional_children_proposed(const struct ike_sa *sa);

/* The families that the policy proposes and that no Child SA carries, but for those that the peer refused. */
uint8_t additional_children_lacking(const struct ike_sa *sa);

/* True if a current Child SA of `sa` carries the flow. */
bool additional_children_hold(const struct ike_sa *sa, const struct packet_flow *flow);

/* True if the IKE SA stays without a Child SA: packets get theirs when they come. */
bool additional_children_come_with_packets(const struct ike_sa *sa);

/* Whether other Child SAs are to come beside those that there are. */
bool additional_children_are_due(const struct ike_sa *sa);

/* The same, when a Child SA is handed to the packet path, which is told of it. */
bool additional_children_tell_due(struct ike_sa *sa);

/* No more are to come: packets that wait for what does not come are dropped (R71). */
void additional_children_complete(struct ike_sa *sa);

#endif
