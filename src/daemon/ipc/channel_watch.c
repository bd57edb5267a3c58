#include "daemon/ipc/channel_watch.h"

enum { MESSAGES_AT_ONCE = 64 }; /* taken before others have their turn */

static void watch_ready(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct channel_watch *watch = poll->data;
    (void)channel_flush(watch->channel);
    for (int i = 0; i < MESSAGES_AT_ONCE && !watch->stopped; i++) {
        enum channel_result result = channel_receive(watch->channel);
        if (result == CHANNEL_EMPTY)
            break;
        if (result == CHANNEL_CLOSED) {
            channel_watch_stop(watch);
            watch->gone(watch->context);
            return;
        }
        watch->take(watch->context);
    }
    channel_watch_update(watch);
}

bool channel_watch_start(struct channel_watch *watch, uv_loop_t *loop, struct channel *channel,
                         void (*take)(void *context), void (*gone)(void *context), void *context)
{
    *watch = (struct channel_watch){.channel = channel, .take = take, .gone = gone, .context = context};
    watch->stopped = uv_poll_init(loop, &watch->poll, channel->fd) != 0;
    watch->poll.data = watch;
    channel_watch_update(watch);
    return !watch->stopped;
}

void channel_watch_update(struct channel_watch *watch)
{
    int events = UV_READABLE | (channel_is_waiting(watch->channel) ? UV_WRITABLE : 0);
    if (watch->stopped || watch->events == events)
        return;
    watch->events = events;
    (void)uv_poll_start(&watch->poll, events, watch_ready);
}

void channel_watch_stop(struct channel_watch *watch)
{
    if (watch->stopped || watch->channel == NULL)
        return;
    watch->stopped = true;
    if (!uv_is_closing((uv_handle_t *)&watch->poll))
        uv_close((uv_handle_t *)&watch->poll, NULL);
    channel_close(watch->channel);
}
