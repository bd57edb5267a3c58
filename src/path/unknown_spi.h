/*
 * Who sent ESP for SPIs that we do not have: whether the controller is to hear of it (S9, S46). Each address
 * is reported at most once in 10 s. All together are not reported faster than the controller can take up: a
 * report that it passes over would keep that address silent for 10 s. The table has a fixed size, whatever an
 * attacker does.
 */
#ifndef MUSUBI_PATH_UNKNOWN_SPI_H
#define MUSUBI_PATH_UNKNOWN_SPI_H

#include "base/address.h"
#include "base/deadline.h"

enum {
    UNKNOWN_SPI_SETS = 128,      /* of places, one set for each hash of an address */
    UNKNOWN_SPI_PLACES = 4,      /* in each */
    UNKNOWN_SPI_SILENCE = 10000, /* milliseconds for one address */
    UNKNOWN_SPI_RATE = 10,       /* of all workers together, in a second */
};

struct unknown_spi_sender {
    struct ip_address address;
    msec_t reported;
};

struct unknown_spi_table {
    uint64_t seed;
    struct unknown_spi_sender senders[UNKNOWN_SPI_SETS][UNKNOWN_SPI_PLACES];
    unsigned rate;     /* reports in a second: this worker's part of UNKNOWN_SPI_RATE, at least 1 */
    unsigned reported; /* in the second that began at `since` */
    msec_t since;
};

/* An empty table of one of `workers` workers. */
struct unknown_spi_table unknown_spi_table_of(uint64_t seed, unsigned workers);

/* True if `address` is to be reported now, which is then noted. */
bool unknown_spi_may_report(struct unknown_spi_table *table, const struct ip_address *address, msec_t now);

#endif
