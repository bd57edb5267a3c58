/*
 * Events from one worker to the controller: a bounded ring without locks. Who raises one learns whether it
 * found room and keeps its state such that it is raised again if it did not.
 */
#ifndef MUSUBI_PATH_EVENTS_H
#define MUSUBI_PATH_EVENTS_H

#include <stdatomic.h>

#include "path/path.h"

enum { EVENTS_SIZE = 512 }; /* a power of two */

struct event_ring {
    struct path_event slots[EVENTS_SIZE];
    _Alignas(64) _Atomic uint32_t put;
    _Alignas(64) _Atomic uint32_t taken;
};

/* Worker: adds an event; false if the ring is full. */
bool event_ring_put(struct event_ring *ring, const struct path_event *event);

/* Controller: takes the oldest event; false if there is none. */
bool event_ring_take(struct event_ring *ring, struct path_event *event);

#endif
