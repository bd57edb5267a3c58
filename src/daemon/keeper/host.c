#include "daemon/keeper/host.h"

#include "daemon/ipc/clock.h"

/* Milliseconds in which a tunnel that was up before a crash has to come up: those that a request is tried
 * (R15). */
enum { HOLD_TIME = 30000 };

/* Milliseconds between two looks at what Linux reports. Each tunnel that comes up or goes down is several
 * reports, and a wakeup for each would cost more than to read them. */
enum { READ_GAP = 10 };

static void note(void *context, enum host_note_level level, const char *text)
{
    struct keeper_host *host = context;
    (void)level; /* both are abnormal enough to be told */
    event_log_add(host->log, EVENT_SYSTEM, LOG_LEVEL_WARN, NULL, text);
}

static void tell_event(void *context, const struct host_event *event)
{
    const struct keeper_host *host = context;
    host->changed(host->context, event);
}

bool keeper_host_open(struct keeper_host *host, const char *instance, struct event_log *log,
                      void (*changed)(void *context, const struct host_event *event), void *context,
                      struct host_error *err)
{
    const struct host_listener listener = {tell_event, note, host};
    *host = (struct keeper_host){.log = log, .changed = changed, .context = context};
    host->host = host_open(instance, &listener, err);
    return host->host != NULL;
}

static void handle(struct keeper_host *host)
{
    struct host_error reason;
    if (!host_handle(host->host, clock_now(), &reason))
        event_log_add(host->log, EVENT_SYSTEM, LOG_LEVEL_ERROR, NULL, reason.text);
    keeper_host_schedule(host);
}

static void timer_due(uv_timer_t *timer)
{
    handle(timer->data);
}

static void release_due(uv_timer_t *timer)
{
    struct keeper_host *host = timer->data;
    host_release_tunnels(host->host);
}

static void readable(uv_poll_t *poll, int status, int events);

static void pause_over(uv_timer_t *timer)
{
    struct keeper_host *host = timer->data;
    (void)uv_poll_start(&host->poll, UV_READABLE, readable);
}

static void readable(uv_poll_t *poll, int status, int events)
{
    struct keeper_host *host = poll->data;
    (void)status;
    (void)events;
    handle(host);
    if (host->is_watched && uv_timer_start(&host->pause, pause_over, READ_GAP, 0) == 0)
        (void)uv_poll_stop(poll);
}

bool keeper_host_watch(struct keeper_host *host, uv_loop_t *loop)
{
    if (uv_poll_init(loop, &host->poll, host_fd(host->host)) != 0)
        return false;
    (void)uv_timer_init(loop, &host->timer);
    (void)uv_timer_init(loop, &host->pause);
    (void)uv_timer_init(loop, &host->release);
    host->poll.data = host;
    host->timer.data = host;
    host->pause.data = host;
    host->release.data = host;
    host->is_watched = true;
    if (host_found_tunnels(host->host))
        (void)uv_timer_start(&host->release, release_due, HOLD_TIME, 0);
    return uv_poll_start(&host->poll, UV_READABLE, readable) == 0;
}

void keeper_host_schedule(struct keeper_host *host)
{
    msec_t due = host_due(host->host);
    msec_t now = clock_now();
    if (!host->is_watched)
        return;
    if (due == MSEC_NEVER)
        (void)uv_timer_stop(&host->timer);
    else
        (void)uv_timer_start(&host->timer, timer_due, due > now ? due - now : 0, 0);
}

void keeper_host_close(struct keeper_host *host, bool leave)
{
    if (host->is_watched) {
        uv_close((uv_handle_t *)&host->poll, NULL);
        uv_close((uv_handle_t *)&host->timer, NULL);
        uv_close((uv_handle_t *)&host->pause, NULL);
        uv_close((uv_handle_t *)&host->release, NULL);
    }
    host->is_watched = false;
    if (leave)
        host_leave(host->host);
    else
        host_teardown(host->host);
    host->host = NULL;
}
