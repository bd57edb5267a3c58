/*
 * Prints Child SAs, statistics and history as `show ikev2 child-sa` does, in the layout of the manual's list
 * 2.25.18 (R101, S33).
 */
#ifndef MUSUBI_DAEMON_SHOW_CHILD_SA_H
#define MUSUBI_DAEMON_SHOW_CHILD_SA_H

#include "config/policy.h"
#include "daemon/state/history.h"
#include "ike/sa/record.h"
#include "path/path.h"

/* Appends the Child SAs of one IKE SA, if it has any that are installed. The arguments are as in ike_sa.h.
 */
void show_child_sas(const struct ike_record *sa, const struct tunnel_policy *policy, msec_t now,
                    struct text *out);

/* Appends a tunnel's statistics and history, which it has with or without an SA. */
void show_child_statistics(const struct path_totals *totals, const struct history *history, struct text *out);

#endif
