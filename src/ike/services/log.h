/*
 * Lines of the event log. A line that is about a tunnel is made by tunnel_log (sa/tunnel.h) or ike_sa_log
 * (sa/ike_sa.h).
 */
#ifndef MUSUBI_IKE_SERVICES_LOG_H
#define MUSUBI_IKE_SERVICES_LOG_H

#include "ike/services/engine.h"

#include <stdarg.h>

/* True if lines of this level are wanted: to save the work of making them. */
bool engine_logs(const struct ike_engine *engine, enum log_level level);

/* Adds a line that is about no tunnel. Costs nothing if the level is not wanted. */
__attribute__((format(printf, 4, 5))) void engine_log(struct ike_engine *engine, enum log_level level,
                                                      enum log_function function, const char *format, ...);

/* Adds a line about the tunnel with number `*tunnel`; NULL: about none. */
__attribute__((format(printf, 5, 0))) void
engine_log_of_tunnel(struct ike_engine *engine, enum log_level level, enum log_function function,
                     const uint32_t *tunnel, const char *format, va_list arguments);

/*
 * Adds a line that the negotiation of an IKE SA has failed: also if the level is not wanted, since the keeper
 * notes each failure; `tunnel` as above.
 */
__attribute__((format(printf, 5, 6))) void engine_log_failure(struct ike_engine *engine, enum log_level level,
                                                              enum ike_step step, const uint32_t *tunnel,
                                                              const char *format, ...);

/*
 * Notes that a negotiation of the peer that may have been meant for this tunnel has failed, so that the shows
 * tell of it there; the log has a line of its own.
 */
__attribute__((format(printf, 4, 5))) void engine_note_failure(struct ike_engine *engine, enum ike_step step,
                                                               uint32_t tunnel, const char *format, ...);

#endif
