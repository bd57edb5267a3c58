#include "daemon/show/summary.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/state/history.h"

static const char *const words[SUMMARY_STATE_COUNT] = {
    [SUMMARY_UP] = "up",
    [SUMMARY_NEGOTIATING] = "negotiating",
    [SUMMARY_FAILING] = "failing",
    [SUMMARY_IDLE] = "idle",
    [SUMMARY_NO_ROUTE] = "no route",
    [SUMMARY_INCOMPLETE] = "incomplete",
    [SUMMARY_SHUTDOWN] = "shutdown",
};

void show_summary_heading(struct text *out)
{
    text_print(out, "%-16s %-11s %-19s %12s %12s  %s\n", "Interface", "State", "Since", "Packets out",
               "Packets in", "Peer");
}

/* The peer as the config has it. */
static const char *configured_peer(const struct tunnel_policy *policy, char address[IP_TEXT_SIZE])
{
    switch (policy->peer_kind) {
    case PEER_ADDRESS:
        break;
    case PEER_ANY:
        return "any";
    case PEER_FQDN:
        return policy->peer_fqdn;
    }
    return policy->peer_address.family != IP_NONE ? ip_address_format(&policy->peer_address, address) : "-";
}

void show_summary_row(struct summary *summary, const struct summary_row *row, struct text *out)
{
    char at[LOCAL_TIME_SIZE];
    char address[IP_TEXT_SIZE];
    const char *peer = row->peer.address.family != IP_NONE ? ip_endpoint_format(&row->peer, address)
                                                           : configured_peer(row->policy, address);
    text_print(out, "%-16s %-11s %-19s %12" PRIu64 " %12" PRIu64 "  %s\n", row->policy->name,
               words[row->state], row->since != 0 ? local_time_format(row->since, at) : "-", row->packets_out,
               row->packets_in, peer);
    summary->count[row->state]++;
    summary->packets_out += row->packets_out;
    summary->packets_in += row->packets_in;
}

void show_summary_total(const struct summary *summary, struct text *out)
{
    size_t total = 0;
    for (size_t i = 0; i < SUMMARY_STATE_COUNT; i++)
        total += summary->count[i];
    text_print(out, "Total : %zu", total);
    for (size_t i = 0; i < SUMMARY_STATE_COUNT; i++) {
        if (i == SUMMARY_UP || summary->count[i] > 0)
            text_print(out, ", %zu %s", summary->count[i], words[i]);
    }
    text_print(out, "; %" PRIu64 " packets out, %" PRIu64 " in\n", summary->packets_out, summary->packets_in);
}
