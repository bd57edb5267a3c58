/*
 * The keeper's side of the engine and the path: starting, setting up, watching and ending them.
 */
#ifndef MUSUBI_DAEMON_KEEPER_PROCESSES_H
#define MUSUBI_DAEMON_KEEPER_PROCESSES_H

#include <uv.h>

#include "daemon/ipc/channel_watch.h"
#include "daemon/ipc/messages.h"
#include "daemon/ipc/spawn.h"
#include "host/sockets.h"

struct processes;

struct process_listener {
    /* A sound message of the engine or the path is in its channel (the setup's own are not handed on). */
    void (*message)(void *context, enum process from, struct channel *channel);
    void (*ready)(void *context); /* both are set up */
    /* One of them has ended, or sent what it must not: `how` says it. Called once for each. */
    void (*ended)(void *context, enum process which, const char *how);
    void *context;
};

struct worker_process {
    struct processes *owner;
    enum process which;
    struct spawned spawned; /* pid 0: not running */
    struct channel channel;
    struct channel_watch watch;
    uv_poll_t end_poll;
    bool watched_end;
    bool ready;
};

struct processes {
    uv_loop_t *loop;
    struct process_listener listener;
    struct worker_process engine, path;
};

/* What the two are given. Descriptors stay the caller's. */
struct process_setup {
    uint32_t workers;
    enum log_level log_level;
    int state;      /* state map */
    int statistics; /* struct engine_statistics */
    int live;       /* live area */
    const struct host_sockets *sockets;
    int lock;         /* of the run-dir */
    bool keep_errors; /* they share our standard error */
};

/* To be called first: neither is running. */
void processes_init(struct processes *processes);

/* Starts both and sends their setup; `ready` follows. False with errno set: then processes_stop is to be
 * called all the same. */
bool processes_start(struct processes *processes, uv_loop_t *loop, const struct process_listener *listener,
                     const struct process_setup *setup);

/* Sends a message without tail to the engine or the path; lost if that is gone. */
void processes_send(struct worker_process *to, enum message_type type, const void *body, size_t size);

/* The same with a tail and descriptors. */
void processes_send_more(struct worker_process *to, enum message_type type, const void *body, size_t size,
                         struct octets more, const int *fds, size_t fd_count);

/* Closes the channels, on which both end by themselves; waits up to `patience` milliseconds, then kills. */
void processes_stop(struct processes *processes, int patience);

#endif
