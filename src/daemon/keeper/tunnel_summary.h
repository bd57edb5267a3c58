/*
 * The state of a tunnel in `show ikev2 summary`, and since when it holds. The keeper notes each change when
 * it happens: a tunnel that was down for a while is up only since then, whatever age its SA has.
 */
#ifndef MUSUBI_DAEMON_KEEPER_TUNNEL_SUMMARY_H
#define MUSUBI_DAEMON_KEEPER_TUNNEL_SUMMARY_H

#include "daemon/keeper/tunnel_table.h"

/* To be called after each change of what the state depends on; `now` is wall time. */
void tunnel_summary_note(struct tunnel *tunnel, time_t now);

/*
 * Sets state and time of a row. `sa` is the SA that says most of the tunnel, NULL if there is none:
 * negotiations are not noted, but told by their records.
 */
void tunnel_summary_fill(const struct tunnel *tunnel, const struct ike_record *sa, struct summary_row *row);

#endif
