/*
 * Which Child SAs an IKE SA lacks beside those that it has (S38, S42, RFC 7296 2.9).
 *
 * Of what the policy proposes the peer may grant less. If it leaves out a whole family, that is lacking. If
 * it narrows the selectors, or wants each pair of addresses in a Child SA of its own (SINGLE_PAIR_REQUIRED),
 * one is lacking when a packet needs it. What the peer refuses is asked for again after a minute at the
 * soonest. What lies outside of the policy is outside of the agreed selectors (R71).
 * exchanges/additional_child.h asks for them.
 */
#ifndef MUSUBI_IKE_SA_ADDITIONAL_CHILDREN_H
#define MUSUBI_IKE_SA_ADDITIONAL_CHILDREN_H

#include "ike/sa/damping.h"
#include "ike/services/timer.h"
#include "ike/wire/child_exchange.h"

struct ike_sa;

/* How much the peer takes in one Child SA. */
enum child_scope {
    SCOPE_PROPOSED, /* all that the policy proposes, or what it makes of it */
    SCOPE_PAIR,     /* what the policy proposes between two addresses */
    SCOPE_FLOW,     /* one protocol and one port of each side between two addresses */
};

struct refused_packets;

/* Part of an IKE SA. */
struct additional_children {
    enum child_scope scope;
    bool ours;               /* this end asked for the first one; else the peer's selectors are all (R71) */
    bool more_told;          /* to the packet path: other Child SAs are to come */
    bool refusal_told;       /* the log has a warning that the peer refuses */
    bool failure_told;       /* the log has a warning that such a negotiation failed */
    uint8_t refused;         /* families that the peer refused; asked for once more when `again` fires */
    unsigned refusals;       /* of requests for families */
    struct ike_timer again;  /* while it runs no family is asked for; then it is looked what is lacking */
    unsigned postponed;      /* requests that the peer put off, one after the other */
    bool for_packet;         /* the request that is queued or under way is for `flow`, else for families */
    struct packet_flow flow; /* of the packet that waits; family IP_NONE: of none that is known */
    msec_t packets_after;    /* before that, nothing is asked for packets: the peer puts them off */
    struct damping *damping; /* counts refusals, and Child SAs that the peer deletes soon (S44); NULL: none */
    struct refused_packets *refused_packets; /* sa/refused_packets.h; NULL until one was refused */
};

/* Frees what is remembered of refusals and deletions: all may be asked for again. */
void additional_children_forget(struct additional_children *f);

/* What the policy proposes, of which the selectors alone matter here. */
struct child_request additional_children_proposed(const struct ike_sa *sa);

/* The families that the policy proposes and that no Child SA carries, but for those that the peer refused. */
uint8_t additional_children_lacking(const struct ike_sa *sa);

/* True if a current Child SA of `sa` carries the flow. */
bool additional_children_hold(const struct ike_sa *sa, const struct packet_flow *flow);

/* The families of which the policy proposes packets that no Child SA carries, but for those that were
 * refused.
 */
uint8_t additional_children_narrowed(const struct ike_sa *sa);

/* True if the IKE SA stays without a Child SA: packets get theirs when they come. */
bool additional_children_come_with_packets(const struct ike_sa *sa);

/* Whether other Child SAs are to come beside those that there are. */
bool additional_children_are_due(const struct ike_sa *sa);

/* The same, when a Child SA is handed to the packet path, which is told of it. */
bool additional_children_tell_due(struct ike_sa *sa);

/* Tells the packet path when that has changed. If none are to come, packets that wait are dropped (R71). */
void additional_children_tell(struct ike_sa *sa);

#endif
