/*
 * A text that is put together piece by piece in a buffer of fixed size. If it does not fit, it is cut and
 * ends with "...". For log lines that quote what a peer claims, which may have any length.
 */
#ifndef MUSUBI_BASE_SHORT_TEXT_H
#define MUSUBI_BASE_SHORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct short_text {
    char *at;      /* always ends with NUL */
    size_t size;   /* octets of the buffer */
    size_t length; /* octets, without the NUL */
    bool cut;      /* it ends with "..." */
};

/* An empty text in a buffer of `size` octets, at least 4, which must outlive it. */
struct short_text short_text_in(char *buffer, size_t size);

/* Appends text as printf does. Once the text has been cut, nothing more is appended. */
__attribute__((format(printf, 2, 3))) void short_text_add(struct short_text *text, const char *format, ...);

#endif
