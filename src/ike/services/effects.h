/*
 * The answer of the engine to one event, while it is put together: records, actions, and the memory that both
 * point to. All of it is used again for the next event.
 */
#ifndef MUSUBI_IKE_SERVICES_EFFECTS_H
#define MUSUBI_IKE_SERVICES_EFFECTS_H

#include "ike/ike.h"

struct effects_chunk;

struct effects {
    struct ike_effects view; /* what the caller of the engine sees */
    struct ike_record_effect *records;
    struct ike_action *actions;
    size_t record_count, record_capacity;
    size_t action_count, action_capacity;
    struct effects_chunk *chunks;
    bool out_of_memory; /* something could not be added; the next answer says so in the log */
};

/* Forgets all effects and wipes the memory that they pointed to (it held keys). */
void effects_reset(struct effects *e);

/* The same, and gives the memory back. */
void effects_free(struct effects *e);

/* Zeroed memory that lasts until effects_reset; NULL if there is none. */
void *effects_alloc(struct effects *e, size_t size);

/* A copy of octets that lasts until effects_reset; no octets if there is no memory. */
struct octets effects_copy(struct effects *e, struct octets from);

/* Adds an action or a record. They are lost if there is no memory. */
void effects_add_action(struct effects *e, const struct ike_action *action);
void effects_add_record(struct effects *e, uint32_t serial, uint32_t tunnel, struct octets state);

/* The answer as the caller sees it. */
const struct ike_effects *effects_view(struct effects *e);

#endif
