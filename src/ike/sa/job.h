/*
 * Jobs of an IKE SA: arithmetic, and what needs a key or a name server, is done by others. The SA's messages
 * wait until its job is done.
 */
#ifndef MUSUBI_IKE_SA_JOB_H
#define MUSUBI_IKE_SA_JOB_H

#include "ike/sa/ike_sa.h"

/*
 * Hands out a job, whose octets are copied; `done` is called with its result. One job at a time. An SA whose
 * job never ends, ends.
 */
void ike_sa_start_job(struct ike_sa *sa, const struct ike_job *job, ike_job_done *done);

/* The job with that number is done. Nothing happens if its SA has gone meanwhile. */
void engine_job_done(struct ike_engine *engine, uint32_t job, const struct ike_job_result *result);

/* The job of an SA takes too long: the SA ends. */
void ike_sa_job_lost_fire(struct ike_engine *engine, void *owner);

/* Forgets the job that is out, if there is one: its result is ignored. */
void ike_sa_forget_job(struct ike_sa *sa);

#endif
