/*
 * The MSS option of TCP SYNs that pass through a tunnel is lowered to what fits (R75).
 */
#ifndef MUSUBI_PATH_MSS_H
#define MUSUBI_PATH_MSS_H

#include <stdatomic.h>

#include "base/bytes.h"

/* The largest MSS that passes, octets; 0: any. The worker of a tunnel's outbound direction sets them, that of
 * an inbound one reads them. */
struct mss_limits {
    _Atomic uint16_t v4, v6;
};

static inline bool mss_limits_are_set(const struct mss_limits *limits)
{
    return atomic_load_explicit(&limits->v4, memory_order_relaxed) != 0 ||
           atomic_load_explicit(&limits->v6, memory_order_relaxed) != 0;
}

/*
 * Lowers the MSS option of the packet, if it is a TCP SYN with a larger one, and corrects its checksum
 * (RFC 1624). True if it did. Other packets, and those whose TCP options are odd or cut off, stay as they
 * are.
 */
bool mss_clamp(uint8_t *packet, size_t length, const struct mss_limits *limits);

#endif
