/*
 * A datagram from the network: is it IKEv2, which IKE SA is it for (RFC 7296 2.1, 2.5, 2.6)?
 */
#ifndef MUSUBI_IKE_ENGINE_RECEIVE_H
#define MUSUBI_IKE_ENGINE_RECEIVE_H

#include "ike/services/engine.h"

/* Takes in a datagram: finds its IKE SA, or starts one. */
void engine_receive(struct ike_engine *engine, const struct ip_endpoint *local,
                    const struct ip_endpoint *remote, uint32_t ifindex, struct octets datagram);

/* IKE_EVENT_NOT_SENT: the message, or what has its header, does not count as sent. */
void engine_not_sent(struct ike_engine *engine, const struct ip_endpoint *remote, struct octets message,
                     int error);

#endif
