#include "path/events.h"

bool event_ring_put(struct event_ring *ring, const struct path_event *event)
{
    uint32_t put = atomic_load_explicit(&ring->put, memory_order_relaxed);
    if (put - atomic_load_explicit(&ring->taken, memory_order_acquire) == EVENTS_SIZE)
        return false;
    ring->slots[put % EVENTS_SIZE] = *event;
    atomic_store_explicit(&ring->put, put + 1, memory_order_release);
    return true;
}

bool event_ring_take(struct event_ring *ring, struct path_event *event)
{
    uint32_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    if (taken == atomic_load_explicit(&ring->put, memory_order_acquire))
        return false;
    *event = ring->slots[taken % EVENTS_SIZE];
    atomic_store_explicit(&ring->taken, taken + 1, memory_order_release);
    return true;
}
