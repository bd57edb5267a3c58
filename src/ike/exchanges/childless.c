#include "ike/exchanges/childless.h"

#include "ike/exchanges/additional_child.h"
#include "ike/sa/rekey_schedule.h"

enum { CHILDLESS_PATIENCE = 30000, CHILDLESS_ASK_AFTER = 1000 }; /* milliseconds */

bool childless_has_child(const struct ike_sa *sa)
{
    const struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (!child->lingering)
            return true;
    }
    return false;
}

/* Asks for a Child SA, if this end may and the tunnel has none by another IKE SA. False if none will come. */
static bool ask(struct ike_sa *sa, bool for_packet)
{
    struct ike_tunnel *tunnel = sa->tunnel;
    if (tunnel->up || !rekey_is_allowed(tunnel) || !tunnel_begins(sa->engine, tunnel, for_packet))
        return false;
    damping_note_made(&tunnel->damping, sa->engine->now); /* so that it counts for auto too */
    return additional_children_begin_again(sa);
}

void childless_begin(struct ike_sa *sa, const char *reason)
{
    struct ike_engine *engine = sa->engine;
    const struct tunnel_policy *policy = &sa->tunnel->policy;
    if (engine->stopping || policy->shut_down) {
        ike_sa_delete(sa, reason);
        return;
    }
    tunnel_update_state(engine, sa->tunnel, reason);
    sa->childless_until = engine->now + CHILDLESS_PATIENCE;
    engine_set_timer(engine, &sa->childless,
                     policy->connect_type == CONNECT_AUTO ? CHILDLESS_ASK_AFTER : CHILDLESS_PATIENCE);
}

void childless_fire(struct ike_engine *engine, void *owner)
{
    struct ike_sa *sa = owner;
    if (sa->state != IKE_SA_ESTABLISHED || sa->replaced)
        return;
    if (childless_has_child(sa) || additional_children_come_with_packets(sa)) {
        sa->childless_until = 0;
        return;
    }
    if (engine->now >= sa->childless_until) {
        ike_sa_delete(sa, "Delete Child SA by peer");
        return;
    }
    engine_set_timer_at(engine, &sa->childless, sa->childless_until);
    (void)ask(sa, false);
}

bool childless_packet(struct ike_sa *sa)
{
    if (sa->childless_until == 0 || sa->state != IKE_SA_ESTABLISHED || childless_has_child(sa))
        return false;
    if (sa->own == NULL && !ask(sa, true))
        tunnel_negotiation_failed(sa->engine, sa->tunnel);
    return true;
}

void childless_inherit(struct ike_sa *old, struct ike_sa *successor)
{
    if (old->childless_until == 0)
        return;
    successor->childless_until = old->childless_until;
    old->childless_until = 0;
    engine_set_timer_at(successor->engine, &successor->childless, successor->childless_until);
    engine_cancel_timer(old->engine, &old->childless);
}
