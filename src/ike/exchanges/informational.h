/*
 * INFORMATIONAL (RFC 7296 1.4): DELETE of IKE SAs and Child SAs, and the empty request that asks whether the
 * peer is alive.
 */
#ifndef MUSUBI_IKE_EXCHANGES_INFORMATIONAL_H
#define MUSUBI_IKE_EXCHANGES_INFORMATIONAL_H

#include "ike/sa/ike_sa.h"

/* The peer's request. */
void informational_request(struct ike_sa *sa, const struct ike_message *message);

/* Our DELETEs. */
extern const struct ike_task_kind task_delete_ike_sa;
extern const struct ike_task_kind task_delete_child_sa;

#endif
