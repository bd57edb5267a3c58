#include "ike/exchanges/rekey_child.h"

#include "ike/exchanges/additional_child.h"
#include "ike/reasons/narrowing.h"
#include "ike/reasons/refusal.h"
#include "ike/sa/rekey_schedule.h"

static enum task_readiness rekey_prepare(struct ike_sa *sa, struct ike_task *task);

const struct ike_task_kind task_rekey_child = {
    .number = TASK_REKEY_CHILD,
    .exchange = EXCHANGE_CREATE_CHILD_SA,
    .name = "rekey of a Child SA",
    .write = ask_child_write,
    .response = ask_child_response,
    .prepare = rekey_prepare,
};

/* Tries again later, until the lifetime ends. */
static void put_off(struct child_sa *child)
{
    if (!child_sa_is_current(child))
        return;
    struct ike_engine *engine = child->ike_sa->engine;
    engine_set_timer(engine, &child->rekey, rekey_retry_delay(engine, child->expires));
}

/* The peer has refused it, or put it off: tries again, but less and less often (S44). */
static void try_later(struct child_sa *child, bool refused)
{
    struct ike_engine *engine = child->ike_sa->engine;
    if (!child_sa_is_current(child))
        return;
    unsigned before = child->rekey_refusals++;
    msec_t delay = refused ? rekey_refused_delay(engine, child->expires, before)
                           : rekey_postponed_delay(engine, child->expires, before);
    if (delay != MSEC_NEVER)
        engine_set_timer(engine, &child->rekey, delay);
}

void rekey_child_ask_again(struct ike_sa *sa)
{
    struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (child->rekey_refusals > 0 && child_sa_is_current(child))
            engine_set_timer(sa->engine, &child->rekey, 0);
        child->rekey_refusals = 0;
        ike_sa_changed(sa);
    }
}

void rekey_child_fire(struct ike_engine *engine, void *owner)
{
    struct child_sa *child = owner;
    struct ike_sa *sa = child->ike_sa;
    ike_sa_changed(sa);
    if (engine->stopping || sa->state != IKE_SA_ESTABLISHED)
        return;
    if (!rekey_is_allowed(sa->tunnel)) /* it may be allowed before the lifetime ends: `no shutdown` */
        put_off(child);
    else if (child_sa_is_current(child))
        ike_sa_add_task(sa, TASK_REKEY_CHILD, child->inbound.spi);
}

/* Logs why the peer refuses, once for each SA: the rekey is tried again until the SA's lifetime ends. */
static void warn_of_refusal(struct ike_sa *sa, const struct ike_payload *error)
{
    const struct child_request *request = &sa->own->request;
    const struct refused asked = {"the rekey of a Child SA", &request->proposal, request};
    if (failure_is_new(sa, FAILED_CHILD_REKEY, sa->own->old_spi, error->notify))
        refusal_warn(sa, FAILED_CHILD_REKEY, &asked, error);
}

/* The peer refuses to rekey: RFC 7296 2.25. */
static void rekey_refused(struct ike_sa *sa, const struct ike_payload *error)
{
    struct child_sa *old = child_sa_by_inbound(sa, sa->own->old_spi);
    uint16_t notify = error->notify;
    bool rivalled = sa->own->has_rival;
    if (child_sa_is_gone(old)) {
        negotiation_end_own(sa);
        additional_children_deleted_by_peer(sa);
        return;
    }
    if (rivalled)
        old->replaced = true; /* by the peer's own rekey; the peer will delete it */
    if (!rivalled && notify != NOTIFY_TEMPORARY_FAILURE && notify != NOTIFY_CHILD_SA_NOT_FOUND)
        warn_of_refusal(sa, error);
    negotiation_end_own(sa);
    if (notify == NOTIFY_TEMPORARY_FAILURE) {
        try_later(old, false);
        return;
    }
    if (notify == NOTIFY_CHILD_SA_NOT_FOUND) {
        if (child_sa_is_current(old))
            child_sa_linger(old);
        additional_children_lost(sa, "the peer has lost the Child SA");
        return;
    }
    if (!rivalled)
        try_later(old, true);
}

/*
 * The old SA ends, and so does either our new one or the one that the peer made at the same time (RFC 7296
 * 2.8.1).
 */
static void rekey_made(struct ike_sa *sa, const struct negotiation *n, struct child_sa *made)
{
    const struct lowest_nonce ours = lowest_nonce_of(&n->nonce_i, &n->nonce_r);
    struct child_sa *rival = n->has_rival ? child_sa_by_inbound(sa, n->rival_child) : NULL;
    struct child_sa *old = child_sa_by_inbound(sa, n->old_spi);
    if (old != NULL)
        made->one_way = old->one_way;
    if (rival != NULL && lowest_nonce_compare(&ours, &n->rival_nonce) < 0) {
        if (old != NULL)
            old->replaced = true; /* the peer will delete it */
        child_sa_stop(made);
        child_sa_delete(made);
        return;
    }
    if (rival != NULL)
        child_sa_stop(rival); /* the peer will delete it */
    if (!child_sa_is_gone(old)) {
        if (!child_sa_is_within(old, made))
            narrowing_warn(sa, &n->request, made);
        old->replaced = true;
        child_sa_delete(old);
    }
    additional_children_check(sa);
}

/* The old one stays, unless the peer has replaced it meanwhile. */
static void rekey_unfit(struct ike_sa *sa, const struct negotiation *n, const char *fault)
{
    struct child_sa *old = child_sa_by_inbound(sa, n->old_spi);
    if (child_sa_is_gone(old))
        additional_children_lost(sa, fault);
    else if (n->has_rival)
        old->replaced = true; /* the peer will delete it */
    else
        try_later(old, true);
}

const struct child_purpose child_purpose_rekey = {rekey_made, rekey_refused, rekey_unfit};

/* The families that other Child SAs carry, but not this one. */
static uint8_t families_of_others(const struct child_sa *child)
{
    unsigned families = 0;
    const struct child_sa *other;
    LIST_FOREACH(other, &child->ike_sa->children, link)
    {
        if (other != child && child_sa_is_current(other))
            families |= child_sa_families(other);
    }
    return (uint8_t)(families & ~(unsigned)child_sa_families(child));
}

/*
 * A rekey proposes what the policy says today (R11), without the families that other Child SAs carry: so
 * never less than what is in use, unless the policy has become narrower (RFC 7296 2.9.2). What is in use
 * comes first: a peer that grants a part of the policy is to grant the same part. Selectors that the peer
 * chose when it made the SA (R71), and those of a single pair, stay as they are.
 */
static struct child_selectors selectors_to_propose(const struct child_sa *child)
{
    const struct ike_sa *sa = child->ike_sa;
    const struct child_selectors in_use = child_sa_selectors(child);
    if (!child->initiator || sa->additional.scope != SCOPE_PROPOSED)
        return in_use;
    const struct child_request request = child_request_of(&sa->tunnel->policy, false, 0);
    uint8_t families = (FAMILY_V4 | FAMILY_V6) & (uint8_t)~families_of_others(child);
    struct child_selectors ts = {
        .local = selectors_of_families(&request.local_ts, families),
        .remote = selectors_of_families(&request.remote_ts, families),
    };
    if (selectors_within(&in_use.local, &ts.local) && selectors_within(&in_use.remote, &ts.remote)) {
        ts.local = selectors_joined(&in_use.local, &ts.local);
        ts.remote = selectors_joined(&in_use.remote, &ts.remote);
    }
    return ts;
}

static enum task_readiness rekey_prepare(struct ike_sa *sa, struct ike_task *task)
{
    struct child_sa *child = child_sa_by_inbound(sa, task->spi);
    bool is_current = child != NULL && child_sa_is_current(child);
    if (sa->own != NULL) {
        bool rivalled = sa->own->has_rival; /* the peer has rekeyed it while a job was out */
        if (rivalled && sa->own->phase == NEGOTIATION_READY && child != NULL)
            child->replaced = true;
        return ask_child_go_on(sa, is_current && !rivalled);
    }
    if (!is_current)
        return TASK_DROPPED;
    const struct child_selectors ts = selectors_to_propose(child);
    if (ts.local.count == 0 || ts.remote.count == 0) {
        ike_sa_log(sa, LOG_LEVEL_NOTICE, LOG_IKEV2,
                   "Child SA, SPI 0x%08x, is not rekeyed: nothing of it is left in local-ts and remote-ts",
                   child->inbound.spi);
        return TASK_DROPPED;
    }
    enum task_readiness readiness =
        ask_child_start(sa, &child_purpose_rekey, &ts.local, &ts.remote, task->spi);
    if (readiness == TASK_DROPPED) /* there is no memory */
        put_off(child);
    return readiness;
}
