/*
 * Requests and responses of one IKE SA: message IDs, the window of 1, retransmission (RFC 7296 2.1 to 2.3).
 * A request and its retransmissions are the same octets, and so are a response and its repetitions.
 */
#include "ike/exchanges/rekey.h"
#include "ike/reasons/exchange_failure.h"
#include "ike/reasons/failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Milliseconds to the next sending, and after the last one to the timeout (R15). */
static const msec_t sending_intervals[REQUEST_SENDINGS_MAX] = {2000, 4000, 8000, 16000};

/* Sends a message, or the messages of its fragments, which stand one after the other. */
static void send_octets(struct ike_sa *sa, const struct ike_buffer *messages, const struct ip_endpoint *local,
                        const struct ip_endpoint *remote)
{
    enum { LENGTH_AT = 24 };
    struct reader r = reader_of(messages->at, messages->length);
    while (reader_left(&r) >= IKE_HEADER_SIZE) {
        size_t length = load_u32be(r.at + LENGTH_AT);
        const uint8_t *at = reader_octets(&r, length);
        if (at == NULL)
            return;
        engine_send(sa->engine, sa->tunnel, local, remote, sa->ifindex, sa->mark,
                    (struct octets){at, length});
    }
}

static void send_request(struct ike_sa *sa)
{
    sa->last_message = sa->engine->now;
    send_octets(sa, &sa->request, &sa->local, &sa->remote);
}

/* An answer goes to where the request came from (RFC 7296 2.11). */
static void send_response(struct ike_sa *sa)
{
    send_octets(sa, &sa->response, &sa->reply_local, &sa->reply_remote);
}

/* ---- Our requests ------------------------------------------------------------------------------------ */

static struct ike_task *task_new(struct ike_sa *sa, const struct ike_task_kind *kind, uint32_t spi)
{
    if (sa->destroyed)
        return NULL;
    struct ike_task *task = calloc(1, sizeof *task);
    if (task == NULL) {
        failure_end(sa, "out of memory");
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

void ike_sa_add_task(struct ike_sa *sa, const struct ike_task_kind *kind, uint32_t spi)
{
    struct ike_task *task = task_new(sa, kind, spi);
    if (task == NULL)
        return;
    STAILQ_INSERT_TAIL(&sa->tasks, task, link);
    ike_sa_changed(sa);
    ike_sa_start_task(sa);
}

bool ike_sa_restore_task(struct ike_sa *sa, const struct ike_task_kind *kind, uint32_t spi)
{
    struct ike_task *task = task_new(sa, kind, spi);
    if (task != NULL)
        STAILQ_INSERT_TAIL(&sa->tasks, task, link);
    return task != NULL;
}

/* Puts the request of `task` together: whole for IKE_SA_INIT, sealed for all others. */
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
        failure_end(sa, "a request could not be put together");
        return;
    }
    sa->request_out = true;
    ike_sa_changed(sa);
    ike_sa_resume_request(sa);
}

void ike_sa_resume_request(struct ike_sa *sa)
{
    sa->sendings = 1;
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
        ike_sa_add_task(successor, task->kind, task->spi);
        free(task);
    }
}

/* The peer did not answer (R15), or nobody but somebody who refuses: the IKE SA ends. */
static void request_timed_out(struct ike_sa *sa)
{
    const struct ike_task *task = STAILQ_FIRST(&sa->tasks);
    bool refused = sa->handshake != NULL && sa->handshake->refused;
    const char *silence = task->kind == &task_liveness ? "DPD timeout" : "no answer from the peer";
    if (sa->state == IKE_SA_DELETING) {
        ike_sa_destroy(sa, sa->delete_reason);
        return;
    }
    rekey_ike_sa_yield(sa); /* the peer's own rekey may have come through: then nobody misses this SA */
    exchange_failure_of_silence(sa, task);
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

/* ---- Our responses ----------------------------------------------------------------------------------- */

struct message_writer ike_sa_begin_response(struct ike_sa *sa)
{
    return message_begin_inner(sa->engine->inner_scratch, SCRATCH_SIZE);
}

void ike_sa_send_plain_response(struct ike_sa *sa, struct octets message)
{
    if (message.length == 0 || !ike_buffer_set(&sa->response, message)) {
        failure_end(sa, "a response could not be put together");
        return;
    }
    sa->answering = false;
    sa->expected_id++;
    ike_sa_changed(sa);
    send_response(sa);
}

void ike_sa_send_response(struct ike_sa *sa, enum exchange_type exchange, struct message_writer *m)
{
    ike_sa_send_plain_response(sa, ike_sa_seal(sa, exchange, true, sa->expected_id, m));
}

static void send_notify(struct ike_sa *sa, enum exchange_type exchange, uint16_t notify,
                        struct octets content)
{
    struct message_writer m = ike_sa_begin_response(sa);
    message_put_notify(&m, PROTOCOL_NONE, (struct octets){NULL, 0}, notify, content);
    ike_sa_send_response(sa, exchange, &m);
}

/* The peer takes INVALID_SYNTAX as the end of the SA (RFC 7296 2.21.3), and so must we. */
static void end_by_invalid_syntax(struct ike_sa *sa, enum exchange_type exchange, const char *wrong)
{
    send_notify(sa, exchange, NOTIFY_INVALID_SYNTAX, (struct octets){NULL, 0});
    if (sa->destroyed)
        return;
    exchange_failure_of_request(sa, exchange, wrong);
    ike_sa_destroy(sa, "invalid syntax in a message of the peer");
}

void ike_sa_send_error(struct ike_sa *sa, enum exchange_type exchange, uint16_t notify, struct octets content)
{
    if (notify == NOTIFY_INVALID_SYNTAX)
        end_by_invalid_syntax(sa, exchange, "is malformed (INVALID_SYNTAX)");
    else
        send_notify(sa, exchange, notify, content);
}

/* ---- Receiving --------------------------------------------------------------------------------------- */

static void keep_waiting(struct ike_sa *sa, const struct ip_endpoint *local, const struct ip_endpoint *remote,
                         uint32_t ifindex, struct octets datagram)
{
    if (sa->waiting_count == SA_WAITING_MAX)
        return; /* the peer will send it again */
    struct waiting_datagram *w = &sa->waiting[sa->waiting_count];
    *w = (struct waiting_datagram){.local = *local, .remote = *remote, .ifindex = ifindex};
    if (ike_buffer_set(&w->octets, datagram))
        sa->waiting_count++;
}

/* A request that cannot be read, though its sender has the keys: RFC 7296 2.21.2, 2.5. */
static void refuse_request(struct ike_sa *sa, const struct ike_header *header, enum message_fault fault,
                           uint8_t payload_type)
{
    if (fault != MESSAGE_UNSUPPORTED_CRITICAL) {
        ike_sa_send_error(sa, header->exchange, NOTIFY_INVALID_SYNTAX, (struct octets){NULL, 0});
        return;
    }
    char wrong[80];
    bool negotiating = sa->handshake != NULL;
    (void)snprintf(wrong, sizeof wrong, "has a critical payload of type %u, which is not supported here",
                   payload_type);
    exchange_failure_of_request(sa, header->exchange, wrong);
    ike_sa_send_error(sa, header->exchange, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD,
                      (struct octets){&payload_type, 1});
    if (negotiating) /* there it ends the SA, without DELETE */
        ike_sa_destroy(sa, "unsupported critical payload");
}

static void dispatch_request(struct ike_sa *sa, const struct ike_message *message)
{
    static const struct {
        uint8_t exchange;
        void (*handle)(struct ike_sa *sa, const struct ike_message *message);
    } handlers[] = {
        {EXCHANGE_IKE_AUTH, ike_auth_request},
        {EXCHANGE_CREATE_CHILD_SA, create_child_sa_request},
        {EXCHANGE_INFORMATIONAL, informational_request},
    };
    sa->answering = true;
    rekey_ike_sa_settle(sa, message);
    bool half_open = sa->state == IKE_SA_HALF_OPEN;
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        bool is_auth = handlers[i].exchange == EXCHANGE_IKE_AUTH;
        if (handlers[i].exchange == message->header.exchange && is_auth == half_open) {
            handlers[i].handle(sa, message);
            return;
        }
    }
    /* Nothing but IKE_AUTH may follow IKE_SA_INIT, and IKE_AUTH nowhere else. */
    end_by_invalid_syntax(sa, message->header.exchange, "is not due now (INVALID_SYNTAX)");
}

static void receive_response(struct ike_sa *sa, const struct ike_message *message)
{
    struct ike_task *task = STAILQ_FIRST(&sa->tasks);
    /* The task goes only after its handler: kept aside, since handlers may queue others. */
    struct ike_task answered = *task;
    ike_sa_end_task(sa);
    sa->request_id++;
    bool fatal = sa->handshake == NULL && ike_message_notify(message, NOTIFY_INVALID_SYNTAX) != NULL;
    if (!fatal) {
        answered.kind->response(sa, &answered, message);
        return;
    }
    exchange_failure_of_invalid_syntax(sa, &answered);
    ike_sa_destroy(sa, "INVALID_SYNTAX from the peer");
}

/* A response that cannot be read, though its sender has the keys. */
static void refuse_response(struct ike_sa *sa, enum message_fault fault, uint8_t payload_type)
{
    if (sa->state != IKE_SA_DELETING)
        exchange_failure_of_answer(sa, STAILQ_FIRST(&sa->tasks), fault, payload_type);
    ike_sa_destroy(sa, "invalid syntax in a response of the peer");
}

/* Whether a message has the ID that is due; a repeated request is answered again from memory. */
static bool id_is_due(struct ike_sa *sa, const struct ip_endpoint *local, const struct ip_endpoint *remote,
                      const struct ike_header *header, struct octets datagram)
{
    if (header->flags & IKE_FLAG_RESPONSE) {
        const struct ike_task *task = STAILQ_FIRST(&sa->tasks);
        if (sa->request_out && header->message_id == sa->request_id &&
            header->exchange == task->kind->exchange)
            return true;
        engine_count(sa->engine, IKE_COUNT_OUT_OF_WINDOW);
        return false;
    }
    if (header->message_id == sa->expected_id && !sa->answering)
        return true;
    bool repeated = header->message_id + 1 == sa->expected_id && sa->response.length > 0;
    engine_count(sa->engine, repeated ? IKE_COUNT_REPLAYED : IKE_COUNT_OUT_OF_WINDOW);
    if (repeated && ike_sa_asks_again(sa, header, datagram)) {
        sa->reply_local = *local;
        sa->reply_remote = *remote;
        send_response(sa);
    }
    return false;
}

/* A notify in the clear: anybody can send it, so that it changes nothing (RFC 7296 2.4, 2.21.4). */
static void note_denial(struct ike_sa *sa, const struct ike_header *header, struct octets datagram)
{
    struct ike_message message = {.header = *header};
    struct octets payloads = {datagram.at + IKE_HEADER_SIZE, datagram.length - IKE_HEADER_SIZE};
    engine_count(sa->engine, IKE_COUNT_MALFORMED);
    if (ike_payloads_parse(payloads, header->next_payload, &message, NULL, NULL) == MESSAGE_OK)
        sa->unknown_to_peer |= ike_message_notify(&message, NOTIFY_INVALID_IKE_SPI) != NULL;
}

void ike_sa_receive(struct ike_sa *sa, const struct ip_endpoint *local, const struct ip_endpoint *remote,
                    uint32_t ifindex, const struct ike_header *header, struct octets datagram)
{
    if (sa->job != 0) {
        keep_waiting(sa, local, remote, ifindex, datagram);
        return;
    }
    if (!id_is_due(sa, local, remote, header, datagram))
        return;
    if (sa->suite.encryption == NULL || header->exchange == EXCHANGE_IKE_SA_INIT) {
        engine_count(sa->engine,
                     IKE_COUNT_MALFORMED); /* there are no keys yet, or it is no message of this time */
        return;
    }
    struct ike_message message;
    enum message_fault fault = MESSAGE_OK;
    uint8_t payload_type = 0;
    if (header->next_payload == PAYLOAD_NOTIFY) {
        note_denial(sa, header, datagram);
        return;
    }
    if (!ike_sa_open(sa, header, datagram, &message, &fault, &payload_type))
        return;
    sa->last_message = sa->engine->now;
    ike_sa_changed(sa);
    ike_sa_log_message(sa, "received", &message);
    bool response = (header->flags & IKE_FLAG_RESPONSE) != 0;
    /* The peer may have moved to port 4500 with IKE_AUTH (RFC 7296 2.23); answers go where requests came
     * from. */
    if (!response && sa->state == IKE_SA_HALF_OPEN) {
        sa->local = *local;
        sa->remote = *remote;
        sa->arrival_ifindex = ifindex;
    }
    if (!response) {
        sa->reply_local = *local;
        sa->reply_remote = *remote;
    }
    ike_sa_follow_peer(sa, local, remote);
    if (fault != MESSAGE_OK && response)
        refuse_response(sa, fault, payload_type);
    else if (fault != MESSAGE_OK)
        refuse_request(sa, header, fault, payload_type);
    else if (response)
        receive_response(sa, &message);
    else
        dispatch_request(sa, &message);
    ike_sa_start_task(sa);
}
