/*
 * The routes to the tunnels' peers: which of them are to be found anew and when, and what the engine is told
 * of them. Changes of Linux come in bursts, so routes are found a little later, many at once.
 *
 * It knows no tunnels, only their policies: who has the tunnels goes through them when it is called.
 */
#ifndef MUSUBI_DAEMON_KEEPER_TUNNEL_ROUTES_H
#define MUSUBI_DAEMON_KEEPER_TUNNEL_ROUTES_H

#include <time.h>

#include "base/pace.h"
#include "daemon/keeper/engine_marks.h"
#include "daemon/keeper/peer_route.h"

/* The route of one tunnel; zeroed at first. Others than tunnel_routes.c only read `found`. */
struct tunnel_route {
    struct found_route found;
    time_t since;   /* when it became what it is; 0: it has not been looked for */
    bool is_old;    /* to be found anew */
    bool is_unsent; /* the policy has changed: the engine is told the route in any case */
};

/* Which routes are old besides those that are by themselves. */
enum old_routes { OLD_NO_OTHERS, OLD_ALL_BUT_RECURSIVE, OLD_ALL };

struct tunnel_routes {
    struct processes *processes;
    struct engine_marks marks;
    uv_timer_t timer;
    bool is_open;
    struct pace pace; /* the timer is set to its time */
    enum old_routes old;
    void (*due)(void *context);
    void *context;
};

/* `due` is called when routes are to be found; `processes` and `log` stay the caller's. */
void tunnel_routes_open(struct tunnel_routes *routes, uv_loop_t *loop, struct processes *processes,
                        struct event_log *log, void (*due)(void *context), void *context);

/* Does nothing if they are not open. */
void tunnel_routes_close(struct tunnel_routes *routes);

/* ---- When -------------------------------------------------------------------------------------------- */

/* Has a route, or all of them, be found anew the next time. */
void tunnel_route_set_old(struct tunnel_route *route);
void tunnel_routes_set_all_old(struct tunnel_routes *routes);

/*
 * The same after a change of a Tunnel's device, but for recursive routes (S37): routes through a Tunnel that
 * is down are passed over, so the peer would seem to have another route as soon as the tunnel is down because
 * of its recursive one, and the tunnel would go up and down without end.
 */
void tunnel_routes_set_all_old_but_recursive(struct tunnel_routes *routes);

/* The engine has got another policy of the tunnel, which its route has to follow. */
void tunnel_route_set_unsent(struct tunnel_route *route);

/* True if another answer of the routing table about `prefix` may change the route. */
bool tunnel_route_depends_on(const struct tunnel_route *route, const struct tunnel_policy *policy,
                             const struct ip_prefix *prefix);

/* Has `due` be called soon, at intervals that grow with the number of tunnels (base/pace.h). */
void tunnel_routes_schedule(struct tunnel_routes *routes, size_t tunnels);

/* The same after a change of a Tunnel's device. Few peers are behind another Tunnel, and when many tunnels
 * come up all routes are not to be found again for each of them: the more tunnels there are, the later. */
void tunnel_routes_schedule_late(struct tunnel_routes *routes, size_t tunnels);

/* ---- Finding them ------------------------------------------------------------------------------------ */

/* Begins to go through all tunnels: returns which routes are old. Those that grow old from here on are found
 * the next time. */
enum old_routes tunnel_routes_begin(struct tunnel_routes *routes);

/* True if the route is to be found anew, by itself or as one of those of tunnel_routes_begin. */
bool tunnel_route_is_old(const struct tunnel_route *route, enum old_routes old);

/* Finds a route anew (peer_route_find). True if it has changed: then the engine has to be told. */
bool tunnel_route_find(struct tunnel_route *route, const struct route_finder *finder,
                       const struct tunnel_policy *policy, const struct ip_address *peers, size_t peer_count);

/* Tells the engine a route. */
void tunnel_routes_send(struct tunnel_routes *routes, const struct tunnel_route *route,
                        const struct tunnel_policy *policy);

/* All tunnels have been gone through: those that there are name their routes, so that marks that none of them
 * uses are forgotten. */
void tunnel_routes_keep(struct tunnel_routes *routes, const struct tunnel_route *route);
void tunnel_routes_end(struct tunnel_routes *routes);

#endif
