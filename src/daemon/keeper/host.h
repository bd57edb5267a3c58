/*
 * The keeper's hold on Linux (host/) in its loop: what it applies, and what it is told.
 */
#ifndef MUSUBI_DAEMON_KEEPER_HOST_H
#define MUSUBI_DAEMON_KEEPER_HOST_H

#include <uv.h>

#include "daemon/keeper/event_log.h"
#include "host/host.h"

struct keeper_host {
    struct host *host; /* NULL: not open. Who uses it calls keeper_host_schedule afterwards */
    struct event_log *log;
    uv_poll_t poll;
    uv_timer_t timer;
    uv_timer_t pause;   /* until what Linux reports is read again */
    uv_timer_t release; /* of the Tunnels that an earlier musubid left (host_release_tunnels) */
    bool is_watched;
    /* As in struct host_listener. */
    void (*changed)(void *context, const struct host_event *event);
    void *context;
};

/* Takes the network namespace for the instance. `log`, which is told what is abnormal, stays the caller's. */
bool keeper_host_open(struct keeper_host *host, const char *instance, struct event_log *log,
                      void (*changed)(void *context, const struct host_event *event), void *context,
                      struct host_error *err);

/* Takes in changes as they come, from here on: the first one at once, those that follow at intervals of some
 * milliseconds. */
bool keeper_host_watch(struct keeper_host *host, uv_loop_t *loop);

/* Has host_handle called when host_due says so. */
void keeper_host_schedule(struct keeper_host *host);

/* Removes all that is ours from Linux. With `leave` it stays for the next start to take over, and its Tunnels
 * drop what is sent into them (S48). */
void keeper_host_close(struct keeper_host *host, bool leave);

#endif
