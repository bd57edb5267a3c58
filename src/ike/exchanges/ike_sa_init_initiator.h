/*
 * IKE_SA_INIT as initiator (RFC 7296 1.2, 2.6, 2.7, 2.10, 2.14): both ends agree on algorithms, exchange
 * nonces and shares of a key exchange, and derive the keys of the IKE SA. Then IKE_AUTH begins.
 */
#ifndef MUSUBI_IKE_EXCHANGES_IKE_SA_INIT_INITIATOR_H
#define MUSUBI_IKE_EXCHANGES_IKE_SA_INIT_INITIATOR_H

#include "ike/sa/ike_sa.h"

/* Starts a negotiation for a tunnel that has a usable route to its peer. */
void ike_sa_init_start(struct ike_engine *engine, struct ike_tunnel *tunnel);

/* Takes in an answer that `sa` waits for, the message in `datagram`, from `from`. It is not authenticated. */
void ike_sa_init_response(struct ike_sa *sa, const struct ike_message *message, struct octets datagram,
                          const struct ip_endpoint *from);

extern const struct ike_task_kind task_ike_sa_init;

#endif
