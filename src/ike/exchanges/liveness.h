/*
 * Dead peer detection (R62, RFC 7296 2.4): an empty INFORMATIONAL request after each interval in which no IKE
 * message of the SA was sent or received.
 */
#ifndef MUSUBI_IKE_EXCHANGES_LIVENESS_H
#define MUSUBI_IKE_EXCHANGES_LIVENESS_H

#include "ike/sa/ike_sa.h"

/* Starts dead peer detection if the tunnel's policy, or another IKE SA with the peer, makes it necessary. */
void liveness_start(struct ike_sa *sa);

/* Its timer is due. */
void liveness_fire(struct ike_engine *engine, void *owner);

extern const struct ike_task_kind task_liveness;

/*
 * IKE_EVENT_CHILD_UNANSWERED: asks the peer, also without DPD, unless it has answered lately (S47). If it
 * answers and nothing comes in for minutes all the same, that is told.
 */
void liveness_unanswered(struct ike_engine *engine, uint32_t inbound_spi, bool never_heard);

#endif
