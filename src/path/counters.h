/*
 * Counters in shared memory: one writer, the owner worker; readers elsewhere see each value whole, though not
 * all of one moment.
 */
#ifndef MUSUBI_PATH_COUNTERS_H
#define MUSUBI_PATH_COUNTERS_H

#include <stdint.h>

static inline void counter_add(uint64_t *counter, uint64_t n)
{
    uint64_t value = __atomic_load_n(counter, __ATOMIC_RELAXED);
    __atomic_store_n(counter, value + n, __ATOMIC_RELAXED);
}

static inline void counter_write(uint64_t *counter, uint64_t value)
{
    __atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

static inline uint64_t counter_read(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
