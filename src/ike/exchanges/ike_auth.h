/*
 * IKE_AUTH (RFC 7296 1.2, 2.15, 2.16, 3.5): both ends prove who they are, and the first Child SA is made.
 */
#ifndef MUSUBI_IKE_EXCHANGES_IKE_AUTH_H
#define MUSUBI_IKE_EXCHANGES_IKE_AUTH_H

#include "ike/sa/ike_sa.h"

/* As initiator: goes on after IKE_SA_INIT, when the keys are there. */
void ike_auth_start(struct ike_sa *sa);

/* As responder: the peer's request. */
void ike_auth_request(struct ike_sa *sa, const struct ike_message *message);

extern const struct ike_task_kind task_ike_auth;

#endif
