/*
 * The protected messages of an IKE SA: sealed with its keys, in fragments where they are large, and opened
 * again.
 */
#ifndef MUSUBI_IKE_SA_SEALED_H
#define MUSUBI_IKE_SA_SEALED_H

#include "ike/sa/ike_sa.h"

/*
 * Seals a chain of payloads. Returns the message, or the messages of all its fragments one after the other,
 * in the engine's scratch; no octets if that cannot be done.
 */
struct octets ike_sa_seal(struct ike_sa *sa, enum exchange_type exchange, bool response, uint32_t message_id,
                          const struct message_writer *inner);

/*
 * Decrypts a datagram and parses what is inside. False if it is not the peer's, or not yet all of a message.
 * Else `*fault` and `*payload_type` are as of ike_payloads_parse, and `message` points into the engine's
 * scratch.
 */
bool ike_sa_open(struct ike_sa *sa, const struct ike_header *header, struct octets datagram,
                 struct ike_message *message, enum message_fault *fault, uint8_t *payload_type);

/*
 * Whether a datagram with a request that was answered before is the peer's, and is to be answered again. A
 * whole message is, and of several fragments only the first (RFC 7383 2.6.1), so that the answer is not sent
 * once for each.
 */
bool ike_sa_asks_again(struct ike_sa *sa, const struct ike_header *header, struct octets datagram);

#endif
