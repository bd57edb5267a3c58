/*
 * The Internet checksum (RFC 1071), and what a change of 16 bits does to it (RFC 1624).
 */
#ifndef MUSUBI_BASE_CHECKSUM_H
#define MUSUBI_BASE_CHECKSUM_H

#include "base/bytes.h"

/* The checksum of the octets, as it stands in a header whose own checksum field is 0 in them. */
static inline uint16_t checksum_of(struct octets octets)
{
    uint32_t sum = 0;
    size_t i = 0;
    for (; i + 1 < octets.length; i += 2)
        sum += load_u16be(octets.at + i);
    if (i < octets.length)
        sum += (uint32_t)octets.at[i] << 8;
    while (sum > UINT16_MAX)
        sum = (sum & UINT16_MAX) + (sum >> 16);
    return (uint16_t)~sum;
}

/* The checksum after 16 bits that it covers, at an even offset, have become `to` instead of `from`. */
static inline uint16_t checksum_change(uint16_t checksum, uint16_t from, uint16_t to)
{
    uint32_t sum = (uint32_t)(uint16_t)~checksum + (uint16_t)~from + to;
    sum = (sum & UINT16_MAX) + (sum >> 16);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    return (uint16_t)~sum;
}

#endif
