#include "ike/live_slots.h"

#include <stdlib.h>

void live_slots_clear(struct live_slots *slots)
{
    free(slots->resting);
    *slots = (struct live_slots){0};
}

/* Where the nth of the resting slots stands. */
static size_t place(const struct live_slots *slots, size_t n)
{
    size_t at = slots->first + n;
    return at < slots->capacity ? at : at - slots->capacity;
}

uint32_t live_slots_take(struct live_slots *slots, msec_t now)
{
    if (slots->count == 0 || now - slots->resting[slots->first].since < LIVE_SLOT_REST)
        return slots->next++;
    uint32_t slot = slots->resting[slots->first].slot;
    slots->first = place(slots, 1);
    slots->count--;
    return slot;
}

/* Makes room for one more. False if there is no memory. */
static bool reserve(struct live_slots *slots)
{
    if (slots->count < slots->capacity)
        return true;
    size_t capacity = slots->capacity == 0 ? 64 : 2 * slots->capacity;
    struct resting_slot *larger = calloc(capacity, sizeof *larger);
    if (larger == NULL)
        return false;
    for (size_t i = 0; i < slots->count; i++)
        larger[i] = slots->resting[place(slots, i)];
    free(slots->resting);
    slots->resting = larger;
    slots->first = 0;
    slots->capacity = capacity;
    return true;
}

void live_slots_give_back(struct live_slots *slots, uint32_t slot, msec_t now)
{
    if (!reserve(slots))
        return; /* the slot is lost; there are more than enough of them */
    slots->resting[place(slots, slots->count)] = (struct resting_slot){slot, now};
    slots->count++;
}
