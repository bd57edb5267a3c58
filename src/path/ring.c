#include "path/ring.h"

#include <stdlib.h>
#include <string.h>

bool ring_allocate(struct ring *ring, uint32_t capacity, size_t element_size)
{
    ring->capacity = capacity;
    ring->element_size = element_size;
    ring->elements = calloc(capacity, element_size);
    return ring->elements != NULL;
}

void ring_free(struct ring *ring)
{
    free(ring->elements);
    ring->elements = NULL;
}

static uint8_t *ring_element(const struct ring *ring, uint32_t number)
{
    return ring->elements + (number & (ring->capacity - 1)) * ring->element_size;
}

bool ring_put(struct ring *ring, const void *element)
{
    uint32_t put = atomic_load_explicit(&ring->put, memory_order_relaxed);
    if (put - atomic_load_explicit(&ring->taken, memory_order_acquire) == ring->capacity)
        return false;
    memcpy(ring_element(ring, put), element, ring->element_size);
    atomic_store_explicit(&ring->put, put + 1, memory_order_release);
    return true;
}

bool ring_take(struct ring *ring, void *element)
{
    uint32_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    if (taken == atomic_load_explicit(&ring->put, memory_order_acquire))
        return false;
    memcpy(element, ring_element(ring, taken), ring->element_size);
    atomic_store_explicit(&ring->taken, taken + 1, memory_order_release);
    return true;
}
