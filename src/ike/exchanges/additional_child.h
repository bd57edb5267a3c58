/*
 * Asks for the Child SAs that an IKE SA lacks beside those that it has (S38, RFC 7296 1.3.1, 2.9): for a
 * family that the peer has left out at once, for a pair of addresses when a packet needs it. Which ones they
 * are: sa/additional_children.h.
 */
#ifndef MUSUBI_IKE_EXCHANGES_ADDITIONAL_CHILD_H
#define MUSUBI_IKE_EXCHANGES_ADDITIONAL_CHILD_H

#include "ike/exchanges/ask_child.h"

/* What asks; one request at a time. */
extern const struct ike_task_kind task_additional_child;
extern const struct child_purpose child_purpose_additional;

/* As initiator, when the peer is authenticated and before the first Child SA is installed. */
void additional_children_begin(struct ike_sa *sa);

/* The peer answered IKE_AUTH with SINGLE_PAIR_REQUIRED: `sa`, just established, has no Child SA yet. */
void additional_children_begin_by_pair(struct ike_sa *sa);

/* The Child SAs have changed, or may be asked for again: asks for a family that is lacking. */
void additional_children_check(struct ike_sa *sa);
void additional_children_fire(struct ike_engine *engine, void *owner);

/*
 * A Child SA is gone, or could not be made. If there is none left the IKE SA is deleted, lest packets wait in
 * vain: the next one makes a new IKE SA. Else a family that is lacking now is asked for (S38).
 */
void additional_children_lost(struct ike_sa *sa, const char *reason);

/* A packet waits: asks for its pair if the peer wants it so. */
void additional_children_packet(struct ike_sa *sa, const struct packet_flow *flow);

/* The Child SAs of `old` have passed to `successor`. */
void additional_children_inherit(struct ike_sa *old, struct ike_sa *successor);

#endif
