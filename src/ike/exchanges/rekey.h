/*
 * Rekeying (RFC 7296 1.3.2, 1.3.3, 2.8, 2.25): Child SAs and IKE SAs get new keys before their lifetimes end,
 * without a packet lost, also when both ends start at the same time.
 */
#ifndef MUSUBI_IKE_EXCHANGES_REKEY_H
#define MUSUBI_IKE_EXCHANGES_REKEY_H

#include "ike/sa/ike_sa.h"
#include "ike/sa/rekey_schedule.h"

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
