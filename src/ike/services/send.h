/*
 * Datagrams that the engine sends.
 */
#ifndef MUSUBI_IKE_SERVICES_SEND_H
#define MUSUBI_IKE_SERVICES_SEND_H

#include "ike/services/engine.h"
#include "ike/wire/message.h"

/*
 * Sends octets from `local` to `remote`, by the interface and with the mark given (0: none). `tunnel` is the
 * number of the tunnel that they belong to; 0 if that is not known.
 */
void engine_send(struct ike_engine *engine, uint32_t tunnel, const struct ip_endpoint *local,
                 const struct ip_endpoint *remote, uint32_t ifindex, uint32_t mark, struct octets message);

/*
 * Answers a request that belongs to no IKE SA with one notify, in the clear, and keeps no state (RFC
 * 7296 1.5, 2.5, 2.6). `ifindex` and `mark` as in engine_send.
 */
void engine_answer_in_clear(struct ike_engine *engine, const struct ip_endpoint *local,
                            const struct ip_endpoint *remote, uint32_t ifindex, uint32_t mark,
                            const struct ike_header *request, uint16_t notify, struct octets content);

#endif
