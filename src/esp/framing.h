/*
 * How much larger a packet becomes by ESP (RFC 4303 2): the sizes of an ESP packet by its suite alone,
 * without an SA. In front of the inner packet stand SPI, sequence number and IV; behind it padding, its
 * length, the next header and the ICV.
 */
#ifndef MUSUBI_ESP_FRAMING_H
#define MUSUBI_ESP_FRAMING_H

#include "crypto/algorithm.h"

struct esp_framing {
    uint8_t front;     /* octets in front of the inner packet */
    uint8_t alignment; /* inner packet and trailer together are padded to a multiple of it, a power of two */
    uint8_t icv;       /* octets */
};

/* Of an encryption algorithm, and an integrity algorithm (NULL with an AEAD). */
struct esp_framing esp_framing_of(const struct encryption_algorithm *encryption,
                                  const struct integrity_algorithm *integrity);

/* Octets of the ESP packet, from SPI to ICV, for an inner packet of `inner` octets. */
size_t esp_framing_sealed_size(const struct esp_framing *framing, size_t inner);

/* The largest inner packet whose ESP packet has at most `sealed` octets; 0 if none has. */
size_t esp_framing_largest_inner(const struct esp_framing *framing, size_t sealed);

#endif
