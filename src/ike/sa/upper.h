/*
 * What the layers above sa/ do for the objects: exchanges/ carries out the exchanges, reasons/ logs why one
 * fails. Each has one table, registered once, when the engine is made (engine/engine.c). sa/ calls nothing
 * else of them.
 */
#ifndef MUSUBI_IKE_SA_UPPER_H
#define MUSUBI_IKE_SA_UPPER_H

#include "ike/sa/task.h"

/* exchanges/exchanges.c. None of the members is NULL. */
struct ike_exchanges {
    /* The kind of task with a number; NULL if there is none. */
    const struct ike_task_kind *(*task_kind)(unsigned number);

    /*
     * A request of the peer is to be answered, now or after a job, by ike_sa_send_response or
     * ike_sa_send_error. May destroy the SA.
     */
    void (*request)(struct ike_sa *sa, const struct ike_message *message);

    /*
     * The SA was established, or replaced: from now on its peer is asked whether it is alive when it is
     * silent.
     */
    void (*watch_peer)(struct ike_sa *sa);

    /* A Child SA is gone: asks for another one, or ends the IKE SA, with `reason`. */
    void (*child_lost)(struct ike_sa *sa, const char *reason);

    /* The SA is about to end: if another one is to have its Child SAs, it gets them now. */
    void (*sa_ends)(struct ike_sa *sa);

    /* `fire` of timers of struct ike_sa (rekey, liveness, childless, own_address, additional.again) and of
     * struct child_sa (rekey).
     */
    void (*rekey_ike_sa_fire)(struct ike_engine *engine, void *owner);
    void (*liveness_fire)(struct ike_engine *engine, void *owner);
    void (*childless_fire)(struct ike_engine *engine, void *owner);
    void (*own_address_fire)(struct ike_engine *engine, void *owner);
    void (*additional_children_fire)(struct ike_engine *engine, void *owner);
    void (*rekey_child_fire)(struct ike_engine *engine, void *owner);
};

/* reasons/reasons.c. Each adds a warning to the event log, or nothing. */
struct ike_reasons {
    /* A negotiation ends for a reason that lies in this gateway. */
    void (*negotiation_failed)(const struct ike_sa *sa, const char *reason);

    /* A half-open SA is given up. */
    void (*half_open_timed_out)(const struct ike_sa *sa);

    /*
     * The peer has not answered our request in time (R15), or the only answer was an unauthenticated refusal.
     */
    void (*no_answer)(const struct ike_sa *sa, const struct ike_task *task);

    /* The peer answers our request with INVALID_SYNTAX. */
    void (*invalid_syntax)(const struct ike_sa *sa, const struct ike_task *task);

    /* The peer's answer to a request of ours cannot be read, though its sender has the keys. */
    void (*malformed_answer)(const struct ike_sa *sa, const struct ike_task *task, enum message_fault fault,
                             uint8_t payload_type);

    /* A request of the peer is invalid; `wrong` says why: "is malformed". */
    void (*invalid_request)(const struct ike_sa *sa, enum exchange_type exchange, const char *wrong);
};

#endif
