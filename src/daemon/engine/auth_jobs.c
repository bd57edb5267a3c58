/*
 * Jobs of authentication. A peer that proves itself by certificate is verified on a thread of its own; all
 * that needs a key of this end goes to the keeper. A job of both is done in this order.
 */
#include <stdlib.h>
#include <time.h>

#include "base/secret.h"
#include "daemon/engine/process.h"
#include "ike/services/certificate_job.h"

/* ---- At the keeper's --------------------------------------------------------------------------------- */

static bool ask_keeper(struct engine_process *process, const struct ike_job *job)
{
    const struct ike_auth_job *auth = &job->auth;
    const struct octets parts[] = {auth->peer.value, auth->peer.signed_octets, auth->own.signed_octets,
                                   auth->own.authorities};
    const struct message_auth_job m = {
        .job = job->job,
        .tunnel = auth->tunnel,
        .prf = auth->prf,
        .verify = auth->verify,
        .sign = auth->sign,
        .method = auth->peer.method,
        .value_length = (uint32_t)parts[0].length,
        .peer_octets_length = (uint32_t)parts[1].length,
        .own_octets_length = (uint32_t)parts[2].length,
        .authorities_length = (uint32_t)parts[3].length,
        .peer_hashes = auth->own.peer_hashes,
        .peer_scheme = auth->own.peer_scheme,
        .pkcs1 = auth->own.pkcs1,
        .peer = auth->peer.identity,
        .own = auth->own.identity,
    };
    const size_t part_count = sizeof(parts) / sizeof(parts[0]);
    size_t size = 0;
    for (size_t i = 0; i < part_count; i++)
        size += parts[i].length;
    if (size > MESSAGE_AUTH_TAIL_MAX || process->keeper.queued > ENGINE_JOB_QUEUE_MAX)
        return false;
    uint8_t *tail = malloc(size + 1);
    if (tail == NULL)
        return false;
    struct writer w = writer_to(tail, size);
    for (size_t i = 0; i < part_count; i++)
        writer_put(&w, parts[i].at, parts[i].length);
    bool sent =
        channel_send(&process->keeper, MESSAGE_AUTH_JOB, &m, sizeof(m), tail, writer_length(&w), NULL, 0);
    secret_free(tail, writer_length(&w));
    return sent;
}

/* ---- On a thread ------------------------------------------------------------------------------------- */

struct verification {
    uv_work_t work;
    struct engine_process *process;
    struct ike_job job; /* its octets are behind */
    struct trust *trust;
    struct proof_authority authority;
    struct ike_job_result result;
    struct pki_reason reason;
    size_t size; /* of all of it */
    uint8_t octets[];
};

/* On another thread: touches nothing but the job, and certificates, which never change. */
static void verify(uv_work_t *work)
{
    struct verification *v = work->data;
    if (v->authority.anchor != NULL) {
        certificate_job_verify(&v->job.auth, &v->authority, &v->result.auth, &v->reason);
        return;
    }
    v->result.auth.fault = IKE_AUTH_NO_PEER_KEY; /* the store has changed since the config was resolved */
    v->result.auth.reason = "there is no CA certificate of that name";
}

static void verification_free(struct verification *v)
{
    trust_release(v->trust);
    secret_free(v, v->size);
}

static void verified(uv_work_t *work, int status)
{
    struct verification *v = work->data;
    struct engine_process *process = v->process;
    const struct ike_event event = {.kind = IKE_EVENT_JOB_DONE, .job = {v->job.job, &v->result}};
    bool right = status == 0 && v->result.auth.fault == IKE_AUTH_OK;
    v->result.ok = status == 0;
    if (right && v->job.auth.sign) {
        v->job.auth.verify = false;
        v->job.auth.peer.value = v->job.auth.peer.signed_octets = (struct octets){NULL, 0};
        v->job.auth.own.peer_scheme = v->result.auth.peer_scheme;
        v->result.ok = ask_keeper(process, &v->job);
    }
    if (!right || !v->job.auth.sign || !v->result.ok)
        engine_process_event(process, &event);
    verification_free(v);
}

/* The octets of a job, which go to the thread with it. */
static size_t job_octets(struct ike_auth_job *job, struct octets *parts[5])
{
    struct octets *const all[] = {&job->peer.value, &job->peer.signed_octets, &job->peer.certificates,
                                  &job->own.signed_octets, &job->own.authorities};
    size_t size = 0;
    for (size_t i = 0; i < 5; i++) {
        parts[i] = all[i];
        size += all[i]->length;
    }
    return size;
}

static struct verification *verification_new(struct engine_process *process, const struct ike_job *job)
{
    struct ike_job copy = *job;
    struct octets *parts[5];
    size_t size = sizeof(struct verification) + job_octets(&copy.auth, parts);
    struct verification *v = calloc(1, size);
    if (v == NULL)
        return NULL;
    v->process = process;
    v->size = size;
    v->job = copy;
    v->work.data = v;
    v->trust = trust_hold(process->trust);
    v->result.kind = IKE_JOB_AUTH;
    struct writer w = writer_to(v->octets, job_octets(&v->job.auth, parts));
    for (size_t i = 0; i < 5; i++) {
        const uint8_t *at = w.at;
        writer_put(&w, parts[i]->at, parts[i]->length);
        parts[i]->at = at;
    }
    return v;
}

static bool verification_start(struct engine_process *process, const struct ike_job *job)
{
    struct verification *v = verification_new(process, job);
    if (v == NULL)
        return false;
    (void)trust_find(v->trust, job->auth.peer.cacert, &v->authority);
    v->authority.now = time(NULL);
    v->authority.weak_allowed = job->auth.peer.weak_allowed;
    if (uv_queue_work(&process->loop, &v->work, verify, verified) == 0)
        return true;
    verification_free(v);
    return false;
}

bool engine_auth_job_start(struct engine_process *process, const struct ike_job *job)
{
    if (job->auth.verify && job->auth.peer.by_certificate)
        return verification_start(process, job);
    return ask_keeper(process, job);
}
