#include "daemon/keeper/tunnel_summary.h"

#include "daemon/ipc/clock.h"

/* The state, whether or not there is a negotiation. */
static enum summary_state state_of(const struct tunnel *tunnel)
{
    const struct tunnel_policy *policy = &tunnel->policy;
    if (tunnel->has_sa && tunnel->use == TUNNEL_CARRIES)
        return SUMMARY_UP;
    if (policy->shut_down)
        return SUMMARY_SHUTDOWN;
    if (!policy->complete || tunnel->stage != TUNNEL_THERE)
        return SUMMARY_INCOMPLETE;
    if (tunnel->route.found.problem != ROUTE_FOUND)
        return SUMMARY_NO_ROUTE;
    return tunnel->failure.text != NULL ? SUMMARY_FAILING : SUMMARY_IDLE;
}

void tunnel_summary_note(struct tunnel *tunnel, time_t now)
{
    enum summary_state state = state_of(tunnel);
    if (state == tunnel->summary && tunnel->summary_since != 0)
        return;
    tunnel->summary = state;
    tunnel->summary_since = now;
}

void tunnel_summary_fill(const struct tunnel *tunnel, const struct ike_record *sa, struct summary_row *row)
{
    row->state = state_of(tunnel);
    row->since = row->state == tunnel->summary ? tunnel->summary_since : 0;
    if (sa == NULL)
        return;
    row->peer = sa->remote;
    bool may_negotiate = row->state == SUMMARY_IDLE || row->state == SUMMARY_FAILING;
    if (!may_negotiate || sa->state == IKE_SA_ESTABLISHED)
        return;
    row->state = SUMMARY_NEGOTIATING;
    row->since = clock_wall_time(sa->created);
}
