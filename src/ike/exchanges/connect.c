#include "ike/exchanges/connect.h"

#include "ike/exchanges/ike_sa_init_initiator.h"

enum { AUTO_CHECK_INTERVAL = 10000 }; /* milliseconds (R43) */

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

void connect_tunnel(struct ike_engine *engine, struct ike_tunnel *tunnel)
{
    begin(engine, tunnel, false);
}

void connect_for_packet(struct ike_engine *engine, struct ike_tunnel *tunnel)
{
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
