#include "daemon/keeper/auth_jobs.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

/* A signature that waits for a thread or is being made. */
struct auth_job {
    uv_work_t work;
    LIST_ENTRY(auth_job) link;
    struct auth_jobs *owner;
    struct ike_auth_job job; /* its octets are behind */
    char mycert[CERTIFICATE_NAME_SIZE];
    struct own_credential credential;
    struct message_job_done done;
    struct writer certificates; /* behind the job's octets */
    size_t size;                /* of all of it */
    uint8_t octets[];
};

static void send_answer(struct auth_jobs *jobs, struct message_job_done *done)
{
    const struct octets certificates = done->auth.certificates;
    done->auth.certificates = (struct octets){NULL, 0};
    done->certificates_length = (uint32_t)certificates.length;
    jobs->answer(jobs->context, done, certificates);
}

static void job_free(struct auth_job *job)
{
    own_credential_release(&job->credential);
    secret_free(job, job->size);
}

/* On another thread: touches nothing but the job, and certificates and keys, which never change. */
static void sign(uv_work_t *work)
{
    struct auth_job *job = work->data;
    keys_sign(&job->credential, &job->job, &job->done.auth, &job->certificates);
    secret_wipe_stack(SECRET_STACK_SIZE);
}

static void signed_or_given_up(uv_work_t *work, int status)
{
    struct auth_job *job = work->data;
    struct auth_jobs *jobs = job->owner;
    if (status != 0)
        job->done.auth.fault = IKE_AUTH_NO_OWN_KEY;
    LIST_REMOVE(job, link);
    jobs->octets -= job->size;
    send_answer(jobs, &job->done);
    job_free(job);
}

/* A new job with what a signature needs; takes over the credential. NULL if there is no memory or no room. */
static struct auth_job *job_new(const struct auth_jobs *jobs, const struct ike_auth_job *of,
                                const struct own_credential *credential)
{
    const struct octets parts[] = {of->own.signed_octets, of->own.authorities};
    size_t list = own_credential_octets(credential);
    if (list > MESSAGE_CERTIFICATES_MAX)
        list = MESSAGE_CERTIFICATES_MAX;
    size_t size = sizeof(struct auth_job) + parts[0].length + parts[1].length + list;
    struct auth_job *job = jobs->octets + size <= AUTH_JOBS_OCTETS_MAX ? calloc(1, size) : NULL;
    if (job == NULL)
        return NULL;
    struct writer w = writer_to(job->octets, parts[0].length + parts[1].length);
    job->size = size;
    job->work.data = job;
    job->job = *of;
    job->job.peer.value = job->job.peer.signed_octets = (struct octets){NULL, 0};
    job->job.own.signed_octets = (struct octets){w.at, parts[0].length};
    writer_put(&w, parts[0].at, parts[0].length);
    job->job.own.authorities = (struct octets){w.at, parts[1].length};
    writer_put(&w, parts[1].at, parts[1].length);
    job->certificates = writer_to(w.at, list);
    job->credential = *credential;
    return job;
}

/* Has a thread sign; takes over the credential. False if that can't be done. */
static bool start(struct auth_jobs *jobs, const struct tunnel_policy *policy, const struct ike_auth_job *of,
                  const struct message_job_done *done, struct own_credential *credential)
{
    struct auth_job *job = job_new(jobs, of, credential);
    if (job == NULL) {
        own_credential_release(credential);
        return false;
    }
    job->owner = jobs;
    job->done = *done;
    memcpy(job->mycert, policy->mycert, sizeof(job->mycert));
    if (uv_queue_work(jobs->loop, &job->work, sign, signed_or_given_up) != 0) {
        job_free(job);
        return false;
    }
    LIST_INSERT_HEAD(&jobs->jobs, job, link);
    jobs->octets += job->size;
    return true;
}

void auth_jobs_init(struct auth_jobs *jobs, uv_loop_t *loop, auth_jobs_answer *answer, void *context)
{
    *jobs = (struct auth_jobs){.loop = loop, .answer = answer, .context = context};
    LIST_INIT(&jobs->jobs);
}

void auth_jobs_do(struct auth_jobs *jobs, const struct own_keys *keys, const struct tunnel_policy *policy,
                  struct used_keys *used, uint32_t number, const struct ike_auth_job *job)
{
    struct message_job_done done = {.job = number, .kind = IKE_JOB_AUTH, .ok = policy != NULL};
    struct own_credential credential = {0};
    if (policy != NULL)
        keys_authenticate(keys, policy, job, &done.auth, &credential);
    if (policy != NULL && done.auth.fault == IKE_AUTH_OK)
        used_keys_note(used, keys->shared, policy, job);
    bool by_signature = credential.key != NULL;
    bool waits = by_signature && start(jobs, policy, job, &done, &credential);
    if (by_signature && !waits)
        done.ok = 0;
    if (!waits)
        send_answer(jobs, &done);
    secret_wipe(&done, sizeof(done));
}

/* Gives a job up, unless it has begun. */
static void give_up(struct auth_job *job)
{
    if (uv_cancel((uv_req_t *)&job->work) == 0)
        own_credential_release(&job->credential);
}

void auth_jobs_forget_keys(struct auth_jobs *jobs, const struct pki_store *store)
{
    struct auth_job *job;
    LIST_FOREACH(job, &jobs->jobs, link)
    {
        const struct pki_entry *entry = pki_store_find(store, job->mycert);
        if (job->credential.key != NULL && (entry == NULL || entry->content.key != job->credential.key))
            give_up(job);
    }
}

void auth_jobs_stop(struct auth_jobs *jobs)
{
    struct auth_job *job;
    LIST_FOREACH(job, &jobs->jobs, link)
    give_up(job);
}
