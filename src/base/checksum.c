#include "base/checksum.h"

#include <arpa/inet.h>
#include <string.h>

/* Four 64-bit numbers, which compilers add at once where the processor can. */
typedef uint64_t lanes __attribute__((vector_size(32)));

/* The sum in the machine's own byte order: the order does not matter until the end (RFC 1071 2 (B)). */
uint32_t checksum_sum(struct octets octets)
{
    const uint8_t *at = octets.at;
    size_t left = octets.length;
    lanes low = {0}, high = {0};
    for (; left >= sizeof(lanes); at += sizeof(lanes), left -= sizeof(lanes)) {
        lanes next;
        memcpy(&next, at, sizeof next);
        low += next & UINT32_MAX;
        high += next >> 32;
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof(lanes) / sizeof(uint64_t); i++)
        sum += low[i] + high[i];
    for (; left > 0; at += sizeof(uint32_t), left -= sizeof(uint32_t)) {
        uint32_t next = 0;
        size_t size = left < sizeof next ? left : sizeof next;
        memcpy(&next, at, size);
        sum += next;
        if (size == left)
            break;
    }
    sum = (sum & UINT32_MAX) + (sum >> 32);
    while (sum > UINT16_MAX)
        sum = (sum & UINT16_MAX) + (sum >> 16);
    return ntohs((uint16_t)sum);
}
