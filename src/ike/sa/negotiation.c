#include "ike/sa/negotiation.h"

#include "base/secret.h"
#include "ike/sa/exchange.h"

#include <stdlib.h>
#include <string.h>

struct negotiation *negotiation_new(struct ike_sa *sa, bool initiator)
{
    struct negotiation *n = calloc(1, sizeof *n);
    if (n != NULL && nonce_make(sa->engine, initiator ? &n->nonce_i : &n->nonce_r))
        return n;
    free(n);
    return NULL;
}

void negotiation_free(struct negotiation *n)
{
    if (n == NULL)
        return;
    ike_buffer_clear(&n->nonce_i);
    ike_buffer_clear(&n->nonce_r);
    secret_free(n, sizeof *n);
}

void negotiation_end_own(struct ike_sa *sa)
{
    negotiation_free(sa->own);
    sa->own = NULL;
}

static void share_generated(struct ike_sa *sa, const struct ike_job_result *result)
{
    struct negotiation *n = sa->own;
    if (!key_exchange_take(&n->key_exchange, result)) {
        ike_sa_destroy(sa, "Diffie-Hellman failed");
        return;
    }
    n->phase = NEGOTIATION_READY;
}

void negotiation_generate(struct ike_sa *sa, struct negotiation *n, const struct key_exchange_method *method)
{
    n->phase = NEGOTIATION_GENERATES;
    key_exchange_generate(sa, &n->key_exchange, method, share_generated);
}

bool negotiation_retry_with_group(struct ike_sa *sa, const struct ike_task *task,
                                  const struct ike_payload *error, algorithm_set allowed)
{
    struct negotiation *n = sa->own;
    struct reader r = reader_of(error->content.at, error->content.length);
    const struct key_exchange_method *group = key_exchange_by_id(reader_u16be(&r));
    if (error->notify != NOTIFY_INVALID_KE_PAYLOAD || group == NULL || n->ke_retried ||
        (allowed >> (group - key_exchange_methods) & 1) == 0)
        return false;
    n->ke_retried = true;
    ike_sa_retry_task(sa, task);
    negotiation_generate(sa, n, group);
    return true;
}

void negotiation_finish(struct ike_sa *sa, const struct ike_payload *ke, ike_job_done *done)
{
    sa->own->phase = NEGOTIATION_FINISHES;
    key_exchange_finish(sa, &sa->own->key_exchange, ke->content, done);
}

void negotiation_resume(struct ike_sa *sa, ike_job_done *done)
{
    key_exchange_finish_again(sa, &sa->own->key_exchange, done);
}

bool negotiation_ke_fits(const struct negotiation *n, const struct ike_payload *ke)
{
    const struct key_exchange_method *method = n->key_exchange.method;
    return ke != NULL && ke->dh_group == method->id &&
           key_exchange_share_fits(method, KEY_EXCHANGE_FINISH, ke->content);
}

void negotiation_put_nonce_and_ke(struct message_writer *m, const struct negotiation *n, bool initiator)
{
    message_put_nonce(m, ike_buffer_octets(initiator ? &n->nonce_i : &n->nonce_r));
    if (n->key_exchange.method != NULL)
        message_put_ke(m, n->key_exchange.method->id, key_exchange_own_share(&n->key_exchange));
}

void negotiation_refuse(struct ike_sa *sa, uint16_t notify, struct octets content)
{
    negotiation_free(sa->theirs);
    sa->theirs = NULL;
    ike_sa_send_error(sa, EXCHANGE_CREATE_CHILD_SA, notify, content);
}

/* Answers a KE payload of another method than the chosen one (RFC 7296 1.3). */
static void refuse_method(struct ike_sa *sa, const struct key_exchange_method *wanted)
{
    uint8_t id[2];
    store_u16be(id, wanted->id);
    negotiation_refuse(sa, NOTIFY_INVALID_KE_PAYLOAD, (struct octets){id, sizeof id});
}

struct negotiation *negotiation_begin_theirs(struct ike_sa *sa, const struct ike_message *request)
{
    static const struct octets nothing = {NULL, 0};
    sa->theirs = negotiation_new(sa, false);
    if (sa->theirs == NULL) {
        negotiation_refuse(sa, NOTIFY_TEMPORARY_FAILURE, nothing);
        return NULL;
    }
    if (nonce_take(&sa->theirs->nonce_i, request))
        return sa->theirs;
    negotiation_refuse(sa, NOTIFY_INVALID_SYNTAX, nothing);
    return NULL;
}

void negotiation_answer(struct ike_sa *sa, const struct ike_message *request,
                        const struct key_exchange_method *method, ike_job_done *done)
{
    const struct ike_payload *ke = ike_message_find(request, PAYLOAD_KE);
    if (ke == NULL || ke->dh_group != method->id)
        refuse_method(sa, method);
    else if (!key_exchange_share_fits(method, KEY_EXCHANGE_ANSWER, ke->content))
        negotiation_refuse(sa, NOTIFY_INVALID_SYNTAX, (struct octets){NULL, 0});
    else
        key_exchange_answer(sa, &sa->theirs->key_exchange, method, ke->content, done);
}
