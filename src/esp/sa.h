/*
 * One direction of a Child SA as the packet path sees it (RFC 4303): keys ready for use, the selectors, and a
 * pointer to the live state (sequence number, replay window, counters), which stands in memory that outlives
 * every process and is changed by the SA's owner worker alone.
 */
#ifndef MUSUBI_ESP_SA_H
#define MUSUBI_ESP_SA_H

#include "base/address.h"
#include "crypto/algorithm.h"

enum {
    ESP_REPLAY_WINDOW = 1024,     /* packets (S26) */
    ESP_SEQUENCE_BLOCK = 1 << 16, /* outbound numbers reserved at a time, see esp_live.sequence_mark */
    ESP_SELECTORS_MAX = 8,        /* of one side of a Child SA */
};

/*
 * A traffic selector (RFC 7296 3.13.1). For ICMP, `first_port` and `last_port` are type and code in the high
 * and low octet. `protocol` 0 is any.
 */
struct traffic_selector {
    uint8_t protocol;
    uint16_t first_port;
    uint16_t last_port;
    struct ip_address first;
    struct ip_address last;
};

/* What one counter of `show ikev2 child-sa` counts; the same for a tunnel's totals. */
enum esp_counter {
    ESP_OUT_PACKETS,
    ESP_OUT_OCTETS,
    ESP_OUT_CIPHER_FAILURE,
    ESP_OUT_NO_MEMORY,
    ESP_OUT_TS_UNACCEPTABLE,
    ESP_OUT_MISC_ERROR,
    ESP_IN_PACKETS,
    ESP_IN_OCTETS,
    ESP_IN_INVALID_SA,
    ESP_IN_REPLAY,
    ESP_IN_INTEGRITY_FAILURE,
    ESP_IN_CIPHER_FAILURE,
    ESP_IN_TRUNCATED,
    ESP_IN_INVALID_PADDING,
    ESP_IN_UNKNOWN_PROTOCOL,
    ESP_IN_NO_MEMORY,
    ESP_IN_TS_UNACCEPTABLE,
    ESP_IN_MISC_ERROR,
    ESP_COUNTER_COUNT
};

/*
 * The live state of one Child SA, both directions, in shared memory. One writer (the owner worker); readers
 * elsewhere see each 64-bit field whole.
 */
struct esp_live {
    uint32_t version;     /* ESP_LIVE_VERSION; 0: slot free */
    uint32_t inbound_spi; /* to recognise the slot's owner after a restart */
    uint64_t
        sequence_mark;   /* outbound: no number at or above it has been used. A worker that takes the SA over
                            goes on from here; it is raised by ESP_SEQUENCE_BLOCK before it is reached */
    uint64_t replay_top; /* inbound: the highest number authenticated */
    uint64_t replay_bits[ESP_REPLAY_WINDOW / 64 + 1]; /* bit n % size: number n was seen (RFC 6479) */
    uint64_t last_inbound; /* milliseconds of CLOCK_BOOTTIME of the last authenticated packet; 0: none */
    uint64_t counters[ESP_COUNTER_COUNT];
};

enum { ESP_LIVE_VERSION = 1 };

#endif
