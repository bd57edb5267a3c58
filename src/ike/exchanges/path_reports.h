/*
 * What the packet path reports of ESP: a Child SA that the peer uses, that runs out of sequence numbers,
 * whose packets come from elsewhere, and packets for an SPI of no SA (RFC 7296 1.5, 2.8, 2.23; S9, S24, S28).
 */
#ifndef MUSUBI_IKE_EXCHANGES_PATH_REPORTS_H
#define MUSUBI_IKE_EXCHANGES_PATH_REPORTS_H

#include "ike/sa/ike_sa.h"

/* The events IKE_EVENT_CHILD_USED, _SEQUENCE_LOW, _PEER_MOVED. */
void engine_child_used(struct ike_engine *engine, uint32_t inbound_spi);
void engine_sequence_low(struct ike_engine *engine, uint32_t inbound_spi);
void engine_peer_moved(struct ike_engine *engine, uint32_t inbound_spi, const struct ip_endpoint *remote);

/*
 * IKE_EVENT_SPI_UNKNOWN. The peer is told in the tunnel's IKE SA, so that it sends by another Child SA (RFC
 * 7296 1.5); where there is none, and the address is the configured peer's, one is made (S9).
 */
void engine_spi_unknown(struct ike_engine *engine, uint32_t spi, const struct ip_address *remote);

/* Tells the peer of ESP that came for an SPI of no SA. */
extern const struct ike_task_kind task_invalid_spi;

/* The peer does not know a Child SA of the tunnel (INVALID_SPI, authenticated by `sa`): deletes it. */
void ike_sa_forget_child_of_peer(struct ike_sa *sa, uint32_t outbound_spi);

#endif
