/*
 * Packets for which the peer refused a Child SA: for another one like them it is asked again after a minute
 * at the soonest, after twice as long each time, after an hour at the latest (S42, S44).
 *
 * Alike are packets between the same two addresses; where the peer does not want a Child SA for each pair of
 * addresses, of one protocol and one port of either side, since one side's port is a new one each time.
 */
#ifndef MUSUBI_IKE_SA_REFUSED_PACKETS_H
#define MUSUBI_IKE_SA_REFUSED_PACKETS_H

#include "ike/sa/additional_children.h"

/* How long something is not asked for, in milliseconds, that was refused `refusals` times before. */
msec_t refusal_delay(unsigned refusals);

/* True if a Child SA for packets like this one was refused, and is not to be asked for at `now`. */
bool refused_packets_hold(const struct additional_children *f, const struct packet_flow *flow, msec_t now);

/* One was refused at `now`; one was granted. */
void refused_packets_add(struct additional_children *f, const struct packet_flow *flow, msec_t now);
void refused_packets_forget(struct additional_children *f, const struct packet_flow *flow);

/* All may be asked for again. */
void refused_packets_clear(struct additional_children *f);

#endif
