/*
 * Slots of struct esp_live, one for each Child SA. One that was given back rests before it is taken again:
 * the packet path lets go of it only when the worker that used it has, some time after it was told.
 */
#ifndef MUSUBI_IKE_LIVE_SLOTS_H
#define MUSUBI_IKE_LIVE_SLOTS_H

#include "base/deadline.h"

enum { LIVE_SLOT_REST = 10000 }; /* milliseconds */

struct resting_slot {
    uint32_t slot;
    msec_t since;
};

/* Start with a zeroed one. */
struct live_slots {
    uint32_t next;                /* this one and those above it were never taken */
    struct resting_slot *resting; /* a ring, those first that have rested longest */
    size_t first, count, capacity;
};

void live_slots_clear(struct live_slots *slots);

/* The slot that has rested longest, if that is long enough, or else a new one. */
uint32_t live_slots_take(struct live_slots *slots, msec_t now);

void live_slots_give_back(struct live_slots *slots, uint32_t slot, msec_t now);

#endif
