/*
 * Rekeying of Child SAs as initiator (RFC 7296 1.3.3, 2.8, 2.8.1, 2.25.1): a Child SA gets a successor before
 * its lifetime ends, without a packet lost, also when both ends start at the same time. As responder:
 * create_child_sa.h.
 */
#ifndef MUSUBI_IKE_EXCHANGES_REKEY_CHILD_H
#define MUSUBI_IKE_EXCHANGES_REKEY_CHILD_H

#include "ike/exchanges/ask_child.h"

extern const struct ike_task_kind task_rekey_child;
extern const struct child_purpose child_purpose_rekey;

/* The rekey timer of a Child SA is due, or its sequence numbers run out. */
void rekey_child_fire(struct ike_engine *engine, void *owner);

/* The config has changed: what the peer has refused to rekey is asked for again at once (S44). */
void rekey_child_ask_again(struct ike_sa *sa);

#endif
