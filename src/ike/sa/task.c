#include "ike/sa/task.h"

#include "ike/sa/ike_sa.h"
#include "ike/sa/sealed.h"
#include "ike/sa/upper.h"
#include "ike/services/send.h"

#include <stdlib.h>
#include <string.h>

/* Milliseconds from each sending to the next, and from the last one to the timeout (R15). */
static const msec_t sending_intervals[REQUEST_SENDINGS_MAX] = {2000, 4000, 8000, 16000};

void ike_sa_send(struct ike_sa *sa, struct octets messages, const struct ip_endpoint *local,
                 const struct ip_endpoint *remote)
{
    enum { LENGTH_AT = 24 };
    uint32_t tunnel = sa->tunnel != NULL ? sa->tunnel->policy.tunnel : 0;
    struct reader r = reader_of(messages.at, messages.length);
    while (reader_left(&r) >= IKE_HEADER_SIZE) {
        size_t length = load_u32be(r.at + LENGTH_AT);
        const uint8_t *at = reader_octets(&r, length);
        if (at == NULL)
            return;
        engine_send(sa->engine, tunnel, local, remote, sa->ifindex, sa->mark, (struct octets){at, length});
    }
}

static void send_request(struct ike_sa *sa)
{
    sa->last_message = sa->engine->now;
    sa->send_error = 0;
    ike_sa_send(sa, ike_buffer_octets(&sa->request), &sa->local, &sa->remote);
}

static struct ike_task *task_new(struct ike_sa *sa, const struct ike_task_kind *kind, uint32_t spi)
{
    if (sa->destroyed || sa->address_lost)
        return NULL;
    struct ike_task *task = calloc(1, sizeof *task);
    if (task == NULL) {
        ike_sa_fail(sa, "out of memory");
        return NULL;
    }
    task->kind = kind;
    task->spi = spi;
    return task;
}

void ike_sa_retry_task(struct ike_sa *sa, const struct ike_task *answered)
{
    struct ike_task *task = task_new(sa, answered->kind, answered->spi);
    if (task != NULL)
        STAILQ_INSERT_HEAD(&sa->tasks, task, link);
}

void ike_sa_add_task(struct ike_sa *sa, enum ike_task_number number, uint32_t spi)
{
    struct ike_task *task = task_new(sa, sa->engine->objects->exchanges->task_kind(number), spi);
    if (task == NULL)
        return;
    STAILQ_INSERT_TAIL(&sa->tasks, task, link);
    ike_sa_changed(sa);
    ike_sa_start_task(sa);
}

bool ike_sa_restore_task(struct ike_sa *sa, unsigned number, uint32_t spi)
{
    const struct ike_task_kind *kind = sa->engine->objects->exchanges->task_kind(number);
    struct ike_task *task = kind != NULL ? task_new(sa, kind, spi) : NULL;
    if (task != NULL)
        STAILQ_INSERT_TAIL(&sa->tasks, task, link);
    return task != NULL;
}

/* Writes the request of `task`: in the clear for IKE_SA_INIT, sealed for all others. */
static struct octets write_request(struct ike_sa *sa, struct ike_task *task)
{
    struct ike_engine *engine = sa->engine;
    if (task->kind->exchange == EXCHANGE_IKE_SA_INIT) {
        const struct ike_header header = {
            .spi_i = sa->spi_i, .exchange = EXCHANGE_IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR};
        struct message_writer m = message_begin(engine->message_scratch, SCRATCH_SIZE, &header);
        task->kind->write(sa, task, &m);
        return message_finish(&m);
    }
    struct message_writer inner = message_begin_inner(engine->inner_scratch, SCRATCH_SIZE);
    if (task->kind->write != NULL)
        task->kind->write(sa, task, &inner);
    return ike_sa_seal(sa, task->kind->exchange, false, sa->request_id, &inner);
}

/* The first task whose request can be written; NULL if there is none, or a job is out for it. */
static struct ike_task *next_task(struct ike_sa *sa)
{
    struct ike_task *task;
    while ((task = STAILQ_FIRST(&sa->tasks)) != NULL && task->kind->prepare != NULL) {
        enum task_readiness readiness = task->kind->prepare(sa, task);
        if (readiness == TASK_WAITS || sa->destroyed)
            return NULL;
        if (readiness == TASK_READY)
            break;
        STAILQ_REMOVE_HEAD(&sa->tasks, link);
        free(task);
    }
    return task;
}

void ike_sa_start_task(struct ike_sa *sa)
{
    if (sa->request_out || sa->job != 0 || sa->answering || sa->destroyed)
        return;
    struct ike_task *task = next_task(sa);
    if (task == NULL)
        return;
    struct octets message = write_request(sa, task);
    if (message.length == 0 || !ike_buffer_set(&sa->request, message)) {
        ike_sa_fail(sa, "a request could not be put together");
        return;
    }
    sa->request_out = true;
    ike_sa_changed(sa);
    ike_sa_resume_request(sa);
}

void ike_sa_resume_request(struct ike_sa *sa)
{
    sa->sendings = 1;
    sa->unsent = 0;
    send_request(sa);
    engine_set_timer(sa->engine, &sa->retransmit, sending_intervals[0]);
}

void ike_sa_end_task(struct ike_sa *sa)
{
    struct ike_task *task = STAILQ_FIRST(&sa->tasks);
    STAILQ_REMOVE_HEAD(&sa->tasks, link);
    free(task);
    sa->request_out = false;
    ike_buffer_clear(&sa->request);
    engine_cancel_timer(sa->engine, &sa->retransmit);
    ike_sa_changed(sa);
}

void ike_sa_drop_tasks(struct ike_sa *sa)
{
    while (!STAILQ_EMPTY(&sa->tasks))
        ike_sa_end_task(sa);
}

/* The first task that is not under way. */
static struct ike_task *first_queued(const struct ike_sa *sa)
{
    struct ike_task *first = STAILQ_FIRST(&sa->tasks);
    return sa->request_out ? STAILQ_NEXT(first, link) : first;
}

void ike_sa_drop_queued_tasks(struct ike_sa *sa)
{
    struct ike_task *task;
    while ((task = first_queued(sa)) != NULL) {
        STAILQ_REMOVE(&sa->tasks, task, ike_task, link);
        free(task);
    }
}

void ike_sa_hand_over_tasks(struct ike_sa *sa, struct ike_sa *successor)
{
    struct ike_task *next;
    for (struct ike_task *task = first_queued(sa); task != NULL; task = next) {
        next = STAILQ_NEXT(task, link);
        if (task->spi == 0)
            continue;
        STAILQ_REMOVE(&sa->tasks, task, ike_task, link);
        ike_sa_add_task(successor, task->kind->number, task->spi);
        free(task);
    }
}

bool ike_sa_request_never_left(const struct ike_sa *sa)
{
    return sa->request_out && sa->unsent > 0 && sa->unsent == sa->sendings;
}

void ike_sa_request_not_sent(struct ike_sa *sa, const struct ike_header *header, int error)
{
    bool is_request = sa->request_out && !(header->flags & IKE_FLAG_RESPONSE) &&
                      header->message_id == sa->request_id && sa->send_error == 0;
    if (!is_request) /* else another fragment of it was told of already */
        return;
    sa->send_error = error;
    sa->unsent++;
    if (sa->unsent > 1 || sa->sendings > 1)
        return;
    char remote[IP_TEXT_SIZE];
    ike_sa_log(sa, LOG_LEVEL_NOTICE, LOG_IKEV2, "%s to %s can't be sent now: %s",
               exchange_type_name((uint8_t)header->exchange), ip_endpoint_format(&sa->remote, remote),
               strerror(error));
}

/* The peer did not answer (R15), or the only answer was an unauthenticated refusal: the IKE SA ends. */
static void request_timed_out(struct ike_sa *sa)
{
    const struct ike_task *task = STAILQ_FIRST(&sa->tasks);
    bool refused = sa->handshake != NULL && sa->handshake->refused;
    bool by_dpd = task->kind->number == TASK_LIVENESS && sa->tunnel->policy.dpd_interval != 0;
    bool never_left = ike_sa_request_never_left(sa);
    const char *silence = never_left ? "no request to the peer could be sent"
                          : by_dpd   ? "DPD timeout"
                                     : "no answer from the peer";
    if (sa->state == IKE_SA_DELETING) {
        ike_sa_destroy(sa, ike_sa_delete_reason(sa));
        return;
    }
    /* If the peer has rekeyed it meanwhile, the new SA takes over. */
    sa->engine->objects->exchanges->sa_ends(sa);
    sa->engine->objects->reasons->no_answer(sa, task);
    if (!refused && !never_left)
        sa->tunnel->peer_is_silent = sa->tunnel->policy.peer_kind == PEER_FQDN;
    ike_sa_destroy(sa, refused ? "refused by the peer" : silence);
}

void ike_sa_retransmit_fire(struct ike_engine *engine, void *owner)
{
    struct ike_sa *sa = owner;
    bool refused = sa->handshake != NULL && sa->handshake->refused;
    if (sa->sendings == REQUEST_SENDINGS_MAX || refused) {
        request_timed_out(sa);
        return;
    }
    engine_count(engine, IKE_COUNT_RETRANSMITTED);
    send_request(sa);
    engine_set_timer(engine, &sa->retransmit, sending_intervals[sa->sendings]);
    sa->sendings++;
}
