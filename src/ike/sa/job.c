#include "ike/sa/job.h"

#include "ike/sa/exchange.h"

#include <string.h>

enum { JOB_PATIENCE = 30000 }; /* milliseconds */

static void hand_out(struct ike_sa *sa, const struct ike_job *job)
{
    struct ike_engine *engine = sa->engine;
    struct ike_job *copy = effects_alloc(&engine->effects, sizeof *copy);
    uint32_t number = ++engine->objects->next_job;
    if (number == 0)
        number = ++engine->objects->next_job;
    if (copy == NULL || !map_put(&engine->objects->jobs, number, sa)) {
        ike_sa_fail(sa, "out of memory");
        return;
    }
    sa->looks_up = sa->initiator && job->kind == IKE_JOB_LOOK_UP;
    engine->objects->look_ups += sa->looks_up;
    *copy = *job;
    copy->job = number;
    if (job->kind == IKE_JOB_AUTH) {
        copy->auth.peer.value = effects_copy(&engine->effects, job->auth.peer.value);
        copy->auth.peer.signed_octets = effects_copy(&engine->effects, job->auth.peer.signed_octets);
        copy->auth.peer.certificates = effects_copy(&engine->effects, job->auth.peer.certificates);
        copy->auth.own.signed_octets = effects_copy(&engine->effects, job->auth.own.signed_octets);
        copy->auth.own.authorities = effects_copy(&engine->effects, job->auth.own.authorities);
    }
    sa->job = number;
    effects_add_action(&engine->effects, &(struct ike_action){.kind = IKE_ACTION_JOB, .job = copy});
}

void ike_sa_start_job(struct ike_sa *sa, const struct ike_job *job, ike_job_done *done)
{
    if (sa->destroyed)
        return; /* its memory is freed when the event is done: no job may come back to it */
    sa->job_done = done;
    engine_set_timer(sa->engine, &sa->job_lost, JOB_PATIENCE);
    hand_out(sa, job);
}

static void take_result(struct ike_sa *sa, const struct ike_job_result *result)
{
    sa->job = 0;
    engine_cancel_timer(sa->engine, &sa->job_lost);
    ike_sa_changed(sa);
    sa->job_done(sa, result);
    /* The datagrams that waited, in order; one of them may start the next job. */
    while (!sa->destroyed && sa->job == 0 && sa->waiting_count > 0) {
        struct waiting_datagram *first = ike_sa_take_waiting(sa);
        struct ike_header header;
        struct octets octets = ike_buffer_octets(&first->octets);
        if (ike_header_parse(octets, &header))
            ike_sa_receive(sa, &first->local, &first->remote, first->ifindex, &header, octets);
        waiting_datagram_free(first);
    }
    ike_sa_start_task(sa);
}

/* The job is out no more; returns its SA, NULL if there is no such job. */
static struct ike_sa *take_job(struct ike_engine *engine, uint32_t job)
{
    struct ike_sa *sa = map_remove(&engine->objects->jobs, job);
    if (sa == NULL)
        return NULL;
    engine->objects->look_ups -= sa->looks_up;
    sa->looks_up = false;
    return sa;
}

void engine_job_done(struct ike_engine *engine, uint32_t job, const struct ike_job_result *result)
{
    struct ike_sa *sa = take_job(engine, job);
    if (sa != NULL)
        take_result(sa, result);
}

void ike_sa_forget_job(struct ike_sa *sa)
{
    if (sa->job != 0)
        (void)take_job(sa->engine, sa->job);
}

/* The result does not come: there was no memory for the job, say. */
void ike_sa_job_lost_fire(struct ike_engine *engine, void *owner)
{
    struct ike_sa *sa = owner;
    (void)engine;
    ike_sa_fail(sa, sa->state == IKE_SA_DELETING ? ike_sa_delete_reason(sa) : "a computation was lost");
}
