#include "ike/sa/live_slots.h"

#include <stdlib.h>

uint32_t live_slots_take(struct live_slots *slots)
{
    if (slots->count > 0)
        return slots->given_back[--slots->count];
    return slots->next++;
}

void live_slots_give_back(struct live_slots *slots, uint32_t slot)
{
    if (slot == LIVE_SLOT_NONE)
        return;
    if (slots->count == slots->capacity) {
        size_t capacity = slots->capacity == 0 ? 64 : 2 * slots->capacity;
        uint32_t *larger = reallocarray(slots->given_back, capacity, sizeof *larger);
        if (larger == NULL)
            return;
        slots->given_back = larger;
        slots->capacity = capacity;
    }
    slots->given_back[slots->count++] = slot;
}

void live_slots_free(struct live_slots *slots)
{
    free(slots->given_back);
}
