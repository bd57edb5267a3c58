#include "ike/sa/key_exchange.h"

#include "base/secret.h"
#include "ike/sa/job.h"

#include <string.h>

static void start_job(struct ike_sa *sa, struct key_exchange *x, struct ike_job *job,
                      enum key_exchange_operation operation, ike_job_done *done)
{
    x->operation = operation;
    job->kind = IKE_JOB_KEY_EXCHANGE;
    job->key_exchange.method = x->method->id;
    job->key_exchange.operation = operation;
    ike_sa_start_job(sa, job, done);
    secret_wipe(job, sizeof *job);
}

void key_exchange_generate(struct ike_sa *sa, struct key_exchange *x,
                           const struct key_exchange_method *method, ike_job_done *done)
{
    struct ike_job job = {0};
    x->method = method;
    engine_random(sa->engine, job.key_exchange.random, method->random_size);
    start_job(sa, x, &job, KEY_EXCHANGE_GENERATE, done);
}

void key_exchange_answer(struct ike_sa *sa, struct key_exchange *x, const struct key_exchange_method *method,
                         struct octets peer_share, ike_job_done *done)
{
    struct ike_job job = {0};
    x->method = method;
    engine_random(sa->engine, job.key_exchange.random, method->random_size);
    memcpy(job.key_exchange.peer_share, peer_share.at, method->initiator_share_size);
    start_job(sa, x, &job, KEY_EXCHANGE_ANSWER, done);
}

void key_exchange_finish(struct ike_sa *sa, struct key_exchange *x, struct octets peer_share,
                         ike_job_done *done)
{
    memcpy(x->peer_share, peer_share.at, x->method->responder_share_size);
    key_exchange_finish_again(sa, x, done);
}

void key_exchange_finish_again(struct ike_sa *sa, struct key_exchange *x, ike_job_done *done)
{
    struct ike_job job = {0};
    memcpy(job.key_exchange.private_state, x->private_state, sizeof x->private_state);
    memcpy(job.key_exchange.peer_share, x->peer_share, sizeof x->peer_share);
    start_job(sa, x, &job, KEY_EXCHANGE_FINISH, done);
}

bool key_exchange_take(struct key_exchange *x, const struct ike_job_result *result)
{
    const struct key_exchange_result *r = &result->key_exchange;
    if (!result->ok || result->kind != IKE_JOB_KEY_EXCHANGE)
        return false;
    if (x->operation != KEY_EXCHANGE_FINISH)
        memcpy(x->own_share, r->share, sizeof x->own_share);
    if (x->operation == KEY_EXCHANGE_GENERATE) {
        memcpy(x->private_state, r->private_state, sizeof x->private_state);
        return true;
    }
    memcpy(x->secret, r->secret, sizeof x->secret);
    secret_wipe(x->private_state, sizeof x->private_state);
    return true;
}

struct octets key_exchange_own_share(const struct key_exchange *x)
{
    if (x->method == NULL)
        return (struct octets){NULL, 0};
    bool answers = x->operation == KEY_EXCHANGE_ANSWER;
    return (struct octets){x->own_share,
                           answers ? x->method->responder_share_size : x->method->initiator_share_size};
}

struct octets key_exchange_secret(const struct key_exchange *x)
{
    if (x->method == NULL || x->operation == KEY_EXCHANGE_GENERATE)
        return (struct octets){NULL, 0};
    return (struct octets){x->secret, x->method->secret_size};
}
