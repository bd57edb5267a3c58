/*
 * SA payloads (RFC 7296 3.3): what a policy proposes, which suite of a peer's proposals is chosen, and
 * whether a peer's choice was proposed at all.
 */
#ifndef MUSUBI_IKE_WIRE_PROPOSAL_H
#define MUSUBI_IKE_WIRE_PROPOSAL_H

#include "ike/wire/message.h"
#include "ike/wire/suite.h"

/*
 * Writes an SA payload that proposes all of `policy`, AEAD and others in separate proposals, strongest first.
 * `spi` goes into each proposal (4 octets for ESP; none for the first IKE SA, 8 for a rekey).
 */
void proposal_put_all(struct message_writer *m, const struct proposal_policy *policy, struct octets spi);

/* Writes an SA payload with one proposal, `number`, that is the suite. */
void proposal_put_choice(struct message_writer *m, uint8_t protocol, uint8_t number, struct octets spi,
                         const struct ike_suite *suite);

struct proposal_choice {
    struct ike_suite suite;
    uint8_t number;    /* of the proposal that holds it */
    struct octets spi; /* of that proposal, in place */
};

enum proposal_result {
    PROPOSAL_CHOSEN,
    PROPOSAL_NONE,    /* nothing in common */
    PROPOSAL_INVALID, /* not an SA payload by RFC 7296 3.3: INVALID_SYNTAX */
};

/*
 * Chooses the most secure suite that some proposal of the SA payload `sa` offers and `policy` allows, with
 * SPIs of `spi_size` octets.
 */
enum proposal_result proposal_choose(const struct ike_payload *sa, const struct proposal_policy *policy,
                                     size_t spi_size, struct proposal_choice *out);

/*
 * Reads a responder's choice: exactly one proposal with one transform of each type, all of which `policy`
 * proposed under the same number (RFC 7296 3.3.1). PROPOSAL_NONE if it is something that was not proposed.
 */
enum proposal_result proposal_accept(const struct ike_payload *sa, const struct proposal_policy *policy,
                                     size_t spi_size, struct proposal_choice *out);

/* The number of a choice that fits but for its number, unless that is 0; else 0. */
uint8_t proposal_wrong_number(const struct ike_payload *sa, const struct proposal_policy *policy,
                              size_t spi_size);

/*
 * Why nothing was chosen: bit i is set if all proposals for the policy's protocol together and the policy
 * have no transform of type i (enum transform_type) in common. 0 if they do, but not in one proposal, or if
 * there is no proposal for the protocol.
 */
unsigned proposal_gaps(const struct ike_payload *sa, const struct proposal_policy *policy);

/* The protocol of the first proposal of an SA payload; PROTOCOL_NONE if there is none. */
uint8_t proposal_protocol(const struct ike_payload *sa);

#endif
