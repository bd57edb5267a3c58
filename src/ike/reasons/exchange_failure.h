/*
 * What the log says of exchanges within an IKE SA that fail: of negotiations as such (S34), of others by
 * their names.
 */
#ifndef MUSUBI_IKE_REASONS_EXCHANGE_FAILURE_H
#define MUSUBI_IKE_REASONS_EXCHANGE_FAILURE_H

#include "ike/sa/ike_sa.h"
#include "ike/sa/upper.h"

/* The table that sa/ calls. */
extern const struct ike_reasons ike_reasons;

/* A request of the peer is invalid; `wrong` says why: "is malformed". */
void exchange_failure_of_request(const struct ike_sa *sa, enum exchange_type exchange, const char *wrong);

#endif
