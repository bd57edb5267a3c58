#include "ike/sa/exchange.h"

#include "ike/sa/debug_log.h"
#include "ike/sa/half_open.h"
#include "ike/sa/sealed.h"
#include "ike/sa/upper.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Our responses ----------------------------------------------------------------------------------- */

/* An answer goes to where the request came from (RFC 7296 2.11). */
static void send_response(struct ike_sa *sa)
{
    if (half_open_is(sa))
        sa->send_error = 0;
    ike_sa_send(sa, ike_buffer_octets(&sa->response), &sa->reply_local, &sa->reply_remote);
}

struct message_writer ike_sa_begin_response(struct ike_sa *sa)
{
    return message_begin_inner(sa->engine->inner_scratch, SCRATCH_SIZE);
}

void ike_sa_send_plain_response(struct ike_sa *sa, struct octets message)
{
    if (message.length == 0 || !ike_buffer_set(&sa->response, message)) {
        ike_sa_fail(sa, "a response could not be put together");
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

void ike_sa_end_by_invalid_syntax(struct ike_sa *sa, enum exchange_type exchange, const char *wrong)
{
    send_notify(sa, exchange, NOTIFY_INVALID_SYNTAX, (struct octets){NULL, 0});
    if (sa->destroyed)
        return;
    sa->engine->objects->reasons->invalid_request(sa, exchange, wrong);
    ike_sa_destroy(sa, "invalid syntax in a message of the peer");
}

void ike_sa_send_error(struct ike_sa *sa, enum exchange_type exchange, uint16_t notify, struct octets content)
{
    if (notify == NOTIFY_INVALID_SYNTAX)
        ike_sa_end_by_invalid_syntax(sa, exchange, "is malformed (INVALID_SYNTAX)");
    else
        send_notify(sa, exchange, notify, content);
}

/* ---- Receiving --------------------------------------------------------------------------------------- */

static void keep_waiting(struct ike_sa *sa, const struct ip_endpoint *local, const struct ip_endpoint *remote,
                         uint32_t ifindex, struct octets datagram)
{
    if (sa->waiting_count == SA_WAITING_MAX)
        return; /* the peer will send it again */
    struct waiting_datagram *waiting = malloc(sizeof *waiting);
    if (waiting == NULL)
        return;
    *waiting = (struct waiting_datagram){.local = *local, .remote = *remote, .ifindex = ifindex};
    if (!ike_buffer_set(&waiting->octets, datagram)) {
        free(waiting);
        return;
    }
    STAILQ_INSERT_TAIL(&sa->waiting, waiting, link);
    sa->waiting_count++;
}

/* Answers a request that cannot be read although its sender has the keys (RFC 7296 2.21.2, 2.5). */
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
    sa->engine->objects->reasons->invalid_request(sa, header->exchange, wrong);
    ike_sa_send_error(sa, header->exchange, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD,
                      (struct octets){&payload_type, 1});
    if (negotiating) /* there it ends the SA, without DELETE */
        ike_sa_destroy(sa, "unsupported critical payload");
}

static void receive_response(struct ike_sa *sa, const struct ike_message *message)
{
    struct ike_task *task = STAILQ_FIRST(&sa->tasks);
    /* Its handler gets a copy, since the task is ended first: the handler may queue others. */
    struct ike_task answered = *task;
    ike_sa_end_task(sa);
    sa->request_id++;
    bool fatal = sa->handshake == NULL && ike_message_notify(message, NOTIFY_INVALID_SYNTAX) != NULL;
    if (!fatal) {
        answered.kind->response(sa, &answered, message);
        return;
    }
    sa->engine->objects->reasons->invalid_syntax(sa, &answered);
    ike_sa_destroy(sa, "INVALID_SYNTAX from the peer");
}

/* A response cannot be read although its sender has the keys: the SA ends. */
static void refuse_response(struct ike_sa *sa, enum message_fault fault, uint8_t payload_type)
{
    if (sa->state != IKE_SA_DELETING)
        sa->engine->objects->reasons->malformed_answer(sa, STAILQ_FIRST(&sa->tasks), fault, payload_type);
    ike_sa_destroy(sa, "invalid syntax in a response of the peer");
}

/* Whether a message has the expected ID. A repeated request gets the same response again. */
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

/*
 * A notification in the clear. Anybody can send it, so it changes nothing (RFC 7296 2.4, 2.21.4). The log
 * says it at level debug, and if the peer then does not answer.
 */
static void note_denial(struct ike_sa *sa, const struct ike_header *header, struct octets datagram)
{
    struct ike_message message = {.header = *header};
    struct octets payloads = {datagram.at + IKE_HEADER_SIZE, datagram.length - IKE_HEADER_SIZE};
    if (ike_payloads_parse(payloads, header->next_payload, &message, NULL, NULL) != MESSAGE_OK) {
        engine_count(sa->engine, IKE_COUNT_MALFORMED);
        return;
    }
    engine_count(sa->engine, IKE_COUNT_IN_CLEAR);
    ike_sa_log_message(sa, "ignored, since it is in the clear,", &message);
    sa->unknown_to_peer |= ike_message_notify(&message, NOTIFY_INVALID_IKE_SPI) != NULL;
}

static void receive(struct ike_sa *sa, const struct ip_endpoint *local, const struct ip_endpoint *remote,
                    uint32_t ifindex, const struct ike_header *header, struct octets datagram)
{
    if (sa->job != 0) {
        keep_waiting(sa, local, remote, ifindex, datagram);
        return;
    }
    if (!id_is_due(sa, local, remote, header, datagram))
        return;
    if (sa->suite.encryption == NULL || header->exchange == EXCHANGE_IKE_SA_INIT) {
        engine_count(sa->engine, IKE_COUNT_MALFORMED); /* there are no keys yet, or IKE_SA_INIT is over */
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
    if (ip_endpoint_equal(remote, &sa->remote))
        sa->doubted_since = 0;
    ike_sa_follow_peer(sa, local, remote);
    if (sa->destroyed)
        return;
    if (fault != MESSAGE_OK && response)
        refuse_response(sa, fault, payload_type);
    else if (fault != MESSAGE_OK)
        refuse_request(sa, header, fault, payload_type);
    else if (response)
        receive_response(sa, &message);
    else {
        sa->answering = true;
        sa->engine->objects->exchanges->request(sa, &message);
    }
    ike_sa_start_task(sa);
}

void ike_sa_receive(struct ike_sa *sa, const struct ip_endpoint *local, const struct ip_endpoint *remote,
                    uint32_t ifindex, const struct ike_header *header, struct octets datagram)
{
    if (half_open_is(sa) && !half_open_make_room(sa, datagram.length))
        return; /* the peer will send it again */
    receive(sa, local, remote, ifindex, header, datagram);
    half_open_count_octets(sa);
}
