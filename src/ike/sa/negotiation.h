/*
 * A CREATE_CHILD_SA exchange under way (RFC 7296 1.3): of ours, from the task's start to the answer, or of
 * the peer's, while the Diffie-Hellman for its answer is done.
 */
#ifndef MUSUBI_IKE_SA_NEGOTIATION_H
#define MUSUBI_IKE_SA_NEGOTIATION_H

#include "ike/sa/ike_sa.h"

/* The lowest nonce of an exchange decides which of two SAs that were made at once is closed (RFC 7296 2.8.1).
 */
struct lowest_nonce {
    uint8_t length;
    uint8_t octets[NONCE_SIZE_MAX - 1]; /* what lies behind cannot matter between nonces of ours and theirs */
};

/* How far a negotiation of ours has come. */
enum negotiation_phase {
    NEGOTIATION_COMPUTES_PUBLIC, /* our public value is being computed */
    NEGOTIATION_READY,           /* the request can be written, or is under way */
    NEGOTIATION_COMPUTES_SHARED, /* the answer is there, the shared secret is being computed */
};

struct negotiation {
    uint32_t old_spi; /* inbound SPI of the Child SA that is rekeyed; 0: none */
    struct ike_buffer nonce_i, nonce_r;
    const struct dh_group *dh; /* NULL: no PFS */
    uint8_t dh_private[DH_PRIVATE_MAX];
    uint8_t dh_public[DH_PUBLIC_MAX];
    uint8_t peer_public[DH_PUBLIC_MAX];
    enum negotiation_phase phase; /* ours */
    bool ke_retried;

    struct child_request request;     /* ours, of a Child SA; of an IKE SA its proposal alone */
    struct child_agreement agreement; /* of a Child SA */
    struct ike_suite suite;           /* of an IKE SA */
    uint8_t proposal_number;          /* theirs, of an IKE SA */
    uint64_t new_spi;                 /* of an IKE SA: our own SPI of the new one */
    uint64_t peer_spi;                /* of an IKE SA: the peer's SPI of the new one */

    /* Ours: the peer has rekeyed the same SA meanwhile, and this is what it made. */
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

/* Ours: chooses a private value and has its public value computed; it is NEGOTIATION_READY then. */
void negotiation_start_public(struct ike_sa *sa, struct negotiation *n);

/*
 * Ours: the peer refuses with `error`. If that is INVALID_KE_PAYLOAD with a group of `allowed`, `task` is
 * tried again with that group, once (RFC 7296 1.3). False if it is not.
 */
bool negotiation_retry_with_group(struct ike_sa *sa, const struct ike_task *task,
                                  const struct ike_payload *error, algorithm_set allowed);

/* Has the shared secret computed (as responder together with our public value). */
void negotiation_start_shared(struct ike_sa *sa, struct negotiation *n, bool initiator,
                              const struct ike_payload *ke,
                              void (*done)(struct ike_sa *sa, bool ok, struct octets output));

/* Ours, saved as NEGOTIATION_COMPUTES_SHARED: has the shared secret computed again. */
void negotiation_resume(struct ike_sa *sa, void (*done)(struct ike_sa *sa, bool ok, struct octets output));

/* True if the KE payload is there and fits the group, and its value is valid. */
bool negotiation_ke_is_valid(const struct dh_group *group, const struct ike_payload *ke);

/* True if the message has one nonce of a proper size. */
bool negotiation_take_nonce(struct ike_buffer *nonce, const struct ike_message *message);

/* The lower one of the two nonces of an exchange. */
struct lowest_nonce lowest_nonce_of(const struct ike_buffer *nonce_i, const struct ike_buffer *nonce_r);

/* Compares as RFC 7296 2.8.1 says, octet by octet: below 0 if `a` is lower. */
int lowest_nonce_compare(const struct lowest_nonce *a, const struct lowest_nonce *b);

/* Writes Ni or Nr, and KE if there is one. */
void negotiation_put_nonce_and_ke(struct message_writer *m, const struct negotiation *n, bool initiator);

/* Theirs: begins `sa->theirs` with the nonce of the peer's request. NULL, with the peer told, if it cannot.
 */
struct negotiation *negotiation_begin_theirs(struct ike_sa *sa, const struct ike_message *request);

/*
 * Theirs: has the shared secret of the group `n->dh` computed with the KE payload of the peer's request;
 * refuses one that does not fit.
 */
void negotiation_take_ke(struct ike_sa *sa, const struct ike_message *request,
                         void (*done)(struct ike_sa *sa, bool ok, struct octets output));

/* Answers the peer's CREATE_CHILD_SA with one notify and ends its negotiation. */
void negotiation_refuse(struct ike_sa *sa, uint16_t notify, struct octets content);

#endif
