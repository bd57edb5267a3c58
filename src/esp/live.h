/*
 * The live state of a Child SA: sequence number, replay window, counters. It stands in shared memory that
 * outlives every process, so it is plain memory of fixed layout without pointers. Each of the two directions
 * has a single writer, the direction's owner worker; each lies in cache lines of its own (in an array of
 * these that starts on a line), so that the two owners may run on different cores. Others read single 64-bit
 * fields, whole. `silent_since` is the exception: the owner of the outbound direction writes it beside the
 * inbound one.
 */
#ifndef MUSUBI_ESP_LIVE_H
#define MUSUBI_ESP_LIVE_H

#include <stdint.h>

enum {
    ESP_LIVE_VERSION = 1,
    ESP_REPLAY_WINDOW = 1024, /* packets (S26) */
    ESP_SILENCE = 20000, /* milliseconds in which packets leave and none comes in, until that is told (S47) */
    ESP_SEQUENCE_BLOCK = 1 << 16, /* outbound numbers reserved at a time, see esp_live.sequence_mark */
};

/*
 * What one counter of `show ikev2 child-sa` counts; the same for a tunnel's totals. Octets are those of inner
 * packets. The outbound ones come first: see the layout of struct esp_live.
 */
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

struct esp_live {
    uint32_t version;     /* ESP_LIVE_VERSION; 0: slot free */
    uint32_t inbound_spi; /* to recognise the slot's owner after a restart */
    /* Outbound: no number at or above it has been used. A worker that takes the SA over goes on from here; it
     * is raised by ESP_SEQUENCE_BLOCK before it is reached, to 2^32 at most. 0 in a new slot. */
    uint64_t sequence_mark;
    uint64_t counters[ESP_COUNTER_COUNT];
    uint64_t replay_top; /* inbound: the highest number authenticated; 0: none yet */
    uint64_t replay_bits[ESP_REPLAY_WINDOW / 64 + 1]; /* bit n % 1088: number n was seen (RFC 6479) */
    uint64_t last_inbound; /* milliseconds of CLOCK_BOOTTIME of the last authenticated packet; 0: none */
    /* Milliseconds of CLOCK_BOOTTIME when the first packet left after the last one that came in, written once
     * packets have left for ESP_SILENCE since; 0: never. The outbound worker writes it, seldom. */
    uint64_t silent_since;
};

_Static_assert(sizeof(struct esp_live) % 64 == 0, "whole cache lines");
_Static_assert(__builtin_offsetof(struct esp_live, counters[ESP_IN_PACKETS]) == 64,
               "the outbound half fills the first cache line");

/* Adds to a counter. For the owner of the counter's direction alone. */
static inline void esp_live_count(struct esp_live *live, enum esp_counter counter, uint64_t amount)
{
    uint64_t *at = &live->counters[counter];
    __atomic_store_n(at, __atomic_load_n(at, __ATOMIC_RELAXED) + amount, __ATOMIC_RELAXED);
}

/* Milliseconds of CLOCK_BOOTTIME of the last authenticated packet; 0: none. For anyone. */
static inline uint64_t esp_live_heard(const struct esp_live *live)
{
    return __atomic_load_n(&live->last_inbound, __ATOMIC_RELAXED);
}

/* Since when packets have only left, milliseconds of CLOCK_BOOTTIME; 0: none that comes in is missed. For
 * anyone. */
static inline uint64_t esp_live_silent_since(const struct esp_live *live)
{
    uint64_t since = __atomic_load_n(&live->silent_since, __ATOMIC_RELAXED);
    return since > esp_live_heard(live) ? since : 0;
}

/* The value of a counter. For anyone. */
static inline uint64_t esp_live_counter(const struct esp_live *live, enum esp_counter counter)
{
    return __atomic_load_n(&live->counters[counter], __ATOMIC_RELAXED);
}

#endif
