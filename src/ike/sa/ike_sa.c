#include "ike/sa/ike_sa.h"

#include "base/secret.h"
#include "ike/sa/debug_log.h"
#include "ike/sa/fragmentation.h"
#include "ike/sa/half_open.h"
#include "ike/sa/job.h"
#include "ike/sa/negotiation.h"
#include "ike/sa/rekey_schedule.h"
#include "ike/sa/upper.h"
#include "ike/wire/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t ike_sa_own_spi(const struct ike_sa *sa)
{
    return sa->initiator ? sa->spi_i : sa->spi_r;
}

const char *ike_sa_endpoints(const struct ike_sa *sa, char out[2 * IP_TEXT_SIZE])
{
    char local[IP_TEXT_SIZE];
    char remote[IP_TEXT_SIZE];
    (void)snprintf(out, (size_t)2 * IP_TEXT_SIZE, "%s-%s", ip_endpoint_format(&sa->local, local),
                   ip_endpoint_format(&sa->remote, remote));
    return out;
}

void ike_sa_log(const struct ike_sa *sa, enum log_level level, enum log_function function, const char *format,
                ...)
{
    va_list arguments;
    va_start(arguments, format);
    engine_log_of_tunnel(sa->engine, level, function, sa->tunnel != NULL ? &sa->tunnel->policy.tunnel : NULL,
                         format, arguments);
    va_end(arguments);
}

bool ike_sa_is_with_same_peer(const struct ike_sa *a, const struct ike_sa *b)
{
    const struct identity local[] = {identity_kept(&a->local_id), identity_kept(&b->local_id)};
    const struct identity remote[] = {identity_kept(&a->remote_id), identity_kept(&b->remote_id)};
    return identity_equal(&remote[0], &remote[1]) && identity_equal(&local[0], &local[1]);
}

bool ike_sa_supersedes(const struct ike_sa *newcomer, const struct ike_sa *old)
{
    bool before = old->established_event != 0 && old->established_event < newcomer->started_event;
    return old != newcomer && before && ike_sa_is_with_same_peer(old, newcomer);
}

void ike_sa_changed(struct ike_sa *sa)
{
    if (sa->dirty || sa->destroyed)
        return;
    sa->dirty = true;
    LIST_INSERT_HEAD(&sa->engine->objects->dirty, sa, dirty_link);
}

void ike_sa_set_replaced(struct ike_sa *sa)
{
    sa->replaced = true;
    if (sa->state == IKE_SA_ESTABLISHED)
        sa->engine->objects->exchanges->watch_peer(sa);
    ike_sa_changed(sa);
}

bool ike_sa_may_take_hint(struct ike_sa *sa)
{
    enum { INTERVAL = 10000 }; /* milliseconds */
    if (sa->engine->now < sa->next_hint)
        return false;
    sa->next_hint = sa->engine->now + INTERVAL;
    return true;
}

/*
 * Behind a NAT ourselves, we may not follow. The peer may have lost its mapping nevertheless, and what we
 * send: it is asked where it was, so that a dead SA does not stay, and a new one can be made. The answer may
 * stay away by a rekey of the IKE SA, so the time counts for the new one too.
 */
static void doubt_endpoint(struct ike_sa *sa, const struct ip_endpoint *seen)
{
    enum { PATIENCE = 30000 }; /* milliseconds: as long as a request is sent again (R15) */
    msec_t now = sa->engine->now;
    char from[IP_TEXT_SIZE];
    char to[IP_TEXT_SIZE];
    if (sa->doubted_since != 0 && now - sa->doubted_since > PATIENCE) {
        ike_sa_destroy(sa, "no answer from where the peer was");
        return;
    }
    if (sa->doubted_since == 0)
        sa->doubted_since = now;
    if (!ike_sa_may_take_hint(sa))
        return;
    ike_sa_log(sa, LOG_LEVEL_INFO, LOG_IKEV2,
               "the peer sends from %s now, which is not followed behind a NAT: asking it at %s",
               ip_endpoint_format(seen, to), ip_endpoint_format(&sa->remote, from));
    if (STAILQ_EMPTY(&sa->tasks)) /* else its answer, or none, will tell */
        ike_sa_add_task(sa, TASK_LIVENESS, 0);
}

/* Some NAT boxes change the port with each packet: that is told a few times a minute. */
static void tell_move(struct ike_sa *sa, const struct ip_endpoint *to)
{
    enum { TELL_TIME = 60000, TOLD_MOST = 5 };
    msec_t now = sa->engine->now;
    char old[IP_TEXT_SIZE];
    char new[IP_TEXT_SIZE];
    if (sa->moves_since == 0 || now - sa->moves_since >= TELL_TIME) {
        sa->moves_since = now;
        sa->moves_told = 0;
    }
    if (sa->moves_told == TOLD_MOST)
        return;
    sa->moves_told++;
    ike_sa_log(sa, LOG_LEVEL_NOTICE, LOG_IKEV2, "the NAT in front of the peer has changed %s to %s%s",
               ip_endpoint_format(&sa->remote, old), ip_endpoint_format(to, new),
               sa->moves_told == TOLD_MOST ? ", and does so often: more changes are not told for a minute"
                                           : "");
}

void ike_sa_follow_peer(struct ike_sa *sa, const struct ip_endpoint *local, const struct ip_endpoint *remote)
{
    bool may_move = sa->state == IKE_SA_ESTABLISHED && sa->encapsulate && sa->nat_remote;
    if (!may_move || local->port != sa->local.port || ip_endpoint_equal(remote, &sa->remote))
        return;
    if (sa->nat_local) {
        doubt_endpoint(sa, remote);
        return;
    }
    tell_move(sa, remote);
    sa->remote = *remote;
    ike_sa_changed(sa);
    const struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (child->installed)
            child_sa_redirect(child);
    }
}

/* ---- Timers ------------------------------------------------------------------------------------------ */

enum { REKEY_PATIENCE = 30000 }; /* milliseconds */

/* True if a rekey of the IKE SA is under way, by either end. */
static bool is_being_rekeyed(const struct ike_sa *sa)
{
    return (sa->own != NULL && sa->own->new_spi != 0) || (sa->theirs != NULL && sa->theirs->new_spi != 0);
}

/* sa-lifetime, or the time for a half-open SA, has ended. */
static void lifetime_fire(struct ike_engine *engine, void *owner)
{
    struct ike_sa *sa = owner;
    ike_sa_changed(sa);
    if (sa->state == IKE_SA_HALF_OPEN || sa->state == IKE_SA_AUTHENTICATING) {
        engine->objects->reasons->half_open_timed_out(sa);
        ike_sa_destroy(sa, "negotiation timed out");
        return;
    }
    /* A rekey may still save the Child SAs; after this time it has been answered or has timed out (R15). */
    if (is_being_rekeyed(sa)) {
        engine_set_timer(engine, &sa->lifetime, REKEY_PATIENCE);
        return;
    }
    ike_sa_delete(sa, "IKE SA lifetime expired");
}

/* ---- Life -------------------------------------------------------------------------------------------- */

uint64_t ike_sa_unused_spi(struct ike_engine *engine)
{
    uint64_t spi = 0;
    do
        spi = engine_random_spi(engine);
    while (map_find(&engine->objects->sas, spi) != NULL);
    return spi;
}

struct ike_sa *ike_sa_new(struct ike_engine *engine, bool initiator, uint64_t own_spi)
{
    const struct ike_exchanges *upper = engine->objects->exchanges;
    struct ike_sa *sa = calloc(1, sizeof *sa);
    if (sa == NULL || !map_put(&engine->objects->sas, own_spi, sa)) {
        free(sa);
        return NULL;
    }
    sa->engine = engine;
    sa->initiator = initiator;
    *(initiator ? &sa->spi_i : &sa->spi_r) = own_spi;
    sa->serial = ++engine->objects->next_ike_serial;
    sa->started_event = engine->event_number;
    sa->begun_here = initiator;
    sa->created = engine->now;
    sa->expires = MSEC_NEVER;
    sa->retransmit = (struct ike_timer){.fire = ike_sa_retransmit_fire, .owner = sa};
    sa->lifetime = (struct ike_timer){.fire = lifetime_fire, .owner = sa};
    sa->rekey = (struct ike_timer){.fire = upper->rekey_ike_sa_fire, .owner = sa};
    sa->liveness = (struct ike_timer){.fire = upper->liveness_fire, .owner = sa};
    sa->childless = (struct ike_timer){.fire = upper->childless_fire, .owner = sa};
    sa->own_address = (struct ike_timer){.fire = upper->own_address_fire, .owner = sa};
    sa->stays = (struct ike_timer){.fire = life_log_stays_fire, .owner = sa};
    sa->job_lost = (struct ike_timer){.fire = ike_sa_job_lost_fire, .owner = sa};
    sa->additional.again = (struct ike_timer){.fire = upper->additional_children_fire, .owner = sa};
    STAILQ_INIT(&sa->tasks);
    STAILQ_INIT(&sa->waiting);
    LIST_INSERT_HEAD(&engine->objects->all_sas, sa, all_link);
    return sa;
}

bool ike_sa_begin_handshake(struct ike_sa *sa)
{
    sa->handshake = calloc(1, sizeof *sa->handshake);
    if (sa->handshake == NULL)
        return false;
    sa->state = sa->initiator ? IKE_SA_INITIATING : IKE_SA_HALF_OPEN;
    if (!sa->initiator)
        half_open_enter(sa);
    return true;
}

bool ike_sa_take_secret(struct ike_sa *sa, const struct ike_job_result *result)
{
    struct key_exchange *x = &sa->handshake->key_exchange;
    bool ok = key_exchange_take(x, result) &&
              ike_keys_derive(&sa->suite, key_exchange_secret(x), ike_buffer_octets(&sa->nonce_i),
                              ike_buffer_octets(&sa->nonce_r), sa->spi_i, sa->spi_r, &sa->keys);
    secret_wipe(x->secret, sizeof x->secret);
    return ok;
}

void ike_sa_set_tunnel(struct ike_sa *sa, struct ike_tunnel *tunnel)
{
    sa->tunnel = tunnel;
    LIST_INSERT_HEAD(&tunnel->sas, sa, tunnel_link);
}

void ike_sa_end_handshake(struct ike_sa *sa)
{
    struct ike_handshake *h = sa->handshake;
    if (h == NULL)
        return;
    half_open_leave(sa);
    ike_buffer_clear(&h->cookie);
    ike_buffer_clear(&h->init_request);
    ike_buffer_clear(&h->init_response);
    ike_buffer_clear(&h->own_auth);
    ike_buffer_clear(&h->own_certificates);
    ike_message_free(h->auth_message);
    free(h->failure);
    secret_free(h, sizeof *h);
    sa->handshake = NULL;
}

void ike_sa_establish(struct ike_sa *sa)
{
    struct ike_engine *engine = sa->engine;
    msec_t lifetime = (msec_t)sa->tunnel->policy.sa_lifetime * 1000;
    sa->state = IKE_SA_ESTABLISHED;
    sa->tunnel->peer_is_silent = false;
    sa->established_event = engine->event_number;
    sa->created = engine->now;
    sa->expires = engine->now + lifetime;
    sa->last_message = engine->now;
    engine_set_timer(engine, &sa->lifetime, lifetime);
    engine_set_timer(engine, &sa->rekey, rekey_delay(engine, lifetime, REKEY_MARGIN_IKE_SA, sa->initiator));
    sa->engine->objects->exchanges->watch_peer(sa);
    ike_sa_end_handshake(sa);
    key_log_ike_sa(sa);
    ike_sa_changed(sa);
}

static void remove_from_engine(struct ike_sa *sa)
{
    struct ike_engine *engine = sa->engine;
    engine_cancel_timer(engine, &sa->retransmit);
    engine_cancel_timer(engine, &sa->lifetime);
    engine_cancel_timer(engine, &sa->rekey);
    engine_cancel_timer(engine, &sa->liveness);
    engine_cancel_timer(engine, &sa->childless);
    engine_cancel_timer(engine, &sa->own_address);
    engine_cancel_timer(engine, &sa->stays);
    engine_cancel_timer(engine, &sa->job_lost);
    engine_cancel_timer(engine, &sa->additional.again);
    (void)map_remove(&engine->objects->sas, ike_sa_own_spi(sa));
    ike_sa_forget_job(sa);
    LIST_REMOVE(sa, all_link);
    if (sa->dirty)
        LIST_REMOVE(sa, dirty_link);
    sa->dirty = false;
}

void ike_sa_destroy(struct ike_sa *sa, const char *reason)
{
    if (sa->destroyed)
        return;
    sa->engine->objects->exchanges->sa_ends(sa);
    struct ike_engine *engine = sa->engine;
    struct ike_tunnel *tunnel = sa->tunnel;
    bool was_up = sa->expires != MSEC_NEVER;
    bool negotiating =
        sa->initiator && (sa->state == IKE_SA_INITIATING || sa->state == IKE_SA_AUTHENTICATING);
    if (was_up)
        life_log_deleted(sa, reason);
    struct child_sa *child;
    while ((child = LIST_FIRST(&sa->children)) != NULL)
        child_sa_destroy(child);
    ike_sa_drop_tasks(sa);
    ike_sa_end_handshake(sa);
    remove_from_engine(sa);
    effects_add_record(&engine->effects, sa->serial, 0, (struct octets){NULL, 0});
    sa->destroyed = true;
    LIST_INSERT_HEAD(&engine->objects->destroyed, sa, dirty_link);
    if (tunnel == NULL)
        return;
    LIST_REMOVE(sa, tunnel_link);
    tunnel_update_state(engine, tunnel, reason);
    if (negotiating && !tunnel->up && !sa->address_lost)
        tunnel_negotiation_failed(engine, tunnel);
}

void ike_sa_fail(struct ike_sa *sa, const char *reason)
{
    bool negotiating =
        sa->state == IKE_SA_INITIATING || sa->state == IKE_SA_HALF_OPEN || sa->state == IKE_SA_AUTHENTICATING;
    if (negotiating && !sa->destroyed)
        sa->engine->objects->reasons->negotiation_failed(sa, reason);
    ike_sa_destroy(sa, reason);
}

struct waiting_datagram *ike_sa_take_waiting(struct ike_sa *sa)
{
    struct waiting_datagram *first = STAILQ_FIRST(&sa->waiting);
    if (first == NULL)
        return NULL;
    STAILQ_REMOVE_HEAD(&sa->waiting, link);
    sa->waiting_count--;
    return first;
}

void waiting_datagram_free(struct waiting_datagram *waiting)
{
    ike_buffer_clear(&waiting->octets);
    free(waiting);
}

void ike_sa_free(struct ike_sa *sa)
{
    while (sa->waiting_count > 0)
        waiting_datagram_free(ike_sa_take_waiting(sa));
    additional_children_forget(&sa->additional);
    ike_buffer_clear(&sa->nonce_i);
    ike_buffer_clear(&sa->nonce_r);
    ike_buffer_clear(&sa->request);
    ike_buffer_clear(&sa->response);
    fragmentation_reset(sa);
    negotiation_free(sa->own);
    negotiation_free(sa->theirs);
    free(sa->unmet_request);
    free(sa->own_proof);
    free(sa->delete_reason);
    identity_forget(&sa->local_id);
    identity_forget(&sa->remote_id);
    secret_free(sa, sizeof *sa);
}

const char *ike_sa_delete_reason(const struct ike_sa *sa)
{
    return sa->delete_reason != NULL ? sa->delete_reason : "";
}

void ike_sa_delete(struct ike_sa *sa, const char *reason)
{
    if (sa->destroyed || sa->state == IKE_SA_DELETING)
        return;
    bool silent = sa->tunnel == NULL || sa->tunnel->policy.suppress_delete || sa->address_lost;
    if (sa->state != IKE_SA_ESTABLISHED || silent) {
        ike_sa_destroy(sa, reason);
        return;
    }
    sa->state = IKE_SA_DELETING;
    sa->delete_reason = strndup(reason, DELETE_REASON_SIZE - 1);
    ike_sa_drop_queued_tasks(sa);
    ike_sa_changed(sa);
    ike_sa_add_task(sa, TASK_DELETE_IKE_SA, 0);
}
