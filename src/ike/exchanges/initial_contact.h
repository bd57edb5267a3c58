/*
 * Two IKE SAs of one tunnel: INITIAL_CONTACT takes away what a peer that restarted has forgotten, and of two
 * that both ends started at the same time one is closed (R14, S7, RFC 7296 2.4).
 */
#ifndef MUSUBI_IKE_EXCHANGES_INITIAL_CONTACT_H
#define MUSUBI_IKE_EXCHANGES_INITIAL_CONTACT_H

#include "ike/sa/ike_sa.h"

/* The tunnel of `sa`, not established yet, has got an IKE SA from the peer meanwhile. */
bool initial_contact_peer_was_first(const struct ike_sa *sa);

/* The peer began `sa` before it began another one with INITIAL_CONTACT: it has forgotten `sa`. */
bool initial_contact_is_stale(const struct ike_sa *sa);

/* True if we have no other IKE SA with the peer of `sa`, so that INITIAL_CONTACT may be said. */
bool initial_contact_is_true(const struct ike_sa *sa);

/* The peer of `sa`, just established, sent INITIAL_CONTACT. */
void initial_contact_received(struct ike_sa *sa);

/* `sa` is just established: decides which one stays if both ends have started one. */
void initial_contact_settle(struct ike_sa *sa);

/* True while `sa` is about to be closed since both ends started at once: no rekey of it is started. */
bool initial_contact_is_superfluous(const struct ike_sa *sa);

/* `old` was rekeyed: what was said of it, and what it was to confirm, holds for its successor. */
void initial_contact_rekeyed(struct ike_sa *old, struct ike_sa *successor);

/* Asks for life before the other one of two SAs is closed. */
extern const struct ike_task_kind task_confirm;

#endif
