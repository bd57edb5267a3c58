#include "ike/services/effects.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

struct effects_chunk {
    struct effects_chunk *next;
    size_t used, capacity;
    _Alignas(16) uint8_t memory[];
};

enum { CHUNK_SIZE = 16384 };

static void chunk_free(struct effects_chunk *chunk)
{
    secret_free(chunk, sizeof *chunk + chunk->used);
}

void effects_reset(struct effects *e)
{
    e->record_count = 0;
    e->action_count = 0;
    e->out_of_memory = false;
    /* One chunk is kept for the next answer. */
    while (e->chunks != NULL && e->chunks->next != NULL) {
        struct effects_chunk *chunk = e->chunks;
        e->chunks = chunk->next;
        chunk_free(chunk);
    }
    if (e->chunks != NULL) {
        secret_wipe(e->chunks->memory, e->chunks->used);
        e->chunks->used = 0;
    }
}

void effects_free(struct effects *e)
{
    effects_reset(e);
    if (e->chunks != NULL)
        chunk_free(e->chunks);
    free(e->records);
    free(e->actions);
    *e = (struct effects){0};
}

static struct effects_chunk *chunk_new(size_t size)
{
    size_t capacity = size > CHUNK_SIZE ? size : CHUNK_SIZE;
    struct effects_chunk *chunk = calloc(1, sizeof *chunk + capacity);
    if (chunk != NULL)
        chunk->capacity = capacity;
    return chunk;
}

void *effects_alloc(struct effects *e, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (e->chunks == NULL || e->chunks->capacity - e->chunks->used < size) {
        struct effects_chunk *chunk = chunk_new(size);
        if (chunk == NULL) {
            e->out_of_memory = true;
            return NULL;
        }
        chunk->next = e->chunks;
        e->chunks = chunk;
    }
    void *at = e->chunks->memory + e->chunks->used;
    e->chunks->used += size;
    memset(at, 0, size);
    return at;
}

struct octets effects_copy(struct effects *e, struct octets from)
{
    uint8_t *to = effects_alloc(e, from.length);
    if (to == NULL)
        return (struct octets){NULL, 0};
    if (from.length > 0)
        memcpy(to, from.at, from.length);
    return (struct octets){to, from.length};
}

/* Makes room for one more element. */
static bool grow(void **array, size_t count, size_t *capacity, size_t element_size)
{
    if (count < *capacity)
        return true;
    size_t larger = *capacity == 0 ? 16 : 2 * *capacity;
    void *moved = reallocarray(*array, larger, element_size);
    if (moved == NULL)
        return false;
    *array = moved;
    *capacity = larger;
    return true;
}

void effects_add_action(struct effects *e, const struct ike_action *action)
{
    void *array = e->actions;
    if (!grow(&array, e->action_count, &e->action_capacity, sizeof *e->actions)) {
        e->out_of_memory = true;
        return;
    }
    e->actions = array;
    e->actions[e->action_count++] = *action;
}

void effects_add_record(struct effects *e, uint32_t serial, uint32_t tunnel, struct octets state)
{
    void *array = e->records;
    if (!grow(&array, e->record_count, &e->record_capacity, sizeof *e->records)) {
        e->out_of_memory = true;
        return;
    }
    e->records = array;
    e->records[e->record_count++] = (struct ike_record_effect){serial, tunnel, state};
}

const struct ike_effects *effects_view(struct effects *e)
{
    e->view = (struct ike_effects){e->records, e->record_count, e->actions, e->action_count};
    return &e->view;
}
