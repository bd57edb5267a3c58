#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/dh.h"
#include "daemon/engine/inside.h"

/* A public job on a thread of its own. */
struct public_job {
    uv_work_t work;
    struct engine_process *process;
    struct ike_job job;
    bool ok;
    size_t length;
    uint8_t output[IKE_JOB_OUTPUT_MAX];
};

static void job_done(struct engine_process *process, uint32_t number, bool ok, struct octets output)
{
    const struct ike_event event = {.kind = IKE_EVENT_JOB_DONE, .job = {number, ok, output}};
    engine_process_event(process, &event);
}

/* On another thread: touches nothing but the job. */
static void public_job_run(uv_work_t *work)
{
    struct public_job *public_job = work->data;
    const struct ike_job *job = &public_job->job;
    const struct dh_group *group = dh_by_id(job->dh.group);
    uint8_t *at = public_job->output;
    if (group == NULL)
        return;
    bool makes_public = job->kind == IKE_JOB_DH_PUBLIC || job->kind == IKE_JOB_DH_EXCHANGE;
    bool makes_shared = job->kind == IKE_JOB_DH_SHARED || job->kind == IKE_JOB_DH_EXCHANGE;
    bool ok = true;
    if (makes_public) {
        ok = dh_public(group, job->dh.private_value, at);
        at += group->public_size;
    }
    if (makes_shared && ok) {
        ok = dh_shared(group, job->dh.private_value, job->dh.peer_public, at);
        at += group->public_size;
    }
    public_job->ok = ok;
    public_job->length = (size_t)(at - public_job->output);
}

static void public_job_done(uv_work_t *work, int status)
{
    struct public_job *public_job = work->data;
    struct octets output = {public_job->output, public_job->length};
    job_done(public_job->process, public_job->job.job, status == 0 && public_job->ok, output);
    secret_free(public_job, sizeof(*public_job));
}

static bool public_job_start(struct engine_process *process, const struct ike_job *job)
{
    struct public_job *public_job = calloc(1, sizeof(*public_job));
    if (public_job == NULL)
        return false;
    public_job->work.data = public_job;
    public_job->process = process;
    public_job->job = *job;
    if (uv_queue_work(&process->loop, &public_job->work, public_job_run, public_job_done) == 0)
        return true;
    secret_free(public_job, sizeof(*public_job));
    return false;
}

static bool secret_job_start(struct engine_process *process, const struct ike_job *job)
{
    const struct octets octets = job->psk.signed_octets;
    struct message_secret_job m = {
        .job = job->job,
        .kind = job->kind,
        .tunnel = job->psk.tunnel,
        .side = job->psk.side,
        .prf = job->psk.prf,
        .identity = job->psk.identity,
    };
    return channel_send(&process->keeper, MESSAGE_SECRET_JOB, &m, sizeof(m), octets.at, octets.length, NULL,
                        0);
}

static bool look_up_start(struct engine_process *process, const struct ike_job *job)
{
    const struct message_look_up m = {job->job, job->look_up.tunnel, job->look_up.seen};
    return message_send(&process->keeper, MESSAGE_LOOK_UP, &m, sizeof(m));
}

void engine_job_start(struct engine_process *process, const struct ike_job *job)
{
    static bool (*const starts[])(struct engine_process *, const struct ike_job *) = {
        [IKE_JOB_DH_PUBLIC] = public_job_start,   [IKE_JOB_DH_SHARED] = public_job_start,
        [IKE_JOB_DH_EXCHANGE] = public_job_start, [IKE_JOB_PSK_AUTH] = secret_job_start,
        [IKE_JOB_LOOK_UP] = look_up_start,
    };
    bool started = starts[job->kind](process, job);
    /* A job that is lost leaves its SA to its timeout: there is nothing better when memory runs out. */
    if (!started)
        engine_process_log(process, LOG_LEVEL_ERROR, "a computation could not be started");
}
