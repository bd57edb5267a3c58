/*
 * The Internet checksum (RFC 1071), and what a change of 16 bits does to it (RFC 1624).
 */
#ifndef MUSUBI_BASE_CHECKSUM_H
#define MUSUBI_BASE_CHECKSUM_H

#include "base/bytes.h"

/* The one's complement sum of the octets as 16-bit words in network byte order, an odd one padded with 0;
 * at most 0xffff. Sums of several runs, all but the last of even length, may be added up. */
uint32_t checksum_sum(struct octets octets);

/* A sum of sums brought down to 16 bits, and its complement: what stands in a header. */
static inline uint16_t checksum_of_sum(uint32_t sum)
{
    sum = (sum & UINT16_MAX) + (sum >> 16);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    return (uint16_t)~sum;
}

/* The checksum of the octets, as it stands in a header whose own checksum field is 0 in them. */
static inline uint16_t checksum_of(struct octets octets)
{
    return checksum_of_sum(checksum_sum(octets));
}

/* The checksum after 16 bits that it covers, at an even offset, have become `to` instead of `from`. */
static inline uint16_t checksum_change(uint16_t checksum, uint16_t from, uint16_t to)
{
    return checksum_of_sum((uint32_t)(uint16_t)~checksum + (uint16_t)~from + to);
}

#endif
