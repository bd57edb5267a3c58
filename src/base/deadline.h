/*
 * Deadlines: a binary heap of things that are due at a time. Entries are embedded in what they belong to;
 * setting, moving and cancelling one costs O(log n), finding the next costs nothing.
 */
#ifndef MUSUBI_BASE_DEADLINE_H
#define MUSUBI_BASE_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds on a clock that never goes back; UINT64_MAX is never. */
typedef uint64_t msec_t;

#define MSEC_NEVER UINT64_MAX

struct deadline {
    msec_t due;
    size_t place; /* 1-based position in the heap; 0: not set */
};

struct deadline_heap {
    struct deadline **entries;
    size_t count;
    size_t capacity;
};

/* Frees the heap's own memory; the entries belong to others and must not be used with it any more. */
void deadline_heap_free(struct deadline_heap *heap);

/* Sets or moves `d` to `due`. A zeroed deadline is unset. False if memory ran out (then it is unset). */
bool deadline_set(struct deadline_heap *heap, struct deadline *d, msec_t due);

/* Unsets `d`; nothing happens if it is not set. */
void deadline_cancel(struct deadline_heap *heap, struct deadline *d);

bool deadline_is_set(const struct deadline *d);

/* The time of the earliest entry; MSEC_NEVER if there is none. */
msec_t deadline_next(const struct deadline_heap *heap);

/* Takes out and returns the earliest entry that is due at `now` or before; NULL if there is none. */
struct deadline *deadline_take_due(struct deadline_heap *heap, msec_t now);

#endif
