/*
 * Deadlines in a binary heap. Each deadline is embedded in the object that it belongs to. Setting, moving and
 * cancelling one takes O(log n), finding the next one O(1).
 */
#ifndef MUSUBI_BASE_DEADLINE_H
#define MUSUBI_BASE_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds on a clock that never goes back. */
typedef uint64_t msec_t;

/* A time that never comes. */
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

/* Frees the memory of the heap, not the deadlines. Those still set must not be used with it afterwards. */
void deadline_heap_free(struct deadline_heap *heap);

/* Sets or moves `d` to `due`; MSEC_NEVER unsets it. A zeroed deadline is unset. False if memory ran out; `d`
 * is then unset. */
bool deadline_set(struct deadline_heap *heap, struct deadline *d, msec_t due);

/* Unsets `d`; nothing happens if it is not set. */
void deadline_cancel(struct deadline_heap *heap, struct deadline *d);

/* True if `d` is set and has not been taken. */
bool deadline_is_set(const struct deadline *d);

/* The time of the earliest deadline; MSEC_NEVER if none is set. */
msec_t deadline_next(const struct deadline_heap *heap);

/* Unsets and returns the earliest deadline that is due at `now` or before; NULL if there is none. */
struct deadline *deadline_take_due(struct deadline_heap *heap, msec_t now);

#endif
