#include "ike/reasons/duplicate_id.h"

#include "config/setting_lines.h"
#include "ike/sa/ike_sa.h"
#include "ike/wire/identity.h"

#include <stdio.h>

enum {
    TURNS = 3,                 /* before it is told: a router may fall back to another line and return once */
    TURN_WITHIN = 3600 * 1000, /* milliseconds; turns that are further apart do not count */
    TEXT_SIZE = IDENTITY_TEXT_SIZE + 2 * IP_TEXT_SIZE + 320,
};

/* The newest other IKE SA with the same peer's ID; NULL if there is none. */
static const struct ike_sa *newest_other(const struct ike_sa *sa)
{
    const struct ike_sa *newest = NULL;
    const struct ike_sa *other;
    LIST_FOREACH(other, &sa->tunnel->sas, tunnel_link)
    {
        if (other != sa && other->state == IKE_SA_ESTABLISHED && !other->replaced &&
            ike_sa_is_with_same_peer(other, sa) &&
            (newest == NULL || other->established_event > newest->established_event))
            newest = other;
    }
    return newest;
}

/* Tells of the peer of `sa` and of its two addresses, which are named in the same order each time. */
static void warn(const struct ike_sa *sa, const struct ip_endpoint *from, const struct ip_endpoint *to,
                 const char *does, const char *why)
{
    struct ike_tunnel *tunnel = sa->tunnel;
    const struct identity peer = identity_kept(&sa->remote_id);
    struct setting_lines lines = {0};
    bool is_ordered = ip_address_compare(&from->address, &to->address) < 0;
    char id[IDENTITY_TEXT_SIZE];
    char one[IP_TEXT_SIZE];
    char other[IP_TEXT_SIZE];
    char lines_text[SETTING_LINES_TEXT_SIZE];
    char text[TEXT_SIZE];
    char again[REPEATED_TEXT_SIZE];
    uint32_t more;
    setting_lines_add(&lines, &tunnel->policy, SETTING_BIT(SETTING_PEER));
    (void)snprintf(text, sizeof text, "%s %s from %s and from %s%s; %s", identity_format(&peer, id), does,
                   ip_endpoint_format(is_ordered ? from : to, one),
                   ip_endpoint_format(is_ordered ? to : from, other), why,
                   setting_lines_format(&lines, lines_text));
    if (repeated_failure_is_told(&tunnel->duplicate_id, 1, text, sa->engine->now, &more))
        ike_sa_log(sa, LOG_LEVEL_WARN, LOG_IKEV2, "%s%s", text, repeated_failure_text(more, again));
}

void duplicate_id_note(const struct ike_sa *sa)
{
    const struct ike_sa *old = newest_other(sa);
    struct take_over *last = &sa->tunnel->take_over;
    msec_t now = sa->engine->now;
    if (sa->initiator || old == NULL || ip_endpoint_equal(&old->remote, &sa->remote))
        return;
    bool is_back = ip_endpoint_equal(&last->from, &sa->remote) &&
                   ip_endpoint_equal(&last->to, &old->remote) && now - last->at <= TURN_WITHIN;
    unsigned turns = is_back ? last->turns + 1 : 1;
    *last = (struct take_over){.from = old->remote, .to = sa->remote, .at = now, .turns = turns};
    if (turns >= TURNS)
        warn(sa, &last->from, &last->to, "comes",
             " in turn, and each negotiation ends the tunnel of the other one: is the ID used by two "
             "routers? If it is one router, its address changes again and again");
}

void duplicate_id_note_answer(const struct ike_sa *sa)
{
    const struct ike_sa *newer = newest_other(sa);
    if (newer == NULL || newer->established_event < sa->established_event || sa->replaced ||
        ip_address_equal(&newer->remote.address, &sa->remote.address))
        return;
    warn(sa, &sa->remote, &newer->remote, "has IKE SAs",
         ", and answers by the older one too: is the ID used by two routers? Packets go to the one that came "
         "last");
}
