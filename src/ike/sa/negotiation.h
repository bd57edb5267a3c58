/*
 * A CREATE_CHILD_SA exchange that is under way (RFC 7296 1.3): ours, from the start of the task to the
 * answer, or the peer's, while the key exchange for our answer is done.
 */
#ifndef MUSUBI_IKE_SA_NEGOTIATION_H
#define MUSUBI_IKE_SA_NEGOTIATION_H

#include "ike/sa/ike_sa.h"
#include "ike/sa/nonce.h"

struct child_purpose;

/* The state of a negotiation of ours. */
enum negotiation_phase {
    NEGOTIATION_GENERATES, /* our share is being made */
    NEGOTIATION_READY,     /* the request can be written, or is under way */
    NEGOTIATION_FINISHES,  /* the answer is there, the secret is being made */
};

struct negotiation {
    const struct child_purpose *purpose; /* ours, of a Child SA (exchanges/ask_child.h) */
    uint32_t old_spi;                    /* inbound SPI of the Child SA that is rekeyed; 0: none */
    struct ike_buffer nonce_i, nonce_r;
    struct key_exchange key_exchange; /* without a method: no PFS */
    enum negotiation_phase phase;     /* ours */
    bool ke_retried;

    struct child_request request;     /* ours: of a Child SA; of an IKE SA only the proposal */
    struct child_agreement agreement; /* of a Child SA */
    struct ike_suite suite;           /* of an IKE SA */
    uint8_t proposal_number;          /* theirs, of an IKE SA */
    uint64_t new_spi;                 /* of an IKE SA: our own SPI of the new one */
    uint64_t peer_spi;                /* of an IKE SA: the peer's SPI of the new one */

    /* Ours: the SA that the peer made, if it has rekeyed the same SA meanwhile. */
    bool has_rival;
    uint32_t rival_child;  /* its inbound SPI */
    uint64_t rival_ike_sa; /* our own SPI of it */
    struct lowest_nonce rival_nonce;
};

/* A negotiation with a fresh nonce of ours as initiator or responder; NULL if there is no memory. */
struct negotiation *negotiation_new(struct ike_sa *sa, bool initiator);

/* Wipes and frees. `n` may be NULL. */
void negotiation_free(struct negotiation *n);

/* Ends our own negotiation. */
void negotiation_end_own(struct ike_sa *sa);

/* Ours: has our share of a key exchange made; then it is NEGOTIATION_READY. */
void negotiation_generate(struct ike_sa *sa, struct negotiation *n, const struct key_exchange_method *method);

/*
 * Ours: the peer refuses with `error`. If that is INVALID_KE_PAYLOAD with a method of `allowed`, `task` is
 * tried again with that method, once (RFC 7296 1.3). False if it is not.
 */
bool negotiation_retry_with_group(struct ike_sa *sa, const struct ike_task *task,
                                  const struct ike_payload *error, algorithm_set allowed);

/* Ours: has the secret made from the KE payload of the peer's answer, which negotiation_ke_fits. */
void negotiation_finish(struct ike_sa *sa, const struct ike_payload *ke, ike_job_done *done);

/* Ours, saved as NEGOTIATION_FINISHES: has the secret made again. */
void negotiation_resume(struct ike_sa *sa, ike_job_done *done);

/* Ours: true if the KE payload of the peer's answer is there, is of our method, and its share is valid. */
bool negotiation_ke_fits(const struct negotiation *n, const struct ike_payload *ke);

/* Writes Ni or Nr, and KE if there is one. */
void negotiation_put_nonce_and_ke(struct message_writer *m, const struct negotiation *n, bool initiator);

/*
 * Theirs: begins `sa->theirs` with the nonce of the peer's request. If that is not possible, tells the peer
 * and returns NULL.
 */
struct negotiation *negotiation_begin_theirs(struct ike_sa *sa, const struct ike_message *request);

/*
 * Theirs: has our share and the secret made by the chosen method from the KE payload of the peer's request;
 * refuses one that does not fit.
 */
void negotiation_answer(struct ike_sa *sa, const struct ike_message *request,
                        const struct key_exchange_method *method, ike_job_done *done);

/* Answers the peer's CREATE_CHILD_SA with one notify and ends its negotiation. */
void negotiation_refuse(struct ike_sa *sa, uint16_t notify, struct octets content);

#endif
