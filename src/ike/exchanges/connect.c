#include "ike/exchanges/connect.h"

#include "ike/exchanges/ike_sa_init_initiator.h"

enum {
    AUTO_CHECK_INTERVAL = 10000, /* milliseconds (R43) */
    JOBS_MAX = 256,              /* with so many computations that are not of half-open SAs, tunnels wait */
};

const char *connect_hindrance(const struct ike_engine *engine, const struct ike_tunnel *tunnel)
{
    if (engine->stopping)
        return "the gateway is stopping";
    if (!tunnel->policy.complete)
        return "its configuration is not complete";
    if (tunnel->policy.shut_down)
        return "it is shut down";
    if (tunnel->policy.peer_kind == PEER_ANY)
        return "the peer's address is not known (peer any)";
    if (tunnel->policy.direction == NEGOTIATE_RESPONDER)
        return "negotiation-direction is responder";
    if (tunnel->policy.peer_kind == PEER_FQDN && tunnel->peer_address_count == 0)
        return "the peer's name is not resolved";
    if (!tunnel->route.usable)
        return "there is no route to the peer";
    return NULL;
}

static void begin(struct ike_engine *engine, struct ike_tunnel *tunnel, bool for_packet)
{
    struct ike_sa *sa;
    LIST_FOREACH(sa, &tunnel->sas, tunnel_link)
    {
        if (sa->state != IKE_SA_DELETING && !sa->replaced)
            return; /* there is an IKE SA, or one is being made */
    }
    if (connect_hindrance(engine, tunnel) == NULL && tunnel_begins(engine, tunnel, for_packet))
        ike_sa_init_start(engine, tunnel);
}

/*
 * When thousands of tunnels begin at once, each negotiation is to end soon after it began: if all made their
 * shares first, the first ones would wait for those of the last ones, and their peers would give them up.
 * Jobs of half-open SAs do not count, since anybody can have some made. Nor does a name that is looked up:
 * nothing is computed meanwhile, and it takes seconds where no name server answers.
 */
static bool is_busy(const struct ike_engine *engine)
{
    const struct ike_objects *objects = engine->objects;
    return objects->jobs.count >= objects->half_open_count + objects->look_ups + JOBS_MAX;
}

void connect_leave_queue(struct ike_engine *engine, struct ike_tunnel *tunnel)
{
    if (!tunnel->waits_to_begin)
        return;
    tunnel->waits_to_begin = false;
    TAILQ_REMOVE(&engine->objects->waiting_tunnels, tunnel, begin_link);
}

static bool begins_soon(const struct ike_tunnel *tunnel)
{
    return deadline_is_set(&tunnel->begin_soon.deadline);
}

void connect_tunnel(struct ike_engine *engine, struct ike_tunnel *tunnel)
{
    if (begins_soon(tunnel))
        return;
    if (!is_busy(engine)) {
        connect_leave_queue(engine, tunnel);
        begin(engine, tunnel, false);
    } else if (!tunnel->waits_to_begin) {
        tunnel->waits_to_begin = true;
        TAILQ_INSERT_TAIL(&engine->objects->waiting_tunnels, tunnel, begin_link);
    }
}

static void begin_soon_fire(struct ike_engine *engine, void *owner)
{
    struct ike_tunnel *tunnel = owner;
    if (tunnel->policy.connect_type == CONNECT_AUTO)
        connect_tunnel(engine, tunnel);
}

void connect_tunnel_soon(struct ike_engine *engine, struct ike_tunnel *tunnel)
{
    enum { PAUSE = 200 }; /* milliseconds: lines that are pasted into a config come faster */
    tunnel->begin_soon.fire = begin_soon_fire;
    tunnel->begin_soon.owner = tunnel;
    engine_set_timer(engine, &tunnel->begin_soon, PAUSE);
}

void connect_waiting(struct ike_engine *engine)
{
    struct ike_tunnel *tunnel;
    while ((tunnel = TAILQ_FIRST(&engine->objects->waiting_tunnels)) != NULL && !is_busy(engine)) {
        connect_leave_queue(engine, tunnel);
        if (tunnel->policy.connect_type == CONNECT_AUTO && !begins_soon(tunnel))
            begin(engine, tunnel, false);
    }
}

void connect_for_packet(struct ike_engine *engine, struct ike_tunnel *tunnel)
{
    if (!begins_soon(tunnel))
        begin(engine, tunnel, true);
}

static void auto_check_fire(struct ike_engine *engine, void *owner)
{
    struct ike_tunnel *tunnel = owner;
    engine_set_timer(engine, &tunnel->auto_check, AUTO_CHECK_INTERVAL);
    connect_tunnel(engine, tunnel);
}

void connect_update_checks(struct ike_engine *engine, struct ike_tunnel *tunnel)
{
    enum { SPREAD = 10 }; /* milliseconds between the first checks of two tunnels (S20) */
    bool wanted = tunnel->policy.connect_type == CONNECT_AUTO && tunnel->policy.complete && !engine->stopping;
    tunnel->auto_check.fire = auto_check_fire;
    tunnel->auto_check.owner = tunnel;
    if (!wanted)
        engine_cancel_timer(engine, &tunnel->auto_check);
    else if (!deadline_is_set(&tunnel->auto_check.deadline))
        engine_set_timer(engine, &tunnel->auto_check,
                         (tunnel->policy.tunnel * (msec_t)SPREAD) % AUTO_CHECK_INTERVAL);
}
