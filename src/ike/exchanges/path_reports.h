/*
 * What the packet path reports of a Child SA: the peer uses it, it runs out of sequence numbers, its packets
 * come from another address (RFC 7296 2.8, 2.23; S24, S28). Packets for an unknown SPI: invalid_spi.h.
 */
#ifndef MUSUBI_IKE_EXCHANGES_PATH_REPORTS_H
#define MUSUBI_IKE_EXCHANGES_PATH_REPORTS_H

#include "ike/services/engine.h"

/* IKE_EVENT_CHILD_USED. */
void engine_child_used(struct ike_engine *engine, uint32_t inbound_spi);

/* IKE_EVENT_SEQUENCE_LOW: the Child SA is rekeyed, or deleted where this end may not rekey. */
void engine_sequence_low(struct ike_engine *engine, uint32_t inbound_spi);

/* IKE_EVENT_PEER_MOVED. */
void engine_peer_moved(struct ike_engine *engine, uint32_t inbound_spi, const struct ip_endpoint *remote);

#endif
