/*
 * IKE_SA_INIT as responder (RFC 7296 1.2, 2.6, 2.7): answers the first message of an initiator, refuses it,
 * or demands a cookie. The initiator has sent no ID yet, so several tunnels may be meant (sa/candidates.h).
 */
#ifndef MUSUBI_IKE_EXCHANGES_IKE_SA_INIT_RESPONDER_H
#define MUSUBI_IKE_EXCHANGES_IKE_SA_INIT_RESPONDER_H

#include "ike/services/engine.h"
#include "ike/wire/message.h"

/* Answers a request, the message in `datagram`, which came to `local` by the interface `ifindex`. */
void ike_sa_init_request(struct ike_engine *engine, const struct ip_endpoint *local,
                         const struct ip_endpoint *remote, uint32_t ifindex, struct octets datagram,
                         const struct ike_message *message);

/* Refuses a request with a critical payload of an unknown type, `payload_type` (RFC 7296 2.5). */
void ike_sa_init_critical(struct ike_engine *engine, const struct ip_endpoint *local,
                          const struct ip_endpoint *remote, uint32_t ifindex,
                          const struct ike_header *request, uint8_t payload_type);

#endif
