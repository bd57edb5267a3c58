/*
 * The keys of new SAs in the event log, at level debug alone (R102, S18): with them a capture can be read.
 */
#ifndef MUSUBI_IKE_REASONS_KEY_LOG_H
#define MUSUBI_IKE_REASONS_KEY_LOG_H

#include "ike/sa/ike_sa.h"

/* Those that protect the messages of an IKE SA (RFC 7296 2.14). */
void key_log_ike_sa(const struct ike_sa *sa);

/* Those of a Child SA, in both directions. */
void key_log_child_sa(const struct child_sa *child);

#endif
