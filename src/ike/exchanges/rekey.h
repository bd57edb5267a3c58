/*
 * Rekeying (RFC 7296 1.3.2, 1.3.3, 2.8, 2.25): Child SAs and IKE SAs get new keys before their lifetimes end,
 * without a packet lost, also when both ends start at the same time.
 */
#ifndef MUSUBI_IKE_EXCHANGES_REKEY_H
#define MUSUBI_IKE_EXCHANGES_REKEY_H

#include "ike/sa/ike_sa.h"

/* Milliseconds before the end of a lifetime at which a rekey starts (R60). */
enum { REKEY_MARGIN_IKE_SA = 30000, REKEY_MARGIN_CHILD = 60000 };

/*
 * How long after its start an SA of `lifetime` milliseconds is rekeyed by this end (S24): the initiator acts
 * at the margin, or at half of a lifetime that is not longer; the other end a little later, if it is still
 * needed.
 */
msec_t rekey_delay(struct ike_engine *engine, msec_t lifetime, msec_t margin, bool initiator);

/* How long to wait before a rekey that the peer put off (TEMPORARY_FAILURE) is tried again. */
msec_t rekey_retry_delay(struct ike_engine *engine, msec_t expires);

/* True if this end may start rekeys in the tunnel (R49, R63; not while it is shut down). */
bool rekey_is_allowed(const struct ike_tunnel *tunnel);

extern const struct ike_task_kind task_rekey_child;
extern const struct ike_task_kind task_rekey_ike_sa;

/* Our own rekey of the IKE SA was saved while its shared secret was being computed: has it computed again. */
void rekey_ike_sa_resume(struct ike_sa *sa);

/* The timers of a Child SA and of an IKE SA are due. */
void rekey_child_fire(struct ike_engine *engine, void *owner);
void rekey_ike_sa_fire(struct ike_engine *engine, void *owner);

/* The peer's request to rekey the IKE SA; those for Child SAs are answered in create_child_sa.c. */
void rekey_ike_sa_request(struct ike_sa *sa, const struct ike_message *message);

/*
 * The peer has sent a request on `sa`, which it made from an IKE SA that we are rekeying too. If it uses it,
 * it has decided that its own new SA wins (RFC 7296 2.8.2), and so it does.
 */
void rekey_ike_sa_settle(struct ike_sa *sa, const struct ike_message *message);

/* `sa` ends, which the peer has rekeyed while our own rekey is under way: the peer's new SA takes over. */
void rekey_ike_sa_yield(struct ike_sa *sa);

#endif
