/*
 * Which packet worker a Child SA belongs to: told by its inbound SPI, which we choose. The same rule stands
 * in the filters of the sockets (host/steer.h), in the choice of SPIs, and in the workers.
 */
#ifndef MUSUBI_HOST_SPI_OWNER_H
#define MUSUBI_HOST_SPI_OWNER_H

#include <stdint.h>

/* The worker, 0 to `workers` - 1, that owns the Child SA with the inbound SPI `spi` (host byte order). */
static inline uint32_t spi_owner(uint32_t spi, uint32_t workers)
{
    return spi % workers;
}

#endif
