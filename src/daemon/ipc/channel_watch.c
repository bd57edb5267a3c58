#include "daemon/ipc/channel_watch.h"

enum { MESSAGES_AT_ONCE = 64 }; /* taken before others have their turn */

static void watch_ready(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct channel_watch *watch = poll->data;
    const struct channel *channel = watch->channel;
    (void)channel_flush(watch->channel);
    for (int i = 0; (i < MESSAGES_AT_ONCE || channel_holds_message(channel)) && !watch->stopped; i++) {
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
}

static bool poll_as_needed(struct channel_watch *watch)
{
    int events = UV_READABLE | (channel_is_waiting(watch->channel) ? UV_WRITABLE : 0);
    if (watch->events == events)
        return true;
    watch->events = events;
    return uv_poll_start(&watch->poll, events, watch_ready) == 0;
}

static void before_waiting(uv_prepare_t *prepare)
{
    struct channel_watch *watch = prepare->data;
    (void)channel_flush(watch->channel);
    (void)poll_as_needed(watch);
}

bool channel_watch_start(struct channel_watch *watch, uv_loop_t *loop, struct channel *channel,
                         void (*take)(void *context), void (*gone)(void *context), void *context)
{
    *watch = (struct channel_watch){.channel = channel, .take = take, .gone = gone, .context = context};
    watch->stopped = uv_poll_init(loop, &watch->poll, channel->fd) != 0;
    if (watch->stopped)
        return false;
    (void)uv_prepare_init(loop, &watch->before_waiting); /* neither can fail */
    (void)uv_prepare_start(&watch->before_waiting, before_waiting);
    watch->poll.data = watch->before_waiting.data = watch;
    channel_gather(channel);
    return poll_as_needed(watch);
}

void channel_watch_stop(struct channel_watch *watch)
{
    if (watch->stopped || watch->channel == NULL)
        return;
    watch->stopped = true;
    if (!uv_is_closing((uv_handle_t *)&watch->poll)) {
        uv_close((uv_handle_t *)&watch->poll, NULL);
        uv_close((uv_handle_t *)&watch->before_waiting, NULL);
    }
    channel_close(watch->channel);
}
