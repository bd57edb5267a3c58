/*
 * INVALID_SPI outside of an IKE SA (RFC 7296 1.5, 2.21.4, S46): by which an end that has lost its state lets
 * its peers know of it. Anybody can send it, so it is a hint alone: the peer is asked whether it is alive.
 */
#ifndef MUSUBI_IKE_EXCHANGES_INVALID_SPI_IN_CLEAR_H
#define MUSUBI_IKE_EXCHANGES_INVALID_SPI_IN_CLEAR_H

#include "ike/sa/candidates.h"
#include "ike/sa/ike_sa.h"

/*
 * ESP for an unknown SPI has arrived (the sender's port is 0 unless it came in UDP), and there is no IKE SA
 * in which to tell the sender: it is logged once in an hour for each address, and answered once in 10 s, all
 * addresses together 10 times in a second. The answer takes the route of the tunnels that may be meant.
 */
void invalid_spi_answer_in_clear(struct ike_engine *engine, uint32_t spi, const struct arrival *esp);

/* True if the datagram, whose header is valid and names no IKE SA, is meant as such a message. It is never
 * answered. */
bool invalid_spi_is_in_clear(const struct ike_header *header);

/*
 * Takes in such a message, and counts it: if the SPI is that by which we send to `remote`, the peer is asked
 * for liveness at once, unless it was for the same reason in the last 10 s.
 */
void invalid_spi_take_hint(struct ike_engine *engine, const struct ip_endpoint *remote,
                           const struct ike_header *header, struct octets datagram);

#endif
