#include <stdlib.h>

#include "base/secret.h"
#include "daemon/engine/process.h"

/* A public job on a thread of its own. */
struct public_job {
    uv_work_t work;
    struct engine_process *process;
    struct ike_job job;
    struct ike_job_result result;
};

/* On another thread: touches nothing but the job. */
static void public_job_run(uv_work_t *work)
{
    struct public_job *public_job = work->data;
    const struct key_exchange_job *job = &public_job->job.key_exchange;
    const struct key_exchange_method *method = key_exchange_by_id(job->method);
    public_job->result.ok =
        method != NULL && key_exchange_perform(method, job, &public_job->result.key_exchange);
    secret_wipe_stack(SECRET_STACK_ARITHMETIC);
}

static void public_job_done(uv_work_t *work, int status)
{
    struct public_job *public_job = work->data;
    const struct ike_event event = {.kind = IKE_EVENT_JOB_DONE,
                                    .job = {public_job->job.job, &public_job->result}};
    public_job->result.ok &= status == 0;
    engine_process_event(public_job->process, &event);
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
    public_job->result.kind = job->kind;
    if (uv_queue_work(&process->loop, &public_job->work, public_job_run, public_job_done) == 0)
        return true;
    secret_free(public_job, sizeof(*public_job));
    return false;
}

static bool look_up_start(struct engine_process *process, const struct ike_job *job)
{
    const struct message_look_up m = {job->job, job->look_up.tunnel, job->look_up.seen};
    return message_send(&process->keeper, MESSAGE_LOOK_UP, &m, sizeof(m));
}

void engine_job_start(struct engine_process *process, const struct ike_job *job)
{
    static bool (*const starts[])(struct engine_process *, const struct ike_job *) = {
        [IKE_JOB_KEY_EXCHANGE] = public_job_start,
        [IKE_JOB_AUTH] = engine_auth_job_start,
        [IKE_JOB_LOOK_UP] = look_up_start,
    };
    bool keeper_reads = process->keeper.queued <= ENGINE_JOB_QUEUE_MAX;
    bool started = (keeper_reads || job->kind == IKE_JOB_KEY_EXCHANGE) && starts[job->kind](process, job);
    /* A job that is lost leaves its SA to its timeout: there is nothing better when memory runs out, or the
     * keeper takes no more. */
    if (!started)
        engine_process_log(process, LOG_LEVEL_ERROR, 0, "a computation could not be started");
}

void engine_job_answered(struct engine_process *process, const struct channel_message *message)
{
    const struct message_job_done *done = message->body;
    struct ike_job_result result = {.kind = (enum ike_job_kind)done->kind, .ok = done->ok != 0};
    const struct ike_event event = {.kind = IKE_EVENT_JOB_DONE, .job = {done->job, &result}};
    result.auth = done->auth;
    result.auth.reason = NULL;
    result.auth.certificates = message_tail(message, sizeof(*done));
    engine_process_event(process, &event);
    secret_wipe(&result, sizeof(result));
}
