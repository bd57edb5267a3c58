/*
 * CREATE_CHILD_SA for the IKE SA itself (RFC 7296 1.3.2, 2.8.2, 2.18, 2.25.2): a new IKE SA takes over the
 * Child SAs of the old one, also when both ends start at the same time.
 */
#ifndef MUSUBI_IKE_EXCHANGES_REKEY_IKE_SA_H
#define MUSUBI_IKE_EXCHANGES_REKEY_IKE_SA_H

#include "ike/sa/ike_sa.h"

extern const struct ike_task_kind task_rekey_ike_sa;

/* The rekey timer of an IKE SA is due. */
void rekey_ike_sa_fire(struct ike_engine *engine, void *owner);

/* As initiator: continues a rekey that was saved while its shared secret was being computed. */
void rekey_ike_sa_resume(struct ike_sa *sa);

/* As responder: the peer's request to rekey the IKE SA. */
void rekey_ike_sa_request(struct ike_sa *sa, const struct ike_message *message);

/*
 * The peer has sent a request in `sa`, into which it has rekeyed an IKE SA that we are rekeying too. A peer
 * that uses its own new SA has decided that this one wins (RFC 7296 2.8.2): it takes over the Child SAs.
 */
void rekey_ike_sa_settle(struct ike_sa *sa, const struct ike_message *message);

/* `sa` ends. If the peer has rekeyed it while our own rekey is under way, the peer's new SA takes over. */
void rekey_ike_sa_yield(struct ike_sa *sa);

/* The config has changed: a rekey that the peer has refused is asked for again at once (S44). */
void rekey_ike_sa_ask_again(struct ike_sa *sa);

#endif
