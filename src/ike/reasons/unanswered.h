/*
 * What the log says of a negotiation that a peer begins and no tunnel may answer (S22, S34): which tunnels
 * came near, and what keeps each from answering. It is told once for an address in an hour, and for a bounded
 * number of addresses: anybody can send such messages from any address.
 *
 *     IKE_SA_INIT from 10.1.0.1:500 to 10.2.0.1:500 is not answered: Tunnel0.0 has this peer, but is shut
 *     down (line 9)
 */
#ifndef MUSUBI_IKE_REASONS_UNANSWERED_H
#define MUSUBI_IKE_REASONS_UNANSWERED_H

#include "ike/sa/candidates.h"

/* Tells of an IKE_SA_INIT. */
void unanswered_tell(struct ike_engine *engine, const struct arrival *arrival);

/* Tells of the first message of a negotiation in IKEv1. */
void unanswered_tell_ikev1(struct ike_engine *engine, const struct arrival *arrival);

#endif
