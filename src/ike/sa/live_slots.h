/*
 * The slots of the packet path's live area (struct esp_live), one for each Child SA. A slot that was given
 * back is used again before a new one is.
 */
#ifndef MUSUBI_IKE_SA_LIVE_SLOTS_H
#define MUSUBI_IKE_SA_LIVE_SLOTS_H

#include <stddef.h>
#include <stdint.h>

/* In the place of a slot: there is none. */
#define LIVE_SLOT_NONE UINT32_MAX

/* Zeroed, all slots are free. */
struct live_slots {
    uint32_t *given_back;
    size_t count, capacity; /* of `given_back` */
    uint32_t next;          /* the lowest slot that was never taken */
};

/* Takes a free slot. */
uint32_t live_slots_take(struct live_slots *slots);

/* Gives a slot back; LIVE_SLOT_NONE is none. It is lost if there is no memory to note it; there are more than
 * enough of them. */
void live_slots_give_back(struct live_slots *slots, uint32_t slot);

/* Frees the memory of `slots`. */
void live_slots_free(struct live_slots *slots);

#endif
