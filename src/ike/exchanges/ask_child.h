/*
 * CREATE_CHILD_SA for a Child SA as initiator (RFC 7296 1.3.1, 1.3.3): what is common to a Child SA that
 * replaces another (rekey_child.h) and an additional one (additional_child.h). The request under way is
 * `sa->own`.
 */
#ifndef MUSUBI_IKE_EXCHANGES_ASK_CHILD_H
#define MUSUBI_IKE_EXCHANGES_ASK_CHILD_H

#include "ike/sa/negotiation.h"

/* What a Child SA is asked for: decides what is done with the answer. */
struct child_purpose {
    /* The new Child SA is installed. `n` was `sa->own`, and is freed after the call. */
    void (*made)(struct ike_sa *sa, const struct negotiation *n, struct child_sa *child);
    /* The peer answers with this error notify. It must end `sa->own`. */
    void (*refused)(struct ike_sa *sa, const struct ike_payload *error);
    /*
     * The peer's answer cannot be taken, for the reason `fault`, which is logged; the peer is told to delete
     * its new Child SA. `n` was `sa->own`, and is freed after the call.
     */
    void (*unfit)(struct ike_sa *sa, const struct negotiation *n, const char *fault);
};

/*
 * For a task's `prepare` while there is no `sa->own`: begins a negotiation for these selectors, with an SPI,
 * a nonce and a key exchange if the policy wants PFS. `old_spi` is the inbound SPI of the Child SA to be
 * rekeyed, or 0.
 */
enum task_readiness ask_child_start(struct ike_sa *sa, const struct child_purpose *purpose,
                                    const struct selector_list *local_ts,
                                    const struct selector_list *remote_ts, uint32_t old_spi);

/* For a task's `prepare` after that. Ends a negotiation that is not `needed` any more. */
enum task_readiness ask_child_go_on(struct ike_sa *sa, bool needed);

/* Continues a negotiation that was saved after its answer had come. */
void ask_child_resume(struct ike_sa *sa);

/* `write` and `response` of the tasks that ask. */
void ask_child_write(struct ike_sa *sa, struct ike_task *task, struct message_writer *m);
void ask_child_response(struct ike_sa *sa, struct ike_task *task, const struct ike_message *message);

/* DELETE of a Child SA that the peer has made and this end has not. The task's SPI is that of the request. */
extern const struct ike_task_kind task_give_up_child;

#endif
