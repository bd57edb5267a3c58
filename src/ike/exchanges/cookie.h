/*
 * Cookies (RFC 7296 2.6, R16): under half-open load an initiator must first show that it can be reached at
 * its address, before any state is kept for it or arithmetic done.
 */
#ifndef MUSUBI_IKE_EXCHANGES_COOKIE_H
#define MUSUBI_IKE_EXCHANGES_COOKIE_H

#include "ike/sa/objects.h"
#include "ike/wire/message.h"

enum cookie_verdict {
    COOKIE_NOT_NEEDED, /* there is no load, or the request brings a valid one */
    COOKIE_DEMANDED,   /* the request was answered with one */
};

/*
 * Looks at an IKE_SA_INIT request that came from `remote` to `local`; `ifindex` and `mark` are for the
 * answer. `nonce` is the request's.
 */
enum cookie_verdict cookie_check(struct ike_engine *engine, const struct ip_endpoint *local,
                                 const struct ip_endpoint *remote, uint32_t ifindex, uint32_t mark,
                                 const struct ike_message *request, struct octets nonce);

#endif
