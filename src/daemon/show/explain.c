#include "daemon/show/explain.h"

#include <inttypes.h>

#include "config/setting_lines.h"
#include "daemon/ipc/clock.h"
#include "daemon/show/ike_sa.h"
#include "daemon/show/tunnel_packets.h"

/* What is to be said of a step. */
enum step_state {
    STEP_OK,
    STEP_DOUBT, /* it is done, and yet something is odd */
    STEP_IDLE,  /* nothing has begun it */
    STEP_NOW,   /* it is under way */
    STEP_FAILS,
    STEP_WAITS, /* for an earlier one */
};

static const char *const state_words[] = {
    [STEP_OK] = "ok",   [STEP_DOUBT] = "doubt", [STEP_IDLE] = "idle",
    [STEP_NOW] = "now", [STEP_FAILS] = "FAILS", [STEP_WAITS] = "waits",
};

/* Looks at a step, and appends what is known of it. */
typedef enum step_state explain_one(const struct explained_tunnel *tunnel, struct text *out);

static void print_since(time_t since, struct text *out)
{
    char at[LOCAL_TIME_SIZE];
    if (since != 0)
        text_print(out, ", since %s", local_time_format(since, at));
}

static void print_lines(const struct tunnel_policy *policy, setting_set settings, struct text *out)
{
    struct setting_lines lines = {0};
    char text[SETTING_LINES_TEXT_SIZE];
    setting_lines_add(&lines, policy, settings);
    if (lines.count > 0 || lines.typed)
        text_print(out, "; %s", setting_lines_format(&lines, text));
}

static void print_old_settings(const struct explained_tunnel *tunnel, enum old_settings_part part,
                               struct text *out)
{
    show_old_settings(part, tunnel->sa, tunnel->policy, &tunnel->old_keys, "; ", "", out);
}

/* ---- Before IKE -------------------------------------------------------------------------------------- */

static enum step_state explain_config(const struct explained_tunnel *tunnel, struct text *out)
{
    text_print(out, "complete");
    print_since(tunnel->configured, out);
    return STEP_OK;
}

static enum step_state explain_device(const struct explained_tunnel *tunnel, struct text *out)
{
    text_print(out, "%s is there", tunnel->policy->name);
    return STEP_OK;
}

static enum step_state explain_link(const struct explained_tunnel *tunnel, struct text *out)
{
    if (tunnel->link != NULL)
        text_print(out, "%s is up", tunnel->link);
    else
        text_print(out, "the route decides");
    return STEP_OK;
}

static enum step_state explain_address(const struct explained_tunnel *tunnel, struct text *out)
{
    char address[IP_TEXT_SIZE];
    const struct ip_address *source = &tunnel->source;
    if (tunnel->sa != NULL && tunnel->sa->local.address.family != IP_NONE)
        source = &tunnel->sa->local.address;
    if (source->family == IP_NONE) {
        text_print(out, "the peer decides");
        return STEP_OK;
    }
    text_print(out, "%s", ip_address_format(source, address));
    print_lines(tunnel->policy, SETTING_BIT(SETTING_SOURCE_ADDRESS), out);
    if (tunnel->sa == NULL || !tunnel->sa->address_lost)
        return STEP_OK;
    text_print(out, ", which this host has no more: the SA is given up");
    return STEP_DOUBT;
}

static enum step_state explain_name(const struct explained_tunnel *tunnel, struct text *out)
{
    const struct tunnel_policy *policy = tunnel->policy;
    char address[IP_TEXT_SIZE];
    switch (policy->peer_kind) {
    case PEER_ADDRESS:
        text_print(out, "none: the peer is %s", ip_address_format(&policy->peer_address, address));
        break;
    case PEER_ANY:
        text_print(out, "none: the peer may have any address");
        break;
    case PEER_FQDN:
        text_print(out, "%s is %s", policy->peer_fqdn,
                   tunnel->peer.family != IP_NONE ? ip_address_format(&tunnel->peer, address) : "resolved");
        break;
    }
    print_lines(policy, SETTING_BIT(SETTING_PEER), out);
    return STEP_OK;
}

static bool is_established(const struct ike_record *sa)
{
    return sa != NULL && sa->state == IKE_SA_ESTABLISHED;
}

static enum step_state explain_route(const struct explained_tunnel *tunnel, struct text *out)
{
    char address[IP_TEXT_SIZE];
    if (tunnel->policy->peer_kind == PEER_ANY && tunnel->policy->outgoing == OUTGOING_ROUTED) {
        text_print(out, "back to where the peer comes from");
        return STEP_OK;
    }
    if (tunnel->link != NULL)
        text_print(out, "by %s", tunnel->link);
    else
        text_print(out, "found");
    if (tunnel->next_hop.family != IP_NONE)
        text_print(out, " to %s", ip_address_format(&tunnel->next_hop, address));
    print_since(tunnel->routed, out);
    print_lines(tunnel->policy, SETTING_BIT(SETTING_OUTGOING_INTERFACE), out);
    if (tunnel->dead_next_hop == NULL)
        return STEP_OK;
    text_print(out, ": %s", tunnel->dead_next_hop);
    return is_established(tunnel->sa) ? STEP_DOUBT : STEP_FAILS;
}

/* ---- IKE --------------------------------------------------------------------------------------------- */

static time_t wall_time(const struct explained_tunnel *tunnel, msec_t at)
{
    return at == 0 || at > tunnel->now ? 0 : clock_wall_time_of(at, tunnel->now, tunnel->wall);
}

static void print_last_end(const struct explained_tunnel *tunnel, struct text *out)
{
    const struct history_event *last = history_last(tunnel->history);
    char at[LOCAL_TIME_SIZE];
    if (last != NULL)
        text_print(out, "; last event: %s %s", local_time_format(last->at, at), last->text);
}

static enum step_state explain_failure(const struct explained_tunnel *tunnel, struct text *out)
{
    const struct explained_failure *failure = &tunnel->failure;
    char at[LOCAL_TIME_SIZE];
    if (failure->count > 1)
        text_print(out, "%zu times since %s, ", failure->count, local_time_format(failure->since, at));
    text_print(out, "at %s: %s", local_time_format(failure->at, at), failure->text);
    return STEP_FAILS;
}

/* No SA, and no negotiation that has failed: who is to begin? */
static enum step_state explain_beginning(const struct explained_tunnel *tunnel, struct text *out)
{
    const struct tunnel_policy *policy = tunnel->policy;
    if (policy->peer_kind == PEER_ANY) {
        text_print(out, "the peer has to begin, since `ikev2 peer` is any");
        print_lines(policy, SETTING_BIT(SETTING_PEER), out);
    } else if (policy->direction == NEGOTIATE_RESPONDER) {
        text_print(out, "the peer has to begin, since `ikev2 negotiation-direction` is responder");
        print_lines(policy, SETTING_BIT(SETTING_DIRECTION), out);
    } else if (policy->connect_type == CONNECT_AUTO) {
        text_print(out, "begins soon, since `ikev2 connect-type` is auto");
        print_lines(policy, SETTING_BIT(SETTING_CONNECT_TYPE), out);
    } else {
        text_print(out, "begins with the first packet into %s", policy->name);
        print_lines(policy, SETTING_BIT(SETTING_CONNECT_TYPE), out);
    }
    print_last_end(tunnel, out);
    return STEP_IDLE;
}

static void print_under_way(const struct explained_tunnel *tunnel, const char *waits_for, struct text *out)
{
    const struct ike_record *sa = tunnel->sa;
    char text[IP_TEXT_SIZE];
    char at[LOCAL_TIME_SIZE];
    text_print(out, "%s %s", waits_for, ip_endpoint_format(&sa->remote, text));
    print_since(wall_time(tunnel, sa->created), out);
    if (tunnel->failure.step != IKE_STEP_NONE)
        text_print(out, "; the negotiation before, %s: %s", local_time_format(tunnel->failure.at, at),
                   tunnel->failure.text);
}

static void print_suite(const struct ike_suite *suite, struct text *out)
{
    text_print(out, "%s", suite->encryption->name);
    if (suite->integrity != NULL)
        text_print(out, ", %s", suite->integrity->name);
    if (suite->prf != NULL)
        text_print(out, ", %s", suite->prf->name);
    if (suite->dh != NULL)
        text_print(out, ", %s", suite->dh->name);
}

static enum step_state explain_sa_init(const struct explained_tunnel *tunnel, struct text *out)
{
    const struct ike_record *sa = tunnel->sa;
    char text[IP_TEXT_SIZE];
    if (sa == NULL && tunnel->failure.step > IKE_STEP_SA_INIT) {
        text_print(out, "was answered");
        return STEP_OK;
    }
    if (sa == NULL && tunnel->failure.step == IKE_STEP_SA_INIT)
        return explain_failure(tunnel, out);
    if (sa == NULL)
        return explain_beginning(tunnel, out);
    if (sa->suite.encryption == NULL) {
        print_under_way(tunnel, sa->initiator ? "waits for the answer of" : "is being answered to", out);
        return STEP_NOW;
    }
    text_print(out, "%s with %s, as %s", is_established(sa) ? "done" : "answered",
               ip_endpoint_format(&sa->remote, text), sa->initiator ? "initiator" : "responder");
    print_since(wall_time(tunnel, sa->created), out);
    text_print(out, ": ");
    print_suite(&sa->suite, out);
    print_old_settings(tunnel, OLD_OF_IKE_SA, out);
    return STEP_OK;
}

static const char *auth_words(enum auth_kind kind)
{
    return kind == AUTH_KIND_PSK ? "pre-shared key" : "certificate";
}

static enum step_state explain_auth(const struct explained_tunnel *tunnel, struct text *out)
{
    const struct ike_record *sa = tunnel->sa;
    const struct tunnel_policy *policy = tunnel->policy;
    if (sa == NULL && tunnel->failure.step > IKE_STEP_AUTH) {
        text_print(out, "was done");
        return STEP_OK;
    }
    if (sa == NULL)
        return explain_failure(tunnel, out);
    if (!is_established(sa)) {
        print_under_way(tunnel, sa->initiator ? "waits for the answer of" : "waits for the request of", out);
        return STEP_NOW;
    }
    text_print(out, "done: this end is ");
    show_identity(&sa->local_id, out);
    text_print(out, " by %s, the peer ", auth_words(policy->local_auth));
    show_identity(&sa->remote_id, out);
    text_print(out, " by %s", auth_words(policy->remote_auth));
    print_lines(policy, SETTING_BIT(SETTING_LOCAL_AUTHENTICATION) | SETTING_BIT(SETTING_PEER), out);
    print_old_settings(tunnel, OLD_OF_AUTH, out);
    return STEP_OK;
}

/* ---- The Child SA ------------------------------------------------------------------------------------ */

static enum step_state explain_child(const struct explained_tunnel *tunnel, struct text *out)
{
    const struct ike_child_record *child = tunnel->sa != NULL ? show_live_child(tunnel->sa) : NULL;
    if (child == NULL && tunnel->failure.step == IKE_STEP_CHILD_SA)
        return explain_failure(tunnel, out);
    if (child == NULL) {
        text_print(out, "the IKE SA has none");
        print_last_end(tunnel, out);
        return STEP_IDLE;
    }
    text_print(out, "SPI 0x%08" PRIx32 " in, 0x%08" PRIx32 " out", child->inbound.spi, child->outbound.spi);
    print_since(wall_time(tunnel, child->created), out);
    if (child->suite.encryption != NULL) {
        text_print(out, ": ");
        print_suite(&child->suite, out);
    }
    if (tunnel->sa->encapsulate)
        text_print(out, ", in UDP");
    print_old_settings(tunnel, OLD_OF_CHILD_SA, out);
    return STEP_OK;
}

/* True if the peer has asked for the selectors, which hold then (R71), and the config has others. */
static bool are_selectors_foreign(const struct explained_tunnel *tunnel, const struct ike_child_record *child)
{
    const struct tunnel_policy *policy = tunnel->policy;
    const struct selector_list local = selectors_of_policy(policy->local_ts, policy->local_ts_count);
    const struct selector_list remote = selectors_of_policy(policy->remote_ts, policy->remote_ts_count);
    return !tunnel->sa->first_child_is_ours &&
           (!selectors_within(&child->local_ts, &local) || !selectors_within(&child->remote_ts, &remote));
}

static enum step_state explain_selectors(const struct explained_tunnel *tunnel, struct text *out)
{
    const struct ike_child_record *child = show_live_child(tunnel->sa);
    const uint64_t *drops = tunnel->totals->drops;
    char local[SELECTORS_TEXT_SIZE];
    char remote[SELECTORS_TEXT_SIZE];
    text_print(out, "here %s, there %s", selectors_format(&child->local_ts, local),
               selectors_format(&child->remote_ts, remote));
    bool are_foreign = are_selectors_foreign(tunnel, child);
    if (are_foreign)
        text_print(out, ", which the peer has asked for, and which are not within those configured here");
    print_lines(tunnel->policy, SETTING_BIT(SETTING_LOCAL_TS) | SETTING_BIT(SETTING_REMOTE_TS), out);
    print_old_settings(tunnel, OLD_OF_SELECTORS, out);
    bool has_dropped = drops[DROP_OUT_SELECTORS] > 0 || drops[DROP_IN_SELECTORS] > 0;
    if (has_dropped)
        text_print(out, "; %" PRIu64 " packets out and %" PRIu64 " in were outside of them",
                   drops[DROP_OUT_SELECTORS], drops[DROP_IN_SELECTORS]);
    return are_foreign || has_dropped ? STEP_DOUBT : STEP_OK;
}

/* ---- Packets ----------------------------------------------------------------------------------------- */

/* Appends the drops of a direction; false if there are none. */
static bool print_drops(const struct path_totals *totals, size_t from, size_t to, struct text *out)
{
    bool any = false;
    for (size_t i = from; i < to; i++) {
        if (totals->drops[i] == 0)
            continue;
        text_print(out, "%s%" PRIu64 " %s", any ? ", " : "; dropped: ", totals->drops[i],
                   show_drop_words((enum path_drop)i));
        any = true;
    }
    return any;
}

/* Nobody tells whether the peer gets them: a hint. */
static void print_fragmented(const struct explained_tunnel *tunnel, struct text *out)
{
    uint64_t count = tunnel->totals->fragmented;
    if (count == 0)
        return;
    text_print(
        out,
        "; %" PRIu64 " left in fragments: if large transfers hang, fragments may be dropped on the way: "
        "set `ip tcp adjust-mss auto`%s in %s",
        count, tunnel->policy->pre_fragment ? "" : " and `ikev2 ipsec pre-fragment`", tunnel->policy->name);
}

static enum step_state explain_out(const struct explained_tunnel *tunnel, struct text *out)
{
    const uint64_t *n = tunnel->totals->counters;
    text_print(out, "%" PRIu64 " packets, %" PRIu64 " octets", n[ESP_OUT_PACKETS], n[ESP_OUT_OCTETS]);
    bool dropped = print_drops(tunnel->totals, 0, DROP_INVALID_SA, out);
    if (tunnel->routes != NULL)
        text_print(out, "; routed into it: %s", tunnel->routes);
    else
        text_print(out, "; no route of the config leads into it");
    print_fragmented(tunnel, out);
    if (n[ESP_OUT_PACKETS] > 0)
        return STEP_OK;
    return dropped ? STEP_DOUBT : STEP_IDLE;
}

static enum step_state explain_in(const struct explained_tunnel *tunnel, struct text *out)
{
    const uint64_t *n = tunnel->totals->counters;
    char at[LOCAL_TIME_SIZE];
    text_print(out, "%" PRIu64 " packets, %" PRIu64 " octets", n[ESP_IN_PACKETS], n[ESP_IN_OCTETS]);
    bool by_others = tunnel->heard == 0 && n[ESP_IN_PACKETS] > 0 && is_established(tunnel->sa);
    if (tunnel->heard != 0)
        text_print(out, ", the last one at %s", local_time_format(wall_time(tunnel, tunnel->heard), at));
    if (by_others)
        text_print(out, ", all of them before this Child SA");
    bool dropped = print_drops(tunnel->totals, DROP_INVALID_SA, DROP_COUNT, out);
    if (tunnel->napt)
        text_print(out, "; `ip napt enable` then drops those that no host here has asked for: `show ip napt` "
                        "counts them");
    if (tunnel->silent != 0) {
        text_print(
            out,
            "; packets have left since %s, and none has come since: perhaps ESP is dropped on the way, "
            "there or back, or the peer has no route into its tunnel for the answers; if the packets are "
            "not meant to be answered, all is well",
            local_time_format(wall_time(tunnel, tunnel->silent), at));
        return STEP_DOUBT;
    }
    if (n[ESP_IN_PACKETS] > 0 && !by_others)
        return STEP_OK;
    return dropped ? STEP_DOUBT : STEP_IDLE;
}

/* ---- All steps --------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    explain_one *explain;
} steps[EXPLAIN_STEP_COUNT] = {
    [EXPLAIN_CONFIG] = {"Config", explain_config},
    [EXPLAIN_DEVICE] = {"Device", explain_device},
    [EXPLAIN_LINK] = {"Link", explain_link},
    [EXPLAIN_ADDRESS] = {"Address", explain_address},
    [EXPLAIN_NAME] = {"Name", explain_name},
    [EXPLAIN_ROUTE] = {"Route", explain_route},
    [EXPLAIN_SA_INIT] = {"IKE_SA_INIT", explain_sa_init},
    [EXPLAIN_AUTH] = {"IKE_AUTH", explain_auth},
    [EXPLAIN_CHILD_SA] = {"Child SA", explain_child},
    [EXPLAIN_SELECTORS] = {"Selectors", explain_selectors},
    [EXPLAIN_OUT] = {"Packets out", explain_out},
    [EXPLAIN_IN] = {"Packets in", explain_in},
};

static enum step_state explain_step(const struct explained_tunnel *tunnel, size_t step, struct text *out)
{
    const struct explained_problem *problem = &tunnel->problem;
    char at[LOCAL_TIME_SIZE];
    if (problem->step != step)
        return steps[step].explain(tunnel, out);
    if (problem->since != 0)
        text_print(out, "since %s: ", local_time_format(problem->since, at));
    text_print(out, "%s", problem->text);
    return STEP_FAILS;
}

/* Whether the steps behind it can't be looked at. What a tunnel carries is known without a step before. */
static bool ends(enum step_state state, size_t step)
{
    return step < EXPLAIN_OUT && (state == STEP_IDLE || state == STEP_NOW || state == STEP_FAILS);
}

/* The first line, by the first step that is not as it should be. */
static void print_heading(const char *tunnel, enum step_state state, size_t step, struct text *out)
{
    static const char *const words[] = {
        [STEP_OK] = "carries packets",   [STEP_DOUBT] = "is up, with a doubt: ", [STEP_IDLE] = "is idle: ",
        [STEP_NOW] = "is negotiating: ", [STEP_FAILS] = "is stopped at: ",       [STEP_WAITS] = "",
    };
    bool is_up = state == STEP_IDLE && step >= EXPLAIN_OUT;
    text_print(out, "%s %s%s\n", tunnel, is_up ? "is up, and idle: " : words[state],
               state == STEP_OK ? "" : steps[step].name);
}

void show_explanation(const struct explained_tunnel *tunnel, struct text *out)
{
    struct text rows = {0};
    enum step_state first = STEP_OK;
    size_t at = 0;
    size_t last = EXPLAIN_STEP_COUNT;
    for (size_t i = 0; i < EXPLAIN_STEP_COUNT; i++) {
        struct text said = {0};
        enum step_state state = STEP_WAITS;
        if (i <= last)
            state = explain_step(tunnel, i, &said);
        else
            text_print(&said, "for %s", steps[last].name);
        if (first == STEP_OK && state != STEP_OK) {
            first = state;
            at = i;
        }
        if (i < last && ends(state, i))
            last = i;
        text_print(&rows, "%s %-6s %-12s %s\n", i == at && first != STEP_OK ? ">" : " ", state_words[state],
                   steps[i].name, text_get(&said));
        text_free(&said);
    }
    print_heading(tunnel->policy->name, first, at, out);
    text_append(out, text_get(&rows), rows.length);
    out->failed |= rows.failed;
    text_free(&rows);
}
