/*
 * What only level debug of the event log has: each message with its payloads, and the keys of new SAs, so
 * that a capture can be read (R102, S18).
 */
#ifndef MUSUBI_IKE_SA_DEBUG_LOG_H
#define MUSUBI_IKE_SA_DEBUG_LOG_H

#include "ike/wire/message.h"

struct child_sa;
struct ike_sa;

/* Logs a message; `direction` is "sent" or "received". */
void ike_sa_log_message(struct ike_sa *sa, const char *direction, const struct ike_message *message);

/* Logs the keys that protect the messages of an IKE SA (RFC 7296 2.14). */
void key_log_ike_sa(const struct ike_sa *sa);

/* Logs the keys of a Child SA, in both directions. */
void key_log_child_sa(const struct child_sa *child);

#endif
