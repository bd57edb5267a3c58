/*
 * Cookies (RFC 7296 2.6, R16): under half-open load an initiator must first show that it can be reached at
 * its address, before any state is kept for it or arithmetic done.
 */
#ifndef MUSUBI_IKE_EXCHANGES_COOKIE_H
#define MUSUBI_IKE_EXCHANGES_COOKIE_H

#include "ike/sa/objects.h"
#include "ike/wire/message.h"

/* Whether an IKE_SA_INIT request from `remote` needs a cookie and brings no valid one. `nonce` is its own. */
bool cookie_is_missing(struct ike_engine *engine, const struct ip_endpoint *remote,
                       const struct ike_message *request, struct octets nonce);

/* Answers such a request, which came to `local`, with a cookie; `ifindex` and `mark` as in engine_send. */
void cookie_demand(struct ike_engine *engine, const struct ip_endpoint *local,
                   const struct ip_endpoint *remote, uint32_t ifindex, uint32_t mark,
                   const struct ike_message *request, struct octets nonce);

#endif
