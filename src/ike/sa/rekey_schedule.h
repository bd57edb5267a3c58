/*
 * When rekeys start (R60, S24, R49, R63).
 */
#ifndef MUSUBI_IKE_SA_REKEY_SCHEDULE_H
#define MUSUBI_IKE_SA_REKEY_SCHEDULE_H

#include "ike/sa/tunnel.h"

/* Milliseconds before the end of a lifetime at which a rekey starts (R60). */
enum { REKEY_MARGIN_IKE_SA = 30000, REKEY_MARGIN_CHILD = 60000 };

/*
 * How long after its start an SA of `lifetime` milliseconds is rekeyed by this end (S24): the initiator acts
 * at the margin, or at half of a lifetime that is not longer; the other end a little later, if it is still
 * needed.
 */
msec_t rekey_delay(struct ike_engine *engine, msec_t lifetime, msec_t margin, bool initiator);

/* How long to wait before a rekey that the peer put off (TEMPORARY_FAILURE) is tried again. */
msec_t rekey_retry_delay(struct ike_engine *engine, msec_t expires);

/*
 * How long to wait before a rekey that the peer has refused `refusals` times before is tried again (S44): 10
 * seconds, twice as long each time, the last time right before the SA ends. MSEC_NEVER: not any more.
 */
msec_t rekey_refused_delay(const struct ike_engine *engine, msec_t expires, unsigned refusals);

/*
 * The same for a peer that answers with TEMPORARY_FAILURE: soon (rekey_retry_delay) the first times, since
 * its reason is a rekey of its own as a rule (RFC 7296 2.25), then as after a refusal.
 */
msec_t rekey_postponed_delay(struct ike_engine *engine, msec_t expires, unsigned refusals);

/* True if this end may start rekeys in the tunnel (R49, R63; not while it is shut down). */
bool rekey_is_allowed(const struct ike_tunnel *tunnel);

#endif
