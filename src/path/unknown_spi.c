#include "path/unknown_spi.h"

#include <string.h>

static struct stranger *unknown_spi_place(struct strangers *strangers, const struct ip_address *address)
{
    uint64_t halves[2];
    memcpy(halves, address->octets, sizeof halves);
    uint64_t h = strangers->seed;
    for (size_t i = 0; i < 2; i++) {
        h ^= halves[i];
        h *= UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
    }
    return &strangers->table[h % UNKNOWN_SPI_SIZE];
}

bool unknown_spi_may_tell(struct strangers *strangers, const struct ip_address *address, msec_t now)
{
    struct stranger *s = unknown_spi_place(strangers, address);
    if (ip_address_equal(&s->address, address) && now - s->told < UNKNOWN_SPI_SILENCE)
        return false;
    if (now / 1000 != strangers->second) {
        strangers->second = now / 1000;
        strangers->told = 0;
    }
    if (strangers->told == UNKNOWN_SPI_RATE)
        return false;
    strangers->told++;
    *s = (struct stranger){*address, now};
    return true;
}
