/*
 * IKE_AUTH as initiator (RFC 7296 1.2, 2.21.2): sends our ID and AUTH with the request for the first Child
 * SA, and checks the peer's.
 */
#ifndef MUSUBI_IKE_EXCHANGES_IKE_AUTH_INITIATOR_H
#define MUSUBI_IKE_EXCHANGES_IKE_AUTH_INITIATOR_H

#include "ike/sa/ike_sa.h"

/* Begins after IKE_SA_INIT, when the keys are there. */
void ike_auth_start(struct ike_sa *sa);

extern const struct ike_task_kind task_ike_auth;

#endif
