#include "ike/exchanges/rekey_ike_sa.h"

#include "base/secret.h"
#include "ike/exchanges/additional_child.h"
#include "ike/exchanges/initial_contact.h"
#include "ike/exchanges/own_address.h"
#include "ike/reasons/refusal.h"
#include "ike/sa/exchange.h"
#include "ike/sa/negotiation.h"
#include "ike/sa/rekey_schedule.h"
#include "ike/wire/proposal_text.h"

#include <string.h>

static const struct octets nothing = {NULL, 0};

static enum task_readiness rekey_prepare(struct ike_sa *sa, struct ike_task *task);
static void rekey_write(struct ike_sa *sa, struct ike_task *task, struct message_writer *m);
static void rekey_response(struct ike_sa *sa, struct ike_task *task, const struct ike_message *message);

const struct ike_task_kind task_rekey_ike_sa = {
    .number = TASK_REKEY_IKE_SA,
    .exchange = EXCHANGE_CREATE_CHILD_SA,
    .name = "rekey of the IKE SA",
    .write = rekey_write,
    .response = rekey_response,
    .prepare = rekey_prepare,
};

/* ---- The new SA -------------------------------------------------------------------------------------- */

/* A new IKE SA beside `old`, established, with our SPI, but without keys yet. NULL if there is no memory. */
static struct ike_sa *successor_new(struct ike_sa *old, bool initiator, uint64_t own_spi)
{
    struct ike_sa *sa = ike_sa_new(old->engine, initiator, own_spi);
    if (sa == NULL)
        return NULL;
    sa->state = IKE_SA_ESTABLISHED;
    sa->local = old->local;
    sa->remote = old->remote;
    sa->peer_address = old->peer_address;
    sa->ifindex = old->ifindex;
    sa->mark = old->mark;
    sa->arrival_ifindex = old->arrival_ifindex;
    sa->nat_local = old->nat_local;
    sa->nat_remote = old->nat_remote;
    sa->doubted_since = old->doubted_since;
    sa->encapsulate = old->encapsulate;
    sa->fragmentation = old->fragmentation;
    own_address_inherit(old, sa);
    return sa;
}

/* Makes the successor, with SPIs, keys (RFC 7296 2.18) and timers. NULL if that fails. */
static struct ike_sa *make_successor(struct ike_sa *old, struct negotiation *n, bool initiator)
{
    struct ike_sa *sa = successor_new(old, initiator, n->new_spi);
    if (sa == NULL)
        return NULL;
    *(initiator ? &sa->spi_r : &sa->spi_i) = n->peer_spi;
    sa->suite = n->suite;
    const struct identity local = identity_kept(&old->local_id);
    const struct identity remote = identity_kept(&old->remote_id);
    if (!identity_keep(&sa->local_id, &local) || !identity_keep(&sa->remote_id, &remote) ||
        !ike_buffer_set(&sa->nonce_i, ike_buffer_octets(&n->nonce_i)) ||
        !ike_buffer_set(&sa->nonce_r, ike_buffer_octets(&n->nonce_r)) ||
        !ike_keys_rekey(old->suite.prf, old->keys.d, &sa->suite, key_exchange_secret(&n->key_exchange),
                        ike_buffer_octets(&n->nonce_i), ike_buffer_octets(&n->nonce_r), sa->spi_i, sa->spi_r,
                        &sa->keys)) {
        ike_sa_destroy(sa, "out of memory");
        return NULL;
    }
    ike_sa_set_tunnel(sa, old->tunnel);
    ike_sa_establish(sa);
    sa->started_event = old->started_event;
    sa->established_event = old->established_event;
    sa->begun_here = old->begun_here;
    sa->initial_contact = old->initial_contact;
    ike_sa_log(sa, LOG_LEVEL_NOTICE, LOG_IKEV2, "IKE SA rekeyed: serial %u follows serial %u", sa->serial,
               old->serial);
    return sa;
}

/* Gives all Child SAs, and the tasks that concern them, to the successor. */
static void inherit(struct ike_sa *old, struct ike_sa *successor)
{
    struct child_sa *child;
    struct child_sa *last = NULL; /* the newest is the first there too */
    while ((child = LIST_FIRST(&old->children)) != NULL) {
        LIST_REMOVE(child, link);
        child->ike_sa = successor;
        if (last == NULL)
            LIST_INSERT_HEAD(&successor->children, child, link);
        else
            LIST_INSERT_AFTER(last, child, link);
        last = child;
    }
    ike_sa_set_replaced(old);
    initial_contact_rekeyed(old, successor);
    successor->predecessor = 0;
    ike_sa_hand_over_tasks(old, successor);
    ike_sa_changed(successor);
    additional_children_inherit(old, successor);
    if (successor->engine->stopping)
        ike_sa_delete(successor, "stopped");
}

/* ---- Initiator --------------------------------------------------------------------------------------- */

/* Tries again later, until the lifetime ends. */
static void put_off(struct ike_sa *sa)
{
    engine_set_timer(sa->engine, &sa->rekey, rekey_retry_delay(sa->engine, sa->expires));
}

/* The peer has refused it, or put it off: tries again, but less and less often (S44). */
static void try_later(struct ike_sa *sa, bool refused)
{
    unsigned before = sa->rekey_refusals++;
    msec_t delay = refused ? rekey_refused_delay(sa->engine, sa->expires, before)
                           : rekey_postponed_delay(sa->engine, sa->expires, before);
    if (delay != MSEC_NEVER)
        engine_set_timer(sa->engine, &sa->rekey, delay);
}

void rekey_ike_sa_ask_again(struct ike_sa *sa)
{
    if (sa->rekey_refusals > 0 && sa->state == IKE_SA_ESTABLISHED && !sa->replaced)
        engine_set_timer(sa->engine, &sa->rekey, 0);
    sa->rekey_refusals = 0;
    ike_sa_changed(sa);
}

void rekey_ike_sa_fire(struct ike_engine *engine, void *owner)
{
    struct ike_sa *sa = owner;
    ike_sa_changed(sa);
    if (engine->stopping || sa->state != IKE_SA_ESTABLISHED || sa->replaced)
        return;
    if (rekey_is_allowed(sa->tunnel) && !initial_contact_is_superfluous(sa))
        ike_sa_add_task(sa, TASK_REKEY_IKE_SA, 0);
    else
        put_off(sa); /* it may be allowed before the lifetime ends: `no shutdown` */
}

static enum task_readiness rekey_prepare(struct ike_sa *sa, struct ike_task *task)
{
    (void)task;
    if (sa->own != NULL)
        return sa->own->phase == NEGOTIATION_READY ? TASK_READY : TASK_WAITS;
    const struct proposal_policy proposal = proposal_policy_of_ike(&sa->tunnel->policy.ike);
    if (sa->replaced || proposal.dh == 0)
        return TASK_DROPPED;
    struct negotiation *n = negotiation_new(sa, true);
    if (n == NULL) {
        put_off(sa);
        return TASK_DROPPED;
    }
    sa->own = n;
    n->new_spi = ike_sa_unused_spi(sa->engine);
    n->request.proposal = proposal;
    negotiation_generate(sa, n, &key_exchange_methods[__builtin_ctz(proposal.dh)]);
    return TASK_WAITS;
}

static void rekey_write(struct ike_sa *sa, struct ike_task *task, struct message_writer *m)
{
    (void)task;
    const struct negotiation *n = sa->own;
    uint8_t spi[IKE_SPI_SIZE];
    store_u64be(spi, n->new_spi);
    proposal_put_all(m, &n->request.proposal, (struct octets){spi, sizeof spi});
    negotiation_put_nonce_and_ke(m, n, true);
}

/* The SA that the peer made from the same old one; NULL if there is none any more. */
static struct ike_sa *rival_of(const struct ike_sa *sa)
{
    if (sa->own == NULL || !sa->own->has_rival)
        return NULL;
    return map_find(&sa->engine->objects->sas, sa->own->rival_ike_sa);
}

static void rekey_refused(struct ike_sa *sa, const struct ike_payload *error)
{
    const struct proposal_policy proposal = sa->own->request.proposal;
    const struct refused asked = {"the rekey of the IKE SA", &proposal, NULL};
    struct ike_sa *rival = rival_of(sa);
    negotiation_end_own(sa);
    if (rival != NULL) {
        inherit(sa, rival);
        return;
    }
    if (sa->engine->now >= sa->expires) {
        ike_sa_delete(sa, "IKE SA lifetime expired");
        return;
    }
    if (error->notify != NOTIFY_TEMPORARY_FAILURE && failure_is_new(sa, FAILED_IKE_REKEY, 0, error->notify))
        refusal_warn(sa, FAILED_IKE_REKEY, &asked, error);
    try_later(sa, error->notify != NOTIFY_TEMPORARY_FAILURE);
}

static void secret_is_there(struct ike_sa *sa, const struct ike_job_result *result)
{
    struct negotiation *n = sa->own;
    struct ike_sa *rival = rival_of(sa);
    struct ike_sa *made = key_exchange_take(&n->key_exchange, result) ? make_successor(sa, n, true) : NULL;
    if (made == NULL) {
        ike_sa_destroy(sa, "Diffie-Hellman failed");
        return;
    }
    const struct lowest_nonce ours = lowest_nonce_of(&n->nonce_i, &n->nonce_r);
    bool lost = rival != NULL && lowest_nonce_compare(&ours, &n->rival_nonce) < 0;
    negotiation_end_own(sa);
    if (sa->state == IKE_SA_DELETING) { /* a command has come meanwhile, and applies to the successor too */
        ike_sa_delete(made, ike_sa_delete_reason(sa));
        return;
    }
    if (lost) {
        ike_sa_set_replaced(made);
        ike_sa_delete(made, "made twice at the same time");
        inherit(sa, rival); /* the peer will delete the old one */
        return;
    }
    if (rival != NULL) {
        ike_sa_set_replaced(rival); /* the peer deletes it */
        rival->predecessor = 0;
    }
    inherit(sa, made);
    ike_sa_delete(sa, "rekeyed");
}

void rekey_ike_sa_resume(struct ike_sa *sa)
{
    negotiation_resume(sa, secret_is_there);
}

/* Whether the peer's answer fits the request. If not, logs why. */
static bool answer_fits(struct ike_sa *sa, const struct ike_message *message, struct proposal_choice *choice)
{
    struct negotiation *n = sa->own;
    const struct ike_payload *offer = ike_message_find(message, PAYLOAD_SA);
    const struct ike_payload *ke = ike_message_find(message, PAYLOAD_KE);
    const struct proposal_policy *proposal = &n->request.proposal;
    if (offer != NULL && proposal_accept(offer, proposal, IKE_SPI_SIZE, choice) != PROPOSAL_CHOSEN) {
        char theirs[OFFER_TEXT_SIZE];
        char ours[POLICY_TEXT_SIZE];
        failure_warn(sa, FAILED_IKE_REKEY, IKE_PROPOSAL_SETTINGS,
                     "the peer chose a proposal that was not offered: it chose %s; offered %s",
                     proposal_offer_format(offer, proposal, IKE_SPI_SIZE, theirs),
                     proposal_policy_format(proposal, ours));
        return false;
    }
    if (offer == NULL || choice->suite.dh != n->key_exchange.method || !negotiation_ke_fits(n, ke) ||
        !nonce_take(&n->nonce_r, message) || load_u64be(choice->spi.at) == 0) {
        failure_warn(sa, FAILED_IKE_REKEY, PEER_SETTING, "the peer's answer has no proper SPI, nonce or KE");
        return false;
    }
    return true;
}

static void rekey_response(struct ike_sa *sa, struct ike_task *task, const struct ike_message *message)
{
    struct negotiation *n = sa->own;
    const struct ike_payload *error = ike_message_error(message);
    if (error != NULL) {
        if (!negotiation_retry_with_group(sa, task, error, n->request.proposal.dh))
            rekey_refused(sa, error);
        return;
    }
    struct proposal_choice choice;
    if (!answer_fits(sa, message, &choice)) {
        /*
         * The peer has given the Child SAs to a new IKE SA that we don't have. When the peers do not have the
         * same state, RFC 7296 2.21.3 wants the IKE SA deleted and all started over.
         */
        ike_sa_delete(sa, "invalid answer to a rekey");
        return;
    }
    const struct ike_payload *ke = ike_message_find(message, PAYLOAD_KE);
    n->suite = choice.suite;
    n->peer_spi = load_u64be(choice.spi.at);
    negotiation_finish(sa, ke, secret_is_there);
}

/* ---- Responder --------------------------------------------------------------------------------------- */

void rekey_ike_sa_settle(struct ike_sa *sa, const struct ike_message *message)
{
    const struct ike_payload *deletion = ike_message_find(message, PAYLOAD_DELETE);
    bool closes_it = deletion != NULL && deletion->protocol == PROTOCOL_IKE;
    struct ike_sa *old = sa->predecessor == 0 ? NULL : map_find(&sa->engine->objects->sas, sa->predecessor);
    if (old != NULL && !closes_it)
        inherit(old, sa);
}

void rekey_ike_sa_yield(struct ike_sa *sa)
{
    struct ike_sa *rival = rival_of(sa);
    if (rival != NULL && !sa->replaced)
        inherit(sa, rival);
}

static void share_answered(struct ike_sa *sa, const struct ike_job_result *result)
{
    struct negotiation *n = sa->theirs;
    struct ike_sa *made = NULL;
    /* Meanwhile a command may have come to delete it (2.25.2), or it was given up with its address. */
    bool closing = sa->state != IKE_SA_ESTABLISHED || sa->address_lost;
    if (key_exchange_take(&n->key_exchange, result) && !closing)
        made = make_successor(sa, n, false);
    if (made == NULL) {
        negotiation_refuse(sa, NOTIFY_TEMPORARY_FAILURE, nothing);
        return;
    }
    uint8_t spi[IKE_SPI_SIZE];
    store_u64be(spi, n->new_spi);
    struct message_writer m = ike_sa_begin_response(sa);
    proposal_put_choice(&m, PROTOCOL_IKE, n->proposal_number, (struct octets){spi, sizeof spi}, &n->suite);
    negotiation_put_nonce_and_ke(&m, n, false);
    ike_sa_send_response(sa, EXCHANGE_CREATE_CHILD_SA, &m);
    if (sa->destroyed) {
        ike_sa_destroy(made, "the peer was not told of it");
        return;
    }
    if (sa->own != NULL && sa->own->new_spi != 0) {
        sa->own->has_rival = true;
        sa->own->rival_ike_sa = n->new_spi;
        sa->own->rival_nonce = lowest_nonce_of(&n->nonce_i, &n->nonce_r);
        made->predecessor = ike_sa_own_spi(sa);
    } else {
        inherit(sa, made);
    }
    negotiation_free(n);
    sa->theirs = NULL;
}

/* True while a request of ours that concerns a Child SA is under way (RFC 7296 2.25.2). */
static bool is_busy_with_children(const struct ike_sa *sa)
{
    const struct ike_task *task = STAILQ_FIRST(&sa->tasks);
    return (sa->own != NULL && sa->own->new_spi == 0) ||
           (sa->request_out && task->kind->number == TASK_DELETE_CHILD_SA);
}

void rekey_ike_sa_request(struct ike_sa *sa, const struct ike_message *message)
{
    const struct ike_payload *offer = ike_message_find(message, PAYLOAD_SA);
    const struct proposal_policy proposal = proposal_policy_of_ike(&sa->tunnel->policy.ike);
    struct proposal_choice choice;
    if (is_busy_with_children(sa) || (sa->own != NULL && sa->own->has_rival)) {
        negotiation_refuse(sa, NOTIFY_TEMPORARY_FAILURE, nothing);
        return;
    }
    enum proposal_result result = proposal_choose(offer, &proposal, IKE_SPI_SIZE, &choice);
    if (result == PROPOSAL_NONE) {
        refusal_of_ike_rekey(sa, offer, &proposal);
        negotiation_refuse(sa, NOTIFY_NO_PROPOSAL_CHOSEN, nothing);
        return;
    }
    if (result == PROPOSAL_INVALID || load_u64be(choice.spi.at) == 0) {
        negotiation_refuse(sa, NOTIFY_INVALID_SYNTAX, nothing);
        return;
    }
    struct negotiation *n = negotiation_begin_theirs(sa, message);
    if (n == NULL)
        return;
    n->suite = choice.suite;
    n->proposal_number = choice.number;
    n->peer_spi = load_u64be(choice.spi.at);
    n->new_spi = ike_sa_unused_spi(sa->engine);
    negotiation_answer(sa, message, choice.suite.dh, share_answered);
}
