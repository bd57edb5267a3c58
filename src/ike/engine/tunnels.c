#include "ike/engine/tunnels.h"

#include "ike/exchanges/additional_child.h"
#include "ike/exchanges/childless.h"
#include "ike/exchanges/connect.h"
#include "ike/exchanges/own_address.h"
#include "ike/exchanges/rekey_child.h"
#include "ike/exchanges/rekey_ike_sa.h"
#include "ike/reasons/narrowing.h"
#include "ike/sa/ike_sa.h"

#include <stdlib.h>
#include <string.h>

/* ---- Life -------------------------------------------------------------------------------------------- */

static struct ike_tunnel *tunnel_new(struct ike_engine *engine, uint32_t number)
{
    struct ike_tunnel *tunnel = calloc(1, sizeof *tunnel);
    if (tunnel == NULL || !map_put(&engine->objects->tunnels, number, tunnel)) {
        free(tunnel);
        return NULL;
    }
    tunnel->membership.order = ++engine->objects->groups.next_order;
    LIST_INSERT_HEAD(&engine->objects->tunnel_list, tunnel, link);
    return tunnel;
}

/* A peer that does not answer the DELETEs is not to get packets by the old SAs meanwhile. */
static void end_children(const struct ike_tunnel *tunnel)
{
    struct ike_sa *sa;
    LIST_FOREACH(sa, &tunnel->sas, tunnel_link)
    {
        struct child_sa *child;
        while ((child = LIST_FIRST(&sa->children)) != NULL)
            child_sa_destroy(child);
    }
}

void tunnel_clear(struct ike_engine *engine, struct ike_tunnel *tunnel, const char *reason)
{
    struct ike_sa *next;
    for (struct ike_sa *sa = LIST_FIRST(&tunnel->sas); sa != NULL; sa = next) {
        next = LIST_NEXT(sa, tunnel_link);
        ike_sa_delete(sa, reason);
    }
    end_children(tunnel);
    tunnel_update_state(engine, tunnel, reason);
}

void tunnel_free(struct ike_engine *engine, struct ike_tunnel *tunnel)
{
    struct ike_sa *sa;
    while ((sa = LIST_FIRST(&tunnel->sas)) != NULL)
        ike_sa_destroy(sa, "tunnel removed");
    engine_cancel_timer(engine, &tunnel->auto_check);
    engine_cancel_timer(engine, &tunnel->begin_soon);
    connect_leave_queue(engine, tunnel);
    tunnel_groups_leave(&engine->objects->groups, tunnel);
    (void)map_remove(&engine->objects->tunnels, tunnel->policy.tunnel);
    LIST_REMOVE(tunnel, link);
    free(tunnel->peer_addresses);
    free(tunnel);
}

void tunnel_remove(struct ike_engine *engine, uint32_t number)
{
    struct ike_tunnel *tunnel = engine_tunnel(engine, number);
    if (tunnel == NULL)
        return;
    /* The DELETEs are sent, but their answers are not awaited. */
    tunnel_clear(engine, tunnel, "tunnel removed");
    tunnel_free(engine, tunnel);
}

/*
 * The IKE SA that is to make a Child SA for a waiting packet, or that is being made; NULL if there is none.
 */
static struct ike_sa *current_sa(const struct ike_tunnel *tunnel)
{
    struct ike_sa *coming = NULL;
    struct ike_sa *sa;
    LIST_FOREACH(sa, &tunnel->sas, tunnel_link)
    {
        if (sa->state == IKE_SA_DELETING || sa->replaced)
            continue;
        if (sa->state == IKE_SA_ESTABLISHED)
            return sa;
        coming = sa;
    }
    return coming;
}

/* The policy or the route has changed, by which the tunnel's peers are told from others. */
static void update_group(struct ike_engine *engine, struct ike_tunnel *tunnel)
{
    if (!tunnel_groups_update(&engine->objects->groups, tunnel))
        tunnel_log(engine, tunnel, LOG_LEVEL_ERROR, LOG_IKEV2,
                   "out of memory: no negotiation of the peer's is answered");
}

/* What the peer has refused it may grant under the new policy (S44). */
static void ask_again(struct ike_tunnel *tunnel)
{
    struct ike_sa *sa;
    damping_reset(&tunnel->damping);
    memset(tunnel->failures, 0, sizeof tunnel->failures);
    memset(tunnel->refused_peers, 0, sizeof tunnel->refused_peers);
    memset(tunnel->narrowings, 0, sizeof tunnel->narrowings);
    tunnel->take_over = (struct take_over){0};
    tunnel->duplicate_id = (struct told_failure){0};
    memset(tunnel->one_way, 0, sizeof tunnel->one_way);
    tunnel->overlooked_nat_told = false;
    LIST_FOREACH(sa, &tunnel->sas, tunnel_link)
    {
        rekey_ike_sa_ask_again(sa);
        rekey_child_ask_again(sa);
        additional_children_ask_again(sa);
    }
}

void tunnel_set_policy(struct ike_engine *engine, const struct tunnel_policy *policy, uint32_t slot)
{
    struct ike_tunnel *tunnel = engine_tunnel(engine, policy->tunnel);
    bool is_new = tunnel == NULL;
    if (is_new)
        tunnel = tunnel_new(engine, policy->tunnel);
    if (tunnel == NULL) {
        engine_log(engine, LOG_LEVEL_ERROR, LOG_IKEV2, "out of memory: %s is left out", policy->name);
        return;
    }
    bool opened = tunnel->policy.shut_down && !policy->shut_down;
    tunnel->policy_is_routed = false;
    tunnel->policy_is_newer = !is_new;
    tunnel->policy = *policy;
    tunnel->slot = slot;
    update_group(engine, tunnel);
    unanswered_senders_forget(&engine->objects->unknown_senders);
    connect_update_checks(engine, tunnel);
    ask_again(tunnel);
    struct ike_sa *sa = opened ? current_sa(tunnel) : NULL;
    if (sa != NULL)
        additional_children_check(sa);
}

/* ---- The peer ---------------------------------------------------------------------------------------- */

/* IKE SAs that were saved on another machine take the route of this one. */
static void give_route(struct ike_tunnel *tunnel)
{
    struct ike_sa *sa;
    LIST_FOREACH(sa, &tunnel->sas, tunnel_link)
    {
        if (!sa->route_unknown)
            continue;
        sa->route_unknown = false;
        sa->ifindex = tunnel->route.ifindex;
        sa->mark = tunnel->route.mark;
        ike_sa_changed(sa);
        const struct child_sa *child;
        LIST_FOREACH(child, &sa->children, link)
        {
            child_sa_redirect(child);
        }
    }
}

void tunnel_set_route(struct ike_engine *engine, uint32_t number, const struct peer_route *route)
{
    struct ike_tunnel *tunnel = engine_tunnel(engine, number);
    if (tunnel == NULL)
        return;
    bool came = route->usable && !tunnel->route.usable;
    tunnel->route = *route;
    if (route->usable)
        give_route(tunnel);
    update_group(engine, tunnel);
    own_address_take_route(tunnel);
    if (came && tunnel->policy.connect_type == CONNECT_AUTO)
        connect_tunnel(engine, tunnel);
}

/*
 * Ends the SAs with addresses that the peer's name does not have (R41). DELETE is sent in case the peer is
 * still there, but its answer is not awaited, so that new SAs can be made at once. A change of the config
 * deletes no SA, whatever the addresses are after it (R11).
 */
static void leave_old_addresses(struct ike_tunnel *tunnel)
{
    static const char reason[] = "peer address changed";
    struct ike_sa *next;
    for (struct ike_sa *sa = LIST_FIRST(&tunnel->sas); sa != NULL; sa = next) {
        next = LIST_NEXT(sa, tunnel_link);
        if (sa->peer_address.family == IP_NONE || tunnel_peer_has(tunnel, &sa->peer_address))
            continue;
        if (tunnel->policy_is_newer) {
            sa->peer_address = (struct ip_address){.family = IP_NONE};
            ike_sa_changed(sa);
            continue;
        }
        ike_sa_delete(sa, reason);
        ike_sa_destroy(sa, reason);
    }
    tunnel->policy_is_newer = false;
}

void tunnel_set_peer_addresses(struct ike_engine *engine, uint32_t number, const struct ip_address *addresses,
                               size_t count)
{
    struct ike_tunnel *tunnel = engine_tunnel(engine, number);
    if (tunnel == NULL)
        return;
    struct ip_address *copy = calloc(count + 1, sizeof *copy);
    if (copy == NULL) {
        tunnel_log(engine, tunnel, LOG_LEVEL_ERROR, LOG_IKEV2,
                   "out of memory: the addresses of the peer's name are not taken in");
        return;
    }
    if (count > 0)
        memcpy(copy, addresses, count * sizeof *copy);
    free(tunnel->peer_addresses);
    tunnel->peer_addresses = copy;
    tunnel->peer_address_count = count;
    if (count == 0)
        return;
    leave_old_addresses(tunnel);
    own_address_peer_known(tunnel);
    if (tunnel->policy.connect_type == CONNECT_AUTO)
        connect_tunnel(engine, tunnel);
}

/* ---- Packets ----------------------------------------------------------------------------------------- */

void tunnel_packet_waits(struct ike_engine *engine, uint32_t number, const struct packet_flow *flow)
{
    struct ike_tunnel *tunnel = engine_tunnel(engine, number);
    if (tunnel == NULL || engine->now < tunnel->ignores_packets_until)
        return; /* the path asks again for packets that have come since */
    const char *reason = connect_hindrance(engine, tunnel);
    if (reason == NULL)
        connect_for_packet(engine, tunnel);
    struct ike_sa *sa = current_sa(tunnel);
    if (sa != NULL) {
        if (!childless_packet(sa))
            additional_children_packet(sa, flow);
        return;
    }
    tunnel_log(engine, tunnel, LOG_LEVEL_INFO, LOG_IKEV2, "a packet waits, but no SA can be made: %s",
               reason != NULL ? reason : "the tunnel holds back after the last ones");
    tunnel_negotiation_failed(engine, tunnel);
}

void tunnel_packet_outside(struct ike_engine *engine, uint32_t number, const struct packet_flow *flow)
{
    const struct ike_tunnel *tunnel = engine_tunnel(engine, number);
    const struct ike_sa *sa = tunnel != NULL ? current_sa(tunnel) : NULL;
    if (sa != NULL)
        narrowing_warn_outside(sa, flow);
}
