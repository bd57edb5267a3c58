#include "ike/reasons/one_way.h"

#include "config/setting_lines.h"
#include "ike/sa/ike_sa.h"

#include <stdio.h>

enum {
    REPORTS = 15,                /* of 20 s and more each, before it is told: 5 minutes */
    ANSWERED_WITHIN = 60 * 1000, /* milliseconds since the last message of IKE, for the peer to be alive */
    TEXT_SIZE = 2 * SELECTORS_TEXT_SIZE + IP_TEXT_SIZE + 512,
};

/* True if the peer is there: no request waits for its answer, and there was a message lately. */
static bool answers_ike(const struct ike_sa *sa)
{
    return sa->state == IKE_SA_ESTABLISHED && !sa->replaced && STAILQ_EMPTY(&sa->tasks) &&
           sa->engine->now - sa->last_message <= ANSWERED_WITHIN;
}

static void warn(const struct child_sa *child)
{
    const struct ike_sa *sa = child->ike_sa;
    struct ike_tunnel *tunnel = sa->tunnel;
    struct setting_lines lines = {0};
    char local[SELECTORS_TEXT_SIZE];
    char remote[SELECTORS_TEXT_SIZE];
    char peer[IP_TEXT_SIZE];
    char lines_text[SETTING_LINES_TEXT_SIZE];
    char text[TEXT_SIZE];
    uint32_t more;
    const struct child_selectors ts = child_sa_selectors(child);
    setting_lines_add(&lines, &tunnel->policy, SETTING_BIT(SETTING_PEER));
    (void)snprintf(
        text, sizeof text,
        "packets from %s to %s have left by the Child SA for 5 minutes or more, and none has ever "
        "come back, though %s answers IKE. Perhaps a filter on the way drops %s, or the peer has no "
        "route into its tunnel for the answers, or drops the packets itself; if they are not meant "
        "to be answered, all is well; %s",
        selectors_format(&ts.local, local), selectors_format(&ts.remote, remote),
        ip_endpoint_format(&sa->remote, peer),
        sa->encapsulate ? "ESP in UDP (port 4500)" : "ESP (IP protocol 50)",
        setting_lines_format(&lines, lines_text));
    if (repeated_failure_is_told(tunnel->one_way, TUNNEL_FAILURES_MAX, text, sa->engine->now, &more))
        ike_sa_log(sa, LOG_LEVEL_WARN, LOG_IPSEC, "%s", text);
}

void one_way_note(struct child_sa *child, bool never_heard)
{
    if (!never_heard)
        child->one_way = REPORTS; /* ESP comes through: it is not told any more */
    if (child->one_way >= REPORTS)
        return;
    bool is_last = child->one_way + 1 == REPORTS;
    if (is_last && !answers_ike(child->ike_sa))
        return;
    child->one_way++;
    if (is_last)
        warn(child);
}
