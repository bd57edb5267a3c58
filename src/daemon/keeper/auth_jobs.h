/*
 * The engine's authentication jobs at the keeper. Signatures are made on threads, since one by a large RSA
 * key takes milliseconds, and commands and reports of Linux must not wait for hundreds of them. All else is
 * done at once. So jobs are not answered in the order in which they came.
 */
#ifndef MUSUBI_DAEMON_KEEPER_AUTH_JOBS_H
#define MUSUBI_DAEMON_KEEPER_AUTH_JOBS_H

#include <sys/queue.h>
#include <uv.h>

#include "daemon/ipc/messages.h"
#include "daemon/keeper/keys.h"
#include "daemon/keeper/used_keys.h"

/* Octets of signatures that wait. The engine is not trusted to be modest. */
enum { AUTH_JOBS_OCTETS_MAX = 64 << 20 };

/* Sends a result to the engine: the message and its tail. Both are wiped afterwards. */
typedef void auth_jobs_answer(void *context, const struct message_job_done *done, struct octets certificates);

struct auth_jobs {
    uv_loop_t *loop;
    auth_jobs_answer *answer;
    void *context;                           /* of `answer` */
    LIST_HEAD(auth_job_list, auth_job) jobs; /* whose signatures are under way */
    size_t octets;                           /* that they take */
};

/* Without jobs. */
void auth_jobs_init(struct auth_jobs *jobs, uv_loop_t *loop, auth_jobs_answer *answer, void *context);

/*
 * Does a job with the number by which the engine knows it, now or on a thread. `policy`: of the job's tunnel;
 * NULL if that is gone. `used`: where the keys of that tunnel are noted if nothing is wrong; NULL with
 * `policy`. `keys` and `job` stay the caller's. A job that can't be done, for it has no tunnel or
 * too much waits, is answered as such.
 */
void auth_jobs_do(struct auth_jobs *jobs, const struct own_keys *keys, const struct tunnel_policy *policy,
                  struct used_keys *used, uint32_t number, const struct ike_auth_job *job);

/*
 * The store has changed: signatures by keys that it has no more are given up, and answered as those without a
 * key. Such a key is wiped when this returns, unless a signature by it is being made: then once that is made.
 */
void auth_jobs_forget_keys(struct auth_jobs *jobs, const struct pki_store *store);

/* Gives up what has not begun. The loop has to be run until the rest is done. */
void auth_jobs_stop(struct auth_jobs *jobs);

#endif
