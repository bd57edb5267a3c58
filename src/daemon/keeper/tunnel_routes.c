#include "daemon/keeper/tunnel_routes.h"

#include "daemon/ipc/clock.h"

enum {
    FIND_DELAY = 20,       /* milliseconds */
    LATE_DELAY_MAX = 1000, /* likewise */
    TUNNELS_IN_MSEC = 10,  /* a millisecond between two searches for so many tunnels */
};

void tunnel_routes_open(struct tunnel_routes *routes, uv_loop_t *loop, struct processes *processes,
                        struct event_log *log, void (*due)(void *context), void *context)
{
    *routes = (struct tunnel_routes){
        .processes = processes,
        .marks = engine_marks_of(processes, log),
        .is_open = true,
        .pace = PACE_AT_REST,
        .due = due,
        .context = context,
    };
    (void)uv_timer_init(loop, &routes->timer);
    routes->timer.data = routes;
}

void tunnel_routes_close(struct tunnel_routes *routes)
{
    if (!routes->is_open)
        return;
    routes->is_open = false;
    uv_close((uv_handle_t *)&routes->timer, NULL);
    engine_marks_free(&routes->marks);
}

/* ---- When ------------------------------------------------------------------------------------------ */

void tunnel_route_set_old(struct tunnel_route *route)
{
    route->is_old = true;
}

void tunnel_route_set_unsent(struct tunnel_route *route)
{
    route->is_unsent = true;
}

void tunnel_routes_set_all_old(struct tunnel_routes *routes)
{
    routes->old = OLD_ALL;
}

void tunnel_routes_set_all_old_but_recursive(struct tunnel_routes *routes)
{
    if (routes->old == OLD_NO_OTHERS)
        routes->old = OLD_ALL_BUT_RECURSIVE;
}

/* True of what Linux adds with each device: no change of it gives a peer another route. */
static bool is_of_links(const struct ip_prefix *prefix)
{
    const struct ip_address *address = &prefix->address;
    return ip_address_is_link_local(address) || (address->family == IP_V6 && address->octets[0] == 0xff);
}

bool tunnel_route_depends_on(const struct tunnel_route *route, const struct tunnel_policy *policy,
                             const struct ip_prefix *prefix)
{
    const struct peer_route *now = &route->found.to_peer;
    bool may_go_elsewhere = policy->peer_kind == PEER_FQDN && !now->usable;
    /* It may lead through other tunnels, by the routes to their peers. */
    if (route->found.problem == ROUTE_RECURSIVE && !is_of_links(prefix))
        return true;
    return policy->outgoing != OUTGOING_NEXT_HOP && policy->peer_kind != PEER_ANY &&
           (may_go_elsewhere || now->remote.family == IP_NONE || ip_prefix_contains(prefix, &now->remote));
}

static void timer_due(uv_timer_t *timer)
{
    const struct tunnel_routes *routes = timer->data;
    routes->due(routes->context);
}

static void schedule(struct tunnel_routes *routes, msec_t delay, size_t tunnels)
{
    msec_t now = clock_now(), due = routes->pace.due;
    if (!routes->is_open)
        return;
    pace_want(&routes->pace, now, delay, tunnels / TUNNELS_IN_MSEC);
    if (routes->pace.due != due)
        (void)uv_timer_start(&routes->timer, timer_due, routes->pace.due > now ? routes->pace.due - now : 0,
                             0);
}

void tunnel_routes_schedule(struct tunnel_routes *routes, size_t tunnels)
{
    schedule(routes, FIND_DELAY, tunnels);
}

void tunnel_routes_schedule_late(struct tunnel_routes *routes, size_t tunnels)
{
    msec_t delay = FIND_DELAY + tunnels;
    schedule(routes, delay < LATE_DELAY_MAX ? delay : LATE_DELAY_MAX, tunnels);
}

/* ---- Finding them ---------------------------------------------------------------------------------- */

enum old_routes tunnel_routes_begin(struct tunnel_routes *routes)
{
    enum old_routes old = routes->old;
    routes->pace = (struct pace){.due = MSEC_NEVER, .done = clock_now()};
    (void)uv_timer_stop(&routes->timer);
    routes->old = OLD_NO_OTHERS;
    engine_marks_begin_sweep(&routes->marks);
    return old;
}

bool tunnel_route_is_old(const struct tunnel_route *route, enum old_routes old)
{
    return route->is_old || old == OLD_ALL ||
           (old == OLD_ALL_BUT_RECURSIVE && route->found.problem != ROUTE_RECURSIVE);
}

/* True if an operator would call it another route, or another reason why there is none. */
static bool is_other(const struct found_route *a, const struct found_route *b)
{
    return a->problem != b->problem || a->link != b->link || !ip_address_equal(&a->next_hop, &b->next_hop) ||
           !ip_address_equal(&a->to_peer.local, &b->to_peer.local) ||
           !ip_address_equal(&a->to_peer.remote, &b->to_peer.remote);
}

bool tunnel_route_find(struct tunnel_route *route, const struct route_finder *finder,
                       const struct tunnel_policy *policy, const struct ip_address *peers, size_t peer_count)
{
    bool is_unsent = route->is_unsent;
    const struct found_route before = route->found;
    route->is_old = route->is_unsent = false;
    bool changed = peer_route_find(finder, policy, peers, peer_count, &route->found);
    if (route->since == 0 || is_other(&before, &route->found))
        route->since = time(NULL);
    return changed || is_unsent;
}

void tunnel_routes_send(struct tunnel_routes *routes, const struct tunnel_route *route,
                        const struct tunnel_policy *policy)
{
    const struct peer_route *found = &route->found.to_peer;
    const struct message_peer_route m = {policy->tunnel, *found};
    if (found->usable && found->mark != 0)
        engine_marks_add(&routes->marks, found->mark, found->local.family);
    processes_send(&routes->processes->engine, MESSAGE_PEER_ROUTE, &m, sizeof(m));
}

void tunnel_routes_keep(struct tunnel_routes *routes, const struct tunnel_route *route)
{
    engine_marks_keep(&routes->marks, route->found.pinned_mark);
}

void tunnel_routes_end(struct tunnel_routes *routes)
{
    engine_marks_end_sweep(&routes->marks);
}
