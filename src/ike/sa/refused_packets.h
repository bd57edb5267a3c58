/*
 * Packets for which the peer refused a Child SA (S42, S44). For a packet that is like one of them the peer is
 * asked again after a minute at the soonest, after twice as long each time, and after an hour at the latest.
 *
 * Packets between the same two addresses are alike if the peer wants a Child SA for each pair of addresses.
 * Else they must have the same protocol too, and one port in common: the other one is often a new one each
 * time. If the peer wants a Child SA for each pair of ports, both ports must be the same.
 */
#ifndef MUSUBI_IKE_SA_REFUSED_PACKETS_H
#define MUSUBI_IKE_SA_REFUSED_PACKETS_H

#include "ike/sa/additional_children.h"

/* Milliseconds to wait after a refusal of what was refused `refusals` times before. */
msec_t refusal_delay(unsigned refusals);

/* True if a Child SA for packets like this one was refused, and is not to be asked for at `now`. */
bool refused_packets_hold(const struct additional_children *f, const struct packet_flow *flow, msec_t now);

/* A Child SA for the packet was refused at `now`. Without memory it is not remembered. */
void refused_packets_add(struct additional_children *f, const struct packet_flow *flow, msec_t now);

/* A Child SA for the packet was granted. */
void refused_packets_forget(struct additional_children *f, const struct packet_flow *flow);

/* All may be asked for again. Frees what was remembered. */
void refused_packets_clear(struct additional_children *f);

#endif
