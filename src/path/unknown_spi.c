#include "path/unknown_spi.h"

#include <string.h>

static struct unknown_spi_sender *unknown_spi_place(struct unknown_spi_table *table,
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
    return &table->senders[h % UNKNOWN_SPI_SIZE];
}

bool unknown_spi_may_tell(struct unknown_spi_table *table, const struct ip_address *address, msec_t now)
{
    struct unknown_spi_sender *s = unknown_spi_place(table, address);
    if (ip_address_equal(&s->address, address) && now - s->told < UNKNOWN_SPI_SILENCE)
        return false;
    if (now / 1000 != table->second) {
        table->second = now / 1000;
        table->told = 0;
    }
    if (table->told == UNKNOWN_SPI_RATE)
        return false;
    table->told++;
    *s = (struct unknown_spi_sender){*address, now};
    return true;
}
