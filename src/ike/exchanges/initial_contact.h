/*
 * Two IKE SAs with one peer: INITIAL_CONTACT ends those that a peer has forgotten by a restart, and if both
 * ends started one at the same time, one of the two is closed (R14, S7, RFC 7296 2.4).
 */
#ifndef MUSUBI_IKE_EXCHANGES_INITIAL_CONTACT_H
#define MUSUBI_IKE_EXCHANGES_INITIAL_CONTACT_H

#include "ike/sa/ike_sa.h"

/* True if the peer has made an IKE SA since we began `sa`, which is not established yet. */
bool initial_contact_peer_was_first(const struct ike_sa *sa);

/* True if the peer began another IKE SA with INITIAL_CONTACT after `sa`: it has forgotten `sa`. */
bool initial_contact_is_stale(const struct ike_sa *sa);

/* True if there is no other IKE SA with the peer of `sa`, so that INITIAL_CONTACT may be sent. */
bool initial_contact_is_true(const struct ike_sa *sa);

/* The peer of `sa`, just established, sent INITIAL_CONTACT. */
void initial_contact_received(struct ike_sa *sa);

/* `sa` is just established: if both ends have started one, decides which one stays. */
void initial_contact_settle(struct ike_sa *sa);

/* True if `sa` will be closed since both ends started at the same time: it is not rekeyed. */
bool initial_contact_is_superfluous(const struct ike_sa *sa);

/* `old` was rekeyed: its successor takes its place in what was decided about two SAs. */
void initial_contact_rekeyed(struct ike_sa *old, struct ike_sa *successor);

/* Asks whether the peer is alive before the other one of two SAs is closed. */
extern const struct ike_task_kind task_confirm;

#endif
