/*
 * Dead peer detection (R62, RFC 7296 2.4): an empty INFORMATIONAL request at every interval in which no IKE
 * message of the SA went or came.
 */
#ifndef MUSUBI_IKE_EXCHANGES_LIVENESS_H
#define MUSUBI_IKE_EXCHANGES_LIVENESS_H

#include "ike/sa/ike_sa.h"

/* Starts dead peer detection, as far as the tunnel's policy and the other IKE SAs with the peer want it. */
void liveness_start(struct ike_sa *sa);

/* Its timer is due. */
void liveness_fire(struct ike_engine *engine, void *owner);

extern const struct ike_task_kind task_liveness;

#endif
