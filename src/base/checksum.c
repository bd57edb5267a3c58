#include "base/checksum.h"

#include <arpa/inet.h>
#include <string.h>

/* Four 64-bit numbers, which compilers add at once where the processor can. */
typedef uint64_t lanes __attribute__((vector_size(32)));

/* Also compiled for AVX2, which the loader chooses where the processor has it. Sanitizers are not ready yet
 * when the loader does. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define FOR_WIDE_VECTORS __attribute__((target_clones("avx2", "default")))
#else
#define FOR_WIDE_VECTORS
#endif

/* The sum in the machine's own byte order: the order does not matter until the end (RFC 1071 2 (B)). */
FOR_WIDE_VECTORS uint32_t checksum_sum(struct octets octets)
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
    for (; left >= sizeof(uint32_t); at += sizeof(uint32_t), left -= sizeof(uint32_t)) {
        uint32_t next;
        memcpy(&next, at, sizeof next);
        sum += next;
    }
    uint8_t rest[sizeof(uint32_t)] = {0};
    for (size_t i = 0; i < left; i++)
        rest[i] = at[i];
    uint32_t last;
    memcpy(&last, rest, sizeof last);
    sum += last;
    sum = (sum & UINT32_MAX) + (sum >> 32);
    while (sum > UINT16_MAX)
        sum = (sum & UINT16_MAX) + (sum >> 16);
    return ntohs((uint16_t)sum);
}
