#include "esp/framing.h"

enum {
    HEADER_SIZE = 8,  /* SPI and sequence number */
    TRAILER_SIZE = 2, /* padding length and next header */
    ALIGNMENT = 4,    /* RFC 4303 2.4: whatever the cipher's block is */
};

struct esp_framing esp_framing_of(const struct encryption_algorithm *encryption,
                                  const struct integrity_algorithm *integrity)
{
    size_t block = encryption->block_size;
    return (struct esp_framing){
        .front = (uint8_t)(HEADER_SIZE + encryption->iv_size),
        .alignment = (uint8_t)(block > ALIGNMENT ? block : ALIGNMENT),
        .icv = (uint8_t)(integrity != NULL ? integrity->icv_size : encryption->icv_size),
    };
}

size_t esp_framing_sealed_size(const struct esp_framing *framing, size_t inner)
{
    size_t mask = framing->alignment - 1U;
    return framing->front + ((inner + TRAILER_SIZE + mask) & ~mask) + framing->icv;
}

size_t esp_framing_largest_inner(const struct esp_framing *framing, size_t sealed)
{
    size_t around = (size_t)framing->front + framing->icv;
    size_t text = sealed > around ? (sealed - around) & ~(framing->alignment - (size_t)1) : 0;
    return text > TRAILER_SIZE ? text - TRAILER_SIZE : 0;
}
