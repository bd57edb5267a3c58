/*
 * Prints one IKE SA as `show ikev2 sa` does, in the layout of the manual's list 2.25.17 (R100, S33).
 */
#ifndef MUSUBI_DAEMON_SHOW_IKE_SA_H
#define MUSUBI_DAEMON_SHOW_IKE_SA_H

#include "config/policy.h"
#include "daemon/ipc/text.h"
#include "ike/sa/record.h"

/*
 * Appends the SA's lines, without the `Interface` line before them. `policy` is that of its tunnel; `now` is
 * milliseconds of CLOCK_BOOTTIME.
 */
void show_ike_sa(const struct ike_record *sa, const struct tunnel_policy *policy, msec_t now,
                 struct text *out);

/* ---- What the shows have in common ------------------------------------------------------------------ */

/* Appends an ID as type and value: "KEY-ID site1". What cannot be printed is shown as hexadecimal digits. */
void show_identity(const struct identity *id, struct text *out);

/* True if the Child SA is to be shown: it does more than wait for late packets. */
bool show_child_is_live(const struct ike_child_record *child);

/* The newest such Child SA of an IKE SA; NULL if there is none. */
const struct ike_child_record *show_live_child(const struct ike_record *sa);

/* Seconds until `expires`; 0 if that is past. */
uint64_t show_seconds_left(msec_t expires, msec_t now);

#endif
