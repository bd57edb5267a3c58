#include "ike/exchanges/informational.h"

#include "ike/exchanges/additional_child.h"
#include "ike/exchanges/authentication.h"
#include "ike/exchanges/invalid_spi.h"
#include "ike/reasons/auth_failure.h"
#include "ike/reasons/exchange_failure.h"
#include "ike/sa/exchange.h"

/* ---- Our DELETEs ------------------------------------------------------------------------------------- */

static void delete_ike_sa_write(struct ike_sa *sa, struct ike_task *task, struct message_writer *m)
{
    const struct octets nothing = {NULL, 0};
    (void)task;
    if (sa->delete_notify != 0)
        message_put_notify(m, PROTOCOL_NONE, nothing, sa->delete_notify, nothing);
    message_put_delete(m, PROTOCOL_IKE, NULL, 0);
}

static void delete_ike_sa_response(struct ike_sa *sa, struct ike_task *task,
                                   const struct ike_message *message)
{
    (void)task;
    (void)message;
    ike_sa_destroy(sa, ike_sa_delete_reason(sa));
}

const struct ike_task_kind task_delete_ike_sa = {
    .number = TASK_DELETE_IKE_SA,
    .exchange = EXCHANGE_INFORMATIONAL,
    .name = "DELETE",
    .write = delete_ike_sa_write,
    .response = delete_ike_sa_response,
};

/* No DELETE is needed if the peer has deleted the Child SA meanwhile. */
static enum task_readiness delete_child_sa_prepare(struct ike_sa *sa, struct ike_task *task)
{
    const struct child_sa *child = child_sa_by_inbound(sa, task->spi);
    return child_sa_is_gone(child) ? TASK_DROPPED : TASK_READY;
}

static void delete_child_sa_write(struct ike_sa *sa, struct ike_task *task, struct message_writer *m)
{
    (void)sa;
    message_put_delete(m, PROTOCOL_ESP, &task->spi, 1);
}

static void delete_child_sa_response(struct ike_sa *sa, struct ike_task *task,
                                     const struct ike_message *message)
{
    (void)message;
    struct child_sa *child = child_sa_by_inbound(sa, task->spi);
    if (child != NULL)
        child_sa_retire(child);
    additional_children_lost(sa, "Child SA lifetime expired");
}

const struct ike_task_kind task_delete_child_sa = {
    .number = TASK_DELETE_CHILD_SA,
    .exchange = EXCHANGE_INFORMATIONAL,
    .name = "DELETE",
    .write = delete_child_sa_write,
    .response = delete_child_sa_response,
    .prepare = delete_child_sa_prepare,
};

/* ---- The peer's requests ----------------------------------------------------------------------------- */

static bool deletes_ike_sa(const struct ike_message *message)
{
    for (size_t i = 0; i < message->count; i++) {
        const struct ike_payload *p = &message->payloads[i];
        if (p->type == PAYLOAD_DELETE && p->protocol == PROTOCOL_IKE)
            return true;
    }
    return false;
}

/* True while our own DELETE of a Child SA is waiting for its answer. */
static bool is_being_deleted(const struct ike_sa *sa, const struct child_sa *child)
{
    const struct ike_task *task = sa->request_out ? STAILQ_FIRST(&sa->tasks) : NULL;
    return task != NULL && task->kind->number == TASK_DELETE_CHILD_SA && task->spi == child->inbound.spi;
}

/* If the peer deletes a Child SA that it has rekeyed, it has the new one. */
static void activate_others(struct ike_sa *sa)
{
    struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (child_sa_is_current(child))
            child_sa_activate(child);
    }
}

/*
 * Removes the Child SAs that a Delete payload names by the sender's inbound SPIs, and collects our own
 * inbound SPIs for the answer (RFC 7296 1.4.1), except of those that we are deleting too.
 */
static size_t delete_named_children(struct ike_sa *sa, const struct ike_payload *p, uint32_t *spis,
                                    size_t count, size_t capacity)
{
    struct reader r = reader_of(p->content.at, p->content.length);
    for (uint16_t i = 0; i < p->spi_count && !r.failed; i++) {
        struct child_sa *child = child_sa_by_outbound(sa, reader_u32be(&r));
        if (child_sa_is_gone(child))
            continue;
        ike_sa_log(sa, child->replaced ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARN, LOG_IPSEC,
                   "Child SA deleted, SPI 0x%08x: by the peer", child->inbound.spi);
        additional_children_note_deletion(sa, child);
        if (!is_being_deleted(sa, child) && count < capacity)
            spis[count++] = child->inbound.spi;
        child_sa_retire(child);
    }
    activate_others(sa);
    return count;
}

/*
 * If the initiator refuses our answer to IKE_AUTH it says so in the next exchange, which ends the IKE SA
 * without DELETE (RFC 7296 2.21.2). Returns the notify; 0 if it does not refuse.
 */
static uint16_t refusal_of_auth(const struct ike_sa *sa, const struct ike_message *message)
{
    enum { AFTER_IKE_AUTH = 2 };
    static const uint16_t fatal[] = {NOTIFY_AUTHENTICATION_FAILED, NOTIFY_INVALID_SYNTAX,
                                     NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD};
    if (sa->initiator || message->header.message_id != AFTER_IKE_AUTH)
        return 0;
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
        if (ike_message_notify(message, fatal[i]) != NULL)
            return fatal[i];
    }
    return 0;
}

static void end_refused(struct ike_sa *sa, uint16_t notify, struct message_writer *m)
{
    ike_sa_send_response(sa, EXCHANGE_INFORMATIONAL, m);
    if (sa->destroyed)
        return;
    if (notify == NOTIFY_AUTHENTICATION_FAILED)
        authentication_refused(sa);
    auth_failure_of_answer(sa, notify);
    sa->refused = true;
    ike_sa_destroy(sa, "refused by the peer");
}

void informational_request(struct ike_sa *sa, const struct ike_message *message)
{
    enum { SPIS_MAX = 64 };
    uint32_t spis[SPIS_MAX];
    size_t count = 0;
    uint32_t unknown_spi = 0; /* of a Child SA that the peer does not have */
    struct message_writer m = ike_sa_begin_response(sa);
    uint16_t refusal = refusal_of_auth(sa, message);
    if (refusal != 0) {
        end_refused(sa, refusal, &m);
        return;
    }
    if (deletes_ike_sa(message)) {
        if (sa->handshake != NULL)
            exchange_failure_of_request(sa, EXCHANGE_INFORMATIONAL,
                                        "deletes the IKE SA before IKE_AUTH is answered");
        auth_failure_of_unmet(sa);
        sa->refused |= sa->state != IKE_SA_DELETING;
        ike_sa_send_response(sa, EXCHANGE_INFORMATIONAL, &m);
        ike_sa_destroy(sa, sa->state == IKE_SA_DELETING ? ike_sa_delete_reason(sa) : "Delete IKE SA by peer");
        return;
    }
    bool had_children = !LIST_EMPTY(&sa->children);
    for (size_t i = 0; i < message->count; i++) {
        const struct ike_payload *p = &message->payloads[i];
        if (p->type == PAYLOAD_DELETE && p->protocol == PROTOCOL_ESP && p->spi_size == 4)
            count = delete_named_children(sa, p, spis, count, SPIS_MAX);
        if (p->type == PAYLOAD_NOTIFY && p->notify == NOTIFY_INVALID_SPI && p->content.length == 4)
            unknown_spi = load_u32be(p->content.at);
    }
    if (count > 0)
        message_put_delete(&m, PROTOCOL_ESP, spis, count);
    ike_sa_send_response(sa, EXCHANGE_INFORMATIONAL, &m);
    if (sa->destroyed)
        return;
    if (unknown_spi != 0 && sa->state == IKE_SA_ESTABLISHED) /* else the peer may not be authenticated */
        invalid_spi_told(sa, unknown_spi);
    if (had_children && LIST_EMPTY(&sa->children))
        auth_failure_of_unmet(sa);
    if (had_children)
        additional_children_deleted_by_peer(sa);
}
