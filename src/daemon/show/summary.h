/*
 * `show ikev2 summary`: a line a tunnel, and the total.
 */
#ifndef MUSUBI_DAEMON_SHOW_SUMMARY_H
#define MUSUBI_DAEMON_SHOW_SUMMARY_H

#include <time.h>

#include "config/policy.h"
#include "daemon/ipc/text.h"

enum summary_state {
    SUMMARY_UP,          /* it has an SA */
    SUMMARY_NEGOTIATING, /* it has none yet */
    SUMMARY_FAILING,     /* the last negotiation failed */
    SUMMARY_IDLE,        /* nothing has failed: it waits for a packet or for the peer */
    SUMMARY_NO_ROUTE,    /* to the peer */
    SUMMARY_INCOMPLETE,  /* its config is, or Linux has no device for it */
    SUMMARY_SHUTDOWN,
    SUMMARY_STATE_COUNT
};

struct summary_row {
    const struct tunnel_policy *policy;
    enum summary_state state;
    time_t since;            /* of the state; 0: not known */
    struct ip_endpoint peer; /* of its SA; IP_NONE: it has none */
    uint64_t packets_out, packets_in;
};

/* What has been printed so far. Zeroed at first. */
struct summary {
    size_t count[SUMMARY_STATE_COUNT];
    uint64_t packets_out, packets_in;
};

/* Append the heading; a tunnel; the total of all tunnels. */
void show_summary_heading(struct text *out);
void show_summary_row(struct summary *summary, const struct summary_row *row, struct text *out);
void show_summary_total(const struct summary *summary, struct text *out);

#endif
