/*
 * A config file as lines with their depths, before any of it is understood.
 */
#ifndef MUSUBI_CONFIG_SOURCE_H
#define MUSUBI_CONFIG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One line. Zeroed: none yet. */
struct source {
    const char *text; /* in the file; no NUL ends it */
    size_t length;    /* octets, without the line end */
    uint32_t number;  /* 1-based */
    size_t depth;     /* columns of blank space before its first word */
    size_t indent;    /* octets of it */
};

/* Takes the next line off the text from `*at` to `end`; false if there is none. `line` is the one before. */
bool source_next_line(const char **at, const char *end, struct source *line);

bool source_is_blank(const struct source *line);

/* `!` at its start. */
bool source_is_comment(const struct source *line);

/*
 * True if the file is indented: what stands under some header is deeper than it. Only then do depths tell
 * where a foreign section ends (S14). A file is not if nothing is, but lines follow headers directly. (Where
 * all sections are empty, and `!` between them as the printer puts it, it is.)
 */
bool source_is_indented(const char *text, const char *end);

#endif
