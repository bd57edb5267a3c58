/*
 * Text that grows as it is written: what commands print. A failure (no memory, or more than TEXT_MAX octets)
 * is kept until it is asked for, so that nobody has to check after each line.
 */
#ifndef MUSUBI_DAEMON_IPC_TEXT_H
#define MUSUBI_DAEMON_IPC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT_MAX = 64 << 20 };

/* Start with a zeroed one. */
struct text {
    char *at; /* ends with NUL; NULL while it is empty */
    size_t length;
    size_t capacity;
    bool failed;
};

/* Wipes and frees it, and leaves an empty one. */
void text_free(struct text *text);

void text_append(struct text *text, const char *from, size_t length);

/* Appends what printf would print. */
__attribute__((format(printf, 2, 3))) void text_print(struct text *text, const char *format, ...);

/* Appends octets as hexadecimal digits. */
void text_append_hex(struct text *text, const uint8_t *octets, size_t length);

/* Copies a text of one line, cut to `size` octets with its NUL, so that it can do no harm to a terminal: it
 * may tell what a peer claimed. */
void text_tame(char *out, size_t size, const char *text);

/* The text so far, never NULL. */
const char *text_get(const struct text *text);

#endif
