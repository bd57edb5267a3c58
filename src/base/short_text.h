/*
 * A text that is put together piece by piece in a buffer of fixed size. What does not fit is cut off, and the
 * text ends with "..." then: for log lines that tell what a peer claims, which may be of any length.
 */
#ifndef MUSUBI_BASE_SHORT_TEXT_H
#define MUSUBI_BASE_SHORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct short_text {
    char *at;    /* always ends with NUL */
    size_t size; /* octets of the buffer */
    size_t length;
    bool cut;
};

/* An empty text in a buffer of `size` octets, at least 4. */
struct short_text short_text_in(char *buffer, size_t size);

/* Appends a printf text. */
__attribute__((format(printf, 2, 3))) void short_text_add(struct short_text *text, const char *format, ...);

#endif
