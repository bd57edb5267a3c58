/*
 * The payloads that make a Child SA, SA, TSi and TSr: the same in IKE_AUTH and CREATE_CHILD_SA
 * (RFC 7296 1.2, 1.3, 2.9).
 */
#ifndef MUSUBI_IKE_WIRE_CHILD_EXCHANGE_H
#define MUSUBI_IKE_WIRE_CHILD_EXCHANGE_H

#include "ike/wire/message.h"
#include "ike/wire/proposal.h"
#include "ike/wire/selectors.h"

/* What both ends agreed on, without the keys. */
struct child_agreement {
    struct ike_suite suite;
    uint8_t proposal_number;
    uint32_t outbound_spi;
    struct selector_list local_ts, remote_ts;
};

/* What an initiator asks for. */
struct child_request {
    struct proposal_policy proposal;
    uint32_t inbound_spi;
    struct selector_list local_ts, remote_ts;
};

/* The request that a tunnel's policy makes; `in_auth` as in proposal_policy_of_child. */
struct child_request child_request_of(const struct tunnel_policy *policy, bool in_auth, uint32_t inbound_spi);

/* As initiator: write SA, and TSi and TSr; other payloads may stand between them. */
void child_exchange_put_offer(struct message_writer *m, const struct child_request *request);
void child_exchange_put_selectors(struct message_writer *m, const struct child_request *request);

/* What is wrong with a responder's choice. */
enum child_fault {
    CHILD_OK,
    CHILD_ABSENT,    /* there is none */
    CHILD_PROPOSAL,  /* was not offered */
    CHILD_SELECTORS, /* were not proposed */
    CHILD_SPI,       /* is reserved (RFC 4303 2.1) */
};

/* As initiator: takes the responder's choice. */
enum child_fault child_exchange_accept(const struct ike_message *message, const struct child_request *request,
                                       struct child_agreement *out);

/* The fault in words: "the peer chose traffic selectors that were not proposed". */
const char *child_fault_text(enum child_fault fault);

/*
 * As responder: chooses from an offer. Returns the error notify that answers it, or 0. The selectors are the
 * initiator's (R71).
 */
uint16_t child_exchange_choose(const struct ike_message *message, const struct proposal_policy *proposal,
                               struct child_agreement *out);

/* As responder: writes SA, TSi and TSr of the Child SA. */
void child_exchange_put_answer(struct message_writer *m, const struct child_agreement *agreement,
                               uint32_t inbound_spi);

#endif
