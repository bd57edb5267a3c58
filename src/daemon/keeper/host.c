/*
 * The keeper and Linux: what host/ has to say, and when it wants to be called.
 */
#include "daemon/keeper/inside.h"

enum { WAYS_DELAY = 20 }; /* milliseconds: changes come in bursts */

/* ---- Events ---------------------------------------------------------------------------------------- */

/* True if another answer of the routing table about a prefix may change the tunnel's way. */
static bool concerns(const struct tunnel *tunnel, const struct ip_prefix *prefix)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    bool may_go_elsewhere = policy->peer_kind == PEER_FQDN && !tunnel->way.way.usable;
    return policy->outgoing != OUTGOING_NEXT_HOP && policy->peer_kind != PEER_ANY &&
           (may_go_elsewhere || tunnel->way.way.remote.family == IP_NONE ||
            ip_prefix_contains(prefix, &tunnel->way.way.remote));
}

static void host_event(void *context, const struct host_event *event)
{
    struct keeper *keeper = context;
    if (event->kind == HOST_EVENT_TUNNEL_REPLACED)
        keeper_tunnel_replaced(keeper, event->link_name);
    keeper->all_ways_are_old |= event->kind != HOST_EVENT_ROUTE;
    for (size_t i = 0; i < keeper->tunnel_count && !keeper->all_ways_are_old; i++)
        keeper->tunnels[i]->way_is_old |= concerns(keeper->tunnels[i], &event->prefix);
    keeper_schedule_ways(keeper);
}

static void host_said(void *context, enum host_note_level level, const char *text)
{
    struct keeper *keeper = context;
    (void)level; /* both are abnormal enough to be told */
    event_log_add(keeper->log, EVENT_SYSTEM, LOG_LEVEL_WARN, NULL, text);
}

/* ---- When ------------------------------------------------------------------------------------------ */

static void ways_due(uv_timer_t *timer)
{
    keeper_update_ways(timer->data);
}

void keeper_schedule_ways(struct keeper *keeper)
{
    if (keeper->ways_are_due || !keeper->host_polled)
        return;
    keeper->ways_are_due = true;
    (void)uv_timer_start(&keeper->ways_timer, ways_due, WAYS_DELAY, 0);
}

static void host_call(struct keeper *keeper)
{
    struct host_error reason;
    if (!host_handle(keeper->host, keeper_now(), &reason))
        event_log_add(keeper->log, EVENT_SYSTEM, LOG_LEVEL_ERROR, NULL, reason.text);
    keeper_schedule_host(keeper);
}

static void host_due_now(uv_timer_t *timer)
{
    host_call(timer->data);
}

static void host_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    host_call(poll->data);
}

void keeper_schedule_host(struct keeper *keeper)
{
    msec_t due = host_due(keeper->host);
    msec_t now = keeper_now();
    if (!keeper->host_polled)
        return;
    if (due == MSEC_NEVER)
        (void)uv_timer_stop(&keeper->host_timer);
    else
        (void)uv_timer_start(&keeper->host_timer, host_due_now, due > now ? due - now : 0, 0);
}

/* ---- Life ------------------------------------------------------------------------------------------ */

bool keeper_open_host(struct keeper *keeper, struct host_error *err)
{
    const struct host_listener listener = {host_event, host_said, keeper};
    keeper->host = host_open(keeper->arguments->run_directory, &listener, err);
    return keeper->host != NULL;
}

bool keeper_watch_host(struct keeper *keeper)
{
    if (uv_poll_init(&keeper->loop, &keeper->host_poll, host_fd(keeper->host)) != 0)
        return false;
    keeper->host_poll.data = keeper;
    keeper->host_timer.data = keeper;
    keeper->ways_timer.data = keeper;
    (void)uv_timer_init(&keeper->loop, &keeper->host_timer);
    (void)uv_timer_init(&keeper->loop, &keeper->ways_timer);
    keeper->host_polled = true;
    return uv_poll_start(&keeper->host_poll, UV_READABLE, host_readable) == 0;
}

void keeper_close_host(struct keeper *keeper)
{
    if (keeper->host_polled) {
        uv_close((uv_handle_t *)&keeper->host_poll, NULL);
        uv_close((uv_handle_t *)&keeper->host_timer, NULL);
        uv_close((uv_handle_t *)&keeper->ways_timer, NULL);
    }
    keeper->host_polled = false;
    host_teardown(keeper->host);
    keeper->host = NULL;
}
