/*
 * What the log says of exchanges within an IKE SA that fail: of negotiations as such (S34), of others by
 * their names.
 */
#ifndef MUSUBI_IKE_REASONS_EXCHANGE_FAILURE_H
#define MUSUBI_IKE_REASONS_EXCHANGE_FAILURE_H

#include "ike/sa/ike_sa.h"

/* The peer has not answered our request in time (R15); or only somebody who refuses, in the clear. */
void exchange_failure_of_silence(const struct ike_sa *sa, const struct ike_task *task);

/* The peer answers our request with INVALID_SYNTAX. */
void exchange_failure_of_invalid_syntax(const struct ike_sa *sa, const struct ike_task *task);

/* The peer's answer to a request of ours cannot be read, though its sender has the keys. */
void exchange_failure_of_answer(const struct ike_sa *sa, const struct ike_task *task,
                                enum message_fault fault, uint8_t payload_type);

/* A request of the peer's is no proper one; `wrong` says why: "is malformed". */
void exchange_failure_of_request(const struct ike_sa *sa, enum exchange_type exchange, const char *wrong);

#endif
