/*
 * Asks for additional Child SAs (S38, S42, RFC 7296 1.3.1, 2.9): at once for an address family that the peer
 * has left out, and for a packet that needs it: where the peer narrowed the selectors, or wants a Child SA
 * for each pair of addresses. sa/additional_children.h says which are lacking.
 */
#ifndef MUSUBI_IKE_EXCHANGES_ADDITIONAL_CHILD_H
#define MUSUBI_IKE_EXCHANGES_ADDITIONAL_CHILD_H

#include "ike/exchanges/ask_child.h"

/* The request; there is one at a time. */
extern const struct ike_task_kind task_additional_child;
extern const struct child_purpose child_purpose_additional;

/* As initiator, when the peer is authenticated and before the first Child SA is installed. */
void additional_children_begin(struct ike_sa *sa);

/* The peer answered IKE_AUTH with SINGLE_PAIR_REQUIRED: `sa`, just established, has no Child SA yet. */
void additional_children_begin_by_pair(struct ike_sa *sa);

/* The Child SAs have changed, or it is time to ask again: asks for a family that is lacking. */
void additional_children_check(struct ike_sa *sa);
void additional_children_fire(struct ike_engine *engine, void *owner);

/*
 * A Child SA is gone, or could not be made. If none is left, the IKE SA is deleted with `reason`, so that the
 * next packet starts a new one. Else asks for a family that is lacking now (S38).
 */
void additional_children_lost(struct ike_sa *sa, const char *reason);

/* The peer has deleted a Child SA: the same, but an IKE SA without one stays for a while (S45). */
void additional_children_deleted_by_peer(struct ike_sa *sa);

/* The peer deletes this one: counts if it has just been made (S44). */
void additional_children_note_deletion(struct ike_sa *sa, const struct child_sa *child);

/* The config has changed: what the peer refused is asked for again at once (S44). */
void additional_children_ask_again(struct ike_sa *sa);

/* An IKE SA that lost its last Child SA asks for one as the policy says. False if nothing is asked for. */
bool additional_children_begin_again(struct ike_sa *sa);

/* The IKE SA of an earlier engine goes on: asks for what is lacking, later for what was refused. */
void additional_children_resume(struct ike_sa *sa);

/* A packet waits: asks for a Child SA for it, if it gets none otherwise, or has it dropped. */
void additional_children_packet(struct ike_sa *sa, const struct packet_flow *flow);

/* The Child SAs of `old` now belong to `successor`: so does what was asked for and refused. */
void additional_children_inherit(struct ike_sa *old, struct ike_sa *successor);

#endif
