#include "ike/sa/negotiation.h"

#include "base/secret.h"
#include "crypto/dh.h"
#include "ike/sa/exchange.h"
#include "ike/sa/job.h"

#include <stdlib.h>
#include <string.h>

struct negotiation *negotiation_new(struct ike_sa *sa, bool initiator)
{
    struct negotiation *n = calloc(1, sizeof *n);
    uint8_t nonce[NONCE_SIZE];
    engine_random(sa->engine, nonce, sizeof nonce);
    if (n != NULL &&
        !ike_buffer_set(initiator ? &n->nonce_i : &n->nonce_r, (struct octets){nonce, sizeof nonce})) {
        free(n);
        return NULL;
    }
    return n;
}

void negotiation_free(struct negotiation *n)
{
    if (n == NULL)
        return;
    ike_buffer_clear(&n->nonce_i);
    ike_buffer_clear(&n->nonce_r);
    secret_free(n, sizeof *n);
}

/* A job of this negotiation's group, with its private value. */
static struct ike_job dh_job(const struct negotiation *n, enum ike_job_kind kind)
{
    struct ike_job job = {.kind = kind};
    job.dh.group = n->dh->id;
    memcpy(job.dh.private_value, n->dh_private, sizeof n->dh_private);
    return job;
}

void negotiation_end_own(struct ike_sa *sa)
{
    negotiation_free(sa->own);
    sa->own = NULL;
}

static void public_value_done(struct ike_sa *sa, bool ok, struct octets output)
{
    struct negotiation *n = sa->own;
    if (!ok || output.length != n->dh->public_size) {
        ike_sa_destroy(sa, "Diffie-Hellman failed");
        return;
    }
    memcpy(n->dh_public, output.at, output.length);
    n->phase = NEGOTIATION_READY;
}

void negotiation_start_public(struct ike_sa *sa, struct negotiation *n)
{
    n->phase = NEGOTIATION_COMPUTES_PUBLIC;
    engine_random(sa->engine, n->dh_private, n->dh->private_size);
    struct ike_job job = dh_job(n, IKE_JOB_DH_PUBLIC);
    ike_sa_start_job(sa, &job, public_value_done);
    secret_wipe(&job, sizeof job);
}

bool negotiation_retry_with_group(struct ike_sa *sa, const struct ike_task *task,
                                  const struct ike_payload *error, algorithm_set allowed)
{
    struct negotiation *n = sa->own;
    struct reader r = reader_of(error->content.at, error->content.length);
    const struct dh_group *group = dh_by_id(reader_u16be(&r));
    if (error->notify != NOTIFY_INVALID_KE_PAYLOAD || group == NULL || n->ke_retried ||
        (allowed >> (group - dh_groups) & 1) == 0)
        return false;
    n->ke_retried = true;
    n->dh = group;
    ike_sa_retry_task(sa, task);
    negotiation_start_public(sa, n);
    return true;
}

static void start_shared_job(struct ike_sa *sa, const struct negotiation *n, enum ike_job_kind kind,
                             void (*done)(struct ike_sa *sa, bool ok, struct octets output))
{
    struct ike_job job = dh_job(n, kind);
    memcpy(job.dh.peer_public, n->peer_public, sizeof n->peer_public);
    ike_sa_start_job(sa, &job, done);
    secret_wipe(&job, sizeof job);
}

void negotiation_start_shared(struct ike_sa *sa, struct negotiation *n, bool initiator,
                              const struct ike_payload *ke,
                              void (*done)(struct ike_sa *sa, bool ok, struct octets output))
{
    if (!initiator)
        engine_random(sa->engine, n->dh_private, n->dh->private_size);
    memcpy(n->peer_public, ke->content.at, n->dh->public_size);
    n->phase = NEGOTIATION_COMPUTES_SHARED;
    start_shared_job(sa, n, initiator ? IKE_JOB_DH_SHARED : IKE_JOB_DH_EXCHANGE, done);
}

void negotiation_resume(struct ike_sa *sa, void (*done)(struct ike_sa *sa, bool ok, struct octets output))
{
    start_shared_job(sa, sa->own, IKE_JOB_DH_SHARED, done);
}

bool negotiation_ke_is_valid(const struct dh_group *group, const struct ike_payload *ke)
{
    return ke != NULL && ke->dh_group == group->id && ke->content.length == group->public_size &&
           dh_public_is_valid(group, ke->content.at);
}

bool negotiation_take_nonce(struct ike_buffer *nonce, const struct ike_message *message)
{
    const struct ike_payload *p = ike_message_find(message, PAYLOAD_NONCE);
    return p != NULL && p->content.length >= NONCE_SIZE_MIN && p->content.length <= NONCE_SIZE_MAX &&
           ike_buffer_set(nonce, p->content);
}

/* Octet by octet; of two that are the same as far as they go, the shorter one is lower. */
static int octets_compare(const uint8_t *a, size_t length_a, const uint8_t *b, size_t length_b)
{
    int order = memcmp(a, b, length_a < length_b ? length_a : length_b);
    if (order != 0)
        return order;
    return (length_a > length_b) - (length_a < length_b);
}

struct lowest_nonce lowest_nonce_of(const struct ike_buffer *nonce_i, const struct ike_buffer *nonce_r)
{
    bool i_is_lower = octets_compare(nonce_i->at, nonce_i->length, nonce_r->at, nonce_r->length) < 0;
    const struct ike_buffer *lower = i_is_lower ? nonce_i : nonce_r;
    struct lowest_nonce lowest = {0};
    size_t kept = lower->length < sizeof lowest.octets ? lower->length : sizeof lowest.octets;
    lowest.length = (uint8_t)kept;
    memcpy(lowest.octets, lower->at, kept);
    return lowest;
}

int lowest_nonce_compare(const struct lowest_nonce *a, const struct lowest_nonce *b)
{
    return octets_compare(a->octets, a->length, b->octets, b->length);
}

void negotiation_put_nonce_and_ke(struct message_writer *m, const struct negotiation *n, bool initiator)
{
    message_put_nonce(m, ike_buffer_octets(initiator ? &n->nonce_i : &n->nonce_r));
    if (n->dh != NULL)
        message_put_ke(m, n->dh->id, (struct octets){n->dh_public, n->dh->public_size});
}

void negotiation_refuse(struct ike_sa *sa, uint16_t notify, struct octets content)
{
    negotiation_free(sa->theirs);
    sa->theirs = NULL;
    ike_sa_send_error(sa, EXCHANGE_CREATE_CHILD_SA, notify, content);
}

/* The answer to a KE payload of another group than the chosen one (RFC 7296 1.3). */
static void refuse_group(struct ike_sa *sa, const struct dh_group *wanted)
{
    uint8_t group[2];
    store_u16be(group, wanted->id);
    negotiation_refuse(sa, NOTIFY_INVALID_KE_PAYLOAD, (struct octets){group, sizeof group});
}

struct negotiation *negotiation_begin_theirs(struct ike_sa *sa, const struct ike_message *request)
{
    static const struct octets nothing = {NULL, 0};
    sa->theirs = negotiation_new(sa, false);
    if (sa->theirs == NULL) {
        negotiation_refuse(sa, NOTIFY_TEMPORARY_FAILURE, nothing);
        return NULL;
    }
    if (negotiation_take_nonce(&sa->theirs->nonce_i, request))
        return sa->theirs;
    negotiation_refuse(sa, NOTIFY_INVALID_SYNTAX, nothing);
    return NULL;
}

void negotiation_take_ke(struct ike_sa *sa, const struct ike_message *request,
                         void (*done)(struct ike_sa *sa, bool ok, struct octets output))
{
    struct negotiation *n = sa->theirs;
    const struct ike_payload *ke = ike_message_find(request, PAYLOAD_KE);
    if (ke == NULL || ke->dh_group != n->dh->id)
        refuse_group(sa, n->dh);
    else if (!negotiation_ke_is_valid(n->dh, ke))
        negotiation_refuse(sa, NOTIFY_INVALID_SYNTAX, (struct octets){NULL, 0});
    else
        negotiation_start_shared(sa, n, false, ke, done);
}
