#include "ike/sa/tunnel.h"

#include "ike/exchanges/additional_child.h"
#include "ike/exchanges/ike_sa_init.h"
#include "ike/exchanges/initial_contact.h"

#include <stdlib.h>
#include <string.h>

enum { AUTO_CHECK_INTERVAL = 10000 }; /* milliseconds (R43) */

struct ike_tunnel *engine_tunnel(const struct ike_engine *engine, uint32_t number)
{
    return map_find(&engine->objects->tunnels, number);
}

void tunnel_log(struct ike_engine *engine, const struct ike_tunnel *tunnel, enum log_level level,
                enum log_function function, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    engine_log_of_tunnel(engine, level, function, tunnel != NULL ? &tunnel->policy.tunnel : NULL, format,
                         arguments);
    va_end(arguments);
}

static void auto_check_fire(struct ike_engine *engine, void *owner)
{
    struct ike_tunnel *tunnel = owner;
    engine_set_timer(engine, &tunnel->auto_check, AUTO_CHECK_INTERVAL);
    tunnel_connect(engine, tunnel);
}

/* Starts or stops the checks of `connect-type auto`. The first ones of many tunnels are spread (S20). */
static void update_auto_check(struct ike_engine *engine, struct ike_tunnel *tunnel)
{
    enum { SPREAD = 10 };
    bool wanted = tunnel->policy.connect_type == CONNECT_AUTO && tunnel->policy.complete && !engine->stopping;
    if (!wanted)
        engine_cancel_timer(engine, &tunnel->auto_check);
    else if (!deadline_is_set(&tunnel->auto_check.deadline))
        engine_set_timer(engine, &tunnel->auto_check,
                         (tunnel->policy.tunnel * (msec_t)SPREAD) % AUTO_CHECK_INTERVAL);
}

static struct ike_tunnel *tunnel_new(struct ike_engine *engine, uint32_t number)
{
    struct ike_tunnel *tunnel = calloc(1, sizeof *tunnel);
    if (tunnel == NULL || !map_put(&engine->objects->tunnels, number, tunnel)) {
        free(tunnel);
        return NULL;
    }
    tunnel->auto_check = (struct ike_timer){.fire = auto_check_fire, .owner = tunnel};
    LIST_INSERT_HEAD(&engine->objects->tunnel_list, tunnel, link);
    return tunnel;
}

/* The IKE SA that a packet which waits is to get its Child SA of; NULL if there is none, nor one coming. */
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

void tunnel_set_policy(struct ike_engine *engine, const struct tunnel_policy *policy)
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
    tunnel->policy_is_newer = !is_new;
    tunnel->policy = *policy;
    update_auto_check(engine, tunnel);
    struct ike_sa *sa = opened ? current_sa(tunnel) : NULL;
    if (sa != NULL)
        additional_children_check(sa);
}

void tunnel_clear(struct ike_tunnel *tunnel, const char *reason)
{
    struct ike_sa *next;
    for (struct ike_sa *sa = LIST_FIRST(&tunnel->sas); sa != NULL; sa = next) {
        next = LIST_NEXT(sa, tunnel_link);
        ike_sa_delete(sa, reason);
    }
}

void tunnel_free(struct ike_engine *engine, struct ike_tunnel *tunnel)
{
    struct ike_sa *sa;
    while ((sa = LIST_FIRST(&tunnel->sas)) != NULL)
        ike_sa_destroy(sa, "tunnel removed");
    engine_cancel_timer(engine, &tunnel->auto_check);
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
    /* The DELETEs go out, but nobody is left to wait for their answers. */
    tunnel_clear(tunnel, "tunnel removed");
    tunnel_free(engine, tunnel);
}

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

void tunnel_set_route(struct ike_engine *engine, uint32_t number, const struct peer_route *way)
{
    struct ike_tunnel *tunnel = engine_tunnel(engine, number);
    if (tunnel == NULL)
        return;
    bool came = way->usable && !tunnel->route.usable;
    tunnel->route = *way;
    if (way->usable)
        give_route(tunnel);
    if (came && tunnel->policy.connect_type == CONNECT_AUTO)
        tunnel_connect(engine, tunnel);
}

bool tunnel_peer_has(const struct ike_tunnel *tunnel, const struct ip_address *address)
{
    for (size_t i = 0; i < tunnel->peer_address_count; i++) {
        if (ip_address_equal(&tunnel->peer_addresses[i], address))
            return true;
    }
    return false;
}

/*
 * Ends the SAs with addresses that the peer's name does not have (R41). DELETE goes out in case that the peer
 * is still there, but nobody waits for the answer: new SAs are to be made. What a change of the config does
 * to the addresses deletes no SA (R11).
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
    if (tunnel->policy.connect_type == CONNECT_AUTO)
        tunnel_connect(engine, tunnel);
}

/* Why the tunnel may not start a negotiation now; NULL if it may. */
static const char *why_not_connect(const struct ike_engine *engine, const struct ike_tunnel *tunnel)
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
        return "there is no way to the peer";
    return NULL;
}

void tunnel_connect(struct ike_engine *engine, struct ike_tunnel *tunnel)
{
    struct ike_sa *sa;
    LIST_FOREACH(sa, &tunnel->sas, tunnel_link)
    {
        if (sa->state != IKE_SA_DELETING && !sa->replaced)
            return; /* there is one, or one is being made */
    }
    if (why_not_connect(engine, tunnel) == NULL)
        ike_sa_init_start(engine, tunnel);
}

void tunnel_packet_waits(struct ike_engine *engine, uint32_t number, const struct packet_flow *flow)
{
    struct ike_tunnel *tunnel = engine_tunnel(engine, number);
    if (tunnel == NULL || engine->now < tunnel->deaf_until)
        return; /* for packets that have come since, the path asks again */
    const char *reason = why_not_connect(engine, tunnel);
    if (reason == NULL)
        tunnel_connect(engine, tunnel);
    struct ike_sa *sa = current_sa(tunnel);
    if (sa != NULL) {
        additional_children_packet(sa, flow);
        return;
    }
    tunnel_log(engine, tunnel, LOG_LEVEL_INFO, LOG_IKEV2, "a packet waits, but no SA can be made: %s",
               reason != NULL ? reason : "out of memory");
    tunnel_negotiation_failed(engine, tunnel);
}

void tunnel_packets_fail(struct ike_engine *engine, const struct ike_tunnel *tunnel,
                         const struct packet_pair *pair)
{
    struct ike_action action = {.kind = IKE_ACTION_TUNNEL_FAILED};
    action.failed.tunnel = tunnel->policy.tunnel;
    action.failed.pair = *pair;
    effects_add_action(&engine->effects, &action);
}

void tunnel_negotiation_failed(struct ike_engine *engine, struct ike_tunnel *tunnel)
{
    enum { FAILURE_ON_ITS_WAY = 500 }; /* milliseconds, much for a busy machine */
    tunnel->deaf_until = engine->now + FAILURE_ON_ITS_WAY;
    tunnel_packets_fail(engine, tunnel, &packet_pair_any);
}

bool tunnel_has_room(const struct ike_tunnel *tunnel, const struct ike_sa *newcomer)
{
    size_t count = 0;
    const struct ike_sa *sa;
    LIST_FOREACH(sa, &tunnel->sas, tunnel_link)
    {
        if (newcomer != NULL && initial_contact_takes_away(newcomer, sa))
            continue;
        const struct child_sa *child;
        LIST_FOREACH(child, &sa->children, link)
        {
            count += child_sa_is_current(child);
        }
    }
    return count < CHILDREN_MAX;
}

/* An SA that packets leave by, or an IKE SA that makes one for each packet that wants it. */
static bool tunnel_has_sa(const struct ike_tunnel *tunnel)
{
    const struct ike_sa *sa;
    LIST_FOREACH(sa, &tunnel->sas, tunnel_link)
    {
        if (additional_children_come_with_packets(sa) && !sa->replaced)
            return true;
        const struct child_sa *child;
        LIST_FOREACH(child, &sa->children, link)
        {
            if (child->installed && !child->lingering)
                return true;
        }
    }
    return false;
}

void tunnel_update_state(struct ike_engine *engine, struct ike_tunnel *tunnel, const char *reason)
{
    if (tunnel_has_sa(tunnel) != tunnel->up)
        tunnel_tell_state(engine, tunnel, reason);
}

void tunnel_tell_state(struct ike_engine *engine, struct ike_tunnel *tunnel, const char *reason)
{
    bool up = tunnel_has_sa(tunnel);
    tunnel->up = up;
    struct octets text =
        effects_copy(&engine->effects, (struct octets){(const uint8_t *)reason, strlen(reason) + 1});
    struct ike_action action = {.kind = up ? IKE_ACTION_TUNNEL_UP : IKE_ACTION_TUNNEL_DOWN};
    action.state.tunnel = tunnel->policy.tunnel;
    action.state.reason = text.at != NULL ? (const char *)text.at : "";
    effects_add_action(&engine->effects, &action);
}
