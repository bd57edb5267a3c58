#include "ike/sa/tunnel.h"

#include "ike/sa/ike_sa.h"

#include <string.h>

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

bool tunnel_peer_has(const struct ike_tunnel *tunnel, const struct ip_address *address)
{
    for (size_t i = 0; i < tunnel->peer_address_count; i++) {
        if (ip_address_equal(&tunnel->peer_addresses[i], address))
            return true;
    }
    return false;
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
    enum { FAILURE_ON_ITS_WAY = 500 }; /* milliseconds, plenty even for a busy machine */
    tunnel->ignores_packets_until = engine->now + FAILURE_ON_ITS_WAY;
    tunnel_packets_fail(engine, tunnel, &packet_pair_any);
}

bool tunnel_begins(struct ike_engine *engine, struct ike_tunnel *tunnel, bool for_packet)
{
    struct damping *d = &tunnel->damping;
    if (damping_allows(d, engine->now, for_packet)) {
        damping_note_begun(d, engine->now);
        return true;
    }
    if (damping_tells(d))
        tunnel_log(engine, tunnel, LOG_LEVEL_WARN, LOG_IKEV2,
                   "its negotiations end too soon: it begins at most %d in %d seconds and %d in %d seconds",
                   DAMPING_SHORT_MAX, DAMPING_SHORT / 1000, DAMPING_LONG_MAX, DAMPING_LONG / 1000);
    return false;
}

bool tunnel_has_room(const struct ike_tunnel *tunnel, const struct ike_sa *newcomer)
{
    size_t count = 0;
    const struct ike_sa *sa;
    LIST_FOREACH(sa, &tunnel->sas, tunnel_link)
    {
        if (newcomer != NULL && ike_sa_supersedes(newcomer, sa))
            continue;
        const struct child_sa *child;
        LIST_FOREACH(child, &sa->children, link)
        {
            count += child_sa_is_current(child);
        }
    }
    return count < CHILDREN_MAX;
}

/*
 * True if there is a Child SA for packets, or an IKE SA that gets one for each packet that needs it. A tunnel
 * that leaves the config is down only when its SAs are deleted: till then it is kept for the DELETEs (S4).
 */
static bool tunnel_has_sa(const struct ike_tunnel *tunnel)
{
    const struct ike_sa *sa;
    LIST_FOREACH(sa, &tunnel->sas, tunnel_link)
    {
        bool is_deleting = sa->state == IKE_SA_DELETING;
        if (is_deleting && tunnel->up && !tunnel->policy.defined)
            return true;
        if (additional_children_come_with_packets(sa) && !sa->replaced && !is_deleting)
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

struct told_failure *tunnel_failures(struct ike_tunnel *tunnel, msec_t now)
{
    if (now >= tunnel->settled) {
        memset(tunnel->failures, 0, sizeof tunnel->failures);
        tunnel->settled = MSEC_NEVER;
    }
    return tunnel->failures;
}

void tunnel_update_state(struct ike_engine *engine, struct ike_tunnel *tunnel, const char *reason)
{
    if (tunnel_has_sa(tunnel) != tunnel->up)
        tunnel_tell_state(engine, tunnel, reason);
}

void tunnel_tell_state(struct ike_engine *engine, struct ike_tunnel *tunnel, const char *reason)
{
    bool up = tunnel_has_sa(tunnel);
    (void)tunnel_failures(tunnel, engine->now);
    if (up != tunnel->up)
        tunnel->settled = up ? engine->now + TUNNEL_SETTLED : MSEC_NEVER;
    tunnel->up = up;
    struct octets text =
        effects_copy(&engine->effects, (struct octets){(const uint8_t *)reason, strlen(reason) + 1});
    struct ike_action action = {.kind = up ? IKE_ACTION_TUNNEL_UP : IKE_ACTION_TUNNEL_DOWN};
    action.state.tunnel = tunnel->policy.tunnel;
    action.state.reason = text.at != NULL ? (const char *)text.at : "";
    effects_add_action(&engine->effects, &action);
}
