/*
 * What must hold after every event of a world, whatever the weather. The first thing that does not is kept as
 * the world's fault.
 */
#ifndef MUSUBI_SIM_INVARIANTS_H
#define MUSUBI_SIM_INVARIANTS_H

#include "world_inside.h"

/* Notes the first fault of a run. */
void invariant_broken(struct gateway *g, const char *what);

/* After an event, before its actions: what is committed is all that the engine would need to go on. */
void invariants_check_records(struct gateway *g);

/*
 * A message leaves: under one message ID, and under one IV of one key, no other octets than before (RFC 7296
 * 2.1, RFC 5282 4.1), and no request before the one before it was answered (RFC 7296 2.3).
 */
void invariants_check_message(struct gateway *g, struct octets message);

/* A message arrives. */
void invariants_note_arrival(struct gateway *g, struct octets message);

/* A Child SA is installed: with fresh keys, and with those that the peer has for the same SPIs. */
void invariants_check_child(struct gateway *g, const struct ike_child_install *install);

/* An engine that was stopped and is idle has given everything back. */
void invariants_check_end(struct gateway *g);

#endif
