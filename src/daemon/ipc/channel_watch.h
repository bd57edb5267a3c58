/*
 * A channel in a libuv loop: its messages are handed on as they come. What is sent in a turn of the loop goes
 * at its end, as far as the socket takes it (channel_gather).
 */
#ifndef MUSUBI_DAEMON_IPC_CHANNEL_WATCH_H
#define MUSUBI_DAEMON_IPC_CHANNEL_WATCH_H

#include <uv.h>

#include "daemon/ipc/channel.h"

struct channel_watch {
    uv_poll_t poll;
    uv_prepare_t before_waiting;
    struct channel *channel;
    int events; /* that are polled for */
    bool stopped;
    void (*take)(void *context); /* a message is in `channel` */
    void (*gone)(void *context); /* the other side has closed it; called once, the watch has stopped */
    void *context;
};

/* Starts watching an open channel. False if libuv refuses. */
bool channel_watch_start(struct channel_watch *watch, uv_loop_t *loop, struct channel *channel,
                         void (*take)(void *context), void (*gone)(void *context), void *context);

/* Stops watching and closes the channel; `gone` is not called any more. */
void channel_watch_stop(struct channel_watch *watch);

#endif
