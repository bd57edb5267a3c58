/*
 * Tasks: the requests of this end, one after the other (RFC 7296 2.3: a window of 1). The request of the
 * first task is sent, and sent again until its answer comes (R15).
 */
#ifndef MUSUBI_IKE_SA_TASK_H
#define MUSUBI_IKE_SA_TASK_H

#include "ike/services/engine.h"
#include "ike/wire/message.h"

#include <sys/queue.h>

struct ike_sa;
struct ike_task;

enum {
    REQUEST_SENDINGS_MAX = 4, /* the first one and three retransmissions (R15) */
    REQUEST_PATIENCE = 30,    /* seconds from the first one to the timeout (R15) */
};

/* Whether a task's request can be written now. */
enum task_readiness {
    TASK_READY,
    TASK_WAITS,   /* a job is out for it */
    TASK_DROPPED, /* there is no need for it any more */
};

/* Kinds of tasks, by the numbers that records have. A number never gets another meaning. */
enum ike_task_number {
    TASK_IKE_SA_INIT = 0,
    TASK_IKE_AUTH = 1,
    TASK_DELETE_IKE_SA = 2,
    TASK_DELETE_CHILD_SA = 3,
    TASK_LIVENESS = 4,
    TASK_CONFIRM = 5,
    TASK_REKEY_CHILD = 6,
    TASK_REKEY_IKE_SA = 7,
    TASK_ADDITIONAL_CHILD = 8,
    TASK_INVALID_SPI = 9,
    TASK_GIVE_UP_CHILD = 10,
};

/* A kind of request: one for each exchange that this end starts. */
struct ike_task_kind {
    enum ike_task_number number;
    enum exchange_type exchange;
    const char *name; /* for the log */
    /*
     * Writes the request's payloads. `m` is inside of an SK payload, except for IKE_SA_INIT. NULL: it has
     * none.
     */
    void (*write)(struct ike_sa *sa, struct ike_task *task, struct message_writer *m);
    /* Takes in the response. May destroy the SA. NULL for IKE_SA_INIT, whose response comes in the clear. */
    void (*response)(struct ike_sa *sa, struct ike_task *task, const struct ike_message *message);
    /* Called before the request is written, and again after each job. NULL: it is always ready. */
    enum task_readiness (*prepare)(struct ike_sa *sa, struct ike_task *task);
};

struct ike_task {
    STAILQ_ENTRY(ike_task) link;
    const struct ike_task_kind *kind;
    uint32_t spi; /* inbound SPI of the Child SA that it is about, or 0 */
};

/* Queues a request of that kind; it is sent when those before it are answered. */
void ike_sa_add_task(struct ike_sa *sa, enum ike_task_number number, uint32_t spi);

/* Puts a task that was answered at the head of the queue again. */
void ike_sa_retry_task(struct ike_sa *sa, const struct ike_task *answered);

/* Puts a task at the end of the queue of an SA that was saved; false if its kind is not known or there is no
 * memory. */
bool ike_sa_restore_task(struct ike_sa *sa, unsigned number, uint32_t spi);

/* Sends the first task's request, unless one is under way or a request of the peer is being answered. */
void ike_sa_start_task(struct ike_sa *sa);

/* Sends the request that was under way when the SA was saved, octet for octet, and waits for its answer. */
void ike_sa_resume_request(struct ike_sa *sa);

/* The request under way, or a part of it, could not leave, for the reason of an errno. `header` is that of a
 * message of the SA, perhaps of another one. */
void ike_sa_request_not_sent(struct ike_sa *sa, const struct ike_header *header, int error);

/* True if a request is under way of which no sending could leave: nobody can have answered. */
bool ike_sa_request_never_left(const struct ike_sa *sa);

/* The retransmission timer of an SA is due (R15). */
void ike_sa_retransmit_fire(struct ike_engine *engine, void *owner);

/* Ends the request under way, keeping or dropping the other tasks. */
void ike_sa_end_task(struct ike_sa *sa);
void ike_sa_drop_tasks(struct ike_sa *sa);

/* Drops the tasks that are not under way. */
void ike_sa_drop_queued_tasks(struct ike_sa *sa);

/* Gives tasks that concern Child SAs and are not under way to the SA's successor. */
void ike_sa_hand_over_tasks(struct ike_sa *sa, struct ike_sa *successor);

/* Sends a message, or the messages of its fragments, which stand one after the other in `messages`. */
void ike_sa_send(struct ike_sa *sa, struct octets messages, const struct ip_endpoint *local,
                 const struct ip_endpoint *remote);

#endif
