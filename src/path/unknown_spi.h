/*
 * Who sent ESP for SPIs that we do not have: whether the controller is to hear of it (S9). Each address is
 * told of at most once in 10 s, and all together not faster than a steady rate; a small table that is
 * overwritten holds whatever an attacker does.
 */
#ifndef MUSUBI_PATH_UNKNOWN_SPI_H
#define MUSUBI_PATH_UNKNOWN_SPI_H

#include "base/address.h"
#include "base/deadline.h"

enum {
    UNKNOWN_SPI_SIZE = 256,      /* addresses remembered */
    UNKNOWN_SPI_SILENCE = 10000, /* milliseconds for one address */
    UNKNOWN_SPI_RATE = 100,      /* of all, in a second */
};

struct unknown_spi_sender {
    struct ip_address address;
    msec_t told;
};

struct unknown_spi_table {
    uint64_t seed;
    struct unknown_spi_sender senders[UNKNOWN_SPI_SIZE];
    msec_t second; /* the one that `told` counts in */
    unsigned told;
};

/* True if the controller may be told of `address` now, and then does not want it told again soon. */
bool unknown_spi_may_tell(struct unknown_spi_table *table, const struct ip_address *address, msec_t now);

#endif
