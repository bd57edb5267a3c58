#include "path/unknown_spi.h"

#include <string.h>

static struct unknown_spi_sender *unknown_spi_set(struct unknown_spi_table *table,
                                                  const struct ip_address *address)
{
    uint64_t halves[2];
    memcpy(halves, address->octets, sizeof halves);
    uint64_t h = table->seed;
    for (size_t i = 0; i < 2; i++) {
        h ^= halves[i];
        h *= UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
    }
    return table->senders[h % UNKNOWN_SPI_SETS];
}

static bool is_recent(const struct unknown_spi_sender *s, msec_t now)
{
    return s->address.family != IP_NONE && now - s->reported < UNKNOWN_SPI_SILENCE;
}

/* A place for a report of the address; NULL if it was reported in the last 10 s, or all places are taken by
 * others that were. */
static struct unknown_spi_sender *unknown_spi_place(struct unknown_spi_table *table,
                                                    const struct ip_address *address, msec_t now)
{
    struct unknown_spi_sender *set = unknown_spi_set(table, address);
    struct unknown_spi_sender *place = NULL;
    for (size_t i = 0; i < UNKNOWN_SPI_PLACES; i++) {
        if (!is_recent(&set[i], now))
            place = &set[i];
        else if (ip_address_equal(&set[i].address, address))
            return NULL;
    }
    return place;
}

struct unknown_spi_table unknown_spi_table_of(uint64_t seed, unsigned workers)
{
    unsigned rate = UNKNOWN_SPI_RATE / workers;
    return (struct unknown_spi_table){.seed = seed, .rate = rate > 0 ? rate : 1};
}

bool unknown_spi_may_report(struct unknown_spi_table *table, const struct ip_address *address, msec_t now)
{
    if (now - table->since >= 1000) {
        table->since = now;
        table->reported = 0;
    }
    if (table->reported == table->rate)
        return false;
    struct unknown_spi_sender *s = unknown_spi_place(table, address, now);
    if (s == NULL)
        return false;
    table->reported++;
    *s = (struct unknown_spi_sender){*address, now};
    return true;
}
