/* What the log says of an IKE_SA_INIT that fails (S34), beside what refusal.h has for all exchanges. */
#ifndef MUSUBI_IKE_REASONS_INIT_FAILURE_H
#define MUSUBI_IKE_REASONS_INIT_FAILURE_H

#include "ike/reasons/failure.h"

/* As initiator: notes that the peer chose a proposal that was not offered. */
void init_failure_note_choice(struct ike_sa *sa, const struct ike_payload *offer);

/*
 * As responder: warns that a request is refused: it has no acceptable proposal, no valid share, or a critical
 * payload of an unknown type. A peer that does not get the answer asks again, with the same `key` (as in
 * engine->objects->half_open); that is logged once.
 */
void init_failure_of_request(struct ike_engine *engine, uint64_t key, const struct arrival *arrival,
                             const struct candidates *candidates, const struct ike_message *request);
void init_failure_of_critical(struct ike_engine *engine, uint64_t key, const struct arrival *arrival,
                              uint8_t type);

/* As responder: counts and tells a request that is dropped since no tunnel may answer it (S22). */
void init_failure_of_unknown_peer(struct ike_engine *engine, const struct arrival *arrival);

/* As responder: a half-open SA is given up, since no IKE_AUTH came or its AUTH was not checked in time. */
void init_failure_of_half_open(const struct ike_sa *sa);

#endif
