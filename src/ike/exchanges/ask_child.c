#include "ike/exchanges/ask_child.h"

#include "ike/reasons/refusal.h"

enum { UNFIT_ANSWER = 0 }; /* in place of a notify, for failure_is_new */

static const struct octets nothing = {NULL, 0};

enum task_readiness ask_child_start(struct ike_sa *sa, const struct child_purpose *purpose,
                                    const struct selector_list *local_ts,
                                    const struct selector_list *remote_ts, uint32_t old_spi)
{
    struct negotiation *n = negotiation_new(sa, true);
    if (n == NULL)
        return TASK_DROPPED;
    sa->own = n;
    n->purpose = purpose;
    n->old_spi = old_spi;
    n->request = child_request_of(&sa->tunnel->policy, false, child_sa_new_spi(sa->engine, sa->tunnel));
    n->request.local_ts = *local_ts;
    n->request.remote_ts = *remote_ts;
    if (n->request.proposal.dh == 0) {
        n->phase = NEGOTIATION_READY;
        return TASK_READY;
    }
    negotiation_generate(sa, n, &key_exchange_methods[__builtin_ctz(n->request.proposal.dh)]);
    return TASK_WAITS;
}

enum task_readiness ask_child_go_on(struct ike_sa *sa, bool needed)
{
    if (sa->own->phase != NEGOTIATION_READY)
        return TASK_WAITS;
    if (needed)
        return TASK_READY;
    negotiation_end_own(sa);
    return TASK_DROPPED;
}

void ask_child_write(struct ike_sa *sa, struct ike_task *task, struct message_writer *m)
{
    const struct negotiation *n = sa->own;
    (void)task;
    if (n->old_spi != 0) {
        uint8_t spi[4];
        store_u32be(spi, n->old_spi);
        message_put_notify(m, PROTOCOL_ESP, (struct octets){spi, sizeof spi}, NOTIFY_REKEY_SA, nothing);
    }
    message_put_notify(m, PROTOCOL_NONE, nothing, NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED, nothing);
    child_exchange_put_offer(m, &n->request);
    negotiation_put_nonce_and_ke(m, n, true);
    child_exchange_put_selectors(m, &n->request);
}

static void make_child(struct ike_sa *sa)
{
    if (sa->state == IKE_SA_DELETING) { /* the new Child SA ends with the IKE SA */
        negotiation_end_own(sa);
        return;
    }
    struct negotiation *n = sa->own;
    sa->own = NULL;
    struct child_sa *made = child_sa_new(sa, &n->agreement, n->request.inbound_spi, true);
    if (made == NULL || !child_sa_install(made, CHILD_ACTIVE, key_exchange_secret(&n->key_exchange),
                                          ike_buffer_octets(&n->nonce_i), ike_buffer_octets(&n->nonce_r))) {
        ike_sa_destroy(sa, "out of memory");
    } else {
        n->purpose->made(sa, n, made);
    }
    negotiation_free(n);
}

static void secret_is_there(struct ike_sa *sa, const struct ike_job_result *result)
{
    if (!key_exchange_take(&sa->own->key_exchange, result)) {
        ike_sa_destroy(sa, "Diffie-Hellman failed");
        return;
    }
    make_child(sa);
}

void ask_child_resume(struct ike_sa *sa)
{
    negotiation_resume(sa, secret_is_there);
}

/* Logs what is wrong with the peer's answer, once, and returns it; NULL if nothing is. */
static const char *fault_of_answer(struct ike_sa *sa, const struct ike_message *message)
{
    struct negotiation *n = sa->own;
    enum failure_kind kind = n->old_spi != 0 ? FAILED_CHILD_REKEY : FAILED_CHILD;
    enum child_fault fault = child_exchange_accept(message, &n->request, &n->agreement);
    if (fault != CHILD_OK) {
        if (failure_is_new(sa, kind, n->old_spi, UNFIT_ANSWER))
            refusal_warn_answer(sa, kind, message, &n->request, fault);
        return child_fault_text(fault);
    }
    const struct ike_payload *ke = ike_message_find(message, PAYLOAD_KE);
    const struct key_exchange_method *dh = n->agreement.suite.dh;
    const char *reason = NULL;
    if (!nonce_take(&n->nonce_r, message))
        reason = "the peer's answer has no proper nonce";
    else if (dh != NULL && (dh != n->key_exchange.method || !negotiation_ke_fits(n, ke)))
        reason = "the peer's answer has no proper KE";
    if (reason != NULL && failure_is_new(sa, kind, n->old_spi, UNFIT_ANSWER))
        failure_warn(sa, kind, SETTING_BIT(SETTING_CHILD_PFS), "%s", reason);
    return reason;
}

static void give_up_write(struct ike_sa *sa, struct ike_task *task, struct message_writer *m)
{
    (void)sa;
    message_put_delete(m, PROTOCOL_ESP, &task->spi, 1);
}

static void give_up_response(struct ike_sa *sa, struct ike_task *task, const struct ike_message *message)
{
    (void)sa;
    (void)task;
    (void)message;
}

const struct ike_task_kind task_give_up_child = {
    .number = TASK_GIVE_UP_CHILD,
    .exchange = EXCHANGE_INFORMATIONAL,
    .name = "DELETE",
    .write = give_up_write,
    .response = give_up_response,
};

/* Nothing but this Child SA ends by an answer that cannot be taken (RFC 7296 1.3.1). */
static void give_up(struct ike_sa *sa, const struct ike_message *message, const char *fault)
{
    struct negotiation *n = sa->own;
    sa->own = NULL;
    bool made_by_peer = ike_message_find(message, PAYLOAD_SA) != NULL;
    if (made_by_peer && sa->state == IKE_SA_ESTABLISHED && !sa->tunnel->policy.suppress_delete)
        ike_sa_add_task(sa, TASK_GIVE_UP_CHILD, n->request.inbound_spi);
    if (!sa->destroyed)
        n->purpose->unfit(sa, n, fault);
    negotiation_free(n);
}

void ask_child_response(struct ike_sa *sa, struct ike_task *task, const struct ike_message *message)
{
    struct negotiation *n = sa->own;
    const struct ike_payload *error = ike_message_error(message);
    if (error != NULL) {
        bool gone = n->old_spi != 0 && child_sa_is_gone(child_sa_by_inbound(sa, n->old_spi));
        if (gone || !negotiation_retry_with_group(sa, task, error, n->request.proposal.dh))
            n->purpose->refused(sa, error);
        return;
    }
    const char *fault = fault_of_answer(sa, message);
    if (fault != NULL)
        give_up(sa, message, fault);
    else if (n->agreement.suite.dh == NULL)
        make_child(sa);
    else
        negotiation_finish(sa, ike_message_find(message, PAYLOAD_KE), secret_is_there);
}
