/*
 * One key exchange between the peer and us (RFC 7296 1.2, 1.3; RFC 9370): its method, its shares, its secret.
 * The arithmetic is done by jobs, one for each operation of crypto/key_exchange.h:
 *
 *     initiator:  key_exchange_generate, our share goes out, the peer's comes, key_exchange_finish
 *     responder:  the peer's share comes, key_exchange_answer, our share goes out
 *
 * The function that a job is started with hands its result to key_exchange_take. An IKE_SA_INIT or a
 * CREATE_CHILD_SA has one such object; several may follow one another, each with a method of its own and its
 * secret kept apart.
 */
#ifndef MUSUBI_IKE_SA_KEY_EXCHANGE_H
#define MUSUBI_IKE_SA_KEY_EXCHANGE_H

#include "crypto/key_exchange.h"
#include "ike/ike.h"

struct ike_sa;

struct key_exchange {
    const struct key_exchange_method *method;        /* NULL: there is no key exchange */
    enum key_exchange_operation operation;           /* that was begun last */
    uint8_t private_state[KEY_EXCHANGE_PRIVATE_MAX]; /* as initiator, until the secret is there */
    uint8_t own_share[KEY_EXCHANGE_SHARE_MAX];
    uint8_t peer_share[KEY_EXCHANGE_SHARE_MAX]; /* as initiator, until the secret is there */
    uint8_t secret[KEY_EXCHANGE_SECRET_MAX];    /* after `answer` and `finish` */
};

/* Called when a job of an IKE SA is done. */
typedef void ike_job_done(struct ike_sa *sa, const struct ike_job_result *result);

/* Initiator: begins a key exchange by a method, and has our share made. */
void key_exchange_generate(struct ike_sa *sa, struct key_exchange *x,
                           const struct key_exchange_method *method, ike_job_done *done);

/*
 * Responder: begins a key exchange by a method with the initiator's share, which key_exchange_share_fits, and
 * has our share and the secret made.
 */
void key_exchange_answer(struct ike_sa *sa, struct key_exchange *x, const struct key_exchange_method *method,
                         struct octets peer_share, ike_job_done *done);

/* Initiator: has the secret made from the responder's share, which key_exchange_share_fits. */
void key_exchange_finish(struct ike_sa *sa, struct key_exchange *x, struct octets peer_share,
                         ike_job_done *done);

/* Initiator: the same once more, after a restart, with the share that was kept. */
void key_exchange_finish_again(struct ike_sa *sa, struct key_exchange *x, ike_job_done *done);

/*
 * Takes the result of the operation that was begun last, and wipes what it was made of. False if the job
 * failed.
 */
bool key_exchange_take(struct key_exchange *x, const struct ike_job_result *result);

/* Our share, for the KE payload. It points into `x`. No octets without a key exchange. */
struct octets key_exchange_own_share(const struct key_exchange *x);

/*
 * The secret, after `answer` or `finish`. It points into `x`. No octets if neither took place, for instance
 * if the peer chose to have no key exchange.
 */
struct octets key_exchange_secret(const struct key_exchange *x);

#endif
