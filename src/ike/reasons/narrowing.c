#include "ike/reasons/narrowing.h"

#include "base/map.h"
#include "ike/reasons/failure.h"
#include "ike/sa/ike_sa.h"

static bool is_narrower(const struct child_request *asked, const struct child_sa *made)
{
    uint8_t families = selectors_families(&made->local_ts, &made->remote_ts);
    const struct selector_list local = selectors_of_families(&asked->local_ts, families);
    const struct selector_list remote = selectors_of_families(&asked->remote_ts, families);
    struct traffic_selector pair[2];
    for (unsigned i = 0; selectors_next_pair(&local, &remote, &i, pair);) {
        if (!selectors_hold_pair(&made->local_ts, &made->remote_ts, pair))
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
    if (!is_narrower(asked, made))
        return;
    (void)selectors_format(&made->local_ts, granted_local);
    (void)selectors_format(&made->remote_ts, granted_remote);
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
