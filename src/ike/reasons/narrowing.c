#include "ike/reasons/narrowing.h"

#include "base/map.h"
#include "base/short_text.h"
#include "ike/reasons/failure.h"
#include "ike/sa/ike_sa.h"

enum { FLOW_TEXT_SIZE = 160 };

static bool is_narrower(const struct child_request *asked, const struct child_sa *made)
{
    const struct child_selectors granted = child_sa_selectors(made);
    uint8_t families = child_sa_families(made);
    const struct selector_list local = selectors_of_families(&asked->local_ts, families);
    const struct selector_list remote = selectors_of_families(&asked->remote_ts, families);
    struct traffic_selector pair[2];
    for (unsigned i = 0; selectors_next_pair(&local, &remote, &i, pair);) {
        if (!selectors_hold_pair(&granted.local, &granted.remote, pair))
            return true;
    }
    return false;
}

/* Remembers the last few grants: several Child SAs of a tunnel are rekeyed in turn. */
static bool is_new(struct ike_tunnel *tunnel, uint64_t grant)
{
    for (unsigned i = 0; i < NARROWINGS_MAX; i++) {
        if (tunnel->narrowings[i] == grant)
            return false;
    }
    tunnel->narrowings[tunnel->next_narrowing] = grant;
    tunnel->next_narrowing = (tunnel->next_narrowing + 1) % NARROWINGS_MAX;
    return true;
}

void narrowing_warn(const struct ike_sa *sa, const struct child_request *asked, const struct child_sa *made)
{
    char local[SELECTORS_TEXT_SIZE];
    char remote[SELECTORS_TEXT_SIZE];
    char granted_local[SELECTORS_TEXT_SIZE];
    char granted_remote[SELECTORS_TEXT_SIZE];
    char text[SETTING_LINES_TEXT_SIZE];
    struct setting_lines lines = {0};
    const struct child_selectors granted = child_sa_selectors(made);
    if (!is_narrower(asked, made))
        return;
    (void)selectors_format(&granted.local, granted_local);
    (void)selectors_format(&granted.remote, granted_remote);
    if (!is_new(sa->tunnel, hash_text(hash_text(HASH_START, granted_local), granted_remote)))
        return;
    setting_lines_add(&lines, &sa->tunnel->policy, SELECTOR_SETTINGS);
    ike_sa_log(
        sa, LOG_LEVEL_WARN, LOG_IKEV2,
        "the peer narrowed the traffic selectors: asked for local-ts %s, remote-ts %s, granted local %s, "
        "remote %s; local-ts and remote-ts: %s",
        selectors_format(&asked->local_ts, local), selectors_format(&asked->remote_ts, remote), granted_local,
        granted_remote, setting_lines_format(&lines, text));
}

/* What the peer asked for, in all current Child SAs. */
static void collect_selectors(const struct ike_sa *sa, struct selector_list *local,
                              struct selector_list *remote)
{
    const struct child_sa *child;
    LIST_FOREACH(child, &sa->children, link)
    {
        if (!child_sa_is_current(child))
            continue;
        const struct child_selectors ts = child_sa_selectors(child);
        *local = selectors_joined(local, &ts.local);
        *remote = selectors_joined(remote, &ts.remote);
    }
}

/* The order does not matter, since it changes with each rekey of one of several Child SAs. */
static uint64_t hash_of(const struct selector_list *list)
{
    uint64_t hash = 0;
    for (uint8_t i = 0; i < list->count; i++) {
        const struct selector_list one = {.count = 1, .ts = {list->ts[i]}};
        char text[SELECTORS_TEXT_SIZE];
        hash += hash_text(HASH_START, selectors_format(&one, text));
    }
    return hash;
}

static const char *flow_format(const struct packet_flow *flow, char out[FLOW_TEXT_SIZE])
{
    char source[IP_TEXT_SIZE];
    char destination[IP_TEXT_SIZE];
    struct short_text text = short_text_in(out, FLOW_TEXT_SIZE);
    short_text_add(&text, "%s to %s, protocol %u", ip_address_format(&flow->source, source),
                   ip_address_format(&flow->destination, destination), flow->protocol);
    if (flow->ports == FLOW_PORTS_BOTH)
        short_text_add(&text, ", ports %u and %u", flow->source_port, flow->destination_port);
    else if (flow->ports == FLOW_PORTS_TYPE)
        short_text_add(&text, ", type %u, code %u", flow->source_port >> 8, flow->source_port & 0xff);
    return out;
}

/* The config of this end leaves the packet out, whatever the peer asks for or grants: told once. */
static void warn_of_own_selectors(const struct ike_sa *sa, const struct packet_flow *flow)
{
    char packets[FLOW_TEXT_SIZE];
    char text[SETTING_LINES_TEXT_SIZE];
    struct setting_lines lines = {0};
    if (!is_new(sa->tunnel, hash_text(HASH_START, "own")))
        return;
    setting_lines_add(&lines, &sa->tunnel->policy, SELECTOR_SETTINGS);
    ike_sa_log(sa, LOG_LEVEL_WARN, LOG_IKEV2,
               "packets from %s are outside of local-ts and remote-ts of this end: they are dropped; "
               "local-ts and remote-ts: %s",
               flow_format(flow, packets), setting_lines_format(&lines, text));
}

/* The Child SAs have the selectors that the peer asked for, and these leave the packet out. */
static void warn_of_asked_selectors(const struct ike_sa *sa, const struct packet_flow *flow)
{
    struct selector_list local = {0};
    struct selector_list remote = {0};
    char asked_local[SELECTORS_TEXT_SIZE];
    char asked_remote[SELECTORS_TEXT_SIZE];
    char packets[FLOW_TEXT_SIZE];
    char text[SETTING_LINES_TEXT_SIZE];
    struct setting_lines lines = {0};
    collect_selectors(sa, &local, &remote);
    if (local.count == 0 || !is_new(sa->tunnel, hash_of(&local) ^ ~hash_of(&remote)))
        return;
    (void)selectors_format(&local, asked_local);
    (void)selectors_format(&remote, asked_remote);
    setting_lines_add(&lines, &sa->tunnel->policy, SELECTOR_SETTINGS);
    ike_sa_log(sa, LOG_LEVEL_WARN, LOG_IKEV2,
               "no Child SA for packets from %s (the peer asked for local %s, remote %s): they are dropped; "
               "local-ts and remote-ts: %s",
               flow_format(flow, packets), asked_local, asked_remote, setting_lines_format(&lines, text));
}

void narrowing_warn_outside(const struct ike_sa *sa, const struct packet_flow *flow)
{
    const struct child_request all = additional_children_proposed(sa);
    if (additional_children_hold(sa, flow))
        return;
    if (!selectors_hold(&all.local_ts, &all.remote_ts, flow))
        warn_of_own_selectors(sa, flow);
    else if (!sa->additional.ours)
        warn_of_asked_selectors(sa, flow);
}
