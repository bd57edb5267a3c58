/*
 * Which packet worker does what. Each direction of a Child SA has one owner, which alone touches the sequence
 * number or the replay window.
 *
 * - The inbound direction belongs to the worker that its SPI names: the SPI modulo 64, modulo the number of
 *   workers. host/steer.c has the same rule as a filter for sockets. We choose SPIs whose remainder modulo 64
 *   is the number of the worker, so that a peer that does not know how many workers we have can tell which
 *   of our SAs belong to one worker: those whose SPIs have the same remainder.
 * - The outbound direction belongs to the worker that reads the tunnel's TUN device. It follows from the
 *   tunnel's slot, a small number that the keeper gives to each tunnel: slots that are in use lie close
 * together, so that the tunnels spread over all workers whatever their names are.
 *
 * SPIs are chosen for the next worker, so that one tunnel keeps two busy.
 */
#ifndef MUSUBI_ESP_OWNER_H
#define MUSUBI_ESP_OWNER_H

#include <stdint.h>

enum { ESP_OWNERS_MAX = 64 /* workers */ };

/* SPIs with the same remainder belong to one worker, however many there are. */
static inline uint32_t esp_spi_remainder(uint32_t spi)
{
    return spi % ESP_OWNERS_MAX;
}

/* The worker, 0 to `workers` - 1, of the inbound direction with this SPI (host byte order). */
static inline uint32_t esp_owner_of_spi(uint32_t spi, uint32_t workers)
{
    return esp_spi_remainder(spi) % workers;
}

/* The worker that reads the TUN device of the tunnel with this slot. */
static inline uint32_t esp_owner_outbound(uint32_t slot, uint32_t workers)
{
    return slot % workers;
}

/* The worker to which the inbound SPIs of the tunnel with this slot are to lead. */
static inline uint32_t esp_owner_inbound(uint32_t slot, uint32_t workers)
{
    return (esp_owner_outbound(slot, workers) + 1) % workers;
}

/* An SPI that leads to the worker `owner`, made of `random`: any 32 bits. */
static inline uint32_t esp_spi_of_owner(uint32_t random, uint32_t owner)
{
    return random - esp_spi_remainder(random) + owner;
}

#endif
