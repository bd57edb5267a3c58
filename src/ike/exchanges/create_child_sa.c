#include "ike/exchanges/create_child_sa.h"

#include "ike/exchanges/additional_child.h"
#include "ike/exchanges/rekey_ike_sa.h"
#include "ike/reasons/refusal.h"
#include "ike/sa/exchange.h"
#include "ike/sa/negotiation.h"

static const struct octets nothing = {NULL, 0};

/*
 * The Child SA that a REKEY_SA notify names. NULL if it cannot be rekeyed; `*error` is the notify to answer.
 */
static struct child_sa *named_child(const struct ike_sa *sa, const struct ike_payload *rekey, uint16_t *error)
{
    *error = NOTIFY_CHILD_SA_NOT_FOUND;
    if (rekey->spi.length != 4)
        return NULL;
    struct child_sa *child = child_sa_by_outbound(sa, load_u32be(rekey->spi.at));
    if (child_sa_is_gone(child))
        return NULL;
    *error = child->deleting || child->replaced ? NOTIFY_TEMPORARY_FAILURE : 0;
    return *error == 0 ? child : NULL;
}

/* If both ends rekey the same SA: notes the peer's new one in our own negotiation. */
static void note_rival(struct ike_sa *sa, const struct negotiation *theirs, const struct child_sa *made)
{
    struct negotiation *own = sa->own;
    if (own == NULL || own->old_spi == 0 || own->old_spi != theirs->old_spi)
        return;
    own->has_rival = true;
    own->rival_child = made->inbound.spi;
    own->rival_nonce = lowest_nonce_of(&theirs->nonce_i, &theirs->nonce_r);
}

static void answer(struct ike_sa *sa)
{
    struct negotiation *n = sa->theirs;
    struct child_sa *old = n->old_spi == 0 ? NULL : child_sa_by_inbound(sa, n->old_spi);
    enum child_activation activation = old != NULL ? CHILD_ACTIVE_WHEN_USED : CHILD_ACTIVE;
    struct child_sa *made = child_sa_new(sa, &n->agreement, child_sa_new_spi(sa->engine, sa->tunnel), false);
    if (made == NULL || !child_sa_install(made, activation, key_exchange_secret(&n->key_exchange),
                                          ike_buffer_octets(&n->nonce_i), ike_buffer_octets(&n->nonce_r))) {
        if (made != NULL)
            child_sa_destroy(made);
        negotiation_refuse(sa, NOTIFY_TEMPORARY_FAILURE, nothing);
        return;
    }
    note_rival(sa, n, made);
    if (old != NULL)
        made->one_way = old->one_way;
    bool own_rekey_out = sa->own != NULL && n->old_spi != 0 && sa->own->old_spi == n->old_spi;
    if (old != NULL && !own_rekey_out)
        old->replaced = true; /* the peer will delete it */
    struct message_writer m = ike_sa_begin_response(sa);
    message_put_notify(&m, PROTOCOL_NONE, nothing, NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED, nothing);
    child_exchange_put_answer(&m, &n->agreement, made->inbound.spi);
    negotiation_put_nonce_and_ke(&m, n, false);
    negotiation_free(n);
    sa->theirs = NULL;
    ike_sa_send_response(sa, EXCHANGE_CREATE_CHILD_SA, &m);
    additional_children_check(sa);
}

static void share_answered(struct ike_sa *sa, const struct ike_job_result *result)
{
    bool is_closing = sa->address_lost || sa->state != IKE_SA_ESTABLISHED; /* since the job ran (S40, R12) */
    if (key_exchange_take(&sa->theirs->key_exchange, result) && !is_closing)
        answer(sa);
    else
        negotiation_refuse(sa, NOTIFY_TEMPORARY_FAILURE, nothing);
}

/* Answers a request for a Child SA, which replaces another one or is additional. */
static void child_request(struct ike_sa *sa, const struct ike_message *message)
{
    const struct ike_payload *rekey = ike_message_notify(message, NOTIFY_REKEY_SA);
    const struct child_sa *old = NULL;
    uint16_t error = 0;
    if (sa->own != NULL && sa->own->new_spi != 0)
        error = NOTIFY_TEMPORARY_FAILURE; /* the IKE SA itself is being rekeyed (RFC 7296 2.25.2) */
    else if (rekey != NULL)
        old = named_child(sa, rekey, &error);
    else if (!tunnel_has_room(sa->tunnel, NULL))
        error = NOTIFY_NO_ADDITIONAL_SAS;
    if (error == 0 && !child_sa_has_place(sa))
        error = NOTIFY_TEMPORARY_FAILURE;
    const struct proposal_policy proposal = proposal_policy_of_child(&sa->tunnel->policy.child, false);
    enum failure_kind kind = rekey != NULL ? FAILED_CHILD_REKEY : FAILED_CHILD;
    if (error == NOTIFY_NO_ADDITIONAL_SAS)
        refusal_of_child(sa, kind, message, &proposal, error);
    if (error != 0) {
        negotiation_refuse(sa, error, nothing);
        return;
    }
    struct negotiation *n = negotiation_begin_theirs(sa, message);
    if (n == NULL)
        return;
    n->old_spi = old != NULL ? old->inbound.spi : 0;
    error = child_exchange_choose(message, &proposal, &n->agreement);
    if (error != 0) {
        if (error != NOTIFY_INVALID_SYNTAX) /* negotiation_refuse logs that itself */
            refusal_of_child(sa, kind, message, &proposal, error);
        negotiation_refuse(sa, error, nothing);
        return;
    }
    if (n->agreement.suite.dh == NULL)
        answer(sa);
    else
        negotiation_answer(sa, message, n->agreement.suite.dh, share_answered);
}

void create_child_sa_request(struct ike_sa *sa, const struct ike_message *message)
{
    const struct ike_payload *offer = ike_message_find(message, PAYLOAD_SA);
    if (offer == NULL || ike_message_find(message, PAYLOAD_NONCE) == NULL) {
        negotiation_refuse(sa, NOTIFY_INVALID_SYNTAX, nothing);
        return;
    }
    bool closing = sa->state != IKE_SA_ESTABLISHED || sa->replaced || sa->engine->stopping;
    if (closing) {
        negotiation_refuse(sa, NOTIFY_TEMPORARY_FAILURE, nothing);
        return;
    }
    if (proposal_protocol(offer) == PROTOCOL_IKE)
        rekey_ike_sa_request(sa, message);
    else
        child_request(sa, message);
}
