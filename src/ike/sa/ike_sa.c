#include "ike/sa/ike_sa.h"

#include "base/secret.h"
#include "ike/exchanges/negotiation.h"
#include "ike/exchanges/rekey.h"
#include "ike/reasons/failure.h"
#include "ike/reasons/key_log.h"
#include "ike/reasons/proposal_text.h"
#include "ike/sa/fragmentation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ike_buffer_set(struct ike_buffer *buffer, struct octets from)
{
    uint8_t *copy = malloc(from.length > 0 ? from.length : 1);
    if (copy == NULL)
        return false;
    if (from.length > 0)
        memcpy(copy, from.at, from.length);
    ike_buffer_clear(buffer);
    *buffer = (struct ike_buffer){copy, from.length};
    return true;
}

void ike_buffer_clear(struct ike_buffer *buffer)
{
    secret_free(buffer->at, buffer->length);
    *buffer = (struct ike_buffer){0};
}

struct octets ike_buffer_octets(const struct ike_buffer *buffer)
{
    return (struct octets){buffer->at, buffer->length};
}

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

void ike_sa_changed(struct ike_sa *sa)
{
    if (sa->dirty || sa->destroyed)
        return;
    sa->dirty = true;
    LIST_INSERT_HEAD(&sa->engine->dirty, sa, dirty_link);
}

void ike_sa_set_replaced(struct ike_sa *sa)
{
    sa->replaced = true;
    if (sa->state == IKE_SA_ESTABLISHED)
        liveness_start(sa);
    ike_sa_changed(sa);
}

/* ---- Timers ------------------------------------------------------------------------------------------ */

/* Milliseconds. */
enum {
    REKEY_PATIENCE = 30000,
    JOB_PATIENCE = 30000,
};

/*
 * Whether a half-open SA is not missed: the same peer has got an SA with us meanwhile, as when both ends
 * start at once (S7).
 */
static bool is_superfluous(const struct ike_sa *sa)
{
    const struct ike_sa *other;
    LIST_FOREACH(other, &sa->engine->all_sas, all_link)
    {
        if (other->state == IKE_SA_ESTABLISHED && other->created + HALF_OPEN_TIMEOUT >= sa->created &&
            ip_address_equal(&other->remote.address, &sa->remote.address) &&
            ip_address_equal(&other->local.address, &sa->local.address) && !other->nat_remote)
            return true;
    }
    return false;
}

/* The patience with a half-open SA is at its end. */
static void give_up_half_open(struct ike_sa *sa)
{
    char remote[IP_TEXT_SIZE];
    char suite[SUITE_TEXT_SIZE];
    if (is_superfluous(sa))
        engine_log(sa->engine, LOG_LEVEL_NOTICE, LOG_IKEV2, sa->tunnel,
                   "negotiation not needed: %s sent no IKE_AUTH, and has an SA",
                   ip_endpoint_format(&sa->remote, remote));
    else if (sa->state == IKE_SA_AUTHENTICATING)
        failure_warn(sa, FAILED_NEGOTIATION, 0, "the AUTH of %s was not checked in time",
                     ip_endpoint_format(&sa->remote, remote));
    else
        failure_warn(sa, FAILED_NEGOTIATION, PEER_SETTING,
                     "%s sent no IKE_AUTH within %d seconds after IKE_SA_INIT was answered with %s",
                     ip_endpoint_format(&sa->remote, remote), HALF_OPEN_TIMEOUT / 1000,
                     ike_suite_format(&sa->suite, suite));
    ike_sa_destroy(sa, "negotiation timed out");
}

/* Either end's rekey of the IKE SA is under way. */
static bool is_being_rekeyed(const struct ike_sa *sa)
{
    return (sa->own != NULL && sa->own->new_spi != 0) || (sa->theirs != NULL && sa->theirs->new_spi != 0);
}

/* The end of sa-lifetime, or of the patience with a half-open SA. */
static void lifetime_fire(struct ike_engine *engine, void *owner)
{
    struct ike_sa *sa = owner;
    ike_sa_changed(sa);
    if (sa->state == IKE_SA_HALF_OPEN || sa->state == IKE_SA_AUTHENTICATING) {
        give_up_half_open(sa);
        return;
    }
    /* That may yet save the Child SAs; by then it has been answered or has timed out (R15). */
    if (is_being_rekeyed(sa)) {
        engine_set_timer(engine, &sa->lifetime, REKEY_PATIENCE);
        return;
    }
    ike_sa_delete(sa, "IKE SA lifetime expired");
}

/* Nobody brings the result: there was no memory for the job, say. */
static void job_lost_fire(struct ike_engine *engine, void *owner)
{
    struct ike_sa *sa = owner;
    (void)engine;
    failure_end(sa, sa->state == IKE_SA_DELETING ? sa->delete_reason : "a computation was lost");
}

/* ---- Life -------------------------------------------------------------------------------------------- */

uint64_t ike_sa_unused_spi(struct ike_engine *engine)
{
    uint64_t spi = 0;
    do
        spi = engine_random_spi(engine);
    while (map_find(&engine->sas, spi) != NULL);
    return spi;
}

struct ike_sa *ike_sa_new(struct ike_engine *engine, bool initiator, uint64_t own_spi)
{
    struct ike_sa *sa = calloc(1, sizeof *sa);
    if (sa == NULL || !map_put(&engine->sas, own_spi, sa)) {
        free(sa);
        return NULL;
    }
    sa->engine = engine;
    sa->initiator = initiator;
    *(initiator ? &sa->spi_i : &sa->spi_r) = own_spi;
    sa->serial = ++engine->next_ike_serial;
    sa->started_event = engine->event_number;
    sa->begun_here = initiator;
    sa->created = engine->now;
    sa->expires = MSEC_NEVER;
    sa->retransmit = (struct ike_timer){.fire = ike_sa_retransmit_fire, .owner = sa};
    sa->lifetime = (struct ike_timer){.fire = lifetime_fire, .owner = sa};
    sa->rekey = (struct ike_timer){.fire = rekey_ike_sa_fire, .owner = sa};
    sa->liveness = (struct ike_timer){.fire = liveness_fire, .owner = sa};
    sa->job_lost = (struct ike_timer){.fire = job_lost_fire, .owner = sa};
    sa->additional.again = (struct ike_timer){.fire = additional_children_fire, .owner = sa};
    STAILQ_INIT(&sa->tasks);
    LIST_INSERT_HEAD(&engine->all_sas, sa, all_link);
    return sa;
}

bool ike_sa_begin_handshake(struct ike_sa *sa)
{
    struct ike_engine *engine = sa->engine;
    sa->handshake = calloc(1, sizeof *sa->handshake);
    if (sa->handshake == NULL)
        return false;
    sa->state = sa->initiator ? IKE_SA_INITIATING : IKE_SA_HALF_OPEN;
    if (!sa->initiator) {
        engine->half_open_count++;
        engine_set_timer(engine, &sa->lifetime, HALF_OPEN_TIMEOUT);
    }
    return true;
}

void ike_sa_set_tunnel(struct ike_sa *sa, struct ike_tunnel *tunnel)
{
    sa->tunnel = tunnel;
    LIST_INSERT_HEAD(&tunnel->sas, sa, tunnel_link);
}

/* A responder's SA is no longer half-open: authenticated, or gone. */
static void leave_half_open(struct ike_sa *sa)
{
    if (sa->initiator || sa->handshake == NULL)
        return;
    sa->engine->half_open_count--;
    if (sa->half_open_key != 0)
        (void)map_remove(&sa->engine->half_open, sa->half_open_key);
    sa->half_open_key = 0;
}

void ike_sa_end_handshake(struct ike_sa *sa)
{
    struct ike_handshake *h = sa->handshake;
    if (h == NULL)
        return;
    leave_half_open(sa);
    ike_buffer_clear(&h->cookie);
    ike_buffer_clear(&h->init_request);
    ike_buffer_clear(&h->init_response);
    ike_buffer_clear(&h->auth_message);
    free(h->failure);
    secret_free(h, sizeof *h);
    sa->handshake = NULL;
}

void ike_sa_establish(struct ike_sa *sa)
{
    struct ike_engine *engine = sa->engine;
    msec_t lifetime = (msec_t)sa->tunnel->policy.sa_lifetime * 1000;
    sa->state = IKE_SA_ESTABLISHED;
    sa->established_event = engine->event_number;
    sa->created = engine->now;
    sa->expires = engine->now + lifetime;
    sa->last_message = engine->now;
    engine_set_timer(engine, &sa->lifetime, lifetime);
    engine_set_timer(engine, &sa->rekey, rekey_delay(engine, lifetime, REKEY_MARGIN_IKE_SA, sa->initiator));
    liveness_start(sa);
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
    engine_cancel_timer(engine, &sa->job_lost);
    engine_cancel_timer(engine, &sa->additional.again);
    (void)map_remove(&engine->sas, ike_sa_own_spi(sa));
    if (sa->job != 0)
        (void)map_remove(&engine->jobs, sa->job);
    LIST_REMOVE(sa, all_link);
    if (sa->dirty)
        LIST_REMOVE(sa, dirty_link);
    sa->dirty = false;
}

void ike_sa_destroy(struct ike_sa *sa, const char *reason)
{
    if (sa->destroyed)
        return;
    rekey_ike_sa_yield(sa);
    struct ike_engine *engine = sa->engine;
    struct ike_tunnel *tunnel = sa->tunnel;
    bool was_up = sa->expires != MSEC_NEVER;
    bool negotiating =
        sa->initiator && (sa->state == IKE_SA_INITIATING || sa->state == IKE_SA_AUTHENTICATING);
    if (was_up)
        engine_log(engine, sa->replaced ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARN, LOG_IKEV2, tunnel,
                   "IKE SA deleted, serial %u: %s", sa->serial, reason);
    struct child_sa *child;
    while ((child = LIST_FIRST(&sa->children)) != NULL)
        child_sa_destroy(child);
    ike_sa_drop_tasks(sa);
    ike_sa_end_handshake(sa);
    remove_from_engine(sa);
    effects_add_record(&engine->effects, sa->serial, (struct octets){NULL, 0});
    sa->destroyed = true;
    LIST_INSERT_HEAD(&engine->destroyed, sa, dirty_link);
    if (tunnel == NULL)
        return;
    LIST_REMOVE(sa, tunnel_link);
    tunnel_update_state(engine, tunnel, reason);
    if (negotiating && !tunnel->up)
        tunnel_negotiation_failed(engine, tunnel);
}

void ike_sa_free(struct ike_sa *sa)
{
    for (size_t i = 0; i < sa->waiting_count; i++)
        ike_buffer_clear(&sa->waiting[i].octets);
    ike_buffer_clear(&sa->nonce_i);
    ike_buffer_clear(&sa->nonce_r);
    ike_buffer_clear(&sa->request);
    ike_buffer_clear(&sa->response);
    fragmentation_reset(sa);
    negotiation_free(sa->own);
    negotiation_free(sa->theirs);
    free(sa->unmet_wish);
    secret_free(sa, sizeof *sa);
}

void ike_sa_delete(struct ike_sa *sa, const char *reason)
{
    if (sa->destroyed || sa->state == IKE_SA_DELETING)
        return;
    bool silent = sa->tunnel == NULL || sa->tunnel->policy.suppress_delete;
    if (sa->state != IKE_SA_ESTABLISHED || silent) {
        ike_sa_destroy(sa, reason);
        return;
    }
    sa->state = IKE_SA_DELETING;
    (void)snprintf(sa->delete_reason, sizeof sa->delete_reason, "%s", reason);
    ike_sa_drop_queued_tasks(sa);
    ike_sa_changed(sa);
    ike_sa_add_task(sa, &task_delete_ike_sa, 0);
}

static bool has_child(const struct ike_sa *sa)
{
    const struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (!child->lingering)
            return true;
    }
    return false;
}

/* Our rekey of a Child SA waits for its answer, which may bring one though the old one is gone. */
static bool awaits_child(const struct ike_sa *sa)
{
    const struct negotiation *n = sa->own;
    return n != NULL && n->old_spi != 0 && (sa->request_out || n->phase == NEGOTIATION_FINISHES);
}

void ike_sa_lost_child(struct ike_sa *sa, const char *reason)
{
    if (awaits_child(sa))
        return;
    if (has_child(sa) || additional_children_come_with_packets(sa))
        additional_children_check(sa);
    else if (sa->state == IKE_SA_ESTABLISHED && !sa->replaced)
        ike_sa_delete(sa, reason);
}

/* ---- Jobs -------------------------------------------------------------------------------------------- */

void ike_sa_start_job(struct ike_sa *sa, const struct ike_job *job, ike_job_done *done)
{
    if (sa->destroyed)
        return; /* its memory goes when the event is done: no job may come back to it */
    sa->job_done = done;
    engine_set_timer(sa->engine, &sa->job_lost, JOB_PATIENCE);
    engine_start_job(sa->engine, sa, job);
}

void ike_sa_end_job(struct ike_sa *sa, const struct ike_job_result *result)
{
    sa->job = 0;
    engine_cancel_timer(sa->engine, &sa->job_lost);
    ike_sa_changed(sa);
    sa->job_done(sa, result);
    /* Those that waited, in order; one of them may hand out the next job. */
    while (!sa->destroyed && sa->job == 0 && sa->waiting_count > 0) {
        struct waiting_datagram first = sa->waiting[0];
        sa->waiting_count--;
        memmove(sa->waiting, sa->waiting + 1, sa->waiting_count * sizeof *sa->waiting);
        struct ike_header header;
        struct octets octets = ike_buffer_octets(&first.octets);
        if (ike_header_parse(octets, &header))
            ike_sa_receive(sa, &first.local, &first.remote, first.ifindex, &header, octets);
        ike_buffer_clear(&first.octets);
    }
    ike_sa_start_task(sa);
}

void ike_sa_log_message(struct ike_sa *sa, const char *direction, const struct ike_message *message)
{
    if (!engine_logs(sa->engine, LOG_LEVEL_DEBUG))
        return;
    char text[768] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    if (out == NULL)
        return;
    ike_message_print(message, out);
    (void)fclose(out);
    char endpoints[2 * IP_TEXT_SIZE];
    engine_log(sa->engine, LOG_LEVEL_DEBUG, LOG_IKEV2, sa->tunnel, "%s %s: %s", direction,
               ike_sa_endpoints(sa, endpoints), text);
}
