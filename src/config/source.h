/*
 * A config file as lines with their indentation, before they are parsed.
 */
#ifndef MUSUBI_CONFIG_SOURCE_H
#define MUSUBI_CONFIG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One line. Zeroed: the line before the first. */
struct source {
    const char *text; /* in the file; without NUL */
    size_t length;    /* octets, without the line end */
    uint32_t number;  /* 1-based */
    size_t depth;     /* columns before its first word */
    size_t indent;    /* octets before its first word */
};

/* Reads the line at `*at` and moves `*at` behind it; false at `end`. `line` holds the line before it, whose
 * number is counted on. */
bool source_next_line(const char **at, const char *end, struct source *line);

/* True if the line has no words. */
bool source_is_blank(const struct source *line);

/* True if the line starts with `!`. */
bool source_is_comment(const struct source *line);

/*
 * True if the file is indented. Only then does the depth of a line say where a foreign section ends (S14). A
 * file is indented if the line behind some header is deeper than the header. It is not if none is, and some
 * header is directly followed by a line of the same depth that is no header. If neither is the case, as when
 * all sections are empty with `!` between them, it counts as indented.
 */
bool source_is_indented(const char *text, const char *end);

#endif
