/*
 * The Child SAs beside an IKE SA's first one that this end asks for (S38, RFC 7296 1.3.1, 2.9).
 *
 * Of what the policy proposes the peer may grant less. If it leaves out a whole family, that is asked for in
 * a Child SA of its own, at once; a peer that refuses it is not asked again in this IKE SA. If it wants each
 * pair of addresses in a Child SA of its own (SINGLE_PAIR_REQUIRED), one is asked for when a packet needs it.
 * What lies beyond that is outside of the agreed selectors (R71).
 */
#ifndef MUSUBI_IKE_EXCHANGES_ADDITIONAL_CHILD_H
#define MUSUBI_IKE_EXCHANGES_ADDITIONAL_CHILD_H

#include "ike/services/engine.h"

/* How much the peer takes in one Child SA. */
enum child_scope {
    SCOPE_PROPOSED, /* all that the policy proposes, or what it makes of it */
    SCOPE_PAIR,     /* what the policy proposes between two addresses */
    SCOPE_FLOW,     /* one protocol and one port of each side between two addresses */
};

enum { REFUSED_PACKETS_MAX = 8 };

/* A packet whose pair, or flow, was refused, and until when it is not asked for again. */
struct refused_packet {
    struct packet_flow flow;
    msec_t until;
};

/* Part of an IKE SA. */
struct additional_children {
    enum child_scope scope;
    bool ours;               /* this end asked for the first one; else the peer's selectors are all (R71) */
    uint8_t refused;         /* families that the peer refused (ike/selectors.h) */
    bool more_told;          /* to the packet path: other Child SAs are to come */
    struct packet_flow flow; /* of the packet that waits; family IP_NONE: of none that is known */
    struct ike_timer again;  /* while it runs nothing is asked for; then it is looked what is lacking */
    struct refused_packet refused_packets[REFUSED_PACKETS_MAX];
    unsigned next_refused; /* index of the oldest one */
};

/* What asks; one request at a time. */
extern const struct ike_task_kind task_additional_child;

/* As initiator, when the peer is authenticated and before the first Child SA is installed. */
void additional_children_begin(struct ike_sa *sa);

/* The peer answered IKE_AUTH with SINGLE_PAIR_REQUIRED: `sa`, just established, has no Child SA yet. */
void additional_children_begin_by_pair(struct ike_sa *sa);

/* Whether other Child SAs are to come beside one that is handed to the packet path now. */
bool additional_children_tell_due(struct ike_sa *sa);

/* True if the IKE SA stays without a Child SA: packets get theirs when they come. */
bool additional_children_come_with_packets(const struct ike_sa *sa);

/* The Child SAs have changed, or may be asked for again: asks for a family that is lacking. */
void additional_children_check(struct ike_sa *sa);
void additional_children_fire(struct ike_engine *engine, void *owner);

/* A packet waits: asks for its pair if the peer wants it so. */
void additional_children_packet(struct ike_sa *sa, const struct packet_flow *flow);

/* The Child SAs of `old` have passed to `successor`. */
void additional_children_inherit(struct ike_sa *old, struct ike_sa *successor);

#endif
