/*
 * Which of several words a mistyped one was meant to be.
 */
#ifndef MUSUBI_CONFIG_NEAREST_H
#define MUSUBI_CONFIG_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

/* Keystrokes from one word to the other: letters inserted, left out, changed, or swapped with a neighbour.
 * Words beyond 32 octets are compared by their first 32; case does not count. */
size_t word_distance(const char *a, const char *b);

/* True if `word` may well be a slip for `meant`: few keystrokes away for its length. */
bool word_is_near(const char *word, const char *meant);

#endif
