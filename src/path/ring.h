/*
 * A bounded queue between two threads without locks: one puts elements in, the other takes them out in their
 * order. Neither ever waits for the other: a full ring refuses an element, and the one who puts keeps its
 * state such that it tries again.
 */
#ifndef MUSUBI_PATH_RING_H
#define MUSUBI_PATH_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
    uint32_t capacity;   /* elements */
    size_t element_size; /* octets */
    uint8_t *elements;
    _Alignas(64) _Atomic uint32_t put;
    _Alignas(64) _Atomic uint32_t taken;
};

/* Makes room for `capacity` elements, a power of two, in a zeroed ring; false if memory ran out. ring_free
 * may follow in any case. */
bool ring_allocate(struct ring *ring, uint32_t capacity, size_t element_size);
void ring_free(struct ring *ring);

/* For the one thread that puts: adds a copy of the element; false if the ring is full. */
bool ring_put(struct ring *ring, const void *element);

/* For the one thread that takes: copies the oldest element to `element`; false if there is none. */
bool ring_take(struct ring *ring, void *element);

#endif
