/*
 * The engine process: runs the IKEv2 engine of ike/ on real time and real sockets. It opens nothing by itself
 * and has no keys but those of its SAs: secret jobs go to the keeper. Its files share what stands here.
 */
#ifndef MUSUBI_DAEMON_ENGINE_PROCESS_H
#define MUSUBI_DAEMON_ENGINE_PROCESS_H

#include <uv.h>

#include "daemon/engine/children.h"
#include "daemon/engine/records.h"
#include "daemon/engine/requests.h"
#include "daemon/engine/sockets.h"
#include "daemon/engine/tunnel_queue.h"
#include "daemon/ipc/channel_watch.h"
#include "daemon/ipc/messages.h"
#include "daemon/state/shared.h"
#include "pki/trust.h"

enum {
    /*
     * Milliseconds that keeper and path have for an answer. They need less than one, and some seconds where
     * thousands of requests come together. A peer waits for ours for 30 seconds in all (R15), so that there
     * is time for the next attempt.
     */
    ENGINE_REQUEST_PATIENCE = 5000,
    /* Octets that may wait for a process that does not read, in the channel's own queue. */
    ENGINE_PATH_QUEUE_MAX = 32 << 20, /* some 30,000 changes of Child SAs */
    ENGINE_UNSENT_MAX = 256, /* datagrams that could not leave, of one answer; others are not told of */
    ENGINE_JOB_QUEUE_MAX = 16 << 20, /* beyond it no more jobs are handed to the keeper */
};

/* A datagram that could not leave. */
struct unsent_datagram {
    struct ip_endpoint remote;
    uint8_t header[28];
    int error; /* errno */
};

enum { ENGINE_RANDOM_SIZE = 256 };

struct engine_process {
    uv_loop_t loop;
    struct channel keeper, path;
    struct channel_watch keeper_watch, path_watch;
    uv_prepare_t before_waiting;
    uv_poll_t timer_poll;
    int timer;        /* timerfd of CLOCK_BOOTTIME */
    msec_t timer_due; /* that it is set to; MSEC_NEVER: it is not set */

    struct ike_engine *engine; /* NULL until set up */
    struct engine_records records;
    struct engine_statistics *statistics;
    size_t damaged_records; /* that the operator was told of */
    struct engine_sockets sockets;
    uint8_t random[ENGINE_RANDOM_SIZE]; /* drawn ahead; what is used is wiped */
    size_t random_left;                 /* octets of it, at its end */
    struct trust *trust;                /* by which peers are verified; NULL: nothing has come yet */

    msec_t now; /* of the event that is being handled */
    uint64_t last_request;
    struct requests of_keeper, of_path;
    struct tunnel_queues queues;
    struct known_children children;
    struct unsent_datagram unsent[ENGINE_UNSENT_MAX]; /* the engine has to hear of */
    size_t unsent_count;
    uint64_t comparison; /* request for the path's Child SAs that is out; 0: none */
    bool path_lags;      /* it does not read: nothing is sent to it for now */
    bool path_lacks;     /* it has missed changes, and gets all Child SAs anew after the comparison */
    bool stopping, told_idle;
};

/* Runs until the keeper is gone; returns the exit status. */
int engine_process_run(void);

/* Milliseconds of CLOCK_BOOTTIME. */
msec_t engine_process_now(void);

/* Hands an event to the engine and performs its answer: commits records, then acts. */
void engine_process_event(struct engine_process *process, const struct ike_event *event);

/* Tells the engine of the datagrams that could not leave. */
void engine_process_tell_unsent(struct engine_process *process);

/* Sends a line to the event log, about a tunnel or none (0). */
__attribute__((format(printf, 4, 5))) void engine_process_log(struct engine_process *process,
                                                              enum log_level level, uint32_t tunnel,
                                                              const char *format, ...);

/* ---- actions.c --------------------------------------------------------------------------------------- */

/*
 * Performs actions. What is for path and keeper is sent at once. Datagrams and log lines of a tunnel keep
 * their order, and wait until the requests of that tunnel before them are answered.
 */
void engine_actions_perform(struct engine_process *process, const struct ike_effects *effects);

/* The path has carried out a request, or not: SAs of a tunnel whose Child SA it can't take are deleted. */
void engine_actions_done(struct engine_process *process, const struct path_event *event);

/* The keeper has answered a request. */
void engine_actions_answered(struct engine_process *process, uint64_t request);

/* Deals with all requests whose deadline is `now` or before. Those to a process that has said something wait
 * until that is read: the answer may be in it, as when this process stood still. */
void engine_actions_expire(struct engine_process *process, msec_t now);

/* When engine_actions_expire is due; MSEC_NEVER if nothing is waited for. */
msec_t engine_actions_deadline(const struct engine_process *process);

/* The path is gone: nothing waits for it any more. */
void engine_actions_release(struct engine_process *process);

/* Nothing is left to do. */
bool engine_actions_are_idle(const struct engine_process *process);

/* Sends something to the path. Where too much waits for it already, it gets this by the comparison that
 * follows once it has read all. False if the path is gone. */
bool engine_path_send(struct engine_process *process, enum message_type type, const void *body, size_t size);

/* Takes a Child SA that the path may have from it. */
void engine_path_remove_child(struct engine_process *process, uint32_t tunnel, uint32_t inbound_spi);

/* ---- agreement.c ------------------------------------------------------------------------------------- */

/*
 * Has engine and path agree on what Child SAs there are: asks for those that the path has. What only the path
 * has is removed; when it lacks one, or missed a change, the engine hands over all once more, and the path
 * adopts what it has already. To be called when either is new; an engine after its answer to
 * IKE_EVENT_SAVED_END.
 */
void engine_agreement_begin(struct engine_process *process);

/* The same once the path has read what waits for it: it misses a change. */
void engine_agreement_need(struct engine_process *process);

/* The path's list, or a part of it, has come. */
void engine_agreement_take(struct engine_process *process, const struct channel_message *message);

/* The deadline of a request of the agreement has passed. */
void engine_agreement_expire(struct engine_process *process, enum request_kind kind);

/* ---- jobs.c ------------------------------------------------------------------------------------------ */

/* Runs a job: public ones on libuv's threads, others at the keeper's. Its end is an event. */
void engine_job_start(struct engine_process *process, const struct ike_job *job);

/* The keeper has done a job. */
void engine_job_answered(struct engine_process *process, const struct channel_message *message);

/* auth_jobs.c: the same as engine_job_start for IKE_JOB_AUTH. False if it can't be started. */
bool engine_auth_job_start(struct engine_process *process, const struct ike_job *job);

#endif
