/*
 * INVALID_SPI (RFC 7296 1.5, S9): ESP for an SPI of no Child SA, at this end or at the peer's.
 */
#ifndef MUSUBI_IKE_EXCHANGES_INVALID_SPI_H
#define MUSUBI_IKE_EXCHANGES_INVALID_SPI_H

#include "ike/sa/candidates.h"
#include "ike/sa/ike_sa.h"

/* Tells the peer that it sends ESP for an unknown SPI. */
extern const struct ike_task_kind task_invalid_spi;

/*
 * IKE_EVENT_SPI_UNKNOWN: ESP for an unknown SPI has arrived (the sender's port is 0 unless it came in UDP).
 * The peer is told so in the tunnel's IKE SA, so that it sends by another Child SA. If there is no IKE SA,
 * and the address is the configured peer's, one is made. Where neither can be, the sender gets an answer in
 * the clear (invalid_spi_in_clear.h).
 */
void invalid_spi_seen(struct ike_engine *engine, uint32_t spi, const struct arrival *esp);

/* The peer says in `sa` that it does not know the Child SA with this outbound SPI: deletes it. */
void invalid_spi_told(struct ike_sa *sa, uint32_t outbound_spi);

#endif
