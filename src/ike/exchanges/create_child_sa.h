/*
 * CREATE_CHILD_SA (RFC 7296 1.3) as responder: which of its three kinds a request is, and when it is refused
 * (2.25). As initiator: ask_child.h, rekey_ike_sa.h.
 */
#ifndef MUSUBI_IKE_EXCHANGES_CREATE_CHILD_SA_H
#define MUSUBI_IKE_EXCHANGES_CREATE_CHILD_SA_H

#include "ike/sa/ike_sa.h"

/* The peer's request. */
void create_child_sa_request(struct ike_sa *sa, const struct ike_message *message);

#endif
