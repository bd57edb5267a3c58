/*
 * The inside of the engine process: what its files share.
 */
#ifndef MUSUBI_DAEMON_ENGINE_INSIDE_H
#define MUSUBI_DAEMON_ENGINE_INSIDE_H

#include <sys/queue.h>
#include <uv.h>

#include "daemon/engine/sockets.h"
#include "daemon/ipc/channel_watch.h"
#include "daemon/ipc/messages.h"
#include "daemon/state/map.h"
#include "daemon/state/shared.h"

struct deferred_action;

struct engine_process {
    uv_loop_t loop;
    struct channel keeper, path;
    struct channel_watch keeper_watch, path_watch;
    uv_poll_t timer_poll;
    int timer; /* timerfd of CLOCK_BOOTTIME */

    struct ike_engine *engine; /* NULL until set up */
    struct state_map *records;
    struct engine_statistics *statistics;
    bool records_full;      /* told the operator so */
    size_t damaged_records; /* that the operator was told of */
    struct engine_sockets sockets;

    /* Actions that wait until the path has a Child SA. */
    STAILQ_HEAD(, deferred_action) deferred;
    uint64_t last_request;
    uint64_t awaited_request; /* 0: none */
    uint32_t awaited_tunnel;  /* whose Child SA that is about */
    bool stopping, told_idle;
};

/* Milliseconds of CLOCK_BOOTTIME. */
msec_t engine_process_now(void);

/* Hands an event to the engine and performs its answer: commits records, then acts. */
void engine_process_event(struct engine_process *process, const struct ike_event *event);

/* Sends a line to the event log; `has_tunnel` as in struct ike_action. */
__attribute__((format(printf, 3, 4))) void engine_process_log(struct engine_process *process,
                                                              enum log_level level, const char *format, ...);

/* ---- engine_actions.c ------------------------------------------------------------------------------- */

/* Performs actions in order. What follows the installation of a Child SA waits for the path's word; jobs do
 * not wait. */
void engine_actions_perform(struct engine_process *process, const struct ike_effects *effects);

/* The path has carried out a request. False if it was the installation that is waited for, and failed: then
 * the SAs of that tunnel (*tunnel) are of no use. */
bool engine_actions_done(struct engine_process *process, const struct path_event *event, uint32_t *tunnel);

/* The keeper has answered a request. */
void engine_actions_answered(struct engine_process *process, uint64_t request);

/* The path is gone: nothing waits for it any more. */
void engine_actions_release(struct engine_process *process);

/* Nothing is left to do. */
bool engine_actions_are_idle(const struct engine_process *process);

/* ---- engine_jobs.c ---------------------------------------------------------------------------------- */

/* Runs a job: public ones on libuv's threads, others at the keeper's. Its end is an event. */
void engine_job_start(struct engine_process *process, const struct ike_job *job);

#endif
