/*
 * CREATE_CHILD_SA for Child SAs (RFC 7296 1.3.1, 1.3.3): rekeys, and further ones that a peer asks for.
 */
#include "ike/negotiation.h"
#include "ike/record.h"
#include "ike/rekey.h"

#include <string.h>

static const struct octets nothing = {NULL, 0};

static enum task_readiness rekey_prepare(struct ike_sa *sa, struct ike_task *task);
static void rekey_write(struct ike_sa *sa, struct ike_task *task, struct message_writer *m);
static void rekey_response(struct ike_sa *sa, struct ike_task *task, const struct ike_message *message);

const struct ike_task_kind task_rekey_child = {
    .number = TASK_REKEY_CHILD,
    .exchange = EXCHANGE_CREATE_CHILD_SA,
    .name = "rekey of a Child SA",
    .write = rekey_write,
    .response = rekey_response,
    .prepare = rekey_prepare,
};

/* ---- Initiator --------------------------------------------------------------------------------------- */

void rekey_child_fire(struct ike_engine *engine, void *owner)
{
    struct child_sa *child = owner;
    struct ike_sa *sa = child->ike_sa;
    ike_sa_changed(sa);
    if (engine->stopping || sa->state != IKE_SA_ESTABLISHED || !rekey_is_allowed(sa->tunnel) ||
        !child_sa_is_current(child))
        return;
    ike_sa_add_task(sa, &task_rekey_child, child->inbound.spi);
}

/* Later again; the lifetime ends it if that never helps. */
static void put_off(struct child_sa *child)
{
    if (child == NULL || !child_sa_is_current(child))
        return;
    struct ike_engine *engine = child->ike_sa->engine;
    engine_set_timer(engine, &child->rekey, rekey_retry_delay(engine, child->expires));
}

static enum task_readiness rekey_prepare(struct ike_sa *sa, struct ike_task *task)
{
    struct child_sa *child = child_sa_by_inbound(sa, task->spi);
    if (sa->own != NULL && sa->own->phase != NEGOTIATION_READY)
        return TASK_WAITS;
    if (sa->own != NULL && child != NULL && child_sa_is_current(child) && !sa->own->has_rival)
        return TASK_READY;
    if (sa->own != NULL) { /* the peer has deleted or rekeyed it while a job was out */
        if (child != NULL && sa->own->has_rival)
            child->replaced = true;
        negotiation_end_own(sa);
        return TASK_DROPPED;
    }
    struct negotiation *n = child != NULL && child_sa_is_current(child) ? negotiation_new(sa, true) : NULL;
    if (n == NULL)
        return TASK_DROPPED;
    const struct tunnel_policy *policy = &sa->tunnel->policy;
    sa->own = n;
    n->old_spi = task->spi;
    n->request = child_request_of(policy, false, child_sa_new_spi(sa->engine, sa->tunnel));
    if (!child->initiator) {
        /* What the peer chose when it made the SA stays as it is (R71). */
        n->request.local_ts = child->local_ts;
        n->request.remote_ts = child->remote_ts;
    }
    n->dh = n->request.proposal.dh == 0 ? NULL : &dh_groups[__builtin_ctz(n->request.proposal.dh)];
    if (n->dh == NULL) {
        n->phase = NEGOTIATION_READY;
        return TASK_READY;
    }
    negotiation_start_public(sa, n);
    return TASK_WAITS;
}

static void rekey_write(struct ike_sa *sa, struct ike_task *task, struct message_writer *m)
{
    const struct negotiation *n = sa->own;
    uint8_t spi[4];
    store_u32be(spi, task->spi);
    message_put_notify(m, PROTOCOL_ESP, (struct octets){spi, sizeof spi}, NOTIFY_REKEY_SA, nothing);
    message_put_notify(m, PROTOCOL_NONE, nothing, NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED, nothing);
    child_exchange_put_offer(m, &n->request);
    negotiation_put_nonce_and_ke(m, n, true);
    child_exchange_put_selectors(m, &n->request);
}

/* The peer refuses to rekey: RFC 7296 2.25. */
static void rekey_refused(struct ike_sa *sa, uint16_t notify)
{
    struct child_sa *old = child_sa_by_inbound(sa, sa->own->old_spi);
    const struct tunnel_policy *policy = &sa->tunnel->policy;
    const char *name = notify_type_name(notify);
    bool rivalled = sa->own->has_rival;
    if (rivalled && old != NULL)
        old->replaced = true; /* by the peer's own rekey; the peer deletes it */
    negotiation_end_own(sa);
    if (notify == NOTIFY_TEMPORARY_FAILURE) {
        put_off(old);
        return;
    }
    if (notify == NOTIFY_CHILD_SA_NOT_FOUND) {
        if (old != NULL && child_sa_is_current(old))
            child_sa_linger(old);
        ike_sa_delete_if_childless(sa, "the peer has lost the Child SA");
        return;
    }
    if (rivalled)
        return; /* the peer's own rekey has done the work */
    engine_log(
        sa->engine, LOG_LEVEL_WARN, LOG_IKEV2, sa->tunnel,
        "the peer refuses to rekey the Child SA (%s): the SA ends with its lifetime; child-proposal and "
        "child-pfs: lines %u, %u, %u",
        name != NULL ? name : "an error", policy->line[SETTING_CHILD_ENCRYPTION],
        policy->line[SETTING_CHILD_INTEGRITY], policy->line[SETTING_CHILD_PFS]);
    put_off(old);
}

/* Our new SA, or the one that the peer made at the same time, goes: RFC 7296 2.8.1. */
static void resolve_collision(struct ike_sa *sa, const struct negotiation *n, struct child_sa *made)
{
    const struct lowest_nonce ours = lowest_nonce_of(&n->nonce_i, &n->nonce_r);
    struct child_sa *rival = n->has_rival ? child_sa_by_inbound(sa, n->rival_child) : NULL;
    struct child_sa *old = child_sa_by_inbound(sa, n->old_spi);
    if (rival != NULL && lowest_nonce_compare(&ours, &n->rival_nonce) < 0) {
        if (old != NULL)
            old->replaced = true; /* the peer deletes it */
        child_sa_stop(made);
        child_sa_delete(made);
        return;
    }
    if (rival != NULL)
        child_sa_stop(rival); /* the peer deletes it */
    if (old == NULL || old->lingering)
        return;
    old->replaced = true;
    child_sa_delete(old);
}

static void make_child(struct ike_sa *sa, struct octets shared_secret)
{
    if (sa->state == IKE_SA_DELETING) { /* what was made goes with the IKE SA */
        negotiation_end_own(sa);
        return;
    }
    struct negotiation *n = sa->own;
    sa->own = NULL;
    struct child_sa *made = child_sa_new(sa, &n->agreement, n->request.inbound_spi, true);
    if (made == NULL || !child_sa_install(made, CHILD_ACTIVE, shared_secret, ike_buffer_octets(&n->nonce_i),
                                          ike_buffer_octets(&n->nonce_r))) {
        ike_sa_destroy(sa, "out of memory");
    } else {
        resolve_collision(sa, n, made);
    }
    negotiation_free(n);
}

static void shared_secret_done(struct ike_sa *sa, bool ok, struct octets output)
{
    if (!ok || output.length != sa->own->dh->public_size) {
        ike_sa_destroy(sa, "Diffie-Hellman failed");
        return;
    }
    make_child(sa, output);
}

void rekey_child_resume(struct ike_sa *sa)
{
    negotiation_resume(sa, shared_secret_done);
}

static void rekey_response(struct ike_sa *sa, struct ike_task *task, const struct ike_message *message)
{
    struct negotiation *n = sa->own;
    const struct ike_payload *error = ike_message_error(message);
    if (error != NULL) {
        if (!negotiation_retry_with_group(sa, task, error, n->request.proposal.dh))
            rekey_refused(sa, error->notify);
        return;
    }
    const struct ike_payload *ke = ike_message_find(message, PAYLOAD_KE);
    const char *fault = child_exchange_accept(message, &n->request, &n->agreement);
    if (fault == NULL && !negotiation_take_nonce(&n->nonce_r, message))
        fault = "the peer's answer has no proper nonce";
    if (fault == NULL && n->agreement.suite.dh != NULL &&
        (n->agreement.suite.dh != n->dh || !negotiation_ke_is_valid(n->dh, ke)))
        fault = "the peer's answer has no proper KE";
    if (fault != NULL) {
        engine_log(sa->engine, LOG_LEVEL_WARN, LOG_IKEV2, sa->tunnel, "rekey of the Child SA failed: %s",
                   fault);
        ike_sa_delete(sa, fault);
        return;
    }
    if (n->agreement.suite.dh == NULL)
        make_child(sa, nothing);
    else
        negotiation_start_shared(sa, n, true, ke, shared_secret_done);
}

/* ---- Responder --------------------------------------------------------------------------------------- */

/* The Child SA that a REKEY_SA notify names; NULL with a notify to answer if it cannot be rekeyed. */
static struct child_sa *named_child(const struct ike_sa *sa, const struct ike_payload *rekey, uint16_t *error)
{
    *error = NOTIFY_CHILD_SA_NOT_FOUND;
    if (rekey->spi.length != 4)
        return NULL;
    struct child_sa *child = child_sa_by_outbound(sa, load_u32be(rekey->spi.at));
    if (child == NULL || child->lingering)
        return NULL;
    *error = child->deleting || child->replaced ? NOTIFY_TEMPORARY_FAILURE : 0;
    return *error == 0 ? child : NULL;
}

/* Both ends rekey the same SA: our own exchange learns of it. */
static void note_rival(struct ike_sa *sa, const struct negotiation *theirs, const struct child_sa *made)
{
    struct negotiation *own = sa->own;
    if (own == NULL || own->old_spi == 0 || own->old_spi != theirs->old_spi)
        return;
    own->has_rival = true;
    own->rival_child = made->inbound.spi;
    own->rival_nonce = lowest_nonce_of(&theirs->nonce_i, &theirs->nonce_r);
}

static void answer(struct ike_sa *sa, struct octets shared_secret)
{
    struct negotiation *n = sa->theirs;
    struct child_sa *old = n->old_spi == 0 ? NULL : child_sa_by_inbound(sa, n->old_spi);
    enum child_activation activation = old != NULL ? CHILD_ACTIVE_WHEN_USED : CHILD_ACTIVE;
    struct child_sa *made = child_sa_new(sa, &n->agreement, child_sa_new_spi(sa->engine, sa->tunnel), false);
    if (made == NULL || !child_sa_install(made, activation, shared_secret, ike_buffer_octets(&n->nonce_i),
                                          ike_buffer_octets(&n->nonce_r))) {
        if (made != NULL)
            child_sa_destroy(made);
        negotiation_refuse(sa, NOTIFY_TEMPORARY_FAILURE, nothing);
        return;
    }
    note_rival(sa, n, made);
    bool own_rekey_out = sa->own != NULL && n->old_spi != 0 && sa->own->old_spi == n->old_spi;
    if (old != NULL && !own_rekey_out)
        old->replaced = true; /* the peer deletes it */
    struct message_writer m = ike_sa_begin_response(sa);
    message_put_notify(&m, PROTOCOL_NONE, nothing, NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED, nothing);
    child_exchange_put_answer(&m, &n->agreement, made->inbound.spi);
    negotiation_put_nonce_and_ke(&m, n, false);
    negotiation_free(n);
    sa->theirs = NULL;
    ike_sa_send_response(sa, EXCHANGE_CREATE_CHILD_SA, &m);
}

static void exchange_done(struct ike_sa *sa, bool ok, struct octets output)
{
    struct negotiation *n = sa->theirs;
    size_t size = n->dh->public_size;
    if (!ok || output.length != 2 * size) {
        negotiation_refuse(sa, NOTIFY_TEMPORARY_FAILURE, nothing);
        return;
    }
    memcpy(n->dh_public, output.at, size);
    answer(sa, (struct octets){output.at + size, size});
}

/*
 * A peer may leave Child SAs that it has rekeyed undeleted, or rekey without end: no more are made than the
 * IKE SA's record holds. One place is kept for a rekey of our own.
 */
static bool has_place_in_record(const struct ike_sa *sa)
{
    size_t count = 0;
    const struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        count++;
    }
    return count + 1 < IKE_RECORD_CHILDREN_MAX;
}

void rekey_child_request(struct ike_sa *sa, const struct ike_message *message)
{
    const struct ike_payload *rekey = ike_message_notify(message, NOTIFY_REKEY_SA);
    const struct child_sa *old = NULL;
    uint16_t error = 0;
    if (sa->own != NULL && sa->own->new_spi != 0)
        error = NOTIFY_TEMPORARY_FAILURE; /* the IKE SA itself is being rekeyed (RFC 7296 2.25.2) */
    else if (rekey != NULL)
        old = named_child(sa, rekey, &error);
    else if (!tunnel_has_room(sa->tunnel))
        error = NOTIFY_NO_ADDITIONAL_SAS;
    if (error == 0 && !has_place_in_record(sa))
        error = NOTIFY_TEMPORARY_FAILURE;
    if (error != 0) {
        negotiation_refuse(sa, error, nothing);
        return;
    }
    const struct proposal_policy proposal = proposal_policy_of_child(&sa->tunnel->policy.child, false);
    struct negotiation *n = negotiation_new(sa, false);
    if (n == NULL) {
        negotiation_refuse(sa, NOTIFY_TEMPORARY_FAILURE, nothing);
        return;
    }
    sa->theirs = n;
    n->old_spi = old != NULL ? old->inbound.spi : 0;
    error = child_exchange_choose(message, &proposal, &n->agreement);
    if (error == 0 && !negotiation_take_nonce(&n->nonce_i, message))
        error = NOTIFY_INVALID_SYNTAX;
    if (error != 0) {
        child_exchange_log_refusal(sa, message, &proposal, error);
        negotiation_refuse(sa, error, nothing);
        return;
    }
    const struct ike_payload *ke = ike_message_find(message, PAYLOAD_KE);
    n->dh = n->agreement.suite.dh;
    if (n->dh == NULL)
        answer(sa, nothing);
    else if (ke == NULL || ke->dh_group != n->dh->id)
        negotiation_refuse_group(sa, n->dh);
    else if (!negotiation_ke_is_valid(n->dh, ke))
        negotiation_refuse(sa, NOTIFY_INVALID_SYNTAX, nothing);
    else
        negotiation_start_shared(sa, n, false, ke, exchange_done);
}
