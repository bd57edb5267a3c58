/*
 * IKE_AUTH as responder (RFC 7296 1.2): the peer's ID tells the tunnel (S22); the peer is authenticated, and
 * answered with our ID and AUTH and the first Child SA.
 */
#ifndef MUSUBI_IKE_EXCHANGES_IKE_AUTH_RESPONDER_H
#define MUSUBI_IKE_EXCHANGES_IKE_AUTH_RESPONDER_H

#include "ike/sa/ike_sa.h"

/* The peer's request. */
void ike_auth_request(struct ike_sa *sa, const struct ike_message *message);

#endif
