#include "ike/exchanges/own_address.h"

#include "ike/exchanges/connect.h"
#include "ike/sa/job.h"
#include "ike/sa/negotiation.h"

/* Milliseconds. */
enum {
    GRACE = 3000,                      /* an address that is back by then was never away */
    PATIENCE = 30000,                  /* of a tunnel that waits for its peer */
    LOST_MAX = REQUEST_PATIENCE * 1000 /* for an SA that was given up (R15) */
};

static bool is_away(const struct ike_sa *sa)
{
    return sa->address_gone || sa->source_moved;
}

/* True if only the peer can make a new IKE SA (R49, S23). */
static bool waits_for_peer(const struct ike_tunnel *tunnel)
{
    return tunnel->policy.peer_kind == PEER_ANY || tunnel->policy.direction == NEGOTIATE_RESPONDER;
}

/* ---- Giving up --------------------------------------------------------------------------------------- */

static void stop_timers(struct ike_sa *sa)
{
    struct ike_engine *engine = sa->engine;
    engine_cancel_timer(engine, &sa->rekey);
    engine_cancel_timer(engine, &sa->liveness);
    engine_cancel_timer(engine, &sa->childless);
    engine_cancel_timer(engine, &sa->additional.again);
    struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        engine_cancel_timer(engine, &child->rekey);
    }
}

/* From now on the IKE SA sends nothing and asks for nothing, and a new one may be made beside it. */
static void stop_using(struct ike_sa *sa)
{
    sa->address_lost = sa->replaced = true;
    ike_sa_drop_tasks(sa);
    if (sa->own != NULL) {
        ike_sa_forget_job(sa);
        sa->job = 0;
        engine_cancel_timer(sa->engine, &sa->job_lost);
        negotiation_end_own(sa);
    }
    stop_timers(sa);
    struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (child->installed)
            child_sa_stop(child);
    }
    engine_set_timer(sa->engine, &sa->own_address, LOST_MAX);
    ike_sa_changed(sa);
}

static void log_change(const struct ike_sa *sa)
{
    const struct ike_tunnel *tunnel = sa->tunnel;
    char old[IP_TEXT_SIZE];
    char new[IP_TEXT_SIZE];
    bool at_once = tunnel->policy.connect_type == CONNECT_AUTO || sa->state != IKE_SA_ESTABLISHED;
    ike_sa_log(sa, LOG_LEVEL_WARN, LOG_IKEV2, "own address %s %s: a new IKE SA is made from %s%s",
               ip_address_format(&sa->local.address, old),
               sa->address_gone ? "is gone" : "is not the source to the peer any more",
               ip_address_format(&tunnel->route.local, new),
               at_once ? "" : " as soon as a packet wants to go");
}

/* Starts the negotiation of an IKE SA in place of one with that state, which was given up. */
static void begin_anew(struct ike_engine *engine, struct ike_tunnel *tunnel, enum ike_sa_state state,
                       bool by_config)
{
    bool is_auto = tunnel->policy.connect_type == CONNECT_AUTO;
    if (is_auto && by_config)
        connect_tunnel_soon(engine, tunnel);
    else if (state != IKE_SA_ESTABLISHED)
        connect_for_packet(engine, tunnel);
    else if (is_auto)
        connect_tunnel(engine, tunnel);
}

/* Gives up an IKE SA whose address is away for one from the address that the route has now. */
static void give_up(struct ike_sa *sa, bool by_config)
{
    static const char reason[] = "own address changed";
    const enum ike_sa_state state = sa->state;
    log_change(sa);
    if (state == IKE_SA_ESTABLISHED)
        stop_using(sa);
    else
        sa->address_lost = sa->replaced = true; /* what waits for it waits for the new one */
    begin_anew(sa->engine, sa->tunnel, state, by_config);
    if (state != IKE_SA_ESTABLISHED)
        ike_sa_destroy(sa, reason);
}

static bool may_give_up(const struct ike_sa *sa)
{
    bool begun_here = sa->state == IKE_SA_ESTABLISHED || (sa->initiator && sa->state < IKE_SA_ESTABLISHED);
    return begun_here && connect_hindrance(sa->engine, sa->tunnel) == NULL &&
           !ip_address_equal(&sa->tunnel->route.local, &sa->local.address);
}

/* Only the peer can begin: an SA whose address stays away ends, so that the peer makes a new one. */
static void wait_for_peer(struct ike_sa *sa)
{
    char address[IP_TEXT_SIZE];
    msec_t away = sa->engine->now - sa->address_away;
    if (away < PATIENCE) {
        engine_set_timer(sa->engine, &sa->own_address, PATIENCE - away);
        return;
    }
    ike_sa_log(
        sa, LOG_LEVEL_WARN, LOG_IKEV2,
        "own address %s has been gone for %d seconds: its IKE SA ends, and the peer has to make a new one",
        ip_address_format(&sa->local.address, address), PATIENCE / 1000);
    sa->address_lost = sa->replaced = true;
    ike_sa_destroy(sa, "own address gone");
}

/* The address has been away for longer than a link flaps. Without a route the SA waits for one. */
static void end_or_wait(struct ike_sa *sa, bool by_config)
{
    if (may_give_up(sa))
        give_up(sa, by_config);
    else if (sa->address_gone && sa->state == IKE_SA_ESTABLISHED && waits_for_peer(sa->tunnel))
        wait_for_peer(sa);
}

void own_address_fire(struct ike_engine *engine, void *owner)
{
    struct ike_sa *sa = owner;
    (void)engine;
    if (sa->address_lost)
        ike_sa_destroy(sa, "own address changed");
    else if (is_away(sa))
        end_or_wait(sa, false);
}

/* ---- What has changed -------------------------------------------------------------------------------- */

/* The SA's address has come or gone, or the tunnel may begin an SA that it could not before. With `for_good`
 * the config has changed, and the address does not come back by itself. May destroy the SA. */
static void reconsider(struct ike_sa *sa, bool was_away, bool for_good)
{
    struct ike_engine *engine = sa->engine;
    if (sa->destroyed || sa->address_lost || sa->tunnel == NULL)
        return;
    if (!is_away(sa)) {
        engine_cancel_timer(engine, &sa->own_address);
        return;
    }
    if (!was_away) {
        sa->address_away = engine->now;
        engine_set_timer(engine, &sa->own_address, GRACE);
    }
    bool nothing_left = sa->state == IKE_SA_INITIATING && ike_sa_request_never_left(sa);
    if (nothing_left || for_good || engine->now - sa->address_away >= GRACE)
        end_or_wait(sa, for_good);
}

void own_address_changed(struct ike_engine *engine, const struct ip_address *address, bool is_here)
{
    struct ike_sa *next;
    for (struct ike_sa *sa = LIST_FIRST(&engine->objects->all_sas); sa != NULL; sa = next) {
        next = LIST_NEXT(sa, all_link);
        if (!ip_address_equal(&sa->local.address, address) || sa->address_gone == !is_here)
            continue;
        bool was_away = is_away(sa);
        sa->address_gone = !is_here;
        reconsider(sa, was_away, false);
    }
}

/* True if the SA took its source from the route that the tunnel had before. */
static bool was_by_route(const struct ike_sa *sa, const struct peer_route *before,
                         const struct peer_route *now)
{
    if (!before->usable) /* since the engine began: it goes on with what another one saved */
        return sa->begun_here && !sa->route_unknown && ip_address_equal(&sa->peer_address, &now->remote);
    return ip_address_equal(&sa->local.address, &before->local) &&
           ip_address_equal(&before->remote, &now->remote);
}

/* The same route by another link or mark, as of a PPPoE session that has its old address again. */
static void follow_link(struct ike_sa *sa, const struct peer_route *before, const struct peer_route *now)
{
    bool differs = now->ifindex != before->ifindex || now->mark != before->mark;
    if (!before->usable || !differs || sa->ifindex != before->ifindex || sa->mark != before->mark)
        return;
    sa->ifindex = now->ifindex;
    sa->mark = now->mark;
    ike_sa_changed(sa);
    const struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (child->installed)
            child_sa_redirect(child);
    }
}

/* True if the SA's packets took the pinned route that the tunnel had, and that is not there any more. */
static bool has_lost_pinned_route(const struct ike_sa *sa, const struct peer_route *before,
                                  const struct peer_route *now)
{
    return sa->mark != 0 && sa->mark == before->mark && sa->mark != now->mark;
}

/* A source that the config has changed holds from the next negotiation (R11), but the link at once (R44):
 * without its pinned route, the SA's packets get lost, or the routing table leads them elsewhere, even into
 * the tunnel itself. */
static void take_route(struct ike_sa *sa, const struct peer_route *before, const struct peer_route *now,
                       bool by_config)
{
    bool was_away = is_away(sa);
    bool same_source = now->local.family == IP_NONE || ip_address_equal(&now->local, &sa->local.address);
    bool config_took_route = by_config && has_lost_pinned_route(sa, before, now);
    if (same_source && sa->source_moved) {
        sa->source_moved = false;
        ike_sa_changed(sa);
    } else if (!same_source && (!by_config || config_took_route) && !sa->source_moved &&
               was_by_route(sa, before, now)) {
        sa->source_moved = true;
        ike_sa_changed(sa);
    }
    if (same_source && ip_address_equal(&before->remote, &now->remote))
        follow_link(sa, before, now);
    reconsider(sa, was_away, config_took_route && sa->source_moved);
    if (!sa->destroyed && same_source && sa->request_out && sa->send_error != 0)
        ike_sa_resume_request(sa); /* it could not leave before */
}

void own_address_take_route(struct ike_tunnel *tunnel)
{
    const struct peer_route before = tunnel->usable_route;
    const struct peer_route now = tunnel->route;
    bool by_config = before.usable && !tunnel->policy_is_routed;
    if (!now.usable)
        return;
    tunnel->policy_is_routed = true;
    tunnel->usable_route = now;
    struct ike_sa *next;
    for (struct ike_sa *sa = LIST_FIRST(&tunnel->sas); sa != NULL; sa = next) {
        next = LIST_NEXT(sa, tunnel_link);
        take_route(sa, &before, &now, by_config);
    }
}

void own_address_peer_known(struct ike_tunnel *tunnel)
{
    struct ike_sa *next;
    for (struct ike_sa *sa = LIST_FIRST(&tunnel->sas); sa != NULL; sa = next) {
        next = LIST_NEXT(sa, tunnel_link);
        reconsider(sa, is_away(sa), false);
    }
}

/* ---- The life of an SA ------------------------------------------------------------------------------- */

void own_address_replaced(struct ike_sa *sa)
{
    struct ike_sa *next;
    for (struct ike_sa *other = LIST_FIRST(&sa->tunnel->sas); other != NULL; other = next) {
        next = LIST_NEXT(other, tunnel_link);
        if (other != sa && other->address_lost && ike_sa_is_with_same_peer(other, sa))
            ike_sa_destroy(other, "own address changed");
    }
}

void own_address_inherit(const struct ike_sa *old, struct ike_sa *successor)
{
    successor->address_gone = old->address_gone;
    successor->source_moved = old->source_moved;
    successor->address_away = old->address_away;
    if (is_away(successor))
        engine_set_timer(successor->engine, &successor->own_address, GRACE);
}

void own_address_resume(struct ike_sa *sa)
{
    if (sa->address_lost)
        engine_set_timer(sa->engine, &sa->own_address, LOST_MAX);
    else if (is_away(sa))
        reconsider(sa, false, false);
}
