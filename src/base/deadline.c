#include "base/deadline.h"

#include <stdlib.h>

void deadline_heap_free(struct deadline_heap *heap)
{
    free(heap->entries);
    *heap = (struct deadline_heap){0};
}

static void heap_put(struct deadline_heap *heap, size_t place, struct deadline *d)
{
    heap->entries[place - 1] = d;
    d->place = place;
}

static void heap_sift_up(struct deadline_heap *heap, struct deadline *d)
{
    size_t place = d->place;
    while (place > 1 && heap->entries[place / 2 - 1]->due > d->due) {
        heap_put(heap, place, heap->entries[place / 2 - 1]);
        place /= 2;
    }
    heap_put(heap, place, d);
}

static void heap_sift_down(struct deadline_heap *heap, struct deadline *d)
{
    size_t place = d->place;
    for (;;) {
        size_t child = 2 * place;
        if (child > heap->count)
            break;
        if (child < heap->count && heap->entries[child]->due < heap->entries[child - 1]->due)
            child++;
        if (heap->entries[child - 1]->due >= d->due)
            break;
        heap_put(heap, place, heap->entries[child - 1]);
        place = child;
    }
    heap_put(heap, place, d);
}

bool deadline_set(struct deadline_heap *heap, struct deadline *d, msec_t due)
{
    if (due == MSEC_NEVER) {
        deadline_cancel(heap, d);
        return true;
    }
    if (d->place == 0) {
        if (heap->count == heap->capacity) {
            size_t capacity = heap->capacity == 0 ? 64 : 2 * heap->capacity;
            struct deadline **entries = reallocarray(heap->entries, capacity, sizeof(struct deadline *));
            if (entries == NULL)
                return false;
            heap->entries = entries;
            heap->capacity = capacity;
        }
        heap_put(heap, ++heap->count, d);
    }
    d->due = due;
    heap_sift_up(heap, d);
    heap_sift_down(heap, d);
    return true;
}

void deadline_cancel(struct deadline_heap *heap, struct deadline *d)
{
    if (d->place == 0)
        return;
    struct deadline *last = heap->entries[heap->count - 1];
    size_t hole = d->place;
    heap->count--;
    d->place = 0;
    if (last == d)
        return;
    heap_put(heap, hole, last);
    heap_sift_up(heap, last);
    heap_sift_down(heap, last);
}

bool deadline_is_set(const struct deadline *d)
{
    return d->place != 0;
}

msec_t deadline_next(const struct deadline_heap *heap)
{
    return heap->count == 0 ? MSEC_NEVER : heap->entries[0]->due;
}

struct deadline *deadline_take_due(struct deadline_heap *heap, msec_t now)
{
    if (heap->count == 0 || heap->entries[0]->due > now)
        return NULL;
    struct deadline *d = heap->entries[0];
    deadline_cancel(heap, d);
    return d;
}
