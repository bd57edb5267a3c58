/*
 * IKE_SA_INIT (RFC 7296 1.2, 2.6, 2.7, 2.10, 2.14): both ends agree on algorithms, exchange nonces and
 * shares of a key exchange, and derive the keys of the IKE SA.
 */
#ifndef MUSUBI_IKE_EXCHANGES_IKE_SA_INIT_H
#define MUSUBI_IKE_EXCHANGES_IKE_SA_INIT_H

#include "ike/sa/ike_sa.h"

/* As initiator: starts a negotiation for a tunnel that has a usable route to its peer. */
void ike_sa_init_start(struct ike_engine *engine, struct ike_tunnel *tunnel);

/* As initiator: takes in an answer that `sa` waits for. It is not authenticated. */
void ike_sa_init_response(struct ike_sa *sa, const struct ike_message *message, struct octets datagram);

/* As responder: answers a request, the first message of an initiator. */
void ike_sa_init_request(struct ike_engine *engine, const struct ip_endpoint *local,
                         const struct ip_endpoint *remote, uint32_t ifindex, struct octets datagram,
                         const struct ike_message *message);

/* As responder: refuses a request with a critical payload of a type that is not known (RFC 7296 2.5). */
void ike_sa_init_critical(struct ike_engine *engine, const struct ip_endpoint *local,
                          const struct ip_endpoint *remote, uint32_t ifindex,
                          const struct ike_header *request, uint8_t payload_type);

extern const struct ike_task_kind task_ike_sa_init;

#endif
