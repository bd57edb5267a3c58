/*
 * What the log says of traffic selectors that the peer has narrowed (RFC 7296 2.9): what was asked for, with
 * the lines of the config, and what was granted (S42). As responder, whose selectors are those of the peer
 * (R71), it says so when a packet is dropped for it; and either end says so when its own config leaves a
 * packet out.
 *
 *     Tunnel1.0: the peer narrowed the traffic selectors: asked for local-ts any, remote-ts any, granted
 *     local 10.1.0.0-10.1.0.255, remote 10.2.0.0-10.2.0.255; local-ts and remote-ts: the default, no line
 * sets it Tunnel1.0: no Child SA for packets from 10.1.0.1 to 10.2.0.1, protocol 17, ports 1000 and 53 (the
 * peer asked for local 10.1.0.0-10.1.0.255, remote 10.2.0.0-10.2.0.255 protocol 6): they are dropped;
 *     local-ts and remote-ts: the default, no line sets it
 *     Tunnel1.0: packets from 10.1.9.1 to 10.2.0.1, protocol 17, ports 1000 and 53 are outside of local-ts
 *     and remote-ts of this end: they are dropped; local-ts and remote-ts: lines 5, 6
 */
#ifndef MUSUBI_IKE_REASONS_NARROWING_H
#define MUSUBI_IKE_REASONS_NARROWING_H

#include "ike/wire/child_exchange.h"

struct child_sa;
struct ike_sa;

/*
 * Warns if `made` has less than what was asked for of the families that it has; once for each grant, until
 * the tunnel's policy changes. Families that it has not are another matter: they get a Child SA of their own
 * (S38).
 */
void narrowing_warn(const struct ike_sa *sa, const struct child_request *asked, const struct child_sa *made);

/*
 * Warns that a packet with this flow, which no Child SA of `sa` holds, was dropped: if it is outside of the
 * policy, once; or if the selectors of `sa` are what the peer asked for, once for each set of such selectors.
 * When the tunnel's policy changes it is told again.
 */
void narrowing_warn_outside(const struct ike_sa *sa, const struct packet_flow *flow);

#endif
